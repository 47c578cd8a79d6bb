"""What "noisy" means of repeated validations: one rule for all the claims that say it.

Three passages of document C say that a validation set gives other numbers each time, or a noisy
accuracy, when eval() is forgotten. They are judged alike: fixed weights are validated 20 times or
more, and the numbers that a log would show must differ, the mean loss to its four printed decimals
in nearly every pair of validations, and the accuracy by a range that a reader would see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness import Beyond, Claim, Factor, Level, Response, Responses, Value, at_least

if TYPE_CHECKING:
    from torch import Tensor

#: The claims that say it, each once.
SAY_SO = ("C4.01", "C3.32", "C5.06")

REPEATS = 20  # a range widens with the number of validations, so that it is fixed
DECIMALS = 4  # of a loss in a training log
UNEQUAL = 0.95
VISIBLE = 0.01  # one point of accuracy: the catalogue's margin

RESPONSES = (
    Response(
        "unequal_losses", "1", "share of pairs of validations whose losses differ to four decimals"
    ),
    Response("range_of_20", "1", "range of the accuracy over 20 validations of the same weights"),
)

#: The rule: response, region, reading.
RULE = (
    (
        RESPONSES[0].name,
        at_least(UNEQUAL),
        (
            "Other numbers each time: of all pairs of validations of the same weights, at least "
            "95 % differ in the mean loss as a log prints it, to four decimals."
        ),
    ),
    (
        RESPONSES[1].name,
        at_least(VISIBLE),
        (
            "Noisy, so that a reader sees it: over 20 validations of the same weights the accuracy "
            "ranges over one percentage point or more."
        ),
    ),
)

#: "Lower", which one of these claims says as well, at each place where it is judged.
LOWER = -VISIBLE
LOWER_ON_AVERAGE = (
    "Lower than what the model can do: over repeated validations the mean accuracy is at least one "
    "point below that of the same weights in eval mode."
)


def noise(hits: Tensor, rows: int, losses: Tensor) -> Responses:
    """Both responses of repeated validations.

    Args:
        hits: rows classified correctly in each validation, shape (passes,).
        rows: how many were validated.
        losses: the mean loss of each validation, shape (passes,).
    """
    # Counted in rows and divided once: a difference of two rounded shares can miss a whole point.
    groups = hits[: len(hits) // REPEATS * REPEATS].view(-1, REPEATS)
    ranges = (groups.amax(dim=1) - groups.amin(dim=1)).double() / rows
    return {"unequal_losses": unequal_pairs(losses), "range_of_20": float(ranges.mean())}


def unequal_pairs(losses: Tensor) -> float:
    """The share of pairs of validations whose losses differ as printed.

    Args:
        losses: shape (passes,), two passes or more.
    """
    printed = [round(loss, DECIMALS) for loss in losses.tolist()]
    passes = len(printed)
    alike = sum(printed.count(loss) - 1 for loss in printed)  # each pair from both of its sides
    return 1 - alike / (passes * (passes - 1))


def noisy(
    claim: str,
    *,
    headline: Mapping[str, Level] | None = None,
    along: tuple[Factor[int], tuple[int, ...]] | None = None,
    **where: Level | tuple[Level, ...],
) -> tuple[Claim, ...]:
    """The claim that validation in train mode is noisy, judged at some levels.

    Args:
        claim: its id.
        headline: levels of the condition that stands for it, of the accuracy's range.
        along: a factor of sizes, and those that the passage means.
        where: levels of the design's factors.
    """
    claims = []
    for name, region, reading in RULE:
        contrast = Value(name).at(mode="train", **where)
        if along is not None:
            contrast = contrast.along(along[0], judged=along[1])
        leads = headline if headline is not None and name == "range_of_20" else False
        claims.append(Claim(claim, contrast, region, reading=reading, headline=leads))
    return tuple(claims)


def noisy_beyond(claim: str, why: str, **where: Level | tuple[Level, ...]) -> tuple[Beyond, ...]:
    """The same rule where the passage does not speak: shown, and not judged."""
    return tuple(
        Beyond(claim, Value(name).at(mode="train", **where), region, why=why, reading=reading)
        for name, region, reading in RULE
    )
