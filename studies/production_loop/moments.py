"""How many steps do Adam's moments take to rebuild?

Adam trains with its default betas. In mid-training a second pair of moments starts from zero, as
after a resume without the optimiser's state, and is fed the very gradients that the run goes on
with. Both pairs are corrected for their bias by their own number of steps, as Adam does when it
uses them, and compared number by number: the moments are rebuilt when both are within 10 % of those
that were kept, by the norm of the difference. A resumed run of its own would go another way, and
its gradients with it: to compare these would not be about rebuilding.

By arithmetic the distance shrinks by 0.9 a step for the first moment and by 0.999 for the second;
from where it starts, and with it the number of steps, depends on how much the gradients have
changed since. Where they have all but vanished, a training is over, and a second moment that
remembers large gradients is not rebuilt from small ones. So "mid-training" is a premise, and a
control: 1,000 steps after the reset the norm of the gradients is still at least half of what it was
before it. For each of four tasks and three rates, ten times apart, the reset comes at the latest of
steps 1,000, 300 and 100 of which other seeds have shown that, by the norms of their gradients
alone; where none of them does, the task is beyond the passage. The watch ends 2,000 steps after the
reset. When the loss is back is another question (``lost_state``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    between,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, told
from harness.libraries import torch
from harness.workloads.curves import Curves
from harness.workloads.loop import Log, Setting, train
from harness.workloads.tasks import DIGITS, LINEAR, LOGISTIC, SPIRAL_RELU
from studies.bugs.grid import as_array, task_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

TASK = Factor("task", (DIGITS, LOGISTIC, LINEAR, SPIRAL_RELU))
RATE = Factor("rate", (1e-4, 1e-3, 1e-2), label="rate")
BETAS = (0.9, 0.999)
BATCH, WITHIN = 32, 0.1
#: Distances are looked at after each of so many steps, and then at every so many.
EACH_OF, EVERY = 100, 10
#: Steps of the watch, of a unit of training, and of the means of gradient norms.
WATCHED, UNIT, WINDOW = 2000, 1000, 100
#: After how many steps the reset comes, by task and rate: where it is mid-training. Named on other
#: seeds, by the norms of their gradients.
RESETS = {
    DIGITS: {1e-4: 1000},
    LOGISTIC: {1e-4: 1000, 1e-3: 1000},
    LINEAR: {1e-4: 1000, 1e-3: 1000, 1e-2: 1000},
    SPIRAL_RELU: {1e-4: 1000, 1e-3: 300},
}
#: Of those where none of the three is, for the distances that are shown.
OVER = 1000
TYPICAL_RATE = 1e-4
TYPICAL: dict[str, Level] = {"task": DIGITS, "rate": TYPICAL_RATE}
#: Steps after the reset at which the distances are written down, as far as the watch goes.
LOOKS = (1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000)


def over(task: str) -> tuple[float, ...]:
    """The rates at which a task's training is over before the moments could be rebuilt."""
    return tuple(rate for rate in RATE.levels if rate not in RESETS[task])


