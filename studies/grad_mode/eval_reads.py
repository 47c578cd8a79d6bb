"""Does the evaluation loop only read: no weight, buffer or gradient changes?

A network is trained for some steps, so that it has gradients, and then evaluated by the usual loop:
eval mode, no_grad, forward passes over a loader that shuffles. Weights, buffers and gradients are
compared bit for bit before and after, and so is PyTorch's global random stream. Two loops that are
not the usual one, in train mode and with a backward pass, show that changes would be seen.

Judged are ordinary networks, with and without dropout and batch norm. Beside them stands spectral
norm, a module that writes to its own buffers in every forward pass in train mode.
"""

from __future__ import annotations

import copy
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
    equals,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, fit_classifier, load_split, mlp, small_cnn
from studies.grad_mode.modes import grad_mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

USUAL = "usual"
LOOP = Factor(
    "loop",
    (USUAL, "in train mode", "with a backward pass"),
    control=USUAL,
    words={
        USUAL: "the usual loop",
        "in train mode": "a loop in train mode",
        "with a backward pass": "a loop with a backward pass",
    },
)
ORDINARY = ("plain", "dropout + batch norm", "CNN + batch norm")
ITERATING = "spectral norm"
NET = Factor(
    "net",
    (*ORDINARY, ITERATING),
    label="network",
    words={
        "plain": "small perceptron",
        "dropout + batch norm": "perceptron with dropout and batch norm",
        "CNN + batch norm": "CNN with dropout and batch norm",
        ITERATING: "perceptron with spectral norm",
    },
)
BATCH = 64

#: What a loop could change, as responses and in words.
STATE = {"weights": "weight", "buffers": "buffer", "gradients": "gradient"}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "A-pattern-2",
            Value(response).at(loop=USUAL, net=ORDINARY).always(),
            equals(0),
            reading=f"It only reads: no {what} is another after the usual loop, bit for bit."
            + (" The global random stream is no state of the model." if what == "weight" else ""),
            headline={"net": "dropout + batch norm"} if what == "weight" else False,
        )
        for response, what in STATE.items()
    ),
    *(
        Beyond(
            "A-pattern-2",
            Value(response).at(loop=USUAL, net=ITERATING).always(),
            equals(0),
            why="a module that writes to its buffers in the forward pass",
        )
        for response in STATE
    ),
    Control(
        "a loop in train mode changes batch norm's buffers",
        Value("buffers").at(loop="in train mode", net="dropout + batch norm").always(),
        more_than(0),
    ),
    Control(
        "a loop with a backward pass changes gradients",
        Value("gradients").at(loop="with a backward pass").always(),
        more_than(0),
    ),
)


class Cell(NamedTuple):
    """Networks in the midst of training, and the data."""

    nets: dict[str, nn.Module]
    data: Split


def prepare(block: Block) -> Cell:
    """Train each network for an epoch; the last step leaves its gradients."""
    data = load_split("digits", block.seed, block.device)
    nets = {name: network(name).to(block.device) for name in (*ORDINARY, ITERATING)}
    for net in nets.values():
        fit_classifier(net, data.train_x, data.train_y, seed=block.seed, epochs=1)
    return Cell(nets, data)


def network(name: str) -> nn.Module:
    """A classifier of digits."""
    if name == "CNN + batch norm":
        return small_cnn(10, dropout=0.5, batch_norm=True)
    if name == "spectral norm":
        normed = nn.utils.parametrizations.spectral_norm(nn.Linear(64, 64))
        return nn.Sequential(normed, nn.ReLU(), nn.Linear(64, 10))
    both = name == "dropout + batch norm"
    return mlp(64, 10, dropout=0.5 if both else None, batch_norm=both)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Count the tensors that the loop changes."""
    net = copy.deepcopy(cell.nets[arm[NET]])
    for copied, original in zip(net.parameters(), cell.nets[arm[NET]].parameters(), strict=True):
        copied.grad = None if original.grad is None else original.grad.clone()
    before, stream = state(net), torch.get_rng_state()
    evaluate(net, cell.data, arm[LOOP])
    after = state(net)
    changed = {
        what: float(
            sum(not torch.equal(a, b) for a, b in zip(before[what], after[what], strict=True))
        )
        for what in before
    }
    return changed | {"stream": float(not torch.equal(stream, torch.get_rng_state()))}


def state(net: nn.Module) -> dict[str, list[Tensor]]:
    """Copies of all that a loop could change."""
    parameters = list(net.parameters())
    return {
        "weights": [parameter.detach().clone() for parameter in parameters],
        "buffers": [buffer.clone() for buffer in net.buffers()],
        "gradients": [p.grad.clone() for p in parameters if p.grad is not None],
    }


def evaluate(net: nn.Module, data: Split, loop: str) -> float:
    """The mean loss of the validation set."""
    total = 0.0
    net.train(loop == "in train mode")
    with grad_mode("enabled" if loop == "with a backward pass" else "no_grad"):
        for x, y in batches(data):
            loss = functional.cross_entropy(net(x), y)
            if loop == "with a backward pass":
                loss.backward()
            total += loss.item() * len(x)
    net.train()
    return total / len(data.val_x)


def batches(data: Split) -> Iterable[tuple[Tensor, Tensor]]:
    """A loader of the validation set, which shuffles as many listings have it."""
    pairs = torch.utils.data.TensorDataset(data.val_x, data.val_y)
    loader: Iterable[tuple[Tensor, Tensor]] = torch.utils.data.DataLoader(
        pairs, batch_size=BATCH, shuffle=True
    )
    return loader


EXPERIMENT = Experiment(
    question="Does the evaluation loop only read: no weight, buffer or gradient changes?",
    factors=(LOOP, NET),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        *(
            Response(name, "tensors", f"the number of {name} that the loop changes")
            for name in STATE
        ),
        Response("stream", "yes/no", "the loop draws from the global random stream"),
    ),
    claims=CLAIMS,
)
