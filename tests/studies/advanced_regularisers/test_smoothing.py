"""What is read of smoothed classifiers."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from harness.workloads import Replicas
from harness.workloads.samples import Sample
from harness.workloads.tasks import Part
from studies.advanced_regularisers.smoothed import as_torch_has_it
from studies.advanced_regularisers.smoothing import Fitted, hidden, margins, shares_memorised
from studies.listings.snippets import smoothed_cross_entropy


def test_the_documents_smoothing_is_set_by_the_number_that_torch_takes() -> None:
    for classes in (2, 4, 10):
        z, y = torch.randn(30, classes, dtype=torch.float64), torch.randint(classes, (30,))
        own = functional.cross_entropy(z, y, label_smoothing=as_torch_has_it(0.2, classes))
        assert torch.isclose(own, smoothed_cross_entropy(z, y, 0.2))


def test_a_margin_is_the_largest_logit_above_the_mean_of_the_others() -> None:
    outputs = torch.tensor([[[5.0, 1, 3], [0, 0, 6]], [[1, 1, 1], [2, 2, 5]]])
    assert np.allclose(margins(outputs), [(3 + 6) / 2, (0 + 3) / 2])


def test_a_wrong_label_is_memorised_when_it_is_answered() -> None:
    """Planted: a net that answers 0. Of four wrong labels two are 0; right ones do not count."""
    y = torch.tensor([[0, 0, 1, 2, 0, 1]])
    wrong = torch.tensor([[True, True, True, True, False, False]])
    net = nn.Linear(2, 3)
    with torch.no_grad():
        net.weight.zero_()
        net.bias.copy_(torch.tensor([1.0, 0, 0]))
    rows = Part(torch.randn(1, 6, 2), y)
    sample = Sample(rows, rows, rows, 3, wrong, (0,))
    assert shares_memorised(Replicas([net]), sample).tolist() == [0.5]


def test_a_rise_counts_only_where_the_net_is_less_overconfident() -> None:
    def fitted(gap: list[float], error: list[float]) -> Fitted:
        return Fitted({"overconfidence": np.array(gap), "ece": np.array(error)}, {})

    hard = fitted([0.1, 0.1, 0.1], [0.1, 0.1, 0.1])
    soft = fitted([0.0, 0.09, -0.3], [0.2, 0.2, 0.05])
    assert np.allclose(hidden(soft, hard), [0.1, 0.0, -0.05])
