"""Does any of the six bugs raise an error, or so much as a warning?

Each bug is switched on in the study's training loop: a small CNN with dropout and batch norm on
digits, frozen in part after the first of two epochs, so that the optimiser can be stale. Warnings
count as errors. The sixth bug, the wrong device, comes in three forms, each a training step of a
perceptron on a GPU or on PyTorch's fake tensors (``elsewhere``): inputs left on the CPU; targets
left on the CPU; and outputs brought to targets on the CPU, which nobody does by forgetting a line.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from harness import (
    Arm,
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
)
from harness.libraries import functional, torch
from harness.workloads import mlp
from harness.workloads.loop import Setting, train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import CNN, TrainingTask, make_task
from studies.bugs.elsewhere import outcomes_on

#: The bugs by the names of their switches, under the document's numbers.
SWITCHED = {
    "1 gradients kept": "keep_gradients",
    "2 evaluation in train mode": "evaluate_in_train_mode",
    "2 training in eval mode": "train_in_eval_mode",
    "3 outputs kept": "keep_outputs",
    "4 stale optimiser": "stale_optimiser",
    "5 leak": "leak",
}
INPUTS, TARGETS, OUTPUTS = (
    "6 inputs on the CPU",
    "6 targets on the CPU",
    "6 outputs brought to the CPU",
)
ELSEWHERE = (INPUTS, TARGETS, OUTPUTS)
NOTHING, TOO_FEW = "none", "too few targets"
BUG = Factor("bug", (*SWITCHED, *ELSEWHERE, NOTHING, TOO_FEW))
SETTING = Setting("Adam", 1e-3, epochs=2, batch=64, freeze_after=1, frozen=("1.", "2."))
ROWS = 8

CLAIMS = (
    Claim(
        "C5.01",
        Value("raised").at(bug=(*SWITCHED, *ELSEWHERE)).always(),
        equals(0),
        reading="None of the six raises an error or a warning, in any of its forms.",
    ),
    Control(
        "the correct loop raises nothing",
        Value("raised").at(bug=NOTHING).always(),
        equals(0),
    ),
    Control(
        "a mistake that is not silent is noticed",
        Value("raised").at(bug=TOO_FEW).always(),
        equals(1),
    ),
)


class Cell(NamedTuple):
    """What the loop trains, and what becomes of the steps on a GPU or on a fake."""

    task: TrainingTask
    elsewhere: dict[str, float]


def prepare(block: Block) -> Cell:
    """One network with its data."""
    return Cell(make_task(CNN, [block]), outcomes_on(block.device, __name__))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with the arm's bug."""
    bug = arm[BUG]
    if bug in cell.elsewhere:
        return {"raised": cell.elsewhere[bug]}
    switches = Switches.of(SWITCHED[bug]) if bug in SWITCHED else CORRECT
    return {"raised": float(heard(lambda: train(cell.task, SETTING, switches)))}


def heard(run: Callable[[], object]) -> bool:
    """Whether something raises, where a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            run()
        except (RuntimeError, ValueError, Warning):
            return True
    return False


def outcomes(place: str) -> dict[str, float]:
    """Take the steps on a GPU, or on a fake, and listen."""
    # The step that is known to raise comes first: it imports what the others would import.
    return {bug: float(heard(partial(step, bug, place))) for bug in (TOO_FEW, *ELSEWHERE)}


def step(bug: str, gpu: str) -> None:
    """A training step on the GPU with something in the wrong place."""
    with torch.device(gpu):
        net = mlp(64, 10)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    x = torch.zeros(ROWS, 64, device="cpu" if bug == INPUTS else gpu)
    rows = ROWS // 2 if bug == TOO_FEW else ROWS
    y = torch.zeros(rows, dtype=torch.long, device="cpu" if bug in (TARGETS, OUTPUTS) else gpu)
    outputs = net(x)
    if bug == OUTPUTS:
        outputs = outputs.cpu()
    functional.cross_entropy(outputs, y).backward()
    optimiser.step()


EXPERIMENT = Experiment(
    question="Does any of the six bugs raise an error, or so much as a warning?",
    factors=(BUG,),
    blocks=PerProfile(1, 2, 2),
    # Beforehand, so that a warning while a library is imported counts for nobody.
    imports=("torch._dynamo",),
    prepare=prepare,
    measure=measure,
    responses=(Response("raised", "1", "raised"),),
    claims=CLAIMS,
)
