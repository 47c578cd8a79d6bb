"""Can a bug be told from the curves of a training run?

Document C says that each bug has a visible signature of its own in the loss curve, by which one
learns to diagnose failures at a glance. So runs are diagnosed: a random forest learns from runs of
20 seeds and diagnoses those of others: the split is by seed, for runs of one seed share weights and
data. There are seven diagnoses: six bugs, each alone, and none. The wrong device is left out, for
on a CPU that run is the correct one.

What is looked at is varied: the training loss of every step; the validation curves beside it; and
everything that a loop may log: gradient norm, parameter norm and the bytes that stored outputs
hold. So is what the forest learns from: runs of the same data set, or of the other three, as one
who has learnt the signatures elsewhere.

Bugs that change no number cannot be told apart by any classifier, and one of them may well be given
every such run: a bug counts as recognised by the smaller of two shares, of the runs with it that
are diagnosed so, and of the runs diagnosed so that have it. The document promises signatures in
memory and metrics too, so that it is judged by everything logged, bug by bug, on runs of data sets
that the forest knows. A block is three seeds on four data sets: twelve runs of each bug, of which
the shares are taken. ``gallery.py`` shows which bugs change what. The verdicts speak for
perceptrons with dropout and batch norm on four data sets, and for these descriptions of a curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    Value,
    at_least,
)
from harness.figures import BLACK, BLUE, ORANGE, SKY, median_interval
from harness.libraries import torch
from studies.bugs.cases import (
    BUGS,
    CASES,
    KINDS,
    NAMES,
    make_case,
    shortened,
    switches_of,
    train_and_weigh,
)
from studies.bugs.curve_features import EVERYTHING, LOSS, METRICS, VIEWS, features

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

VIEW = Factor(
    "view",
    VIEWS,
    words={
        LOSS: "by the training loss",
        METRICS: "by training loss and validation",
        EVERYTHING: "by everything logged",
    },
)
SAME_DATA, OTHER_DATA = "the same data", "other data"
LEARNT_ON = Factor(
    "learnt_on",
    (SAME_DATA, OTHER_DATA),
    words={SAME_DATA: "", OTHER_DATA: "learnt on other data sets"},
)
ANY = "any"
BUG = Factor("bug", (ANY, *KINDS), words={ANY: "all bugs together", **NAMES})
RECOGNISED = 0.9
TREES = 100
#: Seeds that are learnt from, at full effort; effort is in per cent, of these and of the epochs.
TEACHERS = 20
#: Seeds of a block.
STUDENTS = 3

#: For each run of a case, by seed and then by diagnosis: its description in each view.
Described = dict[str, NDArray[np.float64]]

TOLD = Value("recognised")
BY_LOSS = "the training loss alone, which shows neither memory nor metrics"
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C5.33",
        TOLD.at(view=EVERYTHING, learnt_on=SAME_DATA, bug=BUGS),
        at_least(RECOGNISED),
        reading="Each bug by itself: of unseen runs that have it, 90 % or more are diagnosed so "
        "from the curves of loss, metrics, gradients and memory, and of those diagnosed so 90 % or "
        "more have it.",
        headline={"bug": "evaluate_in_train_mode"},
    ),
    Beyond("C5.33", TOLD.at(view=LOSS, learnt_on=SAME_DATA), at_least(RECOGNISED), why=BY_LOSS),
    Beyond(
        "C5.33",
        TOLD.at(view=METRICS, learnt_on=SAME_DATA, bug=BUGS),
        at_least(RECOGNISED),
        why="losses and metrics without the memory that the document names too",
    ),
    Beyond(
        "C5.33",
        TOLD.at(view=EVERYTHING, learnt_on=SAME_DATA, bug=ANY),
        at_least(RECOGNISED),
        why="all bugs together, of which some may hide behind others",
        reading="90 % or more of all unseen runs, with and without bugs, get the right diagnosis.",
    ),
    Beyond(
        "C5.33",
        TOLD.at(view=EVERYTHING, learnt_on=OTHER_DATA, bug=BUGS),
        at_least(RECOGNISED),
        why="signatures that were learnt on other data sets",
    ),
    Control(
        "stored outputs are told by the memory they hold",
        TOLD.at(bug="keep_outputs", view=EVERYTHING, learnt_on=SAME_DATA),
        at_least(RECOGNISED),
    ),
)
RESPONSES = (
    Response(
        "recognised",
        "1",
        "share of runs that are recognised (of those that have it, or of those diagnosed so, "
        "whichever is less)",
    ),
    *(
        Response(f"as_{kind}", "1", f"share of runs that are diagnosed as: {NAMES[kind]}")
        for kind in KINDS
    ),
)


@dataclass(frozen=True)
class Diagnosed:
    """Some blocks, and what the runs of their seeds were diagnosed as.

    Attributes:
        blocks: the blocks.
        diagnoses: by view and what was learnt on, places in ``KINDS``, shape (cases, seeds, kinds);
            the seeds of a block stand together, and the last is what the run really has.
    """

    blocks: tuple[Block, ...]
    diagnoses: Mapping[tuple[str, str], NDArray[np.int64]]


def prepare(blocks: tuple[Block, ...]) -> Diagnosed:
    """Train every run, and diagnose those of the blocks in every way."""
    runs = describe_runs(blocks)
    teachers = len(teaching_blocks(blocks[0]))
    ways = [(view, learnt_on) for view in VIEWS for learnt_on in LEARNT_ON.levels]
    seed = blocks[0].shared_seed
    return Diagnosed(blocks, {way: diagnose(runs, teachers, seed, *way) for way in ways})


def measure(diagnosed: Diagnosed, arm: Arm) -> Sequence[Responses]:
    """How the runs of each block that have the arm's bug are diagnosed."""
    found = diagnosed.diagnoses[arm[VIEW], arm[LEARNT_ON]]
    blocks = np.split(found, len(diagnosed.blocks), axis=1)
    return [judge(of_block.reshape(-1, len(KINDS)), arm[BUG]) for of_block in blocks]


