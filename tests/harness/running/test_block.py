"""One block: what is called, in which order, and what becomes of what fails."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from harness.design.aa import AA, COPY, RESPONSES
from harness.design.experiment import Experiment, Noted, Responses
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.responses import Response
from harness.protocol.rules import experiment_rules
from harness.running.block import failed_block, run_block
from harness.store.parquet import schema
from tests.harness.runs import RecordingDevice

SIZE = Factor("size", (1, 2, 3), control=1)
MODE = Factor("mode", ("plain", "shifted"), control="plain")


def experiment_of(
    measure: Callable[[Any, Arm], Any],
    prepare: Callable[[Block], Any] | None = None,
    responses: tuple[str, ...] = ("level",),
    effort: int = 7,
) -> Experiment[Any]:
    return Experiment(
        question="What happens?",
        measure=measure,
        prepare=prepare,
        responses=tuple(Response(name, f"unit of {name}", name) for name in responses),
        factors=(SIZE, MODE),
        blocks=PerProfile(5, 5, 5),
        effort=PerProfile(effort, 2 * effort, 3 * effort),
        threads=3,
    )


def run(
    experiment: Experiment[Any], index: int = 2, device: RecordingDevice | None = None
) -> pd.DataFrame:
    rules = experiment_rules("planted", experiment, "quick")
    planned = rules.plan("study", 0)[index]
    table = run_block(experiment, rules, planned, device or RecordingDevice())
    schema(rules.factors, rules.units).validate(table)
    return table


@pytest.mark.parametrize(("on_cpu", "where"), [(True, "cpu"), (False, "cuda")])
def test_blocks_of_an_experiment_on_the_cpu_lie_there_in_a_run_on_a_gpu(
    on_cpu: bool, where: str
) -> None:
    found = []

    def prepare(block: Block) -> str:
        found.append(block.device)
        return block.device

    experiment = replace(experiment_of(lambda cell, arm: {"level": 1.0}, prepare), on_cpu=on_cpu)
    run(experiment, device=RecordingDevice(kind="cuda"))
    assert found == [where]


def test_a_block_is_prepared_once_and_then_every_arm_is_measured_in_the_planned_order() -> None:
    device = RecordingDevice()

    def prepare(block: Block) -> str:
        device.calls.append(("prepare", block))
        return "the cell"

    def measure(cell: str, arm: Arm) -> Responses:
        device.calls.append(("measure", cell, arm))
        return {"level": 1.0}

    experiment = experiment_of(measure, prepare)
    planned = experiment_rules("planted", experiment, "quick").plan("study", 0)[2]
    run(experiment, 2, device)

    block = Block(2, planned.seed, planned.shared_seed, "cpu", 7)
    expected: list[tuple[object, ...]] = [
        ("start", planned.shared_seed, 3),  # for what all blocks of the run share
        ("start", planned.seed, 3),
        ("prepare", block),
    ]
    for arm in planned.arms:
        expected += [("start", planned.seed, 3), ("measure", "the cell", arm), ("synchronise",)]
    assert device.calls == expected
    assert sorted(planned.arms, key=str) == sorted(experiment.arms(), key=str)


def test_every_arm_and_the_preparation_start_from_the_same_random_streams() -> None:
    drawn: list[float] = []

    def prepare(block: Block) -> None:
        drawn.append(random.random())
        random.seed(12345)

    def measure(cell: None, arm: Arm) -> Responses:
        drawn.append(random.random())
        # What an arm uses up of the stream is no business of the next one.
        random.seed(arm[SIZE])
        return {"level": drawn[-1]}

    table = run(experiment_of(measure, prepare))
    assert len(drawn) == 7
    assert set(drawn) == {random.Random(int(table["seed"].iloc[0])).random()}


def test_two_blocks_have_different_random_streams() -> None:
    experiment = experiment_of(lambda cell, arm: {"level": random.random()})
    first, second = (run(experiment, index) for index in (0, 1))
    assert first["value"].nunique() == second["value"].nunique() == 1
    assert first["value"].iloc[0] != second["value"].iloc[0]


def test_without_a_preparation_the_block_itself_is_the_cell() -> None:
    cells = []

    def measure(cell: Block, arm: Arm) -> Responses:
        cells.append(cell)
        return {"level": 0.0}

    table = run(experiment_of(measure), 1)
    assert {(cell.index, cell.seed, cell.effort) for cell in cells} == {
        (1, table["seed"].iloc[0], 7)
    }


def test_each_value_stands_in_a_row_with_its_arm_order_round_and_unit() -> None:
    def measure(cell: Block, arm: Arm) -> Responses:
        return {"one": 10.0 * arm[SIZE], "many": (1, 2.5, arm[SIZE])}

    table = run(experiment_of(measure, responses=("one", "many")))
    assert len(table) == 6 * (1 + 3)
    assert table["order"].tolist() == [order for order in range(6) for _ in range(4)]
    for _, rows in table.groupby("order"):
        size = rows["size"].iloc[0]
        assert rows["response"].tolist() == ["one", "many", "many", "many"]
        assert rows["round"].tolist() == [0, 0, 1, 2]
        assert rows["value"].tolist() == [10.0 * size, 1, 2.5, size]
        assert rows["unit"].tolist() == ["unit of one"] + 3 * ["unit of many"]
    assert set(table["block"]) == {2}
    assert set(table["status"]) == {"ok"}


def test_an_arm_that_raises_becomes_failed_rows_and_the_others_stay() -> None:
    def measure(cell: Block, arm: Arm) -> Responses:
        if (arm[SIZE], arm[MODE]) == (2, "shifted"):
            raise ValueError("out of\n paint")
        return {"one": 1.0, "two": [2.0, 3.0]}

    table = run(experiment_of(measure, responses=("one", "two")))
    failed = table[table["status"] == "failed"]
    assert failed[["size", "mode"]].drop_duplicates().to_numpy().tolist() == [[2, "shifted"]]
    assert failed["response"].tolist() == ["one", "two"]
    assert failed["value"].isna().all()
    for message in failed["message"]:
        assert message.startswith("ValueError: out of paint (measure, line ")
    rest = table[table["status"] == "ok"]
    assert len(rest) == 5 * 3
    assert set(rest["message"]) == {""}


def test_a_preparation_that_raises_fails_every_arm_and_measures_nothing() -> None:
    measured = []

    def prepare(block: Block) -> None:
        raise OSError("no data")

    def measure(cell: None, arm: Arm) -> Responses:
        measured.append(arm)
        return {"level": 0.0}

    table = run(experiment_of(measure, prepare))
    assert not measured
    assert set(table["status"]) == {"failed"}
    assert len(table[["size", "mode"]].drop_duplicates()) == 6
    assert table["message"].str.startswith("OSError: no data (prepare").all()


def test_a_measurement_that_asks_python_to_exit_is_a_failed_row_like_any_other() -> None:
    def measure(cell: Block, arm: Arm) -> Responses:
        if arm[SIZE] == 1:
            raise SystemExit(3)
        return {"level": 0.0}

    table = run(experiment_of(measure))
    assert set(table.loc[table["size"] == 1, "message"].str[:13]) == {"SystemExit: 3"}
    assert set(table.loc[table["size"] != 1, "status"]) == {"ok"}


def test_an_error_that_shows_only_when_the_device_is_waited_for_fails_the_arm() -> None:
    class Late(RecordingDevice):
        def synchronise(self) -> None:
            raise RuntimeError("illegal memory access")

    table = run(experiment_of(lambda cell, arm: {"level": 0.0}), device=Late())
    assert table["message"].str.contains("illegal memory access").all()


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        ({"levle": 1.0}, "measure returned ['levle'], not ['level']"),
        ({"level": 1.0, "more": 2.0}, "measure returned ['level', 'more'], not ['level']"),
        ({}, "measure returned [], not ['level']"),
        ({"level": []}, "measure returned no number for 'level'"),
        ({"level": [[1.0], [2.0]]}, "a list among the numbers for 'level'"),
        ({"level": np.ones((2, 2))}, "a ndarray for 'level', not numbers in a row"),
        ({"level": "1"}, "measure returned a str for 'level', not a number"),
        ({"level": ["1", "2"]}, "a str among the numbers for 'level'"),
        ({"level": [1.0, None]}, "a NoneType among the numbers for 'level'"),
        ({"level": b"1"}, "measure returned a bytes for 'level'"),
        ({"level": None}, "measure returned a NoneType for 'level'"),
        ({"level": 1j}, "measure returned a complex for 'level'"),
        ({"level": np.complex64(1)}, "measure returned a complex64 for 'level'"),
        ({"level": np.array(["1"])}, "a str_ among the numbers for 'level'"),
        ({"level": Noted(cast(float, "1"), "one")}, "measure returned a str for 'level'"),
        (None, "TypeError"),
    ],
)
def test_what_is_not_a_number_for_every_response_is_a_failed_row(
    returned: object, complaint: str
) -> None:
    table = run(experiment_of(lambda cell, arm: returned))
    assert set(table["status"]) == {"failed"}
    assert table["message"].str.contains(complaint, regex=False).all()


@pytest.mark.parametrize(
    "number",
    [
        True,
        1,
        1.0,
        np.float32(1),
        np.int64(1),
        np.bool_(True),
        np.array(1),
        np.array([1]),
        [1, 1.0],
    ],
    ids=str,
)
def test_a_real_number_of_python_or_numpy_is_taken_as_it_is(number: object) -> None:
    table = run(experiment_of(lambda cell, arm: {"level": number}))
    assert set(table["status"]) == {"ok"}
    assert set(table["value"]) == {1.0}


def test_a_tensor_of_no_dimension_is_a_number_and_one_of_two_is_none() -> None:
    torch = pytest.importorskip("torch")
    good = run(experiment_of(lambda cell, arm: {"level": torch.tensor(2.0, dtype=torch.bfloat16)}))
    assert set(good["value"]) == {2.0}
    bad = run(experiment_of(lambda cell, arm: {"level": torch.ones(2, 2)}))
    assert bad["message"].str.contains("a Tensor for 'level', not numbers in a row").all()


def test_what_stands_behind_a_number_is_kept_as_its_message() -> None:
    table = run(experiment_of(lambda cell, arm: {"level": Noted(1.0, "found\n0.01")}))
    assert set(table["status"]) == {"ok"}
    assert set(table["message"]) == {"found 0.01"}


def test_an_error_keeps_no_control_characters_and_is_cut_with_its_length() -> None:
    def measure(cell: Block, arm: Arm) -> Responses:
        raise ValueError("\x1b[31mred\x1b[0m " + "line\n" * 1000)

    (message,) = set(run(experiment_of(measure))["message"])
    assert message.startswith(r"ValueError: \x1b[31mred\x1b[0m line line")
    assert message.isprintable()
    assert "characters)" in message
    assert len(message) < 700


def test_what_all_blocks_share_is_made_once_from_the_shared_seed() -> None:
    made: list[tuple[int, float]] = []

    def prepare_run(block: Block) -> str:
        made.append((block.seed, random.random()))
        return f"shared {len(made)}"

    seen: list[object] = []

    def measure(cell: Block, arm: Arm) -> Responses:
        seen.append(cell.run)
        return {"level": random.random()}

    experiment = replace(experiment_of(measure), prepare_run=prepare_run)
    first, second = (run(experiment, index) for index in (0, 1))
    planned = experiment_rules("planted", experiment, "quick").plan("study", 0)[0]
    assert made == [(planned.shared_seed, random.Random(planned.shared_seed).random())]
    assert set(seen) == {"shared 1"}
    # It takes nothing from the blocks' own streams.
    assert first["value"].iloc[0] == random.Random(int(first["seed"].iloc[0])).random()
    assert second["value"].iloc[0] == random.Random(int(second["seed"].iloc[0])).random()


def test_a_shared_preparation_that_raises_fails_the_block() -> None:
    def prepare_run(block: Block) -> None:
        raise OSError("no weights")

    table = run(replace(experiment_of(lambda cell, arm: {"level": 0.0}), prepare_run=prepare_run))
    assert table["message"].str.startswith("OSError: no weights (prepare_run").all()


def test_nan_and_infinity_are_kept_as_measured() -> None:
    values = [math.nan, math.inf, -math.inf, 0.5]
    table = run(experiment_of(lambda cell, arm: {"level": values}))
    assert set(table["status"]) == {"ok"}
    for _, rows in table.groupby("order"):
        assert [str(value) for value in rows["value"]] == ["nan", "inf", "-inf", "0.5"]


@pytest.mark.parametrize("where", ["prepare", "measure"])
def test_ctrl_c_is_not_taken_for_a_failure_of_the_experiment(where: str) -> None:
    def interrupted(*_: object) -> Any:  # noqa: ANN401 - it never returns
        raise KeyboardInterrupt

    experiment = (
        experiment_of(lambda cell, arm: {"level": 0.0}, interrupted)
        if where == "prepare"
        else experiment_of(interrupted)
    )
    with pytest.raises(KeyboardInterrupt):
        run(experiment)


def test_a_block_that_never_ran_has_a_failed_row_for_every_arm_and_response() -> None:
    experiment = experiment_of(lambda cell, arm: {}, responses=("one", "two"))
    rules = experiment_rules("planted", experiment, "quick")
    table = failed_block(rules, rules.plan("study", 0)[0], "it was killed")
    assert len(table) == 6 * 2
    assert len(table[["size", "mode", "response"]].drop_duplicates()) == 12
    assert set(table["message"]) == {"it was killed"}
    assert table["value"].isna().all()


def timed_of(task: Callable[[Any, Arm], Callable[[], object]]) -> Experiment[Any]:
    return Experiment(
        question="How long does it take?",
        task=task,
        rounds=PerProfile(3, 3, 3),
        aa=AA(0.1, at={"mode": "plain"}),
        factors=(MODE,),
        blocks=PerProfile(5, 5, 5),
        threads=3,
    )


def busy(cell: object, arm: Arm) -> Callable[[], object]:
    return lambda: sum(range(20))


def test_a_timed_block_has_a_row_for_each_round_and_arm_and_one_for_its_calls() -> None:
    table = run(timed_of(busy))
    measured = table[table["phase"] == "measured"]
    seconds = measured[measured["response"] == "seconds"]
    assert sorted(zip(seconds["mode"], seconds["copy"], seconds["round"], strict=True)) == sorted(
        (*arm, number)
        for arm in (("plain", "first"), ("plain", "again"), ("shifted", "first"))
        for number in range(3)
    )
    assert (seconds["value"] > 0).all()
    calls = measured[measured["response"] == "calls"]
    assert (calls["value"] >= 1).all()
    assert len(calls) == 3
    shares = measured.loc[measured["response"] == "in_calls", "value"]
    assert len(shares) == 3
    assert 0 < shares.sum() <= 1
    assert not (table["response"] == "device_seconds").any(), "a CPU has no clock of its own"
    assert (table["phase"] == "warmup").any()


def test_every_task_is_built_from_the_blocks_seed() -> None:
    device = RecordingDevice()
    run(timed_of(busy), device=device)
    shared, *starts = [call for call in device.calls if call[0] == "start"]
    assert len(starts) == 1 + 3
    assert len(set(starts)) == 1
    assert shared not in starts


def test_a_device_with_a_clock_of_its_own_gives_both_times() -> None:
    class Clocked(RecordingDevice):
        def seconds_between(self, first: object, last: object) -> float:
            return 0.25

    table = run(timed_of(busy), device=Clocked())
    own = table[(table["response"] == "device_seconds") & (table["phase"] == "measured")]
    calls = table[table["response"] == "calls"][["mode", "copy", "value"]]
    both = own.merge(calls, on=["mode", "copy"], suffixes=("", "_calls"))
    assert len(both) == 9
    assert (both["value"] * both["value_calls"]).to_list() == pytest.approx([0.25] * 9)


def test_a_task_that_cannot_be_built_or_called_fails_its_arm_alone() -> None:
    def task(cell: object, arm: Arm) -> Callable[[], object]:
        if arm[COPY] == "again":
            raise ValueError("no second copy")
        return (lambda: 1 / 0) if arm[MODE] == "shifted" else (lambda: None)

    table = run(timed_of(task))
    assert set(table.loc[table["status"] == "ok", "mode"]) == {"plain"}
    built, called = table[table["copy"] == "again"], table[table["mode"] == "shifted"]
    assert built["message"].str.startswith("ValueError: no second copy").all()
    assert called["message"].str.startswith("ZeroDivisionError").all()
    assert set(built["response"]) == set(called["response"]) == {r.name for r in RESPONSES}


def test_heavy_modules_are_imported_before_the_blocks_time_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []

    def imported(name: str) -> None:
        events.append(name)

    def prepare(block: Block) -> None:
        events.append("prepare")

    monkeypatch.setattr("harness.running.block.importlib", SimpleNamespace(import_module=imported))
    run(replace(timed_of(busy), imports=("one", "two"), prepare=prepare))
    assert events == ["one", "two", "prepare"]


def test_a_module_that_is_missing_fails_the_block_with_its_name() -> None:
    table = run(replace(timed_of(busy), imports=("no_such_module",)))
    assert set(table["status"]) == {"failed"}
    assert table["message"].str.contains("No module named 'no_such_module'").all()
