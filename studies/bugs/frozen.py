"""Does a frozen layer move when the optimiser still knows it?

A perceptron on digits is frozen but for its last layer, before any step or after 20 steps, and
trained for 50 more. The optimiser was built before the freezing and still has the frozen parameters
(the stale optimiser), or is built after it with what is trainable. Gradients are reset by
``zero_grad()`` as it is, to zeros as before PyTorch 2, only where they are asked for, or never.

A frozen parameter gets no new gradient. What the optimiser makes of it depends on what stands in
``.grad``: None is passed over; a tensor of zeros is taken for a gradient, which momentum, the
moments of Adam and weight decay answer to; a gradient left over from before the freezing is applied
again and again. How far a layer moves is the largest distance from where it was when it was frozen,
over its norm. Learning rate x decay x steps is 0.01 x 0.01 x 50 = 0.005 for SGD and 0.0005 for
AdamW.

The verdicts on zero gradients and on gradients that are left speak for the document's listing, Adam
and ``zero_grad()`` as it is by default. Other optimisers and other ways to reset stand beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

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
    more_than,
)
from harness.figures import BLUE, GREEN, ORANGE, PURPLE, VERMILION, median_interval
from harness.libraries import nn, torch
from harness.meters import total_bytes
from harness.workloads import Replicas, load_split, mlp
from studies.bugs.freezing import (
    OPTIMISER,
    OPTIMISERS,
    Zeroing,
    freeze,
    trainable,
    training_step,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

EARLIER, STEPS, BATCH, HIDDEN = 20, 50, 16, 16
FIRST, LATER = "before any step", f"after {EARLIER} steps"
STALE, FRESH = "before freezing", "after freezing"
DEFAULT, NEVER = "to None", "never"
ZEROINGS = {
    DEFAULT: Zeroing("None"),
    "to None after the step": Zeroing("None", "after the step"),
    "to zeros": Zeroing("zeros"),
    "to zeros after the step": Zeroing("zeros", "after the step"),
    "trainable only": Zeroing("trainable"),
    NEVER: Zeroing("never"),
}
DEFAULTS = (DEFAULT, "to None after the step")
TO_ZEROS = ("to zeros", "to zeros after the step")

FREEZE = Factor(
    "freeze",
    (FIRST, LATER),
    words={FIRST: f"frozen {FIRST}", LATER: f"frozen {LATER}"},
)
BUILT = Factor(
    "built",
    (STALE, FRESH),
    control=FRESH,
    words={STALE: "optimiser built before freezing", FRESH: "optimiser built after freezing"},
)
ZEROED = Factor(
    "zeroed",
    tuple(ZEROINGS),
    words={
        DEFAULT: "gradients reset as by default",
        "to None after the step": "gradients reset as by default, after the step",
        "to zeros": "gradients reset to zeros",
        "to zeros after the step": "gradients reset to zeros, after the step",
        "trainable only": "gradients reset only where they are trained",
        NEVER: "gradients never reset",
    },
)
HEAD = "4."  # the last layer's parameters begin so
FROZEN_TENSORS = 4  # weight and bias of the two layers before it
LISTED = "Adam"
OTHERS = tuple(name for name in OPTIMISERS if name != LISTED)

RESPONSES = (
    Response(
        "moved",
        "1",
        "the largest distance of the frozen parameters from their start, over their norm",
    ),
    Response(
        "zero_gradients",
        "1",
        "share of the frozen tensors whose gradient is all zeros when a step comes",
    ),
    Response(
        "gradients", "1", "share of the frozen tensors that have any gradient when a step comes"
    ),
    Response("in_groups", "tensors", "the number of frozen tensors in the optimiser's groups"),
    Response("state_bytes", "KiB", "the optimiser's state for frozen tensors at the end"),
    Response("head_moved", "1", "the distance of the last layer from where it was at the freezing"),
    Response(
        "head_gap", "1", "the largest difference of the last layer from a run that only freezes"
    ),
)

#: What C5.14 and C5.32 are judged at, and what stands beside both: they speak of one listing.
Levels: TypeAlias = dict[str, "Level | tuple[Level, ...]"]
LISTING: Levels = {"built": STALE, "zeroed": DEFAULTS, "optimiser": LISTED}
_LATER: Levels = {"built": STALE, "freeze": LATER}
BESIDE: tuple[tuple[Levels, str], ...] = (
    (_LATER | {"zeroed": DEFAULT, "optimiser": OTHERS}, "other optimisers than the listing's Adam"),
    (
        _LATER | {"zeroed": TO_ZEROS[0]},
        "gradients reset to zeros, as zero_grad() did before PyTorch 2",
    ),
    (_LATER | {"zeroed": NEVER}, "frozen layers whose gradients are never reset"),
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C5.13",
        Value("in_groups").at(built=STALE, zeroed=DEFAULT).always(),
        equals(FROZEN_TENSORS),
        reading="All frozen tensors are in the optimiser's groups after the freezing.",
        headline={"freeze": LATER, "optimiser": LISTED},
    ),
    Claim(
        "C5.14",
        Value("zero_gradients").at(**LISTING).always(),
        equals(1),
        reading="With zero gradients: whenever the optimiser of the document's listing steps, the "
        "gradient of every frozen tensor is a tensor of zeros, with zero_grad() as it is by "
        "default.",
        headline={"freeze": LATER, "zeroed": DEFAULT},
    ),
    Claim(
        "C5.32",
        Value("gradients").at(**LISTING).always(),
        equals(1),
        reading="Still have gradients: whenever the optimiser of the document's listing steps, no "
        "frozen tensor's gradient is None, with zero_grad() as it is by default.",
        headline={"freeze": LATER, "zeroed": DEFAULT},
    ),
    *(
        Beyond(claim, Value(response).at(**levels).always(), equals(1), why)
        for claim, response in (("C5.14", "zero_gradients"), ("C5.32", "gradients"))
        for levels, why in BESIDE
    ),
    Claim(
        "C5.17",
        Value("moved").at(built=FRESH).always(),
        equals(0),
        reading="Built after freezing with what is trainable, no optimiser moves a frozen layer,",
        headline={"freeze": LATER, "optimiser": LISTED},
    ),
    Claim(
        "C5.17",
        Value("head_gap").at(built=FRESH, freeze=FIRST).always(),
        equals(0),
        reading="and the layer that is trained ends bit for bit where it ends if the optimiser is "
        "built before freezing and the frozen layers have no gradients.",
    ),
    Beyond(
        "C5.17",
        Value("head_gap").at(built=FRESH, freeze=LATER).always(),
        equals(0),
        why="a new optimiser in the middle of a training, which begins without the old one's state",
    ),
    Beyond(
        "C5.17",
        Value("moved").at(built=STALE, zeroed=DEFAULT).always(),
        equals(0),
        why="the optimiser that the advice is against",
        reading="It does not move a frozen layer either.",
    ),
    Control(
        "zero_grad(set_to_none=False) leaves tensors of zeros after 20 steps",
        Value("zero_gradients").at(built=STALE, zeroed=TO_ZEROS, freeze=LATER).always(),
        equals(1),
    ),
    Control(
        "an optimiser built after freezing has no frozen tensors",
        Value("in_groups").at(built=FRESH).always(),
        equals(0),
    ),
    Control(
        "the last layer is trained",
        Value("head_moved").at(zeroed=DEFAULT).always(),
        more_than(0),
    ),
)


class Cell(NamedTuple):
    """Untrained networks, and for each step a batch of each."""

    networks: Sequence[nn.Module]
    batches: Sequence[tuple[Tensor, Tensor]]


@dataclass
class Watched:
    """A training run from the freezing on, and what was seen of the frozen parameters.

    Attributes:
        first_head: the last layers at the freezing, a row for each replica.
        moved: of each replica, as far as it has come.
        zero_gradients: how often a replica's gradient of a frozen tensor was all zeros.
    """

    nets: Replicas
    optimiser: torch.optim.Optimizer
    frozen: list[nn.Parameter]
    first_head: Tensor
    moved: Tensor
    zero_gradients: Tensor
    looks: int = 0
    gradients: int = 0

    def look(self) -> None:
        """See which gradients the optimiser's step is going to find."""
        for parameter in self.frozen:
            self.looks += 1
            if parameter.grad is not None:
                self.gradients += 1
                self.zero_gradients += ~parameter.grad.flatten(1).any(1)


