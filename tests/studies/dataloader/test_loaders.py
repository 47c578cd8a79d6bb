"""Workers end with their process, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pytest
import torch

from studies.dataloader.loaders import make_loader, read_all

REPOSITORY = Path(__file__).parents[3]

DYING = """
import sys, time
from studies.dataloader.loaders import make_loader
loader = make_loader(range(8), num_workers=2, persistent_workers=True)
rows = iter(loader)
next(rows)
print("loading", flush=True)
time.sleep(60)
"""


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_workers_end_soon_after_their_process_is_killed() -> None:
    with start(DYING) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "loading"
        workers = psutil.Process(process.pid).children()
        process.kill()
    assert len(workers) == 2
    end = time.monotonic() + 30
    while any(worker.is_running() for worker in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(worker.is_running() for worker in workers)


@pytest.mark.parametrize("persistent", [False, True])
def test_no_worker_outlives_its_loader(persistent: bool) -> None:
    before = set(psutil.Process().children())
    loader = make_loader(range(8), num_workers=2, persistent_workers=persistent)
    read_all(loader)
    assert bool(set(psutil.Process().children()) - before) == persistent
    del loader
    assert set(psutil.Process().children()) == before


def test_more_workers_than_cores_and_pinning_without_a_gpu_go_without_saying() -> None:
    with warnings.catch_warnings(record=True) as said:
        many = 4 * (psutil.cpu_count() or 1)
        next(iter(make_loader(range(8), num_workers=many)))
        read_all(make_loader(range(8), pin_memory=True))
    assert not said


def test_a_loader_is_torchs_own() -> None:
    loader = make_loader([1.0, 2.0, 3.0], batch_size=2)
    assert isinstance(loader, torch.utils.data.DataLoader)
    assert [batch.tolist() for batch in loader] == [[1.0, 2.0], [3.0]]
