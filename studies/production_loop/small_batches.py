"""Do batches of 8 converge worse than batches of 64?

Five tasks are trained by SGD and by Adam for as many epochs with batches of 8 and of 64. The
passage has a script set for 64 whose batch must shrink to 8: so the learning rate is the one, of
five ten and three times apart, with which batches of 64 end with the lowest loss over all training
rows, in runs of eight other seeds. Convergence is that loss at the end, in eval mode. It must be 5
% higher with batches of 8; below a hundredth of the loss at the start both have learnt their rows,
and count as equal. A script that is set for 64 converges with 64: it has lost half of its loss by
the end, which a control checks. Where batches of 64 have not, the setting is beyond the passage, as
are regressions, for usual classifiers are meant. The spirals, of few rows, are trained for five
times as many epochs.

Beyond the passage are, too, batches of 8 with the best rate of their own (on digits), as many
updates in place of as many epochs (an eighth of the rows), and the validation score. Eight
accumulated micro-batches of 8 are not in it: their gradient is that of 64 (``accumulated``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    less_than,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, plain_ticks, told, wide
from harness.workloads.loop import Log, Setting, train
from harness.workloads.tasks import (
    DIGITS,
    LINEAR,
    LOGISTIC,
    SPIRAL_RELU,
    SPIRAL_TANH,
    TrainingTask,
    make_task,
)
from studies.bugs.grid import as_array, losses_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TASK = Factor("task", (DIGITS, LOGISTIC, LINEAR, SPIRAL_TANH, SPIRAL_RELU))
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
RATES = {"SGD": (0.01, 0.03, 0.1, 0.3, 1.0), "Adam": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)}
LARGE, SMALL = "batches of 64", "batches of 8"
OWN, UPDATES = "batches of 8 at their own best rate", "batches of 8, as many updates"
BATCH = Factor("batch", (LARGE, SMALL, OWN, UPDATES), control=LARGE)
SIZES = {LARGE: 64, SMALL: 8, OWN: 8, UPDATES: 8}
PILOTS = 8
LEARNT, DIVERGED = 0.01, 1e6
#: So many times as long as the others are trained.
LONGER = {SPIRAL_TANH: 5, SPIRAL_RELU: 5}
#: Tasks on which batches of 8 get a rate of their own as well.
TUNED = (DIGITS, LOGISTIC)
#: Classifiers, with the optimisers by which batches of 64 lose half of their loss in nine of ten
#: trainings: found with other seeds, without a batch of 8.
CONVERGING = {
    DIGITS: ("SGD", "Adam"),
    LOGISTIC: ("SGD", "Adam"),
    SPIRAL_TANH: ("Adam",),
    SPIRAL_RELU: ("Adam",),
}
#: How the figure calls the tasks.
SHORT = {
    DIGITS: "digits",
    LOGISTIC: "logistic",
    LINEAR: "linear",
    SPIRAL_TANH: "spiral\n(tanh)",
    SPIRAL_RELU: "spiral\n(ReLU)",
}
TYPICAL: dict[str, Level] = {"task": DIGITS, "optimiser": "Adam"}


def not_converging(task: str) -> tuple[str, ...]:
    """The optimisers by which batches of 64 do not reliably lose half of their loss."""
    return tuple(each for each in OPTIMISER.levels if each not in CONVERGING[task])


WORSE = at_least(1.05)
READING = (
    "Worse convergence: after as many epochs, at the rate that is best for batches of 64, the loss "
    "over all training rows is at least 5 % higher with batches of 8."
)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C7.18",
            Ratio("end", BATCH).at(batch=SMALL, task=task, optimiser=optimisers),
            WORSE,
            reading=READING,
            headline=TYPICAL if task == TYPICAL["task"] else False,
        )
        for task, optimisers in CONVERGING.items()
    ),
    *(
        Beyond(
            "C7.18",
            Ratio("end", BATCH).at(batch=SMALL, task=task, optimiser=not_converging(task)),
            WORSE,
            why="batches of 64 themselves do not lose half of their loss in nine of ten trainings",
        )
        for task in CONVERGING
        if not_converging(task)
    ),
    Beyond(
        "C7.18",
        Ratio("end", BATCH).at(batch=SMALL, task=LINEAR),
        WORSE,
        why="a regression, where usual classifiers are meant",
    ),
    Beyond(
        "C7.18",
        Ratio("end", BATCH).at(batch=OWN),
        WORSE,
        why="a rate that is chosen anew for batches of 8",
    ),
    Beyond(
        "C7.18",
        Ratio("end", BATCH).at(batch=UPDATES),
        WORSE,
        why="as many updates, and with them an eighth of the rows",
    ),
    Beyond(
        "C7.18",
        Difference("score", BATCH).at(batch=SMALL),
        at_most(-0.01),
        why="the validation score, where the passage speaks of convergence",
        reading="Worse: a hundredth less of the validation rows are right, or of their variance "
        "explained.",
    ),
    *(
        Control(
            f"batches of 64 lose half of their loss: {task}",
            Value("end").at(batch=LARGE, task=task, optimiser=optimisers),
            less_than(0.5),
        )
        for task, optimisers in CONVERGING.items()
    ),
)
RESPONSES = (
    Response(
        "end",
        "1",
        "loss over all training rows at the end over that at the start (a hundredth at the least)",
    ),
    Response("score", "1", "validation accuracy at the end, or share of variance explained"),
    Response("rate", "1", "learning rate that was chosen"),
)


@dataclass(frozen=True)
class Cohort:
    """Blocks, their tasks, and the rates chosen by other seeds."""

    blocks: tuple[Block, ...]
    tasks: dict[str, TrainingTask]
    rates: dict[tuple[str, str, int], float]


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """The tasks of the blocks, and the best rates for other seeds, the same for all blocks."""
    epochs = blocks[0].effort
    seeds = np.random.SeedSequence(blocks[0].shared_seed).generate_state(PILOTS, np.uint32)
    pilots = tuple(replace(blocks[0], index=i, seed=int(s)) for i, s in enumerate(seeds))
    rates = {
        (task, optimiser, size): best_rate(
            make_task(task, pilots), optimiser, size, epochs * LONGER.get(task, 1)
        )
        for task in TASK.levels
        for optimiser in OPTIMISER.levels
        for size in ((64, 8) if task in TUNED else (64,))
    }
    tasks = {task: make_task(task, blocks) for task in TASK.levels}
    return Cohort(blocks, tasks, rates)


def best_rate(task: TrainingTask, optimiser: str, size: int, epochs: int) -> float:
    """The rate with the lowest median loss over the training rows at the end."""
    ends = {
        rate: float(np.median(end_of(task, train(task, Setting(optimiser, rate, epochs, size)))))
        for rate in RATES[optimiser]
    }
    return min(ends, key=lambda rate: ends[rate])


def end_of(task: TrainingTask, log: Log) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The loss at the end over that at the start; a million where it is no number."""
    losses = losses_of(task, log)
    return np.asarray(np.nan_to_num(losses[-1] / losses[0], nan=DIVERGED)).clip(0, DIVERGED)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train at the rate of the arm."""
    task, size = cohort.tasks[arm[TASK]], SIZES[arm[BATCH]]
    chosen_for = 8 if arm[BATCH] == OWN else 64
    rate = cohort.rates[arm[TASK], arm[OPTIMISER], chosen_for]
    epochs = cohort.blocks[0].effort * LONGER.get(arm[TASK], 1)
    if arm[BATCH] == UPDATES:
        epochs = max(1, round(epochs / 8))
    log = train(task, Setting(arm[OPTIMISER], rate, epochs, size))
    end = end_of(task, log).clip(min=LEARNT)
    score = np.nan_to_num(as_array(log.epochs["true_val_score"])[-1], nan=-DIVERGED)
    return [
        {"end": float(end[place]), "score": float(score[place]), "rate": rate}
        for place in range(len(cohort.blocks))
    ]


def loss_with_small_batches(table: pd.DataFrame) -> Figure:
    """The loss at the end with batches of 8 over that with 64, setting by setting."""
    from matplotlib.figure import Figure

    values = wide(
        table[table["response"] == "end"], index=["task", "optimiser", "block"], columns="batch"
    ).reindex(columns=list(BATCH.levels))
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(1.05, 1e3, color="#EEEEEE", zorder=0)
    axes.axhline(1, color=BLACK, linewidth=1)
    settings = [(task, optimiser) for task in TASK.levels for optimiser in OPTIMISER.levels]
    largest = 2.0
    for place, (task, optimiser) in enumerate(settings):
        of_one = _of_setting(values, task, optimiser)
        for batch, colour, shift in ((SMALL, ORANGE, -0.17), (OWN, BLUE, 0.17)):
            if batch == OWN and task not in TUNED:
                continue
            ratio = (of_one[batch] / of_one[LARGE]).to_numpy()
            label = f"{batch}{' at the rate of 64' if batch == SMALL else ''}"
            draw_blocks(
                axes, place + shift, ratio, colour=colour, width=0.1, label=None if place else label
            )
            largest = max(largest, float(np.nanmax(ratio, initial=1.0)))
    axes.set_yscale("log")
    axes.set_ylim(None, min(1.5 * largest, 1e3))
    plain_ticks(axes)
    axes.set_xticks(
        range(len(settings)),
        [f"{SHORT[task]}\n{optimiser}" for task, optimiser in settings],
        fontsize=15,
    )
    axes.set_ylabel("training loss at the end, batches of 64 = 1")
    axes.plot([], [], "s", color="#DDDDDD", markersize=14, label="5 % worse or more")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    typical = _of_setting(values, DIGITS, "Adam")
    figure.suptitle(
        "After as many epochs, batches of 8 end with a training loss\n"
        f"{told(typical[SMALL] / typical[LARGE])} times that of 64 ({DIGITS}, Adam;\n"
        f"dots: {table['block'].nunique()} seeds, diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure


def _of_setting(values: pd.DataFrame, task: str, optimiser: str) -> pd.DataFrame:
    """The rows of one setting, a block each."""
    index = values.index
    chosen = (index.get_level_values("task") == task) & (
        index.get_level_values("optimiser") == optimiser
    )
    return values[chosen]


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="Do batches of 8 converge worse than batches of 64?",
    factors=(TASK, OPTIMISER, BATCH),
    only=lambda arm: arm[BATCH] != OWN or arm[TASK] in TUNED,
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 20, 20),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_with_small_batches,),
)
