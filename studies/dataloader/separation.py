"""Does the model notice when the data format or the batching changes?

The format: digits lie as tensors in memory or as PNG files on the disk, two data sets with one
content. A network is trained on either, through loaders that are the same but for the data set, and
the weights are compared bit by bit. The control brightens every pixel of the files by one level.

The batching: one data set is read by loaders with other settings, and the same lines of training
must run through and see every example that the loader does not drop on purpose. A network with
batch norm is trained as well. It needs more than one row in every batch, which is no matter of
lines that change: batchings whose last batch is a single row (65 examples in batches of 16) are
judged with the plain network, and shown for that one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

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
    more_than,
)
from harness.libraries import functional, torch
from harness.workloads import load_split, mlp
from studies.dataloader.files import ImageFolder
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, EPOCHS = 65, 2
BATCHINGS: dict[str, dict[str, Any]] = {
    "16, last of 1 row": {"batch_size": 16},
    "16 shuffled, last of 1 row": {"batch_size": 16, "shuffle": True},
    "20 shuffled, last of 5 rows": {"batch_size": 20, "shuffle": True},
    "16 shuffled, last dropped": {"batch_size": 16, "shuffle": True, "drop_last": True},
    "all rows at once": {"batch_size": EXAMPLES},
}
USUAL = "20 shuffled, last of 5 rows"
ONE_ROW = ("16, last of 1 row", "16 shuffled, last of 1 row")
MORE_ROWS = tuple(name for name in BATCHINGS if name not in ONE_ROW)

MEMORY, FILES, BRIGHTER = "memory", "files", "brighter files"
DATASET = Factor(
    "dataset",
    (MEMORY, FILES, BRIGHTER),
    control=MEMORY,
    words={MEMORY: "data in memory", FILES: "data in image files", BRIGHTER: "brighter files"},
)
BATCHING = Factor(
    "batching",
    tuple(BATCHINGS),
    words={name: f"batches of {name}" for name in BATCHINGS if name[0] in "12"},
)
PLAIN, NORMED = "plain", "batch norm"
NET = Factor(
    "net", (PLAIN, NORMED), words={PLAIN: "plain perceptron", NORMED: "perceptron with batch norm"}
)

RUNS_THROUGH = (
    "Another batching, in the loader alone: the same training runs through, and sees each example "
    "that the loader is not told to drop once an epoch."
)

CLAIMS = (
    Claim(
        "C1.02",
        Value("weight_gap").at(dataset=FILES, batching=USUAL).always(),
        equals(0.0),
        reading="Another format, in the data set alone: after training from one seed, no weight "
        "differs from those of training from memory in a single bit.",
        headline={"net": PLAIN},
    ),
    Claim(
        "C1.02",
        Value("trained").at(dataset=MEMORY, net=PLAIN).always(),
        equals(1.0),
        reading=RUNS_THROUGH,
    ),
    Claim(
        "C1.02",
        Value("trained").at(dataset=MEMORY, net=NORMED, batching=MORE_ROWS).always(),
        equals(1.0),
        reading=RUNS_THROUGH,
    ),
    Beyond(
        "C1.02",
        Value("trained").at(dataset=MEMORY, net=NORMED, batching=ONE_ROW).always(),
        equals(1.0),
        why="batch norm in a batch of one row, which has no spread to norm by",
    ),
    Control(
        "another content shows in the weights",
        Value("weight_gap").at(dataset=BRIGHTER, batching=USUAL).always(),
        more_than(0.0),
    ),
)


class InMemory:
    """Pixels as tensors, from 0 to 16, with their labels."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        self.pixels, self.labels = pixels, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.pixels[index], self.labels[index]


class InFiles:
    """The same from image files, in levels of 10."""

    def __init__(self, paths: Sequence[str], labels: Tensor) -> None:
        self.paths, self.labels = paths, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.paths[index]) as image:
            levels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        return (levels // 10).float(), self.labels[index]


class Cell(NamedTuple):
    """What the arms of a block share; the folders must outlive the data sets that read them."""

    block: Block
    datasets: dict[str, InMemory | InFiles]
    folders: tuple[ImageFolder, ...]


def prepare(block: Block) -> Cell:
    """Write the same digits to files, and once more a level brighter."""
    split = load_split("digits", block.seed)
    pixels = (split.train_x[:EXAMPLES] * 4 + 8).round()  # the whole numbers they were
    labels = split.train_y[:EXAMPLES]
    same, brighter = (png_files(pixels.clamp(max=16 - more) + more) for more in (0, 1))
    datasets: dict[str, InMemory | InFiles] = {
        MEMORY: InMemory(pixels, labels),
        FILES: InFiles(same.paths, labels),
        BRIGHTER: InFiles(brighter.paths, labels),
    }
    return Cell(block, datasets, (same, brighter))


def png_files(pixels: Tensor) -> ImageFolder:
    """A file for each row of 64 whole numbers."""
    levels = (10 * pixels.view(-1, 8, 8)).numpy().astype(np.uint8)
    return ImageFolder((Image.fromarray(image) for image in levels), suffix=".png")


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with the arm's data set and loader, and with the data set in memory."""
    weights, trained = train(cell, arm)
    if arm[DATASET] == MEMORY:
        return {"trained": trained, "weight_gap": math.nan}
    # The same streams again: order of examples and initial weights.
    from_memory, _ = train(cell, arm.replaced(dataset=MEMORY))
    return {"trained": trained, "weight_gap": float((weights - from_memory).abs().max())}


def train(cell: Cell, arm: Arm) -> tuple[Tensor, float]:
    """The weights after training, and whether it ran through and saw every example."""
    torch.manual_seed(cell.block.seed)
    net = mlp(64, 10, batch_norm=arm[NET] == NORMED).to(cell.block.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    loader = make_loader(cell.datasets[arm[DATASET]], **BATCHINGS[arm[BATCHING]])
    seen = 0
    try:
        for inputs, labels in (batch for _ in range(EPOCHS) for batch in loader):
            optimiser.zero_grad()
            outputs = net(inputs.to(cell.block.device))
            functional.cross_entropy(outputs, labels.to(cell.block.device)).backward()
            optimiser.step()
            seen += len(inputs)
    except Exception:  # noqa: BLE001 - that the training stops is what is measured
        seen = -1
    dropped = EXAMPLES % 16 if loader.drop_last else 0
    weights = torch.nn.utils.parameters_to_vector(net.parameters())
    return weights.detach().cpu(), float(seen == EPOCHS * (EXAMPLES - dropped))


def _needed(arm: Arm) -> bool:
    """Files are compared in one batching, and batchings with the data in memory."""
    return arm[DATASET] == MEMORY or arm[BATCHING] == USUAL


EXPERIMENT = Experiment(
    question="Does the model notice when the data format or the batching changes?",
    factors=(DATASET, BATCHING, NET),
    only=_needed,
    blocks=PerProfile(1, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "weight_gap", "1", "the largest difference of a weight from training on data in memory"
        ),
        Response("trained", "yes/no", "training runs through and sees every example"),
    ),
    claims=CLAIMS,
)
