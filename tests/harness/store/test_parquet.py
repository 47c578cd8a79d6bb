"""Tables: what is written is read again to the last bit, and whatever was damaged is refused."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from harness.design.factors import Factor, cross
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.store.parquet import content_hash, empty_row, frame_of, read_table, schema, write_table

FACTORS: tuple[Factor[Any], ...] = (
    Factor("mode", ("eval", "train")),
    Factor("p", (0.0, 0.5)),
    Factor("n", (1, 2)),
    Factor("wet", (False, True)),
)
RESPONSES = {"loss": "nat", "accuracy": "1"}
FORM = schema(FACTORS, RESPONSES)
IDENTITY = {"run_sha256": "abc", "experiment": "planted"}

#: The file is written anew for every example, so that they may share a folder.
ANEW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)


def rows(blocks: int = 2, rounds: int = 2) -> list[dict[str, Any]]:
    number_of = itertools.count()
    return [
        {
            **empty_row(),
            **arm.as_dict(),
            "block": block,
            "seed": 1000 + block,
            "order": order,
            "round": number,
            "response": response,
            "value": next(number_of) / 7,
            "unit": unit,
        }
        for block in range(blocks)
        for order, arm in enumerate(cross(FACTORS))
        for response, unit in RESPONSES.items()
        for number in range(rounds)
    ]


@pytest.fixture
def table() -> pd.DataFrame:
    return frame_of(rows(), FACTORS)


def written(path: Path, table: pd.DataFrame) -> Path:
    write_table(path / "t.parquet", table, IDENTITY)
    return path / "t.parquet"


def bits(values: pd.Series[float]) -> list[bytes]:
    """The numbers bit by bit, all NaN being one."""
    numbers = values.tolist()
    return [struct.pack("<d", math.nan if math.isnan(x) else x) for x in numbers]


@given(
    st.lists(
        st.tuples(
            st.floats(),
            st.text(),
            st.sampled_from(["ok", "failed"]),
            st.sampled_from(["warmup", "measured"]),
            st.integers(0, 2**31 - 1),
        ),
        max_size=16,
    )
)
@ANEW
def test_any_rows_come_back_as_they_were(
    tmp_path: Path, drawn: list[tuple[float, str, str, str, int]]
) -> None:
    planted = [
        row | {"value": value, "message": message, "status": status, "phase": phase, "seed": seed}
        for row, (value, message, status, phase, seed) in zip(rows(), drawn, strict=False)
    ]
    table = frame_of(planted, FACTORS)
    found = read_table(written(tmp_path, table), FORM, IDENTITY)
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert bits(found["value"]) == bits(table["value"])
    assert found["message"].tolist() == [row["message"] for row in planted]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308])
def test_odd_numbers_are_kept(tmp_path: Path, value: float, table: pd.DataFrame) -> None:
    table.loc[3, "value"] = value
    found = read_table(written(tmp_path, table), FORM, IDENTITY)
    assert bits(found["value"])[3] == struct.pack("<d", value)


def test_a_nan_with_a_sign_is_a_nan_like_any_other(tmp_path: Path, table: pd.DataFrame) -> None:
    # inf - inf gives one; parquet does not keep its sign.
    values = table["value"].to_numpy().copy()
    values[0] = np.copysign(np.nan, -1.0)
    assert np.signbit(values[0])
    table["value"] = values
    assert math.isnan(read_table(written(tmp_path, table), FORM, IDENTITY)["value"][0])


def test_a_message_that_no_file_can_hold_is_kept_in_another_spelling(tmp_path: Path) -> None:
    planted = rows()
    planted[0]["message"] = "no such file: \udcff"
    table = frame_of(planted, FACTORS)
    found = read_table(written(tmp_path, table), FORM, IDENTITY)
    assert found["message"][0] == "no such file: \\udcff"


def test_an_empty_table_has_the_schema_s_columns_and_types(tmp_path: Path) -> None:
    table = frame_of([], FACTORS)
    found = read_table(written(tmp_path, table), FORM, IDENTITY)
    pd.testing.assert_frame_equal(found, table)


def test_a_row_begins_as_measured_and_ok_without_a_message() -> None:
    assert empty_row() == {"phase": "measured", "status": "ok", "message": ""}


def replaced(
    column: str,
    row: int,
    value: Any,  # noqa: ANN401 - of every type
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        table.loc[row, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda t: t.assign(note="x"), "column 'note'"),
        (lambda t: t.drop(columns="value"), "column 'value'"),
        (lambda t: t.drop(columns="p"), "column 'p'"),
        (lambda t: t.rename(columns={"unit": "units"}), "column 'unit'"),
        (lambda t: t[[*t.columns[1:], "block"]], "the columns must be block, seed"),
        (lambda t: t.assign(block=t["block"].astype(float)), "column 'block'"),
        (lambda t: t.assign(order=t["order"].astype("int32")), "column 'order'"),
        (lambda t: t.assign(value=t["value"].astype(str)), "column 'value'"),
        (lambda t: t.assign(p=t["p"].astype(str)), "column 'p'"),
        (lambda t: t.assign(wet=t["wet"].astype(int)), "column 'wet'"),
        (lambda t: t.assign(message=0), "column 'message'"),
        (replaced("mode", 7, "test"), "column 'mode', row 7"),
        (replaced("p", 6, 0.3), "column 'p', row 6"),
        (replaced("n", 5, 3), "column 'n', row 5"),
        (replaced("block", 4, -1), "column 'block', row 4"),
        (replaced("round", 3, -1), "column 'round', row 3"),
        (replaced("response", 2, "speed"), "column 'response', row 2"),
        (replaced("unit", 1, "kg"), "column 'unit', row 1"),
        (replaced("status", 0, "fine"), "column 'status', row 0"),
        (replaced("phase", 9, "later"), "column 'phase', row 9"),
        (replaced("message", 8, None), "column 'message', row 8"),
        (lambda t: pd.concat([t, t.iloc[[5]]], ignore_index=True), "row 5"),
    ],
)
def test_a_table_of_another_form_is_refused_with_file_column_and_row(
    tmp_path: Path, table: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], where: str
) -> None:
    path = written(tmp_path, change(table))
    with pytest.raises(HarnessError) as refusal:
        read_table(path, FORM, IDENTITY)
    assert str(refusal.value).startswith(f"{path}: ")
    assert where in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", 0.5),
        ("value", math.nan),
        ("seed", 3),
        ("order", 99),
        ("message", "all is well"),
        ("status", "failed"),
        ("block", 7),
        ("mode", "train"),
    ],
)
def test_a_row_edited_after_the_run_is_refused_though_it_fits_the_schema(
    tmp_path: Path, table: pd.DataFrame, column: str, value: object
) -> None:
    path = written(tmp_path, table)
    arrow = parquet.read_table(path)
    edited = arrow.to_pandas(ignore_metadata=True)
    edited.loc[edited.index[-1], "round"] = 1000  # keeps the edited row's key unique
    edited.loc[edited.index[-1], column] = value
    forged = pa.Table.from_pandas(edited, preserve_index=False)
    parquet.write_table(forged.replace_schema_metadata(arrow.schema.metadata), path)
    for form in (FORM, None):
        with pytest.raises(HarnessError, match="the rows were edited after the run"):
            read_table(path, form, IDENTITY)


def test_rows_in_another_order_or_fewer_of_them_are_refused(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    path = written(tmp_path, table)
    arrow = parquet.read_table(path)
    for forged in (arrow.slice(1), arrow.take(list(range(len(arrow)))[::-1])):
        parquet.write_table(forged, path)
        with pytest.raises(HarnessError, match="edited after the run"):
            read_table(path, FORM, IDENTITY)


@pytest.mark.parametrize(
    ("identity", "sentence"),
    [
        ({"run_sha256": "xyz"}, "its run_sha256 is 'abc', expected 'xyz'"),
        ({"experiment": "other"}, "its experiment is 'planted', expected 'other'"),
        ({"machine": "m"}, "its machine is 'missing', expected 'm'"),
    ],
)
def test_a_table_of_another_run_is_refused(
    tmp_path: Path, table: pd.DataFrame, identity: dict[str, str], sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        read_table(written(tmp_path, table), FORM, identity)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    path = written(tmp_path, table.iloc[:2])
    whole = path.read_bytes()
    assert len(read_table(path, FORM, IDENTITY)) == 2
    end = len(whole)
    for length in (*range(16), *range(16, end - 64, 41), *range(end - 64, end)):
        path.write_bytes(whole[:length])
        with pytest.raises(HarnessError, match="this is not a whole parquet file"):
            read_table(path, FORM, IDENTITY)


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path, table: pd.DataFrame) -> None:
    path = written(tmp_path, table)
    whole = path.read_bytes()
    chance = random.Random(0)
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            found = read_table(path, None, IDENTITY)
        except HarnessError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert refused > 50


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"block,seed\n1,2\n", b"\x80\x04K\x01.", b"\0" * 4096]
)
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(HarnessError, match=r"t\.parquet: this is not a whole parquet file"):
        read_table(tmp_path / "t.parquet", FORM, IDENTITY)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"t\.parquet: there is no such file"):
        read_table(tmp_path / "t.parquet", FORM, IDENTITY)


@pytest.mark.parametrize(
    "labels", [{}, {b"\xff\xfe": b"\xff"}, {b"run_sha256": b"\xff"}, {b"pandas": b"{}"}]
)
def test_a_foreign_parquet_file_is_refused(
    tmp_path: Path, table: pd.DataFrame, labels: dict[bytes, bytes]
) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(labels)
    parquet.write_table(arrow, tmp_path / "t.parquet")
    with pytest.raises(HarnessError, match="the file belongs elsewhere: its run_sha256"):
        read_table(tmp_path / "t.parquet", FORM, IDENTITY)


def test_a_false_description_of_the_columns_in_the_file_does_no_harm(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    path = written(tmp_path, table)
    arrow = parquet.read_table(path)
    for description in ({}, {"columns": 3}, {"index_columns": ["block"], "columns": []}):
        labels = arrow.schema.metadata | {b"pandas": json.dumps(description).encode()}
        parquet.write_table(arrow.replace_schema_metadata(labels), path)
        pd.testing.assert_frame_equal(read_table(path, FORM, IDENTITY), table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a\x1fb", "c"], ["a", "b\x1fc"]),
        (["ab", ""], ["a", "b"]),
        (["a", "a"], ["a", "A"]),
    ],
)
def test_other_messages_have_another_checksum(one: list[str], other: list[str]) -> None:
    first, second = (pd.DataFrame({"message": messages}) for messages in (one, other))
    assert content_hash(first) != content_hash(second)


def test_the_checksum_is_the_same_with_every_version_of_the_libraries() -> None:
    # Written down once: with another one, every stored table would look edited.
    assert content_hash(frame_of(rows(1, 1), FACTORS)).startswith("4511d8999e6f6d13")


def test_a_file_is_written_with_the_folders_it_needs_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_old_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match=r"cannot be written \(No space left on device\)"):
        write_bytes(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_a_folder_should_be_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HarnessError, match=r"file/t\.parquet: cannot be written"):
        write_bytes(tmp_path / "file" / "t.parquet", b"one")
