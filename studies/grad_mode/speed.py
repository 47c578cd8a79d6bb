"""How much faster is a forward pass under no_grad, and under inference_mode?

Networks in eval mode are passed forward with gradients enabled, under ``no_grad`` and under
``inference_mode``, from work that is all launching (60 operations on 16 numbers) to work that is
all arithmetic (large matrix products), with the networks of practice in between. A context is
entered once for several passes where a pass is short, as an evaluation enters it once for all its
batches.
Outputs are dropped after each pass, and with them the graph that was built.

A ratio is that of two arms of one round, and its median over the rounds of a block. Weights are
random but for MiniLM's, inputs are random throughout: neither matters to time. On a GPU the batches
of all but the shortest workloads are 16 times as large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    AA,
    Arm,
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
from harness.figures import BLACK, BLUE, ORANGE, by_block, median_interval, rounds_of
from harness.libraries import nn, torch
from harness.workloads import convnet, encoder, load_encoder, mlp, tower
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

WORKLOADS = (
    "60 tiny operations",
    "small perceptron",
    "large perceptron",
    "CNN",
    "LSTM",
    "encoder",
    "encoder, half padding",
    "MiniLM",
)
WORKLOAD = Factor("workload", WORKLOADS)
PERCEPTRONS = ("small perceptron", "large perceptron")
#: Bound by launching, bound by arithmetic, and a small transformer.
KINDS = ("60 tiny operations", "large perceptron", "encoder")
JUDGED = ("60 tiny operations", *PERCEPTRONS, "encoder")
FASTER = 1.05  # with gradients a pass takes at least 5 % longer
FASTER_STILL = 0.98  # inference mode saves at least 2 % of no_grad's time
MARGIN = 0.01  # of the A/A: half of the distance between 1 and the nearer edge

CLAIMS = (
    Claim(
        "B-ex2-2",
        Ratio("seconds", GRAD).at(grad="enabled", workload=PERCEPTRONS).by_round(),
        at_least(FASTER),
        reading="Speeds evaluation: a pass takes at least 5 % longer with gradients enabled, in a "
        "small and in a large perceptron. The other workloads are recorded and not judged.",
    ),
    Claim(
        "C4.16",
        Ratio("seconds", GRAD).at(grad="inference_mode", workload=KINDS).by_round(),
        at_most(FASTER_STILL),
        reading="Faster: a pass takes at least 2 % less time in inference mode than under no_grad, "
        "be it launch-bound, matmul-bound or a small transformer. The other workloads are recorded "
        "and not judged.",
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
        "60 tiny operations": Work(tiny_operations(device), passes=5),
        "small perceptron": Work(pass_of(mlp(64, 10), device, 32, 64), passes=10),
        "large perceptron": Work(pass_of(tower(2, 1024), device, 64 * rows, 1024)),
        "CNN": Work(pass_of(convnet((16, 32), 10), device, 8 * rows, 3, 32, 32)),
        "LSTM": Work(pass_of(nn.LSTM(64, 64, batch_first=True), device, 16 * rows, 32, 64)),
        "encoder": Work(lambda: transformer(tokens)),
        "encoder, half padding": Work(lambda: transformer(tokens, src_key_padding_mask=padding)),
        "MiniLM": Work(minilm(device, rows)),
    }


def tiny_operations(device: str) -> Callable[[], Tensor]:
    """Sixty multiplications of 16 numbers, one after another, from a parameter on."""
    parameter = nn.Parameter(torch.ones(16, device=device))

    def forward() -> Tensor:
        x: Tensor = parameter
        for _ in range(60):
            x = x * 1.01
        return x

    return forward


def pass_of(net: nn.Module, device: str, *shape: int) -> Callable[[], object]:
    """A pass of a network over normal numbers of a shape."""
    net, x = net.to(device).eval(), torch.randn(shape, device=device)
    return lambda: net(x)


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

    rounds = rounds_of(table, GRAD, WORKLOAD)
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, grad, colour, edge in (
        (panels[0], "enabled", ORANGE, FASTER),
        (panels[1], "inference_mode", BLUE, FASTER_STILL),
    ):
        ratios = {
            name: by_block(rounds[grad, name] / rounds["no_grad", name]) for name in WORKLOADS
        }
        _draw_ratios(axes, ratios, colour)
        axes.axvline(edge, color=colour, linestyle="--", label=f"{edge:g}, the claim's edge")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))
        axes.set_xlabel("time of a pass, no_grad = 1")
    panels[0].set_title("gradients enabled")
    panels[1].set_title("inference_mode")
    panels[0].set_yticks(range(len(WORKLOADS)), WORKLOADS)
    panels[0].invert_yaxis()
    slower = {
        name: float(np.median(by_block(rounds["enabled", name] / rounds["no_grad", name])))
        for name in WORKLOADS
    }
    most, least = max(slower, key=slower.__getitem__), min(slower, key=slower.__getitem__)
    figure.suptitle(
        f"With gradients a pass takes {slower[least]:.2f} ({least}) to {slower[most]:.2f} ({most})"
        "\n"
        f"times as long as under no_grad ({table['block'].nunique()} processes, 99 % intervals)"
    )
    return figure


def _draw_ratios(axes: Axes, ratios: dict[str, NDArray[np.float64]], colour: str) -> None:
    axes.axvline(1, color=BLACK, linewidth=1.5)
    for place, values in enumerate(ratios.values()):
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
    aa=AA(within=MARGIN, at={"grad": "no_grad", "workload": JUDGED}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    figures=(speed_by_workload,),
)
