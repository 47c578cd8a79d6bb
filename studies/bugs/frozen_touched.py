"""How many numbers does an optimiser's step touch for frozen layers that it still knows?

A perceptron is trained for 20 steps and frozen but for its last layer; then one more training step
is taken with the old optimiser, which still has the frozen layers, and with one built after
freezing from what is trainable. Every operation inside of ``optimizer.step()`` is seen, and the
numbers in the tensors that it is given are added up: parameters, gradients and moments, as often as
an operation reads them. That is the work of the step, exact, and the same on every machine.

"Wasted compute" is read as numbers touched for nothing: more with the old optimiser than with the
new one. The document's listing has Adam and ``zero_grad()`` as it is, which leaves None; other
optimisers, and gradients reset to zeros as before PyTorch 2, stand beside it. So do the bytes that
the old optimiser keeps for frozen layers, which are memory and no compute; what the clock says is
in ``frozen_cost``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

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
    at_least,
)
from harness.libraries import nn, torch
from harness.meters import total_bytes
from harness.workloads import mlp
from studies.bugs.freezing import (
    OPTIMISER,
    OPTIMISERS,
    Zeroing,
    freeze,
    trainable,
    training_step,
)

if TYPE_CHECKING:
    from torch import Tensor

FEATURES, CLASSES, ROWS, HIDDEN = 64, 10, 64, 256
EARLIER = 20
LISTED = "Adam"
STALE, FRESH = "before freezing", "after freezing"
BUILT = Factor(
    "built",
    (FRESH, STALE),
    control=FRESH,
    words={FRESH: "optimiser built after freezing", STALE: "optimiser built before freezing"},
)
TO_NONE, TO_ZEROS = "to None", "to zeros"
ZEROINGS = {TO_NONE: Zeroing("None"), TO_ZEROS: Zeroing("zeros")}
ZEROED = Factor(
    "zeroed",
    tuple(ZEROINGS),
    words={TO_NONE: "gradients reset as by default", TO_ZEROS: "gradients reset to zeros"},
)
OTHERS = tuple(name for name in OPTIMISERS if name != LISTED)

RESPONSES = (
    Response("touched", "numbers", "the count of numbers that the optimiser's step touches"),
    Response("state", "KiB", "the optimiser's state at the end"),
)

CLAIMS = (
    Claim(
        "C5.15",
        Difference("touched", BUILT).at(built=STALE, zeroed=TO_NONE, optimiser=LISTED).always(),
        at_least(1),
        reading="Wasted: with the listing's Adam and zero_grad() as it is by default, the step of "
        "the optimiser built before freezing touches at least one number more than that of one "
        "built after it.",
        headline=True,
    ),
    Beyond(
        "C5.15",
        Difference("touched", BUILT).at(built=STALE, zeroed=TO_NONE, optimiser=OTHERS).always(),
        at_least(1),
        why="other optimisers than the listing's Adam",
    ),
    Beyond(
        "C5.15",
        Difference("touched", BUILT).at(built=STALE, zeroed=TO_ZEROS).always(),
        at_least(1),
        why="gradients reset to zeros, as zero_grad() did before PyTorch 2",
    ),
    Beyond(
        "C5.15",
        Difference("state", BUILT).at(built=STALE, zeroed=TO_NONE).always(),
        at_least(1),
        why="state kept for frozen layers, which is memory and not compute",
        reading="The optimiser built before freezing keeps at least 1 KiB more.",
    ),
    Control(
        "a step touches at least what it trains, with its gradient",
        Value("touched").always(),
        at_least(2 * (HIDDEN + 1) * CLASSES),
    ),
)


class Cell(NamedTuple):
    """An untrained network and a batch."""

    net: nn.Sequential
    batch: tuple[Tensor, Tensor]


def prepare(block: Block) -> Cell:
    """Random weights and a random batch."""
    x = torch.randn(ROWS, FEATURES, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return Cell(mlp(FEATURES, CLASSES, hidden=HIDDEN).to(block.device), (x, y))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train, freeze, and count the numbers of the next step."""
    net, make, zeroing = copy.deepcopy(cell.net), OPTIMISERS[arm[OPTIMISER]], ZEROINGS[arm[ZEROED]]
    optimiser = make(net.parameters())
    for _ in range(EARLIER):
        training_step(net, optimiser, cell.batch, zeroing)
    freeze(net[:-1].parameters())
    if arm[BUILT] == FRESH:
        optimiser = make(trainable(net))
    # The first step after freezing makes the state of a new optimiser.
    training_step(net, optimiser, cell.batch, zeroing)
    touched = count_in_step(optimiser, lambda: training_step(net, optimiser, cell.batch, zeroing))
    state = total_bytes([dict(each) for each in optimiser.state.values()])
    return {"touched": float(touched), "state": state / 2**10}


@dataclass
class Count:
    """Numbers in the tensors that operations were given."""

    numbers: int = 0


def count_in_step(optimiser: torch.optim.Optimizer, run: Callable[[], None]) -> int:
    """How many numbers the operations in the optimiser's steps are given while something runs."""
    count, step = Count(), optimiser.step

    def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as it is called
        with given_numbers(count):
            return step(*args, **kwargs)

    optimiser.step = counted  # type: ignore[method-assign]  # of this one optimiser, for this run
    try:
        run()
    finally:
        del optimiser.step
    return count.numbers


@contextmanager
def given_numbers(count: Count) -> Iterator[None]:
    """Add up the numbers in the tensors that operations are given."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401 - torch's own signature
            types: Sequence[type],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 - whatever the operation returns
            leaves = tree_leaves((args, kwargs or {}))
            count.numbers += sum(x.numel() for x in leaves if isinstance(x, torch.Tensor))
            return func(*args, **(kwargs or {}))

    with Watch():  # type: ignore[no-untyped-call]  # torch's constructor has no annotations
        yield


EXPERIMENT = Experiment(
    question="How many numbers does an optimiser's step touch for frozen layers it still knows?",
    factors=(BUILT, ZEROED, OPTIMISER),
    blocks=PerProfile(1, 3, 3),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
