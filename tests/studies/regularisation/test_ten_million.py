"""Ten million parameters, counted, and rows whose rule is known."""

from __future__ import annotations

import torch

from harness.design.factors import Block
from harness.workloads import mlp
from studies.regularisation.ten_million import (
    CLASSES,
    FEATURES,
    LARGE,
    SMALL,
    WIDTHS,
    Problem,
    Rows,
    accuracy,
    prepare,
    train,
)


def test_networks_have_as_many_parameters_as_their_names_say() -> None:
    with torch.device("meta"):
        counts = {
            name: sum(p.numel() for p in mlp(FEATURES, CLASSES, hidden=width).parameters())
            for name, width in WIDTHS.items()
        }
    assert 10_000_000 <= counts[LARGE] < 10_200_000
    assert 7_500 <= counts[SMALL] < 8_500


def test_ten_features_decide_on_the_class_and_the_rest_are_idle() -> None:
    problem = prepare(Block(0, 6, 9, effort=2))
    assert (len(problem.train.x), len(problem.fresh.x)) == (2000, 2000)
    rest = torch.linalg.lstsq(
        problem.train.x, torch.nn.functional.one_hot(problem.train.y, 4).float()
    ).solution
    assert rest[10:].norm() < 0.4 * rest[:10].norm()  # of rows alone, 40 of 10 would be 2
    again = prepare(Block(1, 6, 9, effort=2))
    assert torch.equal(again.train.x, problem.train.x)


def test_training_goes_through_all_rows_and_accuracy_is_the_share_of_hits() -> None:
    x = torch.tensor([[1.0], [-1.0]]).repeat(300, 1)
    rows = Rows(x, (x[:, 0] > 0).long())
    torch.manual_seed(0)
    net = torch.nn.Linear(1, 2)
    before = net.weight.detach().clone()
    train(net, Problem(rows, rows, 1, 3), epochs=2)
    # Six steps of Adam at 0.001, all in one direction.
    assert torch.allclose((net.weight - before).abs(), torch.full((2, 1), 6e-3), atol=1e-3)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0.0], [0.0]]))
        net.bias.copy_(torch.tensor([0.0, 1.0]))
    assert accuracy(net, rows) == 0.5
