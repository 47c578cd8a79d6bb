"""Is the loss after loading higher in document B's first listing, and does eval() bring it back?

The listing trains a dropout of 0.5, a batch norm and a linear layer from 10 features to 1, for ten
steps of Adam at 0.01 and mean squared error, on one and the same batch of one random row. It prints
the loss of every step, saves a state_dict, loads it into a new network and prints the loss again.

As printed it ends in an exception before it prints anything: its batch norm is declared for one
feature and gets ten, and in train mode a single row has no variance. So there is no printed loss to
judge, and what the listing means is judged on repaired networks: batch norm declared for ten
features; batch norm after the linear layer, whose one output it is declared for; batch norm left
out, the only repair that leaves the single row. With batch norm the batch has 2 or 16 rows. Ten
steps are the listing's; after 100 the networks have learnt what they can.

A block is a hundred repetitions of the listing (20 in a quick run), each with its own data, weights
and dropout masks, and gives the share of them in which the claim came true. The network after
training stands for the loaded one: the way through a file changes no bit (see ``artefacts``), and a
new network is in train mode. The last training loss is that of the last step, before
its update, as the listing prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

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
    at_least,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, draw_blocks, span
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

PRINTED, WIDER, AFTER, WITHOUT = (
    "as printed",
    "batch norm of 10",
    "batch norm after linear",
    "no batch norm",
)
NET = Factor("net", (PRINTED, WIDER, AFTER, WITHOUT))
BATCH = Factor("batch", (1, 2, 16))
STEPS = Factor("steps", (10, 100))
#: The arms that run: as (networks, sizes of batch).
RUNNING = ((WITHOUT, (1, 2, 16)), ((WIDER, AFTER), (2, 16)))

FEATURES, LEARNING_RATE = 10, 0.01
ALMOST_CERTAIN, OFTEN, MOSTLY = 0.9, 0.5, 0.75
MUCH = 1.5  # times the last training loss

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            "B-ex1-3",
            Value(response).at(net=nets, batch=batches),
            at_least(ALMOST_CERTAIN),
            reading="Almost certainly: in nine of ten repetitions or more; higher, and much "
            "higher, by half. For each repair, as the listing itself ends in an exception.",
        )
        for response in ("higher", "much_higher")
        for nets, batches in RUNNING
    ),
    *(
        Claim(
            "B-ex1-4",
            Value("higher").at(net=nets, batch=batches),
            more_than(OFTEN),
            reading="Often: in more than half of the repetitions.",
        )
        for nets, batches in RUNNING
    ),
    *(
        Claim(
            claim,
            Value("eval_closer").at(net=nets, batch=batches),
            at_least(MOSTLY),
            reading="Towards the training loss: in three of four repetitions or more eval mode's "
            "loss is nearer to the last one printed than train mode's.",
        )
        for claim in ("B-ex2-3", "B-fix-1")
        for nets, batches in RUNNING
    ),
    *(
        Claim(
            "B-ex2-1",
            Value(response).at(net=nets, batch=batches).always(),
            equals(0),
            reading="After eval() no pass moves a buffer of batch norm, and a second pass over the "
            "same rows gives the same output to the last bit.",
        )
        for response in ("eval_moved", "eval_repeats_differ")
        for nets, batches in RUNNING
    ),
    Control(
        "the listing as printed ends in an exception",
        Value("raised").at(net=PRINTED).always(),
        equals(1),
    ),
    Control(
        "so does batch norm of the right width with one row",
        Value("raised").at(net=(WIDER, AFTER), batch=1).always(),
        equals(1),
    ),
    Control(
        "in train mode a pass moves batch norm's buffers",
        Value("train_moved").at(net=(WIDER, AFTER), batch=(2, 16)).always(),
        equals(1),
    ),
    Control(
        "in train mode repeats differ",
        Value("train_repeats_differ").at(net=WITHOUT).always(),
        more_than(0.9),
    ),
)

RESPONSES = (
    Response("raised", "1", "raised"),
    Response(
        "higher", "1", "share of repetitions with a loss after loading above the last printed one"
    ),
    Response("much_higher", "1", "above 1.5 times that"),
    Response("eval_closer", "1", "nearer to it in eval mode than in train mode"),
    Response("eval_moved", "1", "1 where a pass in eval mode changes a buffer"),
    Response(
        "eval_repeats_differ", "1", "share of repetitions with another output in a second pass"
    ),
    Response("train_moved", "1", "train moved"),
    Response("train_repeats_differ", "1", "train repeats differ"),
)


def build(net: str) -> nn.Module:
    """The listing's network, as printed or repaired; weights from the global stream."""
    linear, dropout = nn.Linear(FEATURES, 1), nn.Dropout(0.5)
    layers: dict[str, Callable[[], list[nn.Module]]] = {
        PRINTED: lambda: [dropout, nn.BatchNorm1d(1), linear],
        WIDER: lambda: [dropout, nn.BatchNorm1d(FEATURES), linear],
        AFTER: lambda: [dropout, linear, nn.BatchNorm1d(1)],
        WITHOUT: lambda: [dropout, linear],
    }
    return nn.Sequential(*layers[net]())


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Repeat the listing for every block, all repetitions of all blocks at once."""
    drawn = [_draw(block, arm) for block in blocks]
    device = blocks[0].device
    x = torch.cat([each.x for each in drawn]).to(device)
    y = torch.cat([each.y for each in drawn]).to(device)
    torch.manual_seed(blocks[0].seed)  # of dropout's masks, for all repetitions
    try:
        nets = Replicas([net.to(device) for each in drawn for net in each.nets])
        last = _train(nets, x, y, arm[STEPS])
    except (ValueError, RuntimeError):
        # The outcome of this arm: a batch norm of another width, or a single row for one.
        nothing = dict.fromkeys(RESPONSES, float("nan"))
        return [{**nothing, "raised": 1.0} for _ in blocks]
    found = {"raised": torch.zeros_like(last), **_after_loading(nets, x, y, last)}
    shares = {
        name: per_net.double().view(len(blocks), -1).mean(1) for name, per_net in found.items()
    }
    return [
        {name: share[place].item() for name, share in shares.items()}
        for place in range(len(blocks))
    ]


class Drawn(NamedTuple):
    """A block's networks and data: (repetitions, batch, features) and (repetitions, batch, 1)."""

    nets: list[nn.Module]
    x: Tensor
    y: Tensor


