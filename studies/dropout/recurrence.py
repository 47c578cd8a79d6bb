"""LSTM and GRU cells of many replicas at once, with dropout where the study wants it.

The cells are those of ``nn.LSTM`` and ``nn.GRU`` without any dropout (a test holds them to it). A
mask may stand before the recurrent weights, drawn anew at each step or once for all steps, or on
all of the state that is handed on: of a GRU the hidden state, of an LSTM its memory too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import functional, torch

if TYPE_CHECKING:
    from torch import Tensor

LSTM, GRU = "LSTM", "GRU"
GATES = {LSTM: 4, GRU: 3}
NONE, FRESH, FIXED, STATE = "none", "fresh", "fixed", "state"


@dataclass(frozen=True)
class Weights:
    """Of a cell and the linear read-out of its last state; the replica is the first dimension.

    Attributes:
        cell: ``LSTM`` or ``GRU``.
        of_input: shape (replicas, features, gates x units).
        of_state: shape (replicas, units, gates x units).
        bias: shape (replicas, 1, gates x units): of the input's part.
        state_bias: the same, of the state's part.
        read: shape (replicas, units, classes).
        read_bias: shape (replicas, 1, classes).
    """

    cell: str
    of_input: Tensor
    of_state: Tensor
    bias: Tensor
    state_bias: Tensor
    read: Tensor
    read_bias: Tensor

    def tensors(self) -> Iterator[Tensor]:
        """All of them, for an optimiser."""
        yield from (self.of_input, self.of_state, self.bias, self.state_bias)
        yield from (self.read, self.read_bias)

    def copied(self, dtype: torch.dtype) -> Weights:
        """The same numbers in another format, as leaves of their own."""
        return Weights(self.cell, *(each.detach().to(dtype) for each in self.tensors()))


def new_weights(
    cell: str, seeds: Sequence[int], *, features: int, units: int, classes: int
) -> Weights:
    """Uniform weights within one over the root of the units, as ``nn.LSTM`` and ``nn.GRU`` draw.

    Args:
        cell: ``LSTM`` or ``GRU``.
        seeds: one a replica.
        features: width of the input at a step.
        units: of the state.
        classes: width of the read-out.
    """
    wide, edge = GATES[cell] * units, units**-0.5
    shapes = ((features, wide), (units, wide), (1, wide), (1, wide), (units, classes), (1, classes))
    drawn = []
    for seed in seeds:
        stream = torch.Generator().manual_seed(seed)
        drawn.append([(2 * torch.rand(s, generator=stream) - 1) * edge for s in shapes])
    stacked = (torch.stack(each).requires_grad_() for each in zip(*drawn, strict=True))
    return Weights(cell, *stacked)


def read_out(weights: Weights, x: Tensor, mask: str = NONE, rate: float = 0.0) -> Tensor:
    """The logits after the last step.

    Args:
        weights: of all replicas.
        x: shape (replicas, rows, steps, features).
        mask: where dropout stands: ``NONE``, ``FRESH``, ``FIXED`` or ``STATE``.
        rate: of dropout.

    Returns:
        Shape (replicas, rows, classes).
    """
    replicas, rows, steps, _ = x.shape
    units = weights.of_state.shape[1]
    given = torch.baddbmm(weights.bias, x.flatten(1, 2), weights.of_input)
    given = given.view(replicas, rows, steps, -1)
    hidden = x.new_zeros(replicas, rows, units)
    memory, one = hidden, torch.ones_like(hidden)
    fixed = functional.dropout(one, rate) if mask == FIXED else one
    for step in range(steps):
        if mask in (FRESH, STATE):
            seen = functional.dropout(hidden, rate)
        else:
            seen = hidden * fixed
        back = torch.baddbmm(weights.state_bias, seen, weights.of_state)
        now = given[:, :, step]
        if weights.cell == LSTM:
            kept = functional.dropout(memory, rate) if mask == STATE else memory
            opened, forget, candidate, out = (now + back).chunk(4, dim=-1)
            memory = forget.sigmoid() * kept + opened.sigmoid() * candidate.tanh()
            hidden = out.sigmoid() * memory.tanh()
        else:
            carried = seen if mask == STATE else hidden
            reset, update = (now + back)[..., : 2 * units].sigmoid().chunk(2, dim=-1)
            candidate = (now[..., 2 * units :] + reset * back[..., 2 * units :]).tanh()
            hidden = candidate + update * (carried - candidate)
    return torch.baddbmm(weights.read_bias, hidden, weights.read)
