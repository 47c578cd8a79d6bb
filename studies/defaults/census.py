"""In how many of transformers' configurations is dropout turned on by default?

Every configuration class that the library knows by name is made without arguments, and its dropout
fields are read, with those of configurations inside it. A class has dropout turned on if any rate
is above 0, turned off if it has fields and all are 0. Counted are all classes, and those of the
library's models for three tasks, since old and new, text and vision differ.

This is a census of one version of one library, and no sample: it counts each architecture once,
and not how often one meets it. So it bears on claims about the models that people meet, and settles
none. Whether people set 0.1 to 0.2 when they fine-tune is not even written in a configuration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import transformers
from studies.defaults.fields import of_the_body, rates_by_kind

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EVERYTHING, PLANTED = "all configurations", "three planted configurations"
#: Groups of models: the library's table of those that do a task.
TASKS = {
    "masked language models": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "causal language models": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "image classifiers": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
}
GROUP = Factor("group", (EVERYTHING, *TASKS, PLANTED))
MOST = 0.6  # ten points from one half: "most" at 0.51 would say nothing

_CLASSES = "classes of configurations, each counted once, where the words are about models met"
CLAIMS: tuple[Beyond | Control | Unmeasurable, ...] = (
    Unmeasurable(
        "A-nuance-9",
        needs="a count of the models that practitioners meet, by how often they do",
        why="what one meets is not what a library has; its configurations are counted beside it.",
    ),
    *(
        Beyond(
            "A-nuance-9",
            Value(response).at(group=(EVERYTHING, *TASKS)).always(),
            at_least(MOST),
            why=_CLASSES,
            reading="Most: at least 60 % of the classes have some dropout rate above 0.",
        )
        for response in ("on", "body_on")
    ),
    Unmeasurable(
        "A-nuance-5",
        needs="a survey of how people fine-tune language models",
        why="what is common is a count over practice; no default and no recipe shows it.",
    ),
    Beyond(
        "D-hurts-7",
        Value("path_on").at(group=(EVERYTHING, *TASKS)).always(),
        more_than(0.5),
        why=_CLASSES,
        reading="Standard would be more than half of the classes with stochastic depth turned on.",
    ),
    Control("a planted census is counted", Value("on").at(group=PLANTED).always(), equals(2 / 3)),
    Control("and its field at 0", Value("off").at(group=PLANTED).always(), equals(1 / 3)),
    Control(
        "hardly a class cannot be made without arguments",
        Value("made").at(group=(EVERYTHING, *TASKS)).always(),
        at_least(0.98),
    ),
)


@dataclass(frozen=True)
class Defaults:
    """The default rates of a configuration class, by field."""

    dropout: Mapping[str, float]
    path: Mapping[str, float]
    layers: Mapping[str, float]


#: A configuration with dropout, one with dropout in an inner one, and one with dropout at 0.
PLANTS = {
    "plain": Defaults({"dropout": 0.1}, {}, {}),
    "inner": Defaults({"text_config.dropout": 0.1, "dropout": 0.0}, {}, {}),
    "none": Defaults({"dropout": 0.0}, {}, {}),
}

Census = Mapping[str, "Defaults | None"]


def take_census(_: Block) -> Census:
    """The defaults of every configuration by the name of its model; None where none was made."""
    log: Any = transformers.utils.logging
    verbosity = log.get_verbosity()
    log.set_verbosity_error()
    try:
        return {name: defaults_of(name) for name in transformers.CONFIG_MAPPING}
    finally:
        log.set_verbosity(verbosity)


def defaults_of(name: str) -> Defaults | None:
    """The default rates of a model's configuration; None where it needs arguments."""
    try:
        config = transformers.CONFIG_MAPPING[name]()
    except Exception:  # noqa: BLE001 - whatever it lacks, it is counted as not made
        return None
    found = rates_by_kind(config)
    return Defaults(found["dropout"], found["drop path"], found["layer drop"])


