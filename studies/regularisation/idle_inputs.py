"""Does L1 zero the weights of inputs that say nothing, and what does L2 make of all weights?

Two classifiers get inputs that are known to be idle. Of listing 3's 50 normal features only the
first ten decide on the class; beside the 30 measurements of the breast cancer rows stand the same
30 columns shuffled, each by itself, so that they look alike and tell nothing. They are trained with
Adam or plain SGD, with the penalty in the loss (weights only, as the document writes it), for no
fewer steps than its listing takes. Counted are the first layer's weights on idle inputs that are
exactly zero.

A proximal step (after each step of the optimiser weights go towards zero by rate times strength,
and stop there) is the way to exact zeros that the document does not name; it is shown beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
)
from harness.libraries import nn, torch
from harness.workloads import Replicas, mlp
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import l1, l2, proximal_l1
from harness.workloads.samples import Sample, draw_sample
from harness.workloads.tasks import Part
from studies.regularisation.listing_one import (
    ALMOST_NEVER,
    AS_GOOD_AS_ZERO,
    LAYERS,
    SHRINKS,
    SMALL,
    SPREAD,
    ZERO_READING,
    percent,
    weights_told,
)
from studies.regularisation.nets import NETWORKS, RATE, Rows, by_block, seeds_of, weights_of

#: SGD at such a rate decays by L2 alone to 0.77 in 660 steps: it has the time to shrink weights.
RATES = {"Adam": RATE, "SGD": 0.2}
TASKS = {"listing 3": "listing 3's rows", "breast cancer": "breast cancer beside shuffled columns"}
USED = {"listing 3": 10, "breast cancer": 30}
#: Passes over the rows for each unit of effort: both take 660 steps or more with ten.
EPOCHS = {"listing 3": 3, "breast cancer": 14}

NONE, L2 = "no penalty", "L2 of 0.001"
L1, MORE_L1 = "L1 of 0.0001", "L1 of 0.001"
PROXIMAL = "L1 of 0.001 by proximal steps"


class Kind(NamedTuple):
    """A penalty in the loss, or after the step."""

    penalty: Callable[[Replicas], torch.Tensor] | None = None
    proximal: float = 0.0


KINDS: Mapping[str, Kind] = {
    NONE: Kind(),
    L2: Kind(lambda nets: l2(nets, 1e-3)),
    L1: Kind(lambda nets: l1(nets, 1e-4)),
    MORE_L1: Kind(lambda nets: l1(nets, 1e-3)),
    PROXIMAL: Kind(proximal=1e-3),
}
TASK = Factor("task", tuple(TASKS), words=TASKS)
OPTIMISER = Factor("optimiser", tuple(RATES))
PENALTY = Factor("penalty", tuple(KINDS), control=NONE)

SUBGRADIENT = (L1, MORE_L1)
IDLE_READING = (
    "Zeros irrelevant weights: at least 5 % of the weights on inputs known to be idle are exactly "
    "zero after training with the penalty in the loss."
)
CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-quick-1",
        Value("idle_zeros").at(penalty=SUBGRADIENT),
        at_least(5.0),
        IDLE_READING,
        headline={"task": "listing 3", "optimiser": "Adam", "penalty": L1},
    ),
    Claim("D-l1l2-7", Value("idle_zeros").at(penalty=SUBGRADIENT), at_least(5.0), ZERO_READING),
    *(
        Beyond("D-l1l2-7", Value(name).at(penalty=penalty), at_least(5.0), why=why)
        for name, penalty, why in (
            ("idle_zeros", PROXIMAL, "proximal steps, which the document does not take"),
            ("idle_near", SUBGRADIENT, "below 0.001, which is near zero and not zero"),
        )
    ),
    Beyond(
        "D-quick-1",
        Value("idle_zeros").at(penalty=PROXIMAL),
        at_least(5.0),
        why="proximal steps, which the document does not take",
    ),
    *(
        Claim("D-quick-1", Ratio(f"norm_{layer}", PENALTY).at(penalty=L2), at_most(0.95), SHRINKS)
        for layer in LAYERS
    ),
    Claim("D-l1l2-3", Value("zeros").at(penalty=L2), at_most(1.0), ALMOST_NEVER),
    Beyond("D-l1l2-3", Value("millionth").at(penalty=L2), at_most(1.0), why=AS_GOOD_AS_ZERO),
    Claim("D-l1l2-4", Ratio("norm", PENALTY).at(penalty=L2), at_most(0.9), SMALL),
    Claim("D-l1l2-4", Ratio("largest", PENALTY).at(penalty=L2), at_most(0.9), SMALL),
    Claim("D-l1l2-4", Ratio("spread", PENALTY).at(penalty=L2), at_least(1.05), SPREAD),
)


def prepare(blocks: Sequence[Block]) -> Rows:
    """Rows with idle inputs; ``block.effort`` is a tenth of the epochs."""
    seeds = seeds_of(blocks)
    samples = {
        "listing 3": draw_sample("listing 3", seeds),
        "breast cancer": with_shuffled_columns(draw_sample("breast cancer", seeds)),
    }
    return Rows(samples, blocks[0].effort)


def with_shuffled_columns(sample: Sample) -> Sample:
    """The rows with as many columns again, each shuffled by itself within its part."""
    streams = [torch.Generator().manual_seed(seed) for seed in sample.seeds]

    def widened(part: Part) -> Part:
        shuffled = torch.stack(
            [_shuffled(x, stream) for x, stream in zip(part.x, streams, strict=True)]
        )
        return replace(part, x=torch.cat([part.x, shuffled], dim=2))

    train, val, test = (widened(part) for part in (sample.train, sample.val, sample.test))
    return replace(sample, train=train, val=val, test=test)


def _shuffled(x: torch.Tensor, stream: torch.Generator) -> torch.Tensor:
    """Rows whose columns are each in an order of their own."""
    columns = [column[torch.randperm(len(x), generator=stream)] for column in x.T]
    return torch.stack(columns, dim=1)


def network(task: str) -> nn.Module:
    """A classifier of three layers that takes the idle inputs too."""
    return NETWORKS[task]() if task == "listing 3" else mlp(2 * USED[task], 2)


def measure(rows: Rows, arm: Arm) -> Sequence[Responses]:
    """Train, and look at the weights."""
    task, kind, rate = arm[TASK], KINDS[arm[PENALTY]], RATES[arm[OPTIMISER]]
    epochs = rows.effort * EPOCHS[task]
    recipe = Recipe(
        epochs=epochs,
        optimiser=arm[OPTIMISER],
        lr=rate,
        penalty=kind.penalty,
        watch_every=epochs,
    )
    history = fit(
        lambda: network(task),
        rows.samples[task],
        recipe,
        after_step=(lambda nets: proximal_l1(nets, rate * kind.proximal))
        if kind.proximal
        else None,
    )
    idle = weights_of(history.nets)[0][:, :, USED[task] :].flatten(1).abs()
    told = weights_told(history.nets)
    del told["below"], told["counted"]  # which are listing 1's
    return by_block(
        {
            **told,
            "idle_zeros": percent(idle == 0),
            "idle_near": percent(idle < 1e-3),
            "train_score": 100 * history.last("train_score"),
            "test_score": 100 * history.last("test_score"),
        }
    )


EXPERIMENT: Experiment[Rows] = Experiment(
    question="Does L1 zero the weights of inputs that say nothing, and what does L2 make of all?",
    factors=(TASK, OPTIMISER, PENALTY),
    responses=(
        Response("idle_zeros", "%", "share of the weights on idle inputs that are exactly zero"),
        Response("idle_near", "%", "share of the weights on idle inputs below 0.001"),
        Response("zeros", "%", "share of weights that are exactly zero"),
        Response("near_zero", "%", "share of weights below 0.001"),
        Response("millionth", "%", "share of weights below a millionth"),
        Response("norm", "1", "norm of all weights"),
        *(Response(f"norm_{name}", "1", f"norm of the {name} layer's weights") for name in LAYERS),
        Response("largest", "1", "size of the largest weight"),
        Response("spread", "1", "effective share of the weights"),
        Response("train_score", "%", "accuracy on the training rows"),
        Response("test_score", "%", "accuracy on the test rows"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 10, 10),
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
)
