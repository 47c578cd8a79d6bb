"""Fake trios and planted comparisons: helpers, no tests. No process and no clock is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import numpy as np
import pandas as pd

from harness.catalogue.benchmarks import Benchmark
from harness.protocol.comparison import (
    AGAIN,
    BASE,
    HEAD,
    SIDES,
    Asked,
    Comparison,
    Side,
    blocks_for,
    write_comparison,
)
from harness.publishing.comparison_files import derive_comparison
from harness.running.trio import Answer, Interpreter, LostError, RaisedError
from harness.store.folders import create_folder
from harness.store.parquet import empty_row
from harness.store.turns import COMPARISONS, RESPONSE_OF, TABLE, join_blocks, table_of, write_block

SPIN = Benchmark("spin")
INTERPRETERS = {side: Interpreter(Path("python")) for side in SIDES}


def comparison(*benchmarks: Benchmark, **changes: Any) -> Comparison:  # noqa: ANN401 - its fields
    """A comparison of some benchmarks, ``spin`` by default, with as many blocks as they need."""
    chosen = benchmarks or (SPIN,)
    planned = Comparison(
        base=Asked("torch==1"),
        head=Asked("torch==2"),
        benchmarks=chosen,
        file="benchmarks.py",
        file_sha256="0" * 64,
        suite=(),
        device="cpu",
        threads=1,
        seed=0,
        blocks=blocks_for(len(chosen)),
        seconds=6.0,
        started="2026-01-01T00:00:00+00:00",
        commit="00000000",
        machine={"cpu": "planted", "cores": 2, "torch": {}},
    )
    return replace(planned, **changes)


def planted(
    compared: Comparison,
    ratios: Mapping[str, Mapping[Side, Sequence[float]]],
    *,
    rounds: int = 9,
    base: float = 1e-4,
) -> pd.DataFrame:
    """A table in which base takes ``base`` and the others so many times as much.

    Args:
        compared: it belongs to.
        ratios: by benchmark and side, one number a block.
        rounds: of each block.
        base: what a call takes on base.
    """
    units = {each.name: each.unit for each in compared.benchmarks}
    rows: list[dict[str, Any]] = [
        {
            **empty_row(),
            "block": block,
            "seed": 0,
            "order": place,
            "round": number,
            "benchmark": name,
            "side": side,
            "response": RESPONSE_OF[units[name]],
            "unit": units[name],
            "value": base * ({BASE: [1.0] * len(values)} | dict(by_side))[side][block],
        }
        for name, by_side in ratios.items()
        for values in [next(iter(by_side.values()))]
        for block in range(len(values))
        for number in range(rounds)
        for place, side in enumerate(SIDES)
    ]
    return table_of(compared, rows)


def stored(results: Path, name: str, planned: Comparison, *, blocks: int | None = None) -> Path:
    """The folder of a comparison whose first benchmark got slower by a tenth, and no other.

    A finished one has its page and its other files, as its command would have written them.

    Args:
        results: the folder of results.
        name: of the comparison's folder.
        planned: what was decided.
        blocks: that are finished; None for all.
    """
    folder = create_folder(results, COMPARISONS, name)
    write_comparison(folder.path, planned)
    ratios = {
        each.name: noisy(1.0 if place else 1.1, planned, seed=place)
        for place, each in enumerate(planned.benchmarks)
    }
    table = planted(planned, ratios)
    for index in range(planned.blocks if blocks is None else blocks):
        rows: Any = table[table["block"] == index].to_dict("records")
        write_block(folder, planned, index, rows)
    join_blocks(folder, planned)
    if folder.has_table(TABLE):
        derive_comparison(folder, folder)
    return folder.path


def noisy(
    head: float, compared: Comparison, *, again: float = 1.0, sd: float = 0.003, seed: int = 0
) -> dict[Side, list[float]]:
    """Ratios about these medians, one a block."""
    random = np.random.default_rng(seed)
    return {
        HEAD: (head * np.exp(sd * random.standard_normal(compared.blocks))).tolist(),
        AGAIN: (again * np.exp(sd * random.standard_normal(compared.blocks))).tolist(),
    }


@dataclass
class FakeTrio:
    """Answers as three processes would whose calls take what ``seconds`` says.

    Attributes:
        seconds: of a call, by side.
        on_request: is told side and request before each answer; what it raises is raised.
        asked: every request, with its side; None for one to all.
        layout: the seed that it was opened with.
    """

    seconds: Mapping[Side, float] = field(default_factory=lambda: dict.fromkeys(SIDES, 1e-4))
    on_request: Callable[[Side, Mapping[str, Any]], None] = lambda side, request: None
    asked: list[tuple[Side | None, dict[str, Any]]] = field(default_factory=list)
    proof: Mapping[str, Any] = field(default_factory=dict)
    ended: bool = False
    layout: int = 0
    pids: Sequence[int] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended = True

    def open(self, *given: object) -> dict[Side, Answer]:
        self.layout = cast(int, given[-1])
        return {side: dict(self.proof) for side in SIDES}

    def ask(self, side: Side, request: Mapping[str, Any]) -> Answer:
        self.asked.append((side, dict(request)))
        self.on_request(side, request)
        return {
            "seconds": self.seconds[side],
            "amount": 1e6 * self.seconds[side],
            "preempted": False,
            "handover": 5e-5,
        }

    def ask_all(self, request: Mapping[str, Any]) -> dict[Side, Answer | RaisedError]:
        self.asked.append((None, dict(request)))
        answers: dict[Side, Answer | RaisedError] = {}
        for side in SIDES:
            try:
                self.on_request(side, request)
                answers[side] = {}
            except RaisedError as error:
                answers[side] = error
        return answers


def lost(side: Side, how: str = "was killed by SIGKILL") -> LostError:
    """A process that is gone."""
    return LostError(side, how)


#: A torch that is there in no time: all that a worker needs of it.
STUB = """
__version__ = {version!r}
threads = 1
class version:
    git_version, cuda = "0" * 40, None
class __config__:
    show = staticmethod(lambda: "a stub")
class backends:
    class cudnn:
        benchmark = {benchmark}
def get_num_threads(): return threads
def set_num_threads(number): globals().update(threads=number)
def manual_seed(seed): pass
"""


def stub_torch(folder: Path, version: str = "1.0", *, benchmark: bool = False) -> Interpreter:
    """This Python with a torch that is nothing but what a worker asks of it."""
    package = folder / f"torch-{version}" / "torch"
    package.mkdir(parents=True, exist_ok=True)
    text = STUB.format(version=version, benchmark=benchmark)
    (package / "__init__.py").write_text(text, encoding="utf-8")
    return Interpreter(Path(sys.executable), {"PYTHONPATH": str(package.parent)})
