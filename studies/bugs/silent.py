"""Does any of the six bugs raise an error?

Each bug is switched on in the study's training loop: a small CNN with dropout and batch norm on
digits, frozen in part after the first of two epochs, so that the optimiser can be stale. The sixth,
the loss computed on the CPU while the network is on a GPU, is a training step of a perceptron on a
GPU or on PyTorch's fake tensors (``elsewhere``).

The verdict is on errors alone, bug by bug. Beside it stand warnings, and two forms of the sixth bug
that the document speaks of elsewhere: inputs left on the CPU, which it says are refused as a rule,
and targets left there, on which it makes a claim of its own (C5.26). That the third bug ends in an
error once memory is used up is a claim of its own too (C5.11).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

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
)
from harness.libraries import functional, torch
from harness.workloads import mlp
from harness.workloads.loop import Setting, train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import CNN, TrainingTask, make_task
from studies.bugs.elsewhere import outcomes_on

#: The bugs that are switches of the loop, under the document's numbers.
SWITCHED = {
    "bug 1, gradients never reset": "keep_gradients",
    "bug 2, evaluated in train mode": "evaluate_in_train_mode",
    "bug 2, trained in eval mode": "train_in_eval_mode",
    "bug 3, outputs kept with their graphs": "keep_outputs",
    "bug 4, optimiser built before freezing": "stale_optimiser",
    "bug 5, validation rows trained on": "leak",
}
LOSS, INPUTS, TARGETS = (
    "bug 6, loss computed on the CPU",
    "bug 6 as inputs left on the CPU",
    "bug 6 as targets left on the CPU",
)
ELSEWHERE = (LOSS, INPUTS, TARGETS)
AS_DESCRIBED = (*SWITCHED, LOSS)
NOTHING, TOO_FEW = "no bug", "half of the targets missing"
BUG = Factor("bug", (*SWITCHED, *ELSEWHERE, NOTHING, TOO_FEW))
SETTING = Setting("Adam", 1e-3, epochs=2, batch=64, freeze_after=1, frozen=("1.", "2."))
ROWS = 8

RESPONSES = (
    Response("raised", "yes/no", "the training raises an error"),
    Response("warned", "yes/no", "the training gives a warning"),
)

CLAIMS = (
    Claim(
        "C5.01",
        Value("raised").at(bug=AS_DESCRIBED).always(),
        equals(0),
        reading="No bug raises an error in a small training; the sixth, the loss computed on the "
        "CPU, is tried on a GPU or, without one, on PyTorch's stand-ins for its tensors.",
        headline={"bug": "bug 1, gradients never reset"},
    ),
    Beyond(
        "C5.01",
        Value("raised").at(bug=INPUTS).always(),
        equals(0),
        why="inputs left on the CPU, of which the passage itself says that PyTorch mostly raises",
    ),
    Beyond(
        "C5.01",
        Value("raised").at(bug=TARGETS).always(),
        equals(0),
        why="targets left on the CPU: whether that is silent is a claim of its own, C5.26",
    ),
    Beyond(
        "C5.01",
        Value("warned").at(bug=(*AS_DESCRIBED, INPUTS, TARGETS)).always(),
        equals(0),
        why="warnings, of which the passage does not speak",
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


def prepare_run(block: Block) -> dict[str, float]:
    """The steps on a GPU, or on a fake."""
    return outcomes_on(block.device, __name__)


def prepare(block: Block) -> Cell:
    """One network with its data."""
    return Cell(make_task(CNN, [block]), block.run)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with the arm's bug."""
    bug = arm[BUG]
    if bug in (*ELSEWHERE, TOO_FEW):
        return {each.name: cell.elsewhere[f"{each.name}: {bug}"] for each in RESPONSES}
    switches = Switches.of(SWITCHED[bug]) if bug in SWITCHED else CORRECT
    return heard(lambda: train(cell.task, SETTING, switches))


def heard(run: Callable[[], object]) -> dict[str, float]:
    """Whether something raises, and whether it warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run()
        except (RuntimeError, ValueError):
            raised = 1.0
        else:
            raised = 0.0
    return {"raised": raised, "warned": float(bool(caught))}


def outcomes(place: str) -> dict[str, float]:
    """Take the steps on a GPU, or on a fake, and listen."""
    # The step that is known to raise comes first: it imports what the others would import.
    found = {bug: heard(partial(step, bug, place)) for bug in (TOO_FEW, *ELSEWHERE)}
    return {f"{name}: {bug}": value for bug in found for name, value in found[bug].items()}


def step(bug: str, gpu: str) -> None:
    """A training step on the GPU with something in the wrong place."""
    with torch.device(gpu):
        net = mlp(64, 10)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    x = torch.zeros(ROWS, 64, device="cpu" if bug == INPUTS else gpu)
    rows = ROWS // 2 if bug == TOO_FEW else ROWS
    y = torch.zeros(rows, dtype=torch.long, device="cpu" if bug in (TARGETS, LOSS) else gpu)
    outputs = net(x)
    if bug == LOSS:
        outputs = outputs.cpu()
    functional.cross_entropy(outputs, y).backward()
    optimiser.step()


EXPERIMENT = Experiment(
    question="Does any of the six bugs raise an error?",
    factors=(BUG,),
    blocks=PerProfile(1, 2, 2),
    # Beforehand, so that a warning while a library is imported counts for nobody.
    imports=("torch._dynamo",),
    prepare_run=prepare_run,
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
