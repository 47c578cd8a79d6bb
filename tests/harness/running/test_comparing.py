"""A comparison carried out: blocks on the disk, lost processes, resuming, changed sides."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.design.gpu_state import BETWEEN
from harness.errors import HarnessError
from harness.judging.regressions import judge
from harness.meters.gpu import NvmlWatch
from harness.protocol.comparison import BASE, HEAD, SIDES, Comparison, Side
from harness.running.comparing import FAILED_ENOUGH, Comparing
from harness.running.trio import Interpreter, RaisedError, Trio
from harness.store.folders import RunFolder
from harness.store.turns import TABLE, finished_blocks, read_proofs, read_turns
from tests.harness.nvml import REASONS, Library
from tests.harness.trios import INTERPRETERS, FakeTrio, comparison, lost

ONE, TWO = Benchmark("one"), Benchmark("two")


class Silent:
    """Reports to nobody, and may stop everything."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.left = stop_after
        self.told: list[tuple[int, str]] = []

    def begin(self, total: int) -> None:
        self.total = total

    def done(self, block: int, benchmark: str, failures: Mapping[Side, str]) -> None:
        self.told.append((block, benchmark))
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


class Factory:
    """Starts fakes, and keeps them."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - of a fake
        self.settings = settings
        self.started: list[tuple[list[Side], FakeTrio]] = []
        self.hashes: list[set[str]] = []

    def __call__(self, interpreters: Mapping[Side, Interpreter], _: Path) -> Trio:
        trio = FakeTrio(**self.settings)
        self.started.append((list(interpreters), trio))
        self.hashes.append({i.variables()["PYTHONHASHSEED"] for i in interpreters.values()})
        return cast(Trio, trio)


def comparing(
    compared: Comparison, path: Path, factory: Factory, reporter: Silent | None = None
) -> Comparing:
    path.mkdir(exist_ok=True)
    reporter = reporter or Silent()
    return Comparing(compared, RunFolder(path), INTERPRETERS, reporter, path, open_trio=factory)


def test_every_block_is_a_fresh_trio_that_is_ended(tmp_path: Path) -> None:
    compared, factory = comparison(ONE, TWO), Factory()
    comparing(compared, tmp_path / "run", factory).carry_out()
    assert len(factory.started) == compared.blocks
    assert all(trio.ended for _, trio in factory.started)
    assert len({tuple(order) for order, _ in factory.started}) > 1
    folder = RunFolder(tmp_path / "run")
    assert folder.has_table(TABLE)
    assert not folder.parts(TABLE).exists()
    table = read_turns(folder, compared)
    assert set(table["benchmark"]) == {"one", "two"}
    assert judge(compared, table).outcome == "no regression"


def test_the_sides_of_a_block_share_a_layout_of_memory_and_blocks_do_not(tmp_path: Path) -> None:
    compared, factory = comparison(ONE), Factory()
    comparing(compared, tmp_path / "run", factory).carry_out()
    assert all(len(of_block) == 1 for of_block in factory.hashes)
    layouts = [trio.layout for _, trio in factory.started]
    assert len(set(layouts)) == len(set.union(*factory.hashes)) == compared.blocks


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    compared = comparison(ONE, TWO)
    for name in ("a", "b"):
        comparing(compared, tmp_path / name, Factory()).carry_out()
    tables = [read_turns(RunFolder(tmp_path / name), compared) for name in ("a", "b")]
    assert tables[0].equals(tables[1])


def test_a_stopped_comparison_keeps_its_blocks_and_goes_on(tmp_path: Path) -> None:
    compared, path = comparison(ONE, TWO), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        comparing(compared, path, Factory(), Silent(stop_after=7)).carry_out()
    assert finished_blocks(RunFolder(path), compared) == [0, 1, 2]
    rest = Silent()
    comparing(compared, path, Factory(), rest).carry_out()
    assert rest.total == 2 * (compared.blocks - 3)
    assert min(block for block, _ in rest.told) == 3
    comparing(compared, tmp_path / "whole", Factory()).carry_out()
    whole = read_turns(RunFolder(tmp_path / "whole"), compared)
    assert read_turns(RunFolder(path), compared).equals(whole)


def test_a_lost_process_costs_its_benchmark_one_block_and_the_others_none(tmp_path: Path) -> None:
    compared = comparison(ONE, TWO, blocks=12)
    deaths = [0]

    def dying_once(side: Side, request: Mapping[str, Any]) -> None:
        if side == HEAD and request["do"] == "turn" and deaths[0] == 0:
            deaths[0] = 1
            raise lost(HEAD)

    factory = Factory(on_request=dying_once)
    comparing(compared, tmp_path / "run", factory).carry_out()
    assert len(factory.started) == compared.blocks + 1
    table = read_turns(RunFolder(tmp_path / "run"), compared)
    failed = table[table["status"] == "failed"]
    assert failed["block"].unique().tolist() == [0]
    assert failed["benchmark"].nunique() == 1
    assert sorted(failed["side"]) == sorted(SIDES)
    found = {f.benchmark.name: f.word for f in judge(compared, table).findings}
    assert sorted(found.values()) == ["inconclusive", "same within the margin"]


def test_what_always_fails_is_tried_twice_and_then_said_to_be_broken(tmp_path: Path) -> None:
    compared = comparison(ONE)
    tried = [0]

    def raising(side: Side, request: Mapping[str, Any]) -> None:
        if side == HEAD and request["do"] == "prepare":
            tried[0] += 1
            raise RaisedError(side, "ImportError: no such name")

    comparing(compared, tmp_path / "run", Factory(on_request=raising)).carry_out()
    assert tried[0] == FAILED_ENOUGH
    (finding,) = judge(compared, read_turns(RunFolder(tmp_path / "run"), compared)).findings
    assert finding.word == "broken"
    assert "head failed in 2 blocks: ImportError: no such name" in finding.reason


def test_a_full_disk_is_said_in_a_sentence_and_loses_no_finished_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, path = comparison(ONE), tmp_path / "run"
    flush, left = os.fsync, [3]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(HarnessError, match="No space left on device"):
            comparing(compared, path, Factory()).carry_out()
    assert finished_blocks(RunFolder(path), compared) == [0, 1]  # the first file was the proofs'
    comparing(compared, path, Factory()).carry_out()
    assert len(finished_blocks(RunFolder(path), compared)) == compared.blocks


def test_a_side_that_has_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    compared, path = comparison(ONE), tmp_path / "run"
    before = Factory(proof={"torch": "1.0"})
    with pytest.raises(KeyboardInterrupt):
        comparing(compared, path, before, Silent(stop_after=3)).carry_out()
    proofs = read_proofs(RunFolder(path))
    assert proofs is not None
    assert proofs[BASE]["torch"] == "1.0"
    with pytest.raises(HarnessError, match=r"base has changed since the first block \(torch\)"):
        comparing(compared, path, Factory(proof={"torch": "1.1"})).carry_out()


def test_rows_of_another_comparison_are_refused(tmp_path: Path) -> None:
    compared, path = comparison(ONE), tmp_path / "run"
    comparing(compared, path, Factory()).carry_out()
    with pytest.raises(HarnessError, match="belongs elsewhere"):
        read_turns(RunFolder(path), comparison(ONE, seed=1))


def test_a_disturbed_device_marks_its_rows(tmp_path: Path) -> None:
    compared, path = comparison(ONE, blocks=1), tmp_path / "run"
    disturbed = comparing(compared, path, Factory())
    library = Library()
    library.card.reasons = REASONS["SwThermalSlowdown"]
    disturbed.watch = lambda _: NvmlWatch(library, "handle")
    disturbed.carry_out()
    rows = read_turns(RunFolder(path), compared)
    times = rows[rows["response"] == "seconds"]
    assert set(times["status"]) == {"disturbed"}
    assert set(times["message"]) == {"the GPU was slowed down by its temperature"}
    assert times["value"].notna().all()


def test_the_clock_of_a_gpu_is_stored_by_side(tmp_path: Path) -> None:
    compared, path = comparison(ONE, blocks=1), tmp_path / "run"
    watched = comparing(compared, path, Factory())
    library = Library()
    watched.watch = lambda _: NvmlWatch(library, "handle")
    watched.carry_out()
    rows = read_turns(RunFolder(path), compared)
    clocks = rows[rows["response"] == "sm_clock"]
    assert set(clocks["phase"]) == {BETWEEN}
    assert set(clocks["value"]) == {1980.0}
    assert set(clocks["side"]) <= set(SIDES)
    assert set(rows.loc[rows["response"] == "seconds", "status"]) == {"ok"}


def test_the_processes_of_a_trio_are_no_strangers_on_their_card(tmp_path: Path) -> None:
    compared = comparison(ONE, blocks=1)
    for users, status in (([1, 2, 3], "ok"), ([1, 2, 3, 4], "disturbed")):
        path = tmp_path / status
        shared = comparing(compared, path, Factory())
        library = Library()
        library.card.users = users
        shared.watch = lambda _, card=library: NvmlWatch(card, "handle", frozenset({1, 2, 3}))
        shared.carry_out()
        rows = read_turns(RunFolder(path), compared)
        assert set(rows.loc[rows["response"] == "seconds", "status"]) == {status}
