"""Does one input give one output in eval mode?

Networks of different kinds are put into eval mode and meet the same batch again and again; counted
are the different outputs, bit by bit. Some are built to fail: ``eval()`` speaks to modules, so that
a dropout rate written into ``functional.dropout`` or ``scaled_dot_product_attention`` does not hear
of it, and fractional max pooling draws its regions in both modes. Sums by ``index_add`` are those
that use atomic additions on a GPU, where their order is free; the code is the same here.

A second question is whether a row gives the same output alone as within a batch: the arithmetic is
the same, but the order of additions in a matrix product may depend on the number of rows.

Weights are random, and the running statistics of batch norm are those of one training batch:
whether a pass can be repeated does not depend on how well the network does. The verdicts speak for
small networks in one process, on the device of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

ROWS, WIDTH, NODES, EDGES = 32, 64, 16, 256

MODULES = "dropout modules", "batch norm", "transformer layer", "index_add", "fractional max pool"
FOLLOWS = "functional dropout, training=self.training", "attention, dropout_p=0 if not training"
FIXED = "functional dropout, training left at True", "attention, dropout_p=0.1 always"
#: Where nothing is drawn in eval mode, so that a row alone can be compared with the row in a batch.
DRAWLESS = (*MODULES[:4], *FOLLOWS)

MODE = Factor("mode", ("eval", "train"), control="eval")
NET = Factor("net", (*MODULES, *FOLLOWS, *FIXED))
THREADS = Factor("threads", (1, 2), control=1)

PROMISE = (
    "Bit for bit over all passes, the same batch each time. Promised of eval(), not of one module: "
    "networks that draw random numbers whatever the mode count as well."
)

CLAIMS = (
    Claim(
        "A-eval-2",
        Value("outputs").at(mode="eval").always(),
        equals(1.0),
        reading=PROMISE,
    ),
    Claim(
        "A-eval-2",
        Value("alone_gap").at(mode="eval", net=DRAWLESS).always(),
        equals(0.0),
        reading="The same row alone and within a batch, bit for bit.",
    ),
    Claim(
        "A-eval-2",
        Value("alone_gap").at(mode="eval", net=DRAWLESS).always(),
        equals(0.0, within=1e-5),
        reading="The same row alone and within a batch, to the rounding of float32: the largest "
        "gap is at most 1e-5 of the largest output.",
    ),
    Claim("C4.13", Value("outputs").at(mode="eval").always(), equals(1.0), reading=PROMISE),
    Claim(
        "D-dbg-4",
        Value("outputs").at(mode="eval", net=(MODULES[0], *FOLLOWS)).always(),
        equals(1.0),
        reading="Repeats must be identical once eval() is called, where dropout listens to it.",
    ),
    Claim(
        "D-dbg-4",
        Value("outputs").at(mode="eval", net=FIXED).always(),
        at_least(2.0),
        reading="The cause it says to look for exists: with a dropout argument that stays above "
        "zero, repeats differ after eval().",
    ),
    Control(
        "the count sees dropout left on",
        Value("outputs").at(mode="train", net=MODULES[0]).always(),
        at_least(2.0),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    rows: Tensor


def prepare(block: Block) -> Cell:
    """The batch that every network meets."""
    return Cell(block, torch.randn(ROWS, WIDTH, device=block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Pass one batch through a network many times, and some of its rows alone."""
    net = NETS[arm[NET]]().to(cell.rows.device)
    net.train()(torch.randn_like(cell.rows))  # gives batch norm statistics to run on
    net.train(arm[MODE] == "train")
    # Threads that wait for each other are dear where the machine does other work as well.
    passes = cell.block.effort // (1 if arm[THREADS] == 1 else 8)
    with torch.no_grad(), threads(arm[THREADS]):
        outputs = [net(cell.rows) for _ in range(passes)]
        alone = torch.cat([net(row) for row in cell.rows[:2].split(1)])
    gap = (alone - outputs[0][:2]).abs().max() / outputs[0].abs().max()
    different = {output.cpu().numpy().tobytes() for output in outputs}
    return {"outputs": float(len(different)), "alone_gap": gap.item()}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run with a number of intra-op threads, and put the old number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def applied(function: Callable[[Tensor, bool], Tensor]) -> nn.Module:
    """A module that calls a function of its input and of whether it is in train mode."""

    class Applied(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return function(x, self.training)

    return Applied()


def between_linears(*middle: nn.Module) -> nn.Module:
    """Rows of 64 numbers, through something 256 wide, to 10 outputs."""
    return nn.Sequential(nn.Linear(WIDTH, 256), nn.ReLU(), *middle, nn.Linear(256, 10))


def batch_norm() -> nn.Module:
    """A small CNN with batch norm; rows are 8 x 8 images."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.Flatten(),
        nn.Linear(16 * 64, 10),
    )


def fractional_max_pool() -> nn.Module:
    """A small CNN whose pooling regions are drawn at random."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.FractionalMaxPool2d(2, output_ratio=0.7),
        nn.Flatten(),
        nn.LazyLinear(10),
    )


