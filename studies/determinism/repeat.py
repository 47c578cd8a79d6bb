"""Does seed_everything make two runs of a script equal?

Small trainings run in two processes each, and the weights they end with are compared bit by bit:
conv nets of three sizes, attention with dropout, sums by ``index_add`` (whose additions have no
fixed order on a GPU), and a conv net whose data are augmented at random by the loader. They run
with nothing set, with seeds alone, with document C's ``seed_everything`` (seeds and
``cudnn.deterministic``), with the auto-tuner of ``cudnn.benchmark``, and with
``use_deterministic_algorithms`` and the cuBLAS workspace that goes with it.

The two processes have the same numbers of threads and of data workers, or they differ in one of
them, as they do when a script moves to another machine or somebody turns a knob. Workers hand out
data whatever is trained on them, and are tried with the small conv net, plain and augmented. The
data go through a DataLoader that shuffles. The settings of cuDNN do nothing on a CPU: there "seeds
only", "seed_everything" and "cudnn.benchmark" are the same run three times.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

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
    equals,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import torch
from studies.determinism import settings
from studies.determinism.process import Answer, Request, ask, fingerprint, weights_of
from studies.determinism.workloads import CONVS, WORKLOADS, train_step, workload

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

BATCHES = 2
AUGMENTED = "random augmentation"

NOTHING, SEEDS, EVERYTHING = "nothing", "seeds only", "seed_everything"
TUNED, STRICT = "seeds, cudnn.benchmark", "seeds, deterministic algorithms"
#: What each level sets besides seeds.
APPLIED = {
    NOTHING: settings.DEFAULT,
    SEEDS: settings.DEFAULT,
    EVERYTHING: settings.DETERMINISTIC,
    TUNED: settings.BENCHMARK,
    STRICT: settings.ALGORITHMS,
}


class Process(NamedTuple):
    """How a process runs the script."""

    threads: int
    workers: int


#: What two processes are compared under: how the one runs, and how the other.
ALONE = "1 thread each"
PAIRS = {
    ALONE: (Process(1, 0), Process(1, 0)),
    "2 threads each": (Process(2, 0), Process(2, 0)),
    "2 workers each": (Process(1, 2), Process(1, 2)),
    "1 and 2 threads": (Process(1, 0), Process(2, 0)),
    "0 and 2 workers": (Process(1, 0), Process(1, 2)),
}

SETTING = Factor("setting", tuple(APPLIED), control=EVERYTHING)
WORKLOAD = Factor("workload", (*WORKLOADS, AUGMENTED))
PAIR = Factor("processes", tuple(PAIRS))

CLAIMS = (
    Claim(
        "C7.31",
        Value("equal").at(setting=EVERYTHING).always(),
        equals(1.0),
        reading="Reproducible: two processes that call seed_everything with the same seed end with "
        "the same weights, bit by bit, also where they differ in the number of threads or of data "
        "workers, which the function does not set.",
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
    """Unseeded runs differ however they run; workers are a matter of the data."""
    if arm[SETTING] == NOTHING:
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


def what_makes_runs_equal(table: pd.DataFrame) -> Figure:
    """A matrix: what is set, against how the two processes run."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    shares = table.groupby(["setting", "processes", "workload"])["value"].mean()
    figure = Figure()
    axes = figure.subplots()
    for row, setting in enumerate(SETTING.levels):
        for column, pair in enumerate(PAIR.levels):
            if (setting, pair) not in shares.index:
                axes.text(column, row, "not tried", color="gray", ha="center", va="center")
                continue
            equal = shares[setting, pair]
            colour = _mix(ORANGE, BLUE, float((equal == 1).mean()))
            axes.add_patch(Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, color=colour))
            axes.text(column, row, _summary(equal), color="white", ha="center", va="center")
    axes.set_xlim(-0.5, len(PAIR.levels) - 0.5)
    axes.set_ylim(len(SETTING.levels) - 0.5, -0.5)
    axes.set_xticks(range(len(PAIR.levels)), [_two_lines(pair) for pair in PAIR.levels])
    axes.set_yticks(range(len(SETTING.levels)), [_two_lines(name) for name in SETTING.levels])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    reached = (shares[EVERYTHING] == 1).groupby("processes").all()
    seeds = len(table) // len(shares)
    figure.suptitle(
        f"seed_everything makes two processes equal, bit by bit, in {int(reached.sum())} of "
        f"{len(reached)} cases\n({seeds} seed{'s' if seeds > 1 else ''}; rows: what is set, "
        "columns: how the two processes run)",
        fontsize=20,
    )
    return figure


def _summary(shares: pd.Series[float]) -> str:
    """How many workloads are equal whatever the seed; a single one that is not is named."""
    equal, count = shares == 1, len(shares)
    if equal.all():
        return f"all {count} equal"
    if (shares == 0).all():
        return f"all {count} differ"
    rest = [str(kind) for kind in shares.index[~equal]]
    if len(rest) == 1:
        return f"equal, but not\n{_two_lines(rest[0])}"
    return f"{int(equal.sum())} of {count}\nalways equal"


def _two_lines(label: str) -> str:
    """A label broken at the blank nearest to its middle."""
    blanks = [place for place, letter in enumerate(label) if letter == " "]
    if not blanks:
        return label
    middle = min(blanks, key=lambda place: abs(place - len(label) / 2))
    return f"{label[:middle]}\n{label[middle + 1 :]}"


def _mix(one: str, other: str, share: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    pairs = zip(to_rgb(one), to_rgb(other), strict=True)
    red, green, blue = ((1 - share) * a + share * b for a, b in pairs)
    return red, green, blue


EXPERIMENT = Experiment(
    question="Does seed_everything make two runs of a script equal?",
    factors=(SETTING, WORKLOAD, PAIR),
    only=_needed,
    blocks=PerProfile(1, 2, 3),
    effort=PerProfile(1, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=(Response("equal", "1", "equal"),),
    claims=CLAIMS,
    figures=(what_makes_runs_equal,),
)
