"""The levels of factors, and the edges of regions, that experiments share with their figures."""

from __future__ import annotations

from harness import Factor

# Classifiers.
PERCEPTRON, CNN, CANCER, LISTING = (
    "digits, perceptron",
    "digits, CNN",
    "breast cancer, perceptron",
    "listing 3's classes, perceptron",
)
# Regressions.
SINE, FRIEDMAN, DIABETES = "noisy sine", "Friedman's function", "diabetes"
RATE = Factor("rate", (0.1, 0.3, 0.5), label="dropout rate")
REFUSED = tuple(round(0.05 * step, 2) for step in range(11))
COVERED, NOMINAL = (0.90, 0.99), 0.95

# Places at which the figure of the sine shows its band; the training's end at one of one and a half
# periods.
PLACES, PERIODS = 90, 1.5

# How many passes a variance may take, and how far off it may be: the median of relative errors.
SIZES = (10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 100, 120, 150, 200)
TOLERANCE, ENOUGH = 0.20, 50
PROBABILITY, LOGIT = "probability", "logit"

# Ways of passing an input forward, and networks whose cost is counted.
ONCE, IN_TURN, COPIES, HEAD = (
    "one pass in eval mode",
    "passes in turn",
    "copies in one batch",
    "the head alone repeated",
)
TINY, SMALL, LARGE, IMAGES, ENCODER = (
    "perceptron, 64 wide",
    "perceptron, 512 wide",
    "perceptron, 2,048 wide",
    "CNN, 32 x 32 images",
    "encoder, 32 tokens",
)
MOST = 1.5

# Ways of switching dropout on, and networks.
ALONE, TRAIN = "dropout alone", "train()"
PLAIN_MLP, PLAIN_CNN = "perceptron", "CNN"
NORM_MLP, NORM_CNN = "perceptron with batch norm", "CNN with batch norm"

# Stacked layers.
STACKED_DIGITS, STACKED_LISTING, STACKED_CANCER, WINE = (
    "digits",
    "listing 3's classes",
    "breast cancer",
    "wine",
)
HALF, HIGH = 0.5, 0.9
FAR = 0.05
