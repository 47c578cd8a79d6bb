"""Does stochastic depth generalise better, and do its blocks depend less on each other?

Deep residual nets of three kinds train with all blocks, or with each dropped row by row at a
survival of 0.9 or 0.8, the two ends of what the document recommends; on equal batches, from equal
weights, and to convergence: dropped blocks make a net learn more slowly, and so all train for as
many steps as the slowest takes to know its rows, which is a control. Better generalisation is a
test accuracy at least a point higher, at the epoch that validates best.

That blocks learn independently is seen by taking one away from the trained net at test: averaged
over the blocks, accuracy falls by at least a point less than in the net that always had all of
them. A net that loses nothing without a block leaves nothing to be spared, so that the plain nets'
loss is a control too. The opposite probe stands beside: a block whose skip path hands on half of
what it gets, where a net that leans on the skip path loses.

These nets are as deep as a CPU can train on many seeds, some twenty layers, and small; a ResNet-50
on photographs, or BERT, is not tried here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
    at_most,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample
from studies.advanced_regularisers.deep import (
    CNN,
    KINDS,
    PERCEPTRON,
    TRANSFORMER,
    blocks_of,
    draw,
    last_layers,
    network,
    weakened,
    without,
)
from studies.advanced_regularisers.depth_figure import accuracy_and_lesions
from studies.advanced_regularisers.occlusion import accuracy

BATCH, LOOKS, POINT = 50, 8, 0.01
NET = Factor(
    "net",
    (CNN, PERCEPTRON, TRANSFORMER),
    words={
        CNN: "10 blocks of convolutions",
        PERCEPTRON: "perceptron of 10 blocks",
        TRANSFORMER: "transformer of 4 layers",
    },
)
SURVIVAL = Factor(
    "survival",
    (1.0, 0.9, 0.8),
    control=1.0,
    words={1.0: "no stochastic depth", 0.9: "survival 0.9", 0.8: "survival 0.8"},
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-adv-8",
        Difference("accuracy", SURVIVAL),
        at_least(POINT),
        reading="Better generalisation: test accuracy is at least a point higher with stochastic "
        "depth than with all blocks, both trained to convergence.",
        headline={"net": CNN, "survival": 0.9},
    ),
    Beyond(
        "D-adv-8",
        Difference("accuracy_last", SURVIVAL),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
    Claim(
        "D-adv-9",
        Difference("fall", SURVIVAL),
        at_most(-POINT),
        reading="Blocks learn independently: without one of its blocks a net trained with "
        "stochastic depth loses at least a point less of test accuracy, averaged over the blocks.",
        headline={"net": CNN, "survival": 0.9},
    ),
    Beyond(
        "D-adv-9",
        Difference("worst_fall", SURVIVAL),
        at_most(-POINT),
        why="the one block that is missed most",
    ),
    Beyond(
        "D-adv-9",
        Difference("skip_fall", SURVIVAL),
        at_most(-POINT),
        why="the opposite probe: a weakened skip path, where the claim is judged without a block",
        reading="Does not rely on the skip path: with half of what a block's skip path hands on a "
        "net trained with stochastic depth loses at least a point less of test accuracy, averaged "
        "over the blocks.",
    ),
    Control(
        "every net has learnt its rows: at the end 95 % of them are right",
        Value("fitted"),
        at_least(0.95),
    ),
    Control(
        "there is something to spare: a net with all blocks loses a point or more without one",
        Value("fall").at(survival=1.0),
        at_least(POINT),
    ),
)


@dataclass
class Samples:
    """Some blocks and the rows that have been drawn for them."""

    blocks: tuple[Block, ...]
    drawn: dict[str, Sample] = field(default_factory=dict)

    def of(self, kind: str) -> Sample:
        """The rows of a kind of net."""
        if kind not in self.drawn:
            seeds = [block.seed for block in self.blocks]
            self.drawn[kind] = draw(kind, seeds, self.blocks[0].device)
        return self.drawn[kind]


def measure(samples: Samples, arm: Arm) -> Sequence[Responses]:
    """Train a net, and take its blocks away one by one."""
    kind, survival, sample = arm[NET], arm[SURVIVAL], samples.of(arm[NET])
    epochs = max(1, KINDS[kind].steps // samples.blocks[0].effort * BATCH // KINDS[kind].rows)
    history = fit(
        lambda: network(kind, sample.features, sample.classes, survival),
        sample,
        Recipe(epochs, BATCH, lr=KINDS[kind].rate, watch_every=max(1, epochs // LOOKS)),
    )
    falls = history.last("test_score") - without_each(history.nets, sample)
    skip_falls = history.last("test_score") - weakened_each(history.nets, sample)
    best = history.val_score.argmax(axis=0)
    found = {
        "accuracy": history.at("test_score", best),
        "accuracy_last": history.last("test_score"),
        "fitted": history.last("train_score"),
        "fall": falls.mean(axis=0),
        "worst_fall": falls.max(axis=0),
        "skip_fall": skip_falls.mean(axis=0),
    }
    return [
        {
            **{name: float(values[place]) for name, values in found.items()},
            "fall_by_block": falls[:, place].tolist(),
        }
        for place in range(len(samples.blocks))
    ]


def without_each(nets: Replicas, sample: Sample) -> NDArray[np.float64]:
    """Test accuracy without each block in its turn, shape (blocks of the net, replicas)."""
    template = nets.unstack()[0]
    left = []
    for layer in last_layers(template):
        with without(nets, layer):
            left.append(accuracy(nets, sample.test))
    return np.stack(left)


def weakened_each(nets: Replicas, sample: Sample) -> NDArray[np.float64]:
    """Test accuracy with each block's skip path weakened in its turn, of the same shape."""
    left = []
    for net, x, y in zip(nets.unstack(), sample.test.x, sample.test.y, strict=True):
        of_net = []
        for block in blocks_of(net.eval()):
            with torch.no_grad(), weakened(block):
                of_net.append((net(x).argmax(dim=-1) == y).double().mean().item())
        left.append(of_net)
    return np.array(left).T


EXPERIMENT: Experiment[Samples] = Experiment(
    question="Does stochastic depth generalise better, and are its blocks more independent?",
    factors=(NET, SURVIVAL),
    responses=(
        Response("accuracy", "1", "test accuracy at the epoch that validates best"),
        Response("accuracy_last", "1", "test accuracy after the last epoch"),
        Response("fitted", "1", "accuracy on the training rows after the last epoch"),
        Response("fall", "1", "test accuracy that a net loses without one block, on average"),
        Response("worst_fall", "1", "test accuracy that a net loses without its dearest block"),
        Response(
            "skip_fall",
            "1",
            "test accuracy that a net loses with one block's skip path halved, on average",
        ),
        Response("fall_by_block", "1", "test accuracy that a net loses without a block"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(30, 1, 1),  # steps are divided by it
    prepare_together=Samples,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_and_lesions,),
)
