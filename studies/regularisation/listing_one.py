"""What do the document's two penalties make of its own network, on other seeds than its one?

Listing 1 is trained on fresh noise and weights for each block: a perceptron of 16,641 weights on 80
points of a noisy sine, 500 full-batch steps of Adam, without penalty, with L2 of 0.001 and with L1
of 0.0001. Counted are weights that are exactly zero, which is what the text says of L1, and those
below 0.001, which is what the listing counts. Whether the printed digits are those of the
document's seed is asked in the study of listings; here it is how the three compare.

Weights are *spread* the more, the nearer (sum of sizes)^2 / (number x sum of squares) is to 1: the
share of the weights that, if equally large, would have the same two sums.

The loss on fresh points at 800 even places, with noise of the same size, is compared with the
training loss. A network that is followed for ten times as many steps is shown beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    between,
)
from harness.libraries import functional, torch
from harness.workloads.three_penalties import EPOCHS, NEAR_ZERO, NOISE, PENALTIES, trained_at
from studies.regularisation.nets import by_block, norm_of, seeds_of, weights_of
from studies.regularisation.weight_figures import sizes_of_weights

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads import Replicas
    from harness.workloads.three_penalties import Trained

NONE, L2, L1, LONG = (*PENALTIES, "no penalty, ten times as long")
PENALTY = Factor(
    "penalty",
    (NONE, L2, L1, LONG),
    control=NONE,
    words={
        NONE: "listing 1 without penalty",
        L2: "listing 1 with L2 of 0.001",
        L1: "listing 1 with L1 of 0.0001",
        LONG: "listing 1 without penalty, ten times as long",
    },
)
LAYERS = ("first", "middle", "last")
FRESH_POINTS, TIMES = 800, 10
MILLIONTH = 1e-6
#: The edges of size between which weights are counted for the figure.
SIZES = (0.0, MILLIONTH, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, math.inf)

ZEROS = Value("zeros")
ZERO_READING = (
    "All the way to zero, as the comparison table has it ('exactly 0'): after training, at least "
    "5 % of the weights are exactly zero."
)
ALMOST_NEVER = "Almost never: at most 1 % of the weights are exactly zero after training."
SHRINKS = (
    "All weights: in every layer their norm ends at least 5 % below that of the network without "
    "penalty."
)
SMALL = (
    "Small: the norm of all weights, and the largest of them, end at least 10 % below those of the "
    "network without penalty."
)
SPREAD = (
    "Distributed: the weights' effective share is at least 5 % above that of the network without "
    "penalty."
)
AS_GOOD_AS_ZERO = "below a millionth, which is as good as zero and not exactly zero"
ORDER = (
    "No penalty, L2, L1: each step of that order adds at least two points to the share of weights "
    "near zero."
)
TIMES_READING = (
    "The errors printed with a penalty are 2.1 and 2.2 times the one without: on other seeds the "
    "final training error is at least 1.5 times as large."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim("D-l1l2-3", ZEROS.at(penalty=L2), at_most(1.0), ALMOST_NEVER, headline=True),
    Claim("D-l1l2-7", ZEROS.at(penalty=L1), at_least(5.0), ZERO_READING, headline=True),
    Beyond(
        "D-l1l2-7",
        Value("near_zero").at(penalty=L1),
        at_least(5.0),
        why="below 0.001, which the listing counts and the text does not mean",
    ),
    *(
        Beyond(claim, Value("millionth").at(penalty=penalty), region, why=AS_GOOD_AS_ZERO)
        for claim, penalty, region in (
            ("D-l1l2-3", L2, at_most(1.0)),
            ("D-l1l2-7", L1, at_least(5.0)),
        )
    ),
    *(
        Claim("D-quick-1", Ratio(f"norm_{layer}", PENALTY).at(penalty=L2), at_most(0.95), SHRINKS)
        for layer in LAYERS
    ),
    Claim("D-l1l2-4", Ratio("norm", PENALTY).at(penalty=L2), at_most(0.9), SMALL),
    Claim("D-l1l2-4", Ratio("largest", PENALTY).at(penalty=L2), at_most(0.9), SMALL),
    Claim(
        "D-l1l2-4", Ratio("spread", PENALTY).at(penalty=L2), at_least(1.05), SPREAD, headline=True
    ),
    Beyond(
        "D-l1l2-4",
        Ratio("spread", PENALTY).at(penalty=L2).against(L1),
        at_least(1.05),
        why="L2 against L1, where the text compares with no penalty",
    ),
    Claim(
        "D-list1-5",
        Difference("counted", PENALTY).at(penalty=L2),
        at_least(2.0),
        ORDER,
        headline=True,
    ),
    Claim(
        "D-list1-5",
        Difference("counted", PENALTY).at(penalty=L1).against(L2),
        at_least(2.0),
        ORDER,
    ),
    Claim(
        "D-list1-7",
        Ratio("error", PENALTY).at(penalty=L2),
        at_least(1.5),
        TIMES_READING,
        headline=True,
    ),
    Claim("D-list1-7", Ratio("error", PENALTY).at(penalty=L1), at_least(1.5), TIMES_READING),
    Beyond(
        "D-list1-7",
        Ratio("error", PENALTY).at(penalty=L1).against(L2),
        at_least(1.02),
        why="the order of the two, where the claim is how far both are from no penalty",
    ),
    *(
        Beyond(
            "D-list1-7",
            Ratio("error_kept", PENALTY).at(penalty=penalty),
            between(0.8 * times, 1.2 * times),
            why=f"the printed factor of {times}, within a fifth",
        )
        for penalty, times in ((L2, 2.1), (L1, 2.2))
    ),
    Claim(
        "D-list1-8",
        Value("over_fit").at(penalty=NONE),
        at_least(0.018),
        reading="Over-fitted after 500 steps: on fresh noisy points the error is higher than on "
        "the 80 by at least a fifth of the noise's variance.",
        headline=True,
    ),
    Beyond(
        "D-list1-8",
        Value("over_fit").at(penalty=LONG),
        at_least(0.018),
        why="5,000 steps, ten times as many as the listing takes",
    ),
)


@dataclass(frozen=True)
class Programs:
    """What the program had at its end with each penalty, and noise that no training has seen."""

    trained: Mapping[str, Trained]
    fresh_noise: Tensor


def prepare(blocks: Sequence[Block]) -> Programs:
    """The networks of all arms; ``block.effort`` is how many percent of the steps."""
    seeds, epochs = seeds_of(blocks), max(1, EPOCHS * blocks[0].effort // 100)
    longer = trained_at(seeds, TIMES * epochs, (NONE,))[NONE]
    streams = [torch.Generator().manual_seed(seed + 1) for seed in seeds]
    noise = torch.stack([torch.randn(FRESH_POINTS, 1, generator=stream) for stream in streams])
    return Programs({**trained_at(seeds, epochs), LONG: longer}, NOISE * noise)


def measure(programs: Programs, arm: Arm) -> Sequence[Responses]:
    """Look at one training's weights and errors."""
    found = programs.trained[arm[PENALTY]]
    return by_block(weights_told(found.nets) | errors_told(found, programs.fresh_noise))


