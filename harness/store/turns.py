"""The rows of a comparison on the disk: a file a finished block, and the table they make up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pandera

from harness.catalogue.benchmarks import Benchmark
from harness.design.factors import Arm
from harness.design.gpu_state import QUANTITIES
from harness.errors import HarnessError
from harness.files import interrupts_deferred, write_bytes
from harness.protocol.comparison import NAME as COMPARISON
from harness.protocol.comparison import SIDE, SIDES, Comparison, Side
from harness.store.folders import RunFolder
from harness.store.parquet import frame_of, read_table, schema, write_table

#: The folder of comparisons below that of results.
COMPARISONS = "regress"
#: The name of the table in the run folder.
TABLE = "turns"
#: What each process proved of what it runs.
PROOFS = "sides.json"
#: What is measured, by unit, and what is recorded beside it.
RESPONSES = {"seconds": "s", "bytes": "B", "handover": "s", "calls": "calls"}
#: The state of a GPU, in rows of a phase of their own.
STATE = {quantity.name: quantity.unit for quantity in QUANTITIES}
RESPONSE_OF = {"s": "seconds", "B": "bytes"}
#: No stored proof is larger, in bytes.
LARGEST_PROOFS = 20_000_000


def form_of(comparison: Comparison) -> pandera.DataFrameSchema:
    """The schema of a comparison's table."""
    return schema([comparison.factor, SIDE], RESPONSES | STATE)


def arm_of(benchmark: Benchmark, side: Side) -> Arm:
    """A benchmark on one side, as the table's factors tell it apart."""
    return Arm((("benchmark", benchmark.name), (SIDE.name, side)))


def table_of(comparison: Comparison, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table from rows."""
    return frame_of(rows, [comparison.factor, SIDE])


def write_block(
    folder: RunFolder, comparison: Comparison, index: int, rows: list[dict[str, Any]]
) -> None:
    """Write a finished block so that it is there whole or not at all.

    Raises:
        HarnessError: the disk is full or the folder not writable.
    """
    with interrupts_deferred():
        path = folder.part(TABLE, index)
        write_table(path, table_of(comparison, rows), _labels(comparison, index))


def finished_blocks(folder: RunFolder, comparison: Comparison) -> list[int]:
    """The blocks that are on the disk."""
    if folder.has_table(TABLE):
        return list(range(comparison.blocks))
    return [i for i in range(comparison.blocks) if folder.part(TABLE, i).is_file()]


def read_turns(folder: RunFolder, comparison: Comparison) -> pd.DataFrame:
    """All rows of the finished blocks.

    Raises:
        HarnessError: a file is broken or belongs elsewhere, or there is none.
    """
    if folder.has_table(TABLE):
        return read_table(folder.table(TABLE), form_of(comparison), _labels(comparison))
    parts = [
        read_table(folder.part(TABLE, index), form_of(comparison), _labels(comparison, index))
        for index in finished_blocks(folder, comparison)
    ]
    if not parts:
        raise HarnessError(f"{folder.path}: no block of this comparison is finished.")
    return pd.concat(parts, ignore_index=True)


def join_blocks(folder: RunFolder, comparison: Comparison) -> None:
    """Make one table of all blocks, once every one is there.

    Raises:
        HarnessError: see ``read_turns`` and ``write_block``.
    """
    if folder.has_table(TABLE):
        return
    if len(finished_blocks(folder, comparison)) == comparison.blocks:
        with interrupts_deferred():
            table = read_turns(folder, comparison)
            write_table(folder.table(TABLE), table, _labels(comparison))
            folder.drop_parts(TABLE)


def write_proofs(folder: RunFolder, proofs: Mapping[Side, Mapping[str, Any]]) -> None:
    """Write what each process proved of what it runs.

    Raises:
        HarnessError: it cannot be written.
    """
    write_bytes(folder.path / PROOFS, (json.dumps(proofs, indent=2) + "\n").encode())


def read_proofs(folder: RunFolder) -> dict[Side, dict[str, Any]] | None:
    """What was written; None where nothing was.

    Raises:
        HarnessError: the file is broken.
    """
    path = folder.path / PROOFS
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST_PROOFS:
            raise HarnessError(f"{path}: this is too large to be what three processes proved.")
        stored = json.loads(path.read_bytes())
        proofs: dict[Side, dict[str, Any]] = {side: dict(stored[side]) for side in SIDES}
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{path}: this is not what three processes proved ({error}).") from error
    return proofs


def find_comparison(given: str, results: Path) -> RunFolder:
    """The folder of a comparison that a user means: a path, or a name below ``regress``.

    Raises:
        HarnessError: there is none.
    """
    for path in (Path(given), results / COMPARISONS / given):
        if (path / COMPARISON).is_file():
            return RunFolder(path)
    raise HarnessError(f"{given}: there is no comparison of this path or name in {results}.")


def _labels(comparison: Comparison, block: int | None = None) -> dict[str, str]:
    """What a file belongs to."""
    own = {} if block is None else {"block": str(block)}
    return {"comparison_sha256": comparison.sha256, **own}
