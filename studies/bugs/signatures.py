"""Can a bug be told from the curves of a training run?

Document C says that each bug has a visible signature of its own in the loss curve, by which one
learns to diagnose failures at a glance. So runs are diagnosed: a random forest learns from runs of
20 seeds and diagnoses those of others: the split is by seed, for runs of one seed share weights and
data. There are seven diagnoses: six bugs, each alone, and none. The wrong device is left out, for
on a CPU that run is the correct one.

What is looked at is varied: the training loss of every step, which is the claim's wording; the
validation curves beside it; and everything that a loop may log: gradient norm, parameter norm and
the bytes that stored outputs hold. So is what the forest learns from: runs of the same data set, or
of the other three, as one who has learnt the signatures elsewhere.

Bugs that change no number cannot be told apart by any classifier, and one of them may well be given
every such run: a bug counts as recognised by the smaller of two shares, of the runs with it that
are diagnosed so, and of the runs diagnosed so that have it. A block has one run of each bug on each
data set, too few to tell 90 % from less bug by bug where a bug is nearly always recognised: so the
wider reading, everything logged, is judged over all bugs together. ``gallery.py`` shows which bugs
change what. The verdicts speak for perceptrons with dropout and batch norm on four data sets, and
for these descriptions of a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
)
from harness.figures import BLACK
from harness.libraries import torch
from studies.bugs.cases import (
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

VIEW = Factor("view", VIEWS)
LEARNT_ON = Factor("learnt_on", ("the same data", "other data"))
ANY = "any"
BUG = Factor("bug", (ANY, *KINDS))
RECOGNISED = 0.9
TREES = 100
#: Seeds that are learnt from, at full effort; effort is in per cent, of these and of the epochs.
TEACHERS = 20

#: For each run of a case, by seed and then by diagnosis: its description in each view.
Described = dict[str, NDArray[np.float64]]

CLAIMS = (
    Claim(
        "C5.33",
        Value("recognised").at(view=LOSS),
        at_least(RECOGNISED),
        reading="Literally, in the loss curve: by the training loss alone 90 % or more of unseen "
        "runs get the right diagnosis; and of each bug, 90 % or more of the runs that have it are "
        "diagnosed so, and of those diagnosed so have it: the signature is its own.",
    ),
    Claim(
        "C5.33",
        Value("recognised").at(view=EVERYTHING, bug=ANY),
        at_least(RECOGNISED),
        reading="By all that is logged, for the document speaks of memory and metrics too: 90 % or "
        "more of unseen runs get the right diagnosis.",
    ),
    Control(
        "stored outputs are told by the memory they hold",
        Value("recognised").at(bug="keep_outputs", view=EVERYTHING, learnt_on="the same data"),
        at_least(RECOGNISED),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """How the runs of each block that have the arm's bug are diagnosed."""
    diagnoses = diagnose(blocks, arm[VIEW], arm[LEARNT_ON])  # (cases, blocks, kinds)
    return [judge(diagnoses[:, place], arm[BUG]) for place in range(len(blocks))]


def judge(diagnoses: NDArray[np.int64], bug: str) -> Responses:
    """What the runs with a bug are taken for, and whether they are recognised.

    Args:
        diagnoses: places in ``KINDS``, shape (cases, kinds that the runs have).
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


@lru_cache(maxsize=len(VIEW.levels) * len(LEARNT_ON.levels))
def diagnose(blocks: tuple[Block, ...], view: str, learnt_on: str) -> NDArray[np.int64]:
    """The diagnosis of every run of the blocks, as a place in ``KINDS``.

    Returns:
        Shape (cases, blocks, kinds); the last is what the run really has.
    """
    runs = describe_runs(blocks)
    teachers = len(teaching_blocks(blocks[0]))
    found = []
    for case in CASES:
        sources = [case] if learnt_on == "the same data" else [c for c in CASES if c != case]
        seen = np.concatenate([runs[source][view][:teachers] for source in sources])
        forest = plant(seen, blocks[0].shared_seed)
        unseen = runs[case][view][teachers:]
        found.append(forest.predict(unseen.reshape(-1, unseen.shape[-1])).reshape(unseen.shape[:2]))
    return np.array(found)


def plant(seen: NDArray[np.float64], seed: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """A forest that has learnt from runs of shape (seeds, kinds, numbers)."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=seed % 2**32)
    kinds = np.tile(np.arange(seen.shape[1]), len(seen))
    return forest.fit(seen.reshape(-1, seen.shape[-1]), kinds)


