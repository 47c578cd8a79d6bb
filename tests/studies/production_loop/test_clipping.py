"""Clipping, scales, sizes and times against known truths."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate, cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness import Arm, Block
from harness.workloads import Replicas, load_split, mlp
from studies.production_loop.checkpoint_share import STEPS, share, timed
from studies.production_loop.clipping import (
    DEEP,
    EXPLODED,
    MOST,
    RECURRENT,
    clip,
    forward,
    keep,
    network_class,
    summary,
)
from studies.production_loop.cost_table import CLIP, LOG, SAVE, STEP, component
from studies.production_loop.eight_gigabytes import model_of
from studies.production_loop.file_size import measure as measured_file
from studies.production_loop.logged_loss import Cell, script
from studies.production_loop.loop import as_printed, train
from studies.production_loop.scaled_clipping import OFF, SCALED, UNSCALED, measure, norm_of
from studies.production_loop.workloads import TOY, job


def some_nets(kind: str) -> list[nn.Module]:
    torch.manual_seed(0)
    return [network_class(kind)() for _ in range(3)]


@pytest.mark.parametrize("kind", [RECURRENT, DEEP])
def test_replicas_pass_forward_as_each_network_by_itself(kind: str) -> None:
    nets = some_nets(kind)
    x = torch.rand(3, 4, 64)
    alone = torch.stack([net(rows) for net, rows in zip(nets, x, strict=True)])
    assert torch.allclose(forward(Replicas(nets), x), alone, atol=1e-5, rtol=1e-4)


def test_each_replica_is_clipped_as_clip_grad_norm_does_it() -> None:
    nets = [mlp(4, 2) for _ in range(3)]
    replicas = Replicas(nets)
    x = torch.randn(3, 8, 4) * torch.tensor([0.01, 1.0, 100.0]).view(3, 1, 1)
    replicas(x).square().sum().backward()
    for net, rows in zip(nets, x, strict=True):
        net(rows).square().sum().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    clip(replicas, 1.0)
    alone = [[p.grad for p in net.parameters() if p.grad is not None] for net in nets]
    for place, parameter in enumerate(replicas.parameters()):
        for replica in range(3):
            assert torch.allclose(parameter.grad[replica], alone[replica][place], atol=1e-6)  # type: ignore[index]


def test_replicas_that_exploded_get_no_gradient() -> None:
    replicas = Replicas([mlp(4, 2) for _ in range(2)])
    replicas(torch.randn(2, 8, 4)).sum().backward()
    keep(replicas, torch.tensor([True, False]))
    norms = replicas.gradient_norms()
    assert norms[0] > 0
    assert norms[1] == 0


def test_an_explosion_is_ten_times_the_first_loss_or_no_number() -> None:
    losses = np.array([[1.0, 1.0, 1.0], [2.0, EXPLODED, np.nan], [0.5, 1.0, 1.0]])
    found = summary(losses, losses, losses)
    assert found["exploded"].tolist() == [0, 1, 1]
    assert found["loss"][:, 1].tolist() == [1.0, MOST, MOST]


@pytest.mark.parametrize("gradients", [UNSCALED, SCALED, OFF])
def test_the_true_norm_does_not_depend_on_the_scale(gradients: str) -> None:
    arm = Arm((("net", "perceptron"), ("gradients", gradients)))
    plain = Arm((("net", "perceptron"), ("gradients", OFF)))
    assert measure(Block(0, 3, 3), arm)["true_norm"] == measure(Block(0, 3, 3), plain)["true_norm"]


def test_a_norm_is_that_of_all_numbers_together() -> None:
    assert norm_of([torch.tensor([3.0]), torch.tensor([[4.0]])]) == pytest.approx(5.0)


def test_a_checkpoint_as_long_as_a_step_is_one_hundredth_of_99_steps_and_itself() -> None:
    assert share(1.0, 99) == pytest.approx(1.0)
    assert share(99.0, 99) == pytest.approx(50.0)


def test_a_checkpoint_is_timed_in_training_steps(tmp_path: Path) -> None:
    times = iter(range(1000))
    found = timed(TOY, Block(0, 1, 1, effort=2), tmp_path, lambda: float(next(times)))
    assert found.length == pytest.approx(STEPS)  # a reading lasts 1, and a step a fifth of it
    assert found.again == found.still == pytest.approx(1.0)
    assert (tmp_path / "checkpoint.pt").exists()


def test_what_the_steps_after_a_checkpoint_take_longer_is_its_cost(tmp_path: Path) -> None:
    lasting = cycle([0.0, 5.0, 0.0, 5.0, 0.0, 7.0, 0.0, 10.0])  # seconds between two readings
    times = accumulate(lasting)
    found = timed(TOY, Block(0, 1, 1, effort=2), tmp_path, lambda: next(times))
    assert found.length == pytest.approx(7.0 + 5.0)  # steps of a second: itself, and five more
    assert found.again == pytest.approx(2.0)
    assert found.still == pytest.approx(1.0)


def test_components_do_their_work_at_every_call(tmp_path: Path) -> None:
    made = job(TOY, 8, "cpu", 0)
    tasks = {work: component(made, work, tmp_path) for work in (STEP, SAVE, CLIP, LOG)}
    for _ in range(2):
        for task in tasks.values():
            task()
    held = torch.load(tmp_path / "checkpoint.pt", weights_only=False)
    assert held["model"].keys() == made.net.state_dict().keys()
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 2
    tasks[CLIP]()
    norm = torch.cat([p.grad.flatten() for p in made.net.parameters()]).norm()  # type: ignore[union-attr]
    assert norm <= 1.0 + 1e-5


def test_a_step_in_micro_batches_moves_the_weights_as_one_at_once() -> None:
    ends = []
    for parts in (1, 8):
        made = job(TOY, 64, "cpu", 0)
        sgd = torch.optim.SGD(made.net.parameters(), lr=1.0)
        replace(made, optimiser=sgd).step(parts)
        ends.append(torch.cat([p.detach().flatten() for p in made.net.parameters()]))
    assert torch.allclose(ends[0], ends[1], atol=1e-5)


def test_a_file_of_weights_has_their_size() -> None:
    arm = Arm((("optimiser", "SGD"), ("model", "model of 17 MB")))
    found = measured_file(Block(0, 0, 0), arm)
    assert found["weights_alone"] == pytest.approx(1.0, abs=0.01)
    assert found["more"] == pytest.approx(float(found["ratio"]) - float(found["weights_alone"]))  # type: ignore[arg-type]


def test_the_log_of_one_batch_an_epoch_is_the_epochs_loss() -> None:
    split = load_split("digits", 0)
    cell = Cell(split, 0, 1)
    own: list[float] = []
    work = script(cell, own)
    work.batches = lambda: [(split.train_x, split.train_y)]
    lines: list[dict[str, float]] = []
    train(work, as_printed(log=lambda line: lines.append(dict(line))))
    assert [line["train_loss"] for line in lines] == own


def test_a_model_whose_attention_keeps_no_scores_has_no_dropout_there() -> None:
    from studies.memory.large import BERT

    def rates(*, dropout: bool) -> dict[str, float]:
        with torch.device("meta"):
            net = model_of(BERT, dropout=dropout)
        return {p: m.p for p, m in net.named_modules() if isinstance(m, nn.Dropout)}

    inside = [path for path in rates(dropout=True) if ".self." in path]
    assert len(inside) == 12
    assert {rates(dropout=True)[path] for path in inside} == {0.0}
    assert set(rates(dropout=False).values()) == {0.0}
    assert set(rates(dropout=True).values()) == {0.0, 0.1}
