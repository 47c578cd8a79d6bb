"""A comparison from its first block to its last: each a fresh trio, each a file when it is done."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from harness.catalogue.benchmarks import Benchmark
from harness.design.gpu_state import disturbances
from harness.errors import HarnessError
from harness.meters.gpu import Watch
from harness.meters.sampler import Sample, Sampler
from harness.protocol.comparison import BASE, SIDES, Comparison, Side
from harness.running.lockstep import Measured, measure
from harness.running.trio import PACKAGES, Interpreter, LostError, Trio
from harness.store.folders import RunFolder
from harness.store.parquet import empty_row
from harness.store.state_rows import quantity_rows
from harness.store.turns import (
    RESPONSE_OF,
    arm_of,
    finished_blocks,
    join_blocks,
    read_proofs,
    write_block,
    write_proofs,
)

#: A benchmark that failed in so many blocks is not tried again: it would fail in all of them.
FAILED_ENOUGH = 2
#: What of a process's proof must stay the same from block to block.
SAME = (
    "interpreter",
    "python",
    "torch",
    "torch_file",
    "build",
    "cuda",
    "device",
    "files",
    "packages",
)

Rows = list[dict[str, Any]]


class Reporter(Protocol):
    """Is told how far a comparison is."""

    def begin(self, total: int) -> None:
        """So many benchmarks are to be measured, counted once a block."""

    def done(self, block: int, benchmark: str, failures: Mapping[Side, str]) -> None:
        """One was measured in one block."""


@dataclass
class Comparing:
    """A comparison under way.

    Attributes:
        comparison: what was decided.
        folder: where its rows go; the caller holds its lock.
        interpreters: what runs each side.
        reporter: is told how far it is.
        where: the folder that the processes run in.
        watch: opens what reads the state of the GPU that these processes share; None on a CPU.
        open_trio: starts one; tests pass fakes.
        failed: in how many blocks a benchmark has failed.
    """

    comparison: Comparison
    folder: RunFolder
    interpreters: Mapping[Side, Interpreter]
    reporter: Reporter
    where: Path
    watch: Callable[[Collection[int]], Watch] | None = None
    open_trio: Callable[[Mapping[Side, Interpreter], Path], Trio] = Trio
    failed: Counter[str] = field(default_factory=Counter)

    def carry_out(self) -> None:
        """Measure all blocks that are not on the disk yet.

        Raises:
            HarnessError: a side cannot be used, has changed since the first block, or the disk is
                full.
        """
        done = set(finished_blocks(self.folder, self.comparison))
        due = [index for index in range(self.comparison.blocks) if index not in done]
        self.reporter.begin(len(due) * len(self.comparison.benchmarks))
        for index in due:
            write_block(self.folder, self.comparison, index, self.measure_block(index))
        join_blocks(self.folder, self.comparison)

    def measure_block(self, index: int) -> Rows:
        """The rows of one block; where a process is lost, the others go on with a new trio."""
        random = np.random.default_rng([self.comparison.seed, index])
        order = random.permutation(len(self.comparison.benchmarks)).tolist()
        waiting = [self.comparison.benchmarks[place] for place in order]
        rows: Rows = []
        while waiting:
            rows += self._in_one_trio(index, waiting, random)
        return rows

    def _in_one_trio(
        self, index: int, waiting: list[Benchmark], random: np.random.Generator
    ) -> Rows:
        """Rows of benchmarks, taken off the list, until it is empty or a process is lost."""
        rows: Rows = []
        # The order of starting is random too: who starts first may get the better core.
        order = random.permutation(3).tolist()
        layout = _Layout.draw(random)
        size = max(each.size for each in self.interpreters.values()) + layout.filling
        started = {
            SIDES[i]: self.interpreters[SIDES[i]].with_layout(layout.hashes, size) for i in order
        }
        with self.open_trio(started, self.where) as trio:
            packages = {} if self.comparison.suite else PACKAGES
            try:
                proofs = trio.open(
                    self.comparison.asked,
                    self.comparison.device,
                    self.comparison.threads,
                    packages,
                    layout.memory,
                )
            except LostError as error:
                raise HarnessError(
                    f"{error.side} ({self.comparison.asked(error.side).source}) cannot be used: "
                    f"its process {error.how} before anything was measured."
                ) from error
            self._check(proofs)
            # One for the trio: what it may spend grows while work is built, too.
            sampler = Sampler(self.watch(trio.pids), time.perf_counter) if self.watch else None
            while waiting:
                benchmark = waiting.pop(0)
                seed = int(random.integers(2**31))
                measured, samples = self._measure(trio, benchmark, seed, sampler)
                rows += rows_of(self.comparison, benchmark, index, measured, samples)
                self.reporter.done(index, benchmark.name, measured.failures)
                if measured.lost:
                    break
        return rows

    def _measure(
        self, trio: Trio, benchmark: Benchmark, seed: int, sampler: Sampler | None
    ) -> tuple[Measured, Sequence[Sample]]:
        """One benchmark, and the state of the GPU meanwhile."""
        if self.failed[benchmark.name] >= FAILED_ENOUGH:
            reason = f"not tried, for it failed in {FAILED_ENOUGH} blocks before"
            return Measured(failures=dict.fromkeys(SIDES, reason)), ()
        request = {"name": benchmark.name, "seed": seed}
        if self.comparison.suite:
            request = {"do": "test", "test": benchmark.name, "seed": seed}
        else:
            request = {"do": "prepare", "file": str(self.comparison.path), **request}
        seconds = self.comparison.seconds / self.comparison.blocks
        arms = {side: arm_of(benchmark, side) for side in SIDES}

        def visited(side: Side, number: int, place: int) -> None:
            if sampler is not None:
                sampler.visited(arms[side], number, place, arms.values())

        before = len(sampler.samples) if sampler else 0
        measured = measure(
            trio, benchmark, request, seed, seconds, cores=self._cores(), visited=visited
        )
        self.failed[benchmark.name] += bool(measured.failures)
        return measured, sampler.samples[before:] if sampler else ()

    def _cores(self) -> list[int]:
        """The cores to take turns on; none where a side may need several, or has a GPU to feed."""
        alone = self.comparison.threads == 1 and self.comparison.device == "cpu"
        return sorted(os.sched_getaffinity(0)) if alone and hasattr(os, "sched_getaffinity") else []

    def _check(self, proofs: Mapping[Side, Mapping[str, Any]]) -> None:
        """Keep what the first trio proved, and hold the others to it.

        Raises:
            HarnessError: another torch answers than did in the first block.
        """
        before = read_proofs(self.folder)
        if before is None:
            write_proofs(self.folder, proofs)
            return
        for side in SIDES:
            changed = [name for name in SAME if before[side].get(name) != proofs[side].get(name)]
            if changed:
                raise HarnessError(
                    f"{side} has changed since the first block ({', '.join(changed)}): what is "
                    "measured now does not belong with what is there. Start a new comparison."
                )


@dataclass(frozen=True)
class _Layout:
    """Where things lie in memory: drawn for each trio, the same for all of its sides.

    It makes a process faster or slower by 1 to 2 % as long as it lives. Within a block it is the
    same on all sides, as far as they run the same code; from block to block it is another.

    Attributes:
        hashes: the seed that decides where a name stands in a dictionary.
        filling: bytes below the stack.
        memory: the seed of what is left out of the memory.
    """

    hashes: int
    filling: int
    memory: int

    @classmethod
    def draw(cls, random: np.random.Generator) -> _Layout:
        hashes, memory = random.integers(1, 2**31, size=2).tolist()
        return cls(hashes, int(random.integers(64, 4096)), memory)


def rows_of(
    comparison: Comparison,
    benchmark: Benchmark,
    index: int,
    measured: Measured,
    samples: Sequence[Sample] = (),
) -> Rows:
    """What a benchmark becomes on the disk, measured or failed.

    Args:
        comparison: it belongs to.
        benchmark: what was measured.
        index: of the block.
        measured: what came out.
        samples: of the GPU's state meanwhile; what disturbed it makes rows "disturbed".
    """
    disturbed = "; ".join(dict.fromkeys(d for s in samples for d in disturbances(s.reading.values)))
    response = RESPONSE_OF[benchmark.unit]
    common: dict[str, Any] = {
        **empty_row(),
        "block": index,
        "seed": comparison.seed,
        "benchmark": benchmark.name,
    }
    common |= {"response": response, "unit": benchmark.unit, "round": 0, "order": 0}
    rows = [
        {**common, "side": turn.side, "phase": turn.phase, "round": turn.round}
        | {"order": turn.order, "value": turn.value}
        | _status("another process took the core" if turn.preempted else disturbed)
        for turn in measured.turns
    ]
    if measured.failures:
        rows = [row for row in rows if row["phase"] != "measured"]
        rows += [_failed(common, side, measured.failures) for side in SIDES]
    elif measured.handovers:
        beside = {**common, "side": BASE}
        handover = statistics.median(measured.handovers)
        rows.append({**beside, "response": "handover", "unit": "s", "value": handover})
        calls = float(measured.calls)
        rows.append({**beside, "response": "calls", "unit": "calls", "value": calls})
    return rows + quantity_rows(samples, lambda sample: {**common, **sample.arm.as_dict()})


def _status(disturbed: str) -> dict[str, str]:
    return {"status": "disturbed" if disturbed else "ok", "message": disturbed}


def _failed(common: dict[str, Any], side: Side, failures: Mapping[Side, str]) -> dict[str, Any]:
    others = "; ".join(f"{name} failed" for name in failures)
    message = failures.get(side, f"not measured, for {others}")
    return {**common, "side": side, "value": float("nan"), "status": "failed", "message": message}
