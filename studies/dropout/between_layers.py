"""Where does the dropout of nn.LSTM act, and is its mask the same at all time steps?

The mask between two layers is made visible by weights that are chosen for it: the first layer's
outputs are one constant at all times, the second layer remembers nothing and hands on what it is
given, so that its output is zero exactly where its input was dropped. Variational dropout, as the
passage has it, is one mask for all time steps of a sequence.

Where else dropout acts is seen on random weights against the same network without dropout, bit by
bit: the first layer's last state (it has no dropped input, so that only a mask in its recurrence
could change it); a second layer that is deaf to its input (so that only its recurrence could); the
upper outputs, which must be the upper layer's states and never zero; and a network of one layer,
which has nothing between layers and about which PyTorch warns.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

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
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, median_interval
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

STEPS, ROWS, UNITS, RATE = 50, 4, 32, 0.5
OPEN, SHUT = 100.0, -100.0  # of a gate
#: Rows of the candidate in stacked weights: third of an LSTM's four, last of a GRU's three.
CANDIDATE = slice(2 * UNITS, 3 * UNITS)
LSTM, GRU = "nn.LSTM", "nn.GRU"
FIXED, FRESH = "one mask, by hand", "fresh masks, by hand"
KIND = Factor("kind", (LSTM, GRU, FIXED, FRESH))
LAYERS = Factor("layers", (1, 2, 3), words={n: f"{n} layers" for n in (2, 3)} | {1: "one layer"})
BY_LIBRARY = (LSTM, GRU)

NOWHERE = {
    "first_state": "Not in the recurrence: the first layer's last state is that without dropout.",
    "deaf_layer": "Not in the recurrence: a second layer that is deaf to its input gives the "
    "outputs that it gives without dropout.",
    "upper_outputs": "Between layers only: no output of the uppermost layer is dropped.",
}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-hurts-14",
        Value("masks").at(kind=LSTM, layers=(2, 3)).always(),
        equals(1.0),
        reading="Variational: the mask between two layers is one and the same at all 50 time "
        "steps of a sequence.",
        headline={"layers": 2},
    ),
    Beyond(
        "D-hurts-14",
        Value("masks").at(kind=GRU, layers=(2, 3)).always(),
        equals(1.0),
        why="nn.GRU, which the passage does not name",
        reading="The mask between two layers is the same at all time steps.",
    ),
    Claim(
        "D-hurts-15",
        Value("between").at(kind=LSTM, layers=(2, 3)),
        between(RATE - 0.05, RATE + 0.05),
        reading="Between layers: half of what the second layer is given is dropped, to five "
        "points, at a rate of one half.",
        headline={"layers": 2},
    ),
    *(
        Claim(
            "D-hurts-15",
            Value(response).at(kind=LSTM, layers=(2, 3)).always(),
            equals(0.0),
            reading=reading,
        )
        for response, reading in NOWHERE.items()
    ),
    Claim(
        "D-hurts-15",
        Value("changed").at(kind=LSTM, layers=1).always(),
        equals(0.0),
        reading="Between layers only: a network of one layer gives the outputs that it gives "
        "without dropout.",
    ),
    Beyond(
        "D-hurts-15",
        Value("warned").at(kind=LSTM, layers=1).always(),
        equals(1.0),
        why="PyTorch's warning about a single layer, which the passage does not promise",
        reading="PyTorch warns that dropout of a single layer does nothing.",
    ),
    Control(
        "one mask by hand is seen as one",
        Value("masks").at(kind=FIXED, layers=2).always(),
        equals(1.0),
    ),
    Control(
        "a fresh mask each step by hand is seen as 50",
        Value("masks").at(kind=FRESH, layers=2).always(),
        equals(float(STEPS)),
    ),
    Control(
        "dropout changes the outputs of two layers",
        Value("changed").at(kind=LSTM, layers=2).always(),
        between(1.0, 1e9),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Probe the mask between layers, and look where else outputs change."""
    kind, layers = arm[KIND], arm[LAYERS]
    if kind in (FIXED, FRESH):
        shape = (1 if kind == FIXED else STEPS, ROWS, UNITS)
        mask = functional.dropout(torch.ones(shape), RATE) != 0
        return {**nothing_else(), **told_of_mask(mask.expand(STEPS, ROWS, UNITS))}
    found = nothing_else() | elsewhere(kind, layers, block.seed, block.device)
    if layers > 1:
        found |= told_of_mask(probed_mask(kind, layers, block.device))
    return found


def nothing_else() -> dict[str, float]:
    """All responses, none of them measured."""
    return {response.name: float("nan") for response in EXPERIMENT.responses}


def told_of_mask(kept: Tensor) -> dict[str, float]:
    """How many masks there are over time, and the share dropped.

    Args:
        kept: shape (steps, rows, units).
    """
    return {
        "masks": float(len(torch.unique(kept.flatten(1), dim=0))),
        "between": (~kept).double().mean().item(),
    }


