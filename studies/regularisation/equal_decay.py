"""Is L2 through Adam weaker than AdamW's at the same ``weight_decay``, and does AdamW mend it?

The symptom that the document describes is a model that still over-fits although its
``weight_decay`` is high; the remedy is AdamW with the same number. So networks that over-fit (few
training rows, 400 steps or more of a rate of 0.001) are trained with both, at three high decays,
from equal weights on equal batches. AdamW mends it where its gap between training and test accuracy
is at least a point smaller while its test accuracy is no more than a point lower: a gap that closes
because nothing is learnt is no remedy.

One nominal number is not one strength. Decay alone would have shrunk AdamW's weights by the
exponential of rate x decay x steps, which is recorded; of Adam's the push is divided by the size of
the gradient. Both facts are the very point of the claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, told
from harness.workloads import mlp
from harness.workloads.fitting import History, Recipe, fit
from harness.workloads.samples import Sample, SampleName, draw_sample
from studies.regularisation.nets import NETWORKS, by_block, norm_of, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness.libraries import nn


class Setting(NamedTuple):
    """Rows to train on, and passes over them for a hundred percent of effort."""

    sample: SampleName
    rows: int
    epochs: int


TASKS: Mapping[str, Setting] = {
    "digits": Setting("digits", 200, 100),
    "breast cancer": Setting("breast cancer", 64, 400),
    "listing 3": Setting("listing 3", 1400, 30),
}
NARROW, WIDE = "digits, 32 hidden units", "digits, 384 hidden units"
WIDTHS = {NARROW: 32, WIDE: 384}
ALL = {**TASKS, **dict.fromkeys(WIDTHS, TASKS["digits"])}
TASK = Factor("task", tuple(ALL), control=NARROW, words={"listing 3": "listing 3's rows"})
DECAYS, LOW = (1e-3, 1e-2, 5e-2), 1e-4
DECAY = Factor("decay", (LOW, *DECAYS), label="weight_decay")
LADDER_DECAY = 1e-2

MENDED = at_least(1.0)
READING = (
    "AdamW mends an Adam that still over-fits: with the same weight_decay the gap between training "
    "and test accuracy is at least a point smaller, and test accuracy no more than a point lower."
)

CLAIMS = (
    Claim(
        "D-adam-5",
        Value("mended").at(task=tuple(TASKS), decay=DECAYS),
        MENDED,
        READING,
        headline={"task": "digits", "decay": 1e-2},
    ),
    Beyond(
        "D-adam-5",
        Value("mended").at(task=tuple(TASKS), decay=LOW),
        MENDED,
        why="a weight_decay of 0.0001, which nobody calls high",
    ),
    Beyond(
        "D-adam-5",
        Value("longer").at(task=tuple(TASKS), decay=DECAYS),
        at_least(5.0),
        why="the norm of the weights, where the text speaks of over-fitting",
        reading="Weaker: Adam's weights end with a norm at least 5 % above AdamW's.",
    ),
    Beyond(
        "D-adam-5",
        Value("test_gain").at(task=tuple(TASKS), decay=DECAYS),
        at_least(1.0),
        why="test accuracy by itself",
        reading="AdamW's accuracy on test rows is at least a point above Adam's.",
    ),
    Unmeasurable(
        "D-adam-8",
        needs="models of BERT's size trained many times over",
        why="The statement compares large models with small ones; what fits here are perceptrons, "
        "and a wider one is no large model. Their trend is shown beside.",
    ),
    Beyond(
        "D-adam-8",
        Value("more_in_wide").at(task=WIDE, decay=LADDER_DECAY),
        at_least(1.0),
        why="perceptrons of 32 and of 384 hidden units, which are both small",
        reading="The distance between Adam's and AdamW's gaps is at least a point larger in the "
        "wide network than in the narrow one.",
    ),
)


@dataclass(frozen=True)
class Course:
    """Every task's rows, how much effort to take, and fits kept once run."""

    samples: Mapping[str, Sample]
    effort: int
    kept: dict[tuple[str, str, float], History]


def prepare(blocks: Sequence[Block]) -> Course:
    """Draw few rows to train on; ``block.effort`` is percent of the epochs."""
    seeds = seeds_of(blocks)
    samples = {
        name: draw_sample(setting.sample, seeds, train=setting.rows)
        for name, setting in TASKS.items()
    }
    return Course(samples, blocks[0].effort, {})


def measure(course: Course, arm: Arm) -> Sequence[Responses]:
    """Train with both optimisers, and compare how they over-fit."""
    task, decay = arm[TASK], arm[DECAY]
    adam, adamw = (trained(course, task, name, decay) for name in ("Adam", "AdamW"))
    found = {
        "mended": mended(adam, adamw),
        "longer": 100 * (norm(adam) / norm(adamw) - 1),
        "test_gain": 100 * (adamw.last("test_score") - adam.last("test_score")),
        "decayed": np.full(len(norm(adam)), adamw.decayed),
        **{
            f"{name}_{what}": value
            for name, history in (("adam", adam), ("adamw", adamw))
            for what, value in (("gap", gap(history)), ("test", test_score(history)))
        },
    }
    apart = abs(gap(adam) - gap(adamw))
    found["more_in_wide"] = np.zeros_like(apart)
    if task == WIDE:
        narrow = [gap(trained(course, NARROW, name, decay)) for name in ("Adam", "AdamW")]
        found["more_in_wide"] = apart - abs(narrow[0] - narrow[1])
    return by_block(found)


