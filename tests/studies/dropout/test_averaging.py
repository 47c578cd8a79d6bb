"""Averages over sub-networks, against closed forms and a loop over masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.workloads.replicas import Replicas
from studies.dropout.averaging import (
    averages,
    drawn_masks,
    every_mask,
    forward,
    layers_of,
    total_variation,
)
from studies.dropout.reliance import judged, one_silenced
from studies.dropout.training import perceptron, relu_dropout


def nets(widths: tuple[int, ...]) -> Replicas:
    torch.manual_seed(3)
    return Replicas([perceptron(4, 3, relu_dropout(0.5), widths) for _ in range(2)])


def test_all_masks_are_there_once_and_scaled() -> None:
    masks = torch.cat(every_mask((2, 3)), dim=1)
    assert len(torch.unique(masks, dim=0)) == len(masks) == 32
    assert set(masks.flatten().tolist()) == {0.0, 2.0}


def test_the_network_without_a_mask_is_the_network_in_eval_mode() -> None:
    both = nets((5, 4)).eval()
    x = torch.randn(2, 7, 4)
    ones = [torch.ones(1, 5), torch.ones(1, 4)]
    torch.testing.assert_close(forward(layers_of(both), x, ones)[:, 0], both(x))


def test_the_mean_and_spread_over_masks_are_those_of_numpy() -> None:
    both, x = nets((3, 2)), torch.randn(2, 6, 4)
    masks = every_mask((3, 2))
    found = averages(layers_of(both), x, masks)
    logits = []
    for first, second in zip(*masks, strict=True):
        tensors = [p.detach().numpy() for p in both.parameters()]
        out = x.numpy()
        for (weight, bias), mask in zip(
            ((tensors[0], tensors[1]), (tensors[2], tensors[3])), (first, second), strict=True
        ):
            out = np.maximum(out @ weight.swapaxes(1, 2) + bias[:, None], 0) * mask.numpy()
        logits.append(out @ tensors[4].swapaxes(1, 2) + tensors[5][:, None])
    every = np.stack(logits).astype(np.float64)
    np.testing.assert_allclose(found.logits, every.mean(axis=0), atol=1e-5)
    spread = np.sqrt(every.var(axis=0).mean(axis=(1, 2)))
    np.testing.assert_allclose(found.spread, spread, atol=1e-5)
    chances = np.exp(every) / np.exp(every).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, chances.mean(axis=0), atol=1e-5)


def test_behind_one_hidden_layer_the_mean_over_all_masks_is_eval_mode() -> None:
    both, x = nets((6,)).eval(), torch.randn(2, 5, 4)
    mean = averages(layers_of(both), x, every_mask((6,))).logits
    torch.testing.assert_close(mean.float(), both(x), atol=1e-5, rtol=0)


def test_total_variation_is_the_most_that_a_set_of_classes_differs_by() -> None:
    p, q = torch.tensor([[[0.5, 0.3, 0.2]]]), torch.tensor([[[0.1, 0.6, 0.3]]])
    assert total_variation(p, q).tolist() == pytest.approx([0.4])
    assert total_variation(p, p).tolist() == [0]


def test_drawn_masks_keep_half_and_hang_on_the_seed() -> None:
    masks = drawn_masks((8, 4), 4000, seed=1)
    assert [mask.shape for mask in masks] == [(4000, 8), (4000, 4)]
    assert masks[0].mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(masks[1], drawn_masks((8, 4), 4000, seed=1)[1])


def test_each_unit_of_both_layers_is_silenced_by_itself() -> None:
    both = nets((3, 2)).eval()
    x, y = torch.randn(2, 6, 4), torch.randint(3, (2, 6))
    losses, _ = judged(layers_of(both), x, y, one_silenced((3, 2)))
    assert losses.shape == (2, 5)
    weight = dict(both.named_parameters())["6.weight"]
    with torch.no_grad():
        weight[:, :, 1] = 0  # the second unit of the second layer
    by_hand = torch.nn.functional.cross_entropy(both(x)[1], y[1])
    assert losses[1, 4].item() == pytest.approx(by_hand.item(), abs=1e-6)
