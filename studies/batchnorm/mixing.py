"""Do dropout and batch norm clash: in variances, in accuracy, in the validation loss?

Networks with batch norm in every block are trained with dropout right before it, after it and ReLU,
or after the last one alone, at 0.1, 0.4 and (perceptrons alone) 0.5; with weight decay or an L1
penalty in place of dropout, at strengths that the document names and at stronger ones; with batch
norm alone; and with dropout alone. Tasks and treatments stand in ``treatments.py``, the rules in
``mixing_rules.py``.

What is called variance shift is measured at every batch norm after training: the variance of its
input in eval mode over its running variance. With dropout right before a batch norm theory gives at
most 1 - p for it; behind a layer of weights, and for what becomes of accuracy, it gives nothing so
simple. Accuracies are those of rows that no choice has seen, after the last epoch as in listing 3,
and beside it at the epoch of the lowest validation loss. A spike is the largest rise of the
validation loss from one epoch to the next; one below a hundredth of a nat counts as a hundredth.

Running statistics lag behind the weights, without any dropout: that they do so by less than 10 %
with batch norm alone is a control. The verdicts speak for small networks, AdamW at 0.001, batches
of 64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness import Arm, Block, Experiment, PerProfile, Response, Responses
from harness.libraries import functional, torch
from studies.batchnorm.mixing_figures import accuracies, shifts, validation_losses
from studies.batchnorm.mixing_rules import CLAIMS
from studies.batchnorm.shift import variance_ratios, with_new_statistics
from studies.batchnorm.treatments import (
    EPOCHS,
    TASK,
    TREATMENT,
    TREATMENTS,
    Samples,
    in_design,
    prepare,
    trained,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.workloads import Replicas
    from harness.workloads.samples import Sample

LEAST_RISE = 0.01  # nat

RESPONSES = (
    Response(
        "variance_ratio", "1", "variance that batch norm meets in eval mode over its stored one"
    ),
    Response("highest_ratio", "1", "highest variance ratio of the batch norms"),
    Response("lowest_ratio", "1", "lowest variance ratio of the batch norms"),
    Response("shift", "1", "mean shortfall of the variances in eval mode below the stored ones"),
    Response("test_accuracy", "%", "test accuracy after the last epoch"),
    Response("best_accuracy", "%", "test accuracy at the epoch of the lowest validation loss"),
    Response("train_accuracy", "%", "training accuracy after the last epoch, in eval mode"),
    Response("spike", "nat", "largest rise of the validation loss in one epoch"),
    Response("new_accuracy", "%", "points of test accuracy gained with statistics without dropout"),
    Response("new_loss", "1", "test loss with statistics taken without dropout over that without"),
    Response("decayed", "1", "learning rate times weight decay times steps"),
    Response("norm", "1", "Euclidean norm of all parameters at the end"),
    Response("val_curve", "nat", "validation loss by epoch"),
)


def measure(samples: Samples, arm: Arm) -> Sequence[Responses]:
    """Train a cell's replicas, and look at their variances and losses."""
    sample, treatment = samples.by_task[arm[TASK]], TREATMENTS[arm[TREATMENT]]
    history = trained(samples, arm[TASK], arm[TREATMENT])
    best = history.best()
    count = history.nets.count
    ratios, gained, loss = (
        np.full((2, count), np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
    )
    if treatment.batch_norm:
        ratios = variance_ratios(history.nets, sample.train.x)
        new_loss, new_accuracy = on_new_statistics(history.nets, sample)
        gained = new_accuracy - 100 * history.last("test_score")
        loss = new_loss / history.last("test_loss")
    found = {
        "variance_ratio": ratios,
        "highest_ratio": ratios.max(axis=0),
        "lowest_ratio": ratios.min(axis=0),
        "shift": 1 - ratios.mean(axis=0),
        "test_accuracy": 100 * history.last("test_score"),
        "best_accuracy": 100 * history.at("test_score", best),
        "train_accuracy": 100 * history.last("train_score"),
        "spike": spikes(history.val_loss),
        "new_accuracy": gained,
        "new_loss": loss,
        "decayed": np.full(count, history.decayed),
        "norm": history.nets.parameter_norms().double().cpu().numpy(),
        "val_curve": history.val_loss,
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(count)
    ]


def spikes(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest rise from one epoch to the next, a hundredth of a nat at the least.

    Args:
        losses: shape (epochs, replicas).
    """
    largest: NDArray[np.float64] = np.diff(losses, axis=0).max(axis=0)
    return largest.clip(min=LEAST_RISE)


def on_new_statistics(
    nets: Replicas, sample: Sample
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loss and accuracy (in percent) of each replica on its test rows, with new statistics.

    They are those of the rows trained on, with nothing dropped.
    """
    losses, right = [], []
    rows = zip(nets.unstack(), sample.train.x, sample.test.x, sample.test.y, strict=True)
    for net, train_x, x, y in rows:
        with torch.no_grad():
            out = with_new_statistics(net, train_x)(x)
        losses.append(functional.cross_entropy(out, y).item())
        right.append(100 * (out.argmax(-1) == y).double().mean().item())
    return np.array(losses), np.array(right)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do dropout and batch norm clash: in variances, in accuracy, in the validation loss?",
    factors=(TASK, TREATMENT),
    only=in_design,
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(2, EPOCHS, EPOCHS),  # epochs of listing 3
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(shifts, accuracies, validation_losses),
)
