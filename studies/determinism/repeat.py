"""Does document C's seed_everything make two runs of a script equal?

Small trainings run in two processes each, and the weights they end with are compared bit by bit: a
perceptron, conv nets of three sizes, a transformer layer with dropout, and a conv net whose data
are augmented at random by the loader. The data go through a DataLoader that shuffles. The two
processes run one unchanged script: with one thread, with two threads, or with two data workers.
Document C's function, called first, sets the seeds and ``cudnn.deterministic``, and is judged here.

Beyond its words lie runs that differ in the number of threads or of data workers, as when a script
moves to another machine or somebody turns a knob, and sums by ``index_add``, whose additions have
no fixed order on a GPU. Seeds alone, with the auto-tuner of ``cudnn.benchmark``, and with
``use_deterministic_algorithms`` and the cuBLAS workspace that goes with it stand beside them. The
settings of cuDNN do nothing on a CPU: there the first two are document C's function once more.
Workers hand out data whatever is trained on them, and are tried with the small conv net, plain and
augmented.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

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
    Response,
    Responses,
    Value,
    equals,
)
from harness.figures import BLUE, ORANGE, PURPLE
from harness.libraries import torch
from studies.determinism import settings
from studies.determinism.process import Answer, Request, ask, fingerprint, weights_of
from studies.determinism.workloads import (
    CONVS,
    GRAPH,
    PERCEPTRON,
    TRANSFORMER,
    train_step,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

BATCHES = 2
AUGMENTED = "random augmentation"

NOTHING, SEEDS = "nothing set", "seeds alone"
EVERYTHING = "the document's function"
TUNED, STRICT = "seeds and auto-tuner", "seeds and deterministic algorithms"
#: What each level sets besides seeds.
APPLIED = {
    NOTHING: settings.DEFAULT,
    SEEDS: settings.DEFAULT,
    EVERYTHING: settings.LISTED,
    TUNED: settings.TUNED,
    STRICT: settings.ALGORITHMS,
}


class Process(NamedTuple):
    """How a process runs the script."""

    threads: int
    workers: int


#: What two processes are compared under: how the one runs, and how the other.
ALONE = "1 thread each"
UNCHANGED = {
    ALONE: (Process(1, 0), Process(1, 0)),
    "2 threads each": (Process(2, 0), Process(2, 0)),
    "2 workers each": (Process(1, 2), Process(1, 2)),
}
CHANGED = {
    "1 thread, then 2": (Process(1, 0), Process(2, 0)),
    "no workers, then 2": (Process(1, 0), Process(1, 2)),
}
PAIRS = UNCHANGED | CHANGED

#: What a script trains, and a sum that no usual network is made of.
USUAL = (PERCEPTRON, *CONVS, TRANSFORMER, AUGMENTED)

SETTING = Factor(
    "setting", tuple(APPLIED), control=EVERYTHING, words={EVERYTHING: f"after {EVERYTHING}"}
)
WORKLOAD = Factor("workload", (*USUAL, GRAPH))
PAIR = Factor("processes", tuple(PAIRS))


def _equal(workloads: tuple[str, ...], pairs: Mapping[str, object]) -> Value:
    """Two runs after document C's function."""
    found = Value("equal").at(setting=EVERYTHING, workload=workloads, processes=tuple(pairs))
    return found.always()


CLAIMS = (
    Claim(
        "C7.31",
        _equal(USUAL, UNCHANGED),
        equals(1.0),
        reading="Reproducible is a script that, run twice as it is on one machine and after the "
        "document's function with one seed, ends with the same weights, bit by bit.",
        headline={"workload": CONVS[1], "processes": ALONE},
    ),
    Beyond(
        "C7.31",
        _equal(WORKLOAD.levels, CHANGED),
        equals(1.0),
        why="a second run with another number of threads or data workers",
    ),
    Beyond(
        "C7.31",
        _equal((GRAPH,), UNCHANGED),
        equals(1.0),
        why="sums in no fixed order by themselves, of which no usual network is made",
    ),
    Control(
        "without seeds two processes differ",
        Value("equal").at(setting=NOTHING).always(),
        equals(0.0),
    ),
)


