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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
)
from harness.workloads.switches import joined, names_of
from studies.bugs.cases import CASES, KINDS, NAMES, NONE
from studies.bugs.pairs_figures import hidden
from studies.bugs.shown import CURVES, SYMPTOMS, Run, curves, symptoms_of, train_case

if TYPE_CHECKING:
    from torch import Tensor

BUGS = KINDS[1:]
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
CASE = Factor("case", tuple(CASES))

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


@dataclass(frozen=True)
class Cohort:
    """Some blocks, and the training loss of their loops with one bug or none.

    Attributes:
        blocks: all of them.
        losses: of shape (steps, replicas), by case and bug.
    """

    blocks: tuple[Block, ...]
    losses: Mapping[tuple[str, str], Tensor]


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Train every case with each bug alone, and with none."""
    losses = {
        (case, kind): train_case(blocks, case, kind).log.steps["loss"]
        for case in CASES
        for kind in KINDS
    }
    return Cohort(blocks, losses)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's bugs, and compare with what each of them does alone."""
    bugs = names_of(arm[LOOP])
    run = train_case(cohort.blocks, arm[CASE], *bugs)
    alone = [same_steps(run, cohort.losses[arm[CASE], bug]) for bug in bugs]
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


def same_steps(run: Run, losses: Tensor) -> list[float]:
    """For each replica, whether its training loss was this at every step: 1, else 0."""
    same: list[float] = (run.log.steps["loss"] == losses).all(dim=0).double().tolist()
    return same


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