def _draw(block: Block, arm: Arm) -> Drawn:
    """What the repetitions of a block begin with; ``effort`` is how many they are."""
    torch.manual_seed(block.seed)
    nets = [build(arm[NET]) for _ in range(block.effort)]
    x = torch.randn(block.effort, arm[BATCH], FEATURES)
    return Drawn(nets, x, torch.randn(block.effort, arm[BATCH], 1))


def _train(nets: Replicas, x: Tensor, y: Tensor, steps: int) -> Tensor:
    """Train on one batch again and again; the losses of the last step before its update."""
    optimiser = torch.optim.Adam(nets.parameters(), lr=LEARNING_RATE)
    printed: list[Tensor] = []
    nets.train()
    for _ in range(steps):
        optimiser.zero_grad()
        losses = nets.each(functional.mse_loss, nets(x), y)
        losses.sum().backward()
        optimiser.step()
        printed.append(losses.detach())
    return printed[-1]


def _after_loading(nets: Replicas, x: Tensor, y: Tensor, last: Tensor) -> dict[str, Tensor]:
    """The network in both modes, two passes each, compared with the last training loss."""
    found: dict[str, Tensor] = {}
    losses: dict[str, Tensor] = {}
    # Eval mode comes first: batch norm in train mode changes what it would see.
    for mode in ("eval", "train"):
        nets.train(mode == "train")
        before = {name: buffer.clone() for name, buffer in nets.named_buffers()}
        with torch.no_grad():
            first, second = nets(x), nets(x)
        losses[mode] = nets.each(functional.mse_loss, first, y)
        moved = torch.zeros_like(last)
        for name, buffer in nets.named_buffers():
            moved += (buffer != before[name]).view(len(last), -1).any(1)
        found[f"{mode}_moved"] = moved > 0
        found[f"{mode}_repeats_differ"] = (first != second).flatten(1).any(1)
    found["higher"] = losses["train"] > last
    found["much_higher"] = losses["train"] > MUCH * last
    found["eval_closer"] = (losses["eval"] - last).abs() < (losses["train"] - last).abs()
    return found