class Case(NamedTuple):
    """One training."""

    setting: str
    workload: str
    process: Process
    seed: int


class Cell(NamedTuple):
    """What two processes answered for every training, and the seeds that were tried."""

    one: dict[Case, Answer]
    other: dict[Case, Answer]
    seeds: range


def prepare(block: Block) -> Cell:
    """Have two processes do all trainings."""
    seeds = range(block.seed, block.seed + block.effort)
    cases = sorted(
        {
            Case(arm[SETTING], arm[WORKLOAD], process, seed)
            for arm in EXPERIMENT.arms()
            for process in PAIRS[arm[PAIR]]
            for seed in seeds
        }
    )
    # cuBLAS reads its setting when a process first needs it: the other trainings go without.
    strict = [case for case in cases if case.setting == STRICT and block.device == "cuda"]
    plain = [case for case in cases if case not in strict]
    one, other = _ask(plain, block, {})
    if strict:
        more = _ask(strict, block, settings.CUBLAS)
        one, other = one | more[0], other | more[1]
    return Cell(one, other, seeds)


def _ask(
    cases: list[Case], block: Block, variables: dict[str, str]
) -> tuple[dict[Case, Answer], dict[Case, Answer]]:
    requests: list[Request] = [
        {
            "setting": case.setting,
            "workload": case.workload,
            "threads": case.process.threads,
            "workers": case.process.workers,
            "seed": case.seed,
            "device": block.device,
        }
        for case in cases
    ]
    one, other = ask(__name__, requests, variables=variables)
    return dict(zip(cases, one, strict=True)), dict(zip(cases, other, strict=True))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Whether the two processes ended with the same weights, for one seed after the other."""
    left, right = PAIRS[arm[PAIR]]
    return {
        "equal": [
            float(
                weights_of(cell.one[Case(arm[SETTING], arm[WORKLOAD], left, seed)])
                == weights_of(cell.other[Case(arm[SETTING], arm[WORKLOAD], right, seed)])
            )
            for seed in cell.seeds
        ]
    }


def run(request: Request) -> Answer:
    """Train once, in a process of its own."""
    torch.set_num_threads(int(request["threads"]))
    setting, seed, device = str(request["setting"]), int(request["seed"]), str(request["device"])
    if setting == NOTHING:
        random.seed()
        np.random.seed()  # noqa: NPY002 - the stream that document C seeds
        torch.seed()
    else:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - as above
        torch.manual_seed(seed)
        torch.cuda.manual_seed_all(seed)
    kind = str(request["workload"])
    work = workload(CONVS[0] if kind == AUGMENTED else kind)
    rows = torch.randn(
        BATCHES * work.batch, *work.row, generator=torch.Generator().manual_seed(seed)
    )
    loader = torch.utils.data.DataLoader(
        augmented(rows) if kind == AUGMENTED else torch.utils.data.TensorDataset(rows),
        batch_size=work.batch,
        shuffle=True,
        num_workers=int(request["workers"]),
    )
    net = work.net.to(device)
    with settings.applied(APPLIED[setting]):
        for (x,) in loader:
            train_step(net, x.to(device))
    return {"weights": fingerprint(net)}


def _needed(arm: Arm) -> bool:
    """All pairs for document C's function and the strictest setting; workers for their data."""
    if arm[SETTING] not in (EVERYTHING, STRICT):
        return arm[PAIR] == ALONE
    return "workers" not in arm[PAIR] or arm[WORKLOAD] in (CONVS[0], AUGMENTED)


def augmented(rows: Tensor) -> torch.utils.data.Dataset[tuple[Tensor]]:
    """The rows, each with new noise whenever it is read, as augmentation has it."""

    class Augmented(torch.utils.data.Dataset[tuple[torch.Tensor]]):
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, place: int) -> tuple[Tensor]:
            return (rows[place] + 0.1 * torch.randn_like(rows[place]),)

    return Augmented()