def weights_told(nets: Replicas) -> dict[str, NDArray[np.float64]]:
    """What there is to know of all weights; shapes (replicas,), and (sizes, replicas)."""
    layers = weights_of(nets)
    sizes = torch.cat([each.flatten(1) for each in layers], dim=1).abs()
    return {
        "zeros": percent(sizes == 0),
        "near_zero": percent(sizes < NEAR_ZERO),
        "counted": percent(sizes < NEAR_ZERO),
        "millionth": percent(sizes < MILLIONTH),
        "norm": norm_of(layers),
        **{f"norm_{name}": norm_of([layer]) for name, layer in zip(LAYERS, layers, strict=True)},
        "largest": np.asarray(sizes.max(dim=1).values, np.float64),
        "spread": effective_share(sizes),
        "below": np.stack([percent(sizes < edge) for edge in SIZES[1:]]),
    }


def percent(these: Tensor) -> NDArray[np.float64]:
    """How many percent of each replica's weights these are."""
    return 100 * np.asarray(these.double().mean(dim=1), np.float64)


def effective_share(sizes: Tensor) -> NDArray[np.float64]:
    """How evenly sizes are spread: 1 where all are equal, 1/n where one is all there is."""
    sizes = sizes.double()
    squares = sizes.shape[1] * sizes.square().sum(dim=1)
    return np.asarray(sizes.sum(dim=1).square() / squares, np.float64)


def errors_told(found: Trained, noise: Tensor) -> dict[str, NDArray[np.float64]]:
    """The error that the listing reports, and how much higher it is on fresh points."""
    x = torch.linspace(0, 2 * math.pi, FRESH_POINTS)[:, None].expand(found.nets.count, -1, 1)
    with torch.no_grad():
        seen = found.nets.each(functional.mse_loss, found.nets(found.x), found.y)
        fresh = found.nets.each(functional.mse_loss, found.nets(x), x.sin() + noise)
    errors = np.asarray(found.errors, np.float64)
    return {
        "error": errors,
        "error_kept": errors,
        "over_fit": np.asarray(fresh - seen, np.float64),
    }


EXPERIMENT: Experiment[Programs] = Experiment(
    question="What do the document's two penalties make of its own network, on other seeds?",
    factors=(PENALTY,),
    responses=(
        Response("zeros", "%", "share of weights that are exactly zero"),
        Response("near_zero", "%", "share of weights below 0.001"),
        Response("counted", "points", "share of weights that the listing counts as near zero"),
        Response("millionth", "%", "share of weights below a millionth"),
        Response("norm", "1", "norm of all weights"),
        *(Response(f"norm_{name}", "1", f"norm of the {name} layer's weights") for name in LAYERS),
        Response("largest", "1", "size of the largest weight"),
        Response("spread", "1", "effective share of the weights"),
        Response("below", "%", "share of weights below a size, from a millionth up"),
        Response("error", "1", "final training error"),
        Response("error_kept", "1", "final training error, held to the printed factor"),
        Response("over_fit", "1", "error on fresh points less that on the training points"),
    ),
    blocks=PerProfile(2, 40, 60),  # 80 noisy points: the error on them varies by a sixth of itself
    together=PerProfile(2, 20, 20),
    effort=PerProfile(4, 100, 100),  # percent of the steps
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(sizes_of_weights,),
)
