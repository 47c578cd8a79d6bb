"""Are the numbers printed below document D's listings those that the listings give?

Listings 1, 2 and 3 are run with their own seeds, 42, 7 and 0, and then with 20 others. Every
printed number is compared with what its seed gives, at the precision printed; that is judged.
Whether the other seeds reach it is shown beside it. ``printed`` has the numbers and the rule, the
programs stand in ``three_penalties``, ``dropout_demo`` and ``six_strategies``. Whether arithmetic
allows a number at all is asked in ``possible``.

There is one block: the seeds are its rounds. What a training on rounded numbers ends in depends on
the processor in its last digits; a verdict speaks for this machine, with one thread. The controls:
what the document's seed gives lies near the other seeds' range, or the programs side by side would
be others than the listings; and a number off by one in its last printed digit is not as printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
)
from harness.workloads import six_strategies, three_penalties
from studies.listings import dropout_demo
from studies.listings.figures import printed_against_found, strategy_table
from studies.listings.printed import NUMBERS, OTHERS, rules

if TYPE_CHECKING:
    Found = Mapping[str, float]

BY_NAME = {each.name: each for each in NUMBERS}
NUMBER = Factor("number", tuple(BY_NAME))

#: Widths of the other seeds' range by which the document's seed may lie outside of it.
NEAR = 3.0

CLAIMS = (
    *rules(NUMBERS),
    Control(
        "the document's seed gives numbers like those of other seeds",
        Value("apart").always(),
        at_most(NEAR),
    ),
    Control(
        "one more in the last printed digit is another number",
        Value("altered_agrees").always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("as_printed", "yes/no", "{number} is as printed, with the document's seed"),
    Response("within_range", "yes/no", "{number} as printed is in the range of the other seeds"),
    Response("found", "1", "{number} with the document's seed"),
    Response("at_other_seeds", "1", "{number} with other seeds"),
    Response("apart", "ranges", "how far {number} lies outside the other seeds' range"),
    Response("altered_agrees", "yes/no", "{number} off by one in its last digit is as printed"),
)


class Cell(NamedTuple):
    """What the listings give with the document's seeds, and with others."""

    found: Found
    others: Sequence[Found]


def prepare(block: Block) -> Cell:
    """Run all three listings; ``block.effort`` is how many percent of their epochs."""
    epochs = {
        listing: max(1, listing.EPOCHS * block.effort // 100)
        for listing in (three_penalties, six_strategies)
    }
    seeds = other_seeds(block.seed)
    found: dict[str, float] = dict(dropout_demo.listing())
    others = [dict(dropout_demo.listing(seed)) for seed in seeds]
    for listing, count in epochs.items():
        found |= listing.listing(epochs=count)
        more = listing.at_seeds(seeds, count)
        others = [known | new for known, new in zip(others, more, strict=True)]
    return Cell(found, others)


def other_seeds(seed: int) -> list[int]:
    """As many seeds as the rule asks for, no two of them alike and none of a document."""
    documents = {each.SEED for each in (three_penalties, dropout_demo, six_strategies)}
    drawn = np.random.default_rng(seed).integers(1000, 2**31, 2 * OTHERS).tolist()
    return [each for each in dict.fromkeys(drawn) if each not in documents][:OTHERS]


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare one printed number with what was found."""
    number = BY_NAME[arm[NUMBER]]
    found = cell.found[number.name]
    others = [each[number.name] for each in cell.others]
    low, high = (number.as_text(end) for end in (min(others), max(others)))
    return {
        "as_printed": Noted(
            float(number.is_as_printed(found)),
            f"printed {number.text}, its seed gives {number.as_text(found)}",
        ),
        "within_range": Noted(
            float(number.is_within(others)),
            f"printed {number.text}, {len(others)} other seeds give {low} to {high}",
        ),
        "found": found,
        "at_other_seeds": others,
        "apart": outside(found, others, number.step),
        "altered_agrees": float(number.as_text(found + number.step) == number.as_text(found)),
    }


def outside(found: float, others: Sequence[float], step: float) -> float:
    """How far a number lies outside the range of others, in widths of the range.

    Args:
        found: the number.
        others: those it is compared with.
        step: of what is printed; a narrower range counts as this wide.
    """
    low, high = min(others), max(others)
    return max(low - found, found - high, 0.0) / max(high - low, step)


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Are the printed numbers those that the listings give?",
    factors=(NUMBER,),
    blocks=PerProfile(1, 1, 1),
    effort=PerProfile(2, 100, 100),  # percent of the listings' epochs
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(printed_against_found, strategy_table),
)
