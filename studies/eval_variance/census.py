"""Which modules of torch.nn depend on the mode?

Every class of torch.nn that has a forward pass is built, with default arguments where it has them,
and passes one input in train mode and in eval mode, from the same weights and the same seed. Where
a default switches dropout or running statistics off, a variant with it on stands beside it, and the
other way round. The gap is the largest difference between the two outputs.

Document C says that dropout and batch norm are the only ones that differ, and names Linear, Conv2d,
ReLU and attention as some that do not. Judged is every class whose name says neither, at a
tolerance of a millionth of the largest output: what float32 may round is no other behaviour.
Containers that hold dropout (the transformer layers) are shown beyond the words, and so is
attention without gradients, which takes a fused path in eval mode. Whether a pass can be repeated
is recorded in both modes, since a module may be random whatever the mode.

The verdicts speak for one input of each module on the device of the run.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

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
    Value,
    at_most,
    more_than,
)
from harness.figures import BLUE, ORANGE, median_interval
from harness.libraries import torch
from harness.workloads.modules import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor, nn

ROUNDING = 1e-6  # of the largest output
DROPOUT_AND_BATCH_NORM = tuple(n for n in MODULES if "Dropout" in n or "BatchNorm" in n)
OTHERS = tuple(name for name in MODULES if name not in DROPOUT_AND_BATCH_NORM)
#: Modules that hold dropout modules, with the default arguments or at all.
CONTAINERS = tuple(name for name in OTHERS if name.startswith("Transformer"))
ATTENTION = tuple(name for name in OTHERS if name.startswith("MultiheadAttention"))
LAYERS = tuple(name for name in OTHERS if name not in (*CONTAINERS, *ATTENTION))

#: What the arguments of a variant mean.
WORDS = {
    "GRU(num_layers=2, dropout=0.5)": "GRU of two layers with dropout",
    "LSTM(num_layers=2, dropout=0.5)": "LSTM of two layers with dropout",
    "RNN(num_layers=2, dropout=0.5)": "RNN of two layers with dropout",
    "InstanceNorm1d(track_running_stats=True)": "InstanceNorm1d with running statistics",
    "InstanceNorm2d(track_running_stats=True)": "InstanceNorm2d with running statistics",
    "InstanceNorm3d(track_running_stats=True)": "InstanceNorm3d with running statistics",
    "MultiheadAttention(dropout=0.5)": "MultiheadAttention with dropout",
    "MultiheadAttention(batch_first=True)": "MultiheadAttention, batch first",
    "TransformerEncoderLayer(dropout=0)": "TransformerEncoderLayer without dropout",
    "TransformerEncoderLayer(dropout=0, batch_first=True)": (
        "TransformerEncoderLayer without dropout, batch first"
    ),
    "TransformerEncoder(dropout=0, batch_first=True), padded input": (
        "TransformerEncoder without dropout on padded input"
    ),
    "TransformerDecoderLayer(dropout=0)": "TransformerDecoderLayer without dropout",
    "Transformer(dropout=0)": "Transformer without dropout",
}

MODULE = Factor("module", tuple(MODULES), words=WORDS)
GRAD = Factor(
    "grad",
    ("grad", "no_grad"),
    control="grad",
    words={"grad": "with gradients", "no_grad": "without gradients"},
)

RESPONSES = (
    Response("gap", "1", "largest difference between the modes, over the largest output"),
    Response("beyond_rounding", "yes/no", "train and eval mode differ by more than rounding"),
    Response("train_repeats_differ", "yes/no", "two passes in train mode differ"),
    Response("eval_repeats_differ", "yes/no", "two passes in eval mode differ"),
)

SAME = (
    "From one seed and one input, train and eval mode give the same output, to a millionth of the "
    "largest value."
)
NO_GAP = Value("gap").always()

CLAIMS = (
    Claim(
        "C4.06",
        NO_GAP.at(module=LAYERS),
        at_most(ROUNDING),
        reading=SAME,
        headline={"module": "Linear", "grad": "no_grad"},
    ),
    Claim("C4.06", NO_GAP.at(module=ATTENTION, grad="grad"), at_most(ROUNDING), reading=SAME),
    Beyond(
        "C4.06",
        NO_GAP.at(module=ATTENTION, grad="no_grad"),
        at_most(ROUNDING),
        why="attention without gradients, which eval mode computes on a fused path",
        reading=SAME,
    ),
    Beyond(
        "C4.06",
        NO_GAP.at(module=CONTAINERS),
        at_most(ROUNDING),
        why="a module that holds dropout, or computes on a fused path in eval mode",
        reading=SAME,
    ),
    Control(
        "the census sees dropout and batch norm",
        Value("gap").at(module=DROPOUT_AND_BATCH_NORM).always(),
        more_than(1e-3),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass one input through a module in both modes, twice each."""
    spec = MODULES[arm[MODULE]]
    with warnings.catch_warnings(), torch.set_grad_enabled(arm[GRAD] == "grad"):
        warnings.simplefilter("ignore")  # deprecated classes are part of the census
        module = spec.build().to(block.device)
        inputs = on_device(spec.draw(), block.device)
        module.eval()(*inputs)  # gives lazy modules their weights
        evaluated, evaluated_again = two_passes(module, inputs, block.seed)
        train, train_again = two_passes(module.train(), inputs, block.seed)
    gap = largest_gap(train, evaluated) / (largest(evaluated) or 1.0)
    return {
        "gap": gap,
        "beyond_rounding": float(gap > ROUNDING),
        "train_repeats_differ": float(largest_gap(train, train_again) > 0),
        "eval_repeats_differ": float(largest_gap(evaluated, evaluated_again) > 0),
    }


