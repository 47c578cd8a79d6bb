"""Repeated validation of networks whose swing, bias and flips are known in closed form."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.meters.device import TorchDevice
from harness.workloads.datasets import Split, load_split
from harness.workloads.networks import mlp
from harness.workloads.training import fit_classifier
from studies.eval_variance.swings import Trained, measure, prepare
from studies.eval_variance.validation import ever_flips, flip_rate, validate_repeatedly

ROWS, PASSES = 80, 500


def start(seed: int) -> None:
    """Streams and threads as the runner sets them before an arm."""
    TorchDevice("cpu").start(seed, threads=1)


def coin(p: float) -> nn.Module:
    """A network that is right unless dropout takes its only input, with probability p.

    It gives logit 1 / (1 - p) to class 0 if the input is kept, 0 if not, against 0.5 for class 1.
    """
    read_out = nn.Linear(1, 2)
    with torch.no_grad():
        read_out.weight.copy_(torch.tensor([[1.0], [0.0]]))
        read_out.bias.copy_(torch.tensor([0.0, 0.5]))
    return nn.Sequential(nn.Dropout(p), read_out)


def cell_of(model: nn.Module, p: float, passes: int = PASSES) -> Trained:
    x, y = torch.ones(ROWS, 1), torch.zeros(ROWS, dtype=torch.int64)
    return Trained({"digits": Split(x, y, x, y, 2)}, {("digits", p): model}, passes)


def measured(cell: Trained, p: float, mode: str, seed: int = 0) -> dict[str, Any]:
    start(seed)
    return dict(measure(cell, Arm((("data", "digits"), ("dropout", p), ("mode", mode)))))


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5])
def test_mean_spread_bias_and_flips_are_those_of_a_coin(p: float) -> None:
    seen = measured(cell_of(coin(p), p), p, "train")
    accuracy = np.array(seen["accuracy"])
    sd = math.sqrt(p * (1 - p) / ROWS)
    assert accuracy.mean() == pytest.approx(1 - p, abs=5 * sd / math.sqrt(PASSES))
    assert accuracy.std(ddof=1) == pytest.approx(sd, rel=5 / math.sqrt(2 * PASSES))
    assert seen["miss"] == pytest.approx(1 - accuracy.mean())
    assert seen["flip_rate"] == pytest.approx(2 * p * (1 - p), abs=0.02)
    stays = (1 - p) ** 20 + p**20  # all of 20 calls alike
    assert seen["ever_flips"] == pytest.approx(1 - stays, abs=5 * math.sqrt(stays / ROWS) + 1e-9)


def test_mean_loss_is_that_of_a_coin() -> None:
    p = 0.5
    kept, dropped = math.log(1 + math.exp(0.5 - 2)), math.log(1 + math.exp(0.5))
    seen = measured(cell_of(coin(p), p), p, "train")
    assert np.mean(seen["loss"]) == pytest.approx((kept + dropped) / 2, abs=0.02)


def test_a_trained_network_swings_as_one_written_in_numpy_with_masks_of_its_own() -> None:
    start(0)
    split, p = load_split("wine", seed=0), 0.5
    model = fit_classifier(mlp(13, 3, dropout=p), split.train_x, split.train_y, seed=0, epochs=10)
    cell = Trained({"wine": split}, {("wine", p): model}, PASSES)
    start(1)
    seen = measure(cell, Arm((("data", "wine"), ("dropout", p), ("mode", "train"))))
    weights = [parameter.detach().numpy().astype(float) for parameter in model.parameters()]
    stream, by_hand = np.random.default_rng(0), []
    for _ in range(PASSES):
        h = split.val_x.numpy().astype(float)
        for weight, bias in (weights[:2], weights[2:4]):
            h = np.maximum(h @ weight.T + bias, 0)
            h = h * (stream.random(h.shape) >= p) / (1 - p)
        logits = h @ weights[-2].T + weights[-1]
        by_hand.append(float((logits.argmax(axis=1) == split.val_y.numpy()).mean()))
    accuracy, sd = np.array(seen["accuracy"]), float(np.std(by_hand))
    assert sd > 0.005
    assert accuracy.mean() == pytest.approx(np.mean(by_hand), abs=5 * sd * math.sqrt(2 / PASSES))
    assert accuracy.std() == pytest.approx(sd, rel=0.2)


def test_eval_mode_gives_one_value_whatever_the_stream() -> None:
    cell = cell_of(coin(0.5), 0.5, passes=20)
    seen = [measured(cell, 0.5, "eval", seed) for seed in (0, 1)]
    assert seen[0] == seen[1]
    assert set(seen[0]["accuracy"]) == {1.0}
    assert seen[0]["miss"] == seen[0]["flip_rate"] == seen[0]["ever_flips"] == 0


def test_arms_do_not_depend_on_their_order() -> None:
    cell = cell_of(coin(0.2), 0.2, passes=20)
    forward = [measured(cell, 0.2, mode) for mode in ("train", "eval")]
    backward = [measured(cell, 0.2, mode) for mode in ("eval", "train")]
    assert forward == backward[::-1]


def test_passes_one_by_one_are_distributed_as_one_pass_over_stacked_rows() -> None:
    start(0)
    model = coin(0.3).train()
    x, y = torch.ones(ROWS, 1), torch.zeros(ROWS, dtype=torch.int64)
    singly = validate_repeatedly(model, x, y, PASSES).accuracy
    stacked = validate_repeatedly(model, x.repeat(PASSES, 1), y.repeat(PASSES), 1).correct
    together = stacked.view(PASSES, ROWS).double().mean(dim=1)
    assert float(singly.mean()) == pytest.approx(float(together.mean()), abs=0.016)
    assert float(singly.std()) == pytest.approx(float(together.std()), rel=0.2)


def test_validation_builds_no_graph_and_keeps_the_mode() -> None:
    model = coin(0.5).train()
    passes = validate_repeatedly(model, torch.ones(3, 1), torch.zeros(3, dtype=torch.int64), 2)
    assert model.training
    assert not passes.loss.requires_grad
    assert passes.correct.shape == (2, 3)


def test_flip_rate_is_the_share_of_differing_pairs() -> None:
    predicted = torch.randint(0, 4, (7, 5), generator=torch.Generator().manual_seed(0))
    pairs = list(itertools.combinations(range(7), 2))
    differing = sum(int((predicted[i] != predicted[j]).sum()) for i, j in pairs)
    assert flip_rate(predicted, 4) == pytest.approx(differing / (5 * len(pairs)))


def test_ever_flips_counts_inputs_not_passes() -> None:
    predicted = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 0], [0, 2, 2, 3]])
    assert ever_flips(predicted) == 0.5


def test_a_block_repeats_exactly_and_at_p_0_the_modes_agree() -> None:
    start(0)
    cell = prepare(Block(0, seed=3, shared_seed=0, effort=2))
    seen = [
        dict(measure(cell, Arm((("data", "wine"), ("dropout", 0.0), ("mode", mode)))))
        for mode in ("eval", "train")
    ]
    assert seen[0] == seen[1]
    other = prepare(Block(0, seed=3, shared_seed=0, effort=2))
    for key, network in cell.networks.items():
        same = zip(network.parameters(), other.networks[key].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in same)
