"""What does a resume without the optimiser's state cost, and for how long?

Adam trains with a cosine schedule over 24 epochs, stepped after each of them as in the document's
script. A run is stopped after 12 epochs, or after 23: the passage has a machine that crashes in
hour 23 of 24. It goes on for the epochs that are left with everything put back; with the weights
alone, which is what the passage warns of: new moments, the schedule from its beginning, other
random numbers; and with one of these three lost. Weights, rows and, except where it is what is
lost, the order of rows and the masks are the same. The rate that the schedule begins with is chosen
for the run that is never stopped: the one of three with the lowest validation loss at the end, for
eight other seeds.

That the weights alone do not bring back the same run, to the last bit, is C7.49 (``resumed``), and
any difference in a bit would make "not enough" true by definition. Here it is about what that
costs: in the next epoch the training loss must be 5 % above that of the run that was never stopped.
Losses below a hundredth of the loss at the start count as a hundredth, for there both runs have
learnt their rows. "Quality" is judged by the validation accuracy at the end, after the same number
of epochs, and by a point of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from harness.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, plain_ticks, told, wide
from harness.libraries import nn, torch
from harness.workloads import Replicas, mlp
from harness.workloads.fitting import watch
from harness.workloads.loop import OPTIMISERS
from harness.workloads.samples import Sample, draw_sample

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

EPOCHS = 24
HALF, LATE = 12, 23
BATCH, LEARNT = 32, 0.01
PERCEPTRON, NORMED, CANCER, OWN = (
    "digits, perceptron",
    "digits, dropout and batch norm",
    "breast cancer, perceptron",
    "document D's data, perceptron",
)
TASK = Factor("task", (PERCEPTRON, NORMED, CANCER, OWN))
#: Rates to choose from, by how many other seeds.
RATES, PILOTS = (1e-3, 3e-3, 1e-2), 8
STOP = Factor(
    "stop", (HALF, LATE), words={n: f"stopped after {n} of {EPOCHS} epochs" for n in (HALF, LATE)}
)
NOTHING, ALONE = "nothing", "all but the weights"
MOMENTS, SCHEDULE, ORDER = "the moments", "the schedule", "the random states"
LOST = Factor(
    "lost",
    (NOTHING, ALONE, MOMENTS, SCHEDULE, ORDER),
    control=NOTHING,
    words={
        NOTHING: "everything put back",
        ALONE: "the weights alone put back",
        MOMENTS: "the moments lost",
        SCHEDULE: "the schedule lost",
        ORDER: "the random states lost",
    },
)
TYPICAL: dict[str, Level] = {"task": PERCEPTRON, "stop": HALF}
PARTS = (MOMENTS, SCHEDULE, ORDER)

WORSE_NEXT = (
    "Not enough, by what it costs: resumed from the weights alone, the training loss of the next "
    "epoch is at least 5 % above that of the run that was never stopped. That it is another run to "
    "the last bit is C7.49's statement."
)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.05",
        Ratio("next_loss", LOST).at(lost=ALONE),
        at_least(1.05),
        reading=WORSE_NEXT,
        headline=TYPICAL,
    ),
    *(
        Beyond(
            "C7.05",
            Ratio("next_loss", LOST).at(lost=part),
            at_least(1.05),
            why="one part of the state lost, and the others put back",
            reading=WORSE_NEXT.replace("from the weights alone", "without it"),
        )
        for part in PARTS
    ),
    Claim(
        "C7.07",
        Difference("accuracy", LOST).at(lost=ALONE),
        at_most(-0.01),
        reading="Quality degrades: resumed from the weights alone, a run ends with a validation "
        "accuracy that is a point lower or more, after as many epochs.",
        headline=TYPICAL,
    ),
    *(
        Beyond(
            "C7.07",
            Difference("accuracy", LOST).at(lost=part),
            at_most(-0.01),
            why="one part of the state lost, and the others put back",
        )
        for part in PARTS
    ),
    Beyond(
        "C7.07",
        Ratio("val_loss", LOST).at(lost=ALONE),
        at_least(1.05),
        why="the validation loss, where the rule is about accuracy",
    ),
    Beyond(
        "C7.07",
        Ratio("end_loss", LOST).at(lost=ALONE),
        at_least(1.05),
        why="the training loss at the end, where the rule is about accuracy",
    ),
    Control(
        "the run that was never stopped learns",
        Value("end_loss").at(lost=NOTHING),
        less_than(0.5),
    ),
)
RESPONSES = (
    Response(
        "next_loss",
        "1",
        "training loss of the next epoch over that at the start (a hundredth at the least)",
    ),
    Response("accuracy", "1", "validation accuracy at the end"),
    Response("val_loss", "nat", "validation loss at the end"),
    Response(
        "end_loss",
        "1",
        "training loss at the end over that at the start (a hundredth at the least)",
    ),
    Response("curve", "1", "training loss of an epoch after the stop, over that at the start"),
)


@dataclass
class Run:
    """A training of all replicas at once, which can be stopped and taken up again.

    Attributes:
        sample: what is learnt.
        nets: the networks.
        lr: the rate that the schedule begins with.
        orders: a stream for each replica's order of rows.
        first_loss: of each replica on its training rows before the first step.
    """

    sample: Sample
    nets: Replicas
    lr: float
    orders: list[torch.Generator]
    first_loss: Numbers
    optimiser: torch.optim.Optimizer = field(init=False)
    scheduler: torch.optim.lr_scheduler.LRScheduler = field(init=False)

    def __post_init__(self) -> None:
        self.new_optimiser()

    def new_optimiser(self) -> None:
        """A new optimiser and a new schedule, as a script makes them."""
        self.optimiser = OPTIMISERS["Adam"](self.nets.parameters(), self.lr)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, EPOCHS)

    def epoch(self) -> Numbers:
        """Train an epoch; the mean loss of its steps, shape (replicas,)."""
        losses = []
        self.nets.train()
        for x, y in self._batches():
            self.optimiser.zero_grad()
            loss = self.nets.each(torch.nn.functional.cross_entropy, self.nets(x), y)
            loss.sum().backward()
            self.optimiser.step()
            losses.append(loss.detach())
        self.scheduler.step()
        return torch.stack(losses).mean(0).double().cpu().numpy()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        part = self.sample.train
        rows = part.x.shape[1]
        order = torch.stack([torch.randperm(rows, generator=g) for g in self.orders])
        order = order.to(part.x.device)
        replica = torch.arange(len(self.orders), device=part.x.device)[:, None]
        for chosen in order[:, : rows - rows % BATCH].split(BATCH, dim=1):
            yield part.x[replica, chosen], part.y[replica, chosen]

    def held(self) -> dict[str, Any]:
        """All state, as a checkpoint has it."""
        return {
            "weights": [p.detach().clone() for p in self.nets.parameters()],
            "buffers": [b.detach().clone() for _, b in self.nets.named_buffers()],
            "optimiser": copy.deepcopy(self.optimiser.state_dict()),
            "scheduler": self.scheduler.state_dict(),
            "orders": [g.get_state() for g in self.orders],
            "torch": torch.get_rng_state(),
        }

    def resume(self, held: Mapping[str, Any], lost: str) -> None:
        """Take up a run, with something of its state lost."""
        with torch.no_grad():
            for parameter, weights in zip(self.nets.parameters(), held["weights"], strict=True):
                parameter.copy_(weights)
            for (_, buffer), values in zip(self.nets.named_buffers(), held["buffers"], strict=True):
                buffer.copy_(values)
        self.new_optimiser()
        if lost in (NOTHING, ORDER, SCHEDULE):
            self.optimiser.load_state_dict(copy.deepcopy(held["optimiser"]))
        if lost in (NOTHING, ORDER, MOMENTS):
            self.scheduler.load_state_dict(held["scheduler"])
            self._set_rate(float(self.scheduler.get_last_lr()[0]))
        else:
            self._set_rate(self.lr)
        if lost in (ORDER, ALONE):  # as a script that seeds everything at its start
            torch.manual_seed(self.sample.seeds[0])
            for generator, seed in zip(self.orders, self.sample.seeds, strict=True):
                generator.manual_seed(seed)
        else:
            torch.set_rng_state(held["torch"])
            for generator, state in zip(self.orders, held["orders"], strict=True):
                generator.set_state(state)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate


#: By task and stop: the run, and its state when it was stopped.
Stopped = dict[tuple[str, int], "tuple[Run, dict[str, Any]]"]


@dataclass(frozen=True)
class Cohort:
    """Blocks, and what each task came to by the time that it was stopped."""

    blocks: tuple[Block, ...]
    stopped: Stopped


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Train every task up to each stop."""
    stopped: Stopped = {}
    for task in TASK.levels:
        run = begun(task, blocks, best_rate(task, blocks[0]))
        for epoch in range(1, LATE + 1):
            run.epoch()
            if epoch in STOP.levels:
                stopped[task, epoch] = run, run.held()
    return Cohort(blocks, stopped)


