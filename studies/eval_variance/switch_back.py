"""What does it cost to train in eval mode, from the start or after the first evaluation?

Document C warns twice. Whoever forgets ``train()`` after evaluating trains the following epochs
without dropout: the training loss looks better, the validation loss gets worse, and rises while the
training loss falls. And whoever trains in eval mode altogether gets less regularisation, stale
batch-norm statistics and worse results. Here networks are trained for 60 epochs on 300 digits and
validated after each epoch, with ``train()`` called again after every validation, never again after
the first one, or never at all. Arms share split, labels, initial weights and the order of batches.

Better, worse and rising mean by 5 % of the loss or more, or by one point of accuracy. Both passages
speak of ordinary labels; with 20 % of the training labels replaced with another class there is more
to over-fit, which is measured by the same rules and shown beyond the words. Validation labels are
always clean. Verdicts speak for a network of two hidden layers of 64, dropout 0.5, Adam at 0.003,
batches of 75. The first warning is judged on the networks that have dropout; the second on dropout
alone and on batch norm alone, whether they never trained in train mode or no longer after the first
epoch. "Train loss" is the one that the loop logs, which dropout itself raises; how closely the
training set is fitted is measured in eval mode for all arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    Region,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval, told, wide
from harness.libraries import functional, nn, torch
from harness.workloads import load_split, mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

SWITCH = Factor(
    "switch",
    ("back", "forgotten", "never"),
    control="back",
    words={
        "back": "train() called again",
        "forgotten": "train() forgotten after the first epoch",
        "never": "train() never called",
    },
)
NET = Factor(
    "net",
    ("dropout", "batch norm", "both"),
    words={
        "dropout": "net with dropout",
        "batch norm": "net with batch norm",
        "both": "net with dropout and batch norm",
    },
)
NOISE = Factor("noise", (0.0, 0.2), words={0.0: "", 0.2: "a fifth of the labels wrong"})

ROWS = 300
EPOCHS = 60
BATCH = 75
MORE, LESS = 1.05, 0.95  # the project's margin for a loss: 5 %
RISE = 0.05
LOWER = -0.01  # and for an accuracy: one percentage point
STALE = 0.1  # of a standard deviation
WINDOW = 5  # epochs to average over, where a rise must not be mere up and down from epoch to epoch

RESPONSES = (
    Response("first_train_loss", "nat", "training loss of the first epoch, as logged"),
    Response("train_loss", "nat", "training loss of the last epoch, as logged"),
    Response("fit_loss", "nat", "final loss of the training set in eval mode"),
    Response("val_loss", "nat", "final validation loss"),
    Response("val_accuracy", "1", "final validation accuracy"),
    Response("best_epoch", "epochs", "epoch with the lowest validation loss"),
    Response("val_rise", "1", "final validation loss over its lowest value, less 1"),
    Response(
        "train_fall", "1", "final logged training loss over that at the lowest validation loss"
    ),
    Response(
        "bn_gap", "s.d.", "distance of batch norm's running means from the means of its input"
    ),
    Response("train_curve", "nat", "logged training loss by epoch"),
    Response("val_curve", "nat", "validation loss by epoch"),
)

DROPPING = ("dropout", "both")
WITHOUT = ("forgotten", "never")
WRONG_LABELS = "wrong training labels, of which the passage does not speak"

#: What is said, and where: claim, contrast, region, reading. Each is judged on right labels.
SAID: tuple[tuple[str, Value | Difference | Ratio, Region, str], ...] = (
    (
        "C4.22",
        Ratio("train_loss", SWITCH).at(switch="forgotten", net=DROPPING),
        at_most(LESS),
        (
            "The training loss looks better: that of the last epoch, as the loop logs it, is at "
            "least 5 % lower."
        ),
    ),
    (
        "C4.22",
        Ratio("val_loss", SWITCH).at(switch="forgotten", net=DROPPING),
        at_least(MORE),
        "The validation loss gets worse: it ends at least 5 % higher.",
    ),
    (
        "C4.22",
        Value("val_rise").at(switch="forgotten", net=DROPPING),
        at_least(RISE),
        (
            "The validation loss rises: it ends at least 5 % above its lowest value, both as "
            f"means of {WINDOW} epochs, since the single lowest makes a rise of every up and down."
        ),
    ),
    (
        "C4.22",
        Value("train_fall").at(switch="forgotten", net=DROPPING),
        at_most(LESS),
        (
            "While the training loss falls: from the lowest validation loss to the end, the logged "
            "training loss goes down by 5 % or more."
        ),
    ),
    (
        "C5.07",
        Ratio("fit_loss", SWITCH).at(switch=WITHOUT, net="dropout"),
        at_most(LESS),
        (
            "Less regularisation: the training set is fitted more closely, with a loss at least "
            "5 % lower, measured in eval mode for all."
        ),
    ),
    (
        "C5.07",
        Difference("bn_gap", SWITCH).at(switch=WITHOUT, net="batch norm"),
        at_least(STALE),
        (
            "Stale statistics: the running means are farther from the means of the layer's input "
            "than after training in train mode, by a tenth of a standard deviation or more."
        ),
    ),
    (
        "C5.07",
        Ratio("val_loss", SWITCH).at(switch=WITHOUT, net="dropout"),
        at_least(MORE),
        "Worse results without dropout: the validation loss ends at least 5 % higher.",
    ),
    (
        "C5.07",
        Difference("val_accuracy", SWITCH).at(switch=WITHOUT, net="batch norm"),
        at_most(LOWER),
        (
            "Worse results with stale statistics: the final validation accuracy is at least one "
            "point lower."
        ),
    ),
)


def _headline_of(contrast: Value | Difference | Ratio) -> bool | dict[str, Level]:
    """The final validation loss of the network with dropout stands for both claims."""
    leads: dict[str, Level] = {"net": "dropout", "switch": "forgotten"}
    return leads if contrast.response == "val_loss" else False


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            claim,
            contrast.at(noise=0.0),
            region,
            reading=reading,
            headline=_headline_of(contrast),
        )
        for claim, contrast, region, reading in SAID
    ),
    *(
        Beyond(claim, contrast.at(noise=0.2), region, why=WRONG_LABELS, reading=reading)
        for claim, contrast, region, reading in SAID
    ),
    Control(
        "nothing is forgotten yet in the first epoch",
        Difference("first_train_loss", SWITCH).at(switch="forgotten").always(),
        equals(0),
    ),
)


@dataclass(frozen=True)
class Cell:
    """Training and validation rows, and the training labels by share of wrong ones."""

    train_x: Tensor
    train_y: dict[float, Tensor]
    val_x: Tensor
    val_y: Tensor
    classes: int
    seed: int


def prepare(block: Block) -> Cell:
    """Draw 300 training rows and spoil a share of their labels."""
    data = load_split("digits", block.seed, block.device)
    x, y = data.train_x[:ROWS], data.train_y[:ROWS]
    labels = {}
    for noise in NOISE.levels:
        spoilt = torch.randperm(ROWS)[: round(noise * ROWS)].to(y.device)
        labels[noise] = y.clone()
        shift = torch.randint(1, data.classes, (len(spoilt),)).to(y.device)
        labels[noise][spoilt] = (y[spoilt] + shift) % data.classes  # always another class
    return Cell(x, labels, data.val_x, data.val_y, data.classes, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train for all epochs, with the arm's way of switching back, and watch both losses."""
    labels = cell.train_y[arm[NOISE]]
    dropout = None if arm[NET] == "batch norm" else 0.5
    model = mlp(64, cell.classes, dropout=dropout, batch_norm=arm[NET] != "dropout")
    model = model.to(labels.device)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)  # fused: faster, no more
    order = torch.Generator().manual_seed(cell.seed)

    model.train(arm[SWITCH] != "never")
    train_curve, val_curve = [], []
    for _ in range(EPOCHS):
        rows = torch.randperm(ROWS, generator=order).to(labels.device)
        train_curve.append(_train_epoch(model, optimiser, cell.train_x[rows], labels[rows]))
        model.eval()
        val_curve.append(_loss(model, cell.val_x, cell.val_y))
        if arm[SWITCH] == "back":
            model.train()

    model.eval()
    val_trend, train_trend = _smooth(val_curve), _smooth(train_curve)
    lowest = int(np.argmin(val_trend))
    return {
        "first_train_loss": train_curve[0],
        "train_loss": train_curve[-1],
        "fit_loss": _loss(model, cell.train_x, labels),
        "val_loss": val_curve[-1],
        "val_accuracy": _accuracy(model, cell.val_x, cell.val_y),
        "best_epoch": int(np.argmin(val_curve)) + 1,
        "val_rise": val_trend[-1] / val_trend[lowest] - 1,
        "train_fall": train_trend[-1] / train_trend[lowest],
        "bn_gap": _batch_norm_gap(model, cell.train_x),
        "train_curve": train_curve,
        "val_curve": val_curve,
    }


