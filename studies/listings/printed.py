"""The numbers that stand printed below document D's listings, and the one rule they are held to.

A printed number is *as printed* where the listing, run with the document's seed, gives a number
that prints as the same text: all digits that the document shows, and no more. That alone is judged.
A miss has two explanations that must not be mixed up, and so the same number is looked for among 20
other seeds: inside their range it could have come from this listing, by another seed or another
version of the libraries (bad luck); outside of it, it is no number of this listing (false). Of 21
seeds alike, one given seed lies outside the range of the other 20 in two cases of 21: a single
number outside is weak evidence, many are strong. A hit is weak evidence too where few numbers are
possible: six of eight channels survive a dropout of 0.3 in three runs of ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness import Beyond, Claim, Value, equals
from harness.workloads.six_strategies import COLUMNS

#: How many other seeds a number is looked for in.
OTHERS = 20

WEIGHTS, DROPOUT, STRATEGIES = "listing 1", "listing 2", "listing 3"


@dataclass(frozen=True)
class Printed:
    """A number in a document's output.

    Attributes:
        claim: the claim it belongs to.
        listing: which listing prints it.
        name: what it is, as readers see it and as the listing's program names it.
        text: what is printed.
        form: how, as ``format`` takes it; empty for a whole number.
        headline: whether it stands for its claim.
        beyond: why it does not decide its claim, where it does not.
    """

    claim: str
    listing: str
    name: str
    text: str
    form: str = ""
    headline: bool = False
    beyond: str = ""

    @property
    def value(self) -> float:
        """The number as printed."""
        return float(self.text)

    @property
    def step(self) -> float:
        """One unit of the last printed digit."""
        return 10.0 ** -len(self.text.partition(".")[2])

    def as_text(self, found: float) -> str:
        """A number that was found, printed in the same way."""
        return format(found, self.form) if self.form else str(round(found))

    def is_as_printed(self, found: float) -> bool:
        """Whether a number that was found prints as this one does."""
        return self.as_text(found) == self.text

    def span(self, found: Sequence[float]) -> tuple[float, float]:
        """The least and the largest of some numbers, each as it would be printed."""
        printed = [float(self.as_text(each)) for each in found]
        return min(printed), max(printed)

    def is_within(self, found: Sequence[float]) -> bool:
        """Whether the printed number lies in the range of some that were found."""
        low, high = self.span(found)
        return low <= self.value <= high


AS_PRINTED = (
    "Run with the document's seed, in the printed order, the listing gives a number that prints as "
    "the document's does, to the last digit shown."
)
WITHIN = "The printed number lies between the least and the largest that the other seeds give."
OTHER_SEEDS = f"{OTHERS} other seeds, where the document prints one: bad luck, or no such number"


def rules(numbers: Sequence[Printed]) -> Iterator[Claim | Beyond]:
    """The rule of all printed numbers: what is judged of each, and what is shown beside it."""
    for each in numbers:
        same = Value("as_printed").at(number=each.name).always()
        if each.beyond:
            yield Beyond(each.claim, same, equals(1), why=each.beyond, reading=AS_PRINTED)
        else:
            yield Claim(each.claim, same, equals(1), AS_PRINTED, headline=each.headline)
        yield Beyond(
            each.claim,
            Value("within_range").at(number=each.name).always(),
            equals(1),
            why=OTHER_SEEDS,
            reading=WITHIN,
        )


def _of_listing_1() -> Iterator[Printed]:
    yield Printed("D-list1-1", WEIGHTS, "weights counted", "16641", headline=True)
    rows = (
        ("D-list1-2", "no penalty", "312", "1.9", "0.0421"),
        ("D-list1-3", "L2", "1847", "11.1", "0.0889"),
        ("D-list1-4", "L1", "6203", "37.3", "0.0934"),
    )
    for claim, penalty, near_zero, percent, mse in rows:
        yield Printed(claim, WEIGHTS, f"{penalty}: near zero", near_zero, headline=True)
        yield Printed(claim, WEIGHTS, f"{penalty}: near zero in %", percent, ".1f")
        leads = penalty == "no penalty"
        yield Printed("D-list1-6", WEIGHTS, f"{penalty}: final MSE", mse, ".4f", headline=leads)


ALONE = "the fraction by itself: the claim is of the fraction beside the mean"


def _of_listing_2() -> Iterator[Printed]:
    yield Printed("D-list2-1", DROPOUT, "train mean", "1.0021", ".4f", headline=True)
    yield Printed("D-list2-2", DROPOUT, "train fraction", "0.4998", ".4f", beyond=ALONE)
    yield Printed("D-list2-3", DROPOUT, "eval mean", "1.0000", ".4f", headline=True)
    yield Printed("D-list2-3", DROPOUT, "eval fraction", "1.0000", ".4f")
    rows = (
        ("D-list2-4", "train run 1", ("0.183", "-0.412", "0.671", "-0.089", "0.224")),
        ("D-list2-4", "train run 2", ("-0.301", "0.118", "0.429", "0.552", "-0.177")),
        ("D-list2-6", "eval", ("0.094", "-0.152", "0.318", "0.201", "-0.043")),
    )
    for claim, run, logits in rows:
        for place, text in enumerate(logits, 1):
            leads = place == 1 and run != "train run 2"
            name = f"{run}: logit {place}"
            yield Printed(claim, DROPOUT, name, text, ".3f", headline=leads)
    yield Printed("D-list2-8", DROPOUT, "surviving channels", "6", headline=True)


def _of_listing_3() -> Iterator[Printed]:
    rows = (
        ("baseline", "0.994", "0.847", "0.147"),
        ("L2", "0.961", "0.891", "0.070"),
        ("dropout", "0.952", "0.903", "0.049"),
        ("dropout + L2", "0.943", "0.911", "0.032"),
        ("batch norm", "0.981", "0.894", "0.087"),
        ("batch norm + L2", "0.968", "0.912", "0.056"),
    )
    for line, (strategy, *texts) in enumerate(rows, 1):
        for what, text in zip(COLUMNS, texts, strict=True):
            claim, name = f"D-list3-{line}", f"{strategy}: {what}"
            leads = what == "validation"
            yield Printed(claim, STRATEGIES, name, text, ".3f", headline=leads)


#: All numbers that the three listings print, in their order.
NUMBERS = (*_of_listing_1(), *_of_listing_2(), *_of_listing_3())
