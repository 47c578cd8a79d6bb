"""Do the numbers of chapter 3's step by hand come out: forward, gradients, update, forward again?

Every number that is printed is held against torch in 64 bits, to within 1e-12, and against exact
fractions (``by_hand``), in which it must be equal. The passage calls its loss MSE and writes half
of the sum of squared errors; with two outputs that is torch's mean. Its sum would double all that
follows, and is the case that must differ.

What the step begins with is held against the printed numbers too, so that whoever walks through it
finds all of them among the rows. The second row of the new weights and the loss after the step are
left to the reader. They are shown as what the fractions give; that the loss falls is judged, as the
passage has the output move in the right direction.
"""

from __future__ import annotations

from fractions import Fraction

from harness import Fact, facts
from studies.arithmetic.by_hand import (
    BIAS,
    INPUT,
    MEAN,
    RATE,
    SUM,
    TARGET,
    WEIGHTS,
    Worked,
    begins_with,
    by_autograd,
    exact,
)

CLOSE = 1e-12
TOO_LARGE = "1"  # a rate at which the step overshoots fivefold
LEFT = "left to the reader: no number is printed"
GIVEN = "what the step begins with: the passage sets it, and claims nothing of it"


def fractions(*numbers: str) -> list[Fraction]:
    """Printed decimals, exactly."""
    return [Fraction(number) for number in numbers]


def nearer(step: Worked[Fraction]) -> bool:
    """Whether the first output is nearer to its target, 1, after the step than before."""
    return abs(step.outputs_after[0] - 1) < abs(step.outputs[0] - 1)


