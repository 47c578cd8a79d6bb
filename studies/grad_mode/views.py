"""Where does changing a tensor in place raise an error?

A tensor is made inside or outside of a context (gradients enabled, ``no_grad``,
``inference_mode``), a view of it is taken inside, and the view is changed in place inside or after
the context. Everything is tried with an ordinary tensor, a parameter (a leaf that asks for
gradients) and the result of an operation on a parameter; and with two kinds of views, for autograd
treats views that come several at a time in another way. Recorded is whether PyTorch raises.

What PyTorch allows is a matter of rules and not of numbers: one block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    at_most,
    equals,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import torch
from studies.grad_mode.modes import grad_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

CONTEXT = Factor(
    "context",
    ("enabled", "no_grad", "inference_mode"),
    control="enabled",
    words={"enabled": "gradients enabled", "inference_mode": "inference mode"},
)
TENSOR = Factor(
    "tensor",
    ("ordinary tensor", "parameter", "result"),
    words={"result": "result of an operation on a parameter"},
)
MADE = Factor(
    "made",
    ("outside", "inside"),
    words={"outside": "made outside", "inside": "made inside"},
)
TARGET = Factor(
    "target",
    ("itself", "slice", "unbind"),
    words={
        "itself": "the tensor itself",
        "slice": "a slice of it",
        "unbind": "one of several views taken at once",
    },
)
CHANGED = Factor(
    "changed",
    ("inside", "after"),
    words={"inside": "changed inside", "after": "changed afterwards"},
)

VIEWS = ("slice", "unbind")

CLAIMS = (
    Claim(
        "C4.15",
        Value("raised").at(context="inference_mode", target=VIEWS, changed="inside").always(),
        equals(1),
        reading="Inside inference mode, a view that is changed in place raises an error, whatever "
        "it is a view of.",
        headline={
            "context": "inference_mode",
            "tensor": "ordinary tensor",
            "made": "inside",
            "target": "slice",
            "changed": "inside",
        },
    ),
    Beyond(
        "C4.15",
        Value("raised")
        .at(
            context="inference_mode",
            tensor="ordinary tensor",
            made="inside",
            target=("itself", "slice"),
            changed="after",
        )
        .always(),
        equals(1),
        why="a change after the context has ended, which is refused of tensors that are no views "
        "as well",
    ),
    Claim(
        "C4.18",
        Value("raised").at(context="no_grad", target=VIEWS, changed="inside").always(),
        equals(0),
        reading="Views are allowed: under no_grad a view can be taken and changed in place without "
        "an error, whatever it is a view of.",
        headline={
            "context": "no_grad",
            "tensor": "ordinary tensor",
            "made": "inside",
            "target": "slice",
            "changed": "inside",
        },
    ),
    Beyond(
        "C4.18",
        Difference("raised", CONTEXT).at(context="no_grad", target=VIEWS, changed="after").always(),
        at_most(0),
        why="a change after the context has ended, of which the table does not speak",
        reading="A view from no_grad can be changed afterwards wherever one taken with gradients "
        "enabled can.",
    ),
    Control(
        "a parameter cannot be changed in place with gradients enabled",
        Value("raised")
        .at(context="enabled", tensor="parameter", target=("itself", "slice"))
        .always(),
        equals(1),
    ),
    Control(
        "an ordinary tensor can",
        Value("raised").at(context="enabled", tensor="ordinary tensor").always(),
        equals(0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Make the tensor, take the view and change it, each in its place."""
    make = partial_make(arm[TENSOR], block.device)
    made = make() if arm[MADE] == "outside" else None
    try:
        with grad_mode(arm[CONTEXT]):
            target = TAKE[arm[TARGET]](make() if made is None else made)
            if arm[CHANGED] == "inside":
                target.add_(1)
        if arm[CHANGED] == "after":
            target.add_(1)
    except RuntimeError:
        return {"raised": 1.0}
    return {"raised": 0.0}


def partial_make(kind: str, device: str) -> Callable[[], Tensor]:
    """How a tensor of the kind is made."""
    ones = torch.ones(4, 4, device=device)
    if kind == "ordinary tensor":
        return ones.clone
    parameter = torch.nn.Parameter(ones)
    if kind == "parameter":
        return lambda: torch.nn.Parameter(ones.clone())
    return lambda: parameter * 2


TAKE: dict[str, Callable[[Tensor], Tensor]] = {
    "itself": lambda tensor: tensor,
    "slice": lambda tensor: tensor[1:],
    "unbind": lambda tensor: tensor.unbind()[0],
}


def in_place_on_a_slice(table: pd.DataFrame) -> Figure:
    """What raises, by context and tensor."""
    from matplotlib.figure import Figure

    rows = table[table["target"] == "slice"]
    raised = rows.set_index(["tensor", "made", "context", "changed"])["value"]
    down = [(tensor, made) for tensor in TENSOR.levels for made in MADE.levels]
    across = [(context, changed) for context in CONTEXT.levels for changed in CHANGED.levels]
    figure = Figure()
    axes = figure.subplots()
    for y, of in enumerate(down):
        for x, when in enumerate(across):
            colour, ink, text = LOOKS.get(raised[(*of, *when)], ("#DDDDDD", "black", "missing"))
            axes.barh(y, 0.94, 0.86, x - 0.47, color=colour, alpha=0.85)
            axes.text(x, y, text, ha="center", va="center", color=ink)
    axes.set_xticks(
        np.arange(len(across)),
        [f"{CONTEXT.say(context)},\n{CHANGED.say(changed)}" for context, changed in across],
    )
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(down)), [f"{tensor},\nmade {made}" for tensor, made in down])
    axes.tick_params(length=0, labelsize=13)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    inside, after = (
        sum(raised[(*of, "inference_mode", changed)] == 1 for of in down)
        for changed in CHANGED.levels
    )
    figure.suptitle(
        f"Changed in place inside inference mode, {inside} of {len(down)} views raise an error;\n"
        f"changed afterwards, {after} of {len(down)} do (a cell: one view, tried once)"
    )
    return figure


#: The colour, the ink and the text of a cell of the figure, by whether an error was raised.
LOOKS = {1.0: (ORANGE, "black", "error"), 0.0: (BLUE, "white", "allowed")}


EXPERIMENT = Experiment(
    question="Where does changing a tensor in place raise an error?",
    factors=(CONTEXT, TENSOR, MADE, TARGET, CHANGED),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(Response("raised", "yes/no", "a change in place raises an error"),),
    claims=CLAIMS,
    figures=(in_place_on_a_slice,),
)
