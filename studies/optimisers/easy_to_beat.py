"""Is the arena's baseline, SGD at 0.01 on batches of 32, easy to beat?

Three changes that come to mind, each by itself: Adam in place of SGD, a rate of 0.1 in place of
0.01, batches of 16 in place of 32. Each has the arena's 20 epochs, and wins where it takes a fifth
fewer steps or less until the validation accuracy first reaches 90 %. What does not get there counts
as the most steps that any of them has: a baseline that does not is beaten by whatever does in four
fifths of these, and where neither does nobody has won. How often the baseline gets there at all is
shown.

The arena's data set is not named. Judged is the simulator's spiral, with two networks: of a turn
and a half as in the other experiments, and of half a turn, which is easy enough for the baseline to
have a score. Digits are shown beside. Nothing is chosen on any seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

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
    Value,
    at_least,
    at_most,
)
from harness.workloads.tasks import DIGITS, SPIRAL_RELU, SPIRAL_TANH, TrainingTask, make_task
from studies.optimisers.chosen import counted
from studies.optimisers.descent import Recipe, steps_to
from studies.optimisers.spirals import USUAL_TURNS, spiral_task

TARGET = 0.9
EASY, USUAL = "half a turn", "a turn and a half"
SPIRALS = {
    f"{words}, {net.split(', ')[1]}": (net, turns)
    for words, turns in ((EASY, 0.5), (USUAL, USUAL_TURNS))
    for net in (SPIRAL_RELU, SPIRAL_TANH)
}
DATA = Factor("data", (*SPIRALS, DIGITS), words={name: f"spiral of {name}" for name in SPIRALS})
BASELINE = "baseline"
RECIPES = {
    BASELINE: Recipe("SGD", 0.01, 32),
    "Adam": Recipe("Adam", 0.01, 32),
    "rate 0.1": Recipe("SGD", 0.1, 32),
    "batch 16": Recipe("SGD", 0.01, 16),
}
CHANGE = Factor("change", tuple(RECIPES), control=BASELINE, words={BASELINE: "the baseline"})
BEATEN = at_most(0.8)
READING = (
    "Beaten by one obvious change: it takes a fifth fewer steps or less until the validation "
    "accuracy first reaches 90 % within 20 epochs."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "C8.05",
        Ratio("steps", CHANGE).at(data=tuple(SPIRALS)),
        BEATEN,
        reading=READING,
        headline={"data": f"{USUAL}, ReLU", "change": "Adam"},
    ),
    Beyond("C8.05", Ratio("steps", CHANGE).at(data=DIGITS), BEATEN, why="a data set of our choice"),
    Beyond(
        "C8.05",
        Value("there").at(change=BASELINE).frequency(),
        at_least(0.5),
        why="whether the baseline has a score to beat",
        reading="The baseline reaches 90 % within 20 epochs in half of the trainings or more.",
    ),
)


@dataclass
class Arena:
    """The blocks of a cohort and the tasks that have been asked for."""

    blocks: tuple[Block, ...]
    tasks: dict[str, TrainingTask] = field(default_factory=dict)

    def task(self, data: str) -> TrainingTask:
        """A data set with a network for each block."""
        if data not in self.tasks:
            spiral = SPIRALS.get(data)
            made = spiral_task(spiral[0], self.blocks, spiral[1]) if spiral else None
            self.tasks[data] = made or make_task(data, self.blocks)
        return self.tasks[data]


def steps_of(task: TrainingTask, batch: int, epochs: int) -> int:
    """How many steps so many epochs are."""
    return epochs * (task.train.x.shape[1] // batch)


def measure(arena: Arena, arm: Arm) -> Sequence[Responses]:
    """Race to the target within the arena's epochs."""
    task, recipe, epochs = arena.task(arm[DATA]), RECIPES[arm[CHANGE]], arena.blocks[0].effort
    own = np.full((1, len(arena.blocks)), float(steps_of(task, recipe.batch, epochs)))
    steps = steps_to(task, recipe, (TARGET,), own)[0]
    most = max(steps_of(task, each.batch, epochs) for each in RECIPES.values())
    return [
        {"steps": score, "there": float(np.isfinite(found))}
        for score, found in zip(counted(steps, most).tolist(), steps.tolist(), strict=True)
    ]


EXPERIMENT: Experiment[Arena] = Experiment(
    question="Is the arena's baseline, SGD at 0.01 on batches of 32, easy to beat?",
    factors=(DATA, CHANGE),
    responses=(
        Response("steps", "steps", "steps to 90 % within 20 epochs"),
        Response("there", "yes/no", "it reaches 90 % within 20 epochs"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 20, 20),  # epochs
    prepare_together=Arena,
    measure_together=measure,
    claims=CLAIMS,
)
