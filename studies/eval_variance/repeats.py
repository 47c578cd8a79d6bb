"""Does every kind of network give different validation numbers when eval() is forgotten?

Question. Document C says that without eval() one validation set gives different numbers each time,
and that accuracy becomes noisy and lower. It speaks of dropout. Does it hold with batch norm, whose
train mode depends on the batch and not on chance, and for a network with neither?

What is done. Four perceptrons (dropout, batch norm, both, neither) are trained on digits from the
same weights and batches. Their weights are then fixed, and the held-out digits are validated 20
times in batches of 128, in eval and in train mode, in one fixed order of rows and in an order
shuffled anew for each pass. Numbers are what a training log shows: the accuracy, and the mean loss
to four decimals, so that rounding in the last bits does not count as a difference.

What the verdicts speak for. Perceptrons with two hidden layers of 64 units, dropout 0.5, on 719
held-out digits; a block is a fresh split and fresh trainings.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    Arm,
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
    equals,
    less_than,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, trained_mlp

if TYPE_CHECKING:
    from torch import Tensor

NET = Factor("net", ("dropout", "batch norm", "dropout + batch norm", "plain"))
ORDER = Factor("order_of_rows", ("fixed", "shuffled"))
MODE = Factor("mode", ("eval", "train"), control="eval")

#: Epochs of training and validation passes for one unit of effort: 10 and 20, half in "quick".
EPOCHS, PASSES = 5, 10
BATCH, DECIMALS = 128, 4

CLAIMS = (
    Claim(
        "C4.01",
        Value("loss").distinct().at(mode="train"),
        more_than(1),
        reading="Different numbers each time: 20 validations give more than one mean loss, as "
        "printed to four decimals. The words name no kind of network and no order of rows: each.",
    ),
    Claim(
        "C3.32",
        Value("accuracy")
        .range()
        .at(mode="train", order_of_rows="fixed", net=("dropout", "batch norm", "plain")),
        more_than(0),
        reading="Noisy: the repeats are not all equal. The rows stand in one order, as validation "
        "sets usually do.",
    ),
    Claim(
        "C3.32",
        Difference("accuracy", MODE).at(
            order_of_rows="fixed", net=("dropout", "batch norm", "plain")
        ),
        less_than(0),
        reading="Lower: the mean accuracy in train mode is below that of eval mode.",
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
    return Trained(split, networks, PASSES * block.effort, block.seed)


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
    return {
        "accuracy": [accuracy for accuracy, _ in numbers],
        "loss": [round(loss, DECIMALS) for _, loss in numbers],
    }


def validate(model: nn.Module, split: Split, order: Tensor) -> tuple[float, float]:
    """Accuracy and mean cross-entropy over the held-out rows, batch by batch, without gradients."""
    right, total = 0, 0.0
    with torch.no_grad():
        for rows in order.to(split.val_y.device).split(BATCH):
            logits, labels = model(split.val_x[rows]), split.val_y[rows]
            right += int((logits.argmax(dim=1) == labels).sum())
            total += float(functional.cross_entropy(logits, labels, reduction="sum"))
    return right / len(order), total / len(order)


EXPERIMENT = Experiment(
    question="Does every kind of network give different validation numbers without eval()?",
    factors=(NET, ORDER, MODE),
    responses=(
        Response("accuracy", "1", "accuracy"),
        Response("loss", "nat", "loss"),
    ),
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 30, 100),
    effort=PerProfile(1, 2, 2),
)
