"""Does eval mode turn dropout off, with its scaling?

The measurement is that of C4.04, with which A-eval-1 and D-drop-14 share their rule: a module meets
an input in eval mode, and every value must come out with the bits that it went in with. A-eval-1
speaks of dropout modules in general, D-drop-14 of ``nn.Dropout``, whose kin is shown beside it.
"""

from __future__ import annotations

from harness import (
    Beyond,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Value,
    equals,
    more_than,
)
from studies.eval_variance.dropout_off import (
    DTYPE,
    MODE,
    NAMED,
    PASSES_THROUGH,
    VARIANT,
    P,
    measure,
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "A-eval-1",
        Value("changed").at(mode="eval").always(),
        equals(0.0),
        reading=PASSES_THROUGH,
        headline={"variant": NAMED, "p": 0.5, "dtype": "float32"},
    ),
    Claim(
        "D-drop-14",
        Value("changed").at(mode="eval", variant=NAMED).always(),
        equals(0.0),
        reading="No scaling either: " + PASSES_THROUGH[0].lower() + PASSES_THROUGH[1:],
        headline={"p": 0.5, "dtype": "float32"},
    ),
    Beyond(
        "D-drop-14",
        Value("changed").at(mode="eval", variant=VARIANT.levels[1:]).always(),
        equals(0.0),
        why="other dropout modules than nn.Dropout",
        reading=PASSES_THROUGH,
    ),
    Control(
        "train mode changes the same input",
        Value("changed").at(mode="train", p=(0.1, 0.5, 1.0)).always(),
        more_than(0.0),
    ),
)

EXPERIMENT = Experiment(
    question="Does eval mode turn dropout off, with its scaling?",
    factors=(MODE, VARIANT, P, DTYPE),
    blocks=PerProfile(2, 20, 20),
    measure=measure,
    responses=(Response("changed", "values", "number of values that come out with other bits"),),
    claims=CLAIMS,
)
