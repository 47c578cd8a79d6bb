"""Does the evaluation loop return the mean loss and accuracy, and leave the model as it found it?

Document C lists two loops over a validation loader. The long one weights the loss of every batch
with the number of its rows, counts correct rows, and ends in train mode; the short one of the cheat
sheet computes the loss of every batch and adds nothing up: it measures, changes nothing, and ends
in train mode. Both are written anew here from that description, beside the long one without its
last line and a loop that averages the batch losses as they come. What they return is compared with
the same criterion applied once to the whole validation set, and the model with its copy from
before.

Judged is plain cross-entropy, on breast cancer in batches of 32, with a model that trained before
the call. Criteria that average in another way than over rows are shown beyond the words: class
weights divide by the sum of the weights, and an ignored label counts for nothing in the loss but is
a row all the same. So is a model that was not in train mode before the call, and the loss that the
short loop happens to leave behind. What is exact algebra up to rounding is judged universally: one
block outside the tolerance is a counterexample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from harness.workloads import load_split, trained_mlp
from studies.eval_variance.state import RESPONSES as CHANGES
from studies.eval_variance.state import changes, copy_with_gradients, only_reads, state_of

if TYPE_CHECKING:
    from torch import Tensor

LISTED, BARE, SHORT = "weighted by rows", "without its last line", "short"
PLAIN_MEAN = "mean of batch means"
LOOP = Factor(
    "loop",
    (LISTED, BARE, PLAIN_MEAN, SHORT),
    words={
        LISTED: "listed evaluate()",
        BARE: "evaluate() without its last line",
        PLAIN_MEAN: "loop that averages the batch losses",
        SHORT: "short loop of the cheat sheet",
    },
)
CRITERION = Factor(
    "criterion",
    ("plain", "class weights", "ignored labels"),
    words={"plain": "", "class weights": "weighted classes", "ignored labels": "ignored labels"},
)
LAST_BATCH = Factor(
    "last_batch",
    ("full", "ragged"),
    words={"full": "full last batch", "ragged": "smaller last batch"},
)
BEFORE = Factor(
    "before",
    ("train", "eval", "partly frozen"),
    words={
        "train": "",
        "eval": "model in eval mode before",
        "partly frozen": "batch norms frozen in eval mode before",
    },
)

BATCH = 32
TOLERANCE = 1e-6
UNLABELLED = -100  # what PyTorch's cross-entropy ignores by default
UNLABELLED_SHARE = 0.1

RESPONSES = (
    Response(
        "loss_error", "1", "relative distance of the loop's loss from that of the whole set at once"
    ),
    Response(
        "accuracy_error",
        "1",
        "distance of the loop's accuracy from the share of labelled rows that are right",
    ),
    Response(
        "modes_changed", "modules", "number of modules in another mode after the loop than before"
    ),
    *CHANGES,
)

USUAL: dict[str, Level] = {"criterion": "plain", "before": "train"}
ODD = ("class weights", "ignored labels")
NO_PLAIN_MEAN = "a criterion that does not average over rows, where the listing has a plain one"
NOT_TRAINING = "a model that was not training before the call"
THE_LOSS = (
    "The returned loss is the criterion of the whole validation set at once, to a millionth of it."
)
THE_ACCURACY = "The returned accuracy is the share of rows that are classified right, exactly."
MODES_AGAIN = "Every module is in the mode that it was in before the call."

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C4.20",
        Value("loss_error").at(loop=LISTED, **USUAL).always(),
        at_most(TOLERANCE),
        reading=THE_LOSS,
        headline={"last_batch": "ragged"},
    ),
    Claim(
        "C4.20",
        Value("accuracy_error").at(loop=LISTED, **USUAL).always(),
        equals(0),
        reading=THE_ACCURACY,
    ),
    Beyond(
        "C4.20",
        Value("loss_error").at(loop=LISTED, criterion=ODD, before="train").always(),
        at_most(TOLERANCE),
        why=NO_PLAIN_MEAN,
        reading=THE_LOSS,
    ),
    Beyond(
        "C4.20",
        Value("accuracy_error").at(loop=LISTED, criterion=ODD, before="train").always(),
        equals(0),
        why=NO_PLAIN_MEAN,
        reading="The returned accuracy is the share of labelled rows that are classified right: a "
        "row whose label is to be ignored cannot be right or wrong.",
    ),
    Claim(
        "C4.21",
        Value("modes_changed").at(loop=LISTED, **USUAL, last_batch="ragged").always(),
        equals(0),
        reading="With its last line, evaluate() leaves every module in train mode, as the next "
        "epoch needs it.",
        headline=True,
    ),
    Claim(
        "C4.21",
        Value("modes_changed").at(loop=BARE, **USUAL, last_batch="ragged").always(),
        at_least(1),
        reading="Without its last line, evaluate() leaves modules in eval mode, so that the line "
        "is needed where the next epoch does not call train() itself.",
    ),
    Beyond(
        "C4.21",
        Value("modes_changed").at(loop=LISTED, before=("eval", "partly frozen")).always(),
        equals(0),
        why=NOT_TRAINING,
        reading=MODES_AGAIN,
    ),
    *only_reads("C9.04", loop=SHORT, **USUAL, headline={"last_batch": "ragged"}),
    Claim(
        "C9.04",
        Value("modes_changed").at(loop=SHORT, **USUAL).always(),
        equals(0),
        reading="It returns the model to train mode: every module is in train mode after it.",
    ),
    Beyond(
        "C9.04",
        Value("loss_error").at(loop=SHORT, **USUAL).always(),
        at_most(TOLERANCE),
        why="the loss of the whole set, which the sketch does not add up",
        reading="The loss that it leaves behind is the validation loss.",
    ),
    Control(
        "batches of equal size average to the whole",
        Value("loss_error").at(loop=PLAIN_MEAN, **USUAL, last_batch="full").always(),
        at_most(TOLERANCE),
    ),
    Control(
        "a ragged last batch spoils the plain mean",
        Value("loss_error").at(loop=PLAIN_MEAN, **USUAL, last_batch="ragged").always(),
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
    model = copy_with_gradients(cell.model).train(arm[BEFORE] != "eval")
    if arm[BEFORE] == "partly frozen":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
    criterion, x, y = _task(cell, arm)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    modes, before = _modes(model), state_of(model)

    loss, accuracy = LOOPS[arm[LOOP]](model, batches, criterion)

    true_loss, true_accuracy = _whole_set(cell.model, x, y, criterion)
    return {
        "loss_error": abs(loss - true_loss) / true_loss,
        "accuracy_error": abs(accuracy - true_accuracy),
        "modes_changed": sum(a != b for a, b in zip(modes, _modes(model), strict=True)),
        **changes(before, model),
    }


Batches = Iterable[tuple["Tensor", "Tensor"]]


def _weighted_loop(model: nn.Module, batches: Batches, criterion: nn.Module) -> tuple[float, float]:
    """The long loop as described: losses weighted with the batch's rows, back to train mode."""
    seen = _bare_loop(model, batches, criterion)
    model.train()
    return seen


def _bare_loop(model: nn.Module, batches: Batches, criterion: nn.Module) -> tuple[float, float]:
    """The same without its last line."""
    model.eval()
    loss_sum, right, rows = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            loss_sum += criterion(logits, y).item() * len(x)
            right += int((logits.argmax(1) == y).sum())
            rows += len(x)
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
    LISTED: _weighted_loop,
    BARE: _bare_loop,
    PLAIN_MEAN: _unweighted_loop,
    SHORT: _short_loop,
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
        return criterion(logits, y).item(), int(right.sum()) / len(right)


def _modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def in_design(arm: Arm) -> bool:
    """The mode before the call, and the last line, matter to one claim, which needs one setting."""
    usual = arm[CRITERION] == "plain" and arm[LAST_BATCH] == "ragged"
    if arm[LOOP] == BARE:
        return usual and arm[BEFORE] == "train"
    return arm[BEFORE] == "train" or (usual and arm[LOOP] == LISTED)


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
