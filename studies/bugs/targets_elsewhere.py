"""Which losses accept targets that were left on the CPU, and compute the loss there?

Eight losses get outputs on a GPU and targets on the CPU, as when ``.to(device)`` was forgotten on
the targets. It is recorded whether an error is raised, and where the loss is if none is. For
comparison the outputs are brought to the CPU too, which is what it takes to compute the loss there;
and for the losses that go element by element, output and target are single numbers, which PyTorch
lets cross. The claim needs a GPU; without one the losses are tried on PyTorch's fake tensors
(``elsewhere``), which is shown beside it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

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
from studies.bugs.elsewhere import outcomes_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

ROWS, CLASSES = 4, 3
#: Losses of class numbers, of probabilities, and those that compare number with number.
OF_CLASSES = ("cross-entropy", "NLL")
OF_PROBABILITIES = ("cross-entropy of probabilities", "KL divergence")
BY_ELEMENT = ("MSE", "L1", "smooth L1", "BCE with logits")
LOSSES = OF_CLASSES + OF_PROBABILITIES + BY_ELEMENT
OF_LOGARITHMS = ("NLL", "KL divergence")

LEFT, MOVED, SINGLE, TOGETHER = (
    "targets left on the CPU",
    "targets left on the CPU and outputs brought there",
    "a single target left on the CPU",
    "targets on the GPU",
)
TARGETS = Factor("targets", (LEFT, MOVED, SINGLE, TOGETHER))
LOSS = Factor("loss", LOSSES)

RESPONSES = (
    Response("raised", "yes/no", "the loss raises an error"),
    Response("silent", "yes/no", "no error is raised and the loss is on the CPU"),
)

CLAIMS = (
    Claim(
        "C5.26",
        Value("silent").at(targets=LEFT).always(),
        equals(1),
        reading="Silently: with outputs on a GPU and a batch of targets on the CPU no error is "
        "raised, and the loss is on the CPU.",
        needs="cuda",
        headline={"loss": "cross-entropy"},
    ),
    Beyond(
        "C5.26",
        Value("silent").at(targets=SINGLE).always(),
        equals(1),
        why="targets of a single number, which PyTorch lets cross from one device to the other",
        needs="cuda",
    ),
    Control(
        "with targets on the GPU no loss is refused",
        Value("raised").at(targets=TOGETHER).always(),
        equals(0),
    ),
    Control(
        "with outputs on the CPU too the loss is there",
        Value("silent").at(targets=MOVED).always(),
        equals(1),
    ),
)


def prepare_run(block: Block) -> dict[str, float]:
    """What becomes of the losses on a GPU, or on a fake."""
    return outcomes_on(block.device, __name__)


def measure(block: Block, arm: Arm) -> Responses:
    """What became of the arm's loss."""
    return {r.name: block.run[f"{r.name}: {arm[TARGETS]}: {arm[LOSS]}"] for r in RESPONSES}


def outcomes(place: str) -> dict[str, float]:
    """Compute each loss once with each kind of targets."""
    found = {}
    for arm in EXPERIMENT.arms():
        where = place_of_loss(arm[LOSS], arm[TARGETS], place)
        found[f"raised: {arm[TARGETS]}: {arm[LOSS]}"] = float(where is None)
        found[f"silent: {arm[TARGETS]}: {arm[LOSS]}"] = float(where == "cpu")
    return found


def place_of_loss(loss: str, targets: str, gpu: str) -> str | None:
    """The type of the device where the loss is; None where it raises."""
    try:
        return loss_of(loss, *example(loss, targets, gpu)).device.type
    except RuntimeError:
        return None


def loss_of(name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of that name of logits and targets."""
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "cross-entropy": functional.cross_entropy,
        "NLL": functional.nll_loss,
        "cross-entropy of probabilities": functional.cross_entropy,
        "KL divergence": partial(functional.kl_div, reduction="batchmean"),
        "MSE": functional.mse_loss,
        "L1": functional.l1_loss,
        "smooth L1": functional.smooth_l1_loss,
        "BCE with logits": functional.binary_cross_entropy_with_logits,
    }
    return losses[name](outputs.log_softmax(-1) if name in OF_LOGARITHMS else outputs, targets)


def example(loss: str, where: str, gpu: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a kind that the loss takes, in their places."""
    place = gpu if where == TOGETHER else "cpu"
    shape = () if where == SINGLE else (ROWS, CLASSES)
    outputs = torch.zeros(shape, device=gpu)
    if loss in OF_CLASSES:
        targets = torch.zeros(ROWS, dtype=torch.long, device=place)
    else:
        targets = torch.full(shape, 1 / CLASSES, device=place)
    return outputs.cpu() if where == MOVED else outputs, targets


EXPERIMENT = Experiment(
    question="Which losses accept targets that were left on the CPU, and compute the loss there?",
    factors=(TARGETS, LOSS),
    only=lambda arm: arm[TARGETS] != SINGLE or arm[LOSS] in BY_ELEMENT,
    blocks=PerProfile(1, 1, 1),
    prepare_run=prepare_run,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
