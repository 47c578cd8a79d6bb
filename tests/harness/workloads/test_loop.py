"""The loop: with every switch off it is a plain one, and each switch changes its one thing."""

from __future__ import annotations

import copy
from itertools import combinations

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Block
from harness.errors import HarnessError
from harness.workloads.loop import OPTIMISERS, Log, Setting, train
from harness.workloads.switches import BUGS, CORRECT, Switches
from harness.workloads.tasks import (
    CNN,
    DIGITS,
    LINEAR,
    SPIRAL_TANH,
    TASKS,
    TrainingTask,
    make_task,
    spiral,
)

BLOCKS = (Block(0, 11, 5), Block(1, 12, 5))
SHORT = Setting(optimiser="Adam", lr=0.01, epochs=2, batch=64)
FREEZING = Setting("momentum", 0.05, epochs=3, batch=100, freeze_after=1, frozen=("0.",))


def plain_weights(name: str, setting: Setting, block: Block) -> tuple[nn.Module, list[float]]:
    """A training loop of one network as one would write it, and its losses."""
    task = make_task(name, [block])
    net = copy.deepcopy(task.networks[0])
    x, y = task.train.x[0], task.train.y[0]
    optimiser: torch.optim.Optimizer
    if setting.optimiser in ("SGD", "momentum"):
        momentum = 0.9 if setting.optimiser == "momentum" else 0.0
        optimiser = torch.optim.SGD(net.parameters(), lr=setting.lr, momentum=momentum)
    elif setting.optimiser == "Adam":
        optimiser = torch.optim.Adam(net.parameters(), lr=setting.lr, fused=True)
    else:
        optimiser = torch.optim.AdamW(net.parameters(), lr=setting.lr, fused=True)
    order = torch.Generator().manual_seed(block.seed)
    loss_of = nn.MSELoss() if name == LINEAR else nn.CrossEntropyLoss()
    losses = []
    for _ in range(setting.epochs):
        net.train()
        shuffled = torch.randperm(len(x), generator=order)
        for start in range(0, len(x) - setting.batch + 1, setting.batch):
            rows = shuffled[start : start + setting.batch]
            optimiser.zero_grad()
            loss = loss_of(net(x[rows]), y[rows])
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            net(task.val.x[0])
    return net, losses


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", [LINEAR, DIGITS, SPIRAL_TANH])
def test_with_every_switch_off_one_replica_is_a_plain_loop_bit_for_bit(
    name: str, optimiser: str
) -> None:
    setting = Setting(optimiser, lr=0.01, epochs=2, batch=64)
    log = train(make_task(name, BLOCKS[:1]), setting)
    net, losses = plain_weights(name, setting, BLOCKS[0])
    assert log.steps["loss"][:, 0].tolist() == losses
    trained = log.nets.unstack()[0].state_dict()
    assert all(torch.equal(trained[key], value) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", TASKS)
def test_replicas_train_as_each_would_alone(name: str) -> None:
    """But for rounding, and but for dropout, whose masks are those of the whole company."""
    setting = Setting("SGD", lr=0.05, epochs=1, batch=64)
    together = train(without_dropout(name, BLOCKS), setting)
    for place, block in enumerate(BLOCKS):
        alone = train(without_dropout(name, (block,)), setting)
        torch.testing.assert_close(
            together.steps["loss"][:, place], alone.steps["loss"][:, 0], rtol=1e-4, atol=1e-5
        )


def without_dropout(name: str, blocks: tuple[Block, ...]) -> TrainingTask:
    task = make_task(name, blocks)
    for net in task.networks:
        for layer in net.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    return task


def run(*bugs: str, name: str = CNN, setting: Setting = SHORT) -> Log:
    torch.manual_seed(3)
    return train(make_task(name, BLOCKS), setting, Switches.of(*bugs))


def test_two_runs_with_the_same_switches_are_the_same() -> None:
    first, second = run(), run()
    assert torch.equal(first.steps["loss"], second.steps["loss"])
    assert torch.equal(first.epochs["val_loss"], second.epochs["val_loss"])


def test_kept_gradients_are_the_sum_of_all_so_far() -> None:
    setting = Setting("SGD", lr=0.0, epochs=1, batch=64)
    log, right = (
        run("keep_gradients", name=LINEAR, setting=setting),
        run(name=LINEAR, setting=setting),
    )
    assert log.steps["gradient_norm"][-1].gt(2 * right.steps["gradient_norm"][-1]).all()
    task = make_task(LINEAR, BLOCKS[:1])
    net, x, y = copy.deepcopy(task.networks[0]), task.train.x[0], task.train.y[0]
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(BLOCKS[0].seed))
    for rows in order[: len(x) - len(x) % 64].split(64):
        functional.mse_loss(net(x[rows]), y[rows]).backward()
    norm = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]).norm()
    torch.testing.assert_close(log.steps["gradient_norm"][-1, 0], norm)


