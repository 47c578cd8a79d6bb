"""What does the script log under the name of the training loss?

After each epoch the script logs ``loss.item()`` of what was last called loss: the loss of the
epoch's last micro-batch, divided by the batches of an update. That is what the code says, and a
control. Its script is run (``loop``) on digits for eight epochs, with 4 and 8 micro-batches to an
update, and what is logged is compared with the mean loss of the epoch, which is what the name in
the log promises. With one batch to an update nothing is divided, and only the noise of a single
batch is between them: that is shown beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

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
    between,
    equals,
    less_than,
)
from harness.figures import BLUE, ORANGE, plain_ticks, told
from harness.libraries import functional, torch
from harness.workloads import load_split, mlp
from studies.production_loop.checkpoints import Trained
from studies.production_loop.loop import Line, Work, as_printed, train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads import Split

EPOCHS, BATCH = 8, 32
PARTS = (1, 4, 8)
ACCUMULATE = Factor(
    "accumulate",
    PARTS,
    words={n: f"{n} micro-batches to an update" if n > 1 else "no accumulation" for n in PARTS},
)
HEADLINE: dict[str, Level] = {"accumulate": 8}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.46",
        Value("of_mean").at(accumulate=(4, 8)),
        between(0.9, 1.1),
        reading="What it logs as the training loss must be the epoch's mean training loss, by a "
        "tenth more or less: the name is part of what is stated.",
        headline=HEADLINE,
    ),
    Beyond(
        "C7.46",
        Value("of_mean").at(accumulate=1),
        between(0.9, 1.1),
        why="one batch to an update, where nothing is divided and only a batch's noise is left",
    ),
    Control(
        "what is logged is the last micro-batch's loss over K, to the last bit",
        Value("is_last").always(),
        equals(1.0),
    ),
    Control("the training loss falls by 5 % or more", Value("fell"), less_than(0.95)),
)
RESPONSES = (
    Response("is_last", "yes/no", "the number logged is the last micro-batch's loss over K"),
    Response("of_mean", "1", "logged number over the epoch's mean training loss, mean over epochs"),
    Response("fell", "1", "mean training loss of the last epoch over that of the first"),
    Response("logged", "nat", "what is logged as training loss, epoch by epoch"),
    Response("mean", "nat", "mean training loss of an epoch"),
)


class Cell(NamedTuple):
    """Rows, and the block's seed."""

    split: Split
    seed: int
    epochs: int


def prepare(block: Block) -> Cell:
    """The digits."""
    return Cell(load_split("digits", block.seed), block.seed, block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the script, and compare what it logs with what it trained on."""
    lines: list[Line] = []
    own: list[float] = []
    train(
        script(cell, own),
        as_printed(accumulate=arm[ACCUMULATE], patience=cell.epochs + 1, log=lines.append),
    )
    logged = torch.tensor([line["train_loss"] for line in lines])
    losses = torch.tensor(own).view(cell.epochs, -1)
    mean = losses.mean(dim=1)
    return {
        "is_last": (logged == losses[:, -1] / arm[ACCUMULATE]).double().tolist(),
        "of_mean": (logged / mean).mean().item(),
        "fell": (mean[-1] / mean[0]).item(),
        "logged": logged.tolist(),
        "mean": mean.tolist(),
    }


def script(cell: Cell, own: list[float]) -> Work:
    """A perceptron, Adam and a cosine, as the script has them.

    Args:
        cell: what it learns.
        own: takes the loss of every batch before the loop divides it.
    """
    torch.manual_seed(cell.seed)
    x, y = cell.split.train_x, cell.split.train_y
    net = mlp(x.shape[1], cell.split.classes)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=cell.epochs)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(len(x)).split(BATCH):
            yield x[rows], y[rows]

    def loss(out: Tensor, targets: Tensor) -> Tensor:
        found = functional.cross_entropy(out, targets)
        own.append(found.item())
        return found

    trained = Trained(net, optimiser, scheduler)
    return Work(trained, batches, lambda _: (1.0, 0.0), cell.epochs, loss)


def logged_and_trained(table: pd.DataFrame) -> Figure:
    """What is logged, against the epoch's mean loss."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(PARTS), sharey=True)
    by_epoch = table.groupby(["response", "accumulate", "round"])["value"]
    low, middle, high = (by_epoch.quantile(q) for q in (0.1, 0.5, 0.9))
    for axes, parts in zip(panels, PARTS, strict=True):
        for response, colour, name in (
            ("mean", BLUE, "mean of the epoch"),
            ("logged", ORANGE, "logged as train_loss"),
        ):
            key = (response, parts)
            epochs = middle[key].index + 1
            axes.fill_between(epochs, low[key], high[key], color=colour, alpha=0.25, linewidth=0)
            axes.plot(epochs, middle[key], color=colour, label=name)
        axes.set_title(ACCUMULATE.say(parts), fontsize=16)
        axes.set_xlabel("epoch")
        axes.set_yscale("log")
    for axes in panels:
        plain_ticks(axes)
        axes.set_xticks(range(2, int(table["round"].max()) + 2, 2))
    panels[0].set_ylabel("training loss (nat)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    eight = table[(table["response"] == "of_mean") & (table["accumulate"] == 8)]["value"]
    figure.suptitle(
        f"With 8 micro-batches to an update the script logs\n{told(eight)} times the epoch's "
        f"training loss\n(digits; {table['block'].nunique()} seeds, CPU; lines and bands: median "
        "and middle 80 %)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="What does the script log under the name of the training loss?",
    factors=(ACCUMULATE,),
    blocks=PerProfile(2, 20, 40),
    effort=PerProfile(3, EPOCHS, EPOCHS),  # epochs
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(logged_and_trained,),
)
