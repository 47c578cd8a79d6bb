"""Three real processes that take turns, with a torch that is a stub: it is there in no time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.errors import HarnessError
from harness.protocol.comparison import AGAIN, BASE, HEAD, SIDES, Asked
from harness.running import turn_worker
from harness.running.lockstep import measure
from harness.running.trio import Interpreter, LostError, RaisedError, Trio
from tests.harness.trios import SPIN, stub_torch

BENCHMARKS = """
import os, sys, time
HEAD = os.environ.get("SIDE") == "head"
def spin(device):
    print("this must not disturb the answers")
    return lambda: sum(range(200))
def raises(device):
    def work():
        if HEAD: raise ValueError("planted")
    return work
def exits(device):
    if HEAD: sys.exit("planted")
    return lambda: None
def dies(device):
    return lambda: HEAD and os._exit(7)
def hangs(device):
    return lambda: HEAD and time.sleep(60)
def weighs(device, *, unit="B"):
    return lambda: 4096
def tidies(device):
    import atexit
    atexit.register(lambda: open(f"tidied-{os.getpid()}", "w").close())
    return lambda: None
def reads(device):
    return lambda: sys.stdin.read()
def lies_at(device, *, unit="B"):
    import mmap, ctypes  # a mapping as large as a library: no gap between others holds it
    place = ctypes.addressof(ctypes.c_char.from_buffer(mmap.mmap(-1, 1 << 26)))
    return lambda: place
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(BENCHMARKS, encoding="utf-8")
    return path


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Trio]:
    stub = stub_torch(tmp_path)
    head = Interpreter(stub.python, {**stub.environment, "SIDE": "head"})
    with Trio({BASE: stub, AGAIN: stub, HEAD: head}, tmp_path, patience=20) as started:
        started.open(lambda _: Asked("stub"), "cpu", 1, {})
        yield started


def places(trio: Trio, file: Path) -> dict[str, float]:
    """Where memory that each process asks for lies."""
    request = prepare(file, "lies_at")
    found = measure(trio, Benchmark("lies_at", unit="B"), request, 1, 0.1)
    return {turn.side: turn.value for turn in found.turns}


def prepare(file: Path, name: str) -> dict[str, object]:
    return {"do": "prepare", "file": str(file), "name": name, "seed": 1}


def test_each_process_proves_what_it_runs(tmp_path: Path) -> None:
    base, head = stub_torch(tmp_path, "1.0"), stub_torch(tmp_path, "2.0", benchmark=True)
    head = Interpreter(head.python, {**head.environment, "PLANTED": "yes"})
    asked = {BASE: Asked("a"), AGAIN: Asked("a"), HEAD: Asked("b", {"PLANTED": "yes"})}
    with Trio({BASE: base, AGAIN: base, HEAD: head}, tmp_path) as trio:
        proofs = trio.open(asked.__getitem__, "cpu", 3, {})
    assert [proofs[side]["torch"] for side in SIDES] == ["1.0", "1.0", "2.0"]
    assert str(tmp_path / "torch-2.0") in proofs[HEAD]["torch_file"]
    assert proofs[HEAD]["threads"] == 3
    assert proofs[HEAD]["defaults"]["cudnn_benchmark"] is True
    assert proofs[HEAD]["environment"]["PLANTED"] == "yes"
    assert "PLANTED" not in proofs[BASE]["environment"]
    assert "pytest" in proofs[BASE]["packages"]


def test_what_is_proved_names_no_home(tmp_path: Path) -> None:
    stub = stub_torch(tmp_path)
    stub = Interpreter(stub.python, {**stub.environment, "HOME": str(tmp_path)})
    with Trio(dict.fromkeys(SIDES, stub), tmp_path) as trio:
        proofs = trio.open(lambda _: Asked("stub"), "cpu", 1, {})
    assert proofs[BASE]["torch_file"] == "~/torch-1.0/torch/__init__.py"
    assert str(tmp_path) not in str(proofs)


