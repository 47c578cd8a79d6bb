"""Are all neurons of a network active in eval mode, whatever its dropout?

Networks of five kinds give their answers in eval mode, and the same weights without any dropout
give theirs: where all neurons are active, no bit differs. Dropout with a rate that is written into
a call of a function, and knows of no mode, is no dropout layer of the network: it is shown beside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from torch import Tensor


ROWS, LENGTH, WIDTH = 4, 8, 32


#: What is done to activations, given a rate and whether the network is in train mode.
Drop = Callable[["Tensor", float, bool], "Tensor"]


def _perceptron(p: float) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(p), nn.Linear(WIDTH, WIDTH))


def _calling(drop: Drop, p: float) -> nn.Module:
    """A perceptron that drops by calling a function."""

    class Calling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(drop(self.first(x).relu(), p, self.training))
            return out

    return Calling()


def _told(x: Tensor, p: float, training: bool) -> Tensor:
    return functional.dropout(x, p, training=training)


def _written(x: Tensor, p: float, _: bool) -> Tensor:
    return functional.dropout(x, p)


def _written_in_attention(x: Tensor, p: float, _: bool) -> Tensor:
    return functional.scaled_dot_product_attention(x, x, x, dropout_p=p)


def _recurrent(p: float) -> nn.Module:
    class Outputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(WIDTH, WIDTH, num_layers=2, dropout=p)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.lstm(x)[0]
            return out

    return Outputs()


def _encoder(p: float) -> nn.Module:
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, p, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


def _convolution(p: float) -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(LENGTH, 16, 3, padding=1), nn.ReLU(), nn.Dropout1d(p), nn.Conv1d(16, LENGTH, 3)
    )


LAYERS: dict[str, Callable[[float], nn.Module]] = {
    "perceptron": _perceptron,
    "convolutions": _convolution,
    "transformer encoder": _encoder,
    "LSTM of two layers": _recurrent,
    "function told the mode": partial(_calling, _told),
}
WRITTEN: dict[str, Callable[[float], nn.Module]] = {
    "rate written into the call": partial(_calling, _written),
    "rate written into attention": partial(_calling, _written_in_attention),
}
MODE = Factor("mode", ("eval", "train"), words={"eval": "eval mode", "train": "train mode"})
NET = Factor("net", (*LAYERS, *WRITTEN))
P = Factor("p", (0.1, 0.5))
ACTIVE = "In eval mode no output differs by a bit from that of the same weights without dropout."

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "A-eval-1",
        Value("changed").at(mode="eval", net=tuple(LAYERS)).always(),
        equals(0.0),
        reading=ACTIVE,
    ),
    Beyond(
        "A-eval-1",
        Value("changed").at(mode="eval", net=tuple(WRITTEN)).always(),
        equals(0.0),
        why="a rate written into a call, which is no layer of the network",
        reading=ACTIVE,
    ),
    Control(
        "train mode changes the outputs",
        Value("changed").at(mode="train").always(),
        more_than(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Compare the network with one that differs in its dropout alone."""
    x = torch.randn(ROWS, LENGTH, WIDTH, device=block.device)
    make = (LAYERS | WRITTEN)[arm[NET]]
    net, plain = make(arm[P]).to(block.device), make(0.0).to(block.device)
    plain.load_state_dict(net.state_dict())
    on = arm[MODE] == "train"
    differ = net.train(on)(x) != plain.train(on)(x)
    return {"changed": float(differ.sum().item())}


EXPERIMENT = Experiment(
    question="Are all neurons of a network active in eval mode, whatever its dropout?",
    factors=(MODE, NET, P),
    blocks=PerProfile(3, 20, 40),
    measure=measure,
    responses=(
        Response(
            "changed", "outputs", "number of outputs that differ from those without any dropout"
        ),
    ),
    claims=CLAIMS,
)
