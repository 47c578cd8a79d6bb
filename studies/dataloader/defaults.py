"""What does a DataLoader do when it is told nothing?

Each argument is checked twice: the default that stands in the signature, or that the loader puts in
its place, and what a loader does in deed that was not given the argument. Samplers are checked in
the main process and with workers, over several epochs. Without a GPU nothing can be pinned: there
the loader's own word has to do for its deed.

Two shuffled epochs of 100 rows have the same order by chance once in 100! times; of 3 rows, it
would be once in 6.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
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
    at_most,
    equals,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader
from studies.dataloader.processes import Whereabouts, makers

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

ROWS, BATCH, EPOCHS = 100, 16, 3

SETTINGS = ("batch_size", "shuffle", "num_workers", "drop_last", "pin_memory")
IN_ORDER, SHUFFLED = "sampler", "sampler with shuffle=True"
ARGUMENT = Factor(
    "argument",
    (*SETTINGS, "collate_fn", "persistent_workers", IN_ORDER, SHUFFLED),
    words={
        "batch_size": "batch size",
        "shuffle": "shuffling",
        "num_workers": "number of workers",
        "drop_last": "dropping the last batch",
        "pin_memory": "pinned memory",
        "collate_fn": "collation",
        "persistent_workers": "persistent workers",
        IN_ORDER: "sampler without shuffling",
        SHUFFLED: "sampler with shuffling",
    },
)
WORKERS = Factor("workers", (0, 2), words={0: "", 2: "2 workers"})


def both(
    claim: str,
    argument: str | tuple[str, ...],
    default: str,
    deed: str,
    headline: bool | dict[str, Level] = False,
) -> tuple[Claim, Claim]:
    """The default is what the claim says, and the loader acts so."""
    declared, acts = Value("declared"), Value("acts")
    return (
        Claim(claim, declared.at(argument=argument).always(), equals(1.0), default),
        Claim(claim, acts.at(argument=argument).always(), equals(1.0), deed, headline=headline),
    )


CLAIMS = (
    *both(
        "C1.08",
        SETTINGS,
        "The default in the signature is the one that is stated; None counts as False where the "
        "loader takes it so.",
        "A loader that is not given the argument acts as the stated default says.",
        headline={"argument": "batch_size"},
    ),
    *both(
        "C1.09",
        "collate_fn",
        "A loader that batches and is given no collation has the default one.",
        "A batch is what the default collation makes of its examples by hand.",
        headline=True,
    ),
    *both(
        "C2.10",
        IN_ORDER,
        "Without shuffling the loader's sampler is exactly a SequentialSampler.",
        "Three epochs come in the order of the rows.",
        headline={"workers": 0},
    ),
    *both(
        "C2.11",
        SHUFFLED,
        "With shuffling the loader's sampler is exactly a RandomSampler.",
        "Three epochs come in three orders, each of which holds every row once.",
        headline={"workers": 0},
    ),
    Claim(
        "C9.08",
        Value("declared").at(argument="persistent_workers").always(),
        equals(1.0),
        reading="The default in the signature is False.",
    ),
    Control(
        "a shuffled epoch leaves few rows where they are",
        Value("in_place").at(argument=SHUFFLED).always(),
        at_most(0.2),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Whether the default is declared as claimed, and whether a loader acts so."""
    given: dict[str, Any] = {"num_workers": arm[WORKERS]} if arm[WORKERS] else {}
    if arm[ARGUMENT] == SHUFFLED:
        given["shuffle"] = True
    first = rows_of(make_loader(range(ROWS), **given))
    return {
        "declared": float(DECLARED[arm[ARGUMENT]](make_loader(range(ROWS), **given))),
        "acts": float(ACTS[arm[ARGUMENT]](given)) if arm[ARGUMENT] in ACTS else math.nan,
        "in_place": sum(row == place for place, row in enumerate(first)) / ROWS,
    }


def rows_of(loader: DataLoader[Any]) -> list[int]:
    """The rows of an epoch, in the order they came."""
    return [int(row) for batch in loader for row in batch]


