"""How much does the strength of L1 and of L2 matter, and what is a choice on validation rows worth?

A penalty, a strength times the sum of the weights' sizes (L1) or squares (L2), is added to the loss
as in the document's listing 1, and minimised with Adam. Three tasks: listing 3's synthetic rows and
breast cancer with the listing's perceptron, digits with residual blocks. A fifth of the
labels trained on are wrong, so that too little regularisation does harm and the good range of
strengths has a lower end as well as an upper one; the other parts keep their labels. Without that,
no strength beats none by a quarter (listing 1's own noisy sine: 5 %, on other seeds), and the
range within a quarter of the best has no lower end.

Whether a choice is worth it is asked with the labels as they are as well, and of listing 1's own
network on its noisy sine, in whole decades: no range is read off there.

The good range of a penalty is counted in powers of ten: how far the strengths reach whose test loss
after the last epoch is within 25 % of the lowest along the curve, read off half decades with
straight lines between them on logarithmic axes. A range that reaches the end of the grid ends
there.

Strengths are chosen on one part held out, which stands for cross-validation, and judged on another.
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
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from studies.tuning.penalised import (
    EXPONENTS,
    PENALTIES,
    SETTING,
    SETTINGS,
    SINE,
    WRONG,
    WRONG_LISTING,
    Penalised,
)
from studies.tuning.penalty_figures import loss_against_strength
from studies.tuning.tasks import WORSE

if TYPE_CHECKING:
    from studies.tuning.tasks import Numbers

GOOD = 1.25  # times the lowest loss
BROADER = 1.5  # times as many decades
PENALTY = Factor("penalty", tuple(PENALTIES), control="L1")
#: What the document's listing 1 takes without a choice.
BLIND = {"L1": 1e-4, "L2": 1e-3}

NARROW_READING = (
    "High sensitivity against medium with a wide good range: the strengths of L2 with a test loss "
    "within 25 % of the lowest span at least 1.5 times as many powers of ten as those of L1."
)
CLAIMS = (
    Claim(
        "D-tab-5",
        Ratio("decades", PENALTY).at(task=tuple(WRONG)),
        at_least(BROADER),
        reading=NARROW_READING,
        headline={"task": WRONG_LISTING},
    ),
    Beyond(
        "D-tab-5",
        Value("open_ends").at(task=tuple(WRONG)),
        at_most(0),
        why="whether the range has both of its ends on the grid",
        reading="The range ends between the weakest and the strongest penalty that are tried.",
    ),
    Claim(
        "D-l1l2-10",
        Value("blind"),
        at_least(WORSE),
        reading="Essential: a strength taken without a choice, listing 1's 0.0001 for L1 and 0.001 "
        "for L2, costs 5 % of test loss or more against the one chosen on held-out rows.",
        headline={"task": SINE, "penalty": "L2"},
    ),
    Claim(
        "D-l1l2-10",
        Value("missed"),
        at_least(WORSE),
        reading="And so does missing it by a factor of ten, on the average of both directions.",
    ),
)


def good_range(losses: Numbers, exponents: Sequence[float] = EXPONENTS) -> tuple[float, float]:
    """From where to where strengths are good, as powers of ten: the stretch around the best one.

    Args:
        losses: of one replica, along the strengths.
        exponents: of the strengths, rising.
    """
    logs = np.log(np.asarray(losses) / np.min(losses)) - math.log(GOOD)
    best = int(np.argmin(losses))
    return (
        _crossing(logs[best::-1], np.asarray(exponents)[best::-1]),
        _crossing(logs[best:], np.asarray(exponents)[best:]),
    )


def _crossing(logs: Numbers, places: Numbers) -> float:
    """Where a curve that starts below zero first crosses it, or its end."""
    above = np.flatnonzero(logs > 0)
    if not above.size:
        return float(places[-1])
    after = int(above[0])
    low, high = logs[after - 1], logs[after]
    share = -low / (high - low)
    return float(places[after - 1] + share * (places[after] - places[after - 1]))


def at_exponent(losses: Numbers, exponent: float, exponents: Sequence[float] = EXPONENTS) -> float:
    """The loss of one replica at a strength of the grid; at its end where it lies outside."""
    place = round((exponent - exponents[0]) / (exponents[1] - exponents[0]))
    return float(losses[min(max(place, 0), len(exponents) - 1)])


def measure(penalised: Penalised, arm: Arm) -> Sequence[Responses]:
    """The curve over strengths of each block, and what it says."""
    setting, penalty = arm[SETTING], arm[PENALTY]
    val, test = penalised.curves(setting, penalty)
    exponents = SETTINGS[setting].exponents
    found: list[Responses] = []
    for place in range(len(penalised.blocks)):
        losses = test[:, place]
        low, high = good_range(losses) if setting in WRONG else (math.nan, math.nan)
        chosen = exponents[int(np.argmin(val[:, place]))]
        kept, lower, higher, blind = (
            at_exponent(losses, exponent, exponents)
            for exponent in (chosen, chosen - 1, chosen + 1, math.log10(BLIND[penalty]))
        )
        ends = float((low == exponents[0]) + (high == exponents[-1]))
        found.append(
            {
                "loss": losses.tolist(),
                "decades": high - low,
                "open_ends": ends if setting in WRONG else math.nan,
                "blind": blind / kept,
                "missed": math.sqrt(lower * higher) / kept,
                "chosen": chosen,
            }
        )
    return found


EXPERIMENT: Experiment[Penalised] = Experiment(
    question="How much does the strength of L1 and of L2 matter, and what is choosing it worth?",
    factors=(SETTING, PENALTY),
    responses=(
        Response("loss", "nat", "test loss after the last epoch, strength by strength"),
        Response("decades", "decades", "breadth of the range of good strengths"),
        Response("open_ends", "ends", "ends of that range that lie beyond the strengths tried"),
        Response("blind", "1", "test loss with listing 1's strength over that with the one chosen"),
        Response(
            "missed", "1", "test loss at a tenth of and ten times the strength over that at it"
        ),
        Response("chosen", "1", "power of ten of the strength chosen on validation rows"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 100, 100),  # percent of the epochs
    prepare_together=Penalised,
    measure_together=measure,
    claims=CLAIMS,
    figures=(loss_against_strength,),
)
