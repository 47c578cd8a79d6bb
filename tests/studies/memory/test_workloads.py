"""The training step that several experiments of this study count: against sizes by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.workloads.networks import tower
from studies.memory.workloads import CLASSES, MLP, NETS, StepParts, batch_of, network, training_step

DEPTH, WIDTH, ROWS = 3, 16, 32


def count(micro_batches: int = 1, rows: int = ROWS) -> StepParts:
    def build() -> tuple[nn.Module, Tensor, Tensor]:
        return tower(DEPTH, WIDTH), torch.rand(rows, WIDTH), torch.randint(WIDTH, (rows,))

    return training_step(build, "cpu", micro_batches)


def test_the_parts_of_a_step_are_those_of_a_calculation_by_hand() -> None:
    parts = count()
    parameters = DEPTH * (WIDTH * WIDTH + WIDTH)
    assert parts.parameters == parts.gradients == 4 * parameters
    counters = 2 * DEPTH * 4
    assert parts.optimiser == 2 * 4 * parameters + counters
    assert parts.batch == 4 * ROWS * WIDTH + 8 * ROWS
    relus, log_softmax, weight_of_loss = (DEPTH - 1) * ROWS * WIDTH, ROWS * WIDTH, 1
    assert parts.activations == 4 * (relus + log_softmax + weight_of_loss)


def test_a_step_holds_at_least_what_it_must_and_at_most_a_few_activations_more() -> None:
    parts = count(rows=4096)
    start_of_backward = parts.parameters + parts.optimiser + parts.activations + parts.batch
    assert start_of_backward <= parts.peak <= start_of_backward + 4 * 4 * 4096 * WIDTH


@pytest.mark.parametrize("micro_batches", [2, 8, 32])
def test_micro_batches_divide_the_activations_and_nothing_else(micro_batches: int) -> None:
    whole, pieces = count(), count(micro_batches)
    # The loss keeps one number whatever the batch.
    assert pieces.activations - 4 == (whole.activations - 4) / micro_batches
    for part in ("parameters", "gradients", "optimiser", "batch", "tensors"):
        factor = micro_batches if part == "tensors" else 1
        assert getattr(pieces, part) == factor * getattr(whole, part), part


def test_gradients_of_micro_batches_add_up_to_those_of_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What accumulation must not change; otherwise less memory would be no saving."""
    seen: dict[int, list[Tensor]] = {}

    class Recording(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            seen[pieces] = [p.grad.clone() for g in self.param_groups for p in g["params"]]

    monkeypatch.setattr(torch.optim, "Adam", Recording)
    for pieces in (1, 4):
        torch.manual_seed(0)
        count(pieces)
    for whole, accumulated in zip(seen[1], seen[4], strict=True):
        torch.testing.assert_close(whole, accumulated)


@pytest.mark.parametrize("net", NETS)
def test_each_network_classifies_its_own_batches(net: str) -> None:
    x, y = batch_of(net, 3, length=5)
    logits = network(net, 2)(x)
    assert logits.shape == (3, CLASSES)
    assert functional.cross_entropy(logits, y).isfinite()


def test_depth_counts_layers() -> None:
    layers = [layer for layer in network(MLP, 6).modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == 6 + 1