EXPERIMENT = facts(
    "Do the numbers of the step that is worked by hand come out?",
    # -- the beginning (C3.22) ---------------------------------------------------------------------
    Fact(
        "C3.22",
        "the step begins with the weights 0.5, -0.3 and 0.2, 0.8",
        lambda: begins_with(WEIGHTS),
        [[0.5, -0.3], [0.2, 0.8]],
        lambda: by_autograd().weights,
        beyond=GIVEN,
    ),
    Fact(
        "C3.22",
        "the step begins with the bias 0 and 0",
        lambda: begins_with(BIAS),
        [0.0, 0.0],
        lambda: by_autograd().bias,
        beyond=GIVEN,
    ),
    Fact(
        "C3.22",
        "the step begins with the input 1 and 2",
        lambda: begins_with(INPUT),
        [1.0, 2.0],
        lambda: begins_with(TARGET),
        beyond=GIVEN,
    ),
    Fact(
        "C3.22",
        "the step begins with the target 1 and 0",
        lambda: begins_with(TARGET),
        [1.0, 0.0],
        lambda: by_autograd().outputs,
        beyond=GIVEN,
    ),
    Fact(
        "C3.22",
        "the step begins with the learning rate 0.01",
        lambda: begins_with((RATE,)),
        [0.01],
        lambda: begins_with((TOO_LARGE,)),
        beyond=GIVEN,
    ),
    # -- forward (C3.22) ---------------------------------------------------------------------------
    Fact(
        "C3.22",
        "torch: the outputs are -0.1 and 1.8",
        lambda: by_autograd().outputs,
        [-0.1, 1.8],
        lambda: by_autograd().outputs_after,
        within=CLOSE,
        headline=True,
    ),
    Fact(
        "C3.22",
        "torch: the loss is 2.225",
        lambda: by_autograd().loss,
        2.225,
        lambda: by_autograd(SUM).loss,
        within=CLOSE,
    ),
    Fact(
        "C3.22",
        "in fractions: the outputs are -0.1 and 1.8",
        lambda: exact().outputs,
        fractions("-0.1", "1.8"),
        lambda: exact().outputs_after,
    ),
    Fact(
        "C3.22",
        "in fractions: the loss is 2.225",
        lambda: exact().loss,
        Fraction("2.225"),
        lambda: exact().loss_after,
    ),
    Fact(
        "C3.22",
        "torch's mean of squared errors is 2.225 too",
        lambda: by_autograd(MEAN).loss,
        2.225,
        lambda: by_autograd(SUM).loss,
        within=CLOSE,
        beyond="torch's own MSE loss: the passage writes half of the sum, which is the mean of two",
    ),
    # -- backward (C3.23) --------------------------------------------------------------------------
    Fact(
        "C3.23",
        "torch: the gradient to the outputs is -1.1 and 1.8",
        lambda: by_autograd().by_output,
        [-1.1, 1.8],
        lambda: by_autograd(SUM).by_output,
        within=CLOSE,
    ),
    Fact(
        "C3.23",
        "torch: the gradient to the weights is -1.1, -2.2 and 1.8, 3.6",
        lambda: by_autograd().by_weight,
        [[-1.1, -2.2], [1.8, 3.6]],
        lambda: by_autograd(SUM).by_weight,
        within=CLOSE,
        headline=True,
    ),
    Fact(
        "C3.23",
        "torch: the gradient to the bias is -1.1 and 1.8",
        lambda: by_autograd().by_bias,
        [-1.1, 1.8],
        lambda: by_autograd(SUM).by_bias,
        within=CLOSE,
    ),
    Fact(
        "C3.23",
        "in fractions: the gradient to the weights is -1.1, -2.2 and 1.8, 3.6",
        lambda: exact().by_weight,
        [fractions("-1.1", "-2.2"), fractions("1.8", "3.6")],
        lambda: exact().weights,
    ),
    # -- update (C3.24) ----------------------------------------------------------------------------
    Fact(
        "C3.24",
        "torch: the first row of the new weights is 0.511 and -0.278",
        lambda: by_autograd().weights[0],
        [0.511, -0.278],
        lambda: by_autograd(SUM).weights[0],
        within=CLOSE,
        headline=True,
    ),
    Fact(
        "C3.24",
        "torch: the new bias is 0.011 and -0.018",
        lambda: by_autograd().bias,
        [0.011, -0.018],
        lambda: by_autograd(SUM).bias,
        within=CLOSE,
    ),
    Fact(
        "C3.24",
        "in fractions: the first row of the new weights is 0.511 and -0.278",
        lambda: exact().weights[0],
        fractions("0.511", "-0.278"),
        lambda: exact(TOO_LARGE).weights[0],
    ),
    Fact(
        "C3.24",
        "in fractions: the new bias is 0.011 and -0.018",
        lambda: exact().bias,
        fractions("0.011", "-0.018"),
        lambda: exact(TOO_LARGE).bias,
    ),
    Fact(
        "C3.24",
        "torch: the second row of the new weights is that of the fractions",
        lambda: by_autograd().weights[1],
        lambda: [float(weight) for weight in exact().weights[1]],
        lambda: by_autograd(SUM).weights[1],
        within=CLOSE,
        beyond=LEFT,
    ),
    # -- forward again (C3.25) ---------------------------------------------------------------------
    Fact(
        "C3.25",
        "torch: the first output is then -0.034",
        lambda: by_autograd().outputs_after[0],
        -0.034,
        lambda: by_autograd(SUM).outputs_after[0],
        within=CLOSE,
        headline=True,
    ),
    Fact(
        "C3.25",
        "in fractions: the first output is then -0.034",
        lambda: exact().outputs_after[0],
        Fraction("-0.034"),
        lambda: exact().outputs[0],
    ),
    Fact(
        "C3.25",
        "the first output is nearer to its target of 1",
        lambda: nearer(exact()),
        True,
        lambda: nearer(exact(TOO_LARGE)),
    ),
    Fact(
        "C3.25",
        "the loss is lower than before the step",
        lambda: by_autograd().loss_after < by_autograd().loss,
        True,
        lambda: by_autograd(rate=TOO_LARGE).loss_after < by_autograd(rate=TOO_LARGE).loss,
    ),
    Fact(
        "C3.25",
        "torch: the loss after the step is that of the fractions",
        lambda: by_autograd().loss_after,
        lambda: float(exact().loss_after),
        lambda: by_autograd().loss,
        within=CLOSE,
        beyond=LEFT,
    ),
)
