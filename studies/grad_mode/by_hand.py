"""What networks in eval mode must give, written out in float64: an oracle that shares no layer.

No dropout; batch norm by its running statistics; attention as in Vaswani et al. (2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor


def perceptron_by_hand(net: nn.Module, rows: Tensor) -> Tensor:
    """The output of linear layers, batch norm and ReLU one after another; others are passed over.

    Args:
        net: its children are applied in their order.
        rows: shape (batch, features).
    """
    x = rows.double()
    for layer in net.children():
        state = _in_float64(layer)
        if isinstance(layer, nn.Linear):
            x = x @ state["weight"].T + state["bias"]
        elif isinstance(layer, nn.BatchNorm1d):
            x = (x - state["running_mean"]) / (state["running_var"] + layer.eps).sqrt()
            x = x * state["weight"] + state["bias"]
        elif isinstance(layer, nn.ReLU):
            x = x.clamp(min=0)
    return x


def encoder_by_hand(net: nn.Module, tokens: Tensor, real: Tensor | None) -> Tensor:
    """The output of an ``nn.TransformerEncoder`` of ReLU layers that norm after each part.

    Args:
        net: the encoder.
        tokens: shape (batch, length, width).
        real: where they are no padding, shape (batch, length); None where none is.
    """
    x = tokens.double()
    for layer in net.get_submodule("layers").children():
        attention, state = layer.get_submodule("self_attn"), _in_float64(layer)
        heads: int = attention.num_heads  # type: ignore[assignment]
        x = _normed(x + _attended(x, state, heads, real), state, "norm1")
        hidden = _linear(x, state, "linear1").clamp(min=0)
        x = _normed(x + _linear(hidden, state, "linear2"), state, "norm2")
    return x


def _attended(x: Tensor, state: dict[str, Tensor], heads: int, real: Tensor | None) -> Tensor:
    together = x @ state["self_attn.in_proj_weight"].T + state["self_attn.in_proj_bias"]
    query, key, value = (
        part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in together.chunk(3, dim=-1)
    )
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if real is not None:
        scores = scores.masked_fill(~real[:, None, None, :], -torch.inf)
    mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(-2)
    return _linear(mixed, state, "self_attn.out_proj")


def _linear(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def _normed(x: Tensor, state: dict[str, Tensor], name: str, eps: float = 1e-5) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / ((centred**2).mean(-1, keepdim=True) + eps).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def _in_float64(layer: nn.Module) -> dict[str, Tensor]:
    return {name: value.double() for name, value in layer.state_dict().items()}
