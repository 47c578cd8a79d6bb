"""Does the order of the rows matter to an evaluation?

C9.07 advises no shuffling for evaluation. What can be tested of it is that nothing is lost: in eval
mode the held-out rows of digits, read in a fixed order or shuffled, in batches of 64, have the same
number of right answers, and the same mean loss but for rounding. The networks have batch norm and
dropout and are trained for three epochs. In train mode batch norm makes a row's answer depend on
which others are in its batch, which shows that the comparison sees an order that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
    at_least,
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, fit_classifier, load_split, mlp_for, small_cnn

if TYPE_CHECKING:
    from torch import Tensor

BATCH, ROUNDING = 64, 1e-6
NET = Factor("net", ("perceptron", "CNN"))
MODE = Factor("mode", ("eval", "train"), words={"eval": "", "train": "train mode"})

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C9.07",
        Value("answers_moved").at(mode="eval").always(),
        equals(0),
        reading="Evaluation needs no shuffling: in eval mode a fixed order gives exactly as many "
        "right answers as a shuffled one.",
    ),
    Claim(
        "C9.07",
        Value("loss_moved").at(mode="eval").always(),
        at_most(ROUNDING),
        reading="Evaluation needs no shuffling: in eval mode the mean loss in a fixed order is "
        "that in a shuffled one, within a millionth of it.",
    ),
    Beyond(
        "C9.07",
        Value("bits_moved").at(mode="eval").always(),
        equals(0),
        why="the last bits of the loss, which depend on the order of a sum",
    ),
    Control(
        "in train mode the order moves the loss",
        Value("loss_moved").at(mode="train"),
        at_least(1e-4),
    ),
)


class Cell(NamedTuple):
    """The data, the networks by name, and a shuffled order of the held-out rows."""

    split: Split
    nets: dict[str, nn.Module]
    shuffled: Tensor


def prepare(block: Block) -> Cell:
    """Train both networks for three epochs."""
    split = load_split("digits", block.seed, block.device)
    torch.manual_seed(block.seed)
    nets: dict[str, nn.Module] = {
        "perceptron": mlp_for(split, block.seed, dropout=0.5, batch_norm=True),
        "CNN": small_cnn(split.classes, dropout=0.5, batch_norm=True).to(block.device),
    }
    for net in nets.values():
        fit_classifier(net, split.train_x, split.train_y, seed=block.seed, epochs=3)
    stream = torch.Generator().manual_seed(block.seed)
    return Cell(split, nets, torch.randperm(len(split.val_y), generator=stream))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Evaluate in both orders."""
    net, split = cell.nets[arm[NET]], cell.split
    # Dropout is off in both modes: of what train mode does, only batch norm looks at the order.
    net.eval()
    norms = [m for m in net.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for norm in norms:
        norm.train(arm[MODE] == "train")
        # Without it a pass in train mode would change what the other arms share.
        norm.track_running_stats = arm[MODE] == "eval"
    fixed = torch.arange(len(split.val_y))
    (right, loss), (other_right, other_loss) = (
        evaluate(net, split, order.to(split.val_y.device)) for order in (fixed, cell.shuffled)
    )
    return {
        "answers_moved": abs(right - other_right),
        "loss_moved": abs(loss - other_loss) / loss,
        "bits_moved": float(loss != other_loss),
    }


def evaluate(net: nn.Module, split: Split, order: Tensor) -> tuple[float, float]:
    """Right answers, and the mean loss over all rows, batch by batch in an order."""
    right, total = 0.0, 0.0
    with torch.no_grad():
        for rows in order.split(BATCH):
            outputs, y = net(split.val_x[rows]), split.val_y[rows]
            right += float((outputs.argmax(1) == y).sum())
            total += float(functional.cross_entropy(outputs, y)) * len(rows)
    return right, total / len(order)


EXPERIMENT = Experiment(
    question="Does the order of the rows matter to an evaluation?",
    factors=(NET, MODE),
    blocks=PerProfile(1, 10, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("answers_moved", "answers", "number of right answers more or less when shuffled"),
        Response("loss_moved", "1", "change of the mean loss when shuffled, as a share of it"),
        Response("bits_moved", "yes/no", "shuffling changes the last bits of the mean loss"),
    ),
    claims=CLAIMS,
)
