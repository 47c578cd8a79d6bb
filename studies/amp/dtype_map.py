"""Is the type that autocast gives an operation the one that PyTorch's documentation lists?

Document C says that autocast switches types by itself, which ``kept_types`` judges on networks.
This experiment goes beyond it, operation by operation. Each is called inside autocast with tensors
of float32, with tensors of 16 bits, and with one of each, and the type of what comes out is
compared with what PyTorch's documentation of autocast lists for the device: operations that run in
16 bits, in float32, in the widest type among their inputs, and all others, which autocast leaves
alone. The lists of CPU and CUDA differ: a softmax, a layer norm or a sum is lifted to float32 on
CUDA and left alone on a CPU.

Nothing depends on chance here, so that a few blocks with new numbers are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Share,
    equals,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import functional, torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

HALF, FULL, WIDEST, ALONE = "16 bits", "float32", "the widest input", "left alone"


class Operation(NamedTuple):
    """The shapes that an operation is given, and what the documentation lists it under."""

    shapes: tuple[tuple[int, ...], ...]
    cpu: str
    cuda: str


IMAGE, SQUARE, ROWS, KERNEL = (2, 3, 8, 8), (8, 8), (4, 10), (3, 3, 3, 3)
BATCH, HEADS = (2, 8, 8), (2, 2, 8, 16)

OPERATIONS: dict[str, Operation] = {
    "matmul": Operation((SQUARE, SQUARE), HALF, HALF),
    "bmm": Operation((BATCH, BATCH), HALF, HALF),
    "addmm": Operation((SQUARE,) * 3, HALF, HALF),
    "baddbmm": Operation((BATCH,) * 3, HALF, HALF),
    "linear": Operation((ROWS, (3, 10)), HALF, HALF),
    "conv1d": Operation(((2, 3, 8), (3, 3, 3)), HALF, HALF),
    "conv2d": Operation((IMAGE, KERNEL), HALF, HALF),
    "conv_transpose2d": Operation((IMAGE, KERNEL), HALF, HALF),
    "prelu": Operation((ROWS, (1,)), HALF, HALF),
    # Not in the documentation's list for CUDA, but in that of its source (ATen/autocast_mode.h).
    "attention": Operation((HEADS,) * 3, HALF, HALF),
    "cross_entropy": Operation((ROWS,), FULL, FULL),
    "nll_loss": Operation((ROWS,), FULL, FULL),
    "mse_loss": Operation((ROWS, ROWS), FULL, FULL),
    "l1_loss": Operation((ROWS, ROWS), FULL, FULL),
    "bce_with_logits": Operation((ROWS, ROWS), FULL, FULL),
    "cdist": Operation((ROWS, ROWS), FULL, FULL),
    "prod": Operation((ROWS,), FULL, FULL),
    "avg_pool3d": Operation(((1, 2, 4, 4, 4),), FULL, ALONE),
    "softmax": Operation((ROWS,), ALONE, FULL),
    "log_softmax": Operation((ROWS,), ALONE, FULL),
    "layer_norm": Operation((ROWS,), ALONE, FULL),
    "exp": Operation((ROWS,), ALONE, FULL),
    "sum": Operation((ROWS,), ALONE, FULL),
    "cumsum": Operation((ROWS,), ALONE, FULL),
    "cat": Operation((ROWS, ROWS), WIDEST, WIDEST),
    "stack": Operation((ROWS, ROWS), WIDEST, WIDEST),
    "add": Operation((ROWS, ROWS), ALONE, ALONE),
    "relu": Operation((ROWS,), ALONE, ALONE),
    "gelu": Operation((ROWS,), ALONE, ALONE),
    "max_pool2d": Operation((IMAGE,), ALONE, ALONE),
}


def call(name: str, inputs: Sequence[Tensor]) -> Tensor:
    """Call an operation."""
    classes = torch.arange(len(inputs[0]), device=inputs[0].device)
    calls: dict[str, Callable[..., Tensor]] = {
        "matmul": torch.matmul,
        "bmm": torch.bmm,
        "addmm": torch.addmm,
        "baddbmm": torch.baddbmm,
        "linear": functional.linear,
        "conv1d": functional.conv1d,
        "conv2d": functional.conv2d,
        "conv_transpose2d": functional.conv_transpose2d,
        "prelu": functional.prelu,
        "attention": functional.scaled_dot_product_attention,
        "cross_entropy": lambda x: functional.cross_entropy(x, classes),
        "nll_loss": lambda x: functional.nll_loss(x, classes),
        "mse_loss": functional.mse_loss,
        "l1_loss": functional.l1_loss,
        "bce_with_logits": functional.binary_cross_entropy_with_logits,
        "cdist": torch.cdist,
        "prod": torch.prod,
        "avg_pool3d": lambda x: functional.avg_pool3d(x, 2),
        "softmax": lambda x: x.softmax(dim=1),
        "log_softmax": lambda x: x.log_softmax(dim=1),
        "layer_norm": lambda x: functional.layer_norm(x, x.shape[1:]),
        "exp": torch.exp,
        "sum": torch.sum,
        "cumsum": lambda x: x.cumsum(dim=1),
        "cat": lambda a, b: torch.cat([a, b]),
        "stack": lambda a, b: torch.stack([a, b]),
        "add": torch.add,
        "relu": torch.relu,
        "gelu": functional.gelu,
        "max_pool2d": lambda x: functional.max_pool2d(x, 2),
    }
    return calls[name](*inputs)


OPERATION = Factor("operation", tuple(OPERATIONS), label="operations")
INPUTS = Factor(
    "inputs",
    ("float32", "16 bits", "one of each"),
    words={
        "float32": "given float32",
        "16 bits": "given 16 bits",
        "one of each": "given one tensor of each type",
    },
)
TYPE = Factor("type", ("bfloat16", "float16"))

CLAIMS = (
    Beyond(
        "C7.24",
        Share("as_listed", OPERATION).at(type="bfloat16").always(),
        equals(1.0),
        why="PyTorch's own list of operations, which the passage does not speak of",
        reading="Every operation gives the type that PyTorch's documentation of autocast lists for "
        "it and the device of the run.",
    ),
    Control(
        "without autocast float32 stays float32",
        Share("float32_without", OPERATION).always(),
        equals(1.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Call an operation inside autocast and look at the type of its result."""
    operation, half = OPERATIONS[arm[OPERATION]], getattr(torch, arm[TYPE])
    inputs = draw(operation, arm[INPUTS], half, block.device)
    with torch.autocast(block.device, dtype=half):
        found = call(arm[OPERATION], inputs).dtype
    plain = call(arm[OPERATION], [x.float() for x in inputs]).dtype
    expected = listed(operation, block.device, inputs, half)
    return {
        "bits": float(found.itemsize * 8),
        "as_listed": float(found == expected),
        "float32_without": float(plain == torch.float32),
    }


