"""Does the evaluation loop return the mean loss and accuracy, and leave the model as it found it?

Document C lists two loops over a validation loader. The long one weights the loss of every batch
with the number of its rows, counts correct rows, and ends in train mode; the short one of the cheat
sheet computes the loss of every batch and adds nothing up. Both are written anew here from that
description, beside a third loop that averages the batch losses as they come, and all are compared
with the same criterion applied once to the whole validation set. Criteria that average in another
way than over rows are where a weighting by rows could fail: class weights divide by the sum of the
weights, and an ignored label counts for nothing in the loss but is a row all the same.

The verdicts speak for mean-reducing cross-entropy on breast cancer, in batches of 32. What is exact
algebra up to rounding is judged universally: one block outside the tolerance is a counterexample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    at_most,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from harness.workloads import load_split, trained_mlp

if TYPE_CHECKING:
    from torch import Tensor

LOOP = Factor("loop", ("weighted by rows", "mean of batch means", "short"))
CRITERION = Factor("criterion", ("plain", "class weights", "ignored labels"))
LAST_BATCH = Factor("last_batch", ("full", "ragged"))
BEFORE = Factor("before", ("train", "eval", "partly frozen"))

BATCH = 32
TOLERANCE = 1e-6
UNLABELLED = -100  # what PyTorch's cross-entropy ignores by default
UNLABELLED_SHARE = 0.1

RESPONSES = (
    Response("loss_error", "nat", "distance of the loop's loss from that of the whole set at once"),
    Response(
        "accuracy_error", "1", "distance from the share of labelled rows that are classified right"
    ),
    Response("modes_changed", "1", "modules whose training flag is another after the loop"),
    Response(
        "state_changed", "1", "parameters, buffers and gradients that are other after the loop"
    ),
)

LISTED = {"loop": "weighted by rows", "before": "train"}
SHORT = {"loop": "short", "criterion": "plain", "before": "train"}
PLAIN_MEAN = {"loop": "mean of batch means", "criterion": "plain", "before": "train"}

CLAIMS = (
    Claim(
        "C4.20",
        Value("loss_error").at(**LISTED).always(),
        at_most(TOLERANCE),
        reading="The mean loss is the criterion of the whole set at once, whatever criterion the "
        "function is handed, as long as that is a mean.",
    ),
    Claim(
        "C4.20",
        Value("accuracy_error").at(**LISTED).always(),
        at_most(TOLERANCE),
        reading="Accuracy is the share of labelled rows that are classified right: a row whose "
        "label is to be ignored cannot be right or wrong.",
    ),
    Claim(
        "C4.21",
        Value("modes_changed")
        .at(loop="weighted by rows", criterion="plain", last_batch="ragged")
        .always(),
        equals(0),
        reading="Right means that every module has the mode it had before the call, whether the "
        "caller trains, serves, or keeps the batch norms frozen in eval mode while it trains.",
    ),
    Claim(
        "C9.04",
        Value("state_changed").at(**SHORT).always(),
        equals(0),
        reading="Runs, in the sense that it raises nothing and only reads the model.",
    ),
    Claim(
        "C9.04",
        Value("loss_error").at(**SHORT).always(),
        at_most(TOLERANCE),
        reading="Evaluates, in the sense that the loss it leaves behind is the validation loss. "
        "It adds nothing up, so what it leaves is the loss of the last batch.",
    ),
    Control(
        "batches of equal size average to the whole",
        Value("loss_error").at(**PLAIN_MEAN, last_batch="full").always(),
        at_most(TOLERANCE),
    ),
    Control(
        "a ragged last batch spoils the plain mean",
        Value("loss_error").at(**PLAIN_MEAN, last_batch="ragged").always(),
        more_than(TOLERANCE),
    ),
)


@dataclass(frozen=True)
class Cell:
    """A trained network, the validation set, and which of its labels are to be ignored."""

    model: nn.Module
    x: Tensor
    y: Tensor
    unlabelled: Tensor
    class_weights: Tensor


def prepare(block: Block) -> Cell:
    """Train a network with dropout and batch norm for a few epochs, so that its losses differ."""
    data = load_split("breast_cancer", block.seed, block.device)
    model = trained_mlp(data, block.seed, epochs=3, dropout=0.5, batch_norm=True)
    counts = torch.bincount(data.train_y, minlength=data.classes)
    return Cell(
        model,
        data.val_x,
        data.val_y,
        torch.rand(len(data.val_y), device=block.device) < UNLABELLED_SHARE,
        # The usual balancing: a class weighs the more, the rarer it is.
        len(data.train_y) / (data.classes * counts),
    )


def measure(cell: Cell, arm: Arm) -> Responses:
    """Evaluate with the arm's loop and compare result and model with what they must be."""
    model = deepcopy(cell.model).train(arm[BEFORE] != "eval")
    if arm[BEFORE] == "partly frozen":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
    criterion, x, y = _task(cell, arm)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    modes, state = _modes(model), _state(model)

    loss, accuracy = LOOPS[arm[LOOP]](model, batches, criterion)

    true_loss, true_accuracy = _whole_set(cell.model, x, y, criterion)
    return {
        "loss_error": abs(loss - true_loss),
        "accuracy_error": abs(accuracy - true_accuracy),
        "modes_changed": sum(a != b for a, b in zip(modes, _modes(model), strict=True)),
        "state_changed": sum(_differ(a, b) for a, b in zip(state, _state(model), strict=True)),
    }


