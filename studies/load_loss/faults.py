"""Which faults raise the loss after loading, by how much, and which of them does eval() cure?

Document B puts such losses down to train mode, and calls eval() after loading the consistent cure.
From outside, other faults look the same. A network with dropout and batch norm is trained on digits
and loaded with one fault at a time: left in train mode and nothing else; with names that carry the
prefix of a wrapper, which ``strict=False`` passes over in silence, so that nothing is loaded; with
its last layer lost; without batch norm's buffers; with inputs on another scale; with inputs in
another order of features; with weights that were stored in half precision. The loaded network is
new and so in train mode, as in the document's listing; then ``eval()`` is called. Its loss on
held-out rows is compared with that of the correct load in eval mode.

How often each fault happens in practice no experiment can tell: the first claim is not measurable
here, and the sizes of the faults are reported in its place. They speak for this network and data.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
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
    Unmeasurable,
    Value,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks
from harness.libraries import nn, torch
from studies.load_loss.files import file_of, loaded_into, state_in
from studies.load_loss.trained import BOTH, Trained, fresh_net, loss_of, train_nets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

FAULT = Factor(
    "fault",
    (
        "train mode only",
        "half precision",
        "missing buffers",
        "input scale",
        "permuted inputs",
        "lost head",
        "prefix",
    ),
)
EVAL = Factor("eval_call", ("made", "not made"), control="made")

SAME_LOSS = 0.05  # the catalogue's margin for a loss: 5 %

CLAIMS = (
    Unmeasurable(
        "B-sum-1",
        needs="field data",
        why="How many of the losses that people see jump after loading are due to train mode is a "
        "question of how often which mistake is made, and no experiment produces mistakes at their "
        "natural frequency. How large each of seven faults is stands in the rows and the figure.",
    ),
    Claim(
        "B-sum-3",
        Value("loss_over_correct").at(eval_call="made"),
        equals(1, within=SAME_LOSS),
        reading="Consistently the solution: with eval() the loss is that of the correct load, for "
        "each fault that can raise it. To 5 %, the catalogue's margin for a loss, and not to the "
        "last bit: a fault that does no harm that anybody sees needs no solution.",
    ),
    Control(
        "a correct load in eval mode has the loss from before saving",
        Value("off_before").always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("loss", "nat", "on held-out rows"),
    Response("loss_over_correct", "1", "over that of the correct load in eval mode"),
    Response("accuracy", "1", "accuracy"),
    Response("off_before", "nat", "of the correct load in eval mode from the loss before saving"),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Load a trained network of each block with the arm's fault."""
    seeds = tuple(block.seed for block in blocks)
    trained = train_nets(BOTH, "10 epochs", seeds, blocks[0].device)
    return [_responses(each, arm, seed) for each, seed in zip(trained, seeds, strict=True)]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.val_x, trained.data.val_y
    correct = loaded_into(fresh_net(BOTH).to(x.device), trained.net).eval()
    reference = loss_of(correct, x, y)
    before = loss_of(copy.deepcopy(trained.net).eval(), x, y)
    torch.manual_seed(seed)  # of the weights that stay as they were drawn, and of the masks
    net = load_with(arm[FAULT], trained.net, fresh_net(BOTH).to(x.device))
    net.train(arm[EVAL] == "not made")
    shown = inputs_with(arm[FAULT], x, seed)
    loss = loss_of(net, shown, y)
    with torch.no_grad():
        right = (net(shown).argmax(1) == y).double().mean().item()
    return {
        "loss": loss,
        "loss_over_correct": loss / reference,
        "accuracy": right,
        "off_before": abs(reference - before),
    }


def load_with(fault: str, net: nn.Module, fresh: nn.Module) -> nn.Module:
    """A network's file in a fresh network, with a fault; none raises an exception.

    Args:
        fault: a level of the factor; those of the inputs leave the weights right.
        net: the trained network.
        fresh: takes the weights.
    """
    state = state_in(file_of(net.state_dict()))
    parameters = {name for name, _ in net.named_parameters()}
    head = f"{len(list(net.children())) - 1}."
    if fault == "half precision":
        half = {name: x.half() if x.is_floating_point() else x for name, x in state.items()}
        state = state_in(file_of(half))
    elif fault == "missing buffers":
        state = {name: x for name, x in state.items() if name in parameters}
    elif fault == "lost head":
        state = {name: x for name, x in state.items() if not name.startswith(head)}
    elif fault == "prefix":
        state = {f"module.{name}": x for name, x in state.items()}
    fresh.load_state_dict(state, strict=False)
    return fresh


def inputs_with(fault: str, x: Tensor, seed: int) -> Tensor:
    """The inputs as the network gets them: pixels scaled as (x - 8) / 4, or with a fault."""
    if fault == "input scale":
        return (4 * x + 8) / 16  # to between 0 and 1: as usual as the scale of training
    if fault == "permuted inputs":
        order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(seed))
        return x[:, order.to(x.device)]
    return x


def losses_by_fault(table: pd.DataFrame) -> Figure:
    """The loss over that of the correct load, before and after eval(), every seed."""
    from matplotlib.figure import Figure

    ratios = table[table["response"] == "loss_over_correct"]
    figure = Figure()
    axes = figure.subplots()
    axes.set_yscale("log")
    calls = (("not made", ORANGE, -0.18, "before eval()"), ("made", BLUE, 0.18, "after eval()"))
    median: dict[tuple[str, str], float] = {}
    for place, fault in enumerate(FAULT.levels):
        for call, colour, shift, label in calls:
            mine = ratios[(ratios["fault"] == fault) & (ratios["eval_call"] == call)]
            values = mine.sort_values("block")["value"].to_numpy(np.float64)
            draw_blocks(
                axes,
                place + shift,
                values,
                colour=colour,
                width=0.12,
                label=None if place else label,
            )
            median[fault, call] = float(np.median(values))
    axes.axhspan(1 - SAME_LOSS, 1 + SAME_LOSS, color="#E4E4E4", zorder=0)
    axes.axhline(1, color=BLACK, lw=1.5, zorder=0)
    axes.set_xticks(range(len(FAULT.levels)), [fault.replace(" ", "\n") for fault in FAULT.levels])
    axes.tick_params(axis="x", labelsize=17)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("loss / loss of the correct load")
    axes.legend(loc="upper left")
    left = {f: median[f, "made"] for f in FAULT.levels if abs(median[f, "made"] - 1) > SAME_LOSS}
    cured = len(FAULT.levels) - len(left)
    figure.suptitle(
        f"After eval() the loss is right in {cured} of {len(FAULT.levels)} faults;\nin the others "
        f"it is {min(left.values()):.2g} to {max(left.values()):.0f} times as high "
        f"({table['block'].nunique()} seeds; grey: within 5 %)"
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Which faults raise the loss after loading, and which of them does eval() cure?",
    factors=(FAULT, EVAL),
    blocks=PerProfile(2, 20, 60),
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(losses_by_fault,),
)
