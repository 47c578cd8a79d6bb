"""Does the output change when gradients are switched off?

Networks in eval mode get one batch with gradients enabled and once more under ``no_grad`` or
``inference_mode``; the two outputs are compared. Attention is where they could differ: for a
transformer layer in eval mode PyTorch has a fused path of its own, which it takes only where no
gradient can be asked for, and which leaves padding out of the computation.

Gaps are relative to the largest output, since float32 rounds relative to the size of a number. They
are taken twice: over all places of the output, and over those that are no padding, which is what a
user of the output reads. Weights are random but for MiniLM's, which are pretrained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE
from harness.libraries import torch
from studies.grad_mode.modes import GRAD, grad_mode
from studies.grad_mode.workloads import Workload, workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NET = Factor(
    "net",
    (
        "perceptron",
        "CNN + batch norm",
        "GRU",
        "LSTM",
        "attention",
        "encoder",
        "encoder, padding mask",
        "BERT, padding mask",
        "MiniLM, padding mask",
    ),
)
LOOSE = 1e-6
EQUAL = 1e-9  # where the figure draws exact equality, on an axis that has no zero
DROPOUT = 0.1  # switched off by eval mode
OFF = ("no_grad", "inference_mode")

CLAIMS = (
    Claim(
        "A-nograd-2",
        Value("gap").at(grad="no_grad").always(),
        equals(0.0),
        reading="Strict: the same output bit for bit, with any network.",
    ),
    Claim(
        "A-nograd-2",
        Value("gap").at(grad="no_grad").always(),
        at_most(LOOSE),
        reading="Loose: no place of the output differs by more than 1e-6 of the largest output.",
    ),
    Claim(
        "C3.33",
        Value("gap").at(grad=OFF).always(),
        equals(0.0),
        reading="Strict: with gradients the output is what it is without, bit for bit, under "
        "either context.",
    ),
    Claim(
        "C3.33",
        Value("gap_read").at(grad=OFF).always(),
        at_most(LOOSE),
        reading="Loose: what is read, which is not the padding, differs by at most 1e-6 of the "
        "largest output.",
    ),
    Control(
        "a second pass with gradients gives the same output",
        Value("gap").at(grad="enabled").always(),
        equals(0.0),
    ),
)


def prepare(block: Block) -> dict[str, Workload]:
    """Every network with its input, in eval mode."""
    works = {name: workload(name, block.device, DROPOUT) for name in NET.levels}
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
    with torch.no_grad():
        gaps = (output - reference).abs() / reference.abs().max()
    read = gaps if work.real is None else gaps[work.real]
    return {"gap": gaps.max().item(), "gap_read": read.max().item()}


def what_changes(table: pd.DataFrame) -> Figure:
    """The largest gap of each network, at all places and at those that are read."""
    from matplotlib.figure import Figure

    rows = table[table["grad"] == "no_grad"]
    worst = rows.groupby(["response", "net"])["value"].max()
    figure = Figure()
    axes = figure.subplots()
    places = np.arange(len(NET.levels))
    for response, colour, size, label in (
        ("gap", ORANGE, 17, "anywhere in the output"),
        ("gap_read", BLUE, 9, "where the input is no padding"),
    ):
        values = np.array([worst[response, name] for name in NET.levels])
        axes.plot(
            np.maximum(values, EQUAL), places, "o", color=colour, markersize=size, label=label
        )
    axes.axvline(LOOSE, color=BLACK, linestyle="--", label=f"{LOOSE:g}, the loose margin")
    axes.set(xscale="log", xlim=(EQUAL / 3, 10))
    powers = range(-7, 1)
    axes.set_xticks(
        [EQUAL, *(10.0**power for power in powers)],
        ["equal\nbit for bit", *(f"$10^{{{power}}}$" for power in powers)],
    )
    axes.minorticks_off()
    axes.set_yticks(places, NET.levels)
    axes.invert_yaxis()
    axes.set_xlabel("largest difference, as a share of the largest output")
    changed = int((worst["gap"] > 0).sum())
    figure.suptitle(
        f"{changed} of {len(NET.levels)} networks in eval mode give another output\n"
        f"under no_grad than with gradients enabled ({rows['block'].nunique()} seeds, worst shown)"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


EXPERIMENT = Experiment(
    question="Does the output change when gradients are switched off?",
    factors=(GRAD, NET),
    blocks=PerProfile(1, 20, 50),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("gap", "1", "gap"),
        Response("gap_read", "1", "gap read"),
    ),
    claims=CLAIMS,
    figures=(what_changes,),
)
