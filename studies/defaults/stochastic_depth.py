"""Do BERT's variants, ViT and ResNet of transformers use stochastic depth?

Asked three times of each family at the installed version: does its default configuration have a
rate at which residual blocks are dropped, and which; does the source of its model speak of it; and
does a model built from the defaults, all ordinary dropout set to 0, still act by chance: two
passes over one batch in train mode differ. Survival of 0.9 is a rate of 0.1. Without a field the
rate is 0: nothing is dropped. The versions 4.3, 4.20, 4.48 and 4.57 speak of it in the source of
BERT, RoBERTa, DistilBERT, ALBERT, ELECTRA, DeBERTa and ViT, where they have it, as little as 5.23.

The sentence about BERT's variants is judged on the library's BERT family. That the last of three
regularisers dominates, or is standard, is a frequency in the field, which no run shows; the
document's table names BERT, ViT and ResNets for it, and whether these have it is shown. Vision
families that do have it, BiT and ConvNeXt that have a field at 0.0, stand beside them. LayerDrop,
which drops whole layers of BART or wav2vec 2.0, is another method: ``census`` counts it apart.
"""

from __future__ import annotations

import inspect
import re
import sys
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
    Region,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.libraries import torch
from studies.defaults.families import (
    ALBERT,
    BEIT,
    BERT,
    BIT,
    CONVNEXT,
    DEBERTA,
    DEBERTA2,
    DISTILBERT,
    ELECTRA,
    RESNET,
    ROBERTA,
    SWIN,
    VIT,
    batch,
    build,
    default_config,
    output,
    without_dropout,
)
from studies.defaults.fields import rates_by_kind

if TYPE_CHECKING:
    from torch import nn

BERTS = (BERT, ROBERTA, DISTILBERT, ALBERT, ELECTRA, DEBERTA, DEBERTA2)
VISION, STEMS = (BEIT, SWIN), (BIT, CONVNEXT)
PLANTED, NONE = "BEiT set to 0.1", "BEiT set to 0"
FAMILY = Factor("family", (*BERTS, VIT, RESNET, *VISION, *STEMS, PLANTED, NONE))
RATE, CERTAIN_ROWS = 0.1, 64  # no row of 64 loses a block once in 0.9^64, a thousandth

#: What is asked of a family, and what says that it uses stochastic depth.
ASKED: tuple[tuple[str, Region], ...] = (
    ("rate", equals(RATE, 1e-9)),
    ("mentions", at_least(1)),
    ("acts", equals(1)),
)
SURVIVAL = (
    "A family uses stochastic depth with survival 0.9 if its default configuration has a rate of "
    "0.1 for it, its model's source speaks of it, and a model built so acts by chance in train "
    "mode with ordinary dropout at 0."
)
_TABLE = "whether one family of one library has it, where the words are about the whole field"

CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    *(
        Claim(
            "D-adv-7",
            Value(response).at(family=BERTS).always(),
            region,
            reading=SURVIVAL,
            headline={"family": BERT} if response == "rate" else False,
        )
        for response, region in ASKED
    ),
    *(
        Beyond(
            "D-adv-7",
            Value(response).at(family=(*VISION, VIT)).always(),
            region,
            why="a vision model, which is no variant of BERT",
            reading=SURVIVAL,
        )
        for response, region in ASKED
    ),
    *(
        Beyond(
            "D-hurts-7",
            Value(response).at(family=families).always(),
            region,
            why=why,
            reading="A family that has stochastic depth has it turned on by default: " + words,
        )
        for families, why in (((BERT, VIT), _TABLE), (VISION, "another family than BERT and ViT"))
        for response, region, words in (
            ("rate", more_than(0), "a rate above 0."),
            ("mentions", at_least(1), "its model's source speaks of it."),
            ("acts", equals(1), "two passes in train mode differ with ordinary dropout at 0."),
        )
    ),
    Unmeasurable(
        "D-hurts-7",
        needs="a survey of how transformers are trained",
        why="which regulariser dominates, and what is standard, is a count over the field; "
        "whether the library's BERT and ViT have stochastic depth is shown beside it.",
    ),
    *(
        Beyond(
            "D-tab-9",
            Value("rate").at(family=families).always(),
            more_than(0),
            why=why,
            reading="A family that has stochastic depth by default has a rate above 0 for it.",
        )
        for families, why in (
            (RESNET, _TABLE),
            (STEMS, "a relative of ResNet, in one library"),
        )
    ),
    Unmeasurable(
        "D-tab-9",
        needs="a survey of ResNets and of the recipes they are trained with",
        why="what is standard is a count over the field, and other libraries (torchvision, timm) "
        "are not installed here; the library's ResNet is shown beside it.",
    ),
    *(
        Control(
            f"stochastic depth that was set {words}",
            Value(response).at(family=PLANTED).always(),
            region,
        )
        for (response, region), words in zip(
            ASKED, ("is read", "is found in the source", "is seen to act"), strict=True
        )
    ),
    Control(
        "at a rate of 0 it is seen not to act",
        Value("acts").at(family=NONE).always(),
        equals(0),
    ),
)

_SPEAKS = re.compile(r"drop_?path|stochastic depth", re.IGNORECASE)


def changes_of(family: str) -> tuple[str, dict[str, float]]:
    """Which family is built for a level, and with which changes: no ordinary dropout in any."""
    name = BEIT if family in (PLANTED, NONE) else family
    planted = {PLANTED: {"drop_path_rate": RATE}, NONE: {"drop_path_rate": 0.0}}.get(family, {})
    return name, without_dropout(name) | planted


def mentions(model: nn.Module) -> int:
    """How often the source of a model's module speaks of stochastic depth."""
    return len(_SPEAKS.findall(inspect.getsource(sys.modules[type(model).__module__])))


def measure(block: Block, arm: Arm) -> Responses:
    """Read the default rate and the source; pass one batch twice in train mode."""
    name, changes = changes_of(arm[FAMILY])
    model = build(name, changes)
    config = model.config if arm[FAMILY] in (PLANTED, NONE) else default_config(name)
    found = rates_by_kind(config)["drop path"]
    x = batch(name, CERTAIN_ROWS).to(block.device)
    model.to(block.device).train()
    said = ", ".join(f"{field} {rate:g}" for field, rate in found.items()) or "no field"
    return {
        "rate": Noted(max(found.values(), default=0.0), said),
        "mentions": float(mentions(model)),
        "acts": float(not torch.equal(output(model, x), output(model, x))),
    }


EXPERIMENT = Experiment(
    question="Do BERT's variants, ViT and ResNet of transformers use stochastic depth?",
    factors=(FAMILY,),
    responses=(
        Response("rate", "1", "default rate at which residual blocks are dropped"),
        Response("mentions", "mentions", "number of mentions of stochastic depth in the source"),
        Response("acts", "yes/no", "with ordinary dropout at 0 a model still acts by chance"),
    ),
    measure=measure,
    blocks=PerProfile(1, 5, 10),
    claims=CLAIMS,
    imports=("transformers",),
)
