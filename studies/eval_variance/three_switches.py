"""Do the validation metrics go wrong, and silently, when one of three switches is missed?

Document C names three differences between an evaluation loop and a training loop: eval mode,
no_grad, and no optimiser step. Miss any one, it says, and the metrics are wrong without an error
message. All combinations are run here on the validation set of a network in the midst of training:
its last training step has left gradients on the parameters and moments in Adam, as in any loop
that zeroes the gradients at the start of a step. "No optimiser step" can be missed in two ways, and
both are arms: a stray ``optimiser.step()``, or the whole training step with its backward pass.

The truth is the metrics of the same weights with all three switches right. Wrong metrics are such
as a reader could see: off by one point of accuracy or more, or by 5 % of the loss. The error of
each omission is told in these units, the larger of the two. Two omissions together are shown beyond
the words. The verdict speaks for networks with dropout, which eval mode does change, on digits. Had
the gradients been cleared after the last training step, a stray ``step()`` would do nothing.
"""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, told
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, trained_mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NET = Factor(
    "net",
    ("dropout", "dropout + batch norm"),
    words={
        "dropout": "net with dropout",
        "dropout + batch norm": "net with dropout and batch norm",
    },
)
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "", "train": "eval() left out"}
)
GRAD = Factor(
    "grad",
    ("no_grad", "grad"),
    control="no_grad",
    words={"no_grad": "", "grad": "no_grad left out"},
)
STEP = Factor(
    "step",
    ("none", "step only", "backward and step"),
    control="none",
    words={
        "none": "",
        "step only": "a stray optimiser step",
        "backward and step": "the whole training step left in",
    },
)

BATCH = 64
VISIBLE_ACCURACY, VISIBLE_LOSS = 0.01, 0.05  # the catalogue's margins

RESPONSES = (
    Response("loss_shift", "1", "relative distance of the loss from the true loss"),
    Response("accuracy_shift", "1", "accuracy less the true accuracy"),
    Response(
        "error",
        "1",
        "error of the metrics as a multiple of the least visible one (1 point or 5 % of the loss)",
    ),
    Response("raised", "yes/no", "the evaluation loop ends in an exception"),
)

ALL_RIGHT: dict[str, Level] = {"mode": "eval", "grad": "no_grad", "step": "none"}
OMISSIONS: dict[str, dict[str, Level]] = {
    "without eval()": ALL_RIGHT | {"mode": "train"},
    "without no_grad()": ALL_RIGHT | {"grad": "grad"},
    "with a stray step()": ALL_RIGHT | {"step": "step only"},
}
WHOLE_STEP = ALL_RIGHT | {"step": "backward and step"}
TOGETHER: tuple[dict[str, Level], ...] = (
    {"mode": "train", "grad": "grad", "step": "none"},
    {"mode": "train", "grad": "no_grad", "step": "step only"},
    {"mode": "eval", "grad": "grad", "step": "step only"},
    {"mode": "eval", "grad": "grad", "step": "backward and step"},
)

WRONG = (
    "Corrupted, so that a reader could see it: this omission alone moves the accuracy by a point "
    "or more, or the loss by 5 % or more."
)
SILENT = "Silent: the loop with this one omission raises no exception."
SEVERAL = "two omissions at once, where the passage speaks of any one"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C4.03",
            Value("error").at(**omission),
            at_least(1.0),
            reading=WRONG,
            headline={"net": "dropout"} if name == "without eval()" else False,
        )
        for name, omission in OMISSIONS.items()
    ),
    *(
        Claim("C4.03", Value("raised").at(**omission).always(), equals(0), reading=SILENT)
        for omission in (*OMISSIONS.values(), WHOLE_STEP)
    ),
    *(
        Beyond("C4.03", Value("error").at(**both), at_least(1.0), why=SEVERAL, reading=WRONG)
        for both in TOGETHER
    ),
    Control("all three right", Value("loss_shift").at(**ALL_RIGHT).always(), equals(0)),
    Control(
        "the whole training step, without no_grad, changes the metrics",
        Value("error").at(mode="train", grad="grad", step="backward and step").always(),
        at_least(1.0),
    ),
)


@dataclass(frozen=True)
class Cell:
    """A digits split and, by name, networks trained on it."""

    data: Split
    models: dict[str, nn.Module]


