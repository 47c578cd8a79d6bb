"""Numbers of replicas as each block's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.workloads import Replicas
from studies.regularisation.nets import by_block, norm_of, weights_of


def test_every_block_gets_its_own_numbers_and_rounds() -> None:
    found = by_block({"one": np.array([1.0, 2.0]), "rounds": np.array([[1.0, 2.0], [3.0, 4.0]])})
    assert found == [{"one": 1.0, "rounds": [1.0, 3.0]}, {"one": 2.0, "rounds": [2.0, 4.0]}]


def test_norms_are_those_of_each_replica_by_itself() -> None:
    nets = Replicas([torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)])
    alone = [torch.cat([p.flatten() for p in net.parameters()]).norm() for net in nets.unstack()]
    assert norm_of(list(nets.parameters())) == pytest.approx([each.item() for each in alone])
    assert [each.shape for each in weights_of(nets)] == [(2, 2, 3)]