def judge(diagnoses: NDArray[np.int64], bug: str) -> Responses:
    """What the runs with a bug are taken for, and whether they are recognised.

    Args:
        diagnoses: places in ``KINDS``, shape (runs, kinds that the runs have).
        bug: one of ``KINDS``, or ``ANY`` for all of them together.
    """
    true = np.broadcast_to(np.arange(len(KINDS)), diagnoses.shape)
    having = np.full(diagnoses.shape, fill_value=True) if bug == ANY else true == _place(bug)
    taken = having if bug == ANY else diagnoses == _place(bug)
    right = diagnoses == true
    # What is never diagnosed is not recognised, though no such diagnosis is wrong.
    recognised = min(right[having].mean(), right[taken].mean()) if taken.any() else 0.0
    return {
        "recognised": float(recognised),
        **{f"as_{kind}": float((diagnoses[having] == _place(kind)).mean()) for kind in KINDS},
    }


def _place(kind: str) -> int:
    return KINDS.index(kind)


def diagnose(
    runs: Mapping[str, Described], teachers: int, seed: int, view: str, learnt_on: str
) -> NDArray[np.int64]:
    """The diagnosis of every run that is not learnt from, as a place in ``KINDS``.

    Args:
        runs: as ``describe_runs`` gives them.
        teachers: how many seeds are learnt from; they come first.
        seed: of the forest.
        view: what is looked at.
        learnt_on: whether runs of the same data set are learnt from, or those of the others.

    Returns:
        Shape (cases, seeds, kinds); the last is what the run really has.
    """
    found = []
    for case in CASES:
        sources = [case] if learnt_on == SAME_DATA else [c for c in CASES if c != case]
        seen = np.concatenate([runs[source][view][:teachers] for source in sources])
        forest = plant(seen, seed)
        unseen = runs[case][view][teachers:]
        found.append(forest.predict(unseen.reshape(-1, unseen.shape[-1])).reshape(unseen.shape[:2]))
    return np.array(found)


