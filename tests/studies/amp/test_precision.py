"""Levels of precision and a training step in each of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from studies.amp.models import CLASSES, NETS, PIXELS, classification_loss, digit_net
from studies.amp.precision import (
    BF16,
    BF16_SCALER,
    FP16_SCALER,
    FP32,
    LEVELS,
    SHIPPED,
    TF32,
    autocast,
    float32_units,
    half_type,
    make_step,
)


def settings() -> tuple[str, str]:
    cudnn: Any = torch.backends.cudnn
    return torch.backends.cuda.matmul.fp32_precision, cudnn.conv.fp32_precision


@pytest.mark.parametrize("level", [*LEVELS, SHIPPED, TF32])
def test_tf32_is_allowed_at_its_own_level_alone_and_put_back_after_an_error(level: str) -> None:
    before, inside = settings(), []

    def fail() -> None:
        with float32_units(level):
            inside.append(settings())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    expected = {TF32: ("tf32", "tf32"), FP32: ("ieee", "ieee")}
    assert inside == [expected.get(level, before)]
    assert settings() == before


@pytest.mark.parametrize(
    ("level", "expected"),
    [(SHIPPED, torch.float32), (TF32, torch.float32), (BF16_SCALER, torch.bfloat16)],
)
def test_a_level_casts_to_its_own_type(level: str, expected: torch.dtype) -> None:
    with autocast(level, "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected
    assert half_type(level) == (None if expected == torch.float32 else expected)
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("level", [SHIPPED, BF16, FP16_SCALER])
def test_a_step_is_that_of_gradient_descent(level: str) -> None:
    """The loss w^2 has the slope 2 w, which every level works out exactly at w = 1."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.ones_(net.weight)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.25)
    step = make_step(net, optimiser, lambda n, x: n(x).float().square().sum(), level, "cpu")
    # A scaler begins with steps that overflow float16 and are skipped.
    while net.weight.item() == 1:
        assert step(torch.ones(1, 1)) == 1
    assert net.weight.item() == 0.5


@pytest.mark.parametrize("kind", NETS)
def test_a_network_comes_from_its_seed_and_gives_a_loss(kind: str) -> None:
    one, same, other = (digit_net(kind, seed, "cpu") for seed in (1, 1, 2))
    x, y = torch.randn(4, PIXELS), torch.tensor([0, 1, 2, 3])
    assert torch.equal(one(x), same(x))
    assert not torch.equal(one(x), other(x))
    assert one(x).shape == (4, CLASSES)
    assert classification_loss(one, x, y) > 0