def head_of(nets: Replicas) -> Tensor:
    """The numbers of the last layers, a row for each replica."""
    return rows_of(p for name, p in nets.named_parameters() if name.startswith(HEAD))


def rows_of(parameters: Iterable[nn.Parameter]) -> Tensor:
    """All numbers of some stacked parameters, copied into a row for each replica."""
    return torch.cat([parameter.detach().flatten(1) for parameter in parameters], dim=1)


def prepare_together(blocks: tuple[Block, ...]) -> Cell:
    """A network for each block, and rows of its training set, drawn by its seed."""
    networks, inputs, labels = [], [], []
    for block in blocks:
        data = load_split("digits", block.seed, block.device)
        torch.manual_seed(block.seed)
        networks.append(mlp(64, data.classes, hidden=HIDDEN).to(block.device))
        generator = torch.Generator().manual_seed(block.seed)
        rows = torch.randint(len(data.train_x), (EARLIER + STEPS, BATCH), generator=generator)
        inputs.append(data.train_x[rows.to(block.device)])
        labels.append(data.train_y[rows.to(block.device)])
    # The step comes first, then the replica.
    return Cell(networks, list(zip(torch.stack(inputs, 1), torch.stack(labels, 1), strict=True)))


def measure(cell: Cell, arm: Arm) -> list[Responses]:
    """Train, freeze, and go on training."""
    count = len(cell.networks)
    run = train(cell, arm)
    groups = run.optimiser.param_groups
    known = {id(parameter) for group in groups for parameter in group["params"]}
    states = [run.optimiser.state[p] for p in run.frozen if p in run.optimiser.state]
    gap = torch.full((count,), math.nan)  # the stale run would be compared with itself
    if arm[BUILT] == FRESH:
        only_frozen = train(cell, arm.replaced(built=STALE))
        gap = (head_of(run.nets) - head_of(only_frozen.nets)).abs().amax(1)
    found = {
        "moved": run.moved,
        "zero_gradients": run.zero_gradients / run.looks,
        "head_moved": (head_of(run.nets) - run.first_head).norm(dim=1),
        "head_gap": gap,
    }
    of_all = {
        "gradients": run.gradients / run.looks,
        "in_groups": float(sum(id(parameter) in known for parameter in run.frozen)),
        "state_bytes": total_bytes(states) / count / 2**10,
    }
    each = zip(*(values.tolist() for values in found.values()), strict=True)
    return [{**of_all, **dict(zip(found, values, strict=True))} for values in each]


