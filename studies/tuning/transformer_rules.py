"""What is judged of dropout in transformers, pretrained or not: one rule for both."""

from __future__ import annotations

from harness import Beyond, Claim, Difference, Factor, Response, at_least, at_most
from studies.tuning.tasks import POINT

USUAL, HEAVY = 0.1, (0.3, 0.5)
RATES = (USUAL, *HEAVY)
WORDS = {rate: f"dropout {rate:g}" for rate in RATES}
RATE = Factor("rate", RATES, control=USUAL, label="dropout", words=WORDS)
LOWER = "lower by one point or more with dropout of {} than with the usual 0.1."


def responses_of(model: str) -> tuple[Response, ...]:
    """What is measured of a model, called by its name."""
    return (
        Response("accuracy", "1", f"accuracy of {model} on new texts"),
        Response("loss", "nat", f"loss of {model} on new texts"),
        Response(
            "train_accuracy", "1", f"accuracy of {model} on the texts trained on, in eval mode"
        ),
    )


def hurts(rates: tuple[float, ...], *, headline: bool) -> tuple[Claim | Beyond, ...]:
    """Dropout above 0.2 costs accuracy on new texts.

    Args:
        rates: above 0.2.
        headline: whether the rate next above 0.2 stands for the claim here.
    """
    return (
        *(
            Claim(
                "D-hurts-6",
                Difference("accuracy", RATE).at(rate=rate),
                at_most(-POINT),
                reading=f"Above 0.2 it suffers: accuracy on new texts is {LOWER.format(rate)}",
                headline=headline and rate == HEAVY[0],
            )
            for rate in rates
        ),
        Beyond(
            "D-hurts-6",
            Difference("train_accuracy", RATE).at(rate=rates),
            at_most(-POINT),
            why="accuracy on the texts trained on",
            reading="It learns less: accuracy on the texts trained on, in eval mode, is lower by "
            "one point or more than with 0.1.",
        ),
    )


#: Attention maps: what the masks do to them, whatever was learnt.
FIDELITY = at_least(1.5)
