"""Does PyTorch say anything when the mode is wrong?

A network is evaluated in train mode, or trained for a step in eval mode, and everything PyTorch
might say is recorded: warnings (each one, also those it otherwise gives once a process) and
exceptions. The same work in the right mode shows that nothing else speaks up. Evaluation is done
with and without ``no_grad``, on batches of 32 rows as in a validation, of 2, and of a single row as
in a deployment: some layers cannot work in train mode on a single row, and some GPU kernels cannot
train in eval mode.

Judged are networks with dropout or batch norm, asked for answers in train mode; a single row is a
condition of its own. Training in eval mode, of which the passage does not speak, and networks with
neither layer are shown beyond its words. The verdicts speak for plain networks of torch.nn and for
PyTorch itself, not for trainers or linters built on it.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH, CLASSES = 16, 4

WORK = Factor(
    "work", ("evaluation", "training"), words={"evaluation": "evaluation", "training": "training"}
)
MODE = Factor(
    "mode",
    ("right", "wrong"),
    control="right",
    words={"right": "in the right mode", "wrong": "in the wrong mode"},
)
AFFECTED = ("dropout", "batch norm", "both", "convolutional batch norm", "transformer", "lstm")
NET = Factor(
    "net",
    ("plain", *AFFECTED),
    words={
        "plain": "net with neither dropout nor batch norm",
        "dropout": "net with dropout",
        "batch norm": "net with batch norm",
        "both": "net with dropout and batch norm",
        "convolutional batch norm": "convolutional net with batch norm",
        "transformer": "transformer layer",
        "lstm": "LSTM with dropout",
    },
)
BATCH = Factor("batch", (1, 2, 32), words={1: "a single row", 2: "2 rows", 32: "32 rows"})
GRAD = Factor(
    "grad",
    ("grad", "no_grad"),
    control="grad",
    words={"grad": "with gradients", "no_grad": "without gradients"},
)

RESPONSES = (
    Response("warnings", "warnings", "number of warnings that PyTorch gives"),
    Response("exceptions", "yes/no", "PyTorch raises an exception"),
)

SAYS_NOTHING = {
    "warnings": "PyTorch gives no warning, not even one that it gives once a process.",
    "exceptions": "PyTorch raises no exception.",
}


def _beyond(why: str, **where: Level | tuple[Level, ...]) -> tuple[Beyond, ...]:
    """The same rule where the passage does not speak."""
    return tuple(
        Beyond(
            "A-silent-1",
            Value(response).at(mode="wrong", **where).always(),
            equals(0.0),
            why=why,
            reading=reading,
        )
        for response, reading in SAYS_NOTHING.items()
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "A-silent-1",
            Value(response).at(work="evaluation", mode="wrong", net=AFFECTED).always(),
            equals(0.0),
            reading=f"Answers asked for in train mode: {reading}",
            headline={"net": "dropout", "batch": 32, "grad": "no_grad"}
            if response == "warnings"
            else False,
        )
        for response, reading in SAYS_NOTHING.items()
    ),
    *_beyond("nets with neither dropout nor batch norm", work="evaluation", net="plain"),
    *_beyond("training in eval mode, where the passage speaks of answers", work="training"),
    Control(
        "the right mode is silent too",
        Value("exceptions").at(mode="right", batch=32).always(),
        equals(0.0),
    ),
    Control(
        "the right mode gives no warning",
        Value("warnings").at(mode="right", batch=32).always(),
        equals(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Evaluate or train in the right or the wrong mode, and count what PyTorch says."""
    net = network(arm[NET]).to(block.device)
    x = torch.randn(arm[BATCH], WIDTH, device=block.device)
    y = torch.randint(CLASSES, (arm[BATCH],), device=block.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    training = arm[WORK] == "training"
    net.train(training == (arm[MODE] == "right"))
    failed = 0
    with every_warning() as said:
        try:
            with torch.set_grad_enabled(arm[GRAD] == "grad"):
                loss = functional.cross_entropy(net(x), y)
            if training:
                loss.backward()
                optimiser.step()
        except Exception:  # noqa: BLE001 - that PyTorch raises is what is counted
            failed = 1
    return {"warnings": float(len(said)), "exceptions": float(failed)}


@contextmanager
def every_warning() -> Iterator[list[warnings.WarningMessage]]:
    """Record each warning, with those that PyTorch gives once a process given each time."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield said
    finally:
        torch.set_warn_always(before)


def network(kind: str) -> nn.Module:
    """A classifier of rows of 16 numbers, with random weights."""
    build: dict[str, Callable[[], list[nn.Module]]] = {
        "plain": lambda: [nn.ReLU()],
        "dropout": lambda: [nn.ReLU(), nn.Dropout(0.5)],
        "batch norm": lambda: [nn.BatchNorm1d(WIDTH), nn.ReLU()],
        "both": lambda: [nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(0.5)],
        "convolutional batch norm": lambda: [
            nn.Unflatten(1, (1, 4, 4)),
            nn.Conv2d(1, 1, 3, padding=1),
            nn.BatchNorm2d(1),
            nn.Flatten(),
        ],
        "transformer": lambda: [
            nn.Unflatten(1, (4, 4)),
            nn.TransformerEncoderLayer(4, 2, 8, batch_first=True),
            nn.Flatten(),
        ],
        "lstm": lambda: [nn.Unflatten(1, (4, 4)), recurrent()],
    }
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *build[kind](), nn.Linear(WIDTH, CLASSES))


def recurrent() -> nn.Module:
    """Two layers of LSTM with dropout between them, whose last state goes on."""

    class LastState(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, WIDTH, num_layers=2, dropout=0.5, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.lstm(x)[0]
            return states[:, -1]

    return LastState()


def _possible(arm: Arm) -> bool:
    """Nothing can be trained without gradients, whatever the mode."""
    return arm[WORK] == "evaluation" or arm[GRAD] == "grad"


EXPERIMENT = Experiment(
    question="Does PyTorch say anything when the mode is wrong?",
    factors=(WORK, MODE, NET, BATCH, GRAD),
    only=_possible,
    blocks=PerProfile(3, 10, 20),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
