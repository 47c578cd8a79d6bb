"""The perceptrons of the trained experiments, and unscaled dropout."""

from __future__ import annotations

import torch
from torch import nn

from harness.design.factors import Block
from studies.dropout.training import HALF, Cohort, perceptron, relu_dropout, unscaled


def test_hidden_layers_have_what_is_asked_for_behind_them() -> None:
    net = perceptron(20, 5, relu_dropout(HALF))
    kinds = [type(layer).__name__ for layer in net]
    assert kinds == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert [layer.out_features for layer in net if isinstance(layer, nn.Linear)] == [64, 32, 5]


def test_survivors_of_unscaled_dropout_keep_their_values() -> None:
    torch.manual_seed(0)
    layer, x = unscaled(0.3), torch.rand(10_000) + 1
    out = layer.train()(x)
    kept = out != 0
    assert torch.equal(out[kept], x[kept])
    assert abs(kept.double().mean().item() - 0.7) < 0.02
    assert torch.equal(layer.eval()(x), x)


def test_a_cohort_trains_once_for_each_key_and_from_the_same_weights() -> None:
    cohort = Cohort((Block(0, 1, 0, effort=1), Block(1, 2, 0, effort=1)))
    one = cohort.fit("breast cancer", "a", relu_dropout(0.0))
    assert cohort.fit("breast cancer", "a", relu_dropout(0.5)) is one
    other = cohort.fit("breast cancer", "b", relu_dropout(0.0))
    assert all(map(torch.equal, one.nets.parameters(), other.nets.parameters()))
    assert cohort.seeds == (1, 2)
