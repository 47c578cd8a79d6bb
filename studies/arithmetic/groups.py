"""Is every weight update made of B x K examples when the gradients of K batches are summed?

The number of examples is read off the gradient itself (``counting``) at every step of two epochs,
for batches of 1 to 64 and groups of 2 to 8. The formula speaks of groups that are whole, and so the
data sets that are judged consist of whole groups. Beyond it stand data sets with half a batch over,
and chapter 0's own 10,000 examples: their last group of an epoch is not full, the listed loop makes
no update of it, and leaves its gradients to the next one.
"""

from __future__ import annotations

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
    more_than,
)
from harness.workloads.arithmetic import Run, looped
from studies.arithmetic.counting import train
from studies.arithmetic.groups_figure import CHAPTER, OWN_RUN, end_of_epoch

WHOLE, OVER = "whole groups", "half a batch over"
DATA = Factor("data", (WHOLE, OVER, CHAPTER), words={WHOLE: ""})
BATCH = Factor("batch", (1, 8, 32, 64), words={size: f"batch {size}" for size in (1, 8, 32, 64)})
ACCUMULATE = Factor(
    "accumulate", (2, 4, 8), words={each: f"{each} batches to an update" for each in (2, 4, 8)}
)
GROUPS, EPOCHS = 3, 2

CLAIMS = (
    Claim(
        "C0.17",
        Value("off").at(data=WHOLE).always(),
        equals(0),
        reading="Effective batch: every weight update is made of exactly B x K examples, in data "
        "sets of whole groups.",
    ),
    Beyond(
        "C0.17",
        Value("off").at(data=OVER, batch=(8, 32, 64), accumulate=4).always(),
        equals(0),
        why="a last group that is not full",
    ),
    Beyond(
        "C0.17",
        Value("off").at(data=CHAPTER).always(),
        equals(0),
        why="a last group that is not full: 313 batches are 78 groups of 4 and one over",
    ),
    Control(
        "the calculator's closed form is what was counted",
        Value("unlike_calculator").always(),
        equals(0),
    ),
    Control(
        "gradients that are left over come into an update",
        Value("off").largest().at(data=OVER, batch=(8, 32, 64), accumulate=4).always(),
        more_than(0),
    ),
)


def the_run(arm: Arm) -> Run:
    """The numbers of an arm."""
    if arm[DATA] == CHAPTER:
        return OWN_RUN
    over = (arm[BATCH] + 1) // 2 if arm[DATA] == OVER else 0
    examples = GROUPS * arm[BATCH] * arm[ACCUMULATE] + over
    return Run(examples, arm[BATCH], EPOCHS, arm[ACCUMULATE])


def measure(_: Block, arm: Arm) -> Responses:
    """Train, and look at what every update was made of, and where every batch went."""
    run = the_run(arm)
    counted = train(run)
    by_formula = looped(run)
    same = (
        sorted(counted.updates)
        == sorted(size for size, times in by_formula.update_sizes.items() for _ in range(times))
        and counted.unused == by_formula.unused
    )
    return {
        "off": [examples - run.effective_batch for examples in counted.updates],
        "unlike_calculator": float(not same),
        "size": counted.sizes,
        "source": counted.sources,
    }


def _wanted(arm: Arm) -> bool:
    if arm[DATA] == CHAPTER:
        return arm[BATCH] == OWN_RUN.batch and arm[ACCUMULATE] == OWN_RUN.accumulate
    return arm[DATA] == WHOLE or (arm[ACCUMULATE] == 4 and arm[BATCH] > 1)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is every weight update made of B x K examples under accumulation?",
    factors=(DATA, BATCH, ACCUMULATE),
    only=_wanted,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("off", "examples", "examples of a weight update less B x K"),
        Response("unlike_calculator", "yes/no", "the count is another than the calculator's"),
        Response("size", "examples", "examples of each batch"),
        Response("source", "1", "the number of the update that each batch's gradients went into"),
    ),
    claims=CLAIMS,
    figures=(end_of_epoch,),
)
