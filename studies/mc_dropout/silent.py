"""Is there no variance over passes when the network is in eval mode?

The same statement as that of one input giving one output in eval mode, which other passages make,
and judged on the same rows of the same kind: modules with dropout that listen to ``eval()`` meet
one batch a hundred times, and the passes are counted that give another output than the first, bit
by bit. No such pass is no variance. What does not listen (a rate written into a function) is shown
beside.
"""

from __future__ import annotations

from harness import (
    Beyond,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Value,
    at_least,
    equals,
)
from studies.eval_variance.repeated_eval import (
    DROPPING,
    FIXED,
    MODE,
    NET,
    PERCEPTRON,
    RESPONSES,
    Cell,
    measure,
    prepare,
)
from studies.eval_variance.repeated_eval import THREADS as EVERY_THREADS

THREADS = Factor("threads", EVERY_THREADS.levels[:1], words={1: ""})

READING = (
    "No variance: in eval mode every pass over one batch gives the output of the first, bit for "
    "bit."
)

CLAIMS = (
    Claim(
        "D-mc-7",
        Value("others").at(mode="eval", net=DROPPING).always(),
        equals(0.0),
        reading=READING,
        headline={"net": PERCEPTRON},
    ),
    Beyond(
        "D-mc-7",
        Value("others").at(mode="eval", net=FIXED).always(),
        equals(0.0),
        why="dropout that is called as a function and never switched off",
        reading=READING,
    ),
    Control(
        "the count sees dropout left on",
        Value("others").at(mode="train", net=DROPPING).always(),
        at_least(1.0),
    ),
)

EXPERIMENT: Experiment[Cell] = Experiment(
    question="Is there no variance over passes in eval mode?",
    factors=(MODE, NET, THREADS),
    only=lambda arm: arm[NET] in (DROPPING if arm[MODE] == "train" else (*DROPPING, *FIXED)),
    blocks=PerProfile(8, 20, 40),
    effort=PerProfile(16, 100, 100),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
