"""Does inference with all units average the sub-networks?

Perceptrons are trained with dropout of one half. On rows that no choice has seen, their logits in
eval mode are compared with the mean of the logits of their sub-networks: of all 4,096 where there
are twelve units, enumerated; of 2,000 that are drawn where there are listing 2's 64 and 32. The
average need not be exact to be one, but three things must hold together: the probabilities that
eval mode's logits and the mean logits give are less than 0.05 apart in total variation, the measure
and the edge by which "does not approximate the true ensemble well" is judged at a rate of 0.9
(D-int-3); the distance of the logits themselves is a tenth of the sub-networks' spread at most; and
the class is the same on 99 rows of 100.

Behind one hidden layer logits are linear in the mask and their mean is eval mode's by arithmetic,
which could not come out otherwise: shown beside, and a control. Behind two it is what has to be
seen. Averaged is what the networks give, logits; the mean of probabilities is shown beside, here as
there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    less_than,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told
from harness.libraries import functional, torch
from studies.dropout.training import (
    BLOCKS,
    DATA,
    EPOCHS,
    HALF,
    LISTED,
    TOGETHER,
    Cohort,
    relu_dropout,
)
from studies.mc_dropout.levels import FAR

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads import Replicas

TWELVE, LISTING_WIDE = "twelve units, all masks", "listing 2's widths, 2,000 masks"
WIDTHS: dict[tuple[str, int], tuple[int, ...]] = {
    (TWELVE, 1): (12,),
    (TWELVE, 2): (6, 6),
    (LISTING_WIDE, 1): LISTED[:1],
    (LISTING_WIDE, 2): LISTED,
}
UNITS = Factor("units", (TWELVE, LISTING_WIDE))
DEPTH = Factor("depth", (1, 2), words={1: "one hidden layer", 2: "two hidden layers"})
ROWS, DRAWN, AT_ONCE = 50, 2000, 50
NEAR, CLOSE, SAME = less_than(FAR), at_most(0.1), at_least(0.99)
AVERAGE = "an average"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-drop-2",
        Value("distance").at(depth=2),
        NEAR,
        reading="An average: the probabilities of eval mode are less than 0.05 away, in total "
        "variation, from those of the mean logits of the sub-networks.",
        headline={"data": "digits", "units": LISTING_WIDE},
        jointly=AVERAGE,
    ),
    Claim(
        "D-drop-2",
        Value("gap").at(depth=2),
        CLOSE,
        reading="An average: logits in eval mode are no further from the mean over sub-networks "
        "than a tenth of the sub-networks' spread.",
        jointly=AVERAGE,
    ),
    Claim(
        "D-drop-2",
        Value("same_class").at(depth=2),
        SAME,
        reading="An average: eval mode gives the class of the mean over sub-networks on at least "
        "99 rows of 100.",
        jointly=AVERAGE,
    ),
    *(
        Beyond(
            "D-drop-2",
            Value(response).at(depth=1),
            region,
            why="one hidden layer, where the mean of the logits is eval mode's by arithmetic",
        )
        for response, region in (("distance", NEAR), ("gap", CLOSE), ("same_class", SAME))
    ),
    Beyond(
        "D-drop-2",
        Value("of_probabilities"),
        NEAR,
        why="the mean of the sub-networks' probabilities, where the rule was set for their logits",
        reading="Class probabilities in eval mode are less than 0.05 away, in total variation, "
        "from their mean over sub-networks.",
    ),
    Control(
        "of all sub-networks of one hidden layer the mean is exact",
        Value("gap").at(units=TWELVE, depth=1).always(),
        at_most(1e-3),
    ),
)


class Averages(NamedTuple):
    """Over sub-networks, shapes (replicas, rows, classes), and the spread, (replicas,)."""

    logits: Tensor
    probabilities: Tensor
    spread: Tensor


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train, average over sub-networks, and compare with eval mode."""
    widths = WIDTHS[arm[UNITS], arm[DEPTH]]
    nets = cohort.fit(arm[DATA], widths, relu_dropout(HALF), widths=widths).nets
    x = cohort.sample(arm[DATA]).test.x[:, :ROWS]
    masks = (
        every_mask(widths)
        if arm[UNITS] == TWELVE
        else drawn_masks(widths, DRAWN, cohort.blocks[0].seed)
    )
    layers = layers_of(nets)
    with torch.no_grad():
        average = averages(layers, x, [mask.to(x.device) for mask in masks])
        evaluated = forward(layers, x, [torch.ones(1, width, device=x.device) for width in widths])
        evaluated = evaluated[:, 0]
    gap = (evaluated - average.logits).square().mean(dim=(1, 2)).sqrt() / average.spread
    same = (evaluated.argmax(-1) == average.logits.argmax(-1)).double().mean(-1)
    once = functional.softmax(evaluated.double(), dim=-1)
    found = {
        "distance": total_variation(once, functional.softmax(average.logits, dim=-1)),
        "gap": gap,
        "same_class": same,
        "of_probabilities": total_variation(once, average.probabilities),
    }
    return [
        {name: values[place].item() for name, values in found.items()}
        for place in range(len(cohort.blocks))
    ]


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """Half of the summed differences of probabilities, the mean over rows; shape (replicas,).

    Args:
        p: shape (replicas, rows, classes).
        q: of the same shape.
    """
    return (p - q).abs().sum(dim=-1).mean(dim=-1) / 2


