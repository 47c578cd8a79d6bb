"""Fitting: every replica trains as a plain loop would train it, and is watched as it goes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.errors import HarnessError
from harness.workloads.fitting import History, Plateau, Recipe, fit, logits
from harness.workloads.networks import mlp
from harness.workloads.replicas import Replicas
from harness.workloads.samples import Sample, SampleName, draw_sample

SEEDS = (5, 6, 7)
SMALL = partial(mlp, hidden=12)
RATE = 0.02


def small_sample(name: SampleName = "breast cancer") -> Sample:
    return draw_sample(name, SEEDS, train=101, held_out=38)


def make(sample: Sample) -> nn.Module:
    return SMALL(sample.features, sample.classes or 1)


class Watcher:
    """Notes the batches of a fit, to be trained on again outside it."""

    def __init__(self) -> None:
        self.batches: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __call__(
        self, x: torch.Tensor, y: torch.Tensor, _: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.batches.append((x, y))
        return x, y


def plain_optimiser(recipe: Recipe, net: nn.Module) -> torch.optim.Optimizer:
    groups = [
        {
            "params": [p],
            "weight_decay": recipe.decay if recipe.decay_biases or "bias" not in n else 0,
        }
        for n, p in net.named_parameters()
    ]
    if recipe.optimiser == "Adam":
        return torch.optim.Adam(groups, lr=recipe.lr)
    if recipe.optimiser == "AdamW":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9 * (recipe.optimiser == "momentum"))


def trained_alone(
    sample: Sample, recipe: Recipe, batches: list[tuple[torch.Tensor, torch.Tensor]], replica: int
) -> tuple[nn.Module, list[float]]:
    """A plain loop on the batches noted, and the validation loss after each epoch."""
    torch.manual_seed(SEEDS[replica])
    net = make(sample)
    optimiser = plain_optimiser(recipe, net)
    loss_of = (
        nn.CrossEntropyLoss(label_smoothing=recipe.smoothing) if sample.classes else nn.MSELoss()
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        patience=recipe.plateau.patience if recipe.plateau else 10**6,
        factor=recipe.plateau.factor if recipe.plateau else 0.5,
    )
    steps = len(batches) // recipe.epochs
    losses = []
    for done, (x, y) in enumerate(batches, 1):
        optimiser.zero_grad()
        loss_of(net(x[replica]), y[replica]).backward()
        optimiser.step()
        if done % steps == 0:
            val = nn.CrossEntropyLoss() if sample.classes else nn.MSELoss()
            losses.append(val(net(sample.val.x[replica]), sample.val.y[replica]).item())
            scheduler.step(losses[-1])
    return net, losses


RECIPES = {
    "AdamW": Recipe(3, 32, lr=RATE, decay=0.5),
    "Adam, biases spared": Recipe(3, 32, "Adam", RATE, decay=0.1, decay_biases=False),
    "SGD, smoothed": Recipe(3, 32, "SGD", 0.1, decay=0.01, smoothing=0.2),
    "momentum": Recipe(3, 32, "momentum", 0.05),
    "AdamW, falling": Recipe(12, 32, lr=RATE, decay=0.5, plateau=Plateau(0, 0.5)),
    "momentum, falling": Recipe(12, 32, "momentum", 0.1, plateau=Plateau(1, 0.1)),
}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("data", ["breast cancer", "diabetes"])
def test_each_replica_trains_as_a_plain_loop_would_train_it(name: str, data: SampleName) -> None:
    sample, watcher = small_sample(data), Watcher()
    recipe = Recipe(**{**vars(RECIPES[name]), "change": watcher})
    history = fit(partial(make, sample), sample, recipe)
    nets = history.nets.unstack()
    for replica in range(len(SEEDS)):
        net, losses = trained_alone(sample, recipe, watcher.batches, replica)
        assert history.val_loss[:, replica].tolist() == pytest.approx(losses, rel=1e-3)
        for key, value in net.state_dict().items():
            torch.testing.assert_close(nets[replica].state_dict()[key], value, rtol=5e-3, atol=5e-4)


def test_rates_fall_for_each_replica_by_itself() -> None:
    sample = small_sample()
    recipe = Recipe(12, 32, lr=RATE, plateau=Plateau(0, 0.5))
    falling = fit(partial(make, sample), sample, recipe).val_loss
    constant = fit(partial(make, sample), sample, Recipe(12, 32, lr=RATE)).val_loss
    first = (falling != constant).argmax(axis=0)
    assert len(set(first.tolist())) > 1


def test_an_epoch_has_every_row_once_but_a_single_one_left_over() -> None:
    sample, watcher = small_sample(), Watcher()
    fit(partial(make, sample), sample, Recipe(2, 50, change=watcher))
    assert [x.shape[1] for x, _ in watcher.batches] == [50, 50, 50, 50]
    watcher = Watcher()
    fit(partial(make, sample), sample, Recipe(1, 30, change=watcher))
    seen = torch.cat([x for x, _ in watcher.batches], dim=1)
    assert torch.equal(seen.sort(dim=1).values, sample.train.x.sort(dim=1).values)


def test_recipes_share_weights_and_batches_whatever_their_masks() -> None:
    sample = small_sample()
    seen = []
    for rate in (None, 0.5):
        watcher = Watcher()
        fit(
            lambda rate=rate: mlp(sample.features, sample.classes, dropout=rate),  # type: ignore[misc]
            sample,
            Recipe(2, 32, lr=1e-9, change=watcher),
        )
        seen.append(watcher.batches)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(*seen, strict=True))


def test_watching_changes_no_step() -> None:
    sample = small_sample()
    often, seldom = (
        fit(
            lambda: mlp(sample.features, sample.classes, dropout=0.5),
            sample,
            Recipe(4, 32, watch_every=every),
        )
        for every in (1, 3)
    )
    assert often.epochs.tolist() == [1, 2, 3, 4]
    assert seldom.epochs.tolist() == [3, 4]
    assert np.array_equal(often.test_loss[[2, 3]], seldom.test_loss)


def test_a_fit_leaves_the_global_stream_as_it_was() -> None:
    sample = small_sample()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    fit(partial(make, sample), sample, Recipe(1))
    assert torch.equal(torch.rand(1), expected)


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

    sample = small_sample("wine")
    history = fit(partial(make, sample), sample, Recipe(2))
    p = logits(history.nets, sample.test).double().softmax(-1).numpy()
    y = sample.test.y.numpy()
    for replica in range(len(SEEDS)):
        assert history.last("test_score")[replica] == pytest.approx(
            accuracy_score(y[replica], p[replica].argmax(-1))
        )
        assert history.last("test_loss")[replica] == pytest.approx(
            log_loss(y[replica], p[replica], labels=[0, 1, 2]), rel=1e-4
        )
    sample = small_sample("diabetes")
    history = fit(partial(make, sample), sample, Recipe(2))
    out = logits(history.nets, sample.train).numpy()
    y = sample.train.y.numpy()
    for replica in range(len(SEEDS)):
        pair = y[replica], out[replica]
        assert history.last("train_loss")[replica] == pytest.approx(mean_squared_error(*pair))
        assert history.last("train_score")[replica] == pytest.approx(r2_score(*pair), abs=1e-5)


def test_a_penalty_on_squares_trains_like_half_its_decay_of_sgd() -> None:
    def squares(nets: Replicas) -> torch.Tensor:
        terms = [p.square().flatten(1).sum(1) for p in nets.parameters()]
        return 0.01 * torch.stack(terms).sum(0)

    sample = small_sample()
    penalised = fit(partial(make, sample), sample, Recipe(3, 32, "SGD", 0.1, penalty=squares))
    decayed = fit(partial(make, sample), sample, Recipe(3, 32, "SGD", 0.1, decay=0.02))
    np.testing.assert_allclose(penalised.test_loss, decayed.test_loss, rtol=1e-4)
    assert decayed.decayed == pytest.approx(0.1 * 0.02 * 3 * 4)


def test_probabilities_of_one_class_train_like_the_class() -> None:
    sample = small_sample("wine")

    def one_hot(
        x: torch.Tensor, y: torch.Tensor, _: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return x, functional.one_hot(y, 3).float()

    plain, hot = (
        fit(partial(make, sample), sample, Recipe(2, 32, change=change, smoothing=0.1))
        for change in (None, one_hot)
    )
    np.testing.assert_allclose(plain.test_loss, hot.test_loss, rtol=1e-4)


def test_what_is_called_after_steps_and_epochs_may_change_the_networks() -> None:
    sample = small_sample()
    calls: list[int] = []

    def nothing_left(nets: Replicas) -> None:
        calls.append(0)
        with torch.no_grad():
            for parameter in nets.parameters():
                parameter.zero_()

    history = fit(
        partial(make, sample),
        sample,
        Recipe(2, 50),
        after_step=nothing_left,
        after_epoch=lambda _, done: calls.append(done),
    )
    assert calls == [0, 0, 1, 0, 0, 2]
    assert history.last("val_loss").tolist() == pytest.approx([np.log(2)] * len(SEEDS))


def history_of(val_loss: list[list[float]]) -> History:
    values = np.array(val_loss).T
    nets = Replicas([nn.Linear(1, 1) for _ in val_loss])
    rows = np.arange(values.size, dtype=float).reshape(values.shape)
    return History(
        np.arange(2, 2 * len(values) + 1, 2), rows, rows, values, rows, rows, rows, nets, 0.0
    )


def test_early_stopping_keeps_the_lowest_loss_before_it_stops() -> None:
    history = history_of([[5, 4, 4.5, 4.6, 1], [3, 2, 1, float("nan"), 0.5], [1, 2, 3, 4, 5]])
    assert history.best().tolist() == [4, 4, 0]
    assert history.best(patience=2).tolist() == [1, 4, 0]
    assert history.stopped(patience=2).tolist() == [8, 10, 6]
    assert history.stopped(patience=1, min_delta=1.5).tolist() == [4, 4, 4]
    assert history.at("test_score", history.best(patience=2)).tolist() == [3, 13, 2]
    assert history.last("train_score").tolist() == [12, 13, 14]


def test_names_that_do_not_exist_are_refused() -> None:
    sample = small_sample()
    with pytest.raises(HarnessError, match="no optimiser 'Adagrad'"):
        fit(partial(make, sample), sample, Recipe(1, optimiser="Adagrad"))
    with pytest.raises(HarnessError, match="no 'accuracy'"):
        history_of([[1.0]]).last("accuracy")
