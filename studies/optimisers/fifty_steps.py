"""Can a configuration of the arena reach 90 % in fewer than 50 steps?

Asked, not claimed. For each spiral and network one configuration out of eighteen (Adam or SGD,
three rates each, batches of 16, 64 and 256) is chosen on seeds of its own, the one with the fewest
steps in the median, and judged on fresh ones: the median number of steps until the validation
accuracy first reaches 90 % is below 50. One setting is enough. A spiral of half a turn, which is
hardly one, and every single seed are shown beside. A step is one update, whatever the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    less_than,
    more_than,
)
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.chosen import counted, fewest_steps, other_blocks
from studies.optimisers.descent import Recipe, steps_to
from studies.optimisers.spirals import TASK, USUAL_TURNS, spiral_task

TARGET, FIFTY, LONGEST = 0.9, 50, 150
TRIAL = 5  # steps to choose by, for each unit of effort: up to fifty
TURNS = Factor("turns", (0.5, 0.75, 1.0, USUAL_TURNS))
SPIRALS = TURNS.levels[1:]
RECIPES = tuple(
    Recipe(optimiser, lr, batch)
    for optimiser, lrs in (("Adam", (0.03, 0.1, 0.01)), ("SGD", (0.3, 1.0, 0.1)))
    for batch in (256, 64, 16)
    for lr in lrs
)
FEWER = less_than(FIFTY)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C8.06",
        Value("steps").along(TURNS, judged=SPIRALS),
        FEWER,
        reading="In one configuration, chosen on other seeds, the median number of steps until the "
        "validation accuracy first reaches 90 % is below 50.",
        headline={"task": SPIRAL_RELU, "turns": USUAL_TURNS},
    ),
    Beyond(
        "C8.06",
        Value("fewer").at(turns=SPIRALS).always(),
        equals(1.0),
        why="every seed, where one may do",
        reading="Every single training reaches 90 % in fewer than 50 steps.",
    ),
    Control("at the start it is not there", Value("steps").at(turns=SPIRALS), more_than(1)),
)


def choose(shared: Block) -> Mapping[tuple[str, float], Recipe]:
    """A configuration for each spiral and network, on seeds that nothing is judged on."""
    blocks = other_blocks(shared, shared.effort)
    return {
        (name, turns): fewest_steps(
            spiral_task(name, blocks, turns), RECIPES, TARGET, TRIAL * shared.effort
        )
        for name in TASK.levels
        for turns in TURNS.levels
    }


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train with what was chosen, and say what that is."""
    recipe: Recipe = blocks[0].run[arm[TASK], arm[TURNS]]
    task = spiral_task(arm[TASK], blocks, arm[TURNS])
    caps = np.full((1, len(blocks)), float(LONGEST))
    steps = counted(steps_to(task, recipe, (TARGET,), caps)[0], LONGEST)
    chosen = {
        "by_adam": float(recipe.optimiser == "Adam"),
        "rate": recipe.lr,
        "batch": float(recipe.batch),
    }
    return [{"steps": each, "fewer": float(each < FIFTY), **chosen} for each in steps.tolist()]


EXPERIMENT: Experiment[Block] = Experiment(
    question="Can a configuration of the arena reach 90 % in fewer than 50 steps?",
    factors=(TASK, TURNS),
    responses=(
        Response("steps", "steps", f"steps to 90 %, {LONGEST} at most"),
        Response("fewer", "yes/no", "fewer than 50 steps to 90 %"),
        Response("by_adam", "yes/no", "the optimiser chosen is Adam"),
        Response("rate", "1", "the rate chosen"),
        Response("batch", "rows", "the batch chosen"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 10, 10),  # seeds to choose on; steps in proportion
    prepare_run=choose,
    measure_together=measure,
    claims=CLAIMS,
)
