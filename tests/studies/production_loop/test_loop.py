"""The loop against loops written out by hand, and against the calculator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from harness.workloads.arithmetic import Run, looped
from studies.production_loop.checkpoints import ITEMS
from studies.production_loop.loop import Components, Events, as_printed, train
from studies.production_loop.printed_script import gradient, logged, saved, updates
from studies.production_loop.scripts import ADAM, NORMED, Script, begin
from studies.production_loop.tiny import tiny
from studies.production_loop.updates import (
    NONE,
    by_loop,
    ceiling,
    counting_on,
    flushing,
    listed,
    parted,
    printed,
)


def weights(script: Script) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in script.work.trained.net.parameters()])


@pytest.mark.parametrize("name", [ADAM, NORMED])
def test_with_every_component_off_it_is_the_minimal_loop(name: str) -> None:
    script = begin(name, 3)
    train(script.work, Components())
    by_hand = begin(name, 3)
    net, optimiser, scheduler = by_hand.work.trained
    for epoch in range(by_hand.work.epochs):
        net.train()
        for x, y in by_hand.work.batches():
            optimiser.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimiser.step()
        scheduler.step()
        by_hand.work.validate(epoch)
    assert torch.equal(weights(script), weights(by_hand))


def test_a_gradient_that_is_clipped_is_as_long_as_the_limit() -> None:
    script = begin(ADAM, 0)
    lengths = []

    def look(*_: object) -> None:
        net = script.work.trained.net
        gradients = [p.grad.flatten() for p in net.parameters() if p.grad is not None]
        lengths.append(torch.cat(gradients).norm().item())

    script.work.trained.optimiser.register_step_pre_hook(look)
    events = train(script.work, Components(clip=0.01))
    assert min(events.norms) > 0.01
    assert lengths == pytest.approx([0.01] * len(lengths), rel=1e-3)


@pytest.mark.parametrize(
    "run", [Run(100, 8, 2, 4), Run(96, 8, 3, 4), Run(40, 8, 1, 4), Run(65, 16, 2, 1)]
)
def test_it_makes_the_updates_of_the_calculator(run: Run) -> None:
    assert by_loop(run, listed(run)) == looped(run).updates
    assert by_loop(run, printed(run)) == looped(run).updates
    assert by_loop(run, flushing(run)) == run.updates


def test_counting_on_leaves_the_rest_for_the_end_alone() -> None:
    assert counting_on(Run(10, 1, 3, 4)) == 30 // 4


def test_the_loss_of_an_update_is_divided_by_its_batches() -> None:
    assert gradient(Components(accumulate=4)) == pytest.approx((1 + 2 + 3 + 4) / 4)


def test_updates_come_on_every_kth_batch() -> None:
    assert updates(Components(accumulate=5)) == (5, 10)
    assert updates(Components(accumulate=5, flush=True)) == (5, 10, 12)


def test_it_saves_after_every_epoch_or_after_better_ones() -> None:
    assert saved(Components()) == tuple(range(10))
    assert saved(Components(save_when="better")) == (0, 1, 2, 3)


def test_the_log_has_the_last_loss_as_the_loop_has_it() -> None:
    lines: list[dict[str, float]] = []
    train(tiny([2.0, 6.0], 1), Components(accumulate=2, log=lambda line: lines.append(dict(line))))
    # The weight is 0 before the only update: what is logged is the scaled loss of the last batch.
    assert [line["train_loss"] for line in lines] == [0.0]
    assert set(lines[0]) == set(logged())


def test_early_stopping_ends_the_run() -> None:
    events = train(tiny(1, 50, float), Components(patience=3))
    assert events.epochs == [0, 1, 2, 3]


def test_a_run_that_is_resumed_with_everything_ends_as_if_never_stopped(tmp_path: Path) -> None:
    whole = begin(NORMED, 1)
    train(whole.work, Components())

    class CrashError(Exception):
        pass

    def crash(epoch: int, batch: int) -> None:
        if (epoch, batch) == (2, 1):
            raise CrashError

    path = tmp_path / "checkpoint.pt"
    with pytest.raises(CrashError):
        train(begin(NORMED, 1).work, Components(path=path), Events(after_batch=crash))
    again = begin(NORMED, 1)
    events = train(again.work, Components(path=path, resume=ITEMS))
    assert events.epochs == [2, 3]
    assert torch.equal(weights(again), weights(whole))


def test_the_printed_script_begins_with_the_epoch_that_the_file_names(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    train(tiny(1, 2, lambda epoch: -float(epoch)), as_printed(path=path))
    events = train(tiny(1, 4, lambda epoch: -float(epoch)), as_printed(path=path))
    assert events.epochs[0] == 1


def test_numbers_are_named_for_which_loop_and_formula_part() -> None:
    whole, over = Run(16, 2, accumulate=4), Run(18, 2, accumulate=4)
    assert parted([whole], ceiling) == NONE
    assert parted([whole, over], ceiling) == "18 / (2 x 4): 2 for 3"
