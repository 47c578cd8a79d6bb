"""The program of listing 3: its loaders, its data, and side by side against one by one."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness.workloads.replicas import Replicas
from harness.workloads.six_strategies import (
    BATCH,
    STRATEGIES,
    Rows,
    Strategy,
    _accuracies,
    _fit_together,
    accuracy,
    at_seeds,
    draw_rows,
    fit,
    listing,
    loader,
    network,
    report,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def passes_over(batches: Iterable[Any]) -> tuple[list[Any], float]:
    """Two passes with draws between batches, and what the global stream gives after them."""
    torch.manual_seed(4)
    seen = [(x, y, torch.rand(())) for _ in range(2) for x, y in batches]
    return seen, torch.rand(()).item()


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_fast_loader_gives_the_batches_and_leaves_the_stream_of_the_plain_one(
    shuffle: bool,
) -> None:
    rows = Rows(torch.randn(150, 3), torch.arange(150))
    plain = DataLoader(TensorDataset(*rows), batch_size=BATCH, shuffle=shuffle)
    one, two = passes_over(plain), passes_over(loader(rows, BATCH, shuffle=shuffle))
    assert one[1] == two[1]
    assert len(one[0]) == len(two[0]) == 6
    for first, second in zip(one[0], two[0], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_labels_are_the_largest_of_sums_over_the_first_ten_features() -> None:
    torch.manual_seed(1)
    train, held_out = draw_rows()
    torch.manual_seed(1)
    x, truth = torch.randn(2000, 50), torch.randn(10, 4)
    labels = (x[:, :10].double() @ truth.double()).argmax(1)
    both = torch.cat([train.y, held_out.y])
    assert (both == labels).float().mean() > 0.999
    assert (len(train.y), len(held_out.y)) == (1400, 600)
    assert torch.equal(torch.cat([train.x, held_out.x]), x)


def test_a_network_has_the_layers_of_its_strategy() -> None:
    linear = 51 * 128 + 129 * 64 + 65 * 4
    for strategy in STRATEGIES.values():
        net = network(strategy)
        count = sum(p.numel() for p in net.parameters())
        assert count == linear + (2 * (128 + 64) if strategy.batch_norm else 0)
        drops = [layer.p for layer in net.modules() if isinstance(layer, torch.nn.Dropout)]
        assert drops == ([0.4, 0.4] if strategy.dropout else [])


def test_accuracy_is_the_share_of_hits_over_all_batches_in_eval_mode() -> None:
    net = torch.nn.Sequential(torch.nn.Dropout(0.99), torch.nn.Identity()).train()
    rows = Rows(torch.eye(4).repeat(5, 1), torch.tensor([0, 1, 2, 0] * 5))
    assert accuracy(net, loader(rows, 7, shuffle=False)) == 0.75
    assert not net.training


def test_the_decay_shrinks_what_no_gradient_moves() -> None:
    net = torch.nn.Linear(50, 4, bias=False)
    before = net.weight.detach().clone()
    rows = Rows(torch.zeros(64, 50), torch.zeros(64, dtype=torch.long))
    fit(net, loader(rows, 64, shuffle=False), decay=0.5, epochs=3)
    assert torch.allclose(net.weight, before * (1 - 1e-3 * 0.5) ** 3)


@pytest.mark.parametrize("name", ["L2", "batch norm + L2"])
def test_side_by_side_networks_learn_what_they_learn_one_by_one(name: str) -> None:
    strategy, epochs = STRATEGIES[name], 2
    torch.manual_seed(0)
    parts = [draw_rows() for _ in range(2)]
    nets = [network(strategy) for _ in parts]
    together = Replicas(copy.deepcopy(nets))
    train = Rows(*(torch.stack(side) for side in zip(*(part[0] for part in parts), strict=True)))
    orders = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    _fit_together(together, train, orders, strategy.decay, epochs)
    for seed, net, (rows, _) in zip((7, 8), nets, parts, strict=True):
        source = torch.Generator().manual_seed(seed)

        class Batches:
            """The orders of one seed, epoch by epoch."""

            def __init__(self, rows: Rows, source: torch.Generator) -> None:
                self.rows, self.source = rows, source

            def __iter__(self) -> Any:  # noqa: ANN401 - pairs of tensors
                for at in torch.randperm(1400, generator=self.source).split(BATCH):
                    yield self.rows.x[at], self.rows.y[at]

        fit(net, Batches(rows, source), strategy.decay, epochs)
    hits = _accuracies(together, train)
    for at, (net, alone) in enumerate(zip(nets, together.unstack(), strict=True)):
        # Not the parameters: in front of a batch norm a bias has no gradient but rounding.
        apart = (net.eval()(parts[at][1].x) - alone.eval()(parts[at][1].x)).abs().max()
        assert apart < 0.02
        plain = accuracy(net, loader(parts[at][0], 128, shuffle=False))
        assert hits[at].item() == pytest.approx(plain, abs=0.005)


def test_the_gap_is_the_difference_of_the_two_accuracies() -> None:
    found = report("any", 0.75, 0.5)
    assert found == {"any: training": 0.75, "any: validation": 0.5, "any: gap": 0.25}


@pytest.mark.slow
def test_a_program_names_all_its_numbers_and_a_seed_gives_them_again() -> None:
    once = listing(3, epochs=1)
    assert once == listing(3, epochs=1)
    assert [set(found) for found in at_seeds([3, 4], epochs=1)] == [set(once)] * 2
    hits = np.array([value for name, value in once.items() if name.endswith("validation")]) * 600
    assert np.allclose(hits, hits.round())


def test_dropout_can_have_another_rate() -> None:
    net = network(Strategy(dropout=True), drop=0.1)
    assert [layer.p for layer in net.modules() if isinstance(layer, torch.nn.Dropout)] == [0.1] * 2
