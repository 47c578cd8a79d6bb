"""How high is the loss after loading, with and without eval(), beside the loss seen in training?

Document B says that a loaded network left in train mode has an inflated loss, and that ``eval()``
brings the loss back to what was seen at the end of training. Perceptrons with dropout, batch norm
or both are trained on digits, for ten epochs, and for the ten steps of the document's listing, when
batch norm's running statistics are still young; saved, and loaded into a new network. Their loss is
then taken in both modes, on the training rows and on held-out rows.

There are two losses to compare with, and the answer depends on which is meant. "Inflated against
what eval mode is expected to give" is against eval mode's own loss, after the ten epochs; ten steps
have hardly trained a network, and are shown beside it. "The loss seen at the end of training" is
the last one that the loop prints: of the last batch, in train mode, before that step's update; the
loaded network is judged on the training rows. Nearer means nearer by 5 % of that loss. The mean of
the last five losses, out of date while they fall, and held-out rows are shown beside it.

That ``eval()`` gives back the loss that eval mode gave before saving, to the last bit, is nearly a
tautology, and is judged because the document calls it the solution. The verdicts speak for
perceptrons with two hidden layers of 64, Adam at 0.003, batches of 64.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
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
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, frequency_interval
from harness.libraries import torch
from studies.load_loss.closeness import MOSTLY, NEARER, is_nearer
from studies.load_loss.files import loaded_into
from studies.load_loss.trained import (
    BOTH,
    EPOCHS,
    FINAL,
    NETS,
    TEN_STEPS,
    Trained,
    fresh_net,
    loss_of,
    train_nets,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLAIN = "plain"
MODE = Factor(
    "mode",
    ("eval", "train"),
    control="eval",
    words={"eval": "eval mode", "train": "train mode"},
)
NET = Factor("net", tuple(NETS), words={PLAIN: "neither dropout nor batch norm"})
STAGE = Factor(
    "stage",
    (TEN_STEPS, EPOCHS),
    words={TEN_STEPS: "trained for 10 steps", EPOCHS: "trained for 10 epochs"},
)
ROWS = Factor(
    "rows",
    ("training", "held out"),
    words={"training": "on the training rows", "held out": "on held-out rows"},
)
#: Those that eval() changes.
SWITCHED = NET.levels[1:]

INFLATED = 1.05  # the catalogue's margin for a loss: 5 %

_YOUNG = "ten steps, after which a network has hardly learnt anything"
_HELD_OUT = "held-out rows, where the document's listing has those of training"
_STALE = f"the mean of the last {FINAL} losses, out of date while they fall"

#: Two claims that are one statement, and have one rule, here and in ``first_listing``.
_NEARER_TO_TRAINING = tuple(
    rule
    for claim in ("B-fix-1", "B-ex2-3")
    for rule in (
        Claim(
            claim,
            Value("eval_closer_to_step").at(mode="eval", net=SWITCHED, rows="training").frequency(),
            at_least(MOSTLY),
            reading=NEARER + " Each training of a perceptron on digits counts once.",
            headline={"net": BOTH, "stage": EPOCHS},
        ),
        Beyond(
            claim,
            Value("eval_closer_to_step").at(mode="eval", net=SWITCHED, rows="held out").frequency(),
            at_least(MOSTLY),
            why=_HELD_OUT,
        ),
        Beyond(
            claim,
            Value("eval_closer").at(mode="eval", net=SWITCHED, rows="training").frequency(),
            at_least(MOSTLY),
            why=_STALE,
        ),
    )
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "B-intro-3",
        Ratio("loss", MODE).at(mode="train", net=SWITCHED, stage=EPOCHS),
        at_least(INFLATED),
        reading="Inflated: at least 5 % above the loss of the same loaded network in eval mode on "
        "the same rows, for each trained network, on training and on held-out rows.",
        headline={"net": BOTH, "rows": "held out"},
    ),
    Beyond(
        "B-intro-3",
        Ratio("loss", MODE).at(mode="train", net=SWITCHED, stage=TEN_STEPS),
        at_least(INFLATED),
        why=_YOUNG,
    ),
    *_NEARER_TO_TRAINING,
    Claim(
        "B-sum-3",
        Value("eval_off_before")
        .at(mode="eval", net=SWITCHED, stage=EPOCHS, rows="held out")
        .always(),
        equals(0),
        reading="The solution: after eval() the loaded network has, to the last bit, the loss that "
        "eval mode gave before saving. For a discrepancy that the mode alone makes this is nearly "
        "a tautology.",
        headline={"net": BOTH},
    ),
    Control(
        "without dropout and batch norm the mode changes nothing",
        Difference("loss", MODE).at(net=PLAIN).always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("loss", "nat", "loss of the loaded network"),
    Response("loss_over_step", "1", "loss of the loaded network over the last one printed"),
    Response(
        "eval_closer_to_step",
        "yes/no",
        "eval mode's loss is nearer to the last training loss, by 5 % of it, than train mode's",
    ),
    Response(
        "eval_closer",
        "yes/no",
        "eval mode's loss is nearer to the mean of the last five training losses, by 5 % of it, "
        "than train mode's",
    ),
    Response(
        "eval_off_before",
        "nat",
        "difference between eval mode's loss after loading and that before saving",
    ),
)


@dataclass(frozen=True)
class Losses:
    """Of one network on the same rows: by mode after loading, and in eval mode before saving."""

    after: dict[str, float]
    before: float


@dataclass(frozen=True)
class Cell:
    """The trained networks of some blocks, and their losses, by the levels of an arm."""

    trained: dict[tuple[str, str], tuple[Trained, ...]]
    losses: dict[tuple[str, str, str], tuple[Losses, ...]]


def prepare(blocks: tuple[Block, ...]) -> Cell:
    """Train every network for both lengths, and take all the losses that arms ask for."""
    trained = {
        (net, stage): train_nets(net, stage, blocks) for net in NET.levels for stage in STAGE.levels
    }
    losses = {
        (net, stage, rows): tuple(
            losses_of(each, net, rows, block.seed) for each, block in zip(nets, blocks, strict=True)
        )
        for (net, stage), nets in trained.items()
        for rows in ROWS.levels
    }
    return Cell(trained, losses)


def losses_of(trained: Trained, kind: str, rows: str, seed: int) -> Losses:
    """The losses of a trained network before saving and after loading, in both modes."""
    data = trained.data
    x, y = (data.val_x, data.val_y) if rows == "held out" else (data.train_x, data.train_y)
    before = loss_of(copy.deepcopy(trained.net).eval(), x, y)
    net = loaded_into(fresh_net(kind).to(x.device), trained.net)
    # Eval mode comes first: batch norm in train mode changes what it would see.
    after = {"eval": loss_of(net.eval(), x, y)}
    torch.manual_seed(seed)
    return Losses(after | {"train": loss_of(net.train(), x, y)}, before)


def measure(cell: Cell, arm: Arm) -> Sequence[Responses]:
    """Look up the losses of each block's loaded network."""
    key = arm[NET], arm[STAGE]
    return [
        _responses(trained, losses, arm[MODE])
        for trained, losses in zip(cell.trained[key], cell.losses[*key, arm[ROWS]], strict=True)
    ]