HUNDREDS = between(100, 999)
READING = (
    "Hundreds of steps: it takes 100 to 999 of them until both moments that started from zero are "
    "within 10 % of those that were kept, each corrected for its bias."
)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C7.06",
            Value("both").at(task=task, rate=tuple(resets)),
            HUNDREDS,
            reading=READING,
            headline=TYPICAL if task == TYPICAL["task"] else False,
        )
        for task, resets in RESETS.items()
    ),
    *(
        Beyond(
            "C7.06",
            Value("both").at(task=task, rate=over(task)),
            HUNDREDS,
            why="a training whose gradients have fallen below a half by then: it is over",
        )
        for task in RESETS
        if over(task)
    ),
    Beyond(
        "C7.06",
        Value("first"),
        HUNDREDS,
        why="the first moment alone",
    ),
    Beyond(
        "C7.06",
        Value("second"),
        HUNDREDS,
        why="the second moment alone",
    ),
    *(
        Control(
            f"the gradients have not vanished 1,000 steps after the reset: {task}",
            Value("held").at(task=task, rate=tuple(resets)),
            at_least(0.5),
        )
        for task, resets in RESETS.items()
    ),
    Control(
        "the first moment forgets by a tenth a step",
        Value("first_off_law"),
        at_most(0.05),
    ),
)
MORE = f"{WATCHED + 1:,} stands for more than the {WATCHED:,} watched"
RESPONSES = (
    Response("both", "steps", f"number of steps until both moments are rebuilt ({MORE})"),
    Response("first", "steps", f"number of steps until the first moment is rebuilt ({MORE})"),
    Response("second", "steps", f"number of steps until the second moment is rebuilt ({MORE})"),
    Response(
        "held",
        "1",
        "norm of the gradients 1,000 steps after the reset over that before it (root mean squares "
        "of 100 steps)",
    ),
    Response(
        "first_off_law",
        "1",
        "distance of the uncorrected first moment after 10 steps from 0.9 to the tenth, over it",
    ),
    Response("off_first", "1", "distance of the first moment from that which was kept, over it"),
    Response("off_second", "1", "distance of the second moment from that which was kept, over it"),
)


class Rebuilding:
    """Moments that start from zero at a reset, beside those that Adam keeps; called every step."""

    def __init__(self, reset: int, watched: int) -> None:
        self.reset, self.watched, self.step = reset, watched, 0
        self.new: list[Tensor] = []
        #: Steps since the reset that were looked at, and the distances then, of shape (replicas,).
        self.since: list[int] = []
        self.off: list[tuple[Tensor, Tensor]] = []
        self.raw: list[Tensor] = []

    def __call__(self, log: Log) -> None:
        """Take the gradients of a step into the new moments."""
        self.step += 1
        since = self.step - self.reset
        if since == 0:
            self.at_reset = kept(log, "exp_avg").clone()
        if since <= 0:
            return
        gradient = flat([p.grad for p in log.nets.parameters() if p.grad is not None])
        if not self.new:
            self.new = [torch.zeros_like(gradient) for _ in BETAS]
        self.new[0].mul_(BETAS[0]).add_(gradient, alpha=1 - BETAS[0])
        self.new[1].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        if since <= min(EACH_OF, self.watched) or (since % EVERY == 0 and since <= self.watched):
            self.since.append(since)
            moments = kept(log, "exp_avg"), kept(log, "exp_avg_sq")
            first, second = (self._distance(place, moments[place], since) for place in (0, 1))
            self.off.append((first, second))
            self.raw.append((moments[0] - self.new[0]).norm(dim=1) / self.at_reset.norm(dim=1))

    def _distance(self, place: int, kept: Tensor, since: int) -> Tensor:
        whole = kept / (1 - BETAS[place] ** self.step)
        new = self.new[place] / (1 - BETAS[place] ** since)
        off: Tensor = (new - whole).norm(dim=1) / whole.norm(dim=1).clamp(min=1e-30)
        return off


def kept(log: Log, moment: str) -> Tensor:
    """One of Adam's own moments, each replica's numbers in a row."""
    return flat([log.optimiser.state[p][moment] for p in log.nets.parameters()])


