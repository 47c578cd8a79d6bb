"""How strong should regularisation be, where should one begin, and which way should one go?

Four small tasks are trained at some twenty-five strengths each, for 60 epochs of AdamW at 0.001 as
in the document's listing 3: from no regularisation over the document's decays and their doublings
to a decay and a dropout rate at which nothing is learnt. Every piece of advice on strengths is read
off these trainings. Where it says to choose or to go on, the choice is made for each seed on its
validation rows, and what it leads to is judged on test rows, against what an alternative leads to
with as many trainings.

Advice of the tuning section is judged at the epoch with the lowest validation loss, for it says to
always stop early; advice on gaps, and what happens at the ends of the scale, after the last epoch,
where listing 3 prints its accuracies. Whichever does not decide is shown beside.

AdamW takes learning rate x decay off each weight at each step: over all steps 0.02 % at a decay of
0.001 on the smallest task, 0.04 % on listing 3's data. What "starved" and "both losses high" mean
was fixed on other seeds: at decays of 40.96 and 20.48 both losses are at least one and a half times
the lowest validation loss of the ladder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Claim,
    Control,
    Difference,
    Experiment,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from studies.tuning.choices import (
    CHOSEN_DECAY,
    CHOSEN_RATE,
    DOUBLED,
    FOUR_LARGE,
    FOUR_SMALL,
    FOUR_TENFOLD,
    MODERATE_DECAY,
    MODERATE_RATE,
    RAISED_DECAY,
    RAISED_RATE,
    STRENGTH,
    early,
    strengths_of,
)
from studies.tuning.ladder import (
    BEST,
    DISTINCT,
    HALVED,
    HALVED_TWICE,
    LARGE,
    LAST,
    NONE,
    SMALL,
    STOPPED,
    STRENGTHS,
    STRONGEST,
    WIDEST,
    WORKFLOW,
    Ladder,
    decay_of,
    doublings,
    kept,
    late,
    rate_of,
)
from studies.tuning.strength_figures import gap_against_overfitting, losses_against_decay
from studies.tuning.tasks import (
    BETTER,
    CANCER,
    DIGITS,
    LISTING,
    POINT,
    RESIDUAL,
    TASK,
    WORSE,
    gap,
)

if TYPE_CHECKING:
    from studies.tuning.tasks import Numbers

FEW_DOUBLINGS = 4
TELLING = 0.5  # a rank correlation
FIVE_POINTS = 0.05
BOTH_ENDS = "after the last epoch, without early stopping"
NOT_LAST = "the last epoch, which a training that always stops early does not keep"
NOT_BEST = "the epoch with the lowest validation loss, where gaps have not opened yet"

START = (
    Claim(
        "D-tune-1",
        Ratio("best_test_loss", STRENGTH).at(strength=decay_of(SMALL)).against(CHOSEN_DECAY),
        at_most(WORSE),
        reading="A start need not be the optimum: with a decay of 0.0001 the test loss at the "
        "epoch kept is at most 5 % above that of the best decay of the whole ladder.",
        headline={"task": LISTING},
    ),
    Claim(
        "D-tune-1",
        Ratio("best_test_loss", STRENGTH).at(strength=FOUR_SMALL).against(FOUR_LARGE),
        at_most(WORSE),
        reading="No worse a start than 0.01, AdamW's own default: of four trainings each, decays "
        "doubled from 0.0001 lead to a test loss at most 5 % above that of decays doubled from "
        "0.01.",
    ),
    Beyond(
        "D-tune-1",
        Ratio("test_loss", STRENGTH).at(strength=decay_of(SMALL)).against(CHOSEN_DECAY),
        at_most(WORSE),
        why=NOT_LAST,
    ),
    Beyond(
        "D-tune-1",
        Ratio("best_test_loss", STRENGTH).at(strength=FOUR_SMALL).against(FOUR_TENFOLD),
        at_most(WORSE),
        why="four decays ten times apart, which the passage advises against",
    ),
)
DOUBLING = (
    Claim(
        "D-tune-3",
        Ratio("early_gap", STRENGTH).at(strength=decay_of(2 * SMALL)).against(decay_of(SMALL)),
        at_most(BETTER),
        reading="A doubling does something: from 0.0001 to 0.0002 it narrows the gap between "
        "validation and training loss after 20 epochs by 5 % or more.",
        headline={"task": LISTING},
    ),
    Claim(
        "D-tune-3",
        Ratio("best_test_loss", STRENGTH).at(strength=DOUBLED).against(CHOSEN_DECAY),
        at_most(WORSE),
        reading="Followed to its end the rule arrives somewhere good: where the gap first is under "
        "10 % of the training loss after 20 epochs, a training has a test loss at most 5 % above "
        "that of the decay with the lowest validation loss, both at the epoch kept.",
    ),
    Beyond(
        "D-tune-3",
        Value("doublings").at(strength=DOUBLED),
        at_most(FEW_DOUBLINGS),
        why="how many doublings are too many, which the passage does not say",
        reading="It takes four doublings or fewer until the gap is under 10 %.",
    ),
)
HALVING = (
    Claim(
        "D-tune-4",
        Ratio("test_loss", STRENGTH).at(strength=decay_of(HALVED)).against(decay_of(STRONGEST)),
        at_most(BETTER),
        reading="Where both losses are high, halving the decay lowers the loss on held-out rows by "
        "5 % or more: from 40.96 to 20.48.",
        headline={"task": LISTING},
    ),
    Claim(
        "D-tune-4",
        Ratio("test_loss", STRENGTH).at(strength=decay_of(HALVED_TWICE)).against(decay_of(HALVED)),
        at_most(BETTER),
        reading="And again while both are still high: from 20.48 to 10.24.",
    ),
)
GAPS = (
    Claim(
        "D-tune-12",
        Difference("gap", STRENGTH).at(strength=decay_of(WORKFLOW)),
        at_most(-POINT),
        reading="The step is worth taking: with a decay of 0.001 the gap between training and test "
        "accuracy is narrower by one point or more.",
    ),
    Beyond(
        "D-tune-12",
        Difference("best_gap", STRENGTH).at(strength=decay_of(WORKFLOW)),
        at_most(-POINT),
        why=NOT_BEST,
    ),
    Beyond(
        "D-tune-12",
        Difference("test_score", STRENGTH).at(strength=decay_of(WORKFLOW)),
        at_least(POINT),
        why="accuracy rather than the gap",
        reading="With a decay of 0.001 test accuracy is higher by one point or more.",
    ),
    Claim(
        "D-tune-13",
        Difference("gap", STRENGTH).at(strength=WIDEST).against(decay_of(WORKFLOW)),
        at_most(-POINT),
        reading="On top of a decay of 0.001, dropout of 0.5 behind the widest layers narrows the "
        "gap between training and test accuracy by one point or more.",
        headline={"task": LISTING},
    ),
    Claim(
        "D-tune-13",
        Difference("test_score", STRENGTH).at(strength=WIDEST).against(decay_of(WORKFLOW)),
        at_least(-POINT),
        reading="And that is good: test accuracy falls by no more than one point for it.",
    ),
    Beyond(
        "D-tune-13",
        Difference("best_gap", STRENGTH).at(strength=WIDEST).against(decay_of(WORKFLOW)),
        at_most(-POINT),
        why=NOT_BEST,
    ),
    Claim(
        "D-list3-13",
        Value("gap_tells").at(strength=NONE),
        at_least(TELLING),
        reading="Over the strengths of one seed that a network feels, the gap between training and "
        "validation accuracy goes with an independent sign of overfitting, by how much the test "
        "loss at the end lies above its lowest on the way: a rank correlation of 0.5 or more.",
        headline={"task": LISTING},
    ),
)
BASELINE = (
    Claim(
        "D-adv-19",
        Difference("test_score", STRENGTH).at(
            strength=CHOSEN_DECAY, task=(DIGITS, CANCER, RESIDUAL)
        ),
        at_least(-POINT),
        reading="Always does no harm: with the decay that validation rows choose, test accuracy is "
        "at most one point below that without any.",
    ),
    Claim(
        "D-adv-19",
        Difference("test_score", STRENGTH).at(strength=decay_of(LARGE)),
        at_least(-POINT),
        reading="Nor untuned: the same with a decay of 0.01, AdamW's own default.",
    ),
    Claim(
        "D-adv-19",
        Difference("test_score", STRENGTH).at(task=LISTING, strength=CHOSEN_DECAY),
        at_least(POINT),
        reading="And is of use where the document shows it, on listing 3's data: with the decay "
        "that validation rows choose, test accuracy is higher by one point or more.",
        headline=True,
    ),
    Beyond(
        "D-adv-19",
        Difference("best_test_score", STRENGTH).at(strength=CHOSEN_DECAY),
        at_least(POINT),
        why="the epoch with the lowest validation loss, and a gain in every data set",
        reading="With the decay that validation rows choose, test accuracy at the epoch kept is "
        "higher by one point or more.",
    ),
)


def too_little_and_too_much() -> list[Claim]:
    """Losses at both ends of the scale, over those of the strength in the middle."""
    rules: list[Claim] = []
    for middle, most in ((CHOSEN_DECAY, decay_of(STRONGEST)), (CHOSEN_RATE, rate_of(0.98))):
        test, train = Ratio("test_loss", STRENGTH), Ratio("train_loss", STRENGTH)
        what = "decay" if middle == CHOSEN_DECAY else "dropout rate"
        rules += [
            Claim(
                "D-tune-17",
                test.at(strength=NONE).against(middle),
                at_least(WORSE),
                reading=f"Too little: without any regularisation the test loss is 5 % or more "
                f"above that of the {what} with the lowest validation loss, {BOTH_ENDS}.",
                headline={"task": LISTING} if middle == CHOSEN_DECAY else False,
            ),
            Claim(
                "D-tune-17",
                train.at(strength=NONE).against(middle),
                at_most(BETTER),
                reading="And its training loss is low: 5 % or more below.",
            ),
            Claim(
                "D-tune-17",
                test.at(strength=most).against(middle),
                at_least(WORSE),
                reading=f"Too much: with the strongest {what} the test loss is 5 % or more above.",
            ),
            Claim(
                "D-tune-17",
                train.at(strength=most).against(middle),
                at_least(WORSE),
                reading="And so is its training loss: both are high.",
            ),
        ]
    return rules


MORE_TRAINED = "Underfitting from {}: with {} training accuracy is higher by five points or more."
MORE_RIGHT = "And that helps on new rows: test accuracy is higher by one point or more."


def starved() -> list[Claim]:
    """Each remedy on networks that the same regulariser has starved, where it does."""
    cases = (
        (decay_of(STRONGEST), decay_of(SMALL), (LISTING, DIGITS, RESIDUAL), "a decay of 0.0001"),
        (rate_of(0.9), rate_of(0.2), (LISTING, DIGITS), "a dropout rate of 0.2"),
        (rate_of(0.98), rate_of(0.2), (CANCER,), "a dropout rate of 0.2"),
        (rate_of(0.9), late(0.9), (LISTING, DIGITS), "none behind the first layer"),
        (rate_of(0.98), late(0.98), (CANCER,), "none behind the first layer"),
    )
    rules = []
    for bad, remedy, tasks, words in cases:
        cause = "too strong a decay" if bad == decay_of(STRONGEST) else "too much dropout"
        for response, least, reading in (
            ("train_score", FIVE_POINTS, MORE_TRAINED.format(cause, words)),
            ("test_score", POINT, MORE_RIGHT),
        ):
            rules.append(
                Claim(
                    "D-dbg-2",
                    Difference(response, STRENGTH).at(strength=remedy, task=tasks).against(bad),
                    at_least(least),
                    reading=reading,
                    headline={"task": LISTING}
                    if response == "train_score" and bad == decay_of(STRONGEST)
                    else False,
                )
            )
    return rules


SAFETY_VALVE = tuple(
    Claim(
        "D-tune-18",
        Ratio("stopped_test_loss", STRENGTH).at(strength=stronger).against(moderate),
        at_most(WORSE),
        reading=f"Early stopping makes up for it: with {words}, both stopped after five epochs "
        "without a lower validation loss, the test loss is at most 5 % higher.",
        headline={"task": LISTING} if moderate == MODERATE_DECAY else False,
    )
    for stronger, moderate, words in (
        (RAISED_DECAY, MODERATE_DECAY, "four times the decay that does best with it"),
        (RAISED_RATE, MODERATE_RATE, "the dropout rate next above the one that does best with it"),
    )
)
CONTROLS = (
    Control(
        "without regularisation the networks learn their rows",
        Value("train_score").at(strength=NONE),
        at_least(0.95),
    ),
)

RESPONSES = (
    Response("train_loss", "nat", "training loss after the last epoch"),
    Response("test_loss", "nat", "test loss after the last epoch"),
    Response("train_score", "1", "training accuracy after the last epoch"),
    Response("test_score", "1", "test accuracy after the last epoch"),
    Response("gap", "1", "training less test accuracy after the last epoch"),
    Response("early_gap", "nat", "validation less training loss after 20 epochs"),
    Response("best_test_loss", "nat", "test loss at the epoch with the lowest validation loss"),
    Response("best_test_score", "1", "test accuracy at the epoch with the lowest validation loss"),
    Response(
        "best_gap", "1", "training less test accuracy at the epoch with the lowest validation loss"
    ),
    Response("stopped_test_loss", "nat", "test loss at the epoch that early stopping keeps"),
    Response(
        "gap_tells",
        "1",
        "rank correlation, over strengths, of the accuracy gap with how far the test loss ends "
        "above its lowest",
    ),
    Response("doublings", "1", "doublings of the decay from 0.0001 on"),
    Response("decayed", "1", "learning rate x decay x steps"),
)
#: By response: what is read off a history, and which epoch of it.
READ = {
    "train_loss": ("train_loss", LAST),
    "test_loss": ("test_loss", LAST),
    "train_score": ("train_score", LAST),
    "test_score": ("test_score", LAST),
    "best_test_loss": ("test_loss", BEST),
    "best_test_score": ("test_score", BEST),
    "stopped_test_loss": ("test_loss", STOPPED),
}


def rank_correlation(first: Numbers, second: Numbers) -> Numbers:
    """Spearman's, over the first dimension; 0 where one side is constant.

    Args:
        first: shape (things, replicas).
        second: the same shape.
    """
    from scipy.stats import rankdata

    a, b = (rankdata(each, axis=0) for each in (first, second))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    found: Numbers = (a * b).sum(axis=0) / np.where(scale > 0, scale, 1)
    return found


def gap_tells(ladder: Ladder, task: str) -> Numbers:
    """How well the gap in accuracy ranks the strengths by how far their test loss has risen."""
    histories = [ladder.history(task, name) for name in DISTINCT]
    gaps = np.stack([each.last("train_score") - each.last("val_score") for each in histories])
    risen = np.stack([each.last("test_loss") / each.test_loss.min(axis=0) for each in histories])
    return rank_correlation(gaps, risen)


def measure(ladder: Ladder, arm: Arm) -> Sequence[Responses]:
    """Read off what a strength, or a way of choosing one, gives each block."""
    task, strength = arm[TASK], arm[STRENGTH]
    names = {epoch: strengths_of(ladder, task, strength, epoch) for epoch in (LAST, BEST, STOPPED)}
    tells = gap_tells(ladder, task) if strength == NONE else None
    found = []
    for place in range(len(ladder.blocks)):
        at = {epoch: ladder.history(task, names[epoch][place]) for epoch in names}
        values = {
            response: float(at[epoch].at(name, kept(at[epoch], epoch))[place])
            for response, (name, epoch) in READ.items()
        }
        last, decay = at[LAST], STRENGTHS[names[LAST][place]].decay
        row = early(last.train_loss)
        found.append(
            values
            | {
                "gap": float(gap(last)[place]),
                "best_gap": float(gap(at[BEST], kept(at[BEST], BEST))[place]),
                "early_gap": float((last.val_loss - last.train_loss)[row, place]),
                "gap_tells": math.nan if tells is None else float(tells[place]),
                "doublings": doublings(decay) if decay else math.nan,
                "decayed": last.decayed,
            }
        )
    return found


EXPERIMENT: Experiment[Ladder] = Experiment(
    question="How strong should regularisation be, and which way should one go?",
    factors=(TASK, STRENGTH),
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 60, 60),  # epochs
    prepare_together=Ladder,
    measure_together=measure,
    claims=(
        *START,
        *DOUBLING,
        *HALVING,
        *GAPS,
        *BASELINE,
        *too_little_and_too_much(),
        *starved(),
        *SAFETY_VALVE,
        *CONTROLS,
    ),
    figures=(losses_against_decay, gap_against_overfitting),
)