def test_a_default_is_set_before_anything_is_measured(tmp_path: Path) -> None:
    stub = stub_torch(tmp_path)
    equal = Asked("stub", settings={"cudnn_benchmark": True})
    with Trio(dict.fromkeys(SIDES, stub), tmp_path) as trio:
        proofs = trio.open(lambda _: equal, "cpu", 1, {})
    assert proofs[HEAD]["defaults"]["cudnn_benchmark"] is True


def test_sides_share_the_packages_of_benchmarks_unless_one_keeps_its_own(tmp_path: Path) -> None:
    stub = stub_torch(tmp_path)
    for name in ("shared", "own"):
        (tmp_path / name / "planted_package").mkdir(parents=True)
        (tmp_path / name / "planted_package" / "__init__.py").write_text(f"where = {name!r}\n")
    (tmp_path / "asks.py").write_text(
        "import planted_package\n"
        "def where(device, *, unit='B'):\n"
        "    return lambda: len(planted_package.where)\n"
    )
    path = f"{stub.environment['PYTHONPATH']}:{tmp_path / 'own'}"
    having = Interpreter(stub.python, {"PYTHONPATH": path})
    keeping = Interpreter(stub.python, {"PYTHONPATH": path}, keeps_own=True)
    packages = {"planted_package": str(tmp_path / "shared")}
    with Trio({BASE: stub, AGAIN: having, HEAD: keeping}, tmp_path) as trio:
        proofs = trio.open(lambda _: Asked("stub"), "cpu", 1, packages)
        request = prepare(tmp_path / "asks.py", "where")
        found = measure(trio, Benchmark("where", unit="B"), request, 1, 0.1)
    lengths = {turn.side: turn.value for turn in found.turns}
    assert proofs[BASE]["requires"] == {}
    assert "pluggy" in proofs[HEAD]["requires"]  # pytest asks for it
    assert str(tmp_path / "own") in proofs[HEAD]["files"]["planted_package"]
    assert lengths == {BASE: len("shared"), AGAIN: len("shared"), HEAD: len("own")}


def test_a_variable_can_be_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_PLANTED", "1")
    stub = stub_torch(tmp_path)
    without = Interpreter(stub.python, {**stub.environment, "OMP_PLANTED": None})
    with Trio({BASE: stub, AGAIN: stub, HEAD: without}, tmp_path) as trio:
        proofs = trio.open(lambda _: Asked("stub"), "cpu", 1, {})
    assert proofs[BASE]["environment"]["OMP_PLANTED"] == "1"
    assert "OMP_PLANTED" not in proofs[HEAD]["environment"]


def test_a_benchmark_is_measured_whatever_it_prints(trio: Trio, file: Path) -> None:
    found = measure(trio, SPIN, prepare(file, "spin"), 1, 0.05)
    assert not found.failures
    assert all(turn.value > 0 for turn in found.turns)
    assert found.handover > 0


def test_a_benchmark_that_reads_finds_nothing_to_read(trio: Trio, file: Path) -> None:
    assert not measure(trio, SPIN, prepare(file, "reads"), 1, 0.01).failures


@pytest.mark.parametrize("name", ["raises", "exits"])
def test_what_raises_on_head_alone_says_so_and_the_trio_goes_on(
    trio: Trio, file: Path, name: str
) -> None:
    found = measure(trio, SPIN, prepare(file, name), 1, 0.05)
    assert list(found.failures) == [HEAD]
    assert "planted" in found.failures[HEAD]
    assert not measure(trio, SPIN, prepare(file, "spin"), 1, 0.01).failures


def test_what_is_not_there_is_said_by_every_side(trio: Trio, file: Path) -> None:
    found = measure(trio, SPIN, prepare(file, "missing"), 1, 0.05)
    assert set(found.failures) == set(SIDES)


def test_a_process_that_dies_in_its_turn_is_named(trio: Trio, file: Path) -> None:
    found = measure(trio, SPIN, prepare(file, "dies"), 1, 0.05)
    assert found.lost
    assert found.failures[HEAD].startswith("the process ended with code 7")


