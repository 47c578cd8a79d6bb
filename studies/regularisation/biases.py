"""Does it help to penalise biases as well as weights?

Six fits, each with a penalty on the weights alone and on the biases too: the document's sine with
its L2 and its L1, three classifications and a regression with an L2 of 0.001, all by Adam. Help is
a loss on the test rows that is at least 5 % lower. "Rarely" is a tendency over these settings, so
that each is judged by itself. Judged is the loss after the last epoch, for the document stops
nowhere early; that of the epoch with the lowest validation loss is shown beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
)
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import l1, l2
from harness.workloads.samples import SampleName, draw_sample
from studies.regularisation.nets import NETWORKS, Rows, by_block, seeds_of

if TYPE_CHECKING:
    from torch import Tensor


class Setting(NamedTuple):
    """Rows, a penalty with its strength, and how long to train.

    Attributes:
        sample: whose rows and network.
        penalty: of the nets and a strength.
        strength: see there.
        epochs: for a hundred percent of effort.
        batch: rows a step.
    """

    sample: SampleName
    penalty: Callable[..., Tensor]
    strength: float
    epochs: int
    batch: int = 64


SETTINGS: Mapping[str, Setting] = {
    "sine, L2 of 0.001": Setting("sine", l2, 1e-3, 500, 80),
    "sine, L1 of 0.0001": Setting("sine", l1, 1e-4, 500, 80),
    "digits, L2 of 0.001": Setting("digits", l2, 1e-3, 40),
    "breast cancer, L2 of 0.001": Setting("breast cancer", l2, 1e-3, 80),
    "listing 3, L2 of 0.001": Setting("listing 3", l2, 1e-3, 40),
    "diabetes, L2 of 0.001": Setting("diabetes", l2, 1e-3, 80),
}
STRONGER: Mapping[str, Setting] = {
    "digits, L2 of 0.01": Setting("digits", l2, 1e-2, 40),
    "diabetes, L2 of 0.01": Setting("diabetes", l2, 1e-2, 80),
}
ALL = {**SETTINGS, **STRONGER}
SETTING = Factor("setting", tuple(ALL))
BIASES = Factor(
    "biases",
    (False, True),
    control=False,
    words={False: "penalty on the weights alone", True: "penalty on the biases too"},
)

NO_HELP = at_least(0.95)
READING = (
    "It does not help: with a penalty on the biases too, the loss on test rows after the last "
    "epoch is less than 5 % lower than with one on the weights alone."
)
CLAIMS = (
    Claim(
        "D-list1-10",
        Ratio("test_loss", BIASES).at(setting=tuple(SETTINGS)),
        NO_HELP,
        READING,
        headline={"setting": "sine, L2 of 0.001"},
    ),
    Beyond(
        "D-list1-10",
        Ratio("best_test_loss", BIASES).at(setting=tuple(SETTINGS)),
        NO_HELP,
        why="the best epoch by validation, where the document trains to the end",
    ),
    Beyond(
        "D-list1-10",
        Ratio("test_loss", BIASES).at(setting=tuple(STRONGER)),
        NO_HELP,
        why="ten times the document's strength",
    ),
)


def prepare(blocks: Sequence[Block]) -> Rows:
    """Draw the samples."""
    seeds = seeds_of(blocks)
    names = dict.fromkeys(setting.sample for setting in ALL.values())
    return Rows({name: draw_sample(name, seeds) for name in names}, blocks[0].effort)


def measure(rows: Rows, arm: Arm) -> Sequence[Responses]:
    """Fit one setting."""
    setting, biases = ALL[arm[SETTING]], arm[BIASES]
    epochs = max(2, setting.epochs * rows.effort // 100)
    recipe = Recipe(
        epochs=epochs,
        batch=setting.batch,
        optimiser="Adam",
        penalty=lambda nets: setting.penalty(nets, setting.strength, biases=biases),
        watch_every=max(1, epochs // 20),
    )
    history = fit(NETWORKS[setting.sample], rows.samples[setting.sample], recipe)
    return by_block(
        {
            "test_loss": history.last("test_loss"),
            "best_test_loss": history.at("test_loss", history.best()),
            "train_loss": history.last("train_loss"),
        }
    )


EXPERIMENT: Experiment[Rows] = Experiment(
    question="Does it help to penalise biases as well as weights?",
    factors=(SETTING, BIASES),
    responses=(
        Response("test_loss", "1", "loss on the test rows after the last epoch"),
        Response("best_test_loss", "1", "loss on the test rows at the best epoch"),
        Response("train_loss", "1", "loss on the training rows after the last epoch"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(4, 100, 100),  # percent of the epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
)
