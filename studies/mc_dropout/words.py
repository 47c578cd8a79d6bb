"""Can Monte Carlo dropout be asked for by ``training=True``, and how many passes does the text ask?

PyTorch has the argument in ``functional.dropout``, which draws with it whatever the mode of the
network is. The call of a module has no such argument; Keras's has, and Keras is not installed here.
The document asks for fifty passes in two places and makes ten in its own one-line command, which is
there to show that the variance is not zero: for that ten are enough.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Fact, Unmeasurable, facts
from harness.libraries import functional, nn, torch
from studies.listings.commands import SPREAD

#: What the two texts ask for, in the order in which they stand in the document.
ASKED = (50, 50)
COMMAND = SPREAD.partition("net.train(); ")[2]


def varies(net: Callable[[], nn.Module], **arguments: object) -> Callable[[], str]:
    """Whether a network in eval mode gives other outputs when it is called again.

    Args:
        net: makes the network.
        arguments: of its call, after the input.

    Returns:
        A function that says "varies" or "the same", or names the exception of the call.
    """

    def look() -> str:
        torch.manual_seed(1)
        model, x = net().eval(), torch.ones(4, 64)
        try:
            first, again = (model(x, **arguments) for _ in range(2))
        except TypeError as error:
            return type(error).__name__
        return "the same" if torch.equal(first, again) else "varies"

    return look


def functional_dropout(*, training: bool) -> nn.Module:
    """A network whose forward pass calls dropout as a function, with the argument."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(64, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.linear(functional.dropout(x, 0.5, training=training))
            return out

    return Net()


def with_module(rate: float = 0.5) -> nn.Module:
    """A network with a dropout layer."""
    return nn.Sequential(nn.Dropout(rate), nn.Linear(64, 4))


def passes_of(command: str) -> Callable[[], int]:
    """How often the document's command passes its input forward.

    Args:
        command: what comes after the network has been put into train mode.
    """

    def count() -> int:
        calls = []

        def net(x: torch.Tensor) -> torch.Tensor:
            calls.append(x)
            return x * len(calls)

        exec(command, {"torch": torch, "net": net, "x": torch.ones(1, 4), "print": str})  # noqa: S102 - the study's own text
        return len(calls)

    return count


def smallest_variance(rate: float) -> float:
    """What ten passes print for a network with dropout: the least of a hundred runs."""
    torch.manual_seed(1)
    net, x = with_module(rate).train(), torch.ones(1, 64)
    with torch.no_grad():
        runs = [torch.stack([net(x) for _ in range(10)]).var(0).mean() for _ in range(100)]
    return float(torch.stack(runs).min())


EXPERIMENT = facts(
    "Can Monte Carlo dropout be asked for by training=True, and how many passes are asked for?",
    Fact(
        "D-mc-4",
        "functional.dropout with training=True varies in a network in eval mode",
        varies(lambda: functional_dropout(training=True)),
        "varies",
        varies(lambda: functional_dropout(training=False)),
        reading="It can be asked for by training=True: functional.dropout with this argument runs "
        "and makes repeated passes differ, though the network is in eval mode.",
        headline=True,
    ),
    Fact(
        "D-mc-4",
        "the call of a PyTorch module with training=True varies",
        varies(with_module, training=True),
        "varies",
        varies(with_module),
        reading="A network is called as net(x, training=True), which runs and makes repeated "
        "passes differ.",
    ),
    Fact(
        "D-mc-6",
        "the texts ask for 50 passes and the command makes 10",
        lambda: (*ASKED, passes_of(COMMAND)()),
        (50, 50, 10),
        lambda: (*ASKED, passes_of(COMMAND.replace("10", "50"))()),
        reading="The two texts ask for 50 passes; the one-line command, rebuilt and run with a "
        "network that counts, makes 10.",
        headline=True,
    ),
    Fact(
        "D-mc-6",
        "ten passes are enough to see that the variance is not zero",
        lambda: smallest_variance(0.5) > 0,
        claimed=True,
        counterexample=lambda: smallest_variance(0.0) > 0,
        beyond="what the command is for, which takes fewer passes than a stable variance",
    ),
    more=(
        Unmeasurable(
            "D-mc-4",
            needs="Keras",
            why="whose layers take training=True in their call, and which is not installed here",
        ),
    ),
)