def best_rate(task: str, block: Block) -> float:
    """The rate with the lowest median validation loss of runs that are never stopped.

    Args:
        task: which.
        block: any of the run's; the seeds of the runs come from what all have in common.
    """
    seeds = np.random.SeedSequence(block.shared_seed).generate_state(PILOTS, np.uint32)
    pilots = [replace(block, index=i, seed=int(seed)) for i, seed in enumerate(seeds)]
    ends = {}
    for rate in RATES:
        run = begun(task, pilots, rate)
        for _ in range(EPOCHS):
            run.epoch()
        ends[rate] = float(np.median(watch(run.nets, run.sample)["val_loss"]))
    return min(ends, key=lambda rate: ends[rate])


def begun(task: str, blocks: Sequence[Block], lr: float) -> Run:
    """Networks, rows and streams, all from the blocks' seeds."""
    seeds = [block.seed for block in blocks]
    name = {CANCER: "breast cancer", OWN: "listing 3"}.get(task, "digits")
    rows = blocks[0].effort
    sample = draw_sample(name, seeds, train=min(rows, 285) if name == "breast cancer" else rows)  # type: ignore[arg-type]  # one of its names
    networks = []
    for seed in seeds:
        torch.manual_seed(seed)
        networks.append(network(task, sample))
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    torch.manual_seed(seeds[0])
    nets = Replicas(networks)
    return Run(sample, nets, lr, orders, watch(nets, sample)["train_loss"])


