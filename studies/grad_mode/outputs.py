"""Does the output change when gradients are switched off?

Networks in eval mode get one batch with gradients enabled and once more under ``no_grad`` or
``inference_mode``; the two outputs are compared. Attention is where they could differ: for a
transformer layer in eval mode PyTorch has a fused path of its own, which it takes only where no
gradient can be asked for, and which leaves padding out of the computation.

Judged is the output where the input is no padding, which is what a user of it reads: it must be the
same to 1e-5 of the largest output, far above what float32 loses by adding in another order, and so
must every prediction (the place of the largest number). Whether the last bit is the same, what
stands at places of padding, and what ``inference_mode`` gives are measured beside. Weights are
random but for MiniLM's, which are pretrained.
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
    Factor,
    PerProfile,
    Responses,
    Value,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE
from studies.grad_mode.gaps import RESPONSES, SAME, compared
from studies.grad_mode.modes import GRAD, grad_mode
from studies.grad_mode.workloads import MASKED, WORDS, Workload, workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NETS = (
    "perceptron",
    "CNN + batch norm",
    "GRU",
    "LSTM",
    "attention",
    "encoder",
    "encoder, padding mask",
    "BERT, padding mask",
    "MiniLM, padding mask",
)
NET = Factor("net", NETS, label="network", words={net: WORDS[net] for net in NETS})
PADDED = tuple(net for net in NETS if net in MASKED)
EQUAL = 1e-9  # where the figure draws exact equality, on an axis that has no zero
DROPOUT = 0.1  # switched off by eval mode


def same_result(claim: str) -> tuple[Claim | Beyond, ...]:
    """The one rule of all claims that gradients switched off leave the result as it is."""
    off = "no_grad"
    return (
        Claim(
            claim,
            Value("gap_read").at(grad=off).always(),
            at_most(SAME),
            reading="The same result: under no_grad the output differs from that with gradients "
            "enabled by at most 1e-5 of the largest output, wherever it is read, which is not at "
            "padding; float32 rounding is no other result.",
            headline={"grad": off, "net": "MiniLM, padding mask"},
        ),
        Claim(
            claim,
            Value("predictions_changed").at(grad=off).always(),
            equals(0),
            reading="And every prediction, the place of the largest output, is the same.",
        ),
        Beyond(
            claim,
            Value("same_bits").at(grad=off).always(),
            equals(1),
            why="the last bit, which nobody reads",
        ),
        Beyond(
            claim,
            Value("gap").at(grad=off, net=PADDED).always(),
            at_most(SAME),
            why="places of padding, which are not read",
        ),
        Beyond(
            claim,
            Value("gap_read").at(grad="inference_mode").always(),
            at_most(SAME),
            why="inference mode, of which the passage does not speak",
        ),
    )


CLAIMS = (
    *same_result("A-nograd-2"),
    *same_result("C3.33"),
    Control(
        "a second pass with gradients gives the same output",
        Value("gap").at(grad="enabled").always(),
        at_most(SAME),
    ),
)


def prepare(block: Block) -> dict[str, Workload]:
    """Every network with its input, in eval mode."""
    works = {name: workload(name, block.device, DROPOUT) for name in NETS}
    for work in works.values():
        work.net.eval()
    return works


def measure(works: dict[str, Workload], arm: Arm) -> Responses:
    """Compare one pass with another that has gradients enabled."""
    work = works[arm[NET]]
    with grad_mode("enabled"):
        reference = work.forward().detach()
    with grad_mode(arm[GRAD]):
        output = work.forward()
    return compared(output, reference, work.real)


def what_changes(table: pd.DataFrame) -> Figure:
    """The largest gap of each network where its output is read, and at places of padding."""
    from matplotlib.figure import Figure

    rows = table[(table["grad"] == "no_grad") & (table["status"] == "ok")]
    worst = rows.groupby(["response", "net"])["value"].max()
    nets = [name for name in NETS if ("gap", name) in worst.index]
    places = np.arange(len(nets))
    read, anywhere = (
        np.array([worst[response, name] for name in nets]) for response in ("gap_read", "gap")
    )
    figure = Figure()
    axes = figure.subplots()
    padding = anywhere > read
    axes.plot(
        anywhere[padding],
        places[padding],
        "o",
        color=ORANGE,
        markersize=15,
        label="at padding, which nobody reads",
    )
    axes.plot(
        np.maximum(read, EQUAL),
        places,
        "o",
        color=BLUE,
        markersize=12,
        label="where the output is read",
    )
    axes.axvline(SAME, color=BLACK, linestyle="--", label="the claims' margin, 1e-5")
    axes.set(xscale="log", xlim=(EQUAL / 3, 10))
    axes.set_xticks(
        [EQUAL, *(10.0**power for power in range(-7, 1))],
        ["equal\nbit for bit", *(f"$10^{{{power}}}$" for power in range(-7, 1))],
    )
    axes.minorticks_off()
    axes.set_yticks(places, [WORDS[name] for name in nets], size=15)
    axes.invert_yaxis()
    axes.set_xlabel("largest change of the output over its largest number")
    another, most = int((read > SAME).sum()), read.max()
    found = "to the last bit" if most == 0 else f"to {most:.0e} of its size".replace("e-0", "e-")
    figure.suptitle(
        f"Where it is read, no_grad leaves the output as it is, {found}:\n"
        f"{another} of {len(nets)} networks are beyond the margin "
        f"(a dot: the worst, n = {rows['block'].nunique()} seeds)"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


EXPERIMENT = Experiment(
    question="Does the output change when gradients are switched off?",
    factors=(GRAD, NET),
    blocks=PerProfile(1, 20, 50),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(what_changes,),
)
