"""Does a net pay at inference for how it was regularised?

The document's table says zero extra cost for L1, L2, dropout, DropConnect and label smoothing, and
for stochastic depth that all blocks are active. What a net does at inference can be counted: each
operation that PyTorch dispatches in one forward pass in eval mode, with the shapes it works on. Two
nets that dispatch the same operations on the same shapes cost the same, on any machine. L1, L2 and
smoothing are part of the training alone: their net is the plain one after a step of training with
them. Nets of usual kinds: a perceptron, a net of convolutions, transformer layers. In train mode
the operations differ, where a layer is concerned: that is the counterexample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from harness import Fact, facts
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas, convnet, encoder, mlp, regularisers
from harness.workloads.regularisers import l1, residual_cnn, residual_mlp

if TYPE_CHECKING:
    from torch import Tensor

ROWS, FEATURES, CLASSES, WIDTH, BLOCKS, DROP, SURVIVAL = 32, 64, 10, 256, 12, 0.5, 0.9
IMAGES, TOKENS = (ROWS, 3, 32, 32), (ROWS, 16, 128)
FLAT = (ROWS, FEATURES)
STEPS = 3
Make = Callable[[], "nn.Module"]


def operations(make: Make, shape: tuple[int, ...], *, training: bool = False) -> str:
    """What one forward pass dispatches: how many operations, on how many numbers, of which kinds.

    Args:
        make: a net.
        shape: of its input.
        training: in train mode in place of eval mode.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    kinds: Counter[str] = Counter()
    numbers = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Callable[..., object],
            types: Iterable[type],
            args: tuple[object, ...] = (),
            kwargs: Mapping[str, object] | None = None,
        ) -> object:
            nonlocal numbers
            kinds[str(func).removeprefix("aten.")] += 1
            numbers += sum(each.numel() for each in args if isinstance(each, torch.Tensor))
            return func(*args, **(kwargs or {}))

    net, x = make().train(training), torch.randn(shape)
    with Watch():  # type: ignore[no-untyped-call]  # torch's constructor has no annotations
        net(x)
    listed = ", ".join(f"{name} {count}" for name, count in sorted(kinds.items()))
    return f"{kinds.total()} operations on {numbers:,} numbers: {listed}"


def perceptron(drop: float | None = None) -> nn.Module:
    """The plain perceptron, or with dropout."""
    return mlp(FEATURES, CLASSES, hidden=WIDTH, dropout=drop)


def with_drop_connect() -> nn.Module:
    """The same perceptron, its hidden layers with DropConnect."""
    return nn.Sequential(
        regularisers.DropConnect(FEATURES, WIDTH, DROP),
        nn.ReLU(),
        regularisers.DropConnect(WIDTH, WIDTH, DROP),
        nn.ReLU(),
        nn.Linear(WIDTH, CLASSES),
    )


def convolutions(drop: float | None = None) -> nn.Module:
    """A net of convolutions, with dropout before its read-out."""
    net = convnet((32, 64), CLASSES)
    if drop is None:
        return net
    *layers, out = net.children()
    return nn.Sequential(*layers, nn.Dropout(drop), out)


def trained(penalty: float = 0.0, decay: float = 0.0, smoothing: float = 0.0) -> Make:
    """A plain perceptron after some steps with a penalty on the weights, decay, or smoothing."""

    def make() -> nn.Module:
        net = perceptron()
        nets = Replicas([net])
        optimiser = torch.optim.AdamW(nets.parameters(), lr=1e-3, weight_decay=decay)
        x, y = torch.randn(1, ROWS, FEATURES), torch.randint(CLASSES, (ROWS,))
        for _ in range(STEPS):
            loss = functional.cross_entropy(nets(x)[0], y, label_smoothing=smoothing)
            optimiser.zero_grad()
            (loss + l1(nets, penalty).sum()).backward()
            optimiser.step()
        return nets.unstack()[0]

    return make


def silent_branches(*, training: bool = False) -> int:
    """Of how many rows some block of a net with stochastic depth contributes nothing."""
    net = residual_mlp(FEATURES, CLASSES, width=WIDTH, blocks=BLOCKS, survival=SURVIVAL)
    silent = 0

    def look(_module: nn.Module, _inputs: object, out: Tensor) -> None:
        nonlocal silent
        silent += int((out.flatten(1) == 0).all(dim=1).sum())

    for module in net.modules():
        if isinstance(module, regularisers.StochasticDepth):
            module.register_forward_hook(look)
    net.train(training)(torch.randn(8 * ROWS, FEATURES))
    return silent


def _same(
    what: str,
    plain: Make,
    other: Make,
    shape: tuple[int, ...],
    differs: Make,
    *,
    headline: bool = False,
) -> Fact:
    return Fact(
        "D-tab-4",
        f"{what} leaves the operations of inference as they are",
        lambda: operations(other, shape),
        lambda: operations(plain, shape),
        lambda: operations(differs, shape, training=True),
        reading="Zero extra cost: in eval mode the net dispatches the same operations on as many "
        f"numbers as the plain one; here with {what}.",
        headline=headline,
    )


_DROPPED = [
    (
        "dropout in a perceptron",
        perceptron,
        lambda: perceptron(DROP),
        FLAT,
    ),
    ("dropout in a net of convolutions", convolutions, lambda: convolutions(DROP), IMAGES),
    (
        "dropout in transformer layers",
        lambda: encoder(2, 128),
        lambda: encoder(2, 128, dropout=0.1),
        TOKENS,
    ),
    ("DropConnect in a perceptron", perceptron, with_drop_connect, FLAT),
]
_TRAINED = [
    ("training with L1", trained(penalty=1e-3)),
    ("training with L2 (weight decay)", trained(decay=1e-2)),
    ("training with label smoothing", trained(smoothing=0.1)),
]
_DEEP = [
    (
        "stochastic depth in a residual perceptron",
        lambda: residual_mlp(FEATURES, CLASSES, width=WIDTH, blocks=BLOCKS),
        lambda: residual_mlp(FEATURES, CLASSES, width=WIDTH, blocks=BLOCKS, survival=SURVIVAL),
    ),
    (
        "stochastic depth in a residual net of convolutions",
        lambda: residual_cnn(CLASSES, blocks=BLOCKS),
        lambda: residual_cnn(CLASSES, blocks=BLOCKS, survival=SURVIVAL),
    ),
]

EXPERIMENT = facts(
    "Does a net pay at inference for how it was regularised?",
    *(
        _same(what, plain, other, shape, other, headline=what.startswith("DropConnect"))
        for what, plain, other, shape in _DROPPED
    ),
    *(_same(what, perceptron, make, FLAT, lambda: perceptron(DROP)) for what, make in _TRAINED),
    *(_same(what, plain, other, FLAT, other) for what, plain, other in _DEEP),
    Fact(
        "D-tab-4",
        "with stochastic depth no block is silent for any row at inference",
        silent_branches,
        0,
        lambda: silent_branches(training=True),
        reading="All blocks active: in eval mode every block of a net with survival 0.9 adds "
        "something to every row.",
    ),
)