def default_is(argument: str, claimed: int) -> Callable[[DataLoader[Any]], bool]:
    """Whether the signature's default is the claimed one, None being taken for False."""

    def check(_: DataLoader[Any]) -> bool:
        default = inspect.signature(torch.utils.data.DataLoader).parameters[argument].default
        return bool((False if default is None else default) == claimed)

    return check


def sampler_is(name: str) -> Callable[[DataLoader[Any]], bool]:
    """Whether the loader's sampler is exactly of a class."""
    return lambda loader: type(loader.sampler) is getattr(torch.utils.data, name)


DECLARED: dict[str, Callable[[DataLoader[Any]], bool]] = {
    "batch_size": default_is("batch_size", 1),
    "shuffle": default_is("shuffle", False),
    "num_workers": default_is("num_workers", 0),
    "drop_last": default_is("drop_last", False),
    "pin_memory": default_is("pin_memory", False),
    "collate_fn": lambda loader: loader.collate_fn is torch.utils.data.default_collate,
    "persistent_workers": default_is("persistent_workers", False),
    IN_ORDER: sampler_is("SequentialSampler"),
    SHUFFLED: sampler_is("RandomSampler"),
}


def in_order(given: dict[str, Any]) -> bool:
    """Every epoch comes in the order of the rows."""
    loader = make_loader(range(ROWS), **given)
    return all(rows_of(loader) == [*range(ROWS)] for _ in range(EPOCHS))


def in_new_orders(given: dict[str, Any]) -> bool:
    """Every epoch comes in an order of its own, and complete."""
    loader = make_loader(range(ROWS), **given)
    orders = [rows_of(loader) for _ in range(EPOCHS)]
    complete = all(sorted(order) == [*range(ROWS)] for order in orders)
    return complete and len({tuple(order) for order in orders}) == EPOCHS


def with_last(given: dict[str, Any]) -> bool:
    """The rest that fills no batch comes as a smaller one."""
    sizes = [len(batch) for batch in make_loader(range(ROWS), batch_size=BATCH, **given)]
    return sizes == [BATCH] * (ROWS // BATCH) + [ROWS % BATCH]


def collated(given: dict[str, Any]) -> bool:
    """A batch of pairs is what the default collation makes of them by hand."""
    pairs = [(torch.tensor([float(row)]), f"row {row}") for row in range(BATCH)]
    rows, names = next(iter(make_loader(pairs, batch_size=BATCH, **given)))
    expected_rows, expected_names = torch.utils.data.default_collate(pairs)
    return bool(torch.equal(rows, expected_rows)) and names == expected_names


def unpinned(given: dict[str, Any]) -> bool:
    """No batch is pinned, and the loader would pin none if there were a GPU."""
    loader = make_loader(range(ROWS), **given)
    return not loader.pin_memory and not any(batch.is_pinned() for batch in loader)


#: What persistent workers do is a question of its own (``processes``).
ACTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "batch_size": lambda given: {len(b) for b in make_loader(range(ROWS), **given)} == {1},
    "shuffle": in_order,
    "num_workers": lambda given: set(makers(make_loader(Whereabouts(ROWS), **given))) == _this(),
    "drop_last": with_last,
    "pin_memory": unpinned,
    "collate_fn": collated,
    IN_ORDER: in_order,
    SHUFFLED: in_new_orders,
}


def _this() -> set[int]:
    return {Whereabouts(1)[0]}


def _needed(arm: Arm) -> bool:
    """Workers where they can matter."""
    return arm[WORKERS] == 0 or arm[ARGUMENT] in (IN_ORDER, SHUFFLED)


EXPERIMENT = Experiment(
    question="What does a DataLoader do when it is told nothing?",
    factors=(ARGUMENT, WORKERS),
    only=_needed,
    blocks=PerProfile(1, 3, 10),
    measure=measure,
    responses=(
        Response("declared", "yes/no", "the default is the stated one"),
        Response("acts", "yes/no", "a loader that is not told otherwise acts as stated"),
        Response("in_place", "1", "the share of rows that come where they would without shuffling"),
    ),
    claims=CLAIMS,
)
