"""Saving and loading as users of PyTorch do it, in memory: the bytes are those of a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor


def file_of(thing: object) -> bytes:
    """What ``torch.save`` writes of a state_dict or of a whole module."""
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


def state_in(file: bytes) -> dict[str, Tensor]:
    """The state_dict in a file; nothing is unpickled but tensors."""
    state: dict[str, Tensor] = torch.load(io.BytesIO(file), weights_only=True)
    return state


def module_in(file: bytes) -> nn.Module:
    """The whole module in a file, which is unpickled: only for what was written a moment ago."""
    module: nn.Module = torch.load(io.BytesIO(file), weights_only=False)
    return module


def loaded_into(fresh: nn.Module, net: nn.Module) -> nn.Module:
    """The weights and buffers of a network, by way of a file, in another one."""
    fresh.load_state_dict(state_in(file_of(net.state_dict())))
    return fresh


def changed_tensors(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """How many entries of two state_dicts are not the same bit for bit; missing ones count."""
    return sum(
        name not in before or name not in after or not _same(before[name], after[name])
        for name in before.keys() | after.keys()
    )


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)


def train_share(net: nn.Module) -> float:
    """The share of a network's modules that are in train mode, itself among them."""
    modes = [module.training for module in net.modules()]
    return sum(modes) / len(modes)
