"""Does dropout on recurrent connections destroy the gradient through time?

LSTMs and GRUs of 32 units read a sequence and answer after its last step. What is left of the
gradient on its way back is the length of the loss's gradient by the first input over that by the
last; "destroyed" it is where dropout leaves a tenth or less of what there is without dropout, with
the same weights. Weights are untrained, or trained without dropout on digits that are read two
pixels at a step, which takes 32 steps; sequences of 20 and 100 steps are of normal numbers.

The mask is drawn anew at each step. It stands before the recurrent weights; of a GRU also on the
hidden state as a whole, as where ``nn.GRUCell`` is given a state that has gone through
``nn.Dropout``. On the memory of an LSTM, which is no connection between units, it is shown beside,
as are one mask for all steps, how far the gradient still points the same way with other masks, and
what is learnt when a network is trained with such masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    HarnessError,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, draw_blocks, told
from harness.libraries import functional, torch
from harness.workloads.samples import draw_sample
from studies.dropout.recurrence import (
    FIXED,
    FRESH,
    GRU,
    LSTM,
    NONE,
    STATE,
    Weights,
    new_weights,
    read_out,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads.tasks import Part

CELL = Factor("cell", (LSTM, GRU))
MASK = Factor(
    "mask",
    (NONE, FRESH, FIXED, STATE),
    control=NONE,
    words={
        NONE: "no dropout",
        FRESH: "fresh masks before the recurrent weights",
        FIXED: "one mask for all steps",
        STATE: "fresh masks on the whole state",
    },
)
P = Factor("p", (0.2, 0.5))
SHORT, LONG, TRAINED = "untrained, 20 steps", "untrained, 100 steps", "trained, 32 steps"
SETTING = Factor("setting", (SHORT, LONG, TRAINED))
STEPS = {SHORT: 20, LONG: 100}
UNITS, CLASSES, FEATURES, PIXELS = 32, 10, 4, 2
ROWS, DRAWS, BATCH, LR = 4, 2, 32, 3e-3
HEAVY = 0.5
DECADE = 1.0

DESTROYED = (
    "Destroys: of the gradient that arrives at the first step, measured by that at the last, at "
    "most a tenth is left."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-hurts-13",
        Difference("reach", MASK).at(mask=FRESH),
        at_most(-DECADE),
        reading=DESTROYED,
        headline={"cell": LSTM, "p": HEAVY, "setting": TRAINED},
    ),
    Claim(
        "D-hurts-13",
        Difference("reach", MASK).at(mask=STATE, cell=GRU),
        at_most(-DECADE),
        reading=DESTROYED,
    ),
    Beyond(
        "D-hurts-13",
        Difference("reach", MASK).at(mask=STATE, cell=LSTM),
        at_most(-DECADE),
        why="masks on the LSTM's memory, which is no connection between units",
        reading=DESTROYED,
    ),
    Beyond(
        "D-hurts-13",
        Difference("reach", MASK).at(mask=FIXED),
        at_most(-DECADE),
        why="one mask for all steps, which the passage recommends",
        reading=DESTROYED,
    ),
    Beyond(
        "D-hurts-13",
        Value("agreement").at(mask=(FRESH, STATE)),
        at_most(0.3),
        why="the direction of the gradient, not how much of it is left",
        reading="The first input's gradient points another way with other masks: their cosine is "
        "at most 0.3.",
    ),
    Beyond(
        "D-hurts-13",
        Difference("accuracy", MASK).at(mask=(FRESH, FIXED), p=HEAVY, setting=TRAINED),
        at_most(-0.05),
        why="what is learnt, where the passage speaks of the gradient",
        reading="Trained with such masks, accuracy on unseen digits is at least five points lower.",
    ),
)


@dataclass
class Sequences:
    """Blocks that train together, and the weights that have been trained."""

    blocks: tuple[Block, ...]
    _trained: dict[tuple[str, str], Weights] = field(default_factory=dict)
    _digits: tuple[Part, Part] | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """One a block."""
        return tuple(block.seed for block in self.blocks)

    def digits(self) -> tuple[Part, Part]:
        """Rows to train on, and rows that no step sees."""
        if self._digits is None:
            sample = draw_sample("digits", self.seeds)
            self._digits = sample.train, sample.test
        return self._digits

    def trained(self, cell: str, mask: str) -> Weights:
        """Weights after training on digits, with masks of one half where there are any."""
        if (cell, mask) not in self._trained:
            train, _ = self.digits()
            weights = new_weights(cell, self.seeds, features=PIXELS, units=UNITS, classes=CLASSES)
            train_on(train, weights, mask, self.blocks[0].effort, self.seeds[0])
            self._trained[cell, mask] = weights
        return self._trained[cell, mask]


def train_on(part: Part, weights: Weights, mask: str, steps: int, seed: int) -> None:
    """Train on digits as sequences, in place.

    Args:
        part: rows of 64 pixels.
        weights: to train.
        mask: where dropout of one half stands.
        steps: of Adam.
        seed: of masks and batches.
    """
    optimiser = torch.optim.Adam(list(weights.tensors()), lr=LR, fused=True)
    order = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    replicas, rows = part.y.shape
    each = torch.arange(replicas)[:, None]
    for _ in range(steps):
        chosen = torch.randint(rows, (replicas, BATCH), generator=order)
        logits = read_out(weights, as_sequence(part.x[each, chosen]), mask, HEAVY)
        optimiser.zero_grad()
        loss = functional.cross_entropy(logits.flatten(0, 1), part.y[each, chosen].flatten())
        (replicas * loss).backward()
        optimiser.step()


def as_sequence(pixels: Tensor) -> Tensor:
    """Rows of 64 pixels as 32 steps of two; shape (replicas, rows, 32, 2)."""
    return pixels.view(*pixels.shape[:-1], -1, PIXELS)


def measure(sequences: Sequences, arm: Arm) -> Sequence[Responses]:
    """Send the gradient back through the masks of the arm."""
    cell, mask, p = arm[CELL], arm[MASK], arm[P]
    accuracy = np.full(len(sequences.blocks), np.nan)
    if arm[SETTING] == TRAINED:
        weights = sequences.trained(cell, NONE)
        test = sequences.digits()[1]
        x, y = as_sequence(test.x[:, :ROWS]), test.y[:, :ROWS]
        if p == HEAVY and mask != STATE:
            own = sequences.trained(cell, mask)
            with torch.no_grad():
                logits = read_out(own, as_sequence(test.x))
            accuracy = (logits.argmax(-1) == test.y).double().mean(-1).numpy()
    else:
        weights = new_weights(
            cell, sequences.seeds, features=FEATURES, units=UNITS, classes=CLASSES
        )
        x, y = normal_rows(sequences.seeds, STEPS[arm[SETTING]])
    torch.manual_seed(sequences.seeds[0])
    left, agreement = gradient_back(weights, x, y, mask, p)
    columns = (left.mean(axis=0), agreement, accuracy)
    return [
        dict(zip(("reach", "agreement", "accuracy"), map(float, each), strict=True))
        for each in zip(*columns, strict=True)
    ]


def normal_rows(seeds: Sequence[int], steps: int) -> tuple[Tensor, Tensor]:
    """Sequences of normal numbers with classes at random, for a replica a seed."""
    x, y = [], []
    for seed in seeds:
        stream = torch.Generator().manual_seed(seed)
        x.append(torch.randn(ROWS, steps, FEATURES, generator=stream))
        y.append(torch.randint(CLASSES, (ROWS,), generator=stream))
    return torch.stack(x), torch.stack(y)


def gradient_back(
    weights: Weights, x: Tensor, y: Tensor, mask: str, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of the gradient is left at the first step, for some draws of masks.

    Args:
        weights: of all replicas; taken in double precision.
        x: shape (replicas, rows, steps, features).
        y: the classes, shape (replicas, rows).
        mask: where dropout stands.
        rate: of it.

    Returns:
        The power of ten of what is left, shape (draws, replicas), and the mean cosine of the first
        step's gradients with different masks, shape (replicas,).
    """
    double = weights.copied(torch.float64)
    left, first = [], []
    for _ in range(DRAWS):
        inputs = x.double().requires_grad_()
        logits = read_out(double, inputs, mask, rate)
        functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").backward()
        gradient = inputs.grad
        if gradient is None:
            raise HarnessError("No gradient came back to the inputs.")
        lengths = gradient.norm(dim=-1).mean(dim=1)  # (replicas, steps)
        left.append((lengths[:, 0] / lengths[:, -1]).log10())
        first.append(functional.normalize(gradient[:, :, 0].flatten(1), dim=-1, eps=1e-300))
    pairs = [(first[i] * first[j]).sum(dim=-1) for i in range(DRAWS) for j in range(i + 1, DRAWS)]
    return torch.stack(left).numpy(), torch.stack(pairs).mean(dim=0).numpy()


