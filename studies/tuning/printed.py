"""What does reading and counting settle of the document's numbers on strengths?

Some of its statements are about itself: two starting values, a rule against jumps beside steps that
jump, a rule of widths beside a listing that breaks it, and accuracies that some count of rows must
stand behind. No run is needed for these, and none could change the answer.
"""

from __future__ import annotations

import itertools

from harness import Fact, Unmeasurable, facts
from harness.libraries import nn
from harness.workloads.six_strategies import (
    ROWS,
    TRAINED_ON,
    WIDTHS,
    Strategy,
    network,
)

#: Where the article says with which decay a small network starts.
IN_THE_RULE, IN_THE_WORKFLOW = 1e-4, 1e-3
#: The debug guide's own step.
GUIDE = (1e-3, 5e-3)
#: The decays of listing 4's configurations, in their order.
LISTED = (0.0, 1e-3, 1e-3, 1e-2)
#: The thermostat's steps, and the least that is an order of magnitude.
ADVISED, ORDER_OF_MAGNITUDE = (0.5, 2.0), 10.0
#: What the printed run has: training and validation accuracy, without decay and with 0.001.
TRAINING, VALIDATION = ("0.994", "0.961"), ("0.847", "0.891")


def rate_for(width: int) -> float:
    """The dropout rate that the article recommends behind a layer of so many units."""
    if width > 512:
        return 0.5
    return 0.3 if width >= 128 else 0.0


def listed_rates() -> list[float]:
    """The dropout rates of listing 3's network, layer by layer, read off the network itself."""
    modules = network(Strategy(dropout=True)).modules()
    return [module.p for module in modules if isinstance(module, nn.Dropout)]


def breaks_the_rule(rates: list[float]) -> list[bool]:
    """Whether each of listing 3's hidden layers has another rate than the rule gives it."""
    return [rate != rate_for(width) for rate, width in zip(rates, WIDTHS, strict=True)]


def steps(decays: tuple[float, ...]) -> list[float]:
    """The factors between decays that follow each other, without those from none and those of 1."""
    pairs = itertools.pairwise(decays)
    return [round(after / before, 9) for before, after in pairs if before and after != before]


def jumps(decays: tuple[float, ...]) -> list[bool]:
    """Whether each step between decays is an order of magnitude or more."""
    return [factor >= ORDER_OF_MAGNITUDE for factor in steps(decays)]


def is_a_count(text: str, rows: int) -> bool:
    """Whether some count of rows, over all of them, prints as an accuracy of three decimals."""
    return any(f"{count / rows:.3f}" == text for count in range(rows + 1))


HELD_OUT = ROWS - TRAINED_ON
BY_THE_RULE = [0.3, 0.0]

EXPERIMENT = facts(
    "What does reading and counting settle of the document's numbers on strengths?",
    Fact(
        "D-tune-14",
        "the workflow's first decay is ten times the one that the rule starts small networks with",
        lambda: round(IN_THE_WORKFLOW / IN_THE_RULE, 9),
        10.0,
        1.0,
        reading="Two starting values: the workflow's, for a network of any size, is not the rule's "
        "for small ones but ten times as large. The contradiction is one for small networks.",
    ),
    Fact(
        "D-tune-15",
        "the debug guide's own step is fivefold, which is no factor of 2 or a half",
        lambda: steps(GUIDE),
        [5.0],
        lambda: list(ADVISED[1:]),
        reading="The advice is to change by a factor of 2 or a half; the guide's step, from 0.001 "
        "to 0.005, has a factor of 5.",
        headline=True,
    ),
    Fact(
        "D-tune-15",
        "the decays of the configurations, none left out, step by ten once",
        lambda: steps(LISTED),
        [10.0],
        lambda: steps(GUIDE),
        reading="Not by orders of magnitude: listing 4's configurations go from 0.001 to 0.01. "
        "They are a search grid rather than an adjustment, and the claim says no more than that "
        "they contain it.",
    ),
    Fact(
        "D-tune-15",
        "of the two steps only that of the configurations is an order of magnitude",
        lambda: [*jumps(GUIDE), *jumps(LISTED)],
        [False, True],
        lambda: [*jumps(LISTED), *jumps(GUIDE)],
        beyond="whether a factor of five is an order of magnitude, which nobody says",
    ),
    Fact(
        "D-list3-14",
        "the width rule gives layers of 128 and 64 units a rate of 0.3 and none",
        lambda: [rate_for(width) for width in WIDTHS],
        BY_THE_RULE,
        lambda: [rate_for(1024), rate_for(640)],
    ),
    Fact(
        "D-list3-14",
        "listing 3's rate breaks the rule in both layers",
        lambda: breaks_the_rule(listed_rates()),
        [True, True],
        lambda: breaks_the_rule(BY_THE_RULE),
        reading="The rates of the listing's own network, 0.4 behind layers of 128 and 64 units, "
        "are held against those of the width rule.",
        headline=True,
    ),
    Fact(
        "D-list3-11",
        "both training accuracies are some count of 1,400 rows",
        lambda: [is_a_count(text, TRAINED_ON) for text in TRAINING],
        [True, True],
        lambda: [is_a_count(text, HELD_OUT) for text in VALIDATION],
        beyond="whether a number is possible, which is less than that it was found",
    ),
    Fact(
        "D-list3-11",
        "both validation accuracies are some count of 600 rows",
        lambda: [is_a_count(text, HELD_OUT) for text in VALIDATION],
        [True, True],
        lambda: [is_a_count(text, HELD_OUT) for text in ("0.891", "0.899")],
        reading="The printed run has 0.847 and 0.891 of 600 rows: where no whole number of them "
        "prints as one of these, no seed can have printed it.",
    ),
    more=(
        Unmeasurable(
            "D-tune-2",
            needs="a network of the size of BERT or ResNet-50 with pretrained weights, and a GPU "
            "that trains it many times",
            why="No weights of that size come with an installed package, and a small network that "
            "stands in for a large one says nothing of it.",
        ),
    ),
)