def draw(operation: Operation, inputs: str, half: torch.dtype, device: str) -> list[Tensor]:
    """Positive numbers for an operation, in float32, in 16 bits, or the first one in float32."""
    numbers = [torch.rand(shape, device=device) for shape in operation.shapes]
    if inputs == "16 bits":
        return [x.to(half) for x in numbers]
    return numbers if inputs == "float32" else [numbers[0], *(x.to(half) for x in numbers[1:])]


def listed(
    operation: Operation, device: str, inputs: list[Tensor], half: torch.dtype
) -> torch.dtype:
    """The type that the documentation promises."""
    under = operation.cuda if device == "cuda" else operation.cpu
    if under == HALF:
        return half
    if under == FULL:
        return torch.float32
    return half if all(x.dtype == half for x in inputs) else torch.float32


def _possible(arm: Arm) -> bool:
    """One of each takes two tensors."""
    return arm[INPUTS] != "one of each" or len(OPERATIONS[arm[OPERATION]].shapes) > 1


def types_of_operations(table: pd.DataFrame) -> Figure:
    """What comes out of each operation inside autocast, for both types of input."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "bits") & (table["type"] == "bfloat16")]
    bits: Any = rows.groupby(["operation", "inputs"])["value"].max()
    order = sorted(OPERATIONS, key=lambda name: (bits[name, "16 bits"], bits[name, "float32"]))
    figure = Figure()
    panels = figure.subplots(1, 3)
    third = -(-len(order) // 3)
    for place, axes in enumerate(panels):
        _draw_column(axes, order[place * third : (place + 1) * third], bits)
    lowered = sum(bits[name, "float32"] == 16 for name in order)
    lifted = sum(bits[name, "16 bits"] == 32 for name in order)
    figure.suptitle(
        f"Of {len(order)} operations, autocast to bfloat16 lowers {lowered} to 16 bits, lifts "
        f"{lifted}\nto float32 and leaves the type of the others to their inputs "
        f"({rows['block'].nunique()} blocks)"
    )
    for colour, label in ((BLUE, "16 bits out"), (ORANGE, "float32 out")):
        panels[0].plot([], [], "s", color=colour, markersize=16, label=label)
    figure.legend(loc="outside lower center", ncols=2, fontsize=18)
    return figure


def _draw_column(axes: Axes, names: list[str], bits: Any) -> None:  # noqa: ANN401 - a Series
    for height, name in enumerate(reversed(names)):
        for x, inputs in enumerate(("float32", "16 bits")):
            colour = {16: BLUE, 32: ORANGE}.get(bits[name, inputs])
            if colour is None:
                axes.text(x, height, "failed", ha="center", va="center", fontsize=14)
            else:
                axes.plot(x, height, "s", color=colour, markersize=21)
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_xticks((0, 1), ("float32\nin", "16 bits\nin"))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xlim(-0.6, 1.6)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


EXPERIMENT = Experiment(
    question="Which type does autocast choose for an operation, and is it the documented one?",
    factors=(OPERATION, INPUTS, TYPE),
    only=_possible,
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("bits", "bits", "bits of each number that comes out"),
        Response("as_listed", "yes/no", "the result has the type that is documented"),
        Response("float32_without", "yes/no", "without autocast the result has float32"),
    ),
    claims=CLAIMS,
    figures=(types_of_operations,),
)
