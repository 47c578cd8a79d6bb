"""Does one input give one output in eval mode?

One dropout layer, and networks that hold some, are put into eval mode and meet the same batch again
and again; counted are the passes that give another output than the first, bit by bit. The same
networks in train mode answer the opposite question: does every pass give another output?

Several passages promise that an output repeats in eval mode; they are judged alike, on modules that
listen to ``eval()``. What the promise does not cover is measured by the same rule and shown beyond
the words: a dropout rate written into ``functional.dropout`` or ``scaled_dot_product_attention``
(one passage names this as the thing to look for, and is judged on it), fractional max pooling,
which draws its regions in both modes, sums by ``index_add`` (atomic additions on a GPU, in an order
that is free), other numbers of threads, and a row alone instead of within a batch.

Weights are random, and the running statistics of batch norm are those of one training batch:
whether a pass can be repeated does not depend on how well the network does. The verdicts speak for
small networks in one process, on the device of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

ROWS, WIDTH, NODES, EDGES = 32, 64, 16, 256

LAYER, PERCEPTRON, CNN, TRANSFORMER = (
    "one dropout layer",
    "perceptron with dropout",
    "CNN with batch norm and dropout",
    "transformer layer with dropout",
)
#: Networks whose dropout consists of modules that eval() reaches.
DROPPING = (LAYER, PERCEPTRON, CNN, TRANSFORMER)
FOLLOWS = "functional dropout that follows the mode", "attention whose dropout follows the mode"
FIXED = "functional dropout that is always on", "attention whose dropout is always on"
SUMS, POOLING = "sums by index_add", "fractional max pooling"
#: Where nothing is drawn in eval mode, so that a row alone can be compared with the row in a batch.
DRAWLESS = (*DROPPING, *FOLLOWS, SUMS)

MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)
NET = Factor("net", (*DROPPING, *FOLLOWS, *FIXED, SUMS, POOLING))
THREADS = Factor("threads", (1, 2), control=1, words={1: "", 2: "two threads"})

RESPONSES = (
    Response("others", "passes", "number of passes that give another output than the first"),
    Response("repeated", "passes", "number of passes that repeat an earlier output"),
    Response("alone_differs", "yes/no", "a row alone gives other bits than within its batch"),
    Response(
        "alone_gap",
        "1",
        "largest distance of a row alone from the row in its batch, over the largest output",
    ),
)

SAME_AGAIN = "Deterministic: the same batch again gives the same output, bit for bit."
NEVER_AGAIN = "No pass over one input repeats the output of an earlier pass, bit for bit."
OTHER_CALL = "a row alone instead of within its batch, which is another call"

#: Networks that the promise of eval() does not cover, and why.
NOT_MEANT: dict[tuple[str, ...], str] = {
    FOLLOWS: "dropout that is called as a function and follows the mode",
    FIXED: "dropout that is called as a function and never switched off",
    (SUMS,): "sums whose order is free on a GPU; no dropout is involved",
    (POOLING,): "pooling regions that are drawn in both modes; no dropout is involved",
}


def _deterministic(claim: str, headline: dict[str, Level]) -> Iterator[Claim | Beyond]:
    """The one rule of all the passages that promise the same output again in eval mode."""
    again = Value("others").at(mode="eval").always()
    yield Claim(
        claim,
        again.at(net=DROPPING, threads=1),
        equals(0.0),
        reading=SAME_AGAIN,
        headline=headline,
    )
    yield Beyond(
        claim,
        again.at(net=DROPPING, threads=2),
        equals(0.0),
        why="two threads, whose work may be split another way each time",
        reading=SAME_AGAIN,
    )
    for nets, why in NOT_MEANT.items():
        if claim == "D-dbg-4" and nets == FIXED:
            continue  # the exception that it names
        yield Beyond(claim, again.at(net=nets), equals(0.0), why=why, reading=SAME_AGAIN)


def _other_call(claim: str) -> Iterator[Beyond]:
    alone: dict[str, Level | tuple[Level, ...]] = {"mode": "eval", "net": DRAWLESS}
    yield Beyond(
        claim,
        Value("alone_differs").at(**alone).always(),
        equals(0.0),
        why=OTHER_CALL,
        reading="A row alone gives the bits that it gives within its batch.",
    )
    yield Beyond(
        claim,
        Value("alone_gap").at(**alone).always(),
        at_most(1e-5),
        why=OTHER_CALL,
        reading="A row alone gives what it gives within its batch, to the rounding of float32: the "
        "largest distance is at most 1e-5 of the largest output.",
    )


def _different_each_time(claim: str) -> Claim:
    """The one rule of the passages that say that no pass in train mode is like another."""
    return Claim(
        claim,
        Value("repeated").at(mode="train", net=NETWORKS, threads=1).always(),
        equals(0.0),
        reading=NEVER_AGAIN,
    )


NETWORKS = (PERCEPTRON, CNN, TRANSFORMER)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *_deterministic("A-eval-2", {"net": PERCEPTRON}),
    *_other_call("A-eval-2"),
    *_deterministic("C4.13", {"net": LAYER}),
    *_deterministic("D-dbg-4", {"net": PERCEPTRON}),
    Claim(
        "D-dbg-4",
        Value("others").at(mode="eval", net=FIXED).always(),
        at_least(1.0),
        reading="The cause that it says to look for exists: with a dropout argument that stays "
        "above zero, repeats differ after eval().",
    ),
    _different_each_time("A-train-4"),
    _different_each_time("C4.12"),
    Control(
        "the count sees dropout left on",
        Value("others").at(mode="train", net=PERCEPTRON).always(),
        at_least(1.0),
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
    within = outputs[0][: len(alone)]
    different = len({output.cpu().numpy().tobytes() for output in outputs})
    return {
        "others": float(sum(not torch.equal(output, outputs[0]) for output in outputs)),
        "repeated": float(passes - different),
        "alone_differs": float(not torch.equal(alone, within)),
        "alone_gap": float((alone - within).abs().max() / outputs[0].abs().max()),
    }


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


def convolutional() -> nn.Module:
    """A small CNN with batch norm and dropout; rows are 8 x 8 images."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.Flatten(),
        nn.Dropout(0.1),
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
    LAYER: lambda: nn.Dropout(0.1),
    PERCEPTRON: lambda: between_linears(nn.Dropout(0.1)),
    CNN: convolutional,
    TRANSFORMER: transformer_layer,
    SUMS: graph_sums,
    POOLING: fractional_max_pool,
    FOLLOWS[0]: lambda: between_linears(
        applied(lambda x, training: functional.dropout(x, 0.1, training=training))
    ),
    FOLLOWS[1]: lambda: attention(lambda training: 0.1 if training else 0.0),
    FIXED[0]: lambda: between_linears(applied(lambda x, _: functional.dropout(x, 0.1))),
    FIXED[1]: lambda: attention(lambda _: 0.1),
}


def _needed(arm: Arm) -> bool:
    """Train mode for networks with dropout; two threads where nothing is drawn by design."""
    if arm[MODE] == "train":
        return arm[NET] in NETWORKS and arm[THREADS] == 1
    return arm[THREADS] == 1 or arm[NET] in (*DROPPING, SUMS)


EXPERIMENT = Experiment(
    question="Does one input give one output in eval mode?",
    factors=(MODE, NET, THREADS),
    only=_needed,
    blocks=PerProfile(8, 20, 40),
    effort=PerProfile(16, 100, 100),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
