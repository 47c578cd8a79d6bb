"""Does a network that was trained with unscaled dropout fail at inference unless it is corrected?

Perceptrons are trained with dropout of one half whose survivors keep their values. Their losses on
rows that no choice has seen are compared with the weights as they are, and with those behind each
dropout multiplied by 1 - p. "Breaks" needs a loss that is 5 % higher. Accuracy is shown beside: to
double all activations of a layer leaves the largest of the outputs the largest, nearly, so that
accuracy is blind to what it does to a network of ReLUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    Ratio,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.libraries import functional, nn, torch
from harness.workloads.fitting import logits
from studies.dropout.training import (
    BLOCKS,
    DATA,
    EPOCHS,
    HALF,
    POINT,
    SHARE,
    TOGETHER,
    Cohort,
    unscaled,
)

if TYPE_CHECKING:
    from harness.workloads import Replicas

CORRECTED, UNCHANGED = "weights times 1 - p", "unchanged weights"
INFERENCE = Factor(
    "inference",
    (CORRECTED, UNCHANGED),
    control=CORRECTED,
    words={CORRECTED: "weights multiplied by 1 - p", UNCHANGED: "weights as they are"},
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-intro-4",
        Ratio("loss", INFERENCE),
        at_least(1 + SHARE),
        reading="Breaks inference: with the weights as they are, the loss on unseen rows is at "
        "least 5 % higher than with the weights corrected.",
    ),
    Beyond(
        "D-intro-4",
        Difference("accuracy", INFERENCE),
        at_most(-POINT),
        why="accuracy, which a common factor of all outputs leaves alone",
        reading="With the weights as they are, the accuracy is at least one point lower.",
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train once for both ways of inference, and evaluate in this one."""
    nets = cohort.fit(arm[DATA], "unscaled", lambda: (nn.ReLU(), unscaled(HALF))).nets
    test = cohort.sample(arm[DATA]).test
    correct = arm[INFERENCE] == CORRECTED
    if correct:
        multiply_behind_dropout(nets, 1 - HALF)
    outputs = logits(nets, test)
    if correct:
        multiply_behind_dropout(nets, 1 / (1 - HALF))  # exact, for it is a power of two
    losses = nets.each(functional.cross_entropy, outputs, test.y)
    scores = (outputs.argmax(-1) == test.y).double().mean(-1)
    return [
        {"loss": loss, "accuracy": score}
        for loss, score in zip(losses.tolist(), scores.tolist(), strict=True)
    ]


def multiply_behind_dropout(nets: Replicas, factor: float) -> None:
    """Multiply the weights of all linear layers but the first; biases stay."""
    weights = [p for name, p in nets.named_parameters() if name.endswith("weight")]
    with torch.no_grad():
        for weight in weights[1:]:
            weight.mul_(factor)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does a network trained with unscaled dropout fail at inference unless corrected?",
    factors=(INFERENCE, DATA),
    responses=(
        Response("loss", "nat", "loss on unseen rows"),
        Response("accuracy", "1", "accuracy on unseen rows"),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
)
