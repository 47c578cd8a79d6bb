"""How large is a checkpoint on the disk, against the model?

The document's checkpoint is written to a file, after a step of the optimiser, and its size is held
against the bytes of the model's parameters and buffers. The script trains with Adam, whose two
moments are as large as the weights each. A model of 17 MB is large against what else is in the
file; SGD with and without momentum, AMSGrad, and a model of 20 kB are beyond the script. A file of
the weights alone stands beside each: what the checkpoint takes more than that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
)
from harness.figures import BLACK, BLUE, ORANGE, wide
from harness.libraries import nn, torch
from harness.meters import total_bytes
from harness.workloads import tower
from studies.production_loop.checkpoints import Counters, Trained, save

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    Make: TypeAlias = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

ADAM, ADAMW, SGD, MOMENTUM, AMSGRAD = "Adam", "AdamW", "SGD", "SGD with momentum", "AMSGrad"
OPTIMISER = Factor("optimiser", (ADAM, ADAMW, SGD, MOMENTUM, AMSGRAD))
LARGE, TINY = "model of 17 MB", "model of 20 kB"
#: Depth and width of a stack of linear layers.
SIZES = {LARGE: (4, 1024), TINY: (2, 50)}
MODEL = Factor("model", tuple(SIZES), words={LARGE: ""})
TWICE = between(1.6, 2.4)

CLAIMS = (
    Claim(
        "C7.36",
        Value("ratio").always().at(optimiser=ADAM, model=LARGE),
        TWICE,
        reading="Model size times two on the disk: the file that the printed save writes, with the "
        "script's Adam, is 1.6 to 2.4 times as large as the model.",
        headline=True,
    ),
    Beyond(
        "C7.36",
        Value("ratio").always().at(optimiser=(ADAMW, SGD, MOMENTUM, AMSGRAD), model=LARGE),
        TWICE,
        why="another optimiser than the script's",
    ),
    Beyond(
        "C7.36",
        Value("ratio").always().at(optimiser=ADAM, model=TINY),
        TWICE,
        why="a model that is small against what else is in the file",
    ),
    Beyond(
        "C7.36",
        Value("more").always().at(optimiser=ADAM, model=LARGE),
        TWICE,
        why="what the checkpoint takes more than a file of the weights alone",
    ),
    Control(
        "a file of the weights has the size of the model",
        Value("weights_alone").always().at(model=LARGE),
        between(0.99, 1.01),
    ),
)


def _makers() -> dict[str, Make]:
    made = torch.optim
    return {
        ADAM: made.Adam,
        ADAMW: made.AdamW,
        SGD: lambda parameters: made.SGD(parameters, lr=0.1),
        MOMENTUM: lambda parameters: made.SGD(parameters, lr=0.1, momentum=0.9),
        AMSGRAD: lambda parameters: made.Adam(parameters, amsgrad=True),
    }


def measure(block: Block, arm: Arm) -> Responses:
    """Write both files and look at their sizes."""
    torch.manual_seed(block.seed)
    net = tower(*SIZES[arm[MODEL]])
    optimiser = _makers()[arm[OPTIMISER]](net.parameters())
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    model = total_bytes(list(net.state_dict().values()))
    with tempfile.TemporaryDirectory() as folder:
        whole, alone = Path(folder) / "checkpoint.pt", Path(folder) / "weights.pt"
        save(whole, Trained(net, optimiser, scheduler), Counters(0, 0, 0.0))
        torch.save(net.state_dict(), alone)
        sizes = whole.stat().st_size / model, alone.stat().st_size / model
    return {"ratio": sizes[0], "weights_alone": sizes[1], "more": sizes[0] - sizes[1]}


def size_by_optimiser(table: pd.DataFrame) -> Figure:
    """The size of the file in models, optimiser by optimiser."""
    from matplotlib.figure import Figure

    values = wide(table[table["model"] == LARGE], index="optimiser", columns="response")
    ratio = values["ratio"].reindex(list(OPTIMISER.levels))
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(TWICE.low, TWICE.high, color="#E8E8E8", zorder=0, label="claimed: twice")
    axes.bar(range(len(ratio)), ratio, color=[BLUE] * 2 + [ORANGE] * 3, width=0.6)
    for place, value in enumerate(ratio):
        axes.text(place, max(value, 0) + 0.05, f"{value:.2f}", ha="center")
    axes.axhline(1, color=BLACK, linewidth=1)
    axes.set_xticks(range(len(ratio)), list(ratio.index))
    axes.set_ylabel("size of the file (models)")
    axes.legend(loc="upper left")
    figure.suptitle(
        f"With the script's Adam a checkpoint is {ratio[ADAM]:.2f} times as large as the model\n"
        "(a model of 17 MB; the size of one file each, which does not vary)"
    )
    return figure


EXPERIMENT = Experiment(
    question="How large is a checkpoint on the disk, against the model?",
    factors=(OPTIMISER, MODEL),
    only=lambda arm: arm[MODEL] == LARGE or arm[OPTIMISER] == ADAM,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("ratio", "1", "size of the checkpoint's file over the model's bytes"),
        Response("weights_alone", "1", "size of a file of the weights over the model's bytes"),
        Response("more", "1", "size of the checkpoint's file less that of the weights, in models"),
    ),
    claims=CLAIMS,
    figures=(size_by_optimiser,),
)
