"""How much memory does a training step take in 16 bits, against float32?

A step of three networks is watched at several batch sizes. ``kept`` is what autograd keeps for
backward apart from weights and inputs, each storage once. Under autocast that holds copies of the
weights in 16 bits as well as activations, and at small batches they may outweigh what activations
save. ``activations`` is what one more row adds to it, which the copies do not touch. ``peak`` is
the most that a step takes at one time, with weights, their gradients, Adam's state and the batch.
The perceptron, whose rows are small, gets a larger batch as well.

What is kept is counted from the tensors themselves; the peak is that of torch's own allocator. The
networks have some hundred thousand weights, and document C speaks of a GPU.
"""

from __future__ import annotations

from itertools import chain
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
    between,
    equals,
)
from harness.figures import BLUE, GREEN, ORANGE
from harness.libraries import torch
from harness.meters import allocator_peak, saved_tensors
from studies.amp.models import CNN, MLP, NETS, TRANSFORMER
from studies.amp.precision import BF16, BF16_SCALER, FP32, TF32, autocast, make_step
from studies.amp.workloads import SMALL, Workload, workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: 40 % less, give or take ten points.
FORTY_PER_CENT_LESS = between(0.5, 0.7)
COLOURS = {MLP: BLUE, CNN: ORANGE, TRANSFORMER: GREEN}

NET = Factor("net", NETS)
BATCH = Factor("batch", (2, 16, 128, 1024))
PRECISION = Factor("precision", (FP32, TF32, BF16, BF16_SCALER), control=FP32)

CLAIMS = (
    Claim(
        "C7.25",
        Ratio("activations", PRECISION).at(precision=BF16, batch=2).always(),
        FORTY_PER_CENT_LESS,
        reading="Activations: what a row adds to that kept for backward, the same at any batch "
        "size; 40 % less, give or take ten points.",
        needs="cuda",
    ),
    Claim(
        "C7.25",
        Ratio("kept", PRECISION).at(precision=BF16).always(),
        FORTY_PER_CENT_LESS,
        reading="What forward leaves in memory: all that is kept for backward but weights and "
        "inputs, with the 16-bit copies of weights, by the same figure.",
        needs="cuda",
    ),
    Claim(
        "C7.25",
        Ratio("peak", PRECISION).at(precision=BF16).always(),
        FORTY_PER_CENT_LESS,
        reading="Memory as a whole: the peak of a training step, by the same figure.",
        needs="cuda",
    ),
    Claim(
        "C9.09",
        Ratio("peak", PRECISION).at(precision=BF16_SCALER).always(),
        FORTY_PER_CENT_LESS,
        reading="40 % less memory, give or take ten points: the peak of a training step with "
        "autocast and scaler.",
        needs="cuda",
    ),
    Control(
        "TF32 stores float32",
        Ratio("kept", PRECISION).at(precision=TF32).always(),
        equals(1.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count what a forward pass keeps, and the peak of a whole step."""

    def work(rows: int) -> Workload:
        return workload(arm[NET], SMALL, block.device, block.seed, rows)

    level, device = arm[PRECISION], block.device
    added = kept_by_forward(work(4), level, device) - kept_by_forward(work(2), level, device)
    return {
        "activations": added / 2,
        "kept": kept_by_forward(work(arm[BATCH]), level, device),
        "peak": peak_of_step(work(arm[BATCH]), level, device),
    }


def kept_by_forward(work: Workload, level: str, device: str) -> float:
    """Bytes that are kept for backward, but weights and batch."""
    with saved_tensors([*work.net.parameters(), work.inputs, work.targets]) as saved:
        with autocast(level, device):
            loss = work.loss(work.net)
        del loss
    return float(saved.bytes)


def peak_of_step(work: Workload, level: str, device: str) -> float:
    """The most bytes at one time, with all that is there before the step."""
    optimiser = torch.optim.Adam(work.net.parameters(), fused=True)
    step = make_step(work.net, optimiser, work.loss, level, device)
    step()  # Adam makes its state in the first step
    optimiser.zero_grad()
    with allocator_peak(device) as peak:
        step()
    moments = chain.from_iterable(state.values() for state in optimiser.state.values())
    there = [*work.net.parameters(), *work.net.buffers(), *moments, work.inputs, work.targets]
    return float(peak.grown_bytes + sum(t.nbytes for t in there))


def _needed(arm: Arm) -> bool:
    """The largest batch for the perceptron alone; TF32, which stores float32, at the smallest."""
    if arm[PRECISION] == TF32:
        return arm[BATCH] == BATCH.levels[0]
    return arm[NET] == MLP or arm[BATCH] != BATCH.levels[-1]


def memory_by_batch(table: pd.DataFrame) -> Figure:
    """What a step in bfloat16 keeps and takes over what float32 does, against the batch size."""
    from matplotlib.figure import Figure

    bytes_of = table.pivot_table(
        index=["response", "net", "batch"], columns="precision", values="value"
    )
    ratio = bytes_of[BF16] / bytes_of[FP32]
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    titles = {"kept": "kept for backward", "peak": "peak of a step"}
    for axes, (response, title) in zip(panels, titles.items(), strict=True):
        axes.axhspan(FORTY_PER_CENT_LESS.low, FORTY_PER_CENT_LESS.high, color="#E8E8E8", zorder=0)
        axes.axhline(1, color="black", linewidth=1)
        for net in NETS:
            axes.plot(ratio[response, net], "o-", color=COLOURS[net], label=net)
        axes.set_xscale("log", base=2)
        axes.set_xticks(BATCH.levels, [str(size) for size in BATCH.levels])
        axes.set_xlabel("rows in a batch")
        axes.set_title(title)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
    panels[0].set_ylabel("bf16 over float32")
    panels[0].legend(loc="upper right")
    band = "40 % less,\n±10 points"
    panels[1].text(BATCH.levels[-1], 0.59, band, ha="right", va="center", fontsize=15)
    rows = ratio["activations"].groupby("net").first()
    figure.suptitle(
        "A row's activations take "
        f"{', '.join(f'{100 * rows[net]:.0f} % ({net})' for net in NETS)}\n"
        "of float32's memory in bf16; copies of the weights come on top"
    )
    return figure


EXPERIMENT = Experiment(
    question="How much memory does a training step take in 16 bits, against float32?",
    factors=(NET, BATCH, PRECISION),
    only=_needed,
    blocks=PerProfile(1, 2, 3),
    measure=measure,
    responses=(
        Response("activations", "bytes a row", "activations"),
        Response("kept", "bytes", "kept"),
        Response("peak", "bytes", "peak"),
    ),
    claims=CLAIMS,
    figures=(memory_by_batch,),
)
