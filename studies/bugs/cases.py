"""What the signatures of bugs are looked for in: trainings in which every bug can do its harm.

Perceptrons with dropout and batch norm, so that the mode matters, on four data sets; half-way the
first layer is frozen, so that a stale optimiser can. The rows that stand for production are never
trained on nor validated with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import Block
from harness.libraries import functional, torch
from harness.workloads import Name, load_split, mlp
from harness.workloads.loop import Log, Setting, train
from harness.workloads.switches import Switches
from harness.workloads.tasks import SPIRAL_NOISE, SPIRAL_POINTS, Part, TrainingTask, spiral

if TYPE_CHECKING:
    from torch import Tensor

DIGITS, SPIRAL, CANCER, WINE = "digits", "spiral", "breast cancer", "wine"
HIDDEN, DROPOUT = 32, 0.3
#: The first linear layer and its batch norm, by the beginnings of their parameters' names.
FROZEN = ("0.", "1.")

CASES = {
    DIGITS: Setting("SGD", 0.05, epochs=8, batch=32, freeze_after=4, frozen=FROZEN),
    SPIRAL: Setting("Adam", 0.01, epochs=12, batch=16, freeze_after=6, frozen=FROZEN),
    CANCER: Setting("Adam", 0.003, epochs=12, batch=32, freeze_after=6, frozen=FROZEN),
    WINE: Setting("momentum", 0.02, epochs=20, batch=16, freeze_after=10, frozen=FROZEN),
}
TABLES: dict[str, Name] = {DIGITS: "digits", CANCER: "breast_cancer", WINE: "wine"}

#: The classes of a diagnosis: no bug, or one of those that a CPU can show.
NONE = "none"
KINDS = (
    NONE,
    "keep_gradients",
    "evaluate_in_train_mode",
    "train_in_eval_mode",
    "keep_outputs",
    "stale_optimiser",
    "leak",
)
BUGS = KINDS[1:]
#: What to call them in a figure.
NAMES = {
    NONE: "correct",
    "keep_gradients": "no zero_grad",
    "evaluate_in_train_mode": "evaluation in train mode",
    "train_in_eval_mode": "training in eval mode",
    "keep_outputs": "outputs kept undetached",
    "stale_optimiser": "stale optimiser",
    "leak": "leakage",
}


def make_case(name: str, blocks: Sequence[Block]) -> TrainingTask:
    """The task of a case, with a replica for each block.

    Args:
        name: one of ``CASES``.
        blocks: all on one device; each seeds its own rows and weights.
    """
    networks, cuts = [], []
    for block in blocks:
        cuts.append(_parts(name, block))
        x, y = cuts[-1][0]
        torch.manual_seed(block.seed)
        net = mlp(x.shape[1], int(y.max()) + 1, hidden=HIDDEN, dropout=DROPOUT, batch_norm=True)
        networks.append(net.to(block.device))
    train, val, production = (
        Part(*(torch.stack(side) for side in zip(*part, strict=True)))
        for part in zip(*cuts, strict=True)
    )
    return TrainingTask(
        tuple(networks),
        train,
        val,
        production,
        functional.cross_entropy,
        tuple(block.seed for block in blocks),
    )


def _parts(name: str, block: Block) -> list[tuple[Tensor, Tensor]]:
    """Three fifths of the rows to train on, a fifth to validate with, a fifth for production."""
    if name == SPIRAL:
        x, y = spiral(SPIRAL_POINTS, SPIRAL_NOISE, block.seed)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(block.seed))
        fifth = len(x) // 5
        rows = order.split([3 * fifth, fifth, fifth])
        return [(x[part].to(block.device), y[part].to(block.device)) for part in rows]
    split = load_split(TABLES[name], block.seed, block.device)
    half = len(split.val_x) // 2
    return [
        (split.train_x, split.train_y),
        (split.val_x[:half], split.val_y[:half]),
        (split.val_x[half : 2 * half], split.val_y[half : 2 * half]),
    ]


def shortened(setting: Setting, percent: int) -> Setting:
    """The setting with this share of its epochs, and the freezing half-way again."""
    half = max(round(setting.epochs * percent / 200), 1)
    return replace(setting, epochs=2 * half, freeze_after=half)


def switches_of(*kinds: str) -> Switches:
    """The switches of some of ``KINDS`` in one loop."""
    return Switches.of(*(kind for kind in kinds if kind != NONE))


def train_and_weigh(
    task: TrainingTask, setting: Setting, switches: Switches
) -> tuple[Log, NDArray[np.float64]]:
    """Train, and weigh what a replica's stored outputs hold after every step, in bytes.

    Returns:
        The log, and the sizes, shape (steps,).
    """
    held: list[float] = []

    def weigh(log: Log) -> None:
        stored = log.kept[-1].nbytes / log.nets.count if log.kept else 0
        held.append(stored + (held[-1] if held else 0.0))

    log = train(task, setting, switches, after_step=weigh)
    return log, np.array(held)
