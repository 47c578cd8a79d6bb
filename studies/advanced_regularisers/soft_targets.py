"""Which targets does document D's smoothed loss train towards, and is it their cross-entropy?

The loss returns one number and hides its targets. They can be read off its gradient: for one row,
that of a cross-entropy with respect to the logits is the softmax less the targets. They are held to
the text, 0.9 for the right class and 0.1 shared out evenly among the others, for two classes up to
a thousand; the number itself to one worked out by hand and to PyTorch's cross-entropy against
given probabilities.

PyTorch's own option shares its 0.1 among all classes, the right one included. That is another
definition and refutes neither; it is shown beside, and so are uses that the text does not speak of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from harness import Fact, facts
from harness.libraries import functional, torch
from studies.listings.endings import ending, raises, runs
from studies.listings.snippets import SMOOTHING, smoothed_cross_entropy

if TYPE_CHECKING:
    from torch import Tensor

Loss: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"

CLASSES = 10
#: Numbers of classes from the fewest to those of ImageNet.
COUNTS = (2, CLASSES, 1000)
#: Rows by classes, as a training step has them.
BATCHES = ((64, 10), (8, 2), (128, 1000))
EXACT, SINGLE = 1e-12, 1e-6


def drawn(rows: int, classes: int, *more: int) -> tuple[Tensor, Tensor]:
    """Logits in double precision, shape (rows, classes, more...), and class numbers."""
    stream = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn((rows, classes, *more), generator=stream, dtype=torch.float64)
    return logits, torch.randint(classes, (rows, *more), generator=stream)


def own_option(logits: Tensor, labels: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """PyTorch's cross-entropy with its own label smoothing."""
    loss: Tensor = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    return loss


def targets_of(loss: Loss, classes: int) -> list[float]:
    """The targets of one row, read off the gradient: the right class, least, largest, their sum."""
    logits, labels = drawn(1, classes)
    logits.requires_grad_()
    (slope,) = torch.autograd.grad(loss(logits, labels), logits)
    targets = (logits.detach().softmax(-1) - slope)[0]
    right = int(labels[0])
    others = [each for at, each in enumerate(targets.tolist()) if at != right]
    return [targets[right].item(), min(others), max(others), targets.sum().item()]


def as_stated(classes: int) -> list[float]:
    """The same by the text."""
    other = SMOOTHING / (classes - 1)
    return [1 - SMOOTHING, other, other, 1.0]


def by_hand(rows: int, classes: int) -> float:
    """The mean smoothed cross-entropy in plain Python."""
    logits, labels = drawn(rows, classes)
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        log_sum = math.log(math.fsum(math.exp(each) for each in row))
        for at, each in enumerate(row):
            weight = 1 - SMOOTHING if at == label else SMOOTHING / (classes - 1)
            total += weight * (log_sum - each)
    return total / rows


def of_probabilities(rows: int, classes: int) -> float:
    """PyTorch's cross-entropy against the stated targets given as probabilities."""
    logits, labels = drawn(rows, classes)
    right = functional.one_hot(labels, classes).double()
    other = SMOOTHING / (classes - 1)
    return float(functional.cross_entropy(logits, right * (1 - SMOOTHING) + (1 - right) * other))


def mean_loss(loss: Loss, rows: int, classes: int) -> float:
    """A loss of drawn logits; with float32 numbers, as networks give them."""
    logits, labels = drawn(rows, classes)
    return float(loss(logits.float(), labels))


def through(*more: int, labels: int | None = None, classes: int = CLASSES) -> list[float]:
    """The listed loss of other shapes or labels than a batch of rows with class numbers."""
    logits, drawn_labels = drawn(4, classes, *more)
    if labels is not None:
        drawn_labels[0] = labels
    return [float(smoothed_cross_entropy(logits, drawn_labels))]


def like_hard_labels(rows: int, classes: int) -> float:
    """The cross-entropy without any smoothing."""
    return mean_loss(functional.cross_entropy, rows, classes)


