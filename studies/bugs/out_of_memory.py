"""Does a GPU run out of memory when outputs are kept with their graphs?

The loop of ``kept_outputs`` keeps the outputs of up to 1,000 steps of a perceptron on a GPU whose
allocator may take 4 GiB, which is room for some 500 graphs: if every step leaves its graph behind,
as the document says, the memory ends about half-way. Recorded are the step at which it ends and
where the growth of the first steps says that it should.

The limit is low so that the end comes soon; a larger card only takes more steps.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import tower
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    FORM,
    KEPT_FIRST,
    NO_BACKWARD,
    OUTPUTS,
    Keeper,
    loop,
)

if TYPE_CHECKING:
    from torch import Tensor

LIMIT = 4 * 2**30
ROWS, WIDTH, LAYERS, STEPS = 512, 512, 8, 1000
MIB = 2**20
#: Steps whose growth the prediction is made from; the first one makes what stays.
EARLY = 20

CLAIMS = (
    Claim(
        "C5.11",
        Value("out_of_memory").at(form=ATTACHED).always(),
        equals(1),
        reading="Where outputs are kept as they come, an evaluation without no_grad and a training "
        "loop run out of memory within 1,000 steps under a limit that 500 graphs fill.",
    ),
    Control(
        "detached outputs leave room",
        Value("out_of_memory").at(form=DETACHED).always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """A network and a batch."""

    net: nn.Sequential
    batch: tuple[Tensor, Tensor]


def prepare(block: Block) -> Cell:
    """The values do not matter to memory."""
    net = tower(LAYERS, WIDTH).to(block.device)
    x = torch.randn(ROWS, WIDTH, device=block.device)
    return Cell(net, (x, torch.randint(WIDTH, (ROWS,), device=block.device)))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Keep outputs until the steps or the memory are used up."""
    net, keeper = copy.deepcopy(cell.net), Keeper(OUTPUTS, arm[FORM])
    loop(net, [cell.batch] * 2, Keeper(OUTPUTS, DETACHED), arm[BACKWARD], lambda: None)
    torch.cuda.empty_cache()  # libraries have taken their workspace
    allocated = [torch.cuda.memory_allocated()]

    def note() -> None:
        allocated.append(torch.cuda.memory_allocated())

    out = 0.0
    with limited(LIMIT):
        try:
            loop(net, [cell.batch] * STEPS, keeper, arm[BACKWARD], note)
        except torch.cuda.OutOfMemoryError:
            out = 1.0
    steps = len(allocated) - 1
    growth = (allocated[min(EARLY, steps)] - allocated[1]) / (min(EARLY, steps) - 1)
    return {
        "out_of_memory": out,
        "steps": float(steps),
        "growth": growth / MIB,
        "predicted": (LIMIT - allocated[1]) / growth + 1,
    }


@contextmanager
def limited(nbytes: int) -> Iterator[None]:
    """Let torch's allocator have so much of the GPU."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, nbytes / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _needed(arm: Arm) -> bool:
    """Both loops, attached and detached."""
    return arm[BACKWARD] in (NO_BACKWARD, KEPT_FIRST) and arm[FORM] in (ATTACHED, DETACHED)


EXPERIMENT = Experiment(
    question="Does a GPU run out of memory when outputs are kept with their graphs?",
    factors=(FORM, BACKWARD),
    only=_needed,
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("out_of_memory", "1", "out of memory"),
        Response("steps", "steps", "steps"),
        Response("growth", "MiB", "growth"),
        Response("predicted", "steps", "predicted"),
    ),
    claims=CLAIMS,
    fresh_process=True,
    needs="cuda",
)
