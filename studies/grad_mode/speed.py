"""How much faster is a forward pass under no_grad, and under inference_mode?

Networks in eval mode are passed forward with gradients enabled, under ``no_grad`` and under
``inference_mode``, from work that is all launching (60 operations on 16 numbers) to work that is
all arithmetic (large matrix products), with the networks of practice in between. A context is
entered once for several passes where a pass is short, as an evaluation enters it once for all its
batches. Outputs are dropped after each pass, and with them the graph that was built.

What is judged are usual networks. That no_grad saves time is not judged on PyTorch's own
transformer encoder, which takes a fused path under no_grad: what that saves is no bookkeeping.
MiniLM, a small BERT, has no such path. That inference mode saves more is judged where there is
bookkeeping to see, and not in large matrix products. What is left out is shown beside.

A ratio is that of two arms of one round, and its median over the rounds of a block. Weights are
random but for MiniLM's, inputs are random throughout: neither matters to time. On a GPU the batches
of all but the shortest workloads are 16 times as large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    at_least,
    at_most,
)
from harness.figures import (
    BLACK,
    BLUE,
    ORANGE,
    by_block,
    measured_on,
    median_interval,
    rounds_of,
)
from harness.libraries import nn, torch
from harness.workloads import (
    convnet,
    encoder,
    forward_pass,
    load_encoder,
    mlp,
    tiny_operations,
    tower,
)
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TOY = "60 tiny operations"
WORKLOADS = (
    TOY,
    "small perceptron",
    "large perceptron",
    "CNN",
    "LSTM",
    "encoder",
    "encoder, half padding",
    "MiniLM",
)
WORKLOAD = Factor(
    "workload",
    WORKLOADS,
    words={
        "encoder": "transformer encoder",
        "encoder, half padding": "transformer encoder, half padding",
        "MiniLM": "MiniLM, a small BERT",
    },
)
GREY = "#888888"  # what is shown and not judged
#: Usual networks without a fused path that is taken under no_grad alone.
UNFUSED = ("small perceptron", "large perceptron", "CNN", "LSTM", "MiniLM")
FUSED = ("encoder", "encoder, half padding")
#: Usual networks, less large matrix products, which hide any bookkeeping.
USUAL = ("small perceptron", "CNN", "LSTM", "encoder", "encoder, half padding", "MiniLM")
TWICE = ("small perceptron", "large perceptron", "CNN", "encoder", "MiniLM")
FASTER = 1.05  # with gradients a pass takes at least 5 % longer
FASTER_STILL = 0.98  # inference mode saves at least 2 % of no_grad's time
MARGIN = 0.01  # of the A/A: half of the distance between 1 and the nearer edge


def longer_with_gradients(workloads: tuple[str, ...]) -> Ratio:
    """The time of a pass with gradients enabled over that under no_grad."""
    return Ratio("seconds", GRAD).at(grad="enabled", workload=workloads).by_round()


def inference_mode_over_no_grad(workloads: tuple[str, ...]) -> Ratio:
    """The time of a pass in inference mode over that under no_grad."""
    return Ratio("seconds", GRAD).at(grad="inference_mode", workload=workloads).by_round()


CLAIMS = (
    Claim(
        "B-ex2-2",
        longer_with_gradients(UNFUSED),
        at_least(FASTER),
        reading="More efficient: a forward pass of a usual network takes at least 5 % longer with "
        "gradients enabled than under no_grad.",
        headline={"workload": "MiniLM"},
    ),
    Beyond(
        "B-ex2-2",
        longer_with_gradients(FUSED),
        at_least(FASTER),
        why="PyTorch's fused path for transformer layers, which is no bookkeeping",
    ),
    Beyond(
        "B-ex2-2",
        longer_with_gradients((TOY,)),
        at_least(FASTER),
        why="a chain of tiny operations, which is no model",
    ),
    Claim(
        "C4.16",
        inference_mode_over_no_grad(USUAL),
        at_most(FASTER_STILL),
        reading="Faster: a forward pass of a usual network takes at least 2 % less time in "
        "inference mode than under no_grad.",
        headline={"workload": "MiniLM"},
    ),
    Beyond(
        "C4.16",
        inference_mode_over_no_grad(("large perceptron",)),
        at_most(FASTER_STILL),
        why="large matrix products, in which bookkeeping is hidden",
    ),
    Beyond(
        "C4.16",
        inference_mode_over_no_grad((TOY,)),
        at_most(FASTER_STILL),
        why="a chain of tiny operations, which is nothing but bookkeeping",
    ),
)


@dataclass(frozen=True)
class Work:
    """A forward pass, and how many of them one call of the task makes."""

    forward: Callable[[], object]
    passes: int = 1


def prepare(block: Block) -> dict[str, Work]:
    """Every workload, in eval mode."""
    device, rows = block.device, 16 if block.device == "cuda" else 1
    tokens = torch.randn(8 * rows, 32, 128, device=device)
    padding = torch.arange(32, device=device).expand(8 * rows, 32) >= 16
    transformer = encoder(2, 128).to(device).eval()
    return {
        TOY: Work(tiny_operations(device), passes=5),
        "small perceptron": Work(forward_pass(mlp(64, 10), device, 32, 64), passes=10),
        "large perceptron": Work(forward_pass(tower(2, 1024), device, 64 * rows, 1024)),
        "CNN": Work(forward_pass(convnet((16, 32), 10), device, 8 * rows, 3, 32, 32)),
        "LSTM": Work(forward_pass(nn.LSTM(64, 64, batch_first=True), device, 16 * rows, 32, 64)),
        "encoder": Work(lambda: transformer(tokens)),
        "encoder, half padding": Work(lambda: transformer(tokens, src_key_padding_mask=padding)),
        "MiniLM": Work(minilm(device, rows)),
    }


def minilm(device: str, rows: int) -> Callable[[], object]:
    """A pass of the pretrained MiniLM over sentences of 16 tokens."""
    net: nn.Module = load_encoder("minilm")
    net.to(device)
    tokens = torch.randint(1000, 2000, (rows, 16), device=device)
    mask = torch.ones_like(tokens)
    return lambda: net(input_ids=tokens, attention_mask=mask)


def task(works: dict[str, Work], arm: Arm) -> Task:
    """Enter the context and pass forward."""
    work, grad = works[arm[WORKLOAD]], arm[GRAD]

    def evaluate() -> None:
        with grad_mode(grad):
            for _ in range(work.passes):
                work.forward()

    return evaluate


def speed_by_workload(table: pd.DataFrame) -> Figure:
    """The ratios to no_grad of each workload, every block and the median with its interval."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table[table["status"] != "disturbed"], GRAD, WORKLOAD)
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, grad, colour, edge in (
        (panels[0], "enabled", ORANGE, FASTER),
        (panels[1], "inference_mode", BLUE, FASTER_STILL),
    ):
        judged = UNFUSED if grad == "enabled" else USUAL
        for place, name in enumerate(WORKLOADS):
            if {(grad, name), ("no_grad", name)} <= set(rounds):
                ratios = by_block(rounds[grad, name] / rounds["no_grad", name])
                _draw_ratios(axes, place, ratios, colour if name in judged else GREY)
        axes.axvline(1, color=BLACK, linewidth=1.5)
        axes.axvline(edge, color=colour, linestyle="--", label=f"{edge:g}, the claim's edge")
        axes.plot([], [], "D", color=GREY, label="not judged")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), fontsize=14)
        axes.set_title(GRAD.say(grad))
    panels[0].set_yticks(range(len(WORKLOADS)), [WORKLOAD.say(name) for name in WORKLOADS], size=15)
    figure.supxlabel(
        "time of a forward pass, no_grad = 1 (a dot: a process; bars: 99 % intervals)", size=18
    )
    panels[0].invert_yaxis()
    figure.suptitle(_finding(rounds, measured_on(table), table["block"].nunique()))
    return figure


