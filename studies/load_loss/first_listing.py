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
new network is in train mode. The last training loss is that of the last step, before its update, as
the listing prints it; higher means by 5 %, and nearer by 5 % of it.

Judged are the repairs that change least: ten steps, and one row, or the two that batch norm needs.
Sixteen rows and a hundred steps are shown beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Region,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas
from studies.load_loss.closeness import MOSTLY, NEARER, is_nearer

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

PRINTED, WIDER, AFTER, WITHOUT = (
    "as printed",
    "batch norm of 10",
    "batch norm after linear",
    "no batch norm",
)
NET = Factor(
    "net",
    (PRINTED, WIDER, AFTER, WITHOUT),
    words={
        PRINTED: "listing as printed",
        WIDER: "batch norm of ten features",
        AFTER: "batch norm after the linear layer",
    },
)
BATCH = Factor("batch", (1, 2, 16), words={1: "one row", 2: "2 rows", 16: "16 rows"})
STEPS = Factor("steps", (10, 100), words={10: "10 steps", 100: "100 steps"})
LISTED = min(STEPS.levels)

#: The repairs that change least, as (networks, sizes of batch, steps).
JUDGED: tuple[tuple[tuple[str, ...], tuple[int, ...], int], ...] = (
    ((WITHOUT,), (1,), LISTED),
    ((WIDER, AFTER), (2,), LISTED),
)
#: What else runs, with what makes it another listing than the document's.
LARGER = (
    (((WITHOUT,), (2, 16), LISTED), "more rows than the repair needs"),
    (((WIDER, AFTER), (16,), LISTED), "more rows than the repair needs"),
    (((WITHOUT,), BATCH.levels, 100), "100 steps, where the listing has 10"),
    (((WIDER, AFTER), (2, 16), 100), "100 steps, where the listing has 10"),
)
#: The condition that stands for a claim: of all repairs the one nearest to what is printed.
NEAREST = {"net": WIDER}

FEATURES, LEARNING_RATE = 10, 0.01
ALMOST_CERTAIN, OFTEN = 0.9, 0.6
MUCH = 1.5  # times the last training loss
HIGHER = 1.05  # times it: the catalogue's margin for a loss


