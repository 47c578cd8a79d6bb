"""Checkpoints: what is put back, and nothing else."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.production_loop.checkpoints import (
    ITEMS,
    NUMPY,
    OPTIMISER,
    PYTHON,
    SCHEDULER,
    TORCH,
    WEIGHTS,
    Counters,
    restore,
    save,
)
from studies.production_loop.loop import Components, train
from studies.production_loop.processes import ALL, PRINTED, WAYS, trained, without
from studies.production_loop.scripts import ADAM, BY_NUMPY, BY_PYTHON, DRAWS, SCRIPTS, begin
from studies.production_loop.state_dicts import NOTHING, holds, missing, parts, same


def state(script: object) -> dict[str, object]:
    """Everything that has state, by item."""
    net, optimiser, scheduler = script.work.trained  # type: ignore[attr-defined]
    return {
        WEIGHTS: {name: x.clone() for name, x in net.state_dict().items()},
        OPTIMISER: str(optimiser.state_dict()["state"]),
        SCHEDULER: scheduler.last_epoch,
        TORCH: torch.get_rng_state(),
        NUMPY: str(np.random.get_state()),  # noqa: NPY002 - the state that is saved
        PYTHON: random.getstate(),
    }


def disturb() -> None:
    torch.rand(3), np.random.random(3), random.random()  # noqa: NPY002 - as above


@pytest.mark.parametrize("item", [item for item in ITEMS if item != "counters"])
def test_an_item_that_is_named_is_put_back_and_no_other(item: str, tmp_path: Path) -> None:
    script, path = begin(ADAM, 0), tmp_path / "c.pt"
    train(script.work, Components())
    save(path, script.work.trained, Counters(3, 5, 0.5))
    kept = state(script)
    other = begin(ADAM, 1)
    disturb()
    before = state(other)
    restore(path, other.work.trained, [item])
    after = state(other)
    assert same(after[item], kept[item])
    assert all(same(after[name], before[name]) for name in after if name != item)


def test_the_counters_are_those_of_the_file(tmp_path: Path) -> None:
    script = begin(ADAM, 0)
    save(tmp_path / "c.pt", script.work.trained, Counters(3, 5, 0.5))
    assert restore(tmp_path / "c.pt", script.work.trained, []) == Counters(3, 5, 0.5)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_draws_from_the_generators_that_it_names(name: str) -> None:
    script = begin(name, 0)
    before = state(script)
    for _ in script.work.batches():
        pass
    after = state(script)
    moved = {g for g in (TORCH, NUMPY, PYTHON) if not same(before[g], after[g])}
    assert moved == set(DRAWS[name])


@pytest.mark.parametrize("name", [ADAM, BY_NUMPY, BY_PYTHON])
def test_a_script_is_its_seed(name: str, tmp_path: Path) -> None:
    answers = [trained(name, seed, tmp_path / "x.pt")["weights"] for seed in (4, 4, 5)]
    assert answers[0] == answers[1] != answers[2]


def test_ways_leave_out_what_they_say() -> None:
    assert set(WAYS[ALL].items) == set(ITEMS)
    assert set(ITEMS) - set(WAYS[without(OPTIMISER)].items) == {OPTIMISER}
    assert not WAYS[PRINTED].begin_after


def test_a_process_is_killed_by_the_system_and_leaves_its_checkpoint(tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path\n"
        "from studies.production_loop.processes import killed\n"
        "path = Path(sys.argv[1]); status = killed(sys.argv[2], 0, path)\n"
        "print(json.dumps([status, path.exists()]))"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "c.pt"), ADAM]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=100)
    assert json.loads(done.stdout) == [-9, True]


def test_equal_values_are_told_from_others_however_deep() -> None:
    one = {"a": [torch.ones(2), (1, np.arange(3))]}
    assert same(one, {"a": [torch.ones(2), (1, np.arange(3))]})
    assert not same(one, {"a": [torch.ones(2), (1, np.arange(3) + 1)]})
    assert any(part == 1 and part is not True for part in parts(one) if isinstance(part, int))


def test_what_is_in_no_file_is_not_found() -> None:
    assert not holds("nothing")
    assert holds("weights")
    assert missing({"weights": "the weights"}) == NOTHING
    assert missing({"weights": "the weights", "nothing": "what nobody made"}) == "what nobody made"