def flat(tensors: list[Tensor]) -> Tensor:
    """Each replica's numbers in a row; shape (replicas, numbers)."""
    return torch.cat([tensor.flatten(1) for tensor in tensors], dim=1)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, and watch moments that start from zero."""
    unit = blocks[0].effort
    reset = RESETS[arm[TASK]].get(arm[RATE], OVER) * unit // UNIT
    watched = WATCHED * unit // UNIT
    task = task_of(arm[TASK], blocks)
    epochs = -(-(reset + watched) // (task.train.x.shape[1] // BATCH))
    watch = Rebuilding(reset, watched)
    log = train(task, Setting("Adam", arm[RATE], epochs=epochs, batch=BATCH), after_step=watch)
    first, second = (
        np.stack([off[place].numpy() for off in watch.off]) for place in range(len(BETAS))
    )
    looks = [watch.since.index(look) for look in LOOKS if look <= watched]
    law = watch.raw[9].numpy() / BETAS[0] ** 10
    found = {
        "both": rebuilt(np.maximum(first, second), watch.since),
        "first": rebuilt(first, watch.since),
        "second": rebuilt(second, watch.since),
        "held": held(as_array(log.steps["gradient_norm"]), reset, unit),
        "first_off_law": np.abs(law - 1),
        "off_first": first[looks],
        "off_second": second[looks],
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def held(norms: Curves, reset: int, unit: int) -> Curves:
    """The norm of the gradients a unit of training after the reset, over that before it.

    Args:
        norms: shape (steps, replicas).
        reset: after so many steps.
        unit: steps; of its last tenth, and of as many steps before the reset, means are taken.
    """
    window = min(WINDOW * unit // UNIT, reset)
    before, after = norms[reset - window : reset], norms[reset + unit - window : reset + unit]
    found: Curves = np.sqrt((after**2).mean(axis=0) / (before**2).mean(axis=0))
    return found


def rebuilt(off: np.ndarray, since: Sequence[int]) -> np.ndarray:
    """After how many steps a distance is within the limit for good; one more if not at the end.

    Args:
        off: shape (looks, replicas).
        since: the steps at which it was looked at.
    """
    outside = off > WITHIN
    last = len(off) - outside[::-1].argmax(axis=0)  # looks up to the last that is outside
    steps = np.array([*since, since[-1] + 1], dtype=np.float64)
    return np.asarray(np.where(outside.any(axis=0), steps[last], steps[0]))


COLOURS = {DIGITS: BLUE, LOGISTIC: ORANGE, LINEAR: GREEN, SPIRAL_RELU: PURPLE}


def in_steps(values: pd.Series[float]) -> str:
    """How many steps, in words; what the watch did not last for is no number."""
    if values.median() > WATCHED:
        return f"more than {WATCHED:,} steps"
    return told(values, ",.0f", "steps")


def rebuilding(table: pd.DataFrame) -> Figure:
    """The distance of both moments from those that were kept, by step since the reset."""
    from matplotlib.figure import Figure

    rows = table[table["rate"] == TYPICAL_RATE]
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, response, name in zip(
        panels, ("off_first", "off_second"), ("first moment", "second moment"), strict=True
    ):
        for task, colour in COLOURS.items():
            of_one = rows[(rows["task"] == task) & (rows["response"] == response)]
            by_look = of_one.groupby("round")["value"]
            low, middle, high = (by_look.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
            steps = LOOKS[: len(middle)]
            axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
            label = f"{task}, reset after {RESETS[task].get(TYPICAL_RATE, OVER):,} steps"
            axes.plot(steps, middle, color=colour, label=label)
        axes.axhline(WITHIN, color=BLACK, linestyle="--", linewidth=1.5, label="within 10 %")
        axes.axvspan(100, 999, color="#E8E8E8", zorder=0, label="hundreds of steps")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(1e-3, 20)
        axes.set_xlabel("steps since the reset")
        axes.set_title(name)
    panels[0].set_ylabel("distance from the moment that was kept")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    of_typical = rows[(rows["task"] == TYPICAL["task"]) & (rows["response"] == "both")]["value"]
    figure.suptitle(
        f"Adam's moments are rebuilt after {in_steps(of_typical)}\n"
        f"({TYPICAL['task']}, rate {TYPICAL_RATE:g}; {table['block'].nunique()} seeds, "
        "lines and bands: median and middle 80 %)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="How many steps do Adam's moments take to rebuild?",
    factors=(TASK, RATE),
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(100, UNIT, UNIT),  # steps: a unit of training
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(rebuilding,),
)