def plant(seen: NDArray[np.float64], seed: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """A forest that has learnt from runs of shape (seeds, kinds, numbers)."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=seed % 2**32)
    kinds = np.tile(np.arange(seen.shape[1]), len(seen))
    return forest.fit(seen.reshape(-1, seen.shape[-1]), kinds)


def describe_runs(blocks: tuple[Block, ...]) -> dict[str, Described]:
    """Train every case with every bug and describe the runs in each view.

    Returns:
        By case and view, shape (seeds, kinds, numbers): the seeds that are learnt from first, then
        those of the blocks.
    """
    learners = [student for block in blocks for student in seeded(block, block.seed, STUDENTS)]
    everyone = (*teaching_blocks(blocks[0]), *learners)
    described: dict[str, Described] = {}
    for case in CASES:
        task = make_case(case, everyone)
        setting = shortened(CASES[case], blocks[0].effort)
        by_kind: dict[str, list[NDArray[np.float64]]] = {view: [] for view in VIEWS}
        for kind in KINDS:
            torch.manual_seed(blocks[0].shared_seed)  # the same dropout whatever the bug
            log, kept = train_and_weigh(task, setting, switches_of(kind))
            for view in VIEWS:
                by_kind[view].append(features(log, view, kept))
        described[case] = {view: np.stack(rows, axis=1) for view, rows in by_kind.items()}
    return described


def teaching_blocks(block: Block) -> tuple[Block, ...]:
    """Blocks with seeds of their own, the same for all blocks of a run."""
    return seeded(block, block.shared_seed, TEACHERS * block.effort // 100)


def seeded(block: Block, seed: int, count: int) -> tuple[Block, ...]:
    """Blocks like one, whose seeds are drawn from a seed."""
    seeds = np.random.SeedSequence(seed).generate_state(count)
    return tuple(
        replace(block, index=index, seed=int(own), run=None) for index, own in enumerate(seeds)
    )


def recognised(table: pd.DataFrame) -> Figure:
    """How many runs with each bug are recognised, by what is looked at."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    same = table[table["learnt_on"] == SAME_DATA]
    shares: Any = same[same["response"] == "recognised"].groupby(["view", "bug"])["value"]
    axes.axvline(100 * RECOGNISED, color=BLACK, linestyle="--", linewidth=1.5)
    marks = zip(VIEWS, (SKY, ORANGE, BLUE), (-0.22, 0.0, 0.22), strict=True)
    for view, colour, shift in marks:
        for place, bug in enumerate(BUGS):
            values = 100 * shares.get_group((view, bug)).to_numpy(np.float64)
            middle = median_interval(values)
            ends = [max(middle.low, values.min()), min(middle.high, values.max())]
            label = None if place else VIEW.say(view)
            axes.plot(ends, [place + shift] * 2, color=colour)
            axes.plot(middle.estimate, place + shift, "D", color=colour, label=label)
    for place, bug in enumerate(BUGS):
        axes.text(103, place + 0.22, _else(same, bug), fontsize=13, va="center")
    axes.set_yticks(range(len(BUGS)), [NAMES[bug] for bug in BUGS], fontsize=15)
    axes.invert_yaxis()
    axes.set(xlim=(-2, 102))
    axes.set_xlabel("runs that are recognised (%)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _else(rows: pd.DataFrame, bug: str) -> str:
    """What runs with a bug are most often taken for by mistake, from everything logged."""
    at = rows[(rows["view"] == EVERYTHING) & (rows["bug"] == bug)]
    means = at.groupby("response")["value"].mean()
    wrong = {kind: float(means[f"as_{kind}"]) for kind in KINDS if kind != bug}
    most = max(wrong, key=lambda kind: wrong[kind])
    return f"{wrong[most]:.0%} as {NAMES[most]}" if wrong[most] >= 0.05 else ""


def _headline(table: pd.DataFrame) -> str:
    """How many bugs are recognised from everything logged, and how many from the loss."""
    rows = table[(table["response"] == "recognised") & (table["learnt_on"] == SAME_DATA)]

    def told(view: str) -> int:
        of_view = rows[rows["view"] == view]
        values = [of_view[of_view["bug"] == bug]["value"].to_numpy(np.float64) for bug in BUGS]
        return sum(median_interval(each).low >= RECOGNISED for each in values)

    return (
        f"{told(EVERYTHING)} of {len(BUGS)} bugs are recognised in 90 % of runs or more by "
        f"everything logged, {told(LOSS)} by the training loss\n(diamonds: medians of "
        f"{table['block'].nunique()} blocks of {STUDENTS * len(CASES)} unseen runs, with 99 % "
        "intervals;\nright: the commonest wrong diagnosis from everything logged)"
    )


EXPERIMENT: Experiment[Diagnosed] = Experiment(
    question="Can a bug be told from the curves of a training run?",
    factors=(VIEW, LEARNT_ON, BUG),
    responses=RESPONSES,
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(40, 100, 100),
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(recognised,),
)