def prepare(block: Block) -> Cell:
    """Train both networks for a few epochs from the same weights."""
    data = load_split("digits", block.seed, block.device)
    models = {}
    for net in NET.levels:
        models[net] = trained_mlp(
            data, block.seed, epochs=3, dropout=0.5, batch_norm="batch norm" in net
        )
    return Cell(data, models)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Take the last training step, evaluate with the arm's switches, and compare with the truth."""
    data, model = cell.data, deepcopy(cell.models[arm[NET]]).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    functional.cross_entropy(model(data.train_x[:BATCH]), data.train_y[:BATCH]).backward()
    optimiser.step()  # as the loop leaves it: the gradients stay until the next zero_grad()

    true_loss, true_accuracy = _evaluate(deepcopy(model), data)
    try:
        loss, accuracy = _evaluate(
            model, data, mode=arm[MODE], grad=arm[GRAD], step=arm[STEP], optimiser=optimiser
        )
    except RuntimeError:
        # Backward has nothing to work on under no_grad. An exception is an outcome here: the claim
        # is that the mistake stays silent.
        return {"loss_shift": np.nan, "accuracy_shift": np.nan, "error": np.nan, "raised": 1.0}
    loss_shift, accuracy_shift = loss / true_loss - 1, accuracy - true_accuracy
    return {
        "loss_shift": loss_shift,
        "accuracy_shift": accuracy_shift,
        "error": max(abs(accuracy_shift) / VISIBLE_ACCURACY, abs(loss_shift) / VISIBLE_LOSS),
        "raised": 0.0,
    }


def _evaluate(
    model: nn.Module,
    data: Split,
    *,
    mode: str = "eval",
    grad: str = "no_grad",
    step: str = "none",
    optimiser: torch.optim.Optimizer | None = None,
) -> tuple[float, float]:
    """Mean loss and accuracy over the validation batches, with or without each of the switches."""
    model.train(mode == "train")
    loss_sum, right = 0.0, 0
    with torch.no_grad() if grad == "no_grad" else nullcontext():
        for x, y in zip(data.val_x.split(BATCH), data.val_y.split(BATCH), strict=True):
            if optimiser and step == "backward and step":
                optimiser.zero_grad()
            logits = model(x)
            loss = functional.cross_entropy(logits, y)
            loss_sum += loss.item() * len(x)
            right += int((logits.argmax(1) == y).sum())
            if optimiser and step == "backward and step":
                loss.backward()
            if optimiser and step != "none":
                optimiser.step()
    return loss_sum / len(data.val_x), right / len(data.val_x)


def omissions(table: pd.DataFrame) -> Figure:
    """How far the accuracy is from the truth for each single omission."""
    from matplotlib.figure import Figure

    colours = {"dropout": ORANGE, "dropout + batch norm": BLUE}
    figure = Figure()
    axes = figure.subplots()
    blocks = table["block"].nunique()
    jitter = np.random.default_rng(0).uniform(-0.1, 0.1, blocks)
    for place, omission in enumerate(OMISSIONS.values()):
        rows = _rows(table, omission, "accuracy_shift")
        for side, (net, colour) in zip((-1, 1), colours.items(), strict=True):
            points = 100 * rows.loc[rows["net"] == net].sort_values("block")["value"]
            axes.plot(place + 0.16 * side + jitter, points, "o", color=colour, alpha=0.6, label=net)
            axes.text(
                place + 0.3 * side,
                points.median(),
                told(points, ".1f", interval=False),
                color=colour,
                ha="left" if side > 0 else "right",
                va="center",
            )
    raised = _rows(table, WHOLE_STEP, "raised")["value"]
    note = f"no metrics:\nan exception in\n{raised.sum():.0f} of {len(raised)}"
    axes.text(len(OMISSIONS), -2, note, ha="center", va="top")
    axes.axhline(0, color=BLACK, lw=1.5, zorder=0)
    axes.set_xticks(range(len(OMISSIONS) + 1), [*OMISSIONS, "with backward()\nand step()"])
    axes.set_xlim(-0.6, len(OMISSIONS) + 0.5)
    axes.set_ylabel("accuracy less the true one (points)")
    axes.set_xlabel(
        f"the one thing that is wrong in the evaluation loop\n(digits; dots: {blocks} networks of "
        "each kind; numbers: medians)",
        fontsize=17,
    )
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[:2], labels[:2], loc="lower right")
    axes.set_title(_headline(table), fontsize=20)
    return figure


def _headline(table: pd.DataFrame) -> str:
    """What the first two omissions do to the accuracy of the network with dropout."""
    dropout = table[table["net"] == "dropout"]
    lost = [
        100 * _rows(dropout, OMISSIONS[name], "accuracy_shift")["value"]
        for name in ("without eval()", "without no_grad()")
    ]
    return (
        f"Left out of an evaluation, eval() moves the accuracy by {told(lost[0], '.1f')} points,\n"
        f"no_grad by {told(lost[1], '.1f')} (network with dropout)"
    )


def _rows(table: pd.DataFrame, levels: dict[str, Level], response: str) -> pd.DataFrame:
    at = table["response"] == response
    for name, level in levels.items():
        at &= table[name] == level
    return table[at]


EXPERIMENT = Experiment(
    question="Does missing any one of the three switches silently change the metrics?",
    factors=(NET, MODE, GRAD, STEP),
    responses=RESPONSES,
    blocks=PerProfile(quick=3, standard=20, full=100),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(omissions,),
)