def trained(course: Course, task: str, optimiser: str, decay: float) -> History:
    """One fit, run once."""
    key = (task, optimiser, decay)
    if key not in course.kept:
        epochs = max(1, ALL[task].epochs * course.effort // 100)
        recipe = Recipe(epochs=epochs, optimiser=optimiser, decay=decay, watch_every=epochs)
        course.kept[key] = fit(lambda: network(task), course.samples[ALL[task].sample], recipe)
    return course.kept[key]


def network(task: str) -> nn.Module:
    """A task's network."""
    return mlp(64, 10, hidden=WIDTHS[task]) if task in WIDTHS else NETWORKS[task]()


def gap(history: History) -> NDArray[np.float64]:
    """Training accuracy less test accuracy at the end, in points."""
    found: NDArray[np.float64] = 100 * (history.last("train_score") - history.last("test_score"))
    return found


def test_score(history: History) -> NDArray[np.float64]:
    """Accuracy on test rows at the end, in percent."""
    found: NDArray[np.float64] = 100 * history.last("test_score")
    return found


def norm(history: History) -> NDArray[np.float64]:
    """The norm of all parameters at the end."""
    return norm_of(list(history.nets.parameters()))


def mended(adam: History, adamw: History) -> NDArray[np.float64]:
    """By how many points AdamW's gap is smaller; nothing at most where its test accuracy is lower.

    Lower is a point or more.
    """
    smaller = gap(adam) - gap(adamw)
    lower = test_score(adamw) < test_score(adam) - 1
    return np.where(lower, np.minimum(smaller, 0.0), smaller)


COLOURS = (BLUE, ORANGE, GREEN)


def gaps_by_decay(table: pd.DataFrame) -> Figure:
    """The gap between training and test accuracy with both optimisers, by decay."""
    from matplotlib.figure import Figure

    figure = Figure()
    for axes, task in zip(figure.subplots(1, len(TASKS)), TASKS, strict=True):
        _draw_task(axes, table[table["task"] == task])
        axes.set_title(TASK.say(task), fontsize=18)
        axes.set_ylim(bottom=-0.5)
    figure.axes[0].set_ylabel("training less test accuracy (points)")
    figure.axes[0].legend(loc="lower left", bbox_to_anchor=(0, 0.1))
    figure.supxlabel("weight_decay, the same number for both")
    digits, rows = (
        told(-_mended(table, task), "+.1f", "points") for task in ("digits", "listing 3")
    )
    figure.suptitle(
        f"AdamW's gap less Adam's: {digits} on digits,\n{rows} on listing 3's rows\n(weight_decay "
        f"0.01; CPU; lines: medians over {table['block'].nunique()} seeds, bands: middle 80 %)",
        fontsize=18,
    )
    return figure


def _mended(table: pd.DataFrame, task: str) -> NDArray[np.float64]:
    """By how much AdamW's gap is smaller, at one decay."""
    gaps = table[(table["task"] == task) & (table["decay"] == LADDER_DECAY)]
    adam, adamw = (
        gaps[gaps["response"] == name].sort_values("block")["value"].to_numpy(np.float64)
        for name in ("adam_gap", "adamw_gap")
    )
    return np.asarray(adam - adamw, np.float64)


def _draw_task(axes: Axes, rows: pd.DataFrame) -> None:
    for response, colour, label in (("adam_gap", ORANGE, "Adam"), ("adamw_gap", BLUE, "AdamW")):
        gaps = rows[rows["response"] == response].groupby("decay")["value"]
        low, middle, high = (gaps.quantile(q) for q in (0.1, 0.5, 0.9))
        axes.fill_between(low.index, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(middle.index, middle, color=colour, marker="o", label=label)
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.set_xscale("log")


def in_the_design(arm: Arm) -> bool:
    """The two widths are compared at one decay."""
    return arm[TASK] in TASKS or arm[DECAY] == LADDER_DECAY


EXPERIMENT: Experiment[Course] = Experiment(
    question="Is L2 through Adam weaker than AdamW's at the same weight_decay?",
    factors=(TASK, DECAY),
    only=in_the_design,
    responses=(
        Response(
            "mended",
            "points",
            "by how much AdamW's gap is smaller than Adam's, where its test accuracy is no more "
            "than a point lower",
        ),
        Response("longer", "%", "by how much the norm of Adam's weights is above AdamW's"),
        Response("test_gain", "points", "test accuracy of AdamW less that of Adam"),
        Response("adam_gap", "points", "training accuracy less test accuracy with Adam"),
        Response("adamw_gap", "points", "training accuracy less test accuracy with AdamW"),
        Response("adam_test", "%", "test accuracy with Adam"),
        Response("adamw_test", "%", "test accuracy with AdamW"),
        Response("decayed", "1", "AdamW's rate times decay times steps"),
        Response(
            "more_in_wide",
            "points",
            "by how much the optimisers' gaps are farther apart than in the narrow network",
        ),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(4, 100, 100),  # percent of the epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(gaps_by_decay,),
)