def _responses(trained: Trained, losses: Losses, mode: str) -> Responses:
    loss = losses.after[mode]
    return {
        "loss": loss,
        "loss_over_step": loss / trained.last_step,
        "eval_closer_to_step": eval_closer(losses.after, trained.last_step),
        "eval_closer": eval_closer(losses.after, trained.last),
        "eval_off_before": abs(losses.after["eval"] - losses.before),
    }


def eval_closer(losses: dict[str, float], reference: float) -> float:
    """1 where the loss in eval mode is clearly nearer to a reference than that in train mode."""
    return float(is_nearer(losses["eval"], losses["train"], reference))


def loss_beside_training(table: pd.DataFrame) -> Figure:
    """The loaded network's loss in both modes, over the last one printed: every seed."""
    from matplotlib.figure import Figure

    table = table[table["rows"] == "training"]
    losses = table[table["response"] == "loss_over_step"]
    figure = Figure()
    panels = figure.subplots(1, len(STAGE.levels), sharey=True)
    for stage, axes in zip(STAGE.levels, panels, strict=True):
        _draw_stage(axes, losses[losses["stage"] == stage])
        axes.set_title(STAGE.say(stage), fontsize=20)
    panels[0].set_ylabel("loss after loading / last one printed")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(_title(table), fontsize=20)
    return figure


def _title(table: pd.DataFrame) -> str:
    closer = table[(table["response"] == "eval_closer_to_step") & (table["mode"] == "eval")]
    own = closer[(closer["net"] == BOTH) & (closer["stage"] == EPOCHS)]["value"]
    share = frequency_interval(own.to_numpy(np.float64))
    return (
        f"eval() is nearer to the last printed loss in {100 * share.estimate:.0f} % "
        f"({100 * share.low:.0f} to {100 * share.high:.0f} %) of trainings\n"
        f"({BOTH}, {EPOCHS}). A dot: one of {len(own)} trainings, digits, CPU"
    )


def _draw_stage(axes: Axes, losses: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_yscale("log")
    for place, net in enumerate(SWITCHED):
        for mode, colour, shift in (("train", ORANGE, -0.18), ("eval", BLUE, 0.18)):
            rows = losses[(losses["net"] == net) & (losses["mode"] == mode)]
            draw_blocks(
                axes,
                place + shift,
                rows.sort_values("block")["value"].to_numpy(np.float64),
                colour=colour,
                width=0.12,
                label=None if place else MODE.say(mode),
            )
    axes.axhline(1, color=BLACK, lw=1.5, ls="--", label="as in training")
    axes.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2, 5]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(
        range(len(SWITCHED)),
        [net.replace(" + ", " +\n").replace("t 0", "t\n0") for net in SWITCHED],
    )
    axes.tick_params(axis="x", labelsize=15)
    axes.grid(visible=False, axis="x")


EXPERIMENT: Experiment[Block] = Experiment(
    question="How high is the loss after loading, in both modes, beside the loss seen in training?",
    factors=(MODE, NET, STAGE, ROWS),
    blocks=PerProfile(2, 40, 100),
    prepare_together=prepare,
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_beside_training,),
)
