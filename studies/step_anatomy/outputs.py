"""What shapes come out of the listed classifier, and what does the loss say of its making?

Chapter 3 gives the shapes for a batch of 32, and says that the loss refers to the function that
made it: a cross-entropy of these inputs. Nobody prints that sentence, so it is not looked for in a
node's name: asked is whether there is a reference, whether the node of the outputs stands behind
it, whether the chain between the two is a log-softmax and a negative log-likelihood, and whether
the gradient that comes out of it is that of a cross-entropy, worked out by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness import Fact, facts, raised
from harness.libraries import functional, nn, torch
from studies.step_anatomy.listing import BATCH, CLASSES, PIXELS
from studies.step_anatomy.walk import nodes_of

if TYPE_CHECKING:
    from torch import Tensor

MakeLoss = Callable[["Tensor", "Tensor"], "Tensor"]


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """As the listing makes it."""
    loss: Tensor = nn.CrossEntropyLoss()(outputs, targets)
    return loss


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Another loss of the same outputs."""
    loss: Tensor = nn.MSELoss()(outputs, functional.one_hot(targets, CLASSES).double())
    return loss


def smoothed(outputs: Tensor, targets: Tensor) -> Tensor:
    """A cross-entropy with smoothed labels."""
    loss: Tensor = nn.CrossEntropyLoss(label_smoothing=0.1)(outputs, targets)
    return loss


def of_probabilities(outputs: Tensor, targets: Tensor) -> Tensor:
    """A cross-entropy whose targets are probabilities."""
    loss: Tensor = nn.CrossEntropyLoss()(outputs, functional.one_hot(targets, CLASSES).double())
    return loss


def passed(width: int = PIXELS) -> tuple[Tensor, Tensor]:
    """The outputs of the listed classifier for a batch, and targets.

    Args:
        width: of the batch.
    """
    stream = torch.Generator().manual_seed(0)
    model = nn.Linear(PIXELS, CLASSES).double()
    x = torch.randn(BATCH, width, generator=stream, dtype=torch.float64)
    return model(x), torch.arange(BATCH) % CLASSES


def chain(make: MakeLoss) -> list[str]:
    """The operations between the loss and the outputs, without autograd's endings."""
    outputs, targets = passed()
    # The nodes are held, not their ids: torch 2.11 lets go of those that nobody holds, and what it
    # shows next may have the id of one of them.
    behind = nodes_of(outputs.grad_fn)
    between = [node for node in nodes_of(make(outputs, targets).grad_fn) if node not in behind]
    return [re.sub(r"Backward\d*$", "", type(node).__name__) for node in between]


def leads_to_outputs(make: MakeLoss) -> bool:
    """Whether the node of the outputs stands behind the loss."""
    outputs, targets = passed()
    return outputs.grad_fn in nodes_of(make(outputs, targets).grad_fn)


def refers(tensor: Tensor) -> bool:
    """Whether a tensor has a reference to what made it."""
    return tensor.grad_fn is not None


def gradient_off(make: MakeLoss) -> float:
    """How far the gradient at the outputs is from that of a cross-entropy, worked out by hand."""
    outputs, targets = passed()
    (found,) = torch.autograd.grad(make(outputs, targets), outputs)
    shares = outputs.detach().exp() / outputs.detach().exp().sum(1, keepdim=True)
    by_hand = (shares - functional.one_hot(targets, CLASSES)) / BATCH
    return float((found - by_hand).norm() / by_hand.norm())


EXPERIMENT = facts(
    "What shapes come out of the listed classifier, and what does the loss say of its making?",
    Fact(
        "C3.05",
        "for a batch of (32, 784) the classifier gives (32, 10)",
        lambda: list(passed()[0].shape),
        [32, 10],
        lambda: list(nn.Linear(PIXELS, CLASSES)(torch.zeros(CLASSES, PIXELS)).shape),
        headline=True,
    ),
    Fact(
        "C3.05",
        "it takes batches of 784 features",
        raised(passed),
        "",
        raised(lambda: passed(PIXELS - 1)),
        reading="(32, 784) in: such a batch goes through, and one of 783 features raises.",
    ),
    Fact(
        "C3.09",
        "the loss has a reference to what made it",
        lambda: refers(cross_entropy(*passed())),
        True,
        lambda: refers(cross_entropy(*passed()).detach()),
    ),
    Fact(
        "C3.09",
        "between the loss and the outputs stand a negative log-likelihood and a log-softmax",
        lambda: chain(cross_entropy),
        ["NllLoss", "LogSoftmax"],
        lambda: chain(squares),
        reading="A cross-entropy made it: the chain behind the loss is a negative log-likelihood "
        "of a log-softmax, which is what a cross-entropy is.",
        headline=True,
    ),
    Fact(
        "C3.09",
        "the chain behind the loss leads to the very node that made the outputs",
        lambda: leads_to_outputs(cross_entropy),
        True,
        lambda: leads_to_outputs(lambda outputs, y: cross_entropy(outputs.detach(), y)),
        reading="Of these inputs: behind the loss stands the node of these outputs.",
    ),
    Fact(
        "C3.09",
        "what comes back through it is the gradient of a cross-entropy by hand",
        lambda: gradient_off(cross_entropy),
        0.0,
        lambda: gradient_off(squares),
        within=1e-12,
        reading="What it records is a cross-entropy in deed: the gradient at the outputs is "
        "(softmax - targets) / 32; the distance from it is 0.",
    ),
    *(
        Fact(
            "C3.09",
            f"{name}, between the loss and the outputs stand the same two",
            lambda make=make: chain(make),
            ["NllLoss", "LogSoftmax"],
            lambda: chain(squares),
            beyond="targets other than plain class numbers, which the listing does not have",
        )
        for name, make in (
            ("with smoothed labels", smoothed),
            ("with probabilities as targets", of_probabilities),
        )
    ),
)
