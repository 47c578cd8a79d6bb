"""Which faults raise the loss after loading, by how much, and which of them does eval() cure?

Document B puts such losses down to train mode, and calls eval() after loading the consistent cure.
From outside, other faults look the same. A network with dropout and batch norm is trained on digits
and loaded with one fault at a time: left in train mode and nothing else; with names that carry the
prefix of a wrapper, which ``strict=False`` passes over in silence, so that nothing is loaded; with
its last layer lost; without batch norm's buffers; with inputs on another scale; with inputs in
another order of features; with weights that were stored in half precision. The loaded network is
new and so in train mode, as in the document's listing; then ``eval()`` is called. Its loss on
held-out rows is compared with that of the correct load in eval mode.

The cure is judged on what the document speaks of, a network left in train mode (see ``after_load``,
which has the condition for every network); the other faults are beyond its words. How often each
happens in practice no experiment can tell: which cause is the main one is not measurable here, and
the sizes of the faults stand beside it. They speak for this network and data.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
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
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval
from harness.libraries import nn, torch
from studies.load_loss.causes import UNMEASURABLE, bears_on_the_cause
from studies.load_loss.files import file_of, loaded_into, state_in
from studies.load_loss.trained import BOTH, EPOCHS, Trained, fresh_net, loss_of, train_nets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
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
    words={
        "train mode only": "no fault but train mode",
        "half precision": "weights stored in half precision",
        "missing buffers": "batch norm's buffers missing",
        "input scale": "inputs on another scale",
        "permuted inputs": "inputs in another order",
        "lost head": "last layer lost",
        "prefix": "nothing loaded (names with a prefix)",
    },
)
MODE_ONLY, OTHERS = FAULT.levels[0], FAULT.levels[1:]
EVAL = Factor(
    "eval_call",
    ("made", "not made"),
    control="made",
    words={"made": "after eval()", "not made": "left in train mode"},
)

SAME_LOSS = 0.05  # the catalogue's margin for a loss: 5 %

CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    *UNMEASURABLE,
    *bears_on_the_cause(
        Value("loss_over_correct").at(fault=MODE_ONLY, eval_call="not made"),
        at_least(1 + SAME_LOSS),
        why="how much train mode raises the loss, not how often it is the cause",
        reading="Train mode by itself raises the loss by 5 % or more.",
    ),
    *bears_on_the_cause(
        Value("loss_over_correct").at(fault=OTHERS, eval_call="made"),
        at_most(1 + SAME_LOSS),
        why="how much another fault raises the loss, not how often it is the cause",
        reading="Were train mode the only cause, no other fault would raise the loss by more than "
        "5 % in eval mode.",
    ),
    Claim(
        "B-sum-3",
        Value("off_before").at(fault=MODE_ONLY, eval_call="made").always(),
        equals(0),
        reading="The solution: after eval() the loaded network has, to the last bit, the loss that "
        "eval mode gave before saving. For a discrepancy that the mode alone makes this is nearly "
        "a tautology.",
    ),
    Beyond(
        "B-sum-3",
        Value("loss_over_correct").at(fault=OTHERS, eval_call="made"),
        equals(1, within=SAME_LOSS),
        why="another fault than train mode, of which the passage does not speak",
        reading="Consistently the solution: with eval() the loss is that of the correct load to "
        "5 %, the catalogue's margin for a loss. A fault that does no harm that anybody sees needs "
        "no solution.",
    ),
    Control(
        "a network into which nothing is loaded has more than twice the loss",
        Value("loss_over_correct").at(fault="prefix", eval_call="made").always(),
        more_than(2),
    ),
    Control(
        "with batch norm and dropout the mode is seen in the loss",
        Value("loss_over_correct").at(fault=MODE_ONLY, eval_call="not made").always(),
        more_than(1),
    ),
)

RESPONSES = (
    Response("loss", "nat", "loss of the loaded network on held-out rows"),
    Response("loss_over_correct", "1", "loss over that of the correct load in eval mode"),
    Response("accuracy", "1", "accuracy of the loaded network on held-out rows"),
    Response(
        "off_before", "nat", "difference between the loss and that of eval mode before saving"
    ),
)


def prepare(blocks: tuple[Block, ...]) -> list[tuple[Trained, int]]:
    """The trained network of each block, with the block's seed."""
    seeds = [block.seed for block in blocks]
    return list(zip(train_nets(BOTH, EPOCHS, blocks), seeds, strict=True))


def measure(cell: list[tuple[Trained, int]], arm: Arm) -> Sequence[Responses]:
    """Load each block's network with the arm's fault."""
    return [_responses(trained, arm, seed) for trained, seed in cell]


def _responses(trained: Trained, arm: Arm, seed: int) -> Responses:
    x, y = trained.data.val_x, trained.data.val_y
    correct = loaded_into(fresh_net(BOTH).to(x.device), trained.net).eval()
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
        "loss_over_correct": loss / loss_of(correct, x, y),
        "accuracy": right,
        "off_before": abs(loss - before),
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
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ratios = table[table["response"] == "loss_over_correct"]
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    for place, fault in enumerate(reversed(FAULT.levels)):
        for call, colour, shift in (("not made", ORANGE, 0.18), ("made", BLUE, -0.18)):
            mine = ratios[(ratios["fault"] == fault) & (ratios["eval_call"] == call)]
            values = mine.sort_values("block")["value"].to_numpy(np.float64)
            _draw_row(axes, place + shift, values, colour, None if place else EVAL.say(call))
            found[fault, call] = values
    axes.axvspan(1 - SAME_LOSS, 1 + SAME_LOSS, color="#E4E4E4", zorder=0)
    axes.axvline(1, color=BLACK, lw=1.5, zorder=0)
    axes.set_yticks(range(len(FAULT.levels)), [FAULT.say(f) for f in reversed(FAULT.levels)])
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="y", labelsize=17)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("loss / loss of the correct load (grey: within 5 %)")
    axes.legend(loc="upper right")
    before, after = (_range(found[MODE_ONLY, call]) for call in ("not made", "made"))
    left = sum(abs(np.median(found[fault, "made"]) - 1) > SAME_LOSS for fault in OTHERS)
    figure.suptitle(
        f"Only the mode wrong: eval() takes the loss from {before} times the right one to {after};"
        f"\nof other faults {left} of {len(OTHERS)} stay wrong. "
        f"A dot: one of {table['block'].nunique()} trainings on digits, CPU",
        fontsize=19,
    )
    return figure


def _range(values: NDArray[np.float64]) -> str:
    """The median with its interval, where there are blocks enough for one."""
    found = median_interval(values)
    if not np.isfinite(found.low) or found.low == found.high:
        return f"{found.estimate:.1f}"
    return f"{found.estimate:.1f} ({found.low:.1f} to {found.high:.1f})"


def _draw_row(
    axes: Axes, y: float, values: NDArray[np.float64], colour: str, label: str | None
) -> None:
    """Every block as a dot, and their median as a diamond."""
    sideways = np.random.default_rng(0).permutation(np.linspace(-0.12, 0.12, len(values)))
    axes.plot(values, y + sideways, ".", color=colour, markersize=5, alpha=0.5)
    axes.plot(float(np.median(values)), y, "D", color=colour, markeredgecolor="white", label=label)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Which faults raise the loss after loading, and which of them does eval() cure?",
    factors=(FAULT, EVAL),
    blocks=PerProfile(2, 20, 60),
    prepare_together=prepare,
    measure_together=measure,
    together=PerProfile(2, 20, 20),
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(losses_by_fault,),
)
