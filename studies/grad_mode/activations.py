"""What does a forward pass keep and take, with and without gradients?

A perceptron of 4 or 16 layers of 512 gets batches of 64 to 4096 rows. Recorded is what autograd
keeps for a backward pass (parameters and input left out: they are there anyway), and the memory of
the pass at its peak: weights, input, and the most that PyTorch's allocator had handed out at one
time during the pass. On a GPU that is ``max_memory_allocated``. The libraries that a process loads
do not belong to it, some 200 MB of resident memory that no switch saves.

Every block is a fresh process and does one pass before the one that is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
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
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE
from harness.libraries import nn, torch
from harness.meters import allocator_peak, saved_tensors
from harness.workloads import tower
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTH = Factor("depth", (4, 16))
BATCH = Factor("batch", (64, 256, 1024, 4096))
WIDTH = 512
OFF = ("no_grad", "inference_mode")
LARGE = 4096
A_LOT = 2.0
MIB = 2**20

CLAIMS = (
    Claim(
        "C3.31",
        Value("kept").at(grad=OFF).always(),
        equals(0),
        reading="Without gradients nothing is kept for a backward pass.",
    ),
    Claim(
        "C3.31",
        Ratio("peak", GRAD).at(grad="enabled").always(),
        more_than(1.0),
        reading="It saves memory: with gradients the peak is higher, at any depth and batch.",
    ),
    Claim(
        "A-nograd-4",
        Ratio("peak", GRAD).at(grad="enabled", batch=LARGE, depth=16).always(),
        at_least(A_LOT),
        reading="A lot, for large batches: with gradients the pass takes at least twice the memory "
        "with 16 layers and 4096 rows, weights and input counted on both sides.",
    ),
    Control(
        # Each ReLU but no Linear makes something new that backward needs: its output.
        "16 layers keep 15 activations",
        Value("kept").at(grad="enabled", batch=LARGE, depth=16).always(),
        equals(15 * LARGE * WIDTH * 4 / MIB),
    ),
)


def prepare(block: Block) -> dict[int, nn.Module]:
    """The networks, by depth."""
    return {depth: tower(depth, WIDTH).to(block.device) for depth in DEPTH.levels}


def measure(nets: dict[int, nn.Module], arm: Arm) -> Responses:
    """Pass a batch twice: once for what is kept, and once more for the peak."""
    net = nets[arm[DEPTH]]
    device = next(net.parameters()).device
    x = torch.randn(arm[BATCH], WIDTH, device=device)
    with grad_mode(arm[GRAD]), saved_tensors([*net.parameters(), x]) as saved:
        net(x)
    with grad_mode(arm[GRAD]), allocator_peak(device.type) as allocated:
        net(x)
    there = sum(tensor.nbytes for tensor in (*net.parameters(), x))
    return {"kept": saved.bytes / MIB, "peak": (there + allocated.grown_bytes) / MIB}


def memory_against_batch(table: pd.DataFrame) -> Figure:
    """The peak of a pass by batch size, with and without gradients."""
    from matplotlib.figure import Figure

    peaks = table[table["response"] == "peak"].groupby(["depth", "grad", "batch"])["value"].median()
    figure = Figure()
    panels = figure.subplots(1, len(DEPTH.levels), sharey=True)
    for axes, depth in zip(panels, DEPTH.levels, strict=True):
        _draw_peaks(axes, {grad: peaks[depth, grad] for grad in GRAD.levels})
        axes.set_title(f"{depth} layers")
        axes.set_xlabel("rows in a batch")
    panels[0].set_ylabel("memory at the peak, MiB")
    ratio = peaks[16, "enabled", LARGE] / peaks[16, "no_grad", LARGE]
    figure.suptitle(
        f"{LARGE} rows through 16 layers of {WIDTH} take {ratio:.1f} times the memory\n"
        "with gradients enabled: weights, input and activations of a forward pass"
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_peaks(axes: Axes, peaks: dict[str, pd.Series[float]]) -> None:
    for grad, colour, style, label in (
        ("enabled", ORANGE, "o-", "gradients enabled"),
        ("no_grad", BLUE, "o-", "no_grad"),
        ("inference_mode", GREEN, ":", "inference_mode"),
    ):
        values = peaks[grad]
        axes.plot(values.index, values, style, color=colour, label=label, linewidth=3)
    for grad, offset in (("enabled", 12), ("no_grad", -24)):
        last = float(peaks[grad][LARGE])
        axes.annotate(
            f"{last:.0f}",
            (LARGE, last),
            (0, offset),
            textcoords="offset points",
            color=BLACK,
            ha="center",
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(BATCH.levels, [str(rows) for rows in BATCH.levels])
    axes.minorticks_off()
    axes.margins(0.12, 0.12)
    ticks = [4, 8, 16, 32, 64, 128, 256]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])


EXPERIMENT = Experiment(
    question="What does a forward pass keep and take, with and without gradients?",
    factors=(GRAD, DEPTH, BATCH),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("kept", "MiB", "kept"),
        Response("peak", "MiB", "peak"),
    ),
    claims=CLAIMS,
    figures=(memory_against_batch,),
    fresh_process=True,
)