def train(cell: Cell, arm: Arm) -> Watched:
    """Train the networks, whose weights are copied, as the arm says."""
    nets, make = Replicas(cell.networks), OPTIMISERS[arm[OPTIMISER]]
    zeroing = ZEROINGS[arm[ZEROED]]
    optimiser = make(nets.parameters())
    if arm[FREEZE] == LATER:
        for batch in cell.batches[:EARLIER]:
            training_step(nets, optimiser, batch, zeroing)
    frozen = freeze(p for name, p in nets.named_parameters() if not name.startswith(HEAD))
    if arm[BUILT] == FRESH:
        optimiser = make(trainable(nets))
    start = rows_of(frozen)
    zeros = start.new_zeros(len(start))
    run = Watched(nets, optimiser, frozen, head_of(nets), zeros, zeros.clone())
    for batch in cell.batches[EARLIER:]:
        training_step(nets, optimiser, batch, zeroing, run.look)
        moved = (rows_of(frozen) - start).norm(dim=1) / start.norm(dim=1)
        run.moved = torch.maximum(run.moved, moved)
    return run


COLOURS = (BLUE, GREEN, PURPLE, ORANGE, VERMILION)
#: The ways of resetting that are drawn; resetting after the step gives the same.
DRAWN = {
    DEFAULT: "as by default\n(to None)",
    TO_ZEROS[0]: "to zeros",
    "trainable only": "only where\ntrained",
    NEVER: "never",
}


