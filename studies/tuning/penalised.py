"""What L1 and L2 are tried on, with which strengths, and the trainings of a cohort."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import Factor
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import l1, l2
from harness.workloads.samples import draw_sample
from harness.workloads.three_penalties import EPOCHS as EPOCHS_OF_THE_LISTING
from harness.workloads.three_penalties import POINTS, overparameterised
from studies.tuning.cohort import Cohort
from studies.tuning.tasks import CANCER, LISTING, RESIDUAL, TASK, labelled, network_of

if TYPE_CHECKING:
    from harness.workloads.fitting import History
    from harness.workloads.samples import Sample
    from studies.tuning.tasks import Numbers

PENALTIES = {"L1": l1, "L2": l2}
EXPONENTS = tuple(-5 + place / 2 for place in range(10))  # from 0.00001 to 0.3
DECADES = EXPONENTS[::2]
EPOCHS = 100  # the sine has as many as listing 1
HELD_OUT = 400  # points of the sine in each part
SINE = "sine"


class Setting(NamedTuple):
    """What is trained on: a task, the share of labels trained on that are wrong, the strengths."""

    task: str
    wrong: float = 0.0
    exponents: tuple[float, ...] = DECADES


#: Levels with wrong labels, and the task that each is of.
WRONG = {f"{task}, wrong labels": task for task in (LISTING, CANCER, RESIDUAL)}
SETTINGS = {
    **{name: Setting(task, 0.2, EXPONENTS) for name, task in WRONG.items()},
    **{task: Setting(task) for task in (LISTING, CANCER)},
    SINE: Setting(SINE),
}
_SAID = labelled(tuple(WRONG.values()), "a fifth of the training labels wrong")
SETTING = Factor(
    "task",
    tuple(SETTINGS),
    words={
        **{name: _SAID[task] for name, task in WRONG.items()},
        **{task: TASK.say(task) for task in (LISTING, CANCER)},
        SINE: "listing 1's noisy sine",
    },
)
WRONG_LISTING = next(iter(WRONG))


@dataclass
class Penalised(Cohort):
    """A cohort with the trainings that have been asked for; effort is percent of the epochs."""

    histories: dict[tuple[str, str, float], History] = field(default_factory=dict)
    sine: Sample | None = None

    def history(self, setting: str, penalty: str, exponent: float) -> History:
        """A training with a penalty of ten to some power, watched at its end."""
        key = setting, penalty, exponent
        if key not in self.histories:
            task, wrong, _ = SETTINGS[setting]
            sample = self.points() if task == SINE else self.sample(task, wrong=wrong)
            most = EPOCHS_OF_THE_LISTING if task == SINE else EPOCHS
            epochs = max(1, most * self.blocks[0].effort // 100)
            recipe = Recipe(
                epochs=epochs,
                batch=POINTS if task == SINE else Recipe.batch,
                optimiser="Adam",
                penalty=partial(PENALTIES[penalty], strength=10**exponent),
                watch_every=epochs,
            )
            make = overparameterised if task == SINE else network_of(task, sample, (0.0,))
            self.histories[key] = fit(make, sample, recipe)
        return self.histories[key]

    def points(self) -> Sample:
        """Listing 1's sine with noise of each block's own; a step takes all of its points."""
        if self.sine is None:
            seeds, device = [block.seed for block in self.blocks], self.blocks[0].device
            self.sine = draw_sample("sine", seeds, held_out=HELD_OUT, device=device)
        return self.sine

    def curves(self, setting: str, penalty: str) -> tuple[Numbers, Numbers]:
        """Validation and test loss after the last epoch; shape (strengths, replicas)."""
        exponents = SETTINGS[setting].exponents
        histories = [self.history(setting, penalty, exponent) for exponent in exponents]
        return (
            np.stack([each.last("val_loss") for each in histories]),
            np.stack([each.last("test_loss") for each in histories]),
        )