def what_is_left(table: pd.DataFrame) -> Figure:
    """The share of the gradient that dropout leaves, by cell, setting and mask."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    marks = ((FRESH, BLUE, -0.25), (FIXED, GREEN, 0.0), (STATE, ORANGE, 0.25))
    for axes, cell in zip(panels, CELL.levels, strict=True):
        for mask, colour, shift in marks:
            for place, setting in enumerate(SETTING.levels):
                draw_blocks(
                    axes,
                    place + shift,
                    lost(table, cell, setting, mask),
                    colour=colour,
                    width=0.08,
                    label=MASK.words[mask] if place == 0 else None,
                )
        axes.axhline(0, color=BLACK, linewidth=1)
        axes.axhline(-DECADE, color=BLACK, linestyle="--", linewidth=1.5)
        axes.set_xticks(
            range(len(SETTING.levels)), ["untrained\n20 steps", "untrained\n100", "trained\n32"]
        )
        axes.set_title(cell, fontsize=18)
    panels[0].set_ylabel("gradient left by dropout\n(powers of ten)")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=1, fontsize=15
    )
    found = 10 ** lost(table, LSTM, TRAINED, FRESH)
    figure.suptitle(
        f"Fresh masks at each step leave {told(found, '.2f')} of a trained\nLSTM's gradient at the "
        f"first step (p = 0.5, CPU; dots: {table['block'].nunique()} seeds;\ndashed: one tenth, "
        "what would be destroyed)",
        fontsize=18,
    )
    return figure


def lost(table: pd.DataFrame, cell: str, setting: str, mask: str) -> NDArray[np.float64]:
    """The difference in powers of ten against no dropout at a rate of one half; one a seed."""
    at = (table["response"] == "reach") & (table["cell"] == cell) & (table["p"] == HEAVY)
    rows = table[at & (table["setting"] == setting)]
    by_mask = rows.pivot_table(index="block", columns="mask", values="value", dropna=False)
    if not {mask, NONE} <= set(by_mask.columns):
        return np.full(1, np.nan)
    return (by_mask[mask] - by_mask[NONE]).to_numpy(np.float64)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does dropout on recurrent connections destroy the gradient through time?",
    factors=(CELL, MASK, P, SETTING),
    responses=(
        Response(
            "reach",
            "decades",
            "gradient by the first input over that by the last, as a power of ten",
        ),
        Response("agreement", "1", "cosine of the first input's gradients with different masks"),
        Response("accuracy", "1", "accuracy on unseen digits of a network trained so"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(3, 150, 150),  # steps of training
    prepare_together=Sequences,
    measure_together=measure,
    claims=CLAIMS,
    figures=(what_is_left,),
)
