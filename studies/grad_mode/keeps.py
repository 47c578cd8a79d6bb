"""How much more memory does a forward pass take with gradients, and what is kept of it?

The networks of ``outputs``, in eval mode, do a forward pass with gradients enabled, under
``no_grad`` and under ``inference_mode``. Recorded is what autograd keeps for a backward pass
(parameters and buffers left out) and the peak of the pass: the most that PyTorch's allocator had
handed out at one time, weights not counted. ``activations`` asks how both depend on depth and
batch.

Every block is a fresh process and does one pass before the one that is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLUE, GREEN, ORANGE, span, wide
from harness.meters import allocator_peak, saved_tensors
from studies.grad_mode.modes import GRAD, grad_mode
from studies.grad_mode.outputs import DROPOUT, NET, NETS
from studies.grad_mode.workloads import WORDS, Workload, workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KIB = 2**10

SAVED = 0.98  # no_grad takes at least 2 % less

CLAIMS = (
    Claim(
        "C3.31",
        Value("kept").at(grad="no_grad").always(),
        equals(0),
        reading="No graph: under no_grad no network keeps anything for a backward pass.",
    ),
    Claim(
        "C3.31",
        Ratio("peak", GRAD).at(grad="no_grad").against("enabled").always(),
        at_most(SAVED),
        reading="It saves memory: a forward pass of any usual network takes at least 2 % less at "
        "its peak under no_grad than with gradients enabled.",
        headline={"grad": "no_grad", "net": "MiniLM, padding mask"},
    ),
    Beyond(
        "C3.31",
        Value("kept").at(grad="inference_mode").always(),
        equals(0),
        why="inference mode, of which the passage does not speak",
    ),
    Beyond(
        "B-ex2-2",
        Ratio("peak", GRAD)
        .at(grad="no_grad", net=("perceptron", "MiniLM, padding mask"))
        .against("enabled")
        .always(),
        at_most(SAVED),
        why="memory, which the passage does not name; it speaks of efficiency",
        reading="A forward pass takes at least 2 % less memory at its peak under no_grad.",
    ),
    Control(
        "with gradients every network keeps something",
        Value("kept").at(grad="enabled").always(),
        more_than(0),
    ),
)


def prepare(block: Block) -> tuple[Block, dict[str, Workload]]:
    """Every network with its input, in eval mode."""
    works = {name: workload(name, block.device, DROPOUT) for name in NETS}
    for work in works.values():
        work.net.eval()
    return block, works


def measure(cell: tuple[Block, dict[str, Workload]], arm: Arm) -> Responses:
    """Pass forward twice: once for what is kept, and once more for the peak."""
    block, works = cell
    work = works[arm[NET]]
    there = [*work.net.parameters(), *work.net.buffers()]
    with grad_mode(arm[GRAD]), saved_tensors(there) as saved:
        work.forward()
    with grad_mode(arm[GRAD]), allocator_peak(block.device) as allocated:
        work.forward()
    return {"kept": saved.bytes / KIB, "peak": allocated.grown_bytes / KIB}


def peak_by_network(table: pd.DataFrame) -> Figure:
    """The peak of a pass with gradients and without, for each network."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "peak") & (table["status"] == "ok")]
    peaks = wide(rows, index="net", columns="grad", how="median")
    peaks = peaks.reindex(NETS)
    figure = Figure()
    axes = figure.subplots()
    places = np.arange(len(peaks))
    axes.hlines(places, peaks["no_grad"], peaks["enabled"], color="#AAAAAA", linewidth=3)
    for grad, colour, size, label in (
        ("enabled", ORANGE, 12, "gradients enabled"),
        ("inference_mode", GREEN, 16, "inference mode"),
        ("no_grad", BLUE, 9, "no_grad"),
    ):
        axes.plot(peaks[grad], places, "o", color=colour, markersize=size, label=label)
    ratios = peaks["enabled"] / peaks["no_grad"]
    for place, (ratio, right) in enumerate(zip(ratios, peaks["enabled"], strict=True)):
        if np.isfinite(ratio):
            axes.annotate(
                f"{ratio:.1f} times",
                (right, place),
                (12, 0),
                textcoords="offset points",
                va="center",
            )
    axes.set_xscale("log")
    axes.margins(x=0.25)
    axes.set_yticks(places, [WORDS[name] for name in peaks.index], size=15)
    axes.invert_yaxis()
    axes.set_xlabel("peak memory of a forward pass, weights left out, KiB")
    figure.suptitle(
        f"With gradients enabled a forward pass in eval mode takes {span(ratios.dropna(), '.1f')}\n"
        "times the memory that it takes under no_grad "
        f"(a dot: median, n = {rows['block'].nunique()} processes)"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


EXPERIMENT = Experiment(
    question="How much more memory does a forward pass take with gradients, and what is kept?",
    factors=(GRAD, NET),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("kept", "KiB", "the memory kept for a backward pass"),
        Response("peak", "KiB", "the peak memory of a forward pass (weights left out)"),
    ),
    claims=CLAIMS,
    figures=(peak_by_network,),
    fresh_process=True,
    imports=("torch._dynamo", "transformers.models.bert.modeling_bert"),
)
