"""Does every kind of network give different validation numbers when eval() is forgotten?

Question. Document C says that without eval() one validation set gives different numbers each time,
and that accuracy becomes noisy and lower. It speaks of networks with dropout. How is it with batch
norm, whose train mode depends on the batch and not on chance, and for a network with neither?

What is done. Four perceptrons (dropout, batch norm, both, neither) are trained on digits from the
same weights and batches. Their weights are then fixed, and the held-out digits are validated 20
times in batches of 128, in eval and in train mode, in one fixed order of rows and in an order
shuffled anew for each pass. Numbers are what a training log shows: the accuracy, and the mean loss
to four decimals, so that rounding in the last bits does not count as a difference.

What the verdicts speak for. Perceptrons with two hidden layers of 64 units, dropout 0.5, on 719
held-out digits; a block is a fresh split and fresh trainings. Judged are the two networks with
dropout on rows in one order, as validation sets have them; the networks without dropout and
shuffled rows are shown beside them and do not decide.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, trained_mlp
from studies.eval_variance.noisy import (
    LOWER,
    LOWER_ON_AVERAGE,
    REPEATS,
    SAY_SO,
    noise,
    noisy,
    noisy_beyond,
)
from studies.eval_variance.noisy import RESPONSES as NOISE

if TYPE_CHECKING:
    from torch import Tensor

NET = Factor(
    "net",
    ("dropout", "batch norm", "dropout + batch norm", "plain"),
    words={
        "dropout": "net with dropout",
        "batch norm": "net with batch norm alone",
        "dropout + batch norm": "net with dropout and batch norm",
        "plain": "net with neither dropout nor batch norm",
    },
)
ORDER = Factor(
    "order_of_rows",
    ("fixed", "shuffled"),
    words={"fixed": "rows in one order", "shuffled": "rows shuffled each time"},
)
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)

#: Epochs of training for one unit of effort: 10, half in "quick". Validations are always 20.
EPOCHS, PASSES = 5, REPEATS
BATCH = 128

DROPPING = ("dropout", "dropout + batch norm")
OTHERS = ("batch norm", "plain")
NO_DROPOUT = "nets without dropout, of which the passage does not speak"
SHUFFLED = "rows in another order each time, where the passage has one validation set"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(rule for claim in SAY_SO for rule in noisy(claim, net=DROPPING, order_of_rows="fixed")),
    *(
        rule
        for claim in SAY_SO
        for rule in noisy_beyond(claim, NO_DROPOUT, net=OTHERS, order_of_rows="fixed")
    ),
    *(rule for claim in SAY_SO for rule in noisy_beyond(claim, SHUFFLED, order_of_rows="shuffled")),
    Claim(
        "C3.32",
        Difference("accuracy", MODE).at(mode="train", order_of_rows="fixed", net=DROPPING),
        at_most(LOWER),
        reading=LOWER_ON_AVERAGE,
    ),
    Beyond(
        "C3.32",
        Difference("accuracy", MODE).at(mode="train", order_of_rows="fixed", net=OTHERS),
        at_most(LOWER),
        why=NO_DROPOUT,
        reading=LOWER_ON_AVERAGE,
    ),
    Control(
        "in eval mode the numbers do not move, whatever the network and the order of rows",
        Value("accuracy").range().at(mode="eval"),
        equals(0),
    ),
    Control(
        "a network with neither layer gives the same accuracy in both modes",
        Difference("accuracy", MODE).at(net="plain").always(),
        equals(0),
    ),
)


@dataclass(frozen=True)
class Trained:
    """What the arms of a block share; ``seed`` is that of the shuffled orders."""

    split: Split
    networks: Mapping[str, nn.Module]
    passes: int
    seed: int


def prepare(block: Block) -> Trained:
    """Train one network of each kind, from equal weights and batches."""
    split = load_split("digits", block.seed, block.device)
    networks = {}
    for kind in NET.levels:
        networks[kind] = trained_mlp(
            split,
            block.seed,
            epochs=EPOCHS * block.effort,
            dropout=0.5 if "dropout" in kind else None,
            batch_norm="batch norm" in kind,
        )
    return Trained(split, networks, PASSES, block.seed)


def measure(cell: Trained, arm: Arm) -> Responses:
    """Validate a copy of the network again and again; train mode moves batch norm's statistics."""
    model = copy.deepcopy(cell.networks[arm[NET]]).train(arm[MODE] == "train")
    numbers = []
    source = torch.Generator().manual_seed(cell.seed)
    for _ in range(cell.passes):
        rows = len(cell.split.val_y)
        shuffled = arm[ORDER] == "shuffled"
        order = torch.randperm(rows, generator=source) if shuffled else torch.arange(rows)
        numbers.append(validate(model, cell.split, order))
    hits, losses = (torch.tensor(column) for column in zip(*numbers, strict=True))
    rows = len(cell.split.val_y)
    return {
        "accuracy": [right / rows for right, _ in numbers],
        **noise(hits, rows, losses.double()),
    }


def validate(model: nn.Module, split: Split, order: Tensor) -> tuple[int, float]:
    """Rows classified right, and mean cross-entropy, batch by batch and without gradients."""
    right, total = 0, 0.0
    with torch.no_grad():
        for rows in order.to(split.val_y.device).split(BATCH):
            logits, labels = model(split.val_x[rows]), split.val_y[rows]
            right += int((logits.argmax(dim=1) == labels).sum())
            total += float(functional.cross_entropy(logits, labels, reduction="sum"))
    return right, total / len(order)


EXPERIMENT = Experiment(
    question="Does every kind of network give different validation numbers without eval()?",
    factors=(NET, ORDER, MODE),
    responses=(Response("accuracy", "1", "validation accuracy"), *NOISE),
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 30, 100),
    effort=PerProfile(1, 2, 2),
)
