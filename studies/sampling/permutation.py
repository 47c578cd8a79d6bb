"""Is a shuffled epoch one permutation, drawn at its start, new each time and cut into batches?

A shuffled DataLoader reads three epochs of 10,000 and of 300 numbered examples in batches of 32.
What ``torch.randperm`` gives is written down beside: the batches must be, one after another, the
slices of a permutation that was drawn before the first of them arrived. How often it is called does
not matter (the sampler draws a second permutation at the end of an epoch, and uses none of it):
compared are the examples delivered. Two consecutive slices share no example; two independent draws
of 32 from 10,000 share 32 x 32 / 10,000 = 0.1 on average, which a sampler shows that draws a new
permutation before every batch.

That every epoch has an order of its own is the rule by which ``dataloader/defaults`` judges C2.11.
Two orders of 300 examples agree by chance once in 300! times, those of three once in six.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, pairwise
from typing import Any
from unittest.mock import patch

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
    between,
    equals,
    more_than,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader
from studies.sampling.drawing import FRESH, IN_ORDER, SHUFFLED, flat, loader_of

BATCH, EPOCHS = 32, 3
RESEEDED = "re-seeded"
LOADER = Factor(
    "loader",
    (SHUFFLED, IN_ORDER, FRESH, RESEEDED),
    words={
        SHUFFLED: "",
        FRESH: "a new permutation before every batch",
        RESEEDED: "generator seeded anew before each epoch",
    },
)
ROWS = Factor("rows", (3, 300, 10_000), label="examples")
LARGE = (300, 10_000)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            claim,
            Value("new_orders").at(loader=SHUFFLED, rows=LARGE).always(),
            equals(1),
            reading="Three epochs come in three orders, each of which holds every example once.",
            headline={"rows": 10_000} if claim == "C0.09" else False,
        )
        for claim in ("C0.09", "C2.07")
    ),
    Claim(
        "C0.09",
        Value("same_batches").at(loader=SHUFFLED, rows=LARGE).always(),
        equals(0),
        reading="Batches differ: no batch of one epoch holds the same examples as a batch of "
        "another.",
    ),
    *(
        Claim(
            claim,
            Value("off_slices").at(loader=SHUFFLED, rows=LARGE).always(),
            equals(0),
            reading="Every batch is the next slice of the one permutation that was drawn before "
            "the first batch arrived.",
            headline={"rows": 10_000} if claim == "C2.07" else False,
        )
        for claim in ("C2.07", "C2.08")
    ),
    Claim(
        "C2.08",
        Value("in_common").at(loader=SHUFFLED, rows=10_000).always(),
        equals(0),
        reading="Not independent: two consecutive batches never share an example, where "
        "independent ones share 0.1 on average.",
        headline=True,
    ),
    Beyond(
        "C0.09",
        Value("new_orders").at(loader=RESEEDED, rows=LARGE).always(),
        equals(1),
        why="a generator that is seeded anew before each epoch",
    ),
    Beyond(
        "C0.09",
        Value("new_orders").at(loader=SHUFFLED, rows=3).always(),
        equals(1),
        why="a data set of three examples, whose orders agree by chance",
    ),
    Control(
        "without shuffling no batch is a slice of a permutation drawn",
        Value("off_slices").at(loader=IN_ORDER, rows=LARGE).always(),
        more_than(0),
    ),
    Control(
        "nor is it with a new permutation before every batch",
        Value("off_slices").at(loader=FRESH, rows=LARGE).always(),
        more_than(0),
    ),
    Control(
        "where batches are independent, two share 0.1 examples on average",
        Value("in_common").at(loader=FRESH, rows=10_000).always(),
        between(0.05, 0.16),
    ),
    Control(
        "a generator seeded anew repeats its batches",
        Value("same_batches").at(loader=RESEEDED, rows=LARGE).always(),
        more_than(0),
    ),
)


@contextmanager
def permutations_drawn() -> Iterator[list[list[int]]]:
    """Write down, as they are drawn, all permutations that ``torch.randperm`` gives."""
    drawn: list[list[int]] = []
    randperm = torch.randperm

    def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - randperm's own
        permutation = randperm(*args, **kwargs)
        drawn.append(permutation.tolist())
        return permutation

    with patch("torch.randperm", watched):
        yield drawn


def measure(block: Block, arm: Arm) -> Responses:
    """Read three epochs, with an eye on the permutations."""
    rows, generator = arm[ROWS], torch.Generator()
    if arm[LOADER] == RESEEDED:
        settings: dict[str, Any] = {"batch_size": BATCH, "collate_fn": list, "shuffle": True}
        loader = make_loader(range(rows), generator=generator, **settings)
    else:
        (loader,) = loader_of(arm[LOADER], rows, BATCH)
    epochs, off = [], 0
    for _ in range(EPOCHS):
        generator.manual_seed(block.seed)
        with permutations_drawn() as drawn:
            batches = iter(loader)
            first = next(batches)
            order = next((each for each in drawn if len(each) == rows), [])
            epochs.append([first, *batches])
        off += off_slices(epochs[-1], order)
    return {
        "new_orders": float(new_orders(epochs, rows)),
        "same_batches": float(same_batches(epochs)),
        "off_slices": float(off),
        "in_common": in_common(epochs),
    }


Epoch = Sequence[Sequence[int]]


def new_orders(epochs: Sequence[Epoch], rows: int) -> bool:
    """Whether every epoch is complete and has an order of its own."""
    orders = [flat(epoch) for epoch in epochs]
    complete = all(sorted(order) == [*range(rows)] for order in orders)
    return complete and len({tuple(order) for order in orders}) == len(orders)


def same_batches(epochs: Sequence[Epoch]) -> int:
    """How many batches of an epoch hold the same examples as one of another, over all pairs."""
    sets = [{frozenset(batch) for batch in epoch} for epoch in epochs]
    return sum(len(one & other) for one, other in combinations(sets, 2))


def off_slices(batches: Epoch, order: Sequence[int]) -> int:
    """How many batches are not the next slice of an order; all of them where there is none."""
    start, off = 0, 0
    for batch in batches:
        off += [*batch] != [*order[start : start + len(batch)]]
        start += len(batch)
    return off


def in_common(epochs: Sequence[Epoch]) -> float:
    """How many examples two consecutive batches share, on average over all of them."""
    shared = [len({*a} & {*b}) for epoch in epochs for a, b in pairwise(epoch)]
    return sum(shared) / max(1, len(shared))


EXPERIMENT = Experiment(
    question="Is a shuffled epoch one permutation, drawn at its start and cut into batches?",
    factors=(LOADER, ROWS),
    blocks=PerProfile(2, 10, 40),
    measure=measure,
    responses=(
        Response("new_orders", "yes/no", "three epochs come in three orders, each complete"),
        Response(
            "same_batches", "batches", "number of batches that hold the examples of another epoch's"
        ),
        Response(
            "off_slices",
            "batches",
            "number of batches that are not the next slice of the permutation drawn before the "
            "first of them",
        ),
        Response("in_common", "examples", "number of examples that two consecutive batches share"),
    ),
    claims=CLAIMS,
)