def shares_by_repair(table: pd.DataFrame) -> Figure:
    """How often the listing's three expectations come true, for each repair, batch and length."""
    from matplotlib.figure import Figure

    running = table[table["net"] != PRINTED].dropna(subset=["value"])
    figure = Figure()
    panels = figure.subplots(1, len(STEPS.levels), sharey=True)
    for steps, axes in zip(STEPS.levels, panels, strict=True):
        _draw_shares(axes, running[running["steps"] == steps])
        axes.set_title(f"{steps} steps", fontsize=20)
    panels[0].set_ylabel("share of repetitions")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, columnspacing=1.2)
    listed = running[running["steps"] == min(STEPS.levels)]
    median = listed.groupby(["response", "net", "batch"])["value"].median()
    higher, closer = median["higher"], median["eval_closer"]
    figure.suptitle(
        "The first listing, repaired: the loss after loading is higher in "
        f"{span(100 * higher, '.0f')} %\n"
        "of cases, and eval() is nearer to training in "
        f"{span(100 * closer, '.0f')} % "
        f"(10 steps; {table['block'].nunique()} blocks)",
        fontsize=20,
    )
    return figure


#: What is drawn: response, colour, sideways shift, label.
SHARES = (
    ("higher", ORANGE, -0.25, "loaded loss is higher"),
    ("much_higher", BLACK, 0.0, f"higher by {100 * (MUCH - 1):.0f} %"),
    ("eval_closer", BLUE, 0.25, "eval() is nearer to training"),
)


def _draw_shares(axes: Axes, rows: pd.DataFrame) -> None:
    groups = [
        (net, batch)
        for net in (WITHOUT, WIDER, AFTER)
        for batch in BATCH.levels
        if batch > 1 or net == WITHOUT
    ]
    for place, (net, batch) in enumerate(groups):
        mine = rows[(rows["net"] == net) & (rows["batch"] == batch)]
        for response, colour, shift, label in SHARES:
            values = mine[mine["response"] == response].sort_values("block")["value"]
            draw_blocks(
                axes,
                place + shift,
                values.to_numpy(np.float64),
                colour=colour,
                width=0.08,
                label=None if place else label,
            )
    for level, word in ((OFTEN, ""), (MOSTLY, "eval() helps"), (ALMOST_CERTAIN, "almost certain")):
        axes.text(6.4, level, word, color=GREEN, ha="right", va="bottom", fontsize=15)
        axes.axhline(level, color=GREEN, lw=1.5, ls="--", zorder=0)
    axes.set_xticks(range(len(groups)), [str(batch) for _, batch in groups])
    for middle, text in (
        (1, "no\nbatch norm"),
        (3.5, "batch norm\nof 10"),
        (5.5, "batch norm\nafter"),
    ):
        axes.text(middle, -0.12, text, ha="center", va="top", fontsize=15)
    axes.set_xlabel("rows in the batch", labelpad=50)
    axes.set_ylim(0, 1)
    axes.grid(visible=False, axis="x")


def _wanted(arm: Arm) -> bool:
    """What raises, raises at the first step: one arm of it shows that."""
    return arm[STEPS] == min(STEPS.levels) or (
        arm[NET] != PRINTED and (arm[BATCH] > 1 or arm[NET] == WITHOUT)
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is the loss after loading higher in the first listing, and does eval() help?",
    factors=(NET, BATCH, STEPS),
    only=_wanted,
    blocks=PerProfile(2, 40, 100),
    effort=PerProfile(20, 100, 100),  # repetitions
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(shares_by_repair,),
)
