"""Do two passes of listing 2's classifier agree in eval mode, and differ in train mode?

The listing's classifier meets the same four rows twice in train mode and twice in eval mode, and
compares the outputs with ``torch.allclose``. It prints False and True: once for its own seed, and
meant for any. Both are asked here: of the listing's stream, seed 7 with the draws before it, and of
25 pairs of passes for each of 20 other networks and batches. Nothing is reseeded between passes.

The rule is that of the twins in ``studies.eval_variance.repeated_eval`` (no pass in train mode
repeats an earlier one, every pass in eval mode does), with the listing's own comparison; agreement
bit for bit, a row alone instead of within its batch, two threads and a rate near zero are shown
beside it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

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
from harness.libraries import torch
from studies.listings.dropout_demo import (
    FEATURES,
    HALF,
    ROWS,
    SEED,
    classifier,
    on_ones,
    two_passes_in_each_mode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

LISTED, OTHERS, TINY, TWO_THREADS, NO_DROPOUT = (
    "the listing's seed",
    "other seeds",
    "p = 0.001",
    "two threads",
    "p = 0",
)
SETTING = Factor("setting", (LISTED, OTHERS, TINY, TWO_THREADS, NO_DROPOUT))
RATES = {TINY: 0.001, NO_DROPOUT: 0.0}
MODE = Factor("mode", ("train", "eval"), words={"train": "train mode", "eval": "eval mode"})
MEANT = (LISTED, OTHERS)

UNEQUAL = "Unequal: no second pass over the same rows agrees with the first, by torch.allclose."
EQUAL = "Equal: every second pass over the same rows agrees with the first, by torch.allclose."

PAIRS_EQUAL = Value("equal_pairs").always()

CLAIMS = (
    Claim(
        "D-list2-5",
        PAIRS_EQUAL.at(mode="train", setting=MEANT),
        equals(0),
        reading=UNEQUAL,
        headline={"setting": OTHERS},
    ),
    Beyond(
        "D-list2-5",
        PAIRS_EQUAL.at(mode="train", setting=TINY),
        equals(0),
        why="p = 0.001, where the listing has 0.5",
        reading=UNEQUAL,
    ),
    Claim(
        "D-list2-7",
        PAIRS_EQUAL.at(mode="eval", setting=MEANT),
        equals(1),
        reading=EQUAL,
        headline={"setting": OTHERS},
    ),
    Beyond(
        "D-list2-7",
        PAIRS_EQUAL.at(mode="eval", setting=TWO_THREADS),
        equals(1),
        why="two threads, of which the listing does not speak",
        reading=EQUAL,
    ),
    Beyond(
        "D-list2-7",
        Value("same_bits").at(mode="eval", setting=MEANT).always(),
        equals(1),
        why="bit for bit, where the listing asks torch.allclose",
        reading="Every second pass gives the bits of the first.",
    ),
    Beyond(
        "D-list2-7",
        Value("alone_agrees").at(mode="eval", setting=OTHERS).always(),
        equals(1),
        why="a row alone instead of within its batch, which is another call",
        reading="A row alone agrees with the row within its batch, by torch.allclose.",
    ),
    Control(
        "without dropout two passes in train mode agree",
        PAIRS_EQUAL.at(mode="train", setting=NO_DROPOUT),
        equals(1),
    ),
    Control(
        "in train mode the bits are seen to differ",
        Value("same_bits").at(mode="train", setting=OTHERS).always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("equal_pairs", "1", "share of pairs of passes that agree by torch.allclose"),
    Response("same_bits", "1", "share of pairs of passes that agree bit for bit"),
    Response("alone_agrees", "yes/no", "a row alone agrees with the row within its batch"),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass the same rows twice, again and again; ``block.effort`` is the number of pairs."""
    setting, mode = arm[SETTING], arm[MODE]
    if setting == LISTED:
        return agreement([listed_pair(mode)]) | {"alone_agrees": float("nan")}
    net, rows = classifier(RATES.get(setting, HALF)), torch.randn(ROWS, FEATURES)
    net.train(mode == "train")
    with torch.no_grad(), threads(2 if setting == TWO_THREADS else 1):
        pairs = [(net(rows), net(rows)) for _ in range(block.effort)]
        alone = torch.allclose(net(rows[:1]), net(rows)[:1])
    return agreement(pairs) | {"alone_agrees": float(alone)}


def listed_pair(mode: str) -> tuple[Tensor, Tensor]:
    """The two passes of the listing's own stream."""
    torch.manual_seed(SEED)
    on_ones()
    passes = two_passes_in_each_mode()
    return passes.train if mode == "train" else passes.evaluated


def agreement(pairs: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """In which share of pairs the two passes agree, within rounding and to the bit."""
    close = sum(torch.allclose(*pair) for pair in pairs)
    same = sum(torch.equal(*pair) for pair in pairs)
    return {"equal_pairs": close / len(pairs), "same_bits": same / len(pairs)}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run with a number of intra-op threads, and put the old number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


EXPERIMENT = Experiment(
    question="Do two passes of listing 2's classifier agree in eval mode, and not in train mode?",
    factors=(SETTING, MODE),
    blocks=PerProfile(2, 20, 20),
    effort=PerProfile(25, 25, 25),  # pairs
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