def _finding(rounds: dict[tuple[Any, ...], pd.Series[float]], device: str, blocks: int) -> str:
    texts = []
    for grad in ("enabled", "inference_mode"):
        found = median_interval(by_block(rounds[grad, "MiniLM"] / rounds["no_grad", "MiniLM"]))
        interval = f" ({found.low:.2f} to {found.high:.2f})" if np.isfinite(found.high) else ""
        texts.append(f"{found.estimate:.2f}{interval}")
    return (
        f"With gradients a pass of MiniLM takes {texts[0]} times as long\n"
        f"as under no_grad, in inference mode {texts[1]} times ({device}, n = {blocks})"
    )


def _draw_ratios(axes: Axes, place: int, values: NDArray[np.float64], colour: str) -> None:
    values = values[np.isfinite(values)]
    if not len(values):
        axes.text(1, place, "failed", color=colour, ha="center", va="center", size=14)
        return
    shifts = np.random.default_rng(0).permutation(np.linspace(-0.25, 0.25, len(values)))
    axes.plot(values, place + shifts, ".", color=colour, markersize=5, alpha=0.5)
    found = median_interval(values)
    # Below 8 blocks the interval is infinite, and the whole axis would follow it.
    low, high = max(found.low, values.min()), min(found.high, values.max())
    axes.errorbar(
        found.estimate,
        place,
        xerr=[[found.estimate - low], [high - found.estimate]],
        fmt="D",
        color=colour,
        markeredgecolor="white",
        capsize=5,
    )


EXPERIMENT = Experiment(
    question="How much faster is a forward pass under no_grad, and under inference_mode?",
    factors=(GRAD, WORKLOAD),
    blocks=PerProfile(1, 12, 24),
    rounds=PerProfile(4, 120, 320),
    imports=("transformers.models.bert.modeling_bert",),
    aa=AA(within=MARGIN, at={"grad": "no_grad", "workload": TWICE}),
    call="a forward pass",
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(speed_by_workload,),
)
