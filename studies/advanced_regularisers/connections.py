"""Does dropping weights regularise more than dropping units, at the same probability?

A perceptron with two hidden layers trains with dropout on the outputs of both, or with DropConnect
in both: a fresh mask of their weights each pass, for the whole batch, as the text has it, and what
is left divided by 1 - p. Stronger is what holds a net back more from fitting its training rows:
their loss in eval mode, after the last epoch, is at least 5 % higher, and training accuracy is at
least a point less ahead of that on test rows: a task and p count for the claim where both are so. A
loss in train mode would say nothing: there the masks themselves make it higher.

DropConnect can also be put on the weights behind the units that dropout drops, the second hidden
layer's and the read-out's; that is shown beside, and so is a probability that nobody recommends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.libraries import nn
from harness.workloads import mlp, regularisers
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import draw_sample
from studies.advanced_regularisers.connections_figure import loss_by_probability

if TYPE_CHECKING:
    from harness.workloads.samples import Sample, SampleName

HIDDEN, BATCH, RATE = 64, 50, 1e-3


class Task(NamedTuple):
    """Data by their name, rows to train on and in each other part, and steps of training."""

    data: SampleName
    rows: int
    held_out: int
    steps: int


DIGITS, LISTING, CANCER = "digits, 200 rows", "listing 3, 400 rows", "breast cancer, 100 rows"
TASKS: Mapping[str, Task] = {
    DIGITS: Task("digits", 200, 500, 240),
    LISTING: Task("listing 3", 400, 500, 240),
    CANCER: Task("breast cancer", 100, 200, 60),
}
TASK = Factor("task", tuple(TASKS), label="data")
DROPOUT, DROPCONNECT, BEHIND = "dropout", "DropConnect", "DropConnect behind"
LAYER = Factor(
    "layer",
    (DROPOUT, DROPCONNECT, BEHIND),
    control=DROPOUT,
    words={BEHIND: "DropConnect behind the hidden layers"},
)
PROBABILITY = Factor("p", (0.2, 0.5, 0.8), label="p")
#: From what is usual in small layers to the document's own for DropConnect.
USUAL = (0.2, 0.5)
HIGHER, LESS_AHEAD = 1.05, 0.01
STRONGER = "fits less and is less ahead"

_LOSS = Ratio("train_loss", LAYER)
_GAP = Difference("gap", LAYER)
_EXTREME = "p = 0.8, which nobody recommends"
_BEHIND = "the weights behind the units that dropout drops"

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-1",
        _LOSS.at(layer=DROPCONNECT, p=USUAL),
        at_least(HIGHER),
        reading="Stronger: at the same p the loss on the training rows, in eval mode, ends at "
        "least 5 % higher with DropConnect than with dropout.",
        headline={"p": 0.5, "task": LISTING},
        jointly=STRONGER,
    ),
    Claim(
        "D-adv-1",
        _GAP.at(layer=DROPCONNECT, p=USUAL),
        at_most(-LESS_AHEAD),
        reading="Stronger: at the same p training accuracy is at least a point less ahead of test "
        "accuracy with DropConnect than with dropout.",
        jointly=STRONGER,
    ),
    Beyond("D-adv-1", _LOSS.at(layer=DROPCONNECT, p=0.8), at_least(HIGHER), why=_EXTREME),
    Beyond("D-adv-1", _GAP.at(layer=DROPCONNECT, p=0.8), at_most(-LESS_AHEAD), why=_EXTREME),
    Beyond("D-adv-1", _LOSS.at(layer=BEHIND), at_least(HIGHER), why=_BEHIND),
    Beyond("D-adv-1", _GAP.at(layer=BEHIND), at_most(-LESS_AHEAD), why=_BEHIND),
)


def network(layer: str, p: float, features: int, classes: int) -> nn.Module:
    """The perceptron with dropout on its hidden units, or DropConnect on two of its layers."""
    if layer == DROPOUT:
        return mlp(features, classes, hidden=HIDDEN, dropout=p)
    kinds = (True, True, False) if layer == DROPCONNECT else (False, True, True)
    shapes = ((features, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, classes))
    # One after another: weights are drawn in the order in which layers are made.
    first, second, last = (
        regularisers.DropConnect(*shape, p) if drops else nn.Linear(*shape)
        for drops, shape in zip(kinds, shapes, strict=True)
    )
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)


@dataclass
class Samples:
    """Some blocks and the rows that have been drawn for them."""

    blocks: tuple[Block, ...]
    drawn: dict[str, Sample] = field(default_factory=dict)

    def of(self, name: str) -> Sample:
        """The rows of a task."""
        if name not in self.drawn:
            task = TASKS[name]
            self.drawn[name] = draw_sample(
                task.data,
                [block.seed for block in self.blocks],
                train=task.rows,
                held_out=task.held_out,
                device=self.blocks[0].device,
            )
        return self.drawn[name]


def measure(samples: Samples, arm: Arm) -> Sequence[Responses]:
    """Train with one of the two; loss and lead in eval mode."""
    sample = samples.of(arm[TASK])
    task = TASKS[arm[TASK]]
    epochs = max(1, task.steps // samples.blocks[0].effort * BATCH // task.rows)
    history = fit(
        lambda: network(arm[LAYER], arm[PROBABILITY], sample.features, sample.classes),
        sample,
        Recipe(epochs, BATCH, lr=RATE, watch_every=epochs),
    )
    return [
        {"train_loss": loss, "train_accuracy": train, "accuracy": test, "gap": train - test}
        for loss, train, test in zip(
            history.last("train_loss").tolist(),
            history.last("train_score").tolist(),
            history.last("test_score").tolist(),
            strict=True,
        )
    ]


EXPERIMENT: Experiment[Samples] = Experiment(
    question="Does dropping weights regularise more than dropping units, at the same probability?",
    factors=(TASK, LAYER, PROBABILITY),
    only=lambda arm: arm[LAYER] != BEHIND or arm[PROBABILITY] == 0.5,
    responses=(
        Response("train_loss", "nat", "loss on the training rows in eval mode"),
        Response("train_accuracy", "1", "accuracy on the training rows in eval mode"),
        Response("accuracy", "1", "accuracy on the test rows"),
        Response("gap", "1", "accuracy on the training rows less that on the test rows"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(60, 1, 1),  # steps are divided by it
    prepare_together=Samples,
    measure_together=measure,
    claims=CLAIMS,
    figures=(loss_by_probability,),
)
