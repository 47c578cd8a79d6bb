"""How high are the dropout rates that the model families ship with?

The configuration of each family is made without arguments and its dropout fields are read, apart
for the places they are meant for. Of a family's body, which is all but the heads of single tasks,
the largest and the middle rate stand for it: a family has dropout if its largest rate is above 0,
and "about 0.1" is from 0.05 to 0.15 for the middle one. Each family is judged apart and counts
once: the passage's GPT is read as GPT-2, and the first GPT stands beside it.

The source is the library, not a paper and not a checkpoint: ViT was trained with a dropout of 0.1
on some data in its paper, and has 0.0 in transformers. No rate of a family that the documents name
differs between the versions 4.3, 4.20, 4.48, 4.57 and 5.23 of the library, as far as each has the
family. What a hub's checkpoint says in its own configuration takes a network.
``turned_on`` shows what models that are built from these rates do.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY
from studies.defaults.families import (
    ALBERT,
    BERT,
    DEBERTA,
    DEBERTA2,
    DISTILBERT,
    ELECTRA,
    GPT,
    GPT2,
    LLAMA,
    MODERNBERT,
    ROBERTA,
    T5,
    VIT,
    default_config,
    small_config,
    without_dropout,
)
from studies.defaults.fields import in_head, of_the_body, rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMED = (BERT, DEBERTA, DEBERTA2, GPT, GPT2, VIT, MODERNBERT)
OTHERS = (ROBERTA, DISTILBERT, ELECTRA, ALBERT, T5, LLAMA)
PLANTED, PLANTED_RATE = "BERT set to 0.3", 0.3
FAMILY = Factor("family", (*NAMED, *OTHERS, PLANTED))

ATTENTION, HIDDEN, EMBEDDINGS, INSIDE, HEAD = (
    "attention",
    "hidden states",
    "embeddings",
    "inside the feed-forward part",
    "head of a task",
)
LARGEST, MIDDLE = "largest of the body", "middle of the body"
PLACE = Factor("place", (LARGEST, MIDDLE, ATTENTION, HIDDEN, EMBEDDINGS, INSIDE, HEAD))

TENTH, ABOUT = 0.1, 0.05

#: Which families the claims name that say of some that they have dropout.
HAVE_DROPOUT: dict[str, tuple[str, ...]] = {
    "A-nuance-6": (BERT,),
    "A-nuance-7": (DEBERTA, DEBERTA2),
    "A-nuance-8": (GPT2,),
    "D-hurts-5": (BERT, GPT2, VIT),
}

CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    Claim(
        "A-nuance-1",
        Value("rate").at(family=MODERNBERT, place=(LARGEST, HEAD)).always(),
        equals(0),
        reading="The largest dropout rate that the library's ModernBERT configuration has by "
        "default is 0, in the body and in the head of a classifier.",
        headline={"place": LARGEST},
    ),
    Unmeasurable(
        "A-nuance-1",
        needs="a network, or the published checkpoint of ModernBERT-base",
        why="what ships is the checkpoint with a configuration of its own; the defaults of the "
        "library's class are read beside it and need not be the same.",
    ),
    *(
        Claim(
            claim,
            Value("rate").at(family=families, place=LARGEST).always(),
            more_than(0),
            reading="A family has dropout if at least one rate of its body is above 0 in the "
            "configuration that the library makes by default.",
            headline=False if claim == "D-hurts-5" else {"family": families[0]},
        )
        for claim, families in HAVE_DROPOUT.items()
    ),
    Claim(
        "D-hurts-5",
        Value("rate").at(family=HAVE_DROPOUT["D-hurts-5"], place=MIDDLE).always(),
        equals(TENTH, ABOUT),
        reading="About 0.1 is from 0.05 to 0.15, for the middle rate of the family's body in the "
        "library's default configuration.",
        headline={"family": BERT},
    ),
    Beyond(
        "D-hurts-5",
        Value("rate").at(family=OTHERS, place=MIDDLE).always(),
        equals(TENTH, ABOUT),
        why="a family that the passage does not name",
    ),
    Beyond(
        "D-hurts-5",
        Value("rate").at(family=GPT, place=MIDDLE).always(),
        equals(TENTH, ABOUT),
        why="the first GPT: the passage's GPT is read as GPT-2, and counts once",
    ),
    Control(
        "rates that were set are read",
        Value("rate").at(family=PLANTED, place=(LARGEST, MIDDLE, ATTENTION, HIDDEN)).always(),
        equals(PLANTED_RATE),
    ),
)


def place_of(name: str) -> str:
    """What the dropout of a field is meant for, by the field's name."""
    if in_head(name):
        return HEAD
    parts = ((ATTENTION, ("att",)), (EMBEDDINGS, ("emb",)), (INSIDE, ("mlp", "activation", "ff")))
    return next((place for place, words in parts if any(word in name for word in words)), HIDDEN)


