"""The rules on networks that mix batch norm with dropout, weight decay or L1.

Every task, place and rate is judged by itself. Two statements that two passages make alike have one
rule: that dropout before a batch norm leaves it a variance that eval mode does not have (D-quick-4,
D-bn-3), and that dropout in a block with batch norm should be little or none (D-hurts-12, D-bn-2).
"Mixing in the same block" names no order, so that both are judged; that a passage calls one of them
the repair is a claim of its own (D-bn-1).

"Than either alone" is below both on the same seeds: at each place and rate the comparisons with
batch norm alone and with dropout alone are one setting, which holds where both do. So is an
unstable training: above both, and a spike that one sees. So is a conflict of L1 or L2 with batch
norm: variances that do not match, or harm; judged at strengths that the document names, since where
a weight shrinks so fast that running statistics lag behind, that is the scale's doing, which
scope.csv puts beyond the table's words.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import (
    Beyond,
    Claim,
    Control,
    Difference,
    Level,
    Ratio,
    Value,
    at_least,
    at_most,
    equals,
)
from studies.batchnorm.treatments import (
    ALONE,
    DECAYS,
    DIGITS,
    HALF,
    HEAVY,
    LARGEST,
    LAST,
    LISTED,
    LISTING,
    LOW,
    NAMED,
    PLACES,
    STRONG,
    STRONGER,
    TREATMENT,
    after,
    before,
    dropout_alone,
)

Rules = Iterator[Claim | Beyond | Control]
RATIO, HIGHEST, LOWEST = Value("variance_ratio"), Value("highest_ratio"), Value("lowest_ratio")
SHIFTED, POINT_WORSE, POINT_BETTER = at_most(0.95), at_most(-1.0), at_least(1.0)
NOT_WORSE = at_least(-1.0)
ALL_HEAVY_BEFORE = tuple(before(rate) for rate in HEAVY)
HEADLINE: dict[str, Level] = {"task": LISTING}
NO_CONFLICT = "no conflict"
MATCHES = (
    "No conflict as dropout has it: at each batch norm the variance in eval mode is within 5 % of "
    "the stored one."
)
TOO_STRONG = (
    "a decay that halves every weight, or ten times the listing's L1 penalty, stronger than any "
    "that the document names"
)
UNSTABLE = "a spike above both alone"
EARLY_STOPPING = "the epoch of the lowest validation loss, where listing 3 trains to the end"

#: Shared with ``depth``, which judges the same words along a deeper network.
SHIFT_READING = (
    "A systematic shift: at every batch norm and in every network, the variance that it meets in "
    "eval mode is at least 5 % below the one that training left in its running variance."
)
SHIFT_CLAIMS = ("D-quick-4", "D-bn-3")


def shift_rules() -> Rules:
    """The variance that dropout before a batch norm leaves behind."""
    for claim in SHIFT_CLAIMS:
        yield Claim(
            claim,
            HIGHEST.at(treatment=ALL_HEAVY_BEFORE).always(),
            SHIFTED,
            reading=SHIFT_READING,
            headline={**HEADLINE, "treatment": before(HALF)},
        )
        yield Beyond(
            claim,
            HIGHEST.at(treatment=before(LOW)).always(),
            SHIFTED,
            why="dropout of 0.1, which the passage calls a repair",
        )
        yield Beyond(
            claim,
            LOWEST.at(treatment=tuple(after(rate) for rate in HEAVY)).always(),
            SHIFTED,
            why="dropout after batch norm and ReLU, which the passage calls a repair",
            reading="It is shifted all the same: at some batch norm of every network, which "
            "dropout reaches through the next layer's weights, the variance is 5 % too low.",
        )
    yield Beyond(
        "D-bn-3",
        Difference("new_accuracy", TREATMENT).at(treatment=ALL_HEAVY_BEFORE),
        POINT_BETTER,
        why="whether the shift does harm, which the passage does not say",
        reading="It does harm: with statistics taken without dropout the test accuracy gains a "
        "point more than with batch norm alone.",
    )
    yield Beyond(
        "D-bn-3",
        Ratio("new_loss", TREATMENT).at(treatment=ALL_HEAVY_BEFORE),
        SHIFTED,
        why="whether the shift does harm, which the passage does not say",
        reading="It does harm: statistics taken without dropout lower the test loss by 5 % more "
        "than with batch norm alone.",
    )


def order_rules() -> Rules:
    """Dropout after batch norm and ReLU, against dropout before."""
    for rate in HEAVY:
        yield Claim(
            "D-bn-1",
            Difference("shift", TREATMENT).at(treatment=after(rate)).against(before(rate)),
            at_most(-0.05),
            reading="It repairs the variance: the mean shift of all batch norms is nearer to none "
            "by 0.05 or more than with dropout before them.",
            headline=HEADLINE if rate == HALF else False,
        )
        yield Claim(
            "D-bn-1",
            Difference("test_accuracy", TREATMENT).at(treatment=after(rate)).against(before(rate)),
            POINT_BETTER,
            reading="It is the better place: the test accuracy is a point higher or more.",
        )
        yield Beyond(
            "D-bn-1",
            Value("shift").at(treatment=after(rate)),
            equals(0.0, within=0.05),
            why="how much of the shift is left, of which the passage says nothing",
            reading="Nothing is left of it: the mean shift of all batch norms is 0.05 at most.",
        )
    yield Beyond(
        "D-bn-1",
        Difference("test_accuracy", TREATMENT).at(treatment=LAST).against(before(LISTED)),
        POINT_BETTER,
        why="dropout after the last batch norm alone",
    )
    yield Beyond(
        "D-bn-1",
        Value("shift").at(treatment=LAST),
        equals(0.0, within=0.05),
        why="dropout after the last batch norm alone, which no batch norm sees",
    )


def rate_rules() -> Rules:
    """Little dropout or none in a block with batch norm."""
    for place in PLACES:
        for claim in ("D-hurts-12", "D-bn-2"):
            leads = HEADLINE if place is before and claim == "D-hurts-12" else False
            for little in (ALONE, place(LOW)):
                yield Claim(
                    claim,
                    Difference("test_accuracy", TREATMENT)
                    .at(treatment=place(LISTED))
                    .against(little),
                    POINT_WORSE,
                    reading="More is bad: with listing 3's rate of 0.4 the test accuracy is a "
                    "point lower or more than with none, and than with 0.1.",
                    headline=leads if little == ALONE else False,
                )
            yield Beyond(
                claim,
                Difference("best_accuracy", TREATMENT).at(treatment=place(LISTED)),
                POINT_WORSE,
                why=EARLY_STOPPING,
            )
        harmless = Difference("test_accuracy", TREATMENT).at(treatment=place(LOW))
        yield Claim(
            "D-bn-2",
            harmless,
            NOT_WORSE,
            reading="A little is harmless: with 0.1 the test accuracy is no point lower than with "
            "none.",
        )
        yield Beyond(
            "D-hurts-12",
            harmless,
            NOT_WORSE,
            why="little dropout against none, either of which the passage allows",
            reading="A little is harmless: with 0.1 the test accuracy is no point lower than with "
            "none.",
        )
        yield Claim(
            "D-bn-2",
            Ratio("shift", TREATMENT).at(treatment=place(LOW)).against(place(HALF)),
            at_most(1 / 3),
            reading="It keeps the shift low: at 0.1 it is a third of that at 0.5, or less.",
            headline=HEADLINE if place is before else False,
        )


def mixture_rules() -> Rules:
    """Heavy dropout with batch norm in one block, against each of them alone."""
    for place in PLACES:
        for rate in HEAVY:
            leads: bool | dict[str, Level] = HEADLINE if place is before and rate == HALF else False
            for single in (ALONE, dropout_alone(rate)):
                against_alone = leads if single == ALONE else False
                yield Claim(
                    "D-bn-4",
                    Difference("test_accuracy", TREATMENT)
                    .at(treatment=place(rate))
                    .against(single),
                    POINT_WORSE,
                    reading="Worse than either alone: the test accuracy after the last epoch is a "
                    "point lower or more than with batch norm alone, and than with dropout alone.",
                    headline=against_alone,
                    jointly="worse than either alone",
                )
                yield Beyond(
                    "D-bn-4",
                    Difference("best_accuracy", TREATMENT)
                    .at(treatment=place(rate))
                    .against(single),
                    POINT_WORSE,
                    why=EARLY_STOPPING,
                )
                yield Claim(
                    "D-hurts-11",
                    Ratio("spike", TREATMENT).at(treatment=place(rate)).against(single),
                    at_least(1.5),
                    reading="Unstable, as the passage describes the symptom: the largest rise of "
                    "the validation loss in an epoch is 1.5 times that of batch norm alone, and of "
                    "dropout alone, or more.",
                    headline=against_alone,
                    jointly=UNSTABLE,
                )
            yield Claim(
                "D-hurts-11",
                Value("spike").at(treatment=place(rate)),
                at_least(0.05),
                reading="A spike that one sees: the validation loss rises by a twentieth of a nat "
                "or more in one epoch.",
                jointly=UNSTABLE,
            )


def substitute_rules() -> Rules:
    """Weight decay in place of dropout, and what weight decay and L1 do to batch norm."""
    for place in PLACES:
        yield Claim(
            "D-bn-5",
            Difference("test_accuracy", TREATMENT).at(treatment=DECAYS).against(place(LISTED)),
            POINT_BETTER,
            reading="A good replacement: with weight decay the test accuracy is a point higher or "
            "more than with listing 3's dropout, both with batch norm.",
            headline={**HEADLINE, "treatment": STRONG} if place is after else False,
        )
        yield Beyond(
            "D-bn-5",
            Difference("best_accuracy", TREATMENT).at(treatment=DECAYS).against(place(LISTED)),
            POINT_BETTER,
            why=EARLY_STOPPING,
        )
    yield Beyond(
        "D-bn-5",
        Difference("test_accuracy", TREATMENT).at(treatment=DECAYS),
        POINT_BETTER,
        why="against batch norm with neither, where the passage replaces dropout",
    )
    for extreme, region in ((LOWEST, at_least(0.95)), (HIGHEST, at_most(1.05))):
        yield Claim(
            "D-tab-1",
            extreme.at(treatment=NAMED),
            region,
            reading=MATCHES,
            headline={"task": DIGITS, "treatment": LARGEST} if region.high == 1.05 else False,
            jointly=NO_CONFLICT,
        )
        yield Beyond(
            "D-tab-1", extreme.at(treatment=STRONGER), region, why=TOO_STRONG, reading=MATCHES
        )
    against_none = Difference("test_accuracy", TREATMENT)
    unharmed = "No conflict: the test accuracy is no point lower than with batch norm alone."
    yield Claim(
        "D-tab-1",
        against_none.at(treatment=NAMED),
        NOT_WORSE,
        reading=unharmed,
        jointly=NO_CONFLICT,
    )
    yield Beyond(
        "D-tab-1",
        against_none.at(treatment=STRONGER),
        NOT_WORSE,
        why=TOO_STRONG,
        reading=unharmed,
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *shift_rules(),
    *order_rules(),
    *rate_rules(),
    *mixture_rules(),
    *substitute_rules(),
    Control(
        "with batch norm alone the stored variances are off by less than 10 %",
        RATIO.at(treatment=ALONE),
        equals(1.0, within=0.1),
    ),
)
