"""Does a cosine start at the configured rate and fall towards zero over the training?

Chapter 6 describes its simulator's cosine so. The simulator's code is not to be had; what can be
traced is torch's ``CosineAnnealingLR`` over the length of the training, for lengths and rates that
the document uses. A T_max that is not the training's length, and the last rate that an update uses,
which comes one step before the end, are beyond the sentence.
"""

from __future__ import annotations

import itertools
import math

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_most,
    equals,
)
from studies.step_anatomy.rates import cosine, trace

LENGTH = Factor("length", (10, 20, 313), label="steps of the training")
RATE = Factor("rate", (0.001, 0.01), label="configured rate")
OVER = Factor(
    "over",
    ("the training", "half of it", "twice as much"),
    words={
        "the training": "",
        "half of it": "T_max half of the training",
        "twice as much": "T_max twice the training",
    },
)
WHOLE = OVER.levels[0]
SHARES = {WHOLE: 1.0, "half of it": 0.5, "twice as much": 2.0}
FALLS_TO = 0.01

CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    Claim(
        "C6.13",
        Value("start_off").at(over=WHOLE).always(),
        at_most(1e-12),
        reading="It starts at the configured value: so does the first update.",
    ),
    Claim(
        "C6.13",
        Value("left").at(over=WHOLE).always(),
        at_most(FALLS_TO),
        reading="It falls towards zero: after the last step at most 1 % of the rate is left.",
        headline={"length": 10, "rate": 0.01},
    ),
    Claim(
        "C6.13",
        Value("rises").at(over=WHOLE).always(),
        equals(0),
        reading="It falls over the whole training: no step raises the rate.",
    ),
    Beyond(
        "C6.13",
        Value("last_used").at(over=WHOLE).always(),
        at_most(FALLS_TO),
        why="the last rate that an update uses, one step before the schedule's end",
    ),
    *(
        Beyond(
            "C6.13",
            Value("left").at(over=over).always(),
            at_most(FALLS_TO),
            why="a T_max that is not the training's length",
        )
        for over in OVER.levels[1:]
    ),
    Control(
        "a T_max of twice the training leaves half of the rate",
        Value("left").at(over="twice as much").always(),
        equals(0.5, within=1e-9),
    ),
    Unmeasurable(
        "C6.16",
        needs="the code of the document's browser simulator",
        why="it is not part of the text. By reading alone: the document itself names parts of a "
        "cluster's loop that its six-line loop lacks (line 691). A loop of our own would say "
        "nothing of theirs.",
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """The rates of a training."""
    steps, rate = arm[LENGTH], arm[RATE]
    found = trace(cosine(math.ceil(steps * SHARES[arm[OVER]])), steps, rate=rate)
    rates = [*found.used, found.after]
    return {
        "start_off": abs(found.used[0] / rate - 1),
        "left": found.after / rate,
        "last_used": found.used[-1] / rate,
        "rises": sum(later > earlier for earlier, later in itertools.pairwise(rates)),
    }


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does a cosine start at the configured rate and fall towards zero over the training?",
    factors=(LENGTH, RATE, OVER),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("start_off", "1", "distance of the first rate from the configured one, over it"),
        Response("left", "1", "the rate after the last step over the configured one"),
        Response("last_used", "1", "the rate of the last update over the configured one"),
        Response("rises", "steps", "number of steps that raise the rate"),
    ),
    claims=CLAIMS,
)