def test_a_process_that_is_killed_while_it_waits_is_named(trio: Trio, file: Path) -> None:
    os.kill(trio.processes[AGAIN].pid, signal.SIGKILL)
    found = measure(trio, SPIN, prepare(file, "spin"), 1, 0.05)
    assert found.failures == {AGAIN: "the process was killed by SIGKILL"}


def test_a_process_that_hangs_is_given_up(trio: Trio, file: Path) -> None:
    trio.patience = 0.5
    found = measure(trio, SPIN, prepare(file, "hangs"), 1, 0.05)
    assert found.failures == {HEAD: "the process gave no answer for 0.5 s"}


def test_nobody_outlives_the_trio(tmp_path: Path) -> None:
    with Trio(dict.fromkeys(SIDES, stub_torch(tmp_path)), tmp_path) as trio:
        pids = [process.pid for process in trio.processes.values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_a_benchmark_left_to_be_tidied_at_the_end_is_tidied(trio: Trio, file: Path) -> None:
    assert not measure(trio, SPIN, prepare(file, "tidies"), 1, 0.05).failures
    trio.end()
    assert len(list(file.parent.glob("tidied-*"))) == len(SIDES)


def test_a_side_without_torch_is_refused_in_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libfoo.so is missing')")
    stub = stub_torch(tmp_path)
    head = Interpreter(stub.python, {"PYTHONPATH": str(broken.parent)})
    with (
        Trio({BASE: stub, AGAIN: stub, HEAD: head}, tmp_path) as trio,
        pytest.raises(HarnessError, match=r"head \(new\) cannot be used: .*libfoo"),
    ):
        trio.open(lambda side: Asked("new" if side == HEAD else "old"), "cpu", 1, {})


def test_an_interpreter_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    missing = Interpreter(tmp_path / "python")
    with pytest.raises(HarnessError, match="cannot be run"):
        Trio(dict.fromkeys(SIDES, missing), tmp_path)


def test_an_answer_that_is_none_is_no_answer(tmp_path: Path) -> None:
    talker = tmp_path / "talker"
    talker.write_text("#!/bin/sh\necho hello\nsleep 5\n")
    talker.chmod(0o755)
    with (
        Trio(dict.fromkeys(SIDES, Interpreter(talker)), tmp_path) as trio,
        pytest.raises(LostError, match="no answer"),
    ):
        trio.ask(BASE, {"do": "weigh"})


def test_what_is_asked_of_one_and_raises_there_names_the_side(trio: Trio) -> None:
    with pytest.raises(RaisedError, match="there is no work") as raised:
        trio.ask(AGAIN, {"do": "weigh"})
    assert raised.value.side == AGAIN


def test_a_suite_takes_turns_as_a_benchmark_does(trio: Trio, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import os\n"
        "def test_adds(benchmark):\n"
        "    assert benchmark(sum, [1, 2]) == 3\n"
        "def test_pedantic(benchmark):\n"
        "    benchmark.group = 'g'\n"
        "    assert benchmark.pedantic(sum, args=([1],), rounds=3) == 1\n"
        "def test_fails(benchmark):\n"
        "    assert os.environ.get('SIDE') != 'head'\n"
        "    benchmark(sum, [1])\n"
        "def test_fails_at_its_end(benchmark):\n"
        "    assert benchmark(sum, [1]) == (1 if os.environ.get('SIDE') != 'head' else 2)\n"
        "def test_unused():\n"
        "    pass\n"
    )
    for name in ("test_adds", "test_pedantic"):
        request = {"do": "test", "test": f"test_own.py::{name}", "seed": 1}
        assert not measure(trio, SPIN, request, 1, 0.02).failures
    request = {"do": "test", "test": "test_own.py::test_fails", "seed": 1}
    assert list(measure(trio, SPIN, request, 1, 0.02).failures) == [HEAD]
    request = {"do": "test", "test": "test_own.py::test_fails_at_its_end", "seed": 1}
    failures = measure(trio, SPIN, request, 1, 0.02).failures
    assert list(failures) == [HEAD]
    assert "AssertionError" in failures[HEAD]
    request = {"do": "test", "test": "test_own.py::test_unused", "seed": 1}
    assert len(measure(trio, SPIN, request, 1, 0.02).failures) == 3
    request = {"do": "test", "test": "test_own.py::test_adds", "seed": 1}
    assert not measure(trio, SPIN, request, 1, 0.02).failures


def test_on_a_card_nobody_builds_work_while_another_does(tmp_path: Path) -> None:
    """Each side notes when it began and ended."""
    (tmp_path / "slow.py").write_text(
        "import os, time\n"
        "def slow(device):\n"
        "    began = time.monotonic(); time.sleep(0.3)\n"
        f"    open({str(tmp_path)!r} + f'/{{os.getpid()}}.span', 'w')"
        ".write(f'{began} {time.monotonic()}')\n"
        "    return lambda: None\n"
    )
    with Trio(dict.fromkeys(SIDES, stub_torch(tmp_path)), tmp_path) as trio:
        trio.open(lambda _: Asked("stub"), "cpu", 1, {})
        trio._one_by_one = True
        trio.ask_all(prepare(tmp_path / "slow.py", "slow"))
    spans = sorted(tuple(map(float, path.read_text().split())) for path in tmp_path.glob("*.span"))
    assert len(spans) == 3
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(spans))


