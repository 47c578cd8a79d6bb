"""What does each bug do to the curves of a training run, against document C's table of signatures?

Perceptrons with dropout and batch norm learn four data sets, correct and with each bug alone, from
the same weights, on the same batches. Rounds of a response are epochs. The figures are a gallery,
correct and bugged curves over all seeds for each bug, and the symptoms that the document names: how
often a bugged run shows more of them than the correct run of its seed.

Whether bugs can be told by what they show is judged in ``signatures.py``; single symptoms have
claims, and modules, of their own. Here is shown what the document invites to look at: whether the
training loss of a bugged run is another than the correct run's, at any step, to the last bit. It
promises signatures elsewhere too (in memory, in metrics), so that this decides nothing. The wrong
device is left out, for on a CPU that run is the correct one.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import (
    Arm,
    Beyond,
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
from studies.bugs.cases import BUGS, CASES, KINDS, NAMES, NONE
from studies.bugs.gallery_figures import gallery, symptoms
from studies.bugs.shown import CURVES, SYMPTOMS, Cohort, curves, symptoms_of, train_case

BUG = Factor("bug", KINDS, control=NONE, words=NAMES)
CASE = Factor("case", tuple(CASES))
SAME_LOSS = Response(
    "same_loss", "yes/no", "the training loss is the correct run's at every step, bit for bit"
)

CLAIMS = (
    Beyond(
        "C5.33",
        Value(SAME_LOSS.name).at(bug=BUGS).always(),
        equals(0),
        why="the training loss alone, where the document speaks of memory and metrics too",
        reading="A signature in the loss curve takes a loss that differs: at some step the "
        "training loss is not that of the correct run, bit for bit.",
    ),
    Control(
        "a correct run repeats to the last bit",
        Value(SAME_LOSS.name).at(bug=NONE).always(),
        equals(1),
    ),
)


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Train every case as it should be."""
    return Cohort.train(blocks, (NONE,))


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's bug and compare with the correct run."""
    run = train_case(cohort.blocks, arm[CASE], arm[BUG])
    same = cohort.same_steps(run, arm[CASE], NONE)
    return [
        {SAME_LOSS.name: same[place], **curves(run, place), **symptoms_of(run, place)}
        for place in range(len(cohort.blocks))
    ]


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="What does each bug do to the curves of a training run?",
    factors=(BUG, CASE),
    responses=(SAME_LOSS, *CURVES, *SYMPTOMS),
    on_cpu=True,
    blocks=PerProfile(2, 20, 60),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(40, 100, 100),  # per cent of the epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(gallery, symptoms),
)