def probed_mask(kind: str, layers: int, device: str) -> Tensor:
    """Which inputs of the uppermost layer are kept; shape (steps, rows, units).

    The layers below hand on one constant whatever they are given, and remember nothing.
    """
    net: nn.LSTM | nn.GRU = getattr(nn, kind.removeprefix("nn."))(
        UNITS, UNITS, num_layers=layers, dropout=RATE
    ).to(device)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        for layer in range(layers):
            _remember_nothing(net, kind, layer)
            if layer == layers - 1:
                getattr(net, f"weight_ih_l{layer}")[CANDIDATE] = torch.eye(UNITS)
            else:
                getattr(net, f"bias_ih_l{layer}")[CANDIDATE] = 1.0
        out: Tensor = net.train()(torch.randn(STEPS, ROWS, UNITS, device=device))[0]
    return out != 0


def _remember_nothing(net: nn.LSTM | nn.GRU, kind: str, layer: int) -> None:
    """Gates that let the candidate through and nothing of the state before."""
    bias = getattr(net, f"bias_ih_l{layer}")
    if kind == LSTM:  # gates in the order input, forget, candidate, output
        bias[:UNITS], bias[UNITS : 2 * UNITS], bias[3 * UNITS :] = OPEN, SHUT, OPEN
    else:  # reset, update, candidate; an open update gate keeps the old state
        bias[UNITS : 2 * UNITS] = SHUT


def elsewhere(kind: str, layers: int, seed: int, device: str) -> dict[str, float]:
    """How many numbers differ from the network without dropout where no dropped input comes in."""
    x = torch.randn(STEPS, ROWS, UNITS, device=device)
    dropped, warned = _network(kind, layers, RATE, seed)
    plain, _ = _network(kind, layers, 0.0, seed)
    dropped, plain = dropped.to(device).train(), plain.to(device).train()
    (out, state), (plain_out, plain_state) = dropped(x), plain(x)
    hidden, plain_hidden = (s[0] if kind == LSTM else s for s in (state, plain_state))
    found = {
        "changed": _count(out != plain_out),
        "first_state": _count(hidden[0] != plain_hidden[0]),
        "upper_outputs": _count(out == 0) + _count(out[-1] != hidden[-1]),
        "warned": float(warned),
    }
    if layers > 1:
        with torch.no_grad():
            for net in (dropped, plain):
                dict(net.named_parameters())["weight_ih_l1"].zero_()
        # The second layer's own last state: above it may stand a third.
        second, plain_second = (
            (s[0] if kind == LSTM else s)[1] for s in (dropped(x)[1], plain(x)[1])
        )
        found["deaf_layer"] = _count(second != plain_second)
    return found


def _network(kind: str, layers: int, rate: float, seed: int) -> tuple[nn.LSTM | nn.GRU, bool]:
    """A network whose weights come from a seed, and whether PyTorch warned of its dropout."""
    torch.manual_seed(seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        net: nn.LSTM | nn.GRU = getattr(nn, kind.removeprefix("nn."))(
            UNITS, UNITS, num_layers=layers, dropout=rate
        )
    return net, any("dropout" in str(each.message) for each in said)


def _count(events: Tensor) -> float:
    return float(events.sum().item())


def mask_over_time(table: pd.DataFrame) -> Figure:
    """How many masks there are in 50 time steps."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[(table["response"] == "masks") & (table["layers"] == 2)]
    kinds = (FIXED, FRESH, LSTM, GRU)
    for place, kind in enumerate(kinds):
        values = rows[rows["kind"] == kind]["value"].to_numpy(np.float64)
        middle = median_interval(values).estimate
        axes.barh(place, middle, color=BLUE if kind in BY_LIBRARY else ORANGE, height=0.6)
        axes.text(middle + 0.6, place, f"{middle:.0f}", va="center")
    axes.set_yticks(range(len(kinds)), [kind.replace(", ", ",\n") for kind in kinds])
    axes.invert_yaxis()
    axes.set_xlim(0, STEPS + 5)
    axes.set_xlabel("different masks between two layers, in 50 time steps")
    lstm = rows[rows["kind"] == LSTM]["value"].dropna()
    axes.set_title(
        f"nn.LSTM(dropout=0.5) uses {lstm.median():.0f} different masks in 50 time steps;\n"
        f"variational dropout would use one (CPU; bars: medians of {table['block'].nunique()} "
        "seeds)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="Where does the dropout of nn.LSTM act, and is its mask the same at all time steps?",
    factors=(KIND, LAYERS),
    only=lambda arm: arm[KIND] in BY_LIBRARY or arm[LAYERS] == 2,
    responses=(
        Response("masks", "masks", "number of different masks in 50 time steps between layers"),
        Response("between", "1", "share of the uppermost layer's inputs that is dropped"),
        Response("changed", "outputs", "number of outputs that differ from those without dropout"),
        Response(
            "first_state",
            "values",
            "number of values of the first layer's last state that dropout changes",
        ),
        Response(
            "deaf_layer",
            "values",
            "number of values of a second layer deaf to its input that dropout changes",
        ),
        Response(
            "upper_outputs",
            "outputs",
            "number of the uppermost layer's outputs that are dropped, or are not its states",
        ),
        Response("warned", "yes/no", "PyTorch warns that dropout of one layer does nothing"),
    ),
    blocks=PerProfile(3, 20, 40),
    measure=measure,
    claims=CLAIMS,
    figures=(mask_over_time,),
)