def how_far_frozen_layers_move(table: pd.DataFrame) -> Figure:
    """The distance that frozen layers move, by the way of resetting gradients and the optimiser."""
    from matplotlib.figure import Figure

    moved = table[
        (table["response"] == "moved") & (table["built"] == STALE) & (table["freeze"] == LATER)
    ]
    figure = Figure()
    axes = figure.subplots()
    axes.set_yscale("symlog", linthresh=0.1, linscale=0.5)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(0, color="#888888", linewidth=1.5)
    for number, (name, colour) in enumerate(zip(OPTIMISER.levels, COLOURS, strict=True)):
        for place, zeroed in enumerate(DRAWN):
            values = _percent(moved, zeroed, name)
            x = place + 0.15 * (number - 2) + np.linspace(-0.05, 0.05, len(values))
            label = OPTIMISER.say(name) if place == 0 else None
            axes.plot(x, values, ".", color=colour, label=label)
    axes.set_xticks(range(len(DRAWN)), DRAWN.values())
    axes.set_xlabel("how gradients are reset")
    axes.set_ylabel("distance moved, % of the norm")
    axes.set_ylim(bottom=-0.03)
    axes.grid(axis="x", visible=False)
    figure.suptitle(_headline(moved))
    figure.legend(loc="outside lower center", ncols=len(COLOURS), markerscale=2)
    return figure


def _percent(moved: pd.DataFrame, zeroed: str, optimiser: str) -> NDArray[np.float64]:
    rows = moved[(moved["zeroed"] == zeroed) & (moved["optimiser"] == optimiser)]
    return 100 * rows.sort_values("block")["value"].to_numpy(np.float64)


def _headline(moved: pd.DataFrame) -> str:
    """What the listing's optimiser does by default, and where zeros are left."""
    default = max(float(_percent(moved, DEFAULT, name).max()) for name in OPTIMISER.levels)
    zeros = median_interval(_percent(moved, TO_ZEROS[0], LISTED))
    by_default = f"moves by up to {default:.2g} % of its norm" if default else "stays in place"
    return (
        f"By default a frozen layer that the optimiser knows {by_default};\nwith gradients reset "
        f"to zeros {LISTED} moves it by {zeros.estimate:.1f} % ({zeros.low:.1f} to "
        f"{zeros.high:.1f}; {moved['block'].nunique()} seeds as dots)"
    )


def _needed(arm: Arm) -> bool:
    """Fewer ways to reset gradients where there are none, or none that the optimiser knows."""
    if arm[BUILT] == FRESH:
        return arm[ZEROED] == DEFAULT
    return arm[FREEZE] == LATER or arm[ZEROED] in (DEFAULT, TO_ZEROS[0], NEVER)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does a frozen layer move when the optimiser still knows it?",
    factors=(FREEZE, BUILT, ZEROED, OPTIMISER),
    only=_needed,
    on_cpu=True,
    blocks=PerProfile(1, 20, 40),
    together=PerProfile(1, 20, 20),
    prepare_together=prepare_together,
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(how_far_frozen_layers_move,),
)
