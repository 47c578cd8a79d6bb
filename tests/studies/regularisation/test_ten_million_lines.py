"""Lines of code as bags of words."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Block
from harness.workloads.deep_nets import BagOfWords
from studies.regularisation.ten_million_lines import (
    PLACES,
    TEST,
    TRAIN,
    WIDTH,
    Lines,
    accuracy,
    lines_of_packages,
    prepare,
    tokens,
    with_wrong,
)


def test_a_line_has_a_place_for_each_word_sign_and_pair() -> None:
    found = tokens("self.x = y")
    assert len(found) == 5 + 4
    assert found[:5] == [tokens(word)[0] for word in ("self", ".", "x", "=", "y")]
    assert all(0 <= place < PLACES for place in found)


def test_a_batch_is_the_mean_of_each_lines_own_places() -> None:
    lines = Lines(["a b c", "d e", "f"], torch.tensor([0, 1, 2]))
    places, begins, labels = lines.batch(torch.tensor([2, 0]))
    net = torch.nn.EmbeddingBag(PLACES, 3, mode="mean")
    found = net(places, begins)
    for row, line in zip(found, ("f", "a b c"), strict=True):
        assert torch.allclose(row, net.weight[torch.tensor(tokens(line))].mean(dim=0), atol=1e-6)
    assert labels.tolist() == [2, 0]


def test_every_package_has_enough_lines_and_none_stands_in_two() -> None:
    packages = lines_of_packages()
    assert min(map(len, packages)) >= TRAIN + TEST
    every = [line for lines in packages for line in lines]
    assert len(set(every)) == len(every)


def test_lines_to_test_with_are_none_of_those_trained_on() -> None:
    problem = prepare(Block(0, 3, 9, effort=10))
    seen, fresh = (
        {tuple(each.tolist()) for each in part.places} for part in (problem.train, problem.test)
    )
    assert len(seen & fresh) <= 3  # other lines with the same words
    assert problem.train.labels.bincount().tolist() == [62] * 8


def test_a_share_of_the_labels_is_another_packages() -> None:
    labels = torch.arange(8).repeat(100)
    wrong = with_wrong(labels, 0.2, seed=5)
    assert (wrong != labels).double().mean().item() == pytest.approx(0.2)
    assert wrong.bincount(minlength=8).min() > 70


def test_the_table_has_ten_million_numbers_and_accuracy_follows_the_labels_given() -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in BagOfWords(PLACES, WIDTH, 8).parameters())
    assert count == PLACES * WIDTH + (WIDTH + 1) * 8 > 10_000_000

    class First(torch.nn.Module):
        def forward(self, places: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[1.0, 0.0]]).expand(len(begins), 2)

    lines = Lines(["a", "b", "c", "d"], torch.tensor([0, 0, 0, 1]))
    every = torch.arange(4)
    assert accuracy(First(), lines, every) == 0.75
    assert accuracy(First(), lines, every, torch.tensor([1, 1, 0, 1])) == 0.25
