"""What is in the state dicts, and what in the checkpoint that the document writes?

A network with batch norm takes three steps of Adam. What its state dict holds is compared with its
own parameters and running statistics; what Adam's holds, with moments that are worked out by hand
from the gradients. Then the document's checkpoint is written to a file, and numbers that were
planted in every object of its script that has state are looked for in it, wherever they may stand:
the objects are those that the printed script itself makes. What is not found is told by name: to
capture the complete state is one statement, and one object that is missing makes it false.

The listed loader switches ``weights_only`` off and does not say why. That its file needs the switch
is judged as one fact: torch's default refuses the file, and the switch loads it.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import Fact, facts, raised
from harness.libraries import nn, torch
from harness.workloads import mlp
from studies.production_loop.checkpoints import Counters, Trained, restore, save
from studies.production_loop.stopping import EarlyStopping

if TYPE_CHECKING:
    from torch import Tensor

STEPS, BETA1, BETA2 = 3, 0.9, 0.999
RUNNING = ("running_mean", "running_var")
#: Numbers that nothing else in a checkpoint is likely to have.
EPOCH, STEP, BEST, WAITED, SCALE, RATE = 1237, 7919, 0.7390851332151607, 4643, 3331.0, 0.00271828


def stepped() -> tuple[nn.Module, torch.optim.Optimizer, list[list[Tensor]]]:
    """A network and its Adam after three steps, with the gradients of each."""
    torch.manual_seed(0)
    net = mlp(8, 3, hidden=4, batch_norm=True)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    gradients = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        net(torch.randn(16, 8)).square().sum().backward()
        gradients.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
        optimiser.step()
    return net, optimiser, gradients


def kept_by_the_model(names: Callable[[nn.Module], list[str]]) -> bool:
    """Whether a state dict has, under these names, what the network has there."""
    net, _, _ = stepped()
    held = net.state_dict()
    own: dict[str, Tensor] = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    wanted = names(net)
    return bool(wanted) and all(n in held and torch.equal(held[n], own[n]) for n in wanted)


def parameters_of(net: nn.Module) -> list[str]:
    """Names of all learned parameters."""
    return [name for name, _ in net.named_parameters()]


def statistics_of(net: nn.Module) -> list[str]:
    """Names of the batch norms' running statistics."""
    return [name for name, _ in net.named_buffers() if name.endswith(RUNNING)]


def kept_by_adam() -> list[str]:
    """What Adam's state dict holds of every parameter, by name."""
    _, optimiser, _ = stepped()
    return keys_of(optimiser)


def keys_of(optimiser: torch.optim.Optimizer) -> list[str]:
    """Names of what an optimiser's state dict holds of every parameter alike."""
    state: Mapping[int, Mapping[str, object]] = optimiser.state_dict()["state"]
    every = [set(each) for each in state.values()]
    return sorted(set.intersection(*every)) if every else []


def kept_by_sgd() -> list[str]:
    """What SGD's holds after a step."""
    net, _, _ = stepped()
    optimiser = torch.optim.SGD(net.parameters(), lr=RATE)
    optimiser.step()
    return keys_of(optimiser)


def moments_off(beta2: float = BETA2) -> float:
    """How far Adam's moments and counts are from those by hand, relative to their size."""
    _, optimiser, gradients = stepped()
    off = 0.0
    for place, held in optimiser.state_dict()["state"].items():
        m = v = torch.zeros_like(gradients[0][place], dtype=torch.float64)
        for step in gradients:
            m = BETA1 * m + (1 - BETA1) * step[place].double()
            v = beta2 * v + (1 - beta2) * step[place].double().square()
        for name, by_hand in (("exp_avg", m), ("exp_avg_sq", v)):
            gap = (held[name].double() - by_hand).norm() / by_hand.norm().clamp(min=1e-30)
            off = max(off, gap.item())
        off = max(off, abs(float(held["step"]) - STEPS))
    return off


def written(path: Path, *, numpy_state: bool = True) -> None:
    """The document's checkpoint of a short training, with or without NumPy's state."""
    net, optimiser, _ = stepped()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS)
    save(path, Trained(net, optimiser, scheduler), Counters(EPOCH, STEP, BEST))
    if not numpy_state:
        held = torch.load(path, weights_only=False)
        held.pop("rng_numpy")
        torch.save(held, path)


def loads(*, weights_only: bool | None, numpy_state: bool = True) -> str:
    """The exception that loading the checkpoint raises; empty where it raises none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        written(path, numpy_state=numpy_state)
        chosen: dict[str, Any] = {} if weights_only is None else {"weights_only": weights_only}
        return raised(lambda: torch.load(path, **chosen))()


def default_and_switch(*, numpy_state: bool = True) -> tuple[str, str]:
    """The exceptions that torch's default raises, and the listed switch."""
    default, switched = (
        loads(weights_only=each, numpy_state=numpy_state) for each in (None, False)
    )
    return default, switched


