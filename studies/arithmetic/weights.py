"""Are the weights against imbalance those that are printed: 1/900 and 1/100, nine to one?

Exact fractions. How often a sampler draws by them is counted in ``drawn``.
"""

from __future__ import annotations

from fractions import Fraction

from harness import Fact, facts

DOGS, CATS = 900, 100
#: Decimals that are printed of the smaller weight.
DECIMALS = 5


def weights(*counts: int) -> list[Fraction]:
    """The weight of an example of each class: one over the class's number of examples."""
    return [Fraction(1, count) for count in counts]


def rounded(*counts: int) -> list[float]:
    """The weights to the precision that is printed."""
    return [float(round(weight, DECIMALS)) for weight in weights(*counts)]


def ratio(*counts: int) -> Fraction:
    """How many times likelier an example of the last class is than one of the first."""
    first, *_, last = weights(*counts)
    return last / first


EXPERIMENT = facts(
    "Are the weights of 900 dogs and 100 cats as printed?",
    Fact(
        "C2.18",
        "the weights of a dog and a cat are 0.00111 and 0.01",
        lambda: rounded(DOGS, CATS),
        [0.00111, 0.01],
        lambda: rounded(DOGS + CATS, CATS),
        reading="One over the number of images of a class, rounded to the five decimals that are "
        "printed.",
    ),
    Fact(
        "C2.18",
        "a cat's weight is nine times a dog's",
        lambda: ratio(DOGS, CATS),
        Fraction(9),
        lambda: ratio(DOGS + CATS, CATS),
        reading="The ratio of the exact weights is 9.",
    ),
)
