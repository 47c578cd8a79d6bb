"""What happens in one iteration of the plain loop, and is a smaller last batch one too?

Chapter 0 counts: an iteration loads one batch, passes it forward, computes the loss, passes back
and updates the weights, and the rest of an epoch that fills no batch is a step like the others. The
calls of an epoch are counted by hooks of the network, the criterion, a weight's gradient and the
optimiser, none of which the loop knows of; accumulation, or a loader that drops the rest, gives
other counts. That an example of a batch of 40 weighs more than one of 64 is shown beside it: the
text counts steps, and says nothing of weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness import Fact, facts
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

#: Chapter 0's two data sets: rows and batch.
LARGE, SMALL = (10_000, 32), (1_000, 64)
REST, EACH = 40, 64
RATE, FEATURES, CLASSES = 0.01, 4, 3


@dataclass
class Counts:
    """What the hooks have seen in an epoch: how often each call came, and on which rows."""

    loads: int = 0
    passes: list[list[int]] = field(default_factory=list)
    losses: int = 0
    backwards: int = 0
    updates: list[int] = field(default_factory=list)
    loaded: list[list[int]] = field(default_factory=list)

    def each(self) -> list[int]:
        """Loads, forward passes, losses, backward passes, updates."""
        return [self.loads, len(self.passes), self.losses, self.backwards, len(self.updates)]

    def on_one_load(self) -> int:
        """In how many forward passes the rows are exactly those of one batch of the loader."""
        loaded = {tuple(rows) for rows in self.loaded}
        return sum(tuple(rows) in loaded for rows in self.passes)


def epoch(
    rows: int, batch: int, *, accumulate: int = 1, join: int = 1, drop_last: bool = False
) -> Counts:
    """An epoch of the plain loop on random rows, whose first feature is their number.

    Args:
        rows: how many.
        batch: the loader's batch.
        accumulate: backward passes for an update.
        join: batches of the loader in a forward pass.
        drop_last: whether the rest is left out.
    """
    x = torch.randn(rows, FEATURES, generator=torch.Generator().manual_seed(0))
    x[:, 0] = torch.arange(rows)
    y = torch.arange(rows) % CLASSES
    order = torch.Generator().manual_seed(1)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y),
        batch_size=batch,
        shuffle=True,
        drop_last=drop_last,
        generator=order,
    )
    model, criterion = nn.Linear(FEATURES, CLASSES), nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-9)
    counts = Counts()
    watch(counts, model, criterion, optimiser)
    for number, (inputs, targets) in enumerate(joined(counts, loader, join), 1):
        (criterion(model(inputs), targets) / accumulate).backward()
        if number % accumulate == 0:
            optimiser.step()
            optimiser.zero_grad()
    return counts


def watch(
    counts: Counts, model: nn.Linear, criterion: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Have the calls counted where they arrive."""

    def count_pass(_: nn.Module, inputs: tuple[Tensor, ...], __: Tensor) -> None:
        counts.passes.append(inputs[0][:, 0].int().tolist())

    def count_loss(*_: object) -> None:
        counts.losses += 1

    def count_backward(_: Tensor) -> None:
        counts.backwards += 1

    def count_update(*_: object) -> None:
        counts.updates.append(len(counts.passes[-1]))

    model.register_forward_hook(count_pass)
    criterion.register_forward_hook(count_loss)
    model.bias.register_post_accumulate_grad_hook(count_backward)
    optimiser.register_step_post_hook(count_update)


