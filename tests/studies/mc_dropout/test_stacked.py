"""Stacked layers: the distance is the total variation, and the ensemble the mean over all masks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from harness.workloads import Replicas
from harness.workloads.tasks import Part
from studies.mc_dropout.stacked import ensemble, softmax, total_variation


def test_total_variation_is_the_most_that_any_set_of_classes_differs_by() -> None:
    p, q = np.random.default_rng(7).dirichlet([1.0] * 4, size=(2, 1, 3))
    most = [
        max(abs(sum(a[list(s)]) - sum(b[list(s)])) for s in subsets())
        for a, b in zip(p[0], q[0], strict=True)
    ]
    assert total_variation(p, q).tolist() == pytest.approx([np.mean(most)])


def subsets() -> list[tuple[int, ...]]:
    return [
        tuple(place for place, there in enumerate(each) if there)
        for each in product((0, 1), repeat=4)
    ]


def test_the_ensemble_is_the_mean_over_every_mask() -> None:
    torch.manual_seed(8)
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))
    x = torch.randn(1, 4, 3)
    with torch.no_grad():
        every = [
            net[1](2 * torch.tensor(mask) * x[0]).softmax(dim=-1)
            for mask in product((0.0, 1.0), repeat=3)
        ]
    expected = torch.stack(every).mean(dim=0).numpy()
    found = ensemble(Replicas([net]), Part(x, torch.zeros(1, 4)), 6000)
    np.testing.assert_allclose(found.probabilities[0], expected, atol=0.03)
    # Logits are linear in the mask: their mean is that of the layer without dropout.
    once = net[1](x).detach().numpy()
    for half in found.halves:
        np.testing.assert_allclose(half, once, atol=0.15)
    np.testing.assert_allclose(found.logits, sum(found.halves) / 2)


def test_probabilities_of_logits_are_those_of_torch() -> None:
    outputs = np.random.default_rng(9).normal(size=(2, 3, 4)) * 50
    np.testing.assert_allclose(softmax(outputs), torch.tensor(outputs).softmax(dim=-1))