def _targets(classes: int) -> Fact:
    return Fact(
        "D-adv-10",
        f"of {classes:,} classes the right one gets 0.9 and each other 0.1 over {classes - 1:,}",
        lambda: targets_of(smoothed_cross_entropy, classes),
        lambda: as_stated(classes),
        lambda: targets_of(own_option, classes),
        within=EXACT,
        reading="The targets that the listed loss trains towards, read off its gradient, are 0.9 "
        "for the right class and 0.1 / (K - 1) for each other, and sum to 1.",
        headline=classes == CLASSES,
    )


def _numbers(claim: str, rows: int, classes: int) -> tuple[Fact, Fact]:
    """The loss as a number, by hand and by PyTorch's own cross-entropy."""
    size = f"{rows} rows of {classes:,} classes"
    return (
        Fact(
            claim,
            f"of {size} the loss is that worked out by hand for the stated targets ({claim})",
            lambda: mean_loss(smoothed_cross_entropy, rows, classes),
            lambda: by_hand(rows, classes),
            lambda: like_hard_labels(rows, classes),
            within=SINGLE * 10,
            reading="The listed loss of float32 logits is the smoothed cross-entropy worked out by "
            "hand in double precision, within a hundred-thousandth.",
        ),
        Fact(
            claim,
            f"of {size} the loss is the cross-entropy with the targets as probabilities ({claim})",
            lambda: float(smoothed_cross_entropy(*drawn(rows, classes))),
            lambda: of_probabilities(rows, classes),
            lambda: like_hard_labels(rows, classes),
            within=SINGLE,
            reading="The listed loss is PyTorch's cross-entropy against the smoothed targets given "
            "as probabilities, within a millionth.",
            headline=claim == "D-list5-4" and (rows, classes) == BATCHES[0],
        ),
    )


_OTHER_USE = "a use that the passage does not speak of"

EXPERIMENT = facts(
    "Which targets does the listed smoothed loss train towards, and is it their cross-entropy?",
    *(_targets(classes) for classes in COUNTS),
    *(
        fact
        for claim in ("D-adv-10", "D-list5-4")
        for rows, classes in BATCHES
        for fact in _numbers(claim, rows, classes)
    ),
    Fact(
        "D-adv-10",
        "PyTorch's own option at 0.1 has the same targets",
        lambda: targets_of(own_option, CLASSES),
        lambda: as_stated(CLASSES),
        lambda: targets_of(functional.cross_entropy, CLASSES),
        within=EXACT,
        beyond="PyTorch's own option, which shares its 0.1 among all classes, the right one too",
    ),
    Fact(
        "D-adv-10",
        "PyTorch's own option at 0.1 x K / (K - 1) has the same targets",
        lambda: targets_of(
            lambda logits, labels: own_option(logits, labels, SMOOTHING * CLASSES / (CLASSES - 1)),
            CLASSES,
        ),
        lambda: as_stated(CLASSES),
        lambda: targets_of(own_option, CLASSES),
        within=EXACT,
        beyond="PyTorch's own option, at the number that stands for the same smoothing",
    ),
    Fact(
        "D-list5-4",
        "the listed loss takes a class number for each pixel",
        ending(lambda: through(3, 3)),
        runs(1),
        ending(raises),
        beyond=_OTHER_USE,
        reading="Logits of shape (rows, classes, height, width) and a class number for each pixel, "
        "as PyTorch's cross-entropy takes them.",
    ),
    Fact(
        "D-list5-4",
        "the listed loss leaves out rows labelled -100",
        ending(lambda: through(labels=-100)),
        runs(1),
        ending(raises),
        beyond=_OTHER_USE,
        reading="A row labelled -100 is left out, as PyTorch's cross-entropy leaves it out.",
    ),
    Fact(
        "D-list5-4",
        "the listed loss takes a single class",
        ending(lambda: through(classes=1)),
        runs(1),
        ending(raises),
        beyond=_OTHER_USE,
    ),
)
