"""Cuttings of the two photographs."""

from __future__ import annotations

import torch

from studies.advanced_regularisers.photographs import cuttings, draw_cuttings


def test_a_cutting_is_a_square_of_the_photograph_at_half_its_size() -> None:
    """Found again by hand: the cutting in the second row of squares and the third column."""
    from sklearn.datasets import load_sample_images

    x, y = cuttings()
    picture = torch.tensor(load_sample_images().images[1]).double().mean(dim=2)
    area = picture[16:32, 32:48]
    by_hand = torch.stack(
        [area[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for i in range(8) for j in range(8)]
    )
    across = picture.shape[1] // 16
    first = int((y == 0).sum())
    found = x[first + across + 2].double()
    by_hand = by_hand - by_hand.mean()
    assert torch.allclose(found / found.norm(), by_hand / by_hand.norm(), atol=1e-5)


def test_brightness_tells_nothing() -> None:
    x, y = cuttings()
    assert x.mean(dim=1).abs().max() < 1e-5
    assert (y == 0).sum() == (y == 1).sum()


def test_the_parts_of_a_replica_share_no_row() -> None:
    sample = draw_cuttings([3, 4], train=50, held_out=100)
    for replica in range(2):
        rows = [
            tuple(row)
            for p in (sample.train, sample.val, sample.test)
            for row in p.x[replica].tolist()
        ]
        assert len(set(rows)) == 250
    more = draw_cuttings([3, 4], train=80, held_out=100)
    assert torch.equal(more.test.x, sample.test.x)
    assert not torch.equal(sample.test.x[0], sample.test.x[1])
