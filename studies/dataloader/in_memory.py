"""Do workers pay when the data are in memory, and what does it cost to start them?

A TensorDataset of 10,000 rows of 784 numbers is loaded in batches of 256 by 0, 1, 2 and 4 workers,
which are started anew for every epoch or persist from one to the next. Nothing is computed with the
batches. An epoch of a single batch takes from the end of one epoch to the next first batch and no
longer: it is nothing but the start and the end of workers, where they do not persist.

The whole epoch is short, for it takes a fraction of a second without workers; the longer an epoch,
the less the start matters. The passage counts the start in, and says that workers *can* make
loading slower: with one or two of them, which any machine has cores for, one is enough. More of
them, and workers that are there already, are shown beside it. That persistent workers avoid the
start is judged by their processes (``processes``), and what it saves is shown here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
)
from harness.figures import BLACK, BLUE, ORANGE, by_block, draw_blocks, median_interval, rounds_of
from harness.libraries import torch
from studies.dataloader.loaders import make_loader, read_all

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEATURES, BATCH = 784, 256
SLOWER, MUCH_SLOWER = 1.05, 5.0

EPOCH = Factor(
    "epoch", ("one batch", "whole"), words={"one batch": "epoch of one batch", "whole": ""}
)
WORKERS = Factor(
    "workers",
    (0, 1, 2, 4),
    control=0,
    words={0: "no workers", 1: "1 worker", 2: "2 workers", 4: "4 workers"},
)
PERSISTENT = Factor(
    "persistent",
    (False, True),
    control=True,
    words={False: "workers started for every epoch", True: "workers persist"},
)
SOME = (1, 2, 4)

CLAIMS = (
    Claim(
        "C1.20",
        Ratio("seconds", WORKERS).at(epoch="whole", persistent=False, workers=(1, 2)).by_round(),
        at_least(SLOWER),
        reading="Slower: an epoch, the start of its workers included, takes at least 5 % longer "
        "than without workers. One number of workers is enough.",
        headline={"workers": 2},
    ),
    Beyond(
        "C1.20",
        Ratio("seconds", WORKERS).at(epoch="whole", persistent=False, workers=4).by_round(),
        at_least(SLOWER),
        why="more workers than some machines have cores",
    ),
    Beyond(
        "C1.20",
        Ratio("seconds", WORKERS).at(epoch="whole", persistent=True, workers=2).by_round(),
        at_least(SLOWER),
        why="workers that are there already, where the passage counts their start",
    ),
    Beyond(
        "C9.08",
        Ratio("seconds", PERSISTENT)
        .at(epoch="one batch", persistent=False, workers=SOME)
        .by_round(),
        at_least(MUCH_SLOWER),
        why="the time that respawning takes, of which the passage says nothing",
        reading="Respawning costs: from the end of an epoch to the next first batch it takes at "
        "least 5 times as long where workers do not persist.",
    ),
)


def prepare(block: Block) -> Any:  # noqa: ANN401 - torch's data set, imported when first used
    """The rows; what they hold does not matter."""
    rows = torch.zeros(block.effort, FEATURES)
    return torch.utils.data.TensorDataset(rows, torch.zeros(len(rows), dtype=torch.int64))


def task(dataset: Any, arm: Arm) -> Task:  # noqa: ANN401 - as above
    """Load an epoch: all of the rows, or the first batch of them."""
    loader = make_loader(
        dataset,
        batch_size=BATCH,
        sampler=None if arm[EPOCH] == "whole" else range(BATCH),
        num_workers=arm[WORKERS],
        persistent_workers=arm[PERSISTENT] and arm[WORKERS] > 0,
    )
    return lambda: read_all(loader)


def start_and_epoch(table: pd.DataFrame) -> Figure:
    """Time to the first batch and of an epoch, with workers that persist and that do not."""
    from matplotlib.figure import Figure

    rounds = rounds_of(table, EPOCH, PERSISTENT, WORKERS)
    slower = median_interval(by_block(rounds["whole", False, 2] / rounds["whole", False, 0]))
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    figure.suptitle(
        f"Data in memory: an epoch with 2 workers took {slower.estimate:.1f} times as long "
        "as without\n"
        f"(99 % interval {slower.low:.1f} to {slower.high:.1f}; dots: "
        f"{table['block'].nunique()} processes, CPU)",
        fontsize=22,
    )
    for axes, epoch in zip(panels, EPOCH.levels, strict=True):
        for persistent, colour in ((False, ORANGE), (True, BLUE)):
            times = {n: t for (e, p, n), t in rounds.items() if (e, p) == (epoch, persistent)}
            _draw_times(axes, times, persistent=persistent, colour=colour)
        axes.set_xlabel("workers")
        axes.set_xticks(range(len(WORKERS.levels)), [str(n) for n in WORKERS.levels])
        axes.margins(x=0.1)
    panels[0].set_ylim(bottom=0)  # once both are drawn: the panels share the axis
    panels[0].set_ylabel("milliseconds")
    panels[0].set_title("end of an epoch to the next first batch")
    panels[1].set_title("a whole epoch")
    panels[0].legend(loc="upper left")
    return figure


def _draw_times(
    axes: Axes, times: dict[int, pd.Series[float]], *, persistent: bool, colour: str
) -> None:
    """The times of each number of workers; where there are none, none can persist."""
    label = "workers persist" if persistent else "workers started anew"
    for workers, rounds in times.items():
        if persistent and workers == 0:
            continue
        draw_blocks(
            axes,
            WORKERS.levels.index(workers) + (0.12 if persistent else -0.12) * (workers > 0),
            1000 * by_block(rounds),
            colour=colour if workers else BLACK,
            width=0.08,
            label=label if workers == 2 else None,
        )


def _needed(arm: Arm) -> bool:
    """Whole epochs with persistent workers are asked of two workers only, and of none."""
    if not arm[PERSISTENT]:
        return True
    return arm[WORKERS] in (0, 2) if arm[EPOCH] == "whole" else arm[WORKERS] > 0


EXPERIMENT = Experiment(
    question="Do workers pay when the data are in memory, and what does it cost to start them?",
    factors=(EPOCH, WORKERS, PERSISTENT),
    only=_needed,
    blocks=PerProfile(1, 8, 12),
    rounds=PerProfile(1, 3, 8),
    effort=PerProfile(5_000, 10_000, 20_000),
    aa=AA(within=0.025, at={"epoch": "whole", "workers": 0, "persistent": False}),
    prepare=prepare,
    task=task,
    call="loading an epoch",
    claims=CLAIMS,
    figures=(start_and_epoch,),
)
