"""Tables of observations: one schema, written atomically, refused where they do not fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pyarrow import parquet

from harness.design.factors import Factor, Level
from harness.design.gpu_state import ALONE, BETWEEN
from harness.errors import HarnessError
from harness.files import write_bytes

LEADING = ("block", "seed", "order", "round", "phase")
TRAILING = ("response", "value", "unit", "status", "message")
#: A row is of the warm-up, of what is measured, or of a GPU's state (``harness.design.gpu_state``).
PHASES = ("warmup", "measured", BETWEEN, ALONE)
_DTYPES: Mapping[type, str] = {str: "str", bool: "bool", int: "int64", float: "float64"}


def schema(factors: Sequence[Factor[Any]], responses: Mapping[str, str]) -> pandera.DataFrameSchema:
    """The schema of an experiment's table.

    A row's status is "ok", "failed" (there is no value, and the message says why) or "disturbed"
    (a time taken while something slowed the device down, which the message names). The message of a
    row that is ok may say what stands behind the number, or, of a GPU's state, why there is none.

    Args:
        factors: one column each, between the leading and the trailing columns.
        responses: names and units that may occur.
    """
    count = pandera.Check.ge(0)
    columns = {
        "block": pandera.Column("int64", count),
        "seed": pandera.Column("int64", count),
        "order": pandera.Column("int64", count),
        "round": pandera.Column("int64", count),
        "phase": pandera.Column("str", pandera.Check.isin(list(PHASES))),
        **{f.name: pandera.Column(_dtype(f), pandera.Check.isin(list(f.levels))) for f in factors},
        "response": pandera.Column("str", pandera.Check.isin(list(responses))),
        "value": pandera.Column("float64", nullable=True),
        "unit": pandera.Column("str", pandera.Check.isin(sorted(set(responses.values())))),
        "status": pandera.Column("str", pandera.Check.isin(["ok", "failed", "disturbed"])),
        "message": pandera.Column("str"),
    }
    key = ["block", *(f.name for f in factors), "response", "phase", "round"]
    return pandera.DataFrameSchema(columns, strict=True, ordered=True, unique=key)


def empty_row() -> dict[str, Level]:
    """A row's default values, for the columns that most rows leave alone."""
    return {"phase": "measured", "status": "ok", "message": ""}


def frame_of(rows: Sequence[Mapping[str, Any]], factors: Sequence[Factor[Any]]) -> pd.DataFrame:
    """A table with the schema's columns and types from rows as dictionaries."""
    names = [*LEADING, *(factor.name for factor in factors), *TRAILING]
    types = dict.fromkeys(("block", "seed", "order", "round"), "int64")
    types |= {factor.name: _dtype(factor) for factor in factors} | {"value": "float64"}
    types |= dict.fromkeys(("phase", "response", "unit", "status", "message"), "str")
    storable = [{**row, "message": _storable(row["message"])} for row in rows]
    return pd.DataFrame(storable, columns=names).astype(types)


def write_table(path: Path, table: pd.DataFrame, identity: Mapping[str, str]) -> None:
    """Write a table so that it is there whole or not at all.

    Args:
        path: the parquet file; a half-written neighbour never carries its name.
        table: fits the schema already.
        identity: what the file belongs to (run, experiment); checked when it is read.

    Raises:
        HarnessError: the disk is full or the folder not writable.
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    labels = dict(identity) | {"content_sha256": content_hash(table)}
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **labels})
    sink = pa.BufferOutputStream()
    parquet.write_table(arrow, sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())


def read_table(
    path: Path, form: pandera.DataFrameSchema | None, identity: Mapping[str, str]
) -> pd.DataFrame:
    """Read a table and refuse it where it is not what its place says.

    Args:
        path: the parquet file.
        form: its schema; None trusts the checksum, for pieces of a table that is validated as a
            whole later (which costs much less than validating every piece).
        identity: what the file must belong to.

    Raises:
        HarnessError: missing, truncated, foreign, edited, or not of the schema; the sentence names
            file, column and row.
    """
    try:
        arrow = parquet.read_table(path)
        # The types are those of the columns, not what a description of them in the file says.
        table: pd.DataFrame = arrow.to_pandas(ignore_metadata=True)
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: there is no such file.") from error
    except (OSError, pa.ArrowException, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise HarnessError(f"{path}: this is not a whole parquet file ({first}).") from error
    labels = arrow.schema.metadata or {}
    for key, expected in identity.items():
        found = labels.get(key.encode(), b"missing").decode(errors="replace")
        if found != expected:
            raise HarnessError(
                f"{path}: the file belongs elsewhere: its {key} is {found!r}, "
                f"expected {expected!r}."
            )
    if form is not None:
        _validate(path, table, form)
    if labels.get(b"content_sha256", b"") != content_hash(table).encode():
        raise HarnessError(f"{path}: the rows were edited after the run (checksum differs).")
    return table


def content_hash(table: pd.DataFrame) -> str:
    """A checksum of columns and values that does not depend on the library's version."""
    digest = hashlib.sha256()
    for name in table.columns:
        column = table[name]
        digest.update(f"{name}\x1e".encode())
        if column.dtype.kind == "f":
            numbers = column.to_numpy(np.float64)
            # Parquet keeps no NaN's sign and payload: inf - inf has another NaN than np.nan.
            digest.update(np.where(np.isnan(numbers), np.nan, numbers).tobytes())
        elif column.dtype.kind in "ib":
            digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
        else:
            digest.update(_json_list(column.astype(str)).encode())
    return digest.hexdigest()


def _json_list(texts: pd.Series[str]) -> str:
    """``json.dumps`` of the texts, each different one encoded once: a column has few."""
    codes, different = pd.factorize(texts, use_na_sentinel=False)
    encoded = np.array([json.dumps(text) for text in different], dtype=object)
    return f"[{', '.join(encoded[codes])}]"


def _storable(text: str) -> str:
    """The text without lone surrogates (odd file names in an error), which no file can hold."""
    return text.encode(errors="backslashreplace").decode()


def _dtype(factor: Factor[Any]) -> str:
    return _DTYPES[type(factor.levels[0])]


def _validate(path: Path, table: pd.DataFrame, form: pandera.DataFrameSchema) -> None:
    expected, found = list(form.columns), list(table.columns)
    if expected != found:
        odd = [name for name in [*expected, *found] if (name in expected) != (name in found)]
        raise HarnessError(
            f"{path}: column {(odd or found)[0]!r}: the columns must be {', '.join(expected)}."
        )
    try:
        form.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        case = errors.failure_cases.iloc[0]
        where = "" if pd.isna(case["index"]) else f", row {int(case['index'])}"
        column = case["column"] if not pd.isna(case["column"]) else case["failure_case"]
        raise HarnessError(
            f"{path}: column {column!r}{where}: {case['check']} fails ({case['failure_case']!r})."
        ) from errors
