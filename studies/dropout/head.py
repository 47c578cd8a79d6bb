"""Does dropout on the logits spoil what a classifier predicts?

Listing 2's perceptron, with dropout of one half behind its hidden layers, trains as it is printed
and with dropout on the logits too; in eval mode nothing is dropped in either. "Corrupts the
predictions" is asked of classes and of their probabilities: on unseen rows the accuracy must be a
point lower, and the loss 5 % higher. The listing itself has dropout before its last linear layer:
without that it is shown beside. So is how far a mask on the logits moves the probabilities of a
pass in train mode, where nobody reads predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

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
    Value,
    at_least,
    at_most,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, draw_blocks, told
from harness.libraries import functional, nn, torch
from harness.workloads.fitting import History, Recipe, fit, logits
from studies.dropout.training import (
    BLOCKS,
    DATA,
    DIGITS,
    EPOCHS,
    HALF,
    POINT,
    SHARE,
    TOGETHER,
    Cohort,
    perceptron,
    relu_dropout,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PRINTED, LIGHT, HEAVY, BARE = "as printed", "logits 0.3", "logits 0.5", "bare"
HEAD = Factor(
    "head",
    (PRINTED, LIGHT, HEAVY, BARE),
    control=PRINTED,
    words={
        PRINTED: "no dropout on the logits",
        LIGHT: "dropout of 0.3 on the logits",
        HEAVY: "dropout of 0.5 on the logits",
        BARE: "no dropout before the last linear layer either",
    },
)
ON_LOGITS = {LIGHT: 0.3, HEAVY: 0.5}
LOWER = "Corrupts classes: with dropout on the logits the accuracy is at least one point lower."

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-list2-11",
        Difference("accuracy", HEAD).at(head=tuple(ON_LOGITS)),
        at_most(-POINT),
        reading=LOWER,
        headline={"head": HEAVY, "data": DIGITS},
    ),
    Claim(
        "D-list2-11",
        Ratio("loss", HEAD).at(head=tuple(ON_LOGITS)),
        at_least(1 + SHARE),
        reading="Corrupts probabilities: with dropout on the logits the loss on unseen rows is at "
        "least 5 % higher.",
    ),
    Beyond(
        "D-list2-11",
        Value("moved").at(head=HEAVY),
        at_least(0.05),
        why="train mode, where nobody reads predictions",
        reading="In train mode a mask on the logits moves the class probabilities by 0.05 or more "
        "in total variation.",
    ),
    Beyond(
        "D-list2-11",
        Difference("accuracy", HEAD).against(BARE).at(head=PRINTED),
        at_most(-POINT),
        why="dropout before the last linear layer, which the listing has itself",
        reading="With dropout before the last linear layer the accuracy is at least a point lower.",
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's head; evaluate in eval mode, and see what a mask on the logits does."""
    history = trained(cohort, arm[DATA], arm[HEAD])
    outputs = logits(history.nets, cohort.sample(arm[DATA]).test)
    torch.manual_seed(cohort.blocks[0].seed)
    masked = functional.dropout(outputs, ON_LOGITS.get(arm[HEAD], 0.0))
    one, other = functional.softmax(outputs, dim=-1), functional.softmax(masked, dim=-1)
    moved = (one - other).abs().sum(-1).mean(-1) / 2
    columns = (history.last("test_score"), history.last("test_loss"), moved.tolist())
    return [
        dict(zip(("accuracy", "loss", "moved"), map(float, each), strict=True))
        for each in zip(*columns, strict=True)
    ]


def trained(cohort: Cohort, data: str, head: str) -> History:
    """The fit of a head."""
    sample = cohort.sample(data)

    def network() -> nn.Module:
        net = perceptron(sample.features, sample.classes, relu_dropout(HALF))
        if head == BARE:
            del net[-2]
        elif head in ON_LOGITS:
            net.append(nn.Dropout(ON_LOGITS[head]))
        return net

    return fit(network, sample, Recipe(cohort.effort, watch_every=10))


def losses(table: pd.DataFrame) -> Figure:
    """Loss and accuracy on unseen rows against those of the listing as printed."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2)
    kinds = ((HEAVY, BLUE, -0.25), (LIGHT, ORANGE, 0.0), (BARE, GREEN, 0.25))
    for axes, response in zip(panels, ("accuracy", "loss"), strict=True):
        for head, colour, shift in kinds:
            for place, data in enumerate(DATA.levels):
                draw_blocks(
                    axes,
                    place + shift,
                    against_printed(table, response, data, head),
                    colour=colour,
                    width=0.08,
                    label=HEAD.words[head] if place == 0 else None,
                )
        axes.set_xticks(range(len(DATA.levels)), DATA.levels, fontsize=15)
    panels[0].axhline(-100 * POINT, color=BLACK, linestyle="--", linewidth=1.5)
    panels[0].set_ylabel("accuracy less that as printed (points)", fontsize=17)
    panels[1].axhline(1 + SHARE, color=BLACK, linestyle="--", linewidth=1.5)
    panels[1].set_yscale("log")
    panels[1].set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    panels[1].minorticks_off()
    panels[1].set_ylabel("loss over that as printed", fontsize=17)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", fontsize=15)
    figure.suptitle(
        "Dropout of 0.5 on the logits makes the loss on unseen digits\n"
        f"{told(against_printed(table, 'loss', DIGITS, HEAVY), '.2f')} times as high, and changes "
        "accuracy by\n"
        f"{told(against_printed(table, 'accuracy', DIGITS, HEAVY), '.1f', 'points')}\n"
        f"(CPU; dots: {table['block'].nunique()} seeds; dashed: the claim's edges)",
        fontsize=17,
    )
    return figure


def against_printed(
    table: pd.DataFrame, response: str, data: str, head: str
) -> np.typing.NDArray[np.float64]:
    """A head's accuracy less that as printed, in points, or its loss over it; one a seed."""
    rows = table[(table["response"] == response) & (table["data"] == data)]
    by_head = rows.pivot_table(index="block", columns="head", values="value", dropna=False)
    one, other = by_head.get(head), by_head.get(PRINTED)
    if one is None or other is None:
        return np.full(1, np.nan)
    found = 100 * (one - other) if response == "accuracy" else one / other
    return found.to_numpy(np.float64)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does dropout on the logits spoil what a classifier predicts?",
    factors=(HEAD, DATA),
    responses=(
        Response("accuracy", "1", "accuracy on unseen rows"),
        Response("loss", "nat", "loss on unseen rows"),
        Response("moved", "1", "total variation by which a mask on the logits moves probabilities"),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(losses,),
)
