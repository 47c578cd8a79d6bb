"""Does a shuffled batch represent the whole set?

Sets of 2, 3 and 10 classes of equal size are shuffled and cut into batches of 16, 32 and 64. A
sample represents its set as well as one can where it is drawn without replacement: the number of
examples of a class then follows the hypergeometric distribution, whose variance is the oracle. And
a mix of classes is what a batch must hold at all. Unshuffled sets, one class stored after the other
as in the passage, show that both can fail; a class of one in a hundred, which most batches lack, is
shown beside.
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
    Response,
    Responses,
    Value,
    at_least,
    between,
    less_than,
)
from studies.sampling.drawing import IN_ORDER, SHUFFLED, loader_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 1920  # three classes and ten share it, and batches of 16, 32 and 64 do
RARE = "one in a hundred"
SIZES: dict[str, tuple[int, ...]] = {
    "two": (960, 960),
    "three": (640, 640, 640),
    "ten": (192,) * 10,
    RARE: (1901, 19),
}
FEW = ("two", "three", "ten")
CLASSES = Factor(
    "classes",
    tuple(SIZES),
    words={**{name: f"{name} classes" for name in FEW}, RARE: "a class of 1 %"},
)
BATCH = Factor("batch", (16, 32, 64), words={size: f"batches of {size}" for size in (16, 32, 64)})
LOADER = Factor("loader", (SHUFFLED, IN_ORDER), words={SHUFFLED: ""})

AS_DRAWN = between(0.9, 1.1)
MIXED = at_least(0.95)

CLAIMS = (
    Claim(
        "C2.03",
        Value("variance").at(loader=SHUFFLED, classes=FEW),
        AS_DRAWN,
        reading="Represents the set: the number of a class's examples in a batch varies as in a "
        "draw without replacement, within 10 % of that variance.",
        headline={"classes": "ten", "batch": 32},
    ),
    Claim(
        "C2.03",
        Value("mixed").at(loader=SHUFFLED, classes=FEW),
        MIXED,
        reading="A mix of classes: at least 95 % of the batches hold more than one class.",
    ),
    Beyond(
        "C2.03",
        Value("mixed").at(loader=SHUFFLED, classes=RARE),
        MIXED,
        why="a class so rare that a batch of usual size has no room for it",
    ),
    Control(
        "unshuffled batches vary more",
        Value("variance").at(loader=IN_ORDER, classes=FEW).always(),
        at_least(2),
    ),
    Control(
        "and hold one class, where its size is a multiple of theirs",
        Value("mixed").at(loader=IN_ORDER, classes=("two", "three", "ten")).always(),
        less_than(0.95),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Draw batches, ``effort`` of them or more in whole epochs, and count their classes."""
    sizes = SIZES[arm[CLASSES]]
    (loader,) = loader_of(arm[LOADER], ROWS, arm[BATCH])
    label = np.repeat(np.arange(len(sizes)), sizes)
    epochs = -(-block.effort * arm[BATCH] // ROWS)
    batches = [batch for _ in range(epochs) for batch in loader.batch_sampler]  # type: ignore[union-attr]
    return composition(label[np.array(batches)], sizes)


def composition(drawn: NDArray[np.int64], sizes: tuple[int, ...]) -> Responses:
    """Compare batches with draws without replacement.

    Args:
        drawn: the class of each example, shape (batches, batch).
        sizes: of the classes.
    """
    batch, total = drawn.shape[1], sum(sizes)
    shares = np.array(sizes) / total
    counts = (drawn[:, :, None] == np.arange(len(sizes))).sum(axis=1)
    observed = ((counts - batch * shares) ** 2).mean(axis=0)
    exact = batch * shares * (1 - shares) * (total - batch) / (total - 1)
    return {
        "variance": float((observed / exact).mean()),
        "mixed": float(((counts > 0).sum(axis=1) > 1).mean()),
    }


EXPERIMENT = Experiment(
    question="Does a shuffled batch represent the whole set?",
    factors=(LOADER, CLASSES, BATCH),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(300, 2000, 4000),  # batches
    measure=measure,
    responses=(
        Response(
            "variance",
            "1",
            "variance of a class's examples in a batch, over that of a draw without replacement",
        ),
        Response("mixed", "1", "share of the batches that hold more than one class"),
    ),
    claims=CLAIMS,
)