def joined(
    counts: Counts, loader: torch.utils.data.DataLoader[tuple[Tensor, ...]], join: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The loader's batches, counted, some of them put together."""
    waiting: list[tuple[Tensor, Tensor]] = []
    for inputs, targets in loader:
        counts.loads += 1
        counts.loaded.append(inputs[:, 0].int().tolist())
        waiting.append((inputs, targets))
        if len(waiting) == join:
            x, y = zip(*waiting, strict=True)
            yield torch.cat(x), torch.cat(y)
            waiting = []


def update_off(divide_by: int) -> float:
    """How far the update of the last 40 rows is from the rate times their mean gradient.

    Args:
        divide_by: of their summed losses; 40 makes it the mean.

    Returns:
        The distance over the length of the expected update.
    """
    stream = torch.Generator().manual_seed(2)
    x = torch.randn(REST, FEATURES, generator=stream, dtype=torch.float64)
    y = torch.arange(REST) % CLASSES
    model = nn.Linear(FEATURES, CLASSES).double()
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    # By hand: the gradient of cross-entropy is (probabilities - targets) times the input.
    wrong = functional.softmax(model(x), -1) - functional.one_hot(y, CLASSES)
    expected = -RATE * (wrong.T @ x / REST).detach()
    before = model.weight.detach().clone()
    loss = nn.CrossEntropyLoss(reduction="sum")(model(x), y) / divide_by
    if divide_by == REST:
        loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    optimiser.step()
    moved = model.weight.detach() - before
    return float((moved - expected).norm() / expected.norm())


def weight_of_an_example(rows: int) -> float:
    """By how much a step's loss changes with the loss of one of its examples."""
    outputs = torch.zeros(rows, CLASSES, requires_grad=True)
    targets = torch.zeros(rows, dtype=torch.long)
    singles = functional.cross_entropy(outputs, targets, reduction="none")
    whole = nn.CrossEntropyLoss()(outputs, targets)
    (of_whole,) = torch.autograd.grad(whole, outputs, retain_graph=True)
    (of_single,) = torch.autograd.grad(singles[0], outputs)
    return float(of_whole[0].norm() / of_single[0].norm())


def each_of(rows: int, batch: int, *, accumulate: int = 1) -> Callable[[], list[int]]:
    """The five counts of an epoch."""
    return lambda: epoch(rows, batch, accumulate=accumulate).each()


EXPERIMENT = facts(
    "What happens in one iteration of the plain loop, and is a smaller last batch one too?",
    Fact(
        "C0.05",
        "an epoch of 10,000 rows in batches of 32 has as many loads, forward passes, losses, "
        "backward passes and updates as batches",
        each_of(*LARGE),
        [math.ceil(LARGE[0] / LARGE[1])] * 5,
        each_of(*LARGE, accumulate=4),
        reading="One of each an iteration: the five counts of an epoch, made by hooks, are all "
        "ceil(10,000 / 32) = 313.",
        headline=True,
    ),
    Fact(
        "C0.05",
        "every forward pass is on exactly the rows of one batch of the loader",
        lambda: epoch(*LARGE).on_one_load(),
        math.ceil(LARGE[0] / LARGE[1]),
        lambda: epoch(*LARGE, join=2).on_one_load(),
        reading="On exactly one batch: the rows of all 313 passes are those that one load gave.",
    ),
    Fact(
        "C0.05",
        "with gradients accumulated over 4 batches the five counts are still equal",
        each_of(*LARGE, accumulate=4),
        [math.ceil(LARGE[0] / LARGE[1])] * 5,
        each_of(LARGE[0], 2 * LARGE[1]),
        beyond="gradient accumulation, which chapter 0 treats apart",
    ),
    Fact(
        "C0.13",
        "an epoch of 1,000 rows in batches of 64 has 16 updates",
        lambda: len(epoch(*SMALL).updates),
        16,
        lambda: len(epoch(*SMALL, drop_last=True).updates),
        headline=True,
    ),
    Fact(
        "C0.13",
        "15 of them are on 64 rows and the last on 40",
        lambda: epoch(*SMALL).updates,
        [EACH] * 15 + [REST],
        lambda: epoch(*SMALL, drop_last=True).updates,
    ),
    Fact(
        "C0.13",
        "the last update follows the same rule: the rate times the mean gradient of its rows",
        lambda: update_off(REST),
        0.0,
        lambda: update_off(EACH),
        within=1e-12,
        reading="Just another step: on 40 rows the weights move by the rate times the mean of 40 "
        "gradients, worked out by hand; the distance from it is 0.",
    ),
    Fact(
        "C0.13",
        "an example of the last batch weighs as much as one of the others",
        lambda: weight_of_an_example(REST) / weight_of_an_example(EACH),
        1.0,
        lambda: weight_of_an_example(EACH) / weight_of_an_example(REST),
        within=1e-6,
        beyond="the weight of an example, of which the passage says nothing: it counts steps",
    ),
)