def network(task: str, sample: Sample) -> nn.Module:
    """A task's network."""
    normed = task == NORMED
    return mlp(sample.features, sample.classes, dropout=0.2 if normed else None, batch_norm=normed)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Take a stopped run up again, and train the epochs that are left."""
    run, held = cohort.stopped[arm[TASK], arm[STOP]]
    run.resume(held, arm[LOST])
    curve = np.stack([run.epoch() for _ in range(EPOCHS - arm[STOP])]) / run.first_loss
    seen = watch(run.nets, run.sample)
    found = {
        "next_loss": curve[0].clip(min=LEARNT),
        "accuracy": seen["val_score"],
        "val_loss": seen["val_loss"],
        "end_loss": (seen["train_loss"] / run.first_loss).clip(min=LEARNT),
        "curve": curve,
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(cohort.blocks))
    ]


COLOURS = {NOTHING: BLACK, ALONE: ORANGE, MOMENTS: BLUE, SCHEDULE: PURPLE, ORDER: GREEN}


def loss_after_the_resume(table: pd.DataFrame) -> Figure:
    """The training loss after the stop half-way over that of the run that went through."""
    from matplotlib.figure import Figure

    rows = table[(table["stop"] == HALF) & (table["response"] == "curve")]
    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels), sharey=True)
    for axes, task in zip(panels, TASK.levels, strict=True):
        _draw(axes, rows[rows["task"] == task])
        axes.set_title(task.replace(", ", "\n"), fontsize=15)
        axes.set_xlabel("epoch after\nthe resume", fontsize=15)
    panels[0].set_ylabel("training loss, never stopped = 1")
    panels[0].set_yscale("log")
    for axes in panels:
        plain_ticks(axes)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(_title(table), fontsize=18)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    values = wide(rows, index=["block", "round"], columns="lost")
    axes.axhline(1, color=BLACK, linewidth=1.5)
    for lost in (ALONE, *PARTS):
        if lost not in values or NOTHING not in values:
            continue
        ratio = (values[lost] / values[NOTHING]).groupby("round")
        low, middle, high = (ratio.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
        epochs = np.arange(1, len(middle) + 1)
        axes.fill_between(epochs, low, high, color=COLOURS[lost], alpha=0.2, linewidth=0)
        axes.plot(epochs, middle, color=COLOURS[lost], label=LOST.say(lost))


def _title(table: pd.DataFrame) -> str:
    rows = table[(table["response"] == "next_loss") & (table["stop"] == HALF)]
    values = wide(rows[rows["task"] == PERCEPTRON], index="block", columns="lost")
    values = values.reindex(columns=list(LOST.levels))
    ratio = (values[ALONE] / values[NOTHING]).to_numpy()
    return (
        f"Resumed half-way from the weights alone, the next epoch's loss is\n{told(ratio)} times "
        f"that of the run that went through ({PERCEPTRON};\n{table['block'].nunique()} seeds, "
        "lines and bands: median and middle 80 %)"
    )


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="What does a resume without the optimiser's state cost, and for how long?",
    factors=(TASK, STOP, LOST),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(128, 512, 512),  # rows to train on
    prepare_together=prepare,
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_after_the_resume,),
)
