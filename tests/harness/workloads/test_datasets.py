"""The bundled data sets and their splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets

from harness.errors import HarnessError
from harness.workloads.datasets import Name, Split, load_split

SHAPES = [("digits", 1797, 64, 10), ("breast_cancer", 569, 30, 2), ("wine", 178, 13, 3)]


@pytest.mark.parametrize(("name", "rows", "features", "classes"), SHAPES)
def test_a_split_holds_every_row_once(name: Name, rows: int, features: int, classes: int) -> None:
    split = load_split(name, 1)
    assert split.train_x.shape[1] == split.val_x.shape[1] == features
    assert len(split.train_x) + len(split.val_x) == rows
    assert len(split.val_x) == round(0.4 * rows + 0.49)
    assert split.classes == classes
    assert split.train_x.dtype == split.val_x.dtype == torch.float32
    assert split.train_y.dtype == split.val_y.dtype == torch.int64
    _, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    assert Counter([*split.train_y.tolist(), *split.val_y.tolist()]) == Counter(labels.tolist())


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine"])
def test_both_parts_have_the_classes_in_the_same_shares(name: Name) -> None:
    split = load_split(name, 3)
    shares = [
        np.bincount(labels.numpy(), minlength=split.classes) / len(labels)
        for labels in (split.train_y, split.val_y)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.01


def test_a_seed_fixes_the_split_and_another_seed_changes_it() -> None:
    def same(one: Split, other: Split) -> bool:
        return torch.equal(one.train_x, other.train_x) and torch.equal(one.val_y, other.val_y)

    assert same(load_split("wine", 5), load_split("wine", 5))
    assert not same(load_split("wine", 5), load_split("wine", 6))


def test_pixels_are_scaled_by_constants() -> None:
    split = load_split("digits", 0)
    pixels = torch.cat([split.train_x, split.val_x]) * 4 + 8
    raw, _ = datasets.load_digits(return_X_y=True)
    assert np.array_equal(
        np.sort(pixels.numpy().round().sum(axis=1)), np.sort(raw.sum(axis=1).astype(np.float32))
    )


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_the_scale_is_learnt_from_the_training_part_alone(name: Name) -> None:
    split = load_split(name, 0)
    assert split.train_x.mean(dim=0).abs().max() < 1e-5
    assert (split.train_x.std(dim=0, correction=0) - 1).abs().max() < 1e-5
    assert split.val_x.mean(dim=0).abs().max() > 1e-3


def test_the_share_held_out_can_be_chosen() -> None:
    split = load_split("wine", 0, validation=0.25)
    assert len(split.val_x) == 45


def test_an_unknown_data_set_is_refused() -> None:
    name: Any = "iris"
    with pytest.raises(HarnessError, match="no data set 'iris'; there are digits, breast_cancer"):
        load_split(name, 0)
