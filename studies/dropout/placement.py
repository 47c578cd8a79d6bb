"""Should dropout stand behind the activation rather than before it?

Listing 2's perceptron trains with dropout of one half behind each activation, or before it, from
the same weights, on the same batches and with masks from the same stream. The advice is good if
accuracy on unseen rows is a point higher behind than before.

It is given for activations, none named. With the listing's own, ReLU, max(0, 2x) is 2 max(0, x) and
max(0, 0) is 0: order makes no difference to a single output, which is a control on untrained
networks, and no accuracy could come out otherwise. So the advice is judged where there is something
to advise: smooth activations see doubled inputs where dropout stands before them, and a sigmoid
gives one half for a dropped unit.
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
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, draw_blocks, told
from harness.libraries import nn, torch
from studies.dropout.training import (
    DATA,
    DIGITS,
    EPOCHS,
    HALF,
    POINT,
    TOGETHER,
    Behind,
    Cohort,
    perceptron,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BEFORE, AFTER = "before", "behind"
PLACE = Factor(
    "place",
    (BEFORE, AFTER),
    control=BEFORE,
    words={
        BEFORE: "dropout before the activation",
        AFTER: "dropout behind the activation",
    },
)
#: Their names in ``nn``.
ACTIVATIONS = {"ReLU": "ReLU", "GELU": "GELU", "sigmoid": "Sigmoid"}
ACTIVATION = Factor("activation", tuple(ACTIVATIONS))
OTHERS = ACTIVATION.levels[1:]
ADVICE = (
    "Behind, never before: accuracy on unseen rows is at least one point higher with dropout "
    "behind the activation."
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-drop-6",
        Difference("accuracy", PLACE).at(activation=OTHERS),
        at_least(POINT),
        reading=ADVICE,
        headline={"data": DIGITS, "activation": "GELU"},
    ),
    Beyond(
        "D-drop-6",
        Difference("accuracy", PLACE).at(activation="ReLU"),
        at_least(POINT),
        why="ReLU, where both orders are one network and nothing else could come out",
        reading=ADVICE,
    ),
    Beyond(
        "D-drop-6",
        Value("differ").at(place=BEFORE, data=DIGITS).always(),
        more_than(0.0),
        why="outputs of untrained networks, which say nothing of what is learnt",
        reading="With the same mask some output of the network depends on the order.",
    ),
    Control(
        "with ReLU no output depends on the order",
        Value("differ").at(place=BEFORE, activation="ReLU").always(),
        equals(0.0),
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with dropout in the arm's place."""
    behind = order(arm[PLACE], arm[ACTIVATION])
    history = cohort.fit(arm[DATA], (arm[PLACE], arm[ACTIVATION]), behind)
    sample = cohort.sample(arm[DATA])
    shape = (sample.features, sample.classes)
    return [
        {
            "accuracy": accuracy,
            "loss": loss,
            "differ": outputs_that_differ(arm[ACTIVATION], shape, seed),
        }
        for accuracy, loss, seed in zip(
            history.last("test_score"), history.last("test_loss"), cohort.seeds, strict=True
        )
    ]


def order(place: str, activation: str) -> Behind:
    """Activation and dropout in an order."""

    def layers() -> list[nn.Module]:
        both = [getattr(nn, ACTIVATIONS[activation])(), nn.Dropout(HALF)]
        return both if place == AFTER else both[::-1]

    return layers


def outputs_that_differ(activation: str, shape: tuple[int, int], seed: int) -> float:
    """The share of an untrained network's outputs that depend on the order, with equal masks.

    Args:
        activation: one of ``ACTIVATION``.
        shape: widths of input and output.
        seed: of weights, rows and masks.
    """
    outputs = []
    for place in PLACE.levels:
        torch.manual_seed(seed)
        net = perceptron(*shape, order(place, activation)).train()
        outputs.append(net(torch.randn(64, shape[0])))
    one, other = outputs
    far = (one - other).abs() > 1e-6 * torch.maximum(one.abs(), other.abs())
    return float(far.double().mean())


def accuracy_by_place(table: pd.DataFrame) -> Figure:
    """What accuracy gains from dropout behind the activation, by activation and data."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "accuracy"]
    wide = rows.pivot_table(
        index=["data", "activation", "block"], columns="place", values="value", dropna=False
    )
    gains = 100 * (wide[AFTER] - wide[BEFORE])
    marks = zip(DATA.levels, (BLUE, ORANGE, GREEN), (-0.25, 0, 0.25), strict=True)
    for data, colour, shift in marks:
        for place, activation in enumerate(ACTIVATION.levels):
            draw_blocks(
                axes,
                place + shift,
                gains.loc[data, activation].to_numpy(np.float64),
                colour=colour,
                width=0.08,
                label=DATA.say(data) if place == 0 else None,
            )
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.axhline(100 * POINT, color=BLACK, linestyle="--", linewidth=1.5)
    axes.set_xticks(range(len(ACTIVATION.levels)), ACTIVATION.levels)
    axes.set_ylabel("accuracy with dropout behind the\nactivation less before it (points)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    of_relu = gains.loc[DIGITS, "ReLU"].dropna()
    of_sigmoid = gains.loc[DIGITS, "sigmoid"].dropna()
    figure.suptitle(
        f"With ReLU dropout behind the activation gains {told(of_relu, '.1f', 'points')},\n"
        f"with a sigmoid {told(of_sigmoid, '.1f', 'points')} (digits)\n"
        f"(p = 0.5, CPU; dots: {table['block'].nunique()} seeds; dashed: what the advice needs)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Should dropout stand behind the activation rather than before it?",
    factors=(PLACE, ACTIVATION, DATA),
    responses=(
        Response("accuracy", "1", "accuracy on unseen rows"),
        Response("loss", "nat", "loss on unseen rows"),
        Response("differ", "1", "share of an untrained network's outputs that depend on the order"),
    ),
    # Sigmoid networks differ much from seed to seed.
    blocks=PerProfile(2, 40, 40),
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_by_place,),
)
