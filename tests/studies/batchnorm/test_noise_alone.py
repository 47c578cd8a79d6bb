"""Batches with and without noise in their statistics."""

from __future__ import annotations

import pytest
import torch

from harness.workloads import Replicas
from harness.workloads.samples import draw_sample
from studies.batchnorm.nets import perceptron
from studies.batchnorm.noise_alone import DROPOUT, NOISY, QUIET, WITHOUT, epoch, outputs_of, train


def test_without_noise_a_row_is_answered_alike_whatever_batch_it_is_in() -> None:
    torch.manual_seed(0)
    nets = Replicas([perceptron(6, 3)]).train()
    x = torch.randn(1, 64, 6)
    one, other = torch.arange(16)[None], torch.cat([torch.zeros(1), torch.arange(40, 60)])[None]
    same = [outputs_of(nets, x, rows.long(), quiet=True)[0, 0] for rows in (one, other)]
    noisy = [outputs_of(nets, x, rows.long(), quiet=False)[0, 0] for rows in (one, other)]
    assert torch.allclose(same[0], same[1])
    assert not torch.allclose(noisy[0], noisy[1], atol=0.01)


def test_an_epoch_has_every_row_once_but_no_single_row() -> None:
    sample = draw_sample("listing 3", [1, 2], train=129, held_out=10)
    streams = [torch.Generator().manual_seed(seed) for seed in sample.seeds]
    batches = list(epoch(sample, streams))
    assert [batch.shape for batch in batches] == [(2, 64), (2, 64)]
    seen = torch.cat(batches, dim=1)
    assert all(len(set(rows)) == 128 for rows in seen.tolist())


@pytest.mark.parametrize(("noise", "layers"), [(QUIET, 2), (NOISY, 2), (WITHOUT, 0), (DROPOUT, 0)])
def test_arms_differ_in_what_they_are_named_for(noise: str, layers: int) -> None:
    sample = draw_sample("listing 3", [1, 2], train=70, held_out=10)
    nets = train(sample, noise, epochs=1)
    kinds = [type(layer).__name__ for layer in nets.unstack()[0].children()]
    assert kinds.count("BatchNorm1d") == layers
    assert kinds.count("Dropout") == (2 if noise == DROPOUT else 0)


def test_replicas_train_as_they_would_alone() -> None:
    """Told by their answers: a bias before batch norm changes none.

    Its gradient is rounding alone, of which Adam makes steps that are another machine's own.
    """
    rows = torch.arange(70)[None]
    both = draw_sample("listing 3", [1, 2], train=70, held_out=10)
    alone = draw_sample("listing 3", [2], train=70, held_out=10)
    together = outputs_of(
        train(both, NOISY, epochs=2), both.train.x, rows.expand(2, -1), quiet=True
    )
    by_itself = outputs_of(train(alone, NOISY, epochs=2), alone.train.x, rows, quiet=True)
    torch.testing.assert_close(together[1], by_itself[0], rtol=1e-4, atol=1e-5)
