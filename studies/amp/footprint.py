"""The memory of a training step at each level of precision: what ``memory`` and its large form ask.

``peak`` is the most that a step takes at one time, with weights, their gradients, Adam's state and
the batch, by torch's own allocator. ``kept`` is what autograd keeps for backward apart from weights
and inputs, each storage once; under autocast that holds copies of the weights in 16 bits as well as
activations. ``activations`` is what one more row adds to it, which the copies do not touch.
"""

from __future__ import annotations

from itertools import chain
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
    Ratio,
    Response,
    Responses,
    between,
)
from harness.figures import BLUE, GREEN, ORANGE, wide
from harness.libraries import torch
from harness.meters import allocator_peak, saved_tensors
from studies.amp.models import CNN, MLP, NETS, TRANSFORMER
from studies.amp.precision import BF16, BF16_SCALER, SHIPPED, autocast, make_step
from studies.amp.workloads import Size, Workload, workload

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: 40 % less, give or take a fifth of that.
FORTY_PER_CENT_LESS = between(1 - 0.48, 1 - 0.32)
COLOURS = {MLP: BLUE, CNN: ORANGE, TRANSFORMER: GREEN}

NET = Factor("net", NETS)

RESPONSES = (
    Response("activations", "bytes a row", "memory of the activations of one more row"),
    Response("kept", "bytes", "memory kept for backward, weights and batch apart"),
    Response("peak", "bytes", "peak memory of a training step"),
)


def peak_ratio(precision: Factor[str], level: str) -> Ratio:
    """The peak of a step at a level of precision, over that of the same in float32."""
    return Ratio("peak", precision).at(precision=level).always()


def beside_the_peak(
    precision: Factor[str], rows: Mapping[str, tuple[int, ...]], why: str
) -> tuple[Beyond, ...]:
    """Parts of the memory instead of its peak; a row's activations are the same in any batch."""
    kept = Ratio("kept", precision).at(precision=BF16).always()
    of_a_row = [
        Ratio("activations", precision).at(net=net, batch=batches[0], precision=BF16).always()
        for net, batches in rows.items()
    ]
    return tuple(
        Beyond("C7.25", contrast, FORTY_PER_CENT_LESS, why=why) for contrast in (kept, *of_a_row)
    )


def measure_memory(block: Block, net: str, size: Size, level: str, rows: int) -> Responses:
    """Count what a forward pass keeps, and the peak of a whole step."""

    def work(rows: int) -> Workload:
        return workload(net, size, block.device, block.seed, rows)

    device = block.device
    added = kept_by_forward(work(4), level, device) - kept_by_forward(work(2), level, device)
    return {
        "activations": added / 2,
        "kept": kept_by_forward(work(rows), level, device),
        "peak": peak_of_step(work(rows), level, device),
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


def memory_experiment(
    question: str,
    size: Size,
    rows: Mapping[str, tuple[int, ...]],
    levels: tuple[str, ...],
    *,
    claims: tuple[Claim | Beyond | Control, ...],
    needs: str = "cpu",
) -> Experiment[Block]:
    """The experiment with networks of a size.

    Args:
        question: what it asks.
        size: of the networks.
        rows: the batches of each kind of network; the smallest alone at levels of precision other
            than those of claims.
        levels: of precision.
        claims: judged on the bytes.
        needs: the device it takes.
    """
    batch, precision = batch_factor(rows), precision_factor(levels)

    def needed(arm: Arm) -> bool:
        batches = rows[arm[NET]]
        usual = arm[precision] in (SHIPPED, BF16, BF16_SCALER)
        return arm[batch] in (batches if usual else batches[:1])

    def measure(block: Block, arm: Arm) -> Responses:
        return measure_memory(block, arm[NET], size, arm[precision], arm[batch])

    def memory_by_batch(table: pd.DataFrame) -> Figure:
        return draw_memory(table, "GPU, " if needs == "cuda" else "")

    return Experiment(
        question=question,
        factors=(NET, batch, precision),
        only=needed,
        blocks=PerProfile(1, 2, 3),
        measure=measure,
        responses=RESPONSES,
        claims=claims,
        figures=(memory_by_batch,),
        needs=needs,
    )


def batch_factor(rows: Mapping[str, tuple[int, ...]]) -> Factor[int]:
    """The batches of all networks, each once."""
    return Factor("batch", tuple(sorted(set(chain(*rows.values())))), label="batch size")


def precision_factor(levels: tuple[str, ...]) -> Factor[str]:
    """Levels of precision with float32 as shipped as control."""
    return Factor("precision", levels, control=SHIPPED)


def draw_memory(table: pd.DataFrame, device: str) -> Figure:
    """The peak of a step in bfloat16 over that in float32, against the batch size."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    if device:  # the passage speaks of a GPU
        low, high = FORTY_PER_CENT_LESS.low, FORTY_PER_CENT_LESS.high
        axes.axhspan(100 * low, 100 * high, color="#E8E8E8", zorder=0, label="40 % less, ±8 points")
    axes.axhline(100, color="black", linewidth=1)
    shares = {net: _shares(table, net, "peak") for net in NETS}
    for net in NETS:
        colour, batches = COLOURS[net], list(shares[net])
        medians = [float(np.median(shares[net][batch])) for batch in batches]
        axes.plot(batches, medians, "-", color=colour, label=net)
        for batch in batches:
            axes.plot([batch] * len(shares[net][batch]), shares[net][batch], "o", color=colour)
        for values in _shares(table, net, "activations").values():
            axes.axhline(float(np.median(values)), color=colour, linewidth=1.5, linestyle=":")
    axes.plot([], [], ":", color="gray", label="its activations alone")
    axes.set_xscale("log", base=2)
    ticks = sorted(table["batch"].unique())
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("batch size")
    axes.set_ylabel("peak of a training step,\nbfloat16 in % of float32")
    figure.legend(loc="outside lower center", ncols=5)
    batch = max(shares[TRANSFORMER])
    found = shares[TRANSFORMER][batch]
    blocks = table["block"].nunique()
    least, most = (f"{100 - share:.0f}" for share in (found.max(), found.min()))
    saved = least if least == most else f"{least} to {most}"
    figure.suptitle(
        f"With {batch} rows the {TRANSFORMER} trains with {saved} % less memory in bfloat16\n"
        f"({device}{blocks} block{'s' if blocks > 1 else ''}, a dot each)",
        fontsize=20,
    )
    return figure


def _shares(table: pd.DataFrame, net: str, response: str) -> dict[int, NDArray[np.float64]]:
    """Bfloat16 in per cent of float32, a value a block, by batch; failed ones are left out."""
    rows = table[(table["net"] == net) & (table["response"] == response)]
    bytes_of = wide(rows, index=["batch", "block"], columns="precision")
    ratio = (100 * bytes_of[BF16] / bytes_of[SHIPPED]).dropna()
    return {int(str(batch)): of.to_numpy() for batch, of in ratio.groupby("batch")}
