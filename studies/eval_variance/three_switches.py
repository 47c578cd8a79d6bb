"""Do the validation metrics go wrong, and silently, when one of three switches is missed?

Document C names three differences between an evaluation loop and a training loop: eval mode,
no_grad, and no optimiser step. Miss any one, it says, and the metrics are wrong without an error
message. All combinations are run here on the validation set of a network in the midst of training:
its last training step has left gradients on the parameters and moments in Adam, as in any loop
that zeroes the gradients at the start of a step. "No optimiser step" can be missed in two ways, and
both are arms: a stray ``optimiser.step()``, or the whole training step with its backward pass.

The truth is the metrics of the same weights with all three switches right. The rule asks of each
single omission that it changes the loss by more than rounding could, or the accuracy at all. The
verdict speaks for networks with dropout, which eval mode does change, on digits. Had the gradients
been cleared after the last training step instead, a stray ``step()`` would do nothing.
"""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, trained_mlp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NET = Factor("net", ("dropout", "dropout + batch norm"))
MODE = Factor("mode", ("eval", "train"), control="eval")
GRAD = Factor("grad", ("no_grad", "grad"), control="no_grad")
STEP = Factor("step", ("none", "step only", "backward and step"), control="none")

BATCH = 64
ROUNDING = 1e-6  # what float32 may move a mean loss by

RESPONSES = (
    Response("loss_shift", "nat", "loss less the true loss"),
    Response("accuracy_shift", "1", "accuracy less the true accuracy"),
    Response("wrong", "1", "1 where loss or accuracy differ from the truth by more than rounding"),
    Response("raised", "1", "1 where the loop ended in an exception; there are no metrics then"),
)

ALL_RIGHT = {"mode": "eval", "grad": "no_grad", "step": "none"}
OMISSIONS = {
    "without eval()": ALL_RIGHT | {"mode": "train"},
    "without no_grad()": ALL_RIGHT | {"grad": "grad"},
    "with a stray step()": ALL_RIGHT | {"step": "step only"},
}
WHOLE_STEP = ALL_RIGHT | {"step": "backward and step"}

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            "C4.03",
            Value("wrong").at(**omission).always(),
            equals(1),
            reading="Each omission alone, the other two switches right, must change the metrics "
            f"in every block: the loss by more than {ROUNDING:g}, or the accuracy.",
        )
        for omission in OMISSIONS.values()
    ),
    Claim(
        "C4.03",
        Value("raised").at(**WHOLE_STEP).always(),
        equals(0),
        reading="Silent means that no exception is raised, also where the whole training step is "
        "left in an evaluation that is otherwise right.",
    ),
    Control("all three right", Value("loss_shift").at(**ALL_RIGHT).always(), equals(0)),
    Control(
        "the whole training step, without no_grad, changes the loss",
        Value("wrong").at(mode="train", grad="grad", step="backward and step").always(),
        equals(1),
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
        return {"loss_shift": np.nan, "accuracy_shift": np.nan, "wrong": np.nan, "raised": 1.0}
    wrong = abs(loss - true_loss) > ROUNDING or accuracy != true_accuracy
    return {
        "loss_shift": loss - true_loss,
        "accuracy_shift": accuracy - true_accuracy,
        "wrong": float(wrong),
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
                f"{points.median():.1f}".replace("-", "−"),  # noqa: RUF001 - a true minus sign
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
    axes.set_ylabel("accuracy less the true one (pp)")
    axes.set_xlabel("the one thing that is wrong in the evaluation loop")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[:2], labels[:2], loc="lower right")
    axes.set_title(_headline(table))
    return figure


def _headline(table: pd.DataFrame) -> str:
    """How often each omission gives wrong metrics, from the table."""
    wrong = {name: _rows(table, at, "wrong")["value"] for name, at in OMISSIONS.items()}
    counts = [f"{seen.sum():.0f} of {len(seen)} {name}" for name, seen in wrong.items()]
    return (
        f"Wrong metrics: {counts[0]}, {counts[1]},\n{counts[2]}  "
        f"({table['block'].nunique()} networks of each kind; numbers: medians)"
    )


def _rows(table: pd.DataFrame, levels: dict[str, str], response: str) -> pd.DataFrame:
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
