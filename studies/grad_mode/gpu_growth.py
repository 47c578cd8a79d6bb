"""Does a GPU run out of memory when no_grad is forgotten in the evaluation loop?

The documents' evaluation loop is run without ``no_grad`` over thousands of batches of a transformer
encoder, with the GPU's allocator limited to 8 GiB, and it is recorded whether it runs out, after
how many batches, and by how much a batch the allocated memory grows, in graphs of one batch: the
question of ``eval_growth``, by the same rule. Loops that keep the losses or the outputs as tensors,
which is another bug of document C, show that the limit can be met. No clock is read: a thousand
batches of this size take a GPU some seconds, so that 10,000 batches are the documents' "within
minutes".

The limit is set low on purpose. What does not run out of 8 GiB does not run out of more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

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
    equals,
)
from harness.libraries import functional, nn, torch
from harness.meters import saved_tensors
from harness.workloads import encoder
from studies.grad_mode.eval_growth import A_BATCHS_GRAPH, A_GRAPH, LISTED, MIB, OTHER_BUG

if TYPE_CHECKING:
    from torch import Tensor

KEPT = Factor(
    "kept",
    (LISTED, "losses", "outputs"),
    label="what the loop keeps",
    words={
        LISTED: "the documents' own loop",
        "losses": "a loop that keeps losses",
        "outputs": "a loop that keeps outputs",
    },
)
LIMIT = 8 * 2**30
ROWS, LENGTH, WIDTH, LAYERS = 8, 128, 512, 6

CLAIMS = (
    Claim(
        "C6.12",
        Value("graphs").at(kept=LISTED).always(),
        at_least(A_GRAPH),
        reading="Graphs pile up where each batch of the documents' own loop, which keeps numbers "
        "only, adds at least a tenth of one batch's graph to what is allocated without no_grad.",
    ),
    Claim(
        "C6.12",
        Value("out_of_memory").at(kept=LISTED).always(),
        equals(1),
        reading="And that loop runs out of 8 GiB within 10,000 batches, which stand for minutes.",
        headline=True,
    ),
    Beyond(
        "C6.12",
        Value("graphs").at(kept=("losses", "outputs")).always(),
        at_least(A_GRAPH),
        why=OTHER_BUG,
    ),
    Control(
        "a loop that keeps losses or outputs with their graphs runs out",
        Value("out_of_memory").at(kept=("losses", "outputs")).always(),
        equals(1),
    ),
)


class Cell(NamedTuple):
    """A network in eval mode, a batch, and how often it is evaluated."""

    net: nn.Module
    x: Tensor
    y: Tensor
    batches: int


def prepare(block: Block) -> Cell:
    """A small transformer encoder; the values do not matter to memory."""
    net = encoder(LAYERS, WIDTH, heads=8).to(block.device).eval()
    x = torch.randn(ROWS, LENGTH, WIDTH, device=block.device)
    return Cell(net, x, torch.randn_like(x), block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Evaluate until the batches or the memory are used up."""
    torch.cuda.empty_cache()
    evaluate(cell, LISTED, [0], 2)  # libraries take their workspace
    allocated = [torch.cuda.memory_allocated()]
    with limited(LIMIT):
        try:
            evaluate(cell, arm[KEPT], allocated, cell.batches)
            out = 0.0
        except torch.cuda.OutOfMemoryError:
            out = 1.0
    done = len(allocated) - 1
    growth = (allocated[-1] - allocated[1]) / (done - 1)
    return {
        "out_of_memory": out,
        "batches": float(done),
        "growth": growth / MIB,
        "graphs": growth / graph_bytes(cell),
    }


def graph_bytes(cell: Cell) -> int:
    """What one batch, forward to its loss, keeps for a backward pass."""
    with saved_tensors([*cell.net.parameters(), cell.x, cell.y]) as saved:
        functional.mse_loss(cell.net(cell.x), cell.y)
    return saved.bytes


def evaluate(cell: Cell, keep: str, allocated: list[int], batches: int) -> float:
    """The documents' loop without no_grad; what is allocated after each batch is appended."""
    kept: list[Tensor] = []
    total = 0.0
    for _ in range(batches):
        output = cell.net(cell.x)
        loss = functional.mse_loss(output, cell.y)
        if keep == LISTED:
            total += loss.item() * len(cell.x)
        else:
            kept.append(loss if keep == "losses" else output)
        allocated.append(torch.cuda.memory_allocated())
    return total


@contextmanager
def limited(nbytes: int) -> Iterator[None]:
    """Let torch's allocator have so much of the GPU."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, nbytes / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


EXPERIMENT = Experiment(
    question="Does a GPU run out of memory when no_grad is forgotten in the evaluation loop?",
    factors=(KEPT,),
    blocks=PerProfile(1, 1, 1),
    effort=PerProfile(500, 10_000, 10_000),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("out_of_memory", "yes/no", "the evaluation runs out of 8 GiB"),
        Response("batches", "batches", "the batches evaluated before the end"),
        Response("growth", "MiB", "the growth of allocated memory with each batch"),
        Response("graphs", A_BATCHS_GRAPH, "what each batch adds to allocated memory"),
    ),
    claims=CLAIMS,
    fresh_process=True,
    needs="cuda",
)