def test_a_trio_shares_one_layout_of_memory_and_the_next_has_another(
    tmp_path: Path, file: Path
) -> None:
    stub, found = stub_torch(tmp_path), []
    for seed in (1, 2):
        laid_out = stub.with_layout(seed, stub.size + 1000)
        with Trio(dict.fromkeys(SIDES, laid_out), tmp_path) as trio:
            proofs = trio.open(lambda _: Asked("stub"), "cpu", 1, {}, seed)
            found.append(places(trio, file))
        if proofs[BASE]["addresses"] == "random":
            pytest.skip("this system does not let a process do without random addresses")
    first, second = (set(places.values()) for places in found)
    assert len(first) == len(second) == 1
    assert first != second


def test_variables_take_up_as_much_room_on_all_sides(tmp_path: Path) -> None:
    stub = stub_torch(tmp_path)
    longer = Interpreter(stub.python, {**stub.environment, "SIDE": "héad" * 9, "HOME": None})
    sizes = {each.with_layout(7, longer.size + 500).size for each in (stub, longer)}
    assert sizes == {longer.size + 500}


def test_a_side_keeps_the_seed_of_hashes_that_it_was_given(tmp_path: Path) -> None:
    given = Interpreter(tmp_path, {"PYTHONHASHSEED": "42"})
    assert given.with_layout(7, 0).variables()["PYTHONHASHSEED"] == "42"
    assert Interpreter(tmp_path).with_layout(7, 0).variables()["PYTHONHASHSEED"] == "7"


class StartedAnewError(Exception):
    """The process would have begun again."""


@pytest.mark.parametrize(
    ("allows", "begins", "random"),
    [
        (("tell", "set"), True, False),
        (("tell",), False, True),  # Docker's default profile
        ((), False, True),
    ],
)
def test_a_worker_begins_anew_only_where_the_system_lets_it_fix_its_addresses(
    monkeypatch: pytest.MonkeyPatch, *, allows: tuple[str, ...], begins: bool, random: bool
) -> None:
    persona = [0]

    def pretend(wanted: int) -> int:
        what = "tell" if wanted == turn_worker.TELL else "set"
        if what not in allows:
            return -1
        before = persona[0]
        persona[0] = before if what == "tell" else wanted
        return before

    def execv(*_: object) -> None:
        raise StartedAnewError

    monkeypatch.setattr(turn_worker, "_personality", pretend)
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(StartedAnewError) if begins else nullcontext():
        turn_worker._start_anew()
    assert turn_worker._has_random_addresses() == random
    monkeypatch.setattr(os, "environ", {turn_worker.ANEW: "1"})
    turn_worker._start_anew()  # never twice