def test_evaluating_in_train_mode_makes_validation_random_and_moves_batch_norm() -> None:
    log, right = run("evaluate_in_train_mode"), run()
    assert torch.equal(log.epochs["true_val_loss"][0], right.epochs["true_val_loss"][0])
    assert not torch.equal(log.epochs["val_loss"][0], right.epochs["val_loss"][0])
    assert torch.equal(log.steps["loss"], right.steps["loss"]), "training has its own stream"
    buffers = dict(log.nets.named_buffers()), dict(right.nets.named_buffers())
    assert not torch.equal(buffers[0]["2.running_mean"], buffers[1]["2.running_mean"])


def test_training_in_eval_mode_drops_nothing_and_leaves_the_statistics() -> None:
    log = run("train_in_eval_mode")
    assert all((x == 0).all() for n, x in log.nets.named_buffers() if n.endswith("running_mean"))
    assert not log.nets.training


def test_kept_outputs_have_graphs_and_change_nothing_else() -> None:
    log, right = run("keep_outputs", name=DIGITS), run(name=DIGITS)
    assert len(log.kept) == len(log.steps["loss"])
    assert all(outputs.grad_fn is not None for outputs in log.kept)
    assert right.kept == []
    assert torch.equal(log.steps["loss"], right.steps["loss"])


def test_a_stale_optimiser_still_has_what_was_frozen() -> None:
    log, right = (run(*bugs, name=DIGITS, setting=FREEZING) for bugs in (("stale_optimiser",), ()))
    groups = [len(one.optimiser.param_groups[0]["params"]) for one in (log, right)]
    assert groups == [6, 4]
    assert torch.equal(log.steps["loss"], right.steps["loss"]), "without gradients nothing moves"


def test_freezing_keeps_the_momentum_of_what_is_left() -> None:
    frozen = run(name=DIGITS, setting=FREEZING)
    (group,) = frozen.optimiser.param_groups
    states = [frozen.optimiser.state[p]["momentum_buffer"] for p in group["params"]]
    assert len(states) == 4


def test_a_leak_puts_validation_rows_in_the_place_of_others() -> None:
    task = make_task(DIGITS, BLOCKS)
    leaky = task.with_leak()
    rows = task.val.x.shape[1]
    assert leaky.train.x.shape == task.train.x.shape
    assert torch.equal(leaky.train.x[:, :rows], task.val.x)
    assert torch.equal(leaky.train.y[:, :rows], task.val.y)
    assert torch.equal(leaky.train.x[:, rows:], task.train.x[:, rows:])
    assert torch.equal(task.with_leak(0.0).train.x, task.train.x)


def test_a_loss_on_the_cpu_is_the_same_loss() -> None:
    assert torch.equal(run("loss_on_cpu").steps["loss"], run().steps["loss"])


@pytest.mark.parametrize("pair", list(combinations(BUGS, 2)))
def test_all_pairs_of_bugs_combine(pair: tuple[str, str]) -> None:
    setting = Setting("SGD", 0.01, epochs=2, batch=100, freeze_after=1, frozen=("0.",))
    log = run(*pair, name=SPIRAL_TANH, setting=setting)
    assert log.steps["loss"].isfinite().all()


def test_no_bug_is_on_by_default() -> None:
    assert not any(vars(CORRECT).values())
    assert len(BUGS) == 7


def test_the_task_is_left_as_it_was() -> None:
    task = make_task(DIGITS, BLOCKS)
    before = copy.deepcopy(task.networks[0].state_dict())
    train(task, SHORT, Switches.of("keep_gradients"))
    after = task.networks[0].state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


@pytest.mark.parametrize("name", TASKS)
def test_the_three_parts_of_a_task_are_disjoint_and_differ_between_replicas(name: str) -> None:
    task = make_task(name, BLOCKS)
    parts = (task.train, task.val, task.production)
    sizes = [part.x.shape[1] for part in parts]
    rows = torch.cat([part.x[0] for part in parts])
    assert sizes[1] == sizes[2] == round(0.2 * sum(sizes))
    if name != LINEAR:  # of the digits, no two are the same; nor are points of a spiral
        assert len(rows.unique(dim=0)) == sum(sizes)
    assert not torch.equal(task.val.x[0], task.val.x[1])


def test_the_arms_of_a_spiral_mirror_each_other() -> None:
    x, y = spiral(100, 0.0, 1)
    torch.testing.assert_close(x[y == 0], -x[y == 1])
    assert float(x.norm(dim=1).max()) == pytest.approx(2)


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(HarnessError, match="no task 'poems'"):
        make_task("poems", BLOCKS)
    with pytest.raises(HarnessError, match="no optimiser 'prayer'"):
        train(make_task(LINEAR, BLOCKS), Setting("prayer"))
    with pytest.raises(TypeError):
        Switches.of("typo")
