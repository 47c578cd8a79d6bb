"""What becomes of training when the gradients are never reset?

Five tasks are trained with four optimisers, each at two usual learning rates ten times apart, once
with ``zero_grad`` and once without: the same weights, data and batches. Watched are the norm of
``.grad`` as the optimiser finds it, its direction, and the loss over the training set. The gradient
of each step by itself is caught before it is added to what is there.

The documents state what happens as the rule, so each task with each optimiser and rate is judged by
itself, over all seeds; the figures show the whole grid. What becomes of the loss is judged where
the correct loop loses a quarter of its own or more in these steps (of the linear regression's two
thirds can be lost); where it does not, the rate is too low for the task to be called usual, and
what was found is shown beside. A loss below a hundredth of the
initial one counts as a hundredth: there both loops have learnt the task.

By arithmetic ``.grad`` without ``zero_grad`` is the sum of the gradients so far (``gradients.py``),
so that its direction is that of their mean; how far this is from the gradient of now is another
question, to which the documents give no number: the cosine is reported task by task.

In two more arms the weights stay where they are (a learning rate of 0): with all rows in every step
all gradients are the same, and the sum must be a hundred times the first.

The verdicts speak for small networks, batches of 32 and 1,000 steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import (
    Arm,
    Beyond,
    Claim,
    Control,
    Experiment,
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
    less_than,
)
from harness.workloads.tasks import DIGITS
from studies.bugs.grid import (
    CONVERGING,
    DIVERGES,
    DIVERGES_READING,
    EXPONENT,
    FROZEN,
    FROZEN_ALL,
    GRADIENTS,
    HUNDREDFOLD,
    LINEARLY,
    LINEARLY_READING,
    OSCILLATES,
    OSCILLATES_READING,
    SETTING,
    SETTINGS,
    SHARE_LEFT,
    SLOW,
    STEP,
    SWINGS,
    TASK,
    WORSE,
    Grid,
    prepare_grid,
    trained,
)
from studies.bugs.grid_figures import gradient_norms, losses_at_the_end, times_the_gradient

LEARNT = 0.01  # of the initial loss; what is below is as good as nothing
#: What a reader would call typical: a perceptron, and Adam at the rate it has by default.
TYPICAL: dict[str, Level] = {"task": DIGITS, "setting": "Adam, rate 0.001"}
#: Where other readings are shown: that rate, and the simulator's.
SOME = ("Adam, rate 0.001", "SGD, rate 0.01")
EVERY = tuple(SETTINGS)
TOO_SLOW = (
    "a learning rate at which the correct loop itself loses less than a quarter of its loss in "
    "1,000 steps"
)

ENDS_WORSE = Ratio("end", GRADIENTS)
SWINGS_KEPT = Value(SWINGS.name).at(gradients="kept")
LEFT_KEPT = Value(SHARE_LEFT.name).at(gradients="kept")
WORSE_READING = (
    "It never converges properly: at the end the loss over the training set is at least 5 % above "
    "that of the correct loop after as many steps."
)

GRADIENT_CLAIMS = (
    Claim(
        "C5.03",
        Value("times_own").at(gradients="kept", setting=EVERY),
        HUNDREDFOLD,
        reading="What is meant to be applied is the step's own gradient: at step 100 the norm of "
        ".grad is 80 to 120 times that gradient's.",
        headline=TYPICAL,
    ),
    Beyond(
        "C5.03",
        Value("growth").at(gradients="kept", setting=SOME),
        HUNDREDFOLD,
        why="it measures against the gradient of the first step in place of the step's own",
    ),
    Beyond(
        "C5.03",
        Ratio("norm_at_step", GRADIENTS).at(setting=SOME),
        HUNDREDFOLD,
        why="it measures against the correct loop's gradient at step 100",
    ),
    Beyond(
        "C5.03",
        Value("times_own").at(gradients="kept", setting=FROZEN),
        HUNDREDFOLD,
        why="weights that do not move, which nobody trains with",
    ),
    Claim(
        "C5.04",
        Value("with_mean").at(gradients="kept", setting=EVERY),
        at_least(0.999),
        reading="An averaged direction: at step 100 .grad points where the mean of all gradients "
        "so far points, as it must if it is their sum (cosine 1, but for rounding).",
        headline=TYPICAL,
    ),
    Beyond(
        "C5.04",
        Value("with_now").at(gradients="kept", setting=EVERY),
        at_most(0.5),
        why="the passage says not how far the averaged direction is from the current one",
        reading="Another direction than the current one: at step 100 .grad is at least 60 degrees "
        "off the step's own gradient.",
    ),
    Claim(
        "C5.31",
        Value(EXPONENT.name).at(gradients="kept", setting=EVERY),
        LINEARLY,
        reading=LINEARLY_READING,
        headline=TYPICAL,
    ),
    Beyond(
        "C5.31",
        Value("exponent_whole").at(gradients="kept", setting=SOME),
        LINEARLY,
        why="1,000 steps, in which some trainings have long diverged",
    ),
)


def loss_claims() -> list[Claim | Beyond]:
    """What becomes of the loss: judged at usual rates, shown at those that are too low."""
    rules: list[Claim | Beyond] = []
    for task, settings in CONVERGING.items():
        chosen = TYPICAL if task == TYPICAL["task"] else False
        at: dict[str, Level | tuple[Level, ...]] = {"task": task, "setting": settings}
        rules += [
            Claim(
                "C5.05",
                LEFT_KEPT.at(**at),
                DIVERGES,
                reading=DIVERGES_READING,
                headline=chosen,
            ),
            Claim("C5.05", SWINGS_KEPT.at(**at), OSCILLATES, reading=OSCILLATES_READING),
            Claim("C3.28", ENDS_WORSE.at(**at), WORSE, reading=WORSE_READING, headline=chosen),
        ]
    for task, settings in SLOW.items():
        at = {"task": task, "setting": settings}
        rules += [
            Beyond("C5.05", LEFT_KEPT.at(**at), DIVERGES, why=TOO_SLOW, reading=DIVERGES_READING),
            Beyond(
                "C5.05", SWINGS_KEPT.at(**at), OSCILLATES, why=TOO_SLOW, reading=OSCILLATES_READING
            ),
            Beyond("C3.28", ENDS_WORSE.at(**at), WORSE, why=TOO_SLOW, reading=WORSE_READING),
        ]
    return rules


CONTROLS = (
    Control(
        "a hundred equal gradients are a hundred times the first",
        Value("growth").at(setting=FROZEN_ALL).always(),
        equals(100.0, within=0.01),
    ),
    Control(
        "and grow on a straight line",
        Value(EXPONENT.name).at(setting=FROZEN_ALL).always(),
        equals(1.0, within=1e-3),
    ),
    Control(
        "frozen weights leave the loss as it is",
        Value("rises").at(setting=FROZEN_ALL).always(),
        equals(0.0),
    ),
    *(
        Control(
            "where the loss is judged, the correct loop loses a quarter of it",
            Value(SHARE_LEFT.name).at(gradients="reset", task=task, setting=settings),
            less_than(0.75),
        )
        for task, settings in CONVERGING.items()
    ),
)

RESPONSES = (
    Response("times_own", "1", f"norm of .grad over that of the gradient of step {STEP} alone"),
    Response("growth", "1", f"norm of .grad at step {STEP} over that at step 1"),
    Response("norm_at_step", "1", f"norm of .grad at step {STEP}"),
    Response("with_mean", "1", f"cosine between .grad and the mean gradient up to step {STEP}"),
    Response("with_now", "1", f"cosine between .grad and the gradient of step {STEP} alone"),
    EXPONENT,
    Response(
        "exponent_whole", "1", "power of the steps with which the norm of .grad grows to the end"
    ),
    SHARE_LEFT,
    Response("end", "1", "training loss at the end (a hundredth of the initial loss at the least)"),
    SWINGS,
    Response("rises", "1", "share of epochs after which the training loss is higher than before"),
    Response("norm", "1", "norm of .grad over that of the first step"),
)


def in_the_design(arm: Arm) -> bool:
    """Frozen weights are looked at without zero_grad only."""
    return arm[SETTING] in SETTINGS or arm[GRADIENTS] == "kept"


def measure(grid: Grid, arm: Arm) -> Sequence[Responses]:
    """Train a cell's replicas."""
    found = dict(trained(grid, arm))
    found["end"] = found["share_left"].clip(min=LEARNT)
    return [
        {name: values[..., replica].tolist() for name, values in found.items()}
        for replica in range(len(grid.blocks))
    ]


EXPERIMENT: Experiment[Grid] = Experiment(
    question="What becomes of training when the gradients are never reset?",
    factors=(TASK, SETTING, GRADIENTS),
    only=in_the_design,
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(100, 1000, 2000),  # steps
    prepare_together=prepare_grid,
    measure_together=measure,
    responses=RESPONSES,
    claims=(*GRADIENT_CLAIMS, *loss_claims(), *CONTROLS),
    figures=(gradient_norms, times_the_gradient, losses_at_the_end),
)