Batches = Iterable[tuple["Tensor", "Tensor"]]


def _weighted_loop(model: nn.Module, batches: Batches, criterion: nn.Module) -> tuple[float, float]:
    """The long loop as described: losses weighted with the batch's rows, back to train mode."""
    model.eval()
    loss_sum, right, rows = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            loss_sum += criterion(logits, y).item() * len(x)
            right += int((logits.argmax(1) == y).sum())
            rows += len(x)
    model.train()
    return loss_sum / rows, right / rows


def _unweighted_loop(
    model: nn.Module, batches: Batches, criterion: nn.Module
) -> tuple[float, float]:
    """The same loop, but every batch counts alike, however many rows it has."""
    model.eval()
    losses, accuracies = [], []
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            losses.append(criterion(logits, y).item())
            accuracies.append((logits.argmax(1) == y).double().mean().item())
    model.train()
    return sum(losses) / len(losses), sum(accuracies) / len(accuracies)


def _short_loop(model: nn.Module, batches: Batches, criterion: nn.Module) -> tuple[float, float]:
    """The cheat sheet's loop as described: after it, the last batch's values are all there is."""
    loss = accuracy = torch.tensor(torch.nan)
    model.eval()
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            loss = criterion(logits, y)
            accuracy = (logits.argmax(1) == y).double().mean()
    model.train()
    return loss.item(), accuracy.item()


LOOPS: dict[str, Callable[[nn.Module, Batches, nn.Module], tuple[float, float]]] = {
    "weighted by rows": _weighted_loop,
    "mean of batch means": _unweighted_loop,
    "short": _short_loop,
}


def _task(cell: Cell, arm: Arm) -> tuple[nn.Module, Tensor, Tensor]:
    """Criterion, inputs and labels of an arm; a full last batch leaves the surplus rows out."""
    rows = len(cell.x) - (len(cell.x) % BATCH if arm[LAST_BATCH] == "full" else 0)
    x, y = cell.x[:rows], cell.y[:rows]
    if arm[CRITERION] == "class weights":
        return nn.CrossEntropyLoss(weight=cell.class_weights), x, y
    if arm[CRITERION] == "ignored labels":
        y = y.masked_fill(cell.unlabelled[:rows], UNLABELLED)
    return nn.CrossEntropyLoss(ignore_index=UNLABELLED), x, y


def _whole_set(model: nn.Module, x: Tensor, y: Tensor, criterion: nn.Module) -> tuple[float, float]:
    """Loss and accuracy from one pass over all rows: the truth that the loops are to return."""
    with torch.no_grad():
        logits = deepcopy(model).eval()(x)
        labelled = y != UNLABELLED
        right = (logits.argmax(1) == y)[labelled]
        return criterion(logits, y).item(), right.double().mean().item()


def _modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def _state(model: nn.Module) -> list[Tensor | None]:
    """Copies of parameters and buffers, and of gradients where there are any."""
    state: list[Tensor | None] = [value.clone() for value in model.state_dict().values()]
    return state + [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def _differ(before: Tensor | None, after: Tensor | None) -> bool:
    if before is None or after is None:
        return before is not after
    return not torch.equal(before, after)


def in_design(arm: Arm) -> bool:
    """The mode before the call matters to one claim only, which needs one loop and criterion."""
    usual = arm[LOOP] == "weighted by rows" and arm[CRITERION] == "plain"
    return arm[BEFORE] == "train" or (usual and arm[LAST_BATCH] == "ragged")


EXPERIMENT = Experiment(
    question="Does the listed evaluation loop return the mean loss and accuracy?",
    factors=(LOOP, CRITERION, LAST_BATCH, BEFORE),
    only=in_design,
    responses=RESPONSES,
    blocks=PerProfile(quick=3, standard=20, full=100),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
)