def _train_epoch(model: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    """One epoch in whatever mode the model is in; returns the mean loss of its batches."""
    losses = []
    for batch_x, batch_y in zip(x.split(BATCH), y.split(BATCH), strict=True):
        optimiser.zero_grad()
        loss = functional.cross_entropy(model(batch_x), batch_y)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def _smooth(curve: list[float]) -> NDArray[np.float64]:
    """Means of neighbouring epochs."""
    return np.convolve(curve, np.full(WINDOW, 1 / WINDOW), mode="valid")


def _loss(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return functional.cross_entropy(model(x), y).item()


def _accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


def _batch_norm_gap(model: nn.Module, x: Tensor) -> float:
    """Mean distance of running from true means in true s.d.; NaN where there is no batch norm."""
    gaps = []
    with torch.no_grad():
        for layer in model.children():
            if isinstance(layer, nn.BatchNorm1d) and layer.running_mean is not None:
                gaps.append(((layer.running_mean - x.mean(0)).abs() / x.std(0)).mean())
            x = layer(x)
    return torch.stack(gaps).mean().item() if gaps else float("nan")


def loss_curves(table: pd.DataFrame) -> Figure:
    """Training and validation loss by epoch, switched back or forgotten, without and with noise."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(NOISE.levels), sharey=True)
    dropout = table[table["net"] == "dropout"]
    for axes, noise in zip(panels, NOISE.levels, strict=True):
        for switch, colour in (("back", ORANGE), ("forgotten", BLUE)):
            rows = dropout[(dropout["noise"] == noise) & (dropout["switch"] == switch)]
            for response, style in (("val_curve", "-"), ("train_curve", ":")):
                _draw_curve(axes, rows[rows["response"] == response], colour, style)
        axes.set_title(
            f"{noise:.0%} of training labels wrong{'' if noise else ' (judged)'}", fontsize=20
        )
        axes.set_yscale("log")
    panels[0].set_ylabel("cross-entropy (nat)")
    seeds = table["block"].nunique()
    figure.supxlabel(
        f"epoch   (digits, network with dropout; median and 99 % interval of {seeds} seeds)",
        fontsize=17,
    )
    keys = {
        "train() called again": {"color": ORANGE},
        "train() forgotten": {"color": BLUE},
        "validation": {"color": BLACK},
        "training, as logged": {"color": BLACK, "linestyle": ":"},
    }
    for label, looks in keys.items():
        panels[-1].plot([], [], label=label, **looks)
    panels[-1].legend(loc="lower left")
    figure.suptitle(_headline(dropout))
    return figure


def _draw_curve(axes: Axes, rows: pd.DataFrame, colour: str, style: str) -> None:
    """The median over seeds by epoch, with its 99 % interval where there are seeds enough."""
    epochs = [
        median_interval(values.to_numpy(np.float64)) for _, values in rows.groupby("round")["value"]
    ]
    at = np.arange(1, len(epochs) + 1)
    axes.plot(at, [epoch.estimate for epoch in epochs], style, color=colour)
    if np.isfinite(epochs[0].low):
        low, high = [epoch.low for epoch in epochs], [epoch.high for epoch in epochs]
        axes.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)


def _headline(rows: pd.DataFrame) -> str:
    """By how much the final validation loss is higher on right labels, paired by seed."""
    final = wide(
        rows[(rows["response"] == "val_loss") & (rows["noise"] == 0.0)],
        index="block",
        columns="switch",
    )
    change = 100 * (final["forgotten"] / final["back"] - 1)
    return (
        "Forgetting train() after the first evaluation changes the final validation\n"
        f"loss by {told(change, '+.0f', '%')}, where all training labels are right"
    )


def in_design(arm: Arm) -> bool:
    """Never to train in train mode is judged on dropout and batch norm alone."""
    return arm[SWITCH] != "never" or arm[NET] != "both"


EXPERIMENT = Experiment(
    question="What does training in eval mode do to training and validation loss?",
    factors=(SWITCH, NET, NOISE),
    only=in_design,
    responses=RESPONSES,
    blocks=PerProfile(quick=1, standard=20, full=60),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(loss_curves,),
)