def on_device(drawn: Sequence[Tensor | None], device: str) -> list[Tensor | None]:
    """The inputs on a device; an input that is passed twice stays one object."""
    moved = {id(x): x.to(device) for x in drawn if x is not None}
    return [None if x is None else moved[id(x)] for x in drawn]


def two_passes(
    module: nn.Module, inputs: Sequence[Tensor | None], seed: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs of two passes in a row, the first from the seed."""
    torch.manual_seed(seed)
    return list(tensors_of(module(*inputs))), list(tensors_of(module(*inputs)))


def tensors_of(output: Any) -> Iterator[Tensor]:  # noqa: ANN401 - whatever a module returns
    """The tensors of an output, which may be a tuple of tuples."""
    if isinstance(output, tuple):
        for part in output:
            yield from tensors_of(part)
    elif output is not None:
        yield output.detach()


def largest_gap(these: Sequence[Tensor], those: Sequence[Tensor]) -> float:
    """The largest absolute difference between two outputs of the same shapes.

    Raises:
        ValueError: their shapes differ.
    """
    if [x.shape for x in these] != [x.shape for x in those]:
        raise ValueError("outputs of different shapes cannot be compared")
    return max(
        (x.double() - y.double()).abs().max().item() for x, y in zip(these, those, strict=True)
    )


def largest(output: Sequence[Tensor]) -> float:
    """The largest absolute value of an output."""
    return max(x.double().abs().max().item() for x in output)


def mode_dependent_modules(table: pd.DataFrame) -> Figure:
    """The layers that depend on the mode though they are neither dropout nor batch norm."""
    from matplotlib.figure import Figure

    gaps = table[(table["response"] == "gap") & (table["grad"] == "grad")]
    largest_seen = gaps.groupby("module")["value"].max()
    judged = [name for name in OTHERS if name not in CONTAINERS]
    own = [name for name in judged if largest_seen[name] > ROUNDING]
    own.sort(key=lambda name: largest_seen[name])
    repeats = table[(table["response"] == "train_repeats_differ") & (table["grad"] == "grad")]
    random = repeats.groupby("module")["value"].max() > 0
    figure = Figure()
    axes = figure.subplots()
    for height, name in enumerate(own):
        values = gaps.loc[gaps["module"] == name, "value"].to_numpy(np.float64)
        colour = ORANGE if random[name] else BLUE
        draw_across(axes, height, values, colour)
    for label, shade in (
        ("random: two passes in train mode differ", ORANGE),
        ("not random: two passes in train mode agree", BLUE),
    ):
        axes.plot([], [], "D", color=shade, label=label)
    figure.legend(loc="outside lower center", fontsize=16, ncols=2, handletextpad=0.2)
    axes.set_yticks(range(len(own)), [MODULE.say(name) for name in own], fontsize=16)
    axes.set_xlim(0, None)
    axes.set_ylim(-0.7, max(len(own) - 0.3, 0.7))
    blocks = table["block"].nunique()
    axes.set_xlabel(
        "largest difference of the modes over the largest output\n"
        f"(dots: {blocks} inputs; diamonds: median, 99 % interval)",
        fontsize=17,
    )
    contained = sum(bool(largest_seen[name] > ROUNDING) for name in CONTAINERS)
    figure.suptitle(
        f"{len(own)} of {len(judged)} layers of torch.nn that are neither dropout nor batch norm\n"
        f"depend on the mode (beside {contained} of {len(CONTAINERS)} transformer modules, which "
        "hold dropout)",
        fontsize=20,
    )
    return figure


def draw_across(axes: Axes, height: float, values: NDArray[np.float64], colour: str) -> None:
    """Every block as a dot on one line, and the median with its interval."""
    middle = median_interval(values)
    axes.plot(values, np.full(len(values), height), ".", color=colour, alpha=0.5)
    axes.plot(middle.estimate, height, "D", color=colour, markeredgecolor="white")
    if np.isfinite([middle.low, middle.high]).all():
        axes.plot([middle.low, middle.high], [height, height], color=colour, linewidth=3)


EXPERIMENT = Experiment(
    question="Which modules of torch.nn depend on the mode?",
    factors=(MODULE, GRAD),
    blocks=PerProfile(2, 20, 20),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(mode_dependent_modules,),
)
