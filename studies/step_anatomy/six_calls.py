"""What does each of the six calls of a training step change, and what does it leave?

In the third iteration of a training, when gradients and moments are there already, everything that
a step could touch is copied before and after every single call: the script's outputs and loss, the
gradients, the weights, the averages of a batch norm, what the optimiser keeps, and the learning
rate. What differs in any bit has been changed. For the weights it is also asked whether they still
lie where they lay: whoever held on to them before the step sees the new ones.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

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
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas, load_split
from studies.step_anatomy.calls_figure import what_changes
from studies.step_anatomy.listing import BATCH, RATE
from studies.step_anatomy.orders import BACKWARD, CALLS, FORWARD, OPERATIONS, STEP, Loop

if TYPE_CHECKING:
    from torch import Tensor

OUTPUTS, LOSS, GRADIENTS, WEIGHTS = "outputs", "loss", "gradients", "weights"
AVERAGES, STATE, RATES = "batch norm's averages", "optimiser's state", "learning rate"
THINGS = (OUTPUTS, LOSS, GRADIENTS, WEIGHTS, AVERAGES, STATE, RATES)
CALL = Factor("call", OPERATIONS, words=CALLS)
THING = Factor("thing", THINGS)
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
EARLIER = 2  # iterations

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.14",
        Value("changed").at(call=STEP, thing=WEIGHTS).always(),
        equals(1),
        reading="It changes the weights: after step() the numbers of every parameter differ, each "
        "of which has a gradient.",
        headline={"optimiser": "SGD"},
    ),
    Claim(
        "C3.14",
        Value("elsewhere").at(call=STEP, thing=WEIGHTS).always(),
        equals(0),
        reading="In place: every parameter is the same object after step(), and its numbers lie in "
        "the same memory.",
    ),
    *(
        Beyond(
            "C3.14",
            Value("changed").at(call=call, thing=WEIGHTS).always(),
            equals(1),
            why="a call of which the passage does not say so",
        )
        for call in OPERATIONS
        if call != STEP
    ),
    Control(
        "a forward pass gives new outputs",
        Value("changed").at(call=FORWARD, thing=OUTPUTS).always(),
        equals(1),
    ),
    Control(
        "a backward pass leaves the loss",
        Value("changed").at(call=BACKWARD, thing=LOSS).always(),
        equals(0),
    ),
)

#: By thing, the tensors as they are, and copies of them.
Held: TypeAlias = "dict[str, list[Tensor]]"
#: By call and thing: the share of its tensors that changed, and how many are elsewhere.
Found: TypeAlias = dict[tuple[str, str], tuple[float, int]]


def prepare(block: Block) -> dict[str, Found]:
    """Train two iterations with each optimiser, and watch the third."""
    data = load_split("digits", block.seed, block.device)
    torch.manual_seed(block.seed)
    net = nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    net.to(block.device)
    rows = torch.randperm(len(data.train_x), generator=torch.Generator().manual_seed(block.seed))
    batches = [
        (data.train_x[chosen][None], data.train_y[chosen][None])
        for chosen in rows.to(data.train_x.device).split(BATCH)[: EARLIER + 1]
    ]
    return {name: watched(new_loop(net, name), batches) for name in OPTIMISER.levels}


def new_loop(net: nn.Module, name: str) -> Loop:
    """The loop of a copy of the network, with a cosine that changes the rate in every iteration."""
    nets = Replicas([copy.deepcopy(net)])
    optimiser: torch.optim.Optimizer = getattr(torch.optim, name)(nets.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    return Loop(nets, functional.cross_entropy, optimiser, scheduler)


def watched(loop: Loop, batches: Sequence[tuple[Tensor, Tensor]]) -> Found:
    """What each call of the last iteration changes."""
    for x, y in batches[:-1]:
        loop.iterate(OPERATIONS, x, y)
    found: Found = {}
    x, y = batches[-1]
    for operation in OPERATIONS:
        before = dict(things_of(loop))
        copies = {thing: [each.detach().clone() for each in of] for thing, of in before.items()}
        loop.call(operation, x, y)
        after = dict(things_of(loop))
        for thing in THINGS:
            found[operation, thing] = (
                share_changed(copies[thing], after[thing]),
                count_elsewhere(before[thing], after[thing]),
            )
    return found


def things_of(loop: Loop) -> Iterator[tuple[str, list[Tensor]]]:
    """All that a call could touch, as the tensors themselves."""
    parameters = list(loop.nets.parameters())
    yield OUTPUTS, [loop.names[name] for name in ("outputs",) if name in loop.names]
    yield LOSS, [loop.names[name] for name in ("loss",) if name in loop.names]
    yield GRADIENTS, [p.grad for p in parameters if p.grad is not None]
    yield WEIGHTS, list(parameters)
    yield AVERAGES, [buffer for _, buffer in loop.nets.named_buffers()]
    states = [loop.optimiser.state[p] for p in parameters if p in loop.optimiser.state]
    kept = [each for state in states for each in state.values()]
    yield STATE, [each for each in kept if isinstance(each, torch.Tensor)]
    yield (
        RATES,
        [torch.tensor(group["lr"], dtype=torch.float64) for group in loop.optimiser.param_groups],
    )


def share_changed(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """The share of some tensors that changed; all where there are more or fewer than before.

    Args:
        before: copies from before the call.
        after: the tensors after it.
    """
    if len(before) != len(after):
        return 1.0
    if not before:
        return 0.0
    pairs = zip(before, after, strict=True)
    return sum(not torch.equal(one, other) for one, other in pairs) / len(before)


def count_elsewhere(before: Sequence[Tensor], after: Sequence[Tensor]) -> int:
    """How many tensors are other objects than before, or lie elsewhere in memory.

    Args:
        before: the tensors themselves, from before the call; they are still alive, so that no new
            one can lie in their place.
        after: the tensors after it.
    """
    pairs = zip(before, after, strict=False)
    return sum(one is not other or one.data_ptr() != other.data_ptr() for one, other in pairs)


def measure(found: dict[str, Found], arm: Arm) -> Responses:
    """What one call did to one thing."""
    changed, elsewhere = found[arm[OPTIMISER]][arm[CALL], arm[THING]]
    return {"changed": changed, "elsewhere": elsewhere}


EXPERIMENT: Experiment[dict[str, Found]] = Experiment(
    question="What does each of the six calls of a training step change, and what does it leave?",
    factors=(CALL, THING, OPTIMISER),
    blocks=PerProfile(2, 20, 50),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("changed", "1", "share of the tensors of {thing} that differ after {call}"),
        Response("elsewhere", "tensors", "tensors of {thing} that lie elsewhere after {call}"),
    ),
    claims=CLAIMS,
    figures=(what_changes,),
)
