"""Does ``model.train()`` switch Monte Carlo dropout on, in networks with batch norm too?

Trained classifiers of digits, with and without batch norm, are passed forward fifty times on one
row at a time, as an answer is asked for at inference. ``train()`` puts every layer into train mode;
beside it only the dropout layers are, which is what the method means. Of networks without batch
norm the two are the same. With batch norm, ``train()`` also normalises by the statistics of what is
passed, here of one row, and a batch norm over plain features refuses a single row.

That dropout is active is read as outputs that vary. That it is Monte Carlo dropout that has been
switched on is read as an answer, the mean of the passes, that is no less accurate than with dropout
alone by more than a percentage point; the tip names imaging, whose networks have batch norm. What
the passes do to the running averages, and so to the next evaluation, is shown beside: the tip
promises nothing for later.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import Replicas, mlp, small_cnn
from harness.workloads.fitting import Recipe, fit, logits
from harness.workloads.samples import Sample, draw_sample
from studies.mc_dropout.levels import (
    ALONE,
    NORM_CNN,
    NORM_MLP,
    PLAIN_CNN,
    PLAIN_MLP,
    TRAIN,
)
from studies.mc_dropout.passes import dropout_alone, passes
from studies.mc_dropout.switching_on_figures import accuracy_by_switch

if TYPE_CHECKING:
    from studies.mc_dropout.passes import Numbers

NET = Factor("net", (PLAIN_MLP, PLAIN_CNN, NORM_MLP, NORM_CNN), label="network")
SWITCH = Factor("switch", (ALONE, TRAIN), control=ALONE)
#: Networks that take a single row in train mode.
TAKING_ONE = (PLAIN_MLP, PLAIN_CNN, NORM_CNN)
PASSES, ROWS, DROP = 50, 120, 0.3

ACTIVE = "Switched on: the outputs of repeated passes over a batch differ."
AS_GOOD = (
    "Switched on as meant: the mean of 50 passes over one row after train() is less accurate than "
    "with dropout alone by a percentage point at most."
)
ONE_ROW = "Passes over a single row run, without an exception."
LATER = "an evaluation afterwards, of which the tip says nothing"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-mc-3",
        Value("varies").at(switch=TRAIN).always(),
        equals(1.0),
        reading=ACTIVE,
        headline={"net": PLAIN_MLP},
    ),
    Claim(
        "D-mc-3",
        Value("takes_one").at(switch=TRAIN).always(),
        equals(1.0),
        reading=ONE_ROW,
    ),
    Claim(
        "D-mc-3",
        Difference("accuracy", SWITCH).at(switch=TRAIN, net=TAKING_ONE),
        at_least(-0.01),
        reading=AS_GOOD,
    ),
    Beyond(
        "D-mc-3",
        Value("later").at(switch=TRAIN, net=TAKING_ONE),
        at_least(-0.01),
        why=LATER,
        reading="After the passes and eval(), the accuracy on rows held out is lower than before "
        "by a percentage point at most.",
    ),
    Control(
        "dropout alone varies and takes a single row",
        Value("takes_one").at(switch=ALONE).always(),
        equals(1.0),
    ),
    Control(
        "dropout alone leaves the next evaluation as it was",
        Value("later").at(switch=ALONE).always(),
        equals(0.0),
    ),
)

RESPONSES = (
    Response("varies", "yes/no", "repeated passes over a batch give other outputs"),
    Response("takes_one", "yes/no", "a single row is taken"),
    Response("accuracy", "1", "accuracy of the mean of 50 passes over one row at a time"),
    Response("later", "1", "accuracy in eval mode afterwards, less that before"),
)


@dataclass
class Shared:
    """Networks of a cohort, trained once for both ways of switching."""

    blocks: tuple[Block, ...]
    known: dict[str, Replicas] = field(default_factory=dict)

    def sample(self) -> Sample:
        """Digits, the same for every network."""
        seeds = [block.seed for block in self.blocks]
        return draw_sample("digits", seeds, train=400, device=self.blocks[0].device)

    def trained(self, net: str) -> Replicas:
        """A copy of the trained networks, whose buffers may be changed."""
        if net not in self.known:
            epochs = max(1, 20 // self.blocks[0].effort)
            recipe = Recipe(epochs, optimiser="Adam", lr=2e-3, watch_every=epochs)
            self.known[net] = fit(partial(build, net), self.sample(), recipe).nets
        return copy.deepcopy(self.known[net])


def build(net: str) -> nn.Module:
    """A network for digits, untrained."""
    norm = net in (NORM_MLP, NORM_CNN)
    if net in (PLAIN_CNN, NORM_CNN):
        return small_cnn(10, dropout=DROP, batch_norm=norm)
    return mlp(64, 10, dropout=DROP, batch_norm=norm)


def switched(nets: Replicas, way: str) -> Replicas:
    """The networks with dropout on, in one of the two ways."""
    return nets.train() if way == TRAIN else dropout_alone(nets)


def measure(shared: Shared, arm: Arm) -> Sequence[Responses]:
    """Pass rows forward one at a time, and evaluate before and after."""
    nets, test, effort = shared.trained(arm[NET]), shared.sample().test, shared.blocks[0].effort
    torch.manual_seed(shared.blocks[0].seed)
    before = hits(logits(nets, test), test.y)
    x = test.x[:, : ROWS // effort]
    probe = switched(copy.deepcopy(nets), arm[SWITCH])
    outputs = torch.stack(list(passes(probe, x, 3)))
    nets = switched(nets, arm[SWITCH])
    accuracy = np.full(nets.count, np.nan)
    taken = takes_one(nets, x)
    if taken:
        means = [mean_of(nets, x[:, row : row + 1], PASSES // effort) for row in range(x.shape[1])]
        accuracy = hits(torch.cat(means, dim=1), test.y[:, : x.shape[1]])
    varies = (outputs[1:] != outputs[0]).flatten(2).any(dim=2).all(dim=0)
    after = hits(logits(nets, test), test.y)
    return [
        {
            "varies": float(varies[place]),
            "takes_one": float(taken),
            "accuracy": float(accuracy[place]),
            "later": float(after[place] - before[place]),
        }
        for place in range(nets.count)
    ]


def mean_of(nets: Replicas, x: torch.Tensor, count: int) -> torch.Tensor:
    """The mean of the softmax probabilities over passes."""
    return torch.stack([out.softmax(dim=-1) for out in passes(nets, x, count)]).mean(dim=0)


def takes_one(nets: Replicas, x: torch.Tensor) -> bool:
    """Whether a single row can be passed."""
    try:
        next(passes(copy.deepcopy(nets), x[:, :1], 1))
    except ValueError:
        return False
    return True


def hits(scores: torch.Tensor, y: torch.Tensor) -> Numbers:
    """The share of rows whose largest score is the label's, over replicas."""
    right: Numbers = (scores.argmax(dim=-1) == y).double().mean(dim=-1).cpu().numpy()
    return right


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does train() switch Monte Carlo dropout on, in networks with batch norm too?",
    factors=(NET, SWITCH),
    responses=RESPONSES,
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(5, 1, 1),  # epochs, rows and passes are divided by it
    prepare_together=Shared,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_by_switch,),
)