def transformer_layer() -> nn.Module:
    """An encoder layer with its default dropout; rows are 8 tokens of 8 numbers."""
    return nn.Sequential(
        nn.Unflatten(1, (8, 8)),
        nn.Linear(8, 32),
        nn.TransformerEncoderLayer(32, 4, 64, batch_first=True),
        nn.Flatten(),
        nn.Linear(8 * 32, 10),
    )


def graph_sums() -> nn.Module:
    """Sums over the edges of a random graph with ``index_add``; rows are 16 nodes of 4 numbers."""
    start, end = torch.randint(NODES, (2, EDGES))

    def sum_over_edges(x: Tensor, _: bool) -> Tensor:
        messages = x.index_select(1, start.to(x.device))
        return torch.zeros_like(x).index_add(1, end.to(x.device), messages)

    return nn.Sequential(
        nn.Unflatten(1, (NODES, WIDTH // NODES)),
        nn.Linear(WIDTH // NODES, 32),
        applied(sum_over_edges),
        nn.Flatten(),
        nn.Linear(NODES * 32, 10),
    )


def attention(dropout_p: Callable[[bool], float]) -> nn.Module:
    """Attention of 16 tokens of 16 numbers with a dropout rate that is an argument."""

    def attend(x: Tensor, training: bool) -> Tensor:
        tokens = x.unflatten(1, (16, 16))
        mixed = functional.scaled_dot_product_attention(
            tokens, tokens, tokens, dropout_p=dropout_p(training)
        )
        return mixed.flatten(1)

    return between_linears(applied(attend))


NETS: dict[str, Callable[[], nn.Module]] = {
    MODULES[0]: lambda: between_linears(nn.Dropout(0.1)),
    MODULES[1]: batch_norm,
    MODULES[2]: transformer_layer,
    MODULES[3]: graph_sums,
    MODULES[4]: fractional_max_pool,
    FOLLOWS[0]: lambda: between_linears(
        applied(lambda x, training: functional.dropout(x, 0.1, training=training))
    ),
    FOLLOWS[1]: lambda: attention(lambda training: 0.1 if training else 0.0),
    FIXED[0]: lambda: between_linears(applied(lambda x, _: functional.dropout(x, 0.1))),
    FIXED[1]: lambda: attention(lambda _: 0.1),
}


def _needed(arm: Arm) -> bool:
    """Two threads where nothing is drawn by design; train mode once, as a control."""
    if arm[MODE] == "train":
        return arm[NET] == MODULES[0] and arm[THREADS] == 1
    return arm[THREADS] == 1 or arm[NET] in MODULES[:4]


EXPERIMENT = Experiment(
    question="Does one input give one output in eval mode?",
    factors=(MODE, NET, THREADS),
    only=_needed,
    blocks=PerProfile(8, 20, 40),
    effort=PerProfile(16, 100, 100),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("outputs", "1", "outputs"),
        Response("alone_gap", "1", "alone gap"),
    ),
    claims=CLAIMS,
)