def rate_at(found: Mapping[str, float], place: str) -> tuple[float, str]:
    """The rate at a place and the fields it is from; no number where there is none."""
    body = of_the_body(found)
    if place not in (LARGEST, MIDDLE):
        body = {name: rate for name, rate in found.items() if place_of(name) == place}
    if not body:
        return math.nan, "no field"
    pick = statistics.median if place == MIDDLE else max
    said = ", ".join(f"{name} {rate:g}" for name, rate in body.items())
    return float(pick(body.values())), said


def measure(_: Block, arm: Arm) -> Responses:
    """Make the family's configuration without arguments and read the rate of a place."""
    if arm[FAMILY] == PLANTED:
        config = small_config(BERT, without_dropout(BERT, PLANTED_RATE))
    else:
        config = default_config(arm[FAMILY])
    rate, said = rate_at(rates(config), arm[PLACE])
    return {"rate": Noted(rate, said)}


COLOURS = {ATTENTION: BLUE, HIDDEN: ORANGE, EMBEDDINGS: GREEN, INSIDE: PURPLE, HEAD: SKY}


def rates_by_family(table: pd.DataFrame) -> Figure:
    """A row a family, a dot a place of dropout, against the document's 0.1."""
    from matplotlib.figure import Figure

    shown = [name for name in FAMILY.levels if name != PLANTED]
    figure = Figure()
    axes = figure.subplots()
    axes.axvspan(TENTH - ABOUT, TENTH + ABOUT, color="#DDDDDD", label='"about 0.1"')
    for shift, (place, colour) in zip((-0.34, -0.17, 0, 0.17, 0.34), COLOURS.items(), strict=True):
        mine = table[(table["place"] == place) & table["value"].notna()]
        mine = mine[mine["family"].isin(shown)]
        rows = [-shown.index(family) - shift for family in mine["family"]]
        axes.plot(mine["value"], rows, "o", color=colour, label=place, markersize=8)
    axes.set_yticks([-row for row in range(len(shown))], shown, fontsize=15)
    axes.axhline(0.5 - len(NAMED), color=BLACK, lw=1)
    axes.text(
        0.24, 0.55 - len(NAMED), "named in the documents", va="bottom", fontsize=15, ha="right"
    )
    axes.text(0.24, 0.4 - len(NAMED), "not named", va="top", fontsize=15, ha="right")
    axes.set_xlim(-0.01, 0.245)
    axes.set_xlabel("dropout rate in the default configuration")
    figure.legend(loc="outside lower center", ncols=3)
    middle = table[(table["place"] == MIDDLE) & table["family"].isin(NAMED)].dropna(subset="value")
    near = middle[(middle["value"] - TENTH).abs() <= ABOUT + 1e-12]
    none = middle.loc[middle["value"] == 0, "family"].tolist()
    zero = f"; 0 in {' and '.join(none)}" if none else ""
    figure.suptitle(
        f"Default dropout is about 0.1 in {len(near)} of {len(NAMED)} model families that the "
        f"documents name{zero}\n(transformers' configurations, a dot a place of dropout)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="How high are the dropout rates that the model families ship with?",
    factors=(FAMILY, PLACE),
    responses=(Response("rate", "1", "default dropout rate"),),
    measure=measure,
    blocks=PerProfile(1, 1, 1),
    claims=CLAIMS,
    figures=(rates_by_family,),
    imports=("transformers",),
)
