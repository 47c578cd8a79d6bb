"""Is the dropout of a family's defaults turned on in a model that is built from them?

``rates`` reads the numbers; here a small model of each family is built with its dropout as the
default configuration has it, with random weights, and sees one batch twice in train mode and twice
in eval mode, without gradients. Dropout that is turned on shows as two answers in train mode and
one in eval mode. A BERT whose rates are all set to 0 shows that nothing else makes the difference.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from studies.defaults.families import BERT, batch, build, largest_gap, output, without_dropout
from studies.defaults.rates import HAVE_DROPOUT

SILENCED = "BERT set to 0"
DROPPING = tuple(dict.fromkeys(name for names in HAVE_DROPOUT.values() for name in names))
FAMILY = Factor("family", (*DROPPING, SILENCED))

VISIBLE = 1e-3  # of the largest output: far above the rounding of float32

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            claim,
            Value("train_gap").at(family=families).always(),
            at_least(VISIBLE),
            reading="Built from the default rates, a model gives two answers for one batch in "
            "train mode, a thousandth of the largest output or more apart.",
        )
        for claim, families in HAVE_DROPOUT.items()
    ),
    Control(
        "in eval mode a batch has one answer",
        Value("eval_gap").always(),
        equals(0),
    ),
    Control(
        "with every rate at 0 it has one in train mode",
        Value("train_gap").at(family=SILENCED).always(),
        equals(0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Build the model; pass one batch through it twice in each mode."""
    name = BERT if arm[FAMILY] == SILENCED else arm[FAMILY]
    changes = without_dropout(BERT) if arm[FAMILY] == SILENCED else {}
    model = build(name, changes).to(block.device)
    x = batch(name).to(block.device)
    found = {}
    for mode in ("train", "eval"):
        model.train(mode == "train")
        found[f"{mode}_gap"] = largest_gap(output(model, x), output(model, x))
    return found


EXPERIMENT = Experiment(
    question="Is the dropout of a family's defaults turned on in a model that is built from them?",
    factors=(FAMILY,),
    responses=(
        Response("train_gap", "1", "gap between two passes in train mode over the largest output"),
        Response("eval_gap", "1", "gap between two passes in eval mode over the largest output"),
    ),
    measure=measure,
    blocks=PerProfile(2, 20, 40),
    claims=CLAIMS,
    imports=("transformers",),
)
