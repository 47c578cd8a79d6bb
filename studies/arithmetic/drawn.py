"""How much oftener does a weighted sampler draw one cat image than one dog image?

A ``WeightedRandomSampler`` with the weights of the passage (``weights``) draws 1,000 of 900 dogs
and 100 cats, again and again. What is counted is draws by image, not by class: the classes come out
even, which is another statement. Without weights an image of either class must be drawn as often.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
)
from harness.libraries import torch
from studies.arithmetic.weights import CATS, DOGS, weights

INVERSE, ALIKE = "inverse frequency", "all alike"
WEIGHTS = Factor(
    "weights", (INVERSE, ALIKE), words={INVERSE: "", ALIKE: "the same weight for all images"}
)

CLAIMS = (
    Claim(
        "C2.18",
        Value("ratio").at(weights=INVERSE),
        between(8.5, 9.5),
        reading="Nine times likelier: draws of one cat image over draws of one dog image are 9, to "
        "the whole number that is printed.",
        headline=True,
    ),
    Control(
        "without weights an image of either class is drawn as often",
        Value("ratio").at(weights=ALIKE),
        between(0.9, 1.1),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Draw the epochs that ``effort`` says."""
    dog, cat = (float(weight) for weight in weights(DOGS, CATS))
    per_image = [dog] * DOGS + [cat if arm[WEIGHTS] == INVERSE else dog] * CATS
    sampler = torch.utils.data.WeightedRandomSampler(per_image, DOGS + CATS)
    cats = sum(image >= DOGS for _ in range(block.effort) for image in sampler)
    dogs = block.effort * (DOGS + CATS) - cats
    return {"ratio": (cats / CATS) / (dogs / DOGS)}


EXPERIMENT: Experiment[Block] = Experiment(
    question="How much oftener is one cat image drawn than one dog image?",
    factors=(WEIGHTS,),
    blocks=PerProfile(8, 20, 40),
    effort=PerProfile(50, 200, 200),  # epochs
    measure=measure,
    responses=(Response("ratio", "1", "draws of one cat image over draws of one dog image"),),
    claims=CLAIMS,
)