def _of_the_repairs(
    claim: str, response: str, region: Region, reading: str, *, headline: bool = True
) -> tuple[Claim | Beyond, ...]:
    """A rule on a share of repetitions: judged for the least repairs, shown for the others."""
    return (
        *(
            Claim(
                claim,
                Value(response).at(net=nets, batch=batches, steps=steps),
                region,
                reading=reading,
                headline=NEAREST if headline and WIDER in nets else False,
            )
            for nets, batches, steps in JUDGED
        ),
        *(
            Beyond(claim, Value(response).at(net=nets, batch=batches, steps=steps), region, why)
            for (nets, batches, steps), why in LARGER
        ),
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *_of_the_repairs(
        "B-ex1-3",
        "much_higher",
        at_least(ALMOST_CERTAIN),
        "Almost certainly much higher: in nine of ten repetitions or more the loss after loading "
        "is more than one and a half times the last one printed. For each of the least repairs, as "
        "the listing itself ends in an exception.",
    ),
    *(
        Beyond(
            "B-ex1-3",
            Value("higher").at(net=nets, batch=batches, steps=steps),
            at_least(ALMOST_CERTAIN),
            why="higher by 5 % only, where the passage says much higher",
        )
        for nets, batches, steps in JUDGED
    ),
    *_of_the_repairs(
        "B-ex1-4",
        "higher",
        at_least(OFTEN),
        "Often higher: by 5 % or more, in at least 60 % of the repetitions, which is ten points "
        "clear of chance. For each of the least repairs.",
    ),
    *(
        rule
        for claim in ("B-fix-1", "B-ex2-3")
        for rule in _of_the_repairs(
            claim,
            "eval_closer",
            at_least(MOSTLY),
            NEARER + " Each repetition of the repaired listing counts once.",
            headline=False,
        )
    ),
    Claim(
        "B-ex2-1",
        Value("eval_moved").at(net=(WIDER, AFTER), batch=(2, 16)).always(),
        equals(0),
        reading="Batch norm stops updating: after eval() no pass changes its running mean, its "
        "running variance or its count of batches by a single bit.",
        headline={"net": WIDER, "batch": 2, "steps": LISTED},
    ),
    *(
        Claim(
            "B-ex2-1",
            Value("eval_repeats_differ").at(net=nets, batch=batches).always(),
            equals(0),
            reading="Dropout is off: after eval() a second pass over the same rows gives the same "
            "output to the last bit.",
        )
        for nets, batches in (((WITHOUT,), BATCH.levels), ((WIDER, AFTER), (2, 16)))
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
    Response("raised", "yes/no", "the listing ends in an exception"),
    Response(
        "higher",
        "1",
        "share of repetitions whose loss after loading is 5 % or more above the last one printed",
    ),
    Response(
        "much_higher",
        "1",
        "share of repetitions whose loss after loading is more than 1.5 times the last one printed",
    ),
    Response(
        "eval_closer",
        "1",
        "share of repetitions in which eval mode is nearer to the last loss printed than train "
        "mode, by 5 % of it or more",
    ),
    Response(
        "eval_moved",
        "1",
        "share of repetitions in which a pass after eval() changes a buffer of batch norm",
    ),
    Response(
        "eval_repeats_differ",
        "1",
        "share of repetitions with another output in a second pass after eval()",
    ),
    Response(
        "train_moved",
        "1",
        "share of repetitions in which a pass in train mode changes a buffer of batch norm",
    ),
    Response(
        "train_repeats_differ",
        "1",
        "share of repetitions with another output in a second pass in train mode",
    ),
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
        nothing = {response.name: float("nan") for response in RESPONSES}
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
    found["higher"] = losses["train"] >= HIGHER * last
    found["much_higher"] = losses["train"] > MUCH * last
    found["eval_closer"] = is_nearer(losses["eval"], losses["train"], last)
    return found


#: What is drawn, row by row: the response, the share that the claim asks for, its words, a colour.
SHARES = (
    ("much_higher", ALMOST_CERTAIN, f"loaded loss more than {MUCH:g} times as high", BLACK),
    ("higher", OFTEN, "loaded loss higher by 5 % or more", ORANGE),
    ("eval_closer", MOSTLY, "eval() nearer to training by 5 % or more", BLUE),
)
#: The panels: the least repairs.
PANELS = (
    (WITHOUT, 1, "no batch norm, one row"),
    (WIDER, 2, "batch norm of ten features, 2 rows"),
    (AFTER, 2, "batch norm after linear, 2 rows"),
)


def shares_by_repair(table: pd.DataFrame) -> Figure:
    """How often the listing's three expectations come true, for each of the least repairs."""
    from matplotlib.figure import Figure

    listed = table[table["steps"] == LISTED]
    figure = Figure()
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    for row, (response, asked, words, colour) in enumerate(SHARES):
        for line, (net, batch, repair) in enumerate(PANELS):
            y = -(4 * row + line)
            _draw_share(axes, y, _shares(listed, net, batch, response), colour)
            ticks[y] = repair
        top = -4 * row + 0.75
        axes.text(0, top, f"{words}: claimed of {100 * asked:.0f} %", color=colour, va="center")
        axes.plot([asked, asked], [-4 * row + 0.4, -4 * row - 2.4], color=colour, ls="--")
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of repetitions")
    axes.grid(visible=False, axis="y")
    much = median_interval(_shares(listed, WIDER, 2, "much_higher"))
    interval = f" ({much.low:.2f} to {much.high:.2f})" if np.isfinite(much.low) else ""
    figure.suptitle(
        f"First listing, least repair: the loaded loss is over {MUCH:g} times the last printed in "
        f"{much.estimate:.2f}{interval}\nof repetitions, claimed of {ALMOST_CERTAIN:g}. Diamonds: "
        f"medians of {table['block'].nunique()} blocks, bars their spread, CPU",
        fontsize=19,
    )
    return figure


def _shares(rows: pd.DataFrame, net: str, batch: int, response: str) -> NDArray[np.float64]:
    """One share a block; an arm that raised has none."""
    mine = rows[(rows["net"] == net) & (rows["batch"] == batch) & (rows["response"] == response)]
    return mine["value"].dropna().to_numpy(np.float64)


def _draw_share(axes: Axes, y: float, values: NDArray[np.float64], colour: str) -> None:
    if not len(values):
        axes.text(0.5, y, "raises", va="center", ha="center")
        return
    axes.plot([values.min(), values.max()], [y, y], color=colour, lw=7, alpha=0.4)
    axes.plot(float(np.median(values)), y, "D", color=colour, markeredgecolor="white")


def _wanted(arm: Arm) -> bool:
    """What raises, raises at the first step: one arm of it shows that."""
    return arm[STEPS] == min(STEPS.levels) or (
        arm[NET] != PRINTED and (arm[BATCH] > 1 or arm[NET] == WITHOUT)
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is the loss after loading higher in the first listing, and does eval() help?",
    factors=(NET, BATCH, STEPS),
    only=_wanted,
    blocks=PerProfile(2, 20, 100),
    effort=PerProfile(20, 100, 100),  # repetitions
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(shares_by_repair,),
)
