"""What does a forward pass keep and take, with and without gradients?

A perceptron of 4 or 16 layers of 512 gets batches of 64 to 4096 rows, and a transformer encoder of
4 or 12 layers of 128 batches of 8 to 128 texts of 32 tokens. Recorded is what autograd keeps for a
backward pass (parameters and input left out: they are there anyway), and the memory of the pass at
its peak: weights, input, and the most that PyTorch's allocator had handed out at one time during
the pass. On a GPU that is ``max_memory_allocated``. The libraries that a process loads do not
belong to it, some 200 MB of resident memory that no switch saves.

What a graph adds to the weights depends on the number of tokens over the width: 32 texts are 8
tokens for each of the 128 numbers of a token, as 48 texts of 128 tokens are to BERT base. Batches
of that size and larger are what the passages call large; smaller ones are shown beside them.

Every block is a fresh process and does one pass before the one that is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, wide
from harness.libraries import nn, torch
from harness.meters import allocator_peak, saved_tensors
from harness.workloads import encoder, tower
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Shape(NamedTuple):
    """The sizes of a kind of network: its depths, and its batches in rows."""

    depths: tuple[int, ...]
    batches: tuple[int, ...]


WIDTH = 512  # of the perceptron
TOKEN_WIDTH, LENGTH = 128, 32  # of the encoder
PERCEPTRON, ENCODER = "perceptron", "encoder"
SHAPES = {
    PERCEPTRON: Shape((4, 16), (64, 256, 1024, 4096)),
    ENCODER: Shape((4, 12), (8, 32, 128)),
}
NET = Factor(
    "net",
    (PERCEPTRON, ENCODER),
    label="network",
    words={PERCEPTRON: "perceptron 512 wide", ENCODER: "transformer encoder 128 wide"},
)
DEPTH = Factor(
    "depth",
    tuple(sorted({depth for shape in SHAPES.values() for depth in shape.depths})),
    label="layers",
    words={4: "4 layers", 12: "12 layers", 16: "16 layers"},
)
BATCH = Factor(
    "batch",
    tuple(sorted({rows for shape in SHAPES.values() for rows in shape.batches})),
    label="batch size",
)
LARGE = (32, 128)  # of the encoder
LARGEST = 4096  # of the perceptron
HALVED = 2.0  # with gradients a pass takes at least twice the memory
SAVED = 0.98  # no_grad takes at least 2 % less
MIB = 2**20

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.31",
        Value("kept").at(grad="no_grad", net=ENCODER).always(),
        equals(0),
        reading="No graph: under no_grad nothing is kept for a backward pass.",
    ),
    *(
        Claim(
            "C3.31",
            Ratio("peak", GRAD)
            .at(grad="no_grad", net=net)
            .against("enabled")
            .along(BATCH, judged=judged)
            .always(),
            at_most(SAVED),
            reading="It saves memory: a forward pass takes at least 2 % less at its peak under "
            "no_grad, weights and input counted on both sides; a batch so small that the weights "
            "are nearly everything is shown and not judged.",
        )
        for net, judged in ((ENCODER, (8, *LARGE)), (PERCEPTRON, (256, 1024, LARGEST)))
    ),
    Claim(
        "A-nograd-4",
        Ratio("peak", GRAD).at(grad="enabled", net=ENCODER).along(BATCH, judged=LARGE).always(),
        at_least(HALVED),
        reading="Slashed, or saved a lot, means halved: with gradients enabled a forward pass "
        "takes at least twice the memory at its peak, weights and batch counted on both sides, at "
        "batches of a realistic size.",
        headline={"grad": "enabled", "net": ENCODER, "depth": 12, "batch": 32},
    ),
    Beyond(
        "A-nograd-4",
        Ratio("peak", GRAD).at(grad="enabled", net=PERCEPTRON).always(),
        at_least(HALVED),
        why="a perceptron, which is no network of the course",
    ),
    Claim(
        "A-nograd-6",
        Ratio("peak", GRAD)
        .at(grad="no_grad", net=ENCODER, batch=LARGE)
        .against("enabled")
        .always(),
        at_most(0.8),
        reading="no_grad is needed for memory: over a large batch a forward pass in eval mode "
        "takes at least 20 % less of it at its peak.",
    ),
    Control(
        # Each ReLU but no Linear makes something new that backward needs: its output.
        "16 layers keep 15 activations",
        Value("kept").at(grad="enabled", net=PERCEPTRON, batch=LARGEST, depth=16).always(),
        equals(15 * LARGEST * WIDTH * 4 / MIB),
    ),
)


def affordable(arm: Arm) -> bool:
    """Each network has depths and batches of its own; inference mode is tried on one."""
    shape = SHAPES[arm[NET]]
    if arm[GRAD] == "inference_mode" and arm[NET] == ENCODER:
        return False
    return arm[DEPTH] in shape.depths and arm[BATCH] in shape.batches


def prepare(block: Block) -> dict[tuple[str, int], nn.Module]:
    """The networks in eval mode, by kind and depth."""
    nets: dict[tuple[str, int], nn.Module] = {}
    for depth in SHAPES[PERCEPTRON].depths:
        nets[PERCEPTRON, depth] = tower(depth, WIDTH)
    for depth in SHAPES[ENCODER].depths:
        nets[ENCODER, depth] = encoder(depth, TOKEN_WIDTH)
    return {name: net.to(block.device).eval() for name, net in nets.items()}


def measure(nets: dict[tuple[str, int], nn.Module], arm: Arm) -> Responses:
    """Pass a batch twice: once for what is kept, and once more for the peak."""
    net = nets[arm[NET], arm[DEPTH]]
    device = next(net.parameters()).device
    shape = (WIDTH,) if arm[NET] == PERCEPTRON else (LENGTH, TOKEN_WIDTH)
    x = torch.randn(arm[BATCH], *shape, device=device)
    with grad_mode(arm[GRAD]), saved_tensors([*net.parameters(), x]) as saved:
        net(x)
    with grad_mode(arm[GRAD]), allocator_peak(device.type) as allocated:
        net(x)
    there = sum(tensor.nbytes for tensor in (*net.parameters(), x))
    return {"kept": saved.bytes / MIB, "peak": (there + allocated.grown_bytes) / MIB}


def memory_against_batch(table: pd.DataFrame) -> Figure:
    """The peak of a pass by batch size, with and without gradients, at the larger depths."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "peak") & (table["status"] == "ok")]
    figure = Figure()
    panels = figure.subplots(1, 3, sharey=True)
    shown = ((ENCODER, 4), (ENCODER, 12), (PERCEPTRON, 16))
    ratios: list[float] = []
    for axes, (net, depth) in zip(panels, shown, strict=True):
        of_net = rows[(rows["net"] == net) & (rows["depth"] == depth)]
        peaks = wide(of_net, index="batch", columns="grad", how="median").reindex(
            SHAPES[net].batches
        )
        _draw_peaks(axes, peaks)
        if net == ENCODER:
            ratios += [peaks["enabled"][size] / peaks["no_grad"][size] for size in LARGE]
        axes.set_title(f"{net},\n{depth} layers", size=18)
    panels[0].set_ylabel("peak memory, weights included, MiB")
    panels[1].set_xlabel(f"batch size (texts of {LENGTH} tokens; rows for the perceptron)")
    figure.suptitle(
        f"Over a large batch a forward pass of an encoder takes {min(ratios):.1f} to "
        f"{max(ratios):.1f} times\nthe memory with gradients enabled "
        f"(a dot: median, n = {rows['block'].nunique()} processes)"
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_peaks(axes: Axes, peaks: pd.DataFrame) -> None:
    for grad, colour, label in (
        ("enabled", ORANGE, "gradients enabled"),
        ("no_grad", BLUE, "no_grad"),
    ):
        values = peaks[grad]
        axes.plot(values.index, values, "o-", color=colour, label=label, linewidth=3)
    batches = list(peaks.index)
    for size in batches:
        ratio = peaks["enabled"][size] / peaks["no_grad"][size]
        axes.annotate(
            f"{ratio:.1f} x",
            (size, peaks["enabled"][size]),
            (0, 12),
            textcoords="offset points",
            color=BLACK,
            ha="center",
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(batches, [f"{size:,}" for size in batches])
    axes.minorticks_off()
    axes.margins(0.15, 0.15)
    ticks = [4, 8, 16, 32, 64, 128, 256]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])


EXPERIMENT = Experiment(
    question="What does a forward pass keep and take, with and without gradients?",
    factors=(GRAD, NET, DEPTH, BATCH),
    only=affordable,
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("kept", "MiB", "the memory kept for a backward pass"),
        Response("peak", "MiB", "the peak memory of a forward pass (weights and input included)"),
    ),
    claims=CLAIMS,
    figures=(memory_against_batch,),
    fresh_process=True,
)