@lru_cache(maxsize=1)
def describe_runs(blocks: tuple[Block, ...]) -> dict[str, Described]:
    """Train every case with every bug and describe the runs in each view.

    Returns:
        By case and view, shape (seeds, kinds, numbers): the seeds that are learnt from first, then
        those of the blocks.
    """
    everyone = (*teaching_blocks(blocks[0]), *blocks)
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
    seeds = np.random.SeedSequence(block.shared_seed).generate_state(TEACHERS * block.effort // 100)
    return tuple(
        Block(index, int(seed), block.shared_seed, block.device, block.effort)
        for index, seed in enumerate(seeds)
    )


def confusion(table: pd.DataFrame) -> Figure:
    """What runs with each bug are taken for, from the loss alone and from everything logged."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 3, sharey=True)
    same = table[table["learnt_on"] == "the same data"]
    titles = {LOSS: "the training loss", METRICS: "and validation", EVERYTHING: "and all the rest"}
    for axes, view in zip(panels, VIEWS, strict=True):
        shares = _taken_for(same[same["view"] == view])
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for true, row in enumerate(shares):
            for taken, share in enumerate(row):
                if share >= 0.005:
                    colour = "white" if share > 0.5 else BLACK
                    text = f"{100 * share:.0f}"
                    axes.text(taken, true, text, ha="center", va="center", color=colour, size=13)
        axes.set_xticks(range(len(KINDS)), NAMES.values(), rotation=60, ha="right", fontsize=11)
        axes.set_yticks(range(len(KINDS)), NAMES.values(), fontsize=13)
        axes.grid(visible=False)
        axes.set_title(titles[view], fontsize=17)
        axes.set_xlabel("diagnosed as (%)", fontsize=14)
    panels[0].set_ylabel("really is", fontsize=16)
    figure.suptitle(_headline(table), fontsize=17)
    return figure


def _taken_for(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Mean share of the runs of each kind (rows) that are taken for each kind (columns)."""
    means = rows.groupby(["bug", "response"])["value"].mean()
    return np.array([[means[bug, f"as_{kind}"] for kind in KINDS] for bug in KINDS])


def _headline(table: pd.DataFrame) -> str:
    right = table[(table["response"] == "recognised") & (table["bug"] == ANY)]
    means = 100 * right.groupby(["learnt_on", "view"])["value"].mean()
    blocks = table["block"].nunique()
    same = [f"{means['the same data', view]:.0f}" for view in VIEWS]
    other = f"{means['other data', EVERYTHING]:.0f}"
    return (
        f"Right diagnoses: {same[0]} % by the training loss, {same[1]} % with validation, "
        f"{same[2]} % with everything logged,\n{other} % where the data set is new "
        f"(chance: {100 / len(KINDS):.0f} %; {blocks} unseen seeds on {len(CASES)} data sets)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Can a bug be told from the curves of a training run?",
    factors=(VIEW, LEARNT_ON, BUG),
    responses=(
        Response("recognised", "1", "recognised"),
        Response("as_none", "1", "as none"),
        Response("as_keep_gradients", "1", "as keep gradients"),
        Response("as_evaluate_in_train_mode", "1", "as evaluate in train mode"),
        Response("as_train_in_eval_mode", "1", "as train in eval mode"),
        Response("as_keep_outputs", "1", "as keep outputs"),
        Response("as_stale_optimiser", "1", "as stale optimiser"),
        Response("as_leak", "1", "as leak"),
    ),
    blocks=PerProfile(3, 60, 60),
    together=PerProfile(3, 60, 60),
    effort=PerProfile(40, 100, 100),
    measure_together=measure,
    claims=CLAIMS,
    figures=(confusion,),
)