#: Colours of a cell: how many of its pairs of runs are equal.
ALL_EQUAL, NONE_EQUAL, SOME_EQUAL = BLUE, ORANGE, PURPLE


def what_makes_runs_equal(table: pd.DataFrame) -> Figure:
    """A matrix: what is trained, against how it is run the second time."""
    from matplotlib.figure import Figure

    columns = {"nothing set": (NOTHING, ALONE)} | {pair: (EVERYTHING, pair) for pair in PAIRS}
    pairs = table.groupby(["setting", "processes", "workload"])["value"]
    figure = Figure()
    axes = figure.subplots()
    for place, column in enumerate(columns.values()):
        for row, kind in enumerate(WORKLOAD.levels):
            if (*column, kind) in pairs.groups:
                _draw_cell(axes, place, row, pairs.get_group((*column, kind)))
    axes.axvline(0.5, color="black", linewidth=1)
    axes.axvline(len(UNCHANGED) + 0.5, color="black", linewidth=1)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(WORKLOAD.levels) + 0.2, -0.5)
    bottom = len(WORKLOAD.levels) - 0.15
    middle = (len(UNCHANGED) + 1) / 2, len(UNCHANGED) + (len(CHANGED) + 1) / 2
    for x, text in zip(middle, ("unchanged script", "changed in between"), strict=True):
        axes.text(x, bottom, text, ha="center", va="center", fontsize=16)
    axes.set_xticks(range(len(columns)), [_two_lines(name) for name in columns], fontsize=15)
    axes.set_yticks(range(len(WORKLOAD.levels)), WORKLOAD.levels)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    key = {"all equal": ALL_EQUAL, "some equal": SOME_EQUAL, "none equal": NONE_EQUAL}
    for label, colour in key.items():
        axes.plot([], [], "s", color=colour, markersize=16, label=f"{label}, bit by bit")
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(_title(table), fontsize=20)
    return figure


def _draw_cell(axes: Axes, x: int, y: int, equal: pd.Series[float]) -> None:
    from matplotlib.patches import Rectangle

    there = equal.dropna()
    if there.empty:
        axes.text(x, y, "failed", ha="center", va="center")
        return
    share = float(there.mean())
    colour = {0.0: NONE_EQUAL, 1.0: ALL_EQUAL}.get(share, SOME_EQUAL)
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=colour))
    text = f"{int(there.sum())} of {len(there)}"
    axes.text(x, y, text, color="white", ha="center", va="center")


def _title(table: pd.DataFrame) -> str:
    """How often an unchanged script of a usual network repeats itself."""
    judged = table[
        (table["setting"] == EVERYTHING)
        & table["processes"].isin(list(UNCHANGED))
        & table["workload"].isin(USUAL)
    ]
    equal = judged["value"].dropna()
    return (
        f"After {EVERYTHING}, scripts of usual networks that are run twice\n"
        f"unchanged end with equal weights in {int(equal.sum())} of {len(equal)} pairs of runs"
    )


def _two_lines(label: str) -> str:
    """A label broken at the blank nearest to its middle."""
    blanks = [place for place, letter in enumerate(label) if letter == " "]
    if not blanks:
        return label
    middle = min(blanks, key=lambda place: abs(place - len(label) / 2))
    return f"{label[:middle]}\n{label[middle + 1 :]}"


EXPERIMENT = Experiment(
    question="Does document C's seed_everything make two runs of a script equal?",
    factors=(SETTING, WORKLOAD, PAIR),
    only=_needed,
    blocks=PerProfile(1, 2, 3),
    effort=PerProfile(1, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=(Response("equal", "yes/no", "two runs end with the same weights to the last bit"),),
    claims=CLAIMS,
    figures=(what_makes_runs_equal,),
)
