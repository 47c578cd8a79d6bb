"""How high is the loss after loading, with and without eval(), beside the loss seen in training?

Document B says that a loaded network left in train mode has an inflated loss, and that ``eval()``
brings the loss back to what was seen at the end of training. Perceptrons with dropout, batch norm
or both are trained on digits, for the ten steps of the document's listing, when batch norm's
running statistics are still young, and for ten epochs; saved, and loaded into a new network. Their
loss is then taken in both modes, on the training rows and on held-out rows.

There are two losses to compare with, and the answer depends on which is meant. "Inflated against
what eval mode is expected to give" is against eval mode's own loss. "The loss seen at the end of
training" is what the loop printed: the mean of its last five steps, in train mode, with dropout on.
That ``eval()`` gives back the loss that eval mode gave before saving, to the last bit, is a control
here. The verdicts speak for perceptrons with two hidden layers of 64, Adam at 0.003, batches of 64.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
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
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks
from harness.libraries import torch
from studies.load_loss.files import loaded_into
from studies.load_loss.trained import NETS, STEPS, Trained, fresh_net, loss_of, train_nets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODE = Factor("mode", ("eval", "train"), control="eval")
NET = Factor("net", tuple(NETS))
STAGE = Factor("stage", tuple(STEPS))
ROWS = Factor("rows", ("training", "held out"))
#: Those that eval() changes.
SWITCHED = NET.levels[1:]

INFLATED = 1.2
MOSTLY = 0.75

CLAIMS = (
    Claim(
        "B-intro-3",
        Ratio("loss", MODE).at(mode="train", net=SWITCHED),
        at_least(INFLATED),
        reading="Inflated: at least a fifth above the loss of the same loaded network in eval mode "
        "on the same rows; for each network, each length of training, seen and held-out rows.",
    ),
    Claim(
        "B-fix-1",
        Value("eval_closer").at(mode="eval", net=SWITCHED).frequency(),
        at_least(MOSTLY),
        reading="Comparable with the loss observed in the final stages of training: in three of "
        "four networks or more eval mode's loss is nearer to it than train mode's. It is the mean "
        "of the last five training losses, as a loop prints them. Nearness to eval mode's own loss "
        "before saving would hold by definition.",
    ),
    Control(
        "eval() after loading gives the loss that eval mode gave before saving",
        Value("eval_off_before").always(),
        equals(0),
    ),
    Control(
        "without dropout and batch norm the mode changes nothing",
        Difference("loss", MODE).at(net="plain").always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("loss", "nat", "loss"),
    Response("loss_over_last", "1", "over the mean of the last five training losses"),
    Response("eval_closer", "1", "1 where eval mode is nearer to that mean than train mode"),
    Response("eval_closer_to_step", "1", "the same with the very last training loss"),
    Response("eval_off_before", "nat", "eval mode's loss less that of eval mode before saving"),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Look up the losses of each block's loaded network."""
    seeds = tuple(block.seed for block in blocks)
    device = blocks[0].device
    trained = train_nets(arm[NET], arm[STAGE], seeds, device)
    losses = losses_of(arm[NET], arm[STAGE], arm[ROWS], seeds, device)
    return [_responses(*each, arm[MODE]) for each in zip(trained, losses, strict=True)]


@dataclass(frozen=True)
class Losses:
    """Of one network on the same rows: by mode after loading, and in eval mode before saving."""

    after: dict[str, float]
    before: float


@lru_cache(maxsize=len(NETS) * len(STEPS) * len(ROWS.levels))
def losses_of(
    kind: str, stage: str, rows: str, seeds: tuple[int, ...], device: str
) -> tuple[Losses, ...]:
    """The losses of the trained networks, in both modes, for all the arms that ask for them."""
    found = []
    for seed, each in zip(seeds, train_nets(kind, stage, seeds, device), strict=True):
        data = each.data
        x, y = (data.val_x, data.val_y) if rows == "held out" else (data.train_x, data.train_y)
        before = loss_of(copy.deepcopy(each.net).eval(), x, y)
        net = loaded_into(fresh_net(kind).to(device), each.net)
        # Eval mode comes first: batch norm in train mode changes what it would see.
        after = {"eval": loss_of(net.eval(), x, y)}
        torch.manual_seed(seed)
        found.append(Losses(after | {"train": loss_of(net.train(), x, y)}, before))
    return tuple(found)


def _responses(trained: Trained, losses: Losses, mode: str) -> Responses:
    loss = losses.after[mode]
    return {
        "loss": loss,
        "loss_over_last": loss / trained.last,
        "eval_closer": eval_closer(losses.after, trained.last),
        "eval_closer_to_step": eval_closer(losses.after, trained.last_step),
        "eval_off_before": abs(losses.after["eval"] - losses.before),
    }


def eval_closer(losses: dict[str, float], reference: float) -> float:
    """1 where the loss in eval mode is nearer to a reference than that in train mode, else 0."""
    return float(abs(losses["eval"] - reference) < abs(losses["train"] - reference))


def loss_beside_training(table: pd.DataFrame) -> Figure:
    """The loaded network's loss in both modes, over the training loss: every seed, two stages."""
    from matplotlib.figure import Figure

    losses = table[(table["response"] == "loss_over_last") & (table["rows"] == "training")]
    figure = Figure()
    panels = figure.subplots(1, len(STAGE.levels), sharey=True)
    for stage, axes in zip(STAGE.levels, panels, strict=True):
        _draw_stage(axes, losses[losses["stage"] == stage])
        axes.set_title(f"trained for {stage}", fontsize=20)
    panels[0].set_ylabel("loss after loading / last training losses")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    closer = table[(table["response"] == "eval_closer") & (table["mode"] == "eval")]
    closer = closer[(closer["rows"] == "training") & closer["net"].isin(SWITCHED)]
    share = closer.groupby("stage")["value"].mean()
    shares = [f"{100 * share[stage]:.0f} %" for stage in STAGE.levels]
    figure.suptitle(
        f"eval() gives the loss nearer to the last training losses in {shares[0]}\nof networks "
        f"after {STAGE.levels[0]}, in {shares[1]} after {STAGE.levels[1]} "
        f"({table['block'].nunique()} seeds, on the training rows)",
        fontsize=20,
    )
    return figure


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
                label=None if place else {"train": "left in train mode", "eval": "eval()"}[mode],
            )
    axes.axhline(1, color=BLACK, lw=1.5, ls="--", label="as in training")
    axes.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2]))
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
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(loss_beside_training,),
)