def holds(what: str) -> bool:
    """Whether the file holds the state of one of the script's objects."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        net, optimiser, _ = stepped()
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS)
        # What the script makes beside, with state that is planted.
        scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
        stopper = EarlyStopping(best=BEST, waited=WAITED)
        save(path, Trained(net, optimiser, scheduler), Counters(EPOCH, STEP, BEST))
        held = torch.load(path, weights_only=False)
    wanted: dict[str, object] = {
        "weights": net.state_dict(),
        "optimiser": optimiser.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": EPOCH,
        "step": STEP,
        "best": BEST,
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - the state that document C saves
        "python": random.getstate(),
        "scaler": scaler.state_dict()["scale"],
        "stopper": stopper.waited,
        "nothing": object(),
    }
    return any(same(wanted[what], part) for part in parts(held))


def parts(held: object) -> Iterator[object]:
    """A nested value and all that is in it."""
    yield held
    if isinstance(held, Mapping):
        for value in held.values():
            yield from parts(value)
    elif isinstance(held, (list, tuple)):
        for value in held:
            yield from parts(value)


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - state of any kind
    """Whether two nested values are equal, tensors and arrays number by number."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def random_state_put_back(which: str) -> bool:
    """Whether the printed loader puts a random state back that was disturbed after the saving."""
    from studies.production_loop.checkpoints import LISTED

    draw: dict[str, Callable[[], float]] = {
        "torch": lambda: torch.rand(()).item(),
        "numpy": lambda: float(np.random.random()),  # noqa: NPY002 - as above
        "python": random.random,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        net, optimiser, _ = stepped()
        trained = Trained(net, optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser))
        save(path, trained, Counters(EPOCH, STEP, BEST))
        expected = draw[which]()
        restore(path, trained, LISTED)
    return draw[which]() == expected


def missing(wanted: Mapping[str, str]) -> str:
    """Whose state the file does not hold, in words."""
    return ", ".join(words for name, words in wanted.items() if not holds(name)) or NOTHING


NOTHING = "nothing"
IN_FILE = {
    "weights": "the network's weights and running statistics",
    "optimiser": "the optimiser's state",
    "scheduler": "the scheduler's state",
    "epoch": "the epoch",
    "step": "the step",
    "best": "the best validation loss",
    "torch": "torch's random state",
    "numpy": "NumPy's random state",
    "python": "Python's random state",
    "scaler": "the scale of the gradient scaler",
    "stopper": "the epochs that early stopping has waited",
}

EXPERIMENT = facts(
    "What is in the state dicts, and what in the document's checkpoint?",
    Fact(
        "C7.02",
        "the model's state dict holds every learned parameter",
        lambda: kept_by_the_model(parameters_of),
        claimed=True,
        counterexample=lambda: kept_by_the_model(lambda _: ["no such thing"]),
    ),
    Fact(
        "C7.02",
        "the model's state dict holds the running statistics of batch norm",
        lambda: kept_by_the_model(statistics_of),
        claimed=True,
        counterexample=lambda: kept_by_the_model(lambda _: []),
    ),
    Fact(
        "C7.02",
        "Adam's state dict holds two moments and a step count of every parameter",
        kept_by_adam,
        claimed=["exp_avg", "exp_avg_sq", "step"],
        counterexample=kept_by_sgd,
        headline=True,
    ),
    Fact(
        "C7.02",
        "these are the running averages of gradients and of squared gradients",
        moments_off,
        claimed=0.0,
        counterexample=lambda: moments_off(beta2=0.99),
        within=1e-5,
        reading="Moments and counts after three steps are those worked out by hand from the "
        "gradients, within rounding.",
    ),
    Fact(
        "C7.08",
        "torch's default refuses the listed checkpoint, and the listed switch loads it",
        default_and_switch,
        claimed=("UnpicklingError", ""),
        counterexample=lambda: default_and_switch(numpy_state=False),
        reading="The listed loader switches weights_only off because its file needs it: torch.load "
        "raises UnpicklingError with its default, and nothing with the switch.",
        headline=True,
    ),
    Fact(
        "C7.08",
        "without NumPy's random state torch's default loads the checkpoint",
        lambda: loads(weights_only=None, numpy_state=False),
        claimed="",
        counterexample=lambda: loads(weights_only=None),
        beyond="a checkpoint without NumPy's random state, which the listing saves",
    ),
    Fact(
        "C7.11",
        "missing from the checkpoint, of all with state that the printed script makes",
        lambda: missing(IN_FILE),
        claimed=NOTHING,
        counterexample=lambda: missing({"nothing": "what nobody made"}),
        reading="Complete: for every object with state that the printed script makes, the file "
        "that its save writes holds that state. What it does not hold is named.",
        headline=True,
    ),
    *(
        Fact(
            "C7.11",
            f"the printed loader puts back {IN_FILE[name]}",
            lambda name=name: random_state_put_back(name),
            claimed=True,
            counterexample=False,
            beyond="what is loaded again, where the sentence speaks of what is captured",
        )
        for name in ("torch", "numpy", "python")
    ),
)
