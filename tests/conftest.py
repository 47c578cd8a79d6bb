"""Fixtures that tests of several modules share."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from harness.cli.session import start_run
from harness.errors import HarnessError
from harness.workloads.pretrained import pretrained_source
from tests.harness.runs import House, build_house


def pytest_addoption(parser: pytest.Parser) -> None:
    """Approved outputs are written anew with ``--approve``, and then read in the change.

    With ``--every-arm`` the tests of figures take twice as long.
    """
    parser.addoption("--approve", action="store_true", help="write approved outputs anew")
    every = "figures are drawn without each arm in turn, however many there are"
    parser.addoption("--every-arm", action="store_true", help=every)


def pytest_configure() -> None:
    """One thread for each process that tests side by side, and for those that it starts.

    By default torch takes every core in each of them, and they wait for one another: some tests
    took five times as long. It is not imported yet.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests run by themselves wherever there is what their marks ask for: a GPU, a model.

    What was imported is looked at no more by the collector, which meters call before they read:
    with all that studies import a collection takes a fifth of a second, and there are thousands.
    The clock lets go of what is frozen.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA GPU")
    if item.get_closest_marker("pretrained"):
        try:
            pretrained_source("minilm")
        except HarnessError as missing:
            pytest.skip(str(missing))


@pytest.fixture(scope="session")
def stored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one finished reference run of the planted study."""
    top = tmp_path_factory.mktemp("stored")
    with pytest.MonkeyPatch.context() as monkeypatch:
        build_house(top, monkeypatch)
        start_run("planted", "standard", "cpu", Path("results"), seed=0)
    return top / "results"


@pytest.fixture
def house(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    stored_run: Path,
) -> House:
    """A folder with planted studies, and a command line that sees only these."""
    build_house(tmp_path, monkeypatch)
    return House(tmp_path, capfd, stored_run)


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts are not watched for coverage.

    That trebles the time of short ones, and tests of the worker and the trio watch them.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