def members(census: Census, group: str) -> Census:
    """The part of a census that is a group's."""
    if group == PLANTED:
        return PLANTS
    if group == EVERYTHING:
        return census
    table = getattr(transformers.models.auto.modeling_auto, TASKS[group])
    return {name: census[name] for name in table if name in census}


def measure(census: Census, arm: Arm) -> Responses:
    """The shares of a group's configurations."""
    group = members(census, arm[GROUP])
    made = [found for found in group.values() if found is not None]
    failed = [name for name, found in group.items() if found is None]

    def share(of: list[bool]) -> float:
        return sum(of) / len(made)

    on = [turned_on(found.dropout) for found in made]
    note = f"of {len(made)} classes; not made: {', '.join(failed) or 'none'}"
    return {
        "on": Noted(share(on), note),
        "body_on": share([turned_on(of_the_body(found.dropout)) for found in made]),
        "off": share([bool(found.dropout) and not turned_on(found.dropout) for found in made]),
        "path_on": share([turned_on(found.path) for found in made]),
        "layers_on": share([turned_on(found.layers) for found in made]),
        "made": len(made) / len(group),
        "classes": float(len(made)),
    }


def turned_on(found: Mapping[str, float]) -> bool:
    """Whether any of some rates is above 0."""
    return any(rate > 0 for rate in found.values())


def turned_on_by_task(table: pd.DataFrame) -> Figure:
    """Which share of configurations has dropout turned on, off, or no field for it."""
    from matplotlib.figure import Figure

    groups = [group for group in GROUP.levels if group != PLANTED]
    figure = Figure()
    axes = figure.subplots()
    ticks = []
    for place, group in enumerate(groups):
        on, off, classes = (reading(table, group, each) for each in ("on", "off", "classes"))
        if math.isnan(on):
            axes.text(0.01, -place, "failed", va="center")
            ticks.append(group)
            continue
        axes.barh(-place, on, color=ORANGE)
        axes.barh(-place, off, left=on, color=BLUE)
        axes.barh(-place, 1 - on - off, left=on + off, color="#CCCCCC")
        axes.text(0.01, -place, f"{100 * on:.0f} %", va="center")
        ticks.append(f"{group}\n({classes:.0f} classes)")
    axes.set_yticks([-place for place in range(len(groups))], ticks)
    axes.axvline(0.5, color="black", ls="--")
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of configuration classes, each counted once")
    axes.grid(visible=False, axis="y")
    for colour, words in ((ORANGE, "some rate above 0"), (BLUE, "rates, all 0")):
        axes.barh(0, 0, color=colour, label=words)
    axes.barh(0, 0, color="#CCCCCC", label="no rate")
    figure.legend(loc="outside lower center", ncols=3)
    first, *rest = (f"{100 * reading(table, g, 'on'):.0f} % of {g}" for g in groups)
    figure.suptitle(
        f"Dropout is on by default in {first} of transformers,\n{', '.join(rest)}\n"
        "(a census of one version, each class counted once)",
        fontsize=18,
    )
    return figure


def reading(table: pd.DataFrame, group: str, response: str) -> float:
    """The one value of a group's response; no number where it failed."""
    rows = table[(table["group"] == group) & (table["response"] == response)]
    return float(rows["value"].mean())


EXPERIMENT: Experiment[Census] = Experiment(
    question="In how many of transformers' configurations is dropout turned on by default?",
    factors=(GROUP,),
    responses=(
        Response("on", "1", "share of configuration classes with a dropout rate above 0"),
        Response("body_on", "1", "share with one above 0 outside the heads of tasks"),
        Response("off", "1", "share with dropout fields that are all 0"),
        Response("path_on", "1", "share with stochastic depth turned on"),
        Response("layers_on", "1", "share with LayerDrop turned on"),
        Response("made", "1", "share of the classes that can be made without arguments"),
        Response("classes", "classes", "number of configuration classes"),
    ),
    prepare=take_census,
    measure=measure,
    blocks=PerProfile(1, 1, 1),
    claims=CLAIMS,
    figures=(turned_on_by_task,),
    imports=("transformers",),
)
