"""Batch norms are counted, and their moving buffers found, where they were planted."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from studies.defaults import no_batch_norm
from studies.defaults.no_batch_norm import batch_norms, moved_buffers


class Net(nn.Module):
    """A body with some batch norms, which takes anything as its configuration."""

    def __init__(self, norms: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm1d(2) for _ in range(norms))
        self.layer = nn.LayerNorm(2)
        self.register_buffer("still", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for norm in self.norms:
            x = norm(x)
        return x


@pytest.mark.parametrize("norms", [0, 1, 3])
def test_planted_batch_norms_are_counted(monkeypatch: pytest.MonkeyPatch, norms: int) -> None:
    library = type("library", (), {"Model": Net, "Config": staticmethod(lambda: norms)})
    monkeypatch.setattr(no_batch_norm, "transformers", library)
    assert batch_norms("Model", "Config") == norms


@pytest.mark.parametrize("norms", [0, 1, 3])
def test_each_planted_batch_norm_moves_its_three_buffers(
    monkeypatch: pytest.MonkeyPatch, norms: int
) -> None:
    monkeypatch.setattr(no_batch_norm, "build", lambda *_, **__: Net(norms).train())
    monkeypatch.setattr(no_batch_norm, "batch", lambda _: torch.randn(4, 2))
    monkeypatch.setattr(no_batch_norm, "output", lambda model, x: model(x))
    assert moved_buffers("any") == 3 * norms
