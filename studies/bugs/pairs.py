"""Does a bug still show itself when another one is in the same loop?

The trainings of ``gallery.py``, with every pair of the six bugs that a CPU can show in one loop,
and with each of them alone: same weights, same batches. A bug shows itself in a loop if switching
it on there moves its symptoms the way the document says: what the loop with both does is compared
with what the loop with the other one does, seed by seed.

The document shows its bugs one at a time and says nothing of pairs, so that no claim is judged by
them. What must hold by construction is controlled: to store outputs changes no step of any loop,
nor does an evaluation in train mode, but where training goes on in eval mode: there the running
statistics that it moves are those that training uses.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from harness import (
    Arm,
    Block,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    joined,
    names_of,
)
from studies.bugs.cases import BUGS, KINDS, NAMES, NONE
from studies.bugs.gallery import CASE
from studies.bugs.pairs_figures import hidden
from studies.bugs.shown import CURVES, SYMPTOMS, Cohort, curves, symptoms_of, train_case

PAIRS = tuple(itertools.starmap(joined, itertools.combinations(BUGS, 2)))
LOOP = Factor(
    "loop",
    (*KINDS, *PAIRS),
    control=NONE,
    words={
        **NAMES,
        **{pair: " and ".join(NAMES[bug] for bug in names_of(pair)) for pair in PAIRS},
    },
)

SAME_AS_FIRST = Response(
    "same_as_first",
    "yes/no",
    "the training loss is that of the loop with the first of the bugs alone, bit for bit",
)
SAME_AS_SECOND = Response(
    "same_as_second",
    "yes/no",
    "the training loss is that of the loop with the second of two bugs alone, bit for bit",
)


def pairs_of(bug: str, *, first: bool, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The pairs in which a bug is the first or the second, without those that hold others."""
    place = 0 if first else 1
    return tuple(
        pair
        for pair in PAIRS
        if names_of(pair)[place] == bug and not {*without} & {*names_of(pair)}
    )


STORES, EVALUATES, STAYS = "keep_outputs", "evaluate_in_train_mode", "train_in_eval_mode"
CLAIMS = (
    Control(
        "a loop repeats to the last bit", Value("same_as_first").at(loop=KINDS).always(), equals(1)
    ),
    Control(
        "stored outputs change no step of a loop with an earlier bug",
        Value("same_as_first").at(loop=pairs_of(STORES, first=False)).always(),
        equals(1),
    ),
    Control(
        "nor of a loop with a later one",
        Value("same_as_second").at(loop=pairs_of(STORES, first=True)).always(),
        equals(1),
    ),
    Control(
        "evaluating in train mode changes no step of a loop with an earlier bug",
        Value("same_as_first").at(loop=pairs_of(EVALUATES, first=False)).always(),
        equals(1),
    ),
    Control(
        "nor of a loop with a later one that trains in train mode",
        Value("same_as_second").at(loop=pairs_of(EVALUATES, first=True, without=[STAYS])).always(),
        equals(1),
    ),
)


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Train every case with each bug alone, and with none."""
    return Cohort.train(blocks, KINDS)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's bugs, and compare with what each of them does alone."""
    bugs = names_of(arm[LOOP])
    run = train_case(cohort.blocks, arm[CASE], *bugs)
    alone = [cohort.same_steps(run, arm[CASE], bug) for bug in bugs]
    first, second = alone if len(alone) > 1 else (alone[0], [math.nan] * len(alone[0]))
    return [
        {
            SAME_AS_FIRST.name: first[place],
            SAME_AS_SECOND.name: second[place],
            **curves(run, place),
            **symptoms_of(run, place),
        }
        for place in range(len(cohort.blocks))
    ]


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="Does a bug still show itself when another one is in the same loop?",
    factors=(LOOP, CASE),
    responses=(SAME_AS_FIRST, SAME_AS_SECOND, *CURVES, *SYMPTOMS),
    on_cpu=True,
    blocks=PerProfile(2, 20, 60),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(40, 100, 100),  # per cent of the epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(hidden,),
)
