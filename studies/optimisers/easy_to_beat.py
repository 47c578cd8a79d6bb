"""Is the arena's baseline, SGD at 0.01 on batches of 32, easy to beat?

Three changes that come to mind, each by itself: Adam in place of SGD, a rate of 0.1 in place of
0.01, batches of 16 in place of 32. Each has the arena's 20 epochs, and wins where it takes a fifth
fewer steps or less until the validation accuracy first reaches 90 %. What does not get there counts
as the most steps that any of them has: a baseline that does not is beaten by whatever does in four
fifths of these. How often the baseline gets there at all is shown.

It is easy to beat where one such change wins, and nobody needs all three. Which of them a player
would keep is found on other seeds for each data set, the one with the fewest steps, and judged on
fresh ones; each by itself stands beside. Where neither the baseline nor a change gets there in 20
epochs nobody has won or lost, and nothing is judged: of the tightest spiral with tanh that is known
from earlier runs, and shown.

The arena's data set is not named. Judged are the simulator's spirals, with two networks: of half a
turn, which is easy enough for the baseline to have a score, and of three quarters to a turn and a
half as in the other experiments. Digits are shown beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from studies.optimisers.chosen import best, counted, other_blocks
from studies.optimisers.descent import Numbers, Recipe, steps_to
from studies.optimisers.spirals import USUAL_TURNS, spiral_task

TARGET = 0.9
TURNS = {
    "half a turn": 0.5,
    "three quarters of a turn": 0.75,
    "one turn": 1.0,
    "a turn and a half": USUAL_TURNS,
}
SPIRALS = {
    f"{words}, {net.split(', ')[1]}": (net, turns)
    for words, turns in TURNS.items()
    for net in (SPIRAL_RELU, SPIRAL_TANH)
}
DATA = Factor("data", (*SPIRALS, DIGITS), words={name: f"spiral of {name}" for name in SPIRALS})
#: Where nobody gets there, as a condition shows.
UNREACHED = "a turn and a half, tanh"
REACHED = tuple(name for name in SPIRALS if name != UNREACHED)
BASELINE, KEPT = "baseline", "kept"
RECIPES = {
    BASELINE: Recipe("SGD", 0.01, 32),
    "Adam": Recipe("Adam", 0.01, 32),
    "rate 0.1": Recipe("SGD", 0.1, 32),
    "batch 16": Recipe("SGD", 0.01, 16),
}
OBVIOUS = tuple(name for name in RECIPES if name != BASELINE)
CHANGE = Factor(
    "change",
    (*RECIPES, KEPT),
    control=BASELINE,
    words={BASELINE: "the baseline", KEPT: "the change that wins on other seeds"},
)
#: Seeds to choose on, for each epoch that a run has time for.
CHOOSING = 0.5
BEATEN = at_most(0.8)
READING = (
    "Easily beaten: one obvious change (Adam, a rate of 0.1 or batches of 16), which wins on other "
    "seeds, takes a fifth fewer steps or less until the validation accuracy first reaches 90 % "
    "within 20 epochs."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "C8.05",
        Ratio("steps", CHANGE).at(change=KEPT, data=REACHED),
        BEATEN,
        reading=READING,
        headline={"data": "a turn and a half, ReLU"},
    ),
    Beyond(
        "C8.05",
        Ratio("steps", CHANGE).at(change=KEPT, data=UNREACHED),
        BEATEN,
        why="neither the baseline nor a change gets there in 20 epochs: nobody has won or lost",
    ),
    Beyond(
        "C8.05",
        Ratio("steps", CHANGE).at(change=OBVIOUS, data=tuple(SPIRALS)),
        BEATEN,
        why="each change by itself, where one that wins is enough",
        reading="Beaten by this change: it takes a fifth fewer steps or less until the validation "
        "accuracy first reaches 90 % within 20 epochs.",
    ),
    Beyond("C8.05", Ratio("steps", CHANGE).at(data=DIGITS), BEATEN, why="a data set of our choice"),
    Beyond(
        "C8.05",
        Value("there").at(change=(BASELINE, KEPT)).frequency(),
        at_least(0.5),
        why="whether there is a score to beat, and one that beats it",
        reading="It reaches 90 % within 20 epochs in half of the trainings or more.",
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


def race(task: TrainingTask, recipe: Recipe, epochs: int) -> tuple[Numbers, Numbers]:
    """Each replica's score within so many epochs of a recipe's own, and whether it got there."""
    own = np.full((1, len(task.seeds)), float(steps_of(task, recipe.batch, epochs)))
    steps = steps_to(task, recipe, (TARGET,), own)[0]
    most = max(steps_of(task, each.batch, epochs) for each in RECIPES.values())
    return counted(steps, most), np.isfinite(steps).astype(np.float64)


def choose(shared: Block) -> Mapping[str, str]:
    """The change that is kept on each data set, on seeds that nothing is judged on."""
    epochs = shared.effort
    arena, kept = Arena(other_blocks(shared, max(1, round(CHOOSING * epochs)))), {}
    for data in DATA.levels:
        scores = {
            change: float(np.median(race(arena.task(data), RECIPES[change], epochs)[0]))
            for change in OBVIOUS
        }
        kept[data] = best(OBVIOUS, scores.__getitem__)
    return kept


def measure(arena: Arena, arm: Arm) -> Sequence[Responses]:
    """Race to the target within the arena's epochs."""
    block, data = arena.blocks[0], arm[DATA]
    change = block.run[data] if arm[CHANGE] == KEPT else arm[CHANGE]
    scores, there = race(arena.task(data), RECIPES[change], block.effort)
    return [
        {"steps": score, "there": reached, "by_adam": float(change == "Adam")}
        for score, reached in zip(scores.tolist(), there.tolist(), strict=True)
    ]


EXPERIMENT: Experiment[Arena] = Experiment(
    question="Is the arena's baseline, SGD at 0.01 on batches of 32, easy to beat?",
    factors=(DATA, CHANGE),
    responses=(
        Response("steps", "steps", "steps to 90 % within 20 epochs"),
        Response("there", "yes/no", "it reaches 90 % within 20 epochs"),
        Response("by_adam", "yes/no", "the change is Adam"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 20, 20),  # epochs
    prepare_run=choose,
    prepare_together=Arena,
    measure_together=measure,
    claims=CLAIMS,
)