def layers_of(nets: Replicas) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of each linear layer, with the replica first."""
    tensors = [parameter.detach() for parameter in nets.parameters()]
    return list(zip(tensors[::2], tensors[1::2], strict=True))


def every_mask(widths: Sequence[int]) -> list[Tensor]:
    """All masks of some layers: for each layer (masks, units), scaled as dropout of one half."""
    kept = torch.tensor([*itertools.product((0.0, 2.0), repeat=sum(widths))])
    return list(kept.split(list(widths), dim=1))


def drawn_masks(widths: Sequence[int], count: int, seed: int) -> list[Tensor]:
    """Masks as dropout of one half draws them, from a seed."""
    stream = torch.Generator().manual_seed(seed)
    return [2.0 * torch.randint(2, (count, width), generator=stream) for width in widths]


def forward(layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """Logits under each mask.

    Args:
        layers: as ``layers_of`` gives them.
        x: shape (replicas, rows, features).
        masks: for each hidden layer, shape (masks, units).

    Returns:
        Shape (replicas, masks, rows, classes).
    """
    out = x[:, None]
    for (weight, bias), mask in zip(layers, masks, strict=False):
        hidden = (out @ weight.mT[:, None] + bias[:, None, None]).relu()
        out = hidden * mask[None, :, None]
    weight, bias = layers[-1]
    return out @ weight.mT[:, None] + bias[:, None, None]


def averages(
    layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, masks: Sequence[Tensor]
) -> Averages:
    """Means over masks of logits and probabilities, and the spread of logits around their mean."""
    count = len(masks[0])
    total = squares = chances = torch.zeros((), dtype=torch.float64)
    for chunk in zip(*(mask.split(AT_ONCE) for mask in masks), strict=True):
        logits = forward(layers, x, chunk).double()
        total = total + logits.sum(dim=1)
        squares = squares + logits.square().sum(dim=1)
        chances = chances + functional.softmax(logits, dim=-1).sum(dim=1)
    mean = total / count
    variance = (squares / count - mean.square()).clamp(min=0)
    return Averages(mean, chances / count, variance.mean(dim=(1, 2)).sqrt())


def distances(table: pd.DataFrame) -> Figure:
    """The distance of eval mode from the mean over sub-networks."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, units in zip(panels, UNITS.levels, strict=True):
        rows = table[(table["response"] == "distance") & (table["units"] == units)]
        for depth, colour, shift in ((1, BLUE, -0.15), (2, ORANGE, 0.15)):
            for place, data in enumerate(DATA.levels):
                at = (rows["data"] == data) & (rows["depth"] == depth)
                draw_blocks(
                    axes,
                    place + shift,
                    rows[at]["value"].to_numpy(np.float64),
                    colour=colour,
                    width=0.1,
                    label=DEPTH.words[depth] if place == 0 else None,
                )
        axes.axhline(FAR, color=BLACK, linestyle="--", linewidth=1.5)
        axes.set_xticks(range(len(DATA.levels)), DATA.levels, fontsize=16)
        axes.set_title(units, fontsize=18)
    panels[0].set_ylabel("total variation of eval mode from the\nmean logits of sub-networks")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=16
    )
    at = (table["response"] == "distance") & (table["depth"] == 2) & (table["data"] == "digits")
    found = table[at & (table["units"] == LISTING_WIDE)]["value"]
    figure.suptitle(
        f"Behind two hidden layers, eval mode is {told(found, '.3f')} away\nfrom the mean of its "
        f"sub-networks (digits; CPU; dots: {table['block'].nunique()} seeds;\n"
        f"dashed: {FAR:g}, the edge of what counts as an average)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does inference with all units average the sub-networks?",
    factors=(DATA, UNITS, DEPTH),
    responses=(
        Response(
            "distance",
            "1",
            "total variation between the probabilities of eval mode and those of the mean logits "
            "of the sub-networks",
        ),
        Response(
            "gap",
            "1",
            "distance of the logits in eval mode from their mean over sub-networks, in the "
            "sub-networks' spread",
        ),
        Response("same_class", "1", "share of rows whose class is that of the mean logits"),
        Response(
            "of_probabilities",
            "1",
            "total variation between probabilities in eval mode and their mean over sub-networks",
        ),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(distances,),
)
