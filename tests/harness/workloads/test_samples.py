"""Samples: parts that share no row, scaled by what is trained on, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import StandardScaler

from harness.errors import HarnessError
from harness.workloads.samples import SAMPLES, SampleName, draw_sample

SEEDS = (3, 4)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_replica_is_what_its_seed_gives_alone(name: SampleName) -> None:
    together, alone = draw_sample(name, SEEDS), draw_sample(name, SEEDS[1:])
    for part in ("train", "val", "test"):
        torch.testing.assert_close(getattr(together, part).x[1], getattr(alone, part).x[0])
        torch.testing.assert_close(getattr(together, part).y[1], getattr(alone, part).y[0])
        assert not torch.equal(getattr(together, part).x[0], getattr(together, part).x[1]) or (
            name == "sine"
        )
    assert together.train.x.dtype == torch.float32
    assert together.features == together.train.x.shape[2]


def test_parts_of_real_rows_are_every_row_once() -> None:
    sample = draw_sample("digits", SEEDS)
    for replica in range(len(SEEDS)):
        x = torch.cat([part.x[replica] for part in (sample.train, sample.val, sample.test)])
        rows = np.sort((x.numpy() * 4 + 8).astype(int), axis=0)
        assert np.array_equal(rows, np.sort(load_digits().data.astype(int), axis=0))


def test_real_rows_are_scaled_with_the_part_trained_on() -> None:
    sample = draw_sample("breast cancer", [9], train=40, held_out=30)
    raw = load_breast_cancer().data
    order = torch.randperm(len(raw), generator=torch.Generator().manual_seed(9)).numpy()
    scaler = StandardScaler().fit(raw[order[60:100]])
    expected = scaler.transform(raw[order[30:60]])
    np.testing.assert_allclose(sample.test.x[0].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_held_out_are_the_same_however_many_are_trained_on(name: SampleName) -> None:
    few, many = (draw_sample(name, SEEDS, train=rows, held_out=20) for rows in (30, 50))
    assert few.train.x.shape[1] == 30
    assert many.train.x.shape[1] == 50
    if name in ("digits", "listing 3", "sine"):  # the others are scaled with the rows trained on
        assert torch.equal(few.test.x, many.test.x)
        assert torch.equal(few.val.y, many.val.y)


def test_wrong_labels_are_those_marked_and_no_others() -> None:
    right = draw_sample("digits", SEEDS, train=400)
    wrong = draw_sample("digits", SEEDS, train=400, wrong_labels=0.3)
    assert wrong.wrong.sum(dim=1).tolist() == [120, 120]
    assert torch.equal(wrong.wrong, right.train.y != wrong.train.y)
    assert torch.equal(wrong.train.x, right.train.x)
    assert torch.equal(wrong.val.y, right.val.y)
    assert torch.equal(wrong.test.y, right.test.y)
    assert int(wrong.train.y.max()) < right.classes


def test_every_other_class_is_as_likely_to_replace_a_label() -> None:
    sample = draw_sample("listing 3", range(5), train=4000, wrong_labels=1.0)
    right = draw_sample("listing 3", range(5), train=4000)
    shift = (sample.train.y - right.train.y) % sample.classes
    shares = torch.bincount(shift.flatten(), minlength=4).double() / shift.numel()
    assert shares.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.02)


def test_a_linear_classifier_finds_the_rule_of_listing_3_in_its_first_ten_features() -> None:
    from sklearn.linear_model import LogisticRegression

    sample = draw_sample("listing 3", [1], train=4000)
    x, y = sample.train.x[0].numpy(), sample.train.y[0].numpy()
    model = LogisticRegression(max_iter=500).fit(x[:, :10], y)
    assert model.score(sample.test.x[0, :, :10].numpy(), sample.test.y[0].numpy()) > 0.95
    rest = LogisticRegression(max_iter=500).fit(x[:, 10:], y)
    assert rest.score(sample.test.x[0, :, 10:].numpy(), sample.test.y[0].numpy()) < 0.5


def test_a_noisy_sine_is_a_sine_with_noise_of_three_tenths() -> None:
    sample = draw_sample("sine", range(50))
    assert sample.train.x[0, [0, -1], 0].tolist() == pytest.approx([0, 2 * torch.pi])
    for part in (sample.train, sample.val, sample.test):
        noise = part.y - part.x.sin()
        assert float(noise.std()) == pytest.approx(0.3, rel=0.05)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(HarnessError, match="no sample 'iris'"):
        draw_sample("iris", SEEDS)  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match="178 rows"):
        draw_sample("wine", SEEDS, train=170)
    with pytest.raises(HarnessError, match="no label can be wrong"):
        draw_sample("diabetes", SEEDS, wrong_labels=0.1)
