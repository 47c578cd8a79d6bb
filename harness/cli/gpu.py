"""All that a lease of minutes on a GPU can give: one run over every study, and one file to keep.

The experiments with claims about CUDA come first, study by study in the order of what they are
worth, then the others. After each study the archive is written anew, so that a machine that is
taken away has lost the study it was at and no more.
"""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.cli.doctor import examine
from harness.cli.hours import Hours
from harness.cli.open_run import OpenRun
from harness.cli.progress import ProgressBar
from harness.cli.screen import counts_text, verdict_counts
from harness.cli.set_aside import error_set_aside
from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.judging.judge import JudgedRun, judge_run
from harness.judging.tables import write_judgement
from harness.meters.device import TorchDevice, open_device
from harness.protocol.rules import ExperimentRules
from harness.protocol.selection import Selection, claims_of, guessed_seconds, needs_device
from harness.store.archive import write_archive
from harness.store.folders import locked
from harness.words import plural, shown

#: Kept of the budget for the tests: a share, and the most of it, in seconds.
TESTS, MOST_FOR_TESTS = 0.15, 90.0
#: What is carried away should not be larger than this, in bytes.
LARGEST = 15_000_000


@dataclass
class Lease:
    """The runs of a lease with the time that is left of it."""

    ends: float
    console: Console
    device: TorchDevice
    archive: Path
    runs: list[OpenRun] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds left for measuring."""
        return max(self.ends - time.monotonic(), 0.0)

    def open_runs(
        self,
        studies: Sequence[str],
        profile: Profile,
        results: Path,
        *,
        seed: int,
        budget: float | None,
    ) -> None:
        """Freeze a protocol for every study; one that cannot be loaded here is skipped."""
        for name in studies:
            try:
                study = load_study(name)
            except HarnessError as error:
                self.skipped[name] = str(error)
                continue
            run = OpenRun.create(
                study, profile, self.device, results, seed=seed, selection=Selection((), budget)
            )
            self.runs.append(run)

    def measure(self, *, first: bool) -> None:
        """Measure what needs the device, or what does not, study by study by worth."""
        waiting = [(run, self._due(run, first=first)) for run in self.runs]
        waiting = [(run, rules) for run, rules in waiting if rules]
        for run, rules in sorted(waiting, key=lambda due: self._cost(*due)):
            if not self.left:
                return
            minutes, seconds = divmod(round(self.left), 60)
            self.console.print(
                f"{run.study.name}: {plural(len(rules), 'experiment')}, {minutes}:{seconds:02d} "
                "left of the lease"
            )
            with (
                error_set_aside() as terminal,
                ProgressBar(Console(file=terminal)) as bar,
            ):
                run.measure(bar, ends=self.ends, order=[each.name for each in rules])
            self.pack()

    def _due(self, run: OpenRun, *, first: bool) -> list[ExperimentRules]:
        return [r for r in run.by_worth() if needs_device(r, self.device.kind) == first]

    def _cost(self, run: OpenRun, rules: Sequence[ExperimentRules]) -> float:
        """Seconds for each claim, as last measured or, where nobody did, as the design tells."""
        claims = {name for each in rules for name in claims_of(each, self.device.kind)}
        known = run.known_seconds
        seconds = sum(known.get(each.name, guessed_seconds(each)) for each in rules)
        return seconds / max(len(claims), 1)

    def judge(self) -> list[JudgedRun]:
        """Judge what was finished."""
        judged = []
        for run in self.runs:
            if run.stored.finished():
                found = judge_run(run.stored)
                write_judgement(run.stored, found)
                judged.append(found)
        return judged

    def pack(self) -> int:
        """Write what was finished into the archive; its size in bytes."""
        return write_archive(self.archive, [r.folder for r in self.runs if r.stored.finished()])


def run_lease(
    hours: Hours,
    results: Path,
    archive: Path,
    *,
    device: str = "cuda",
    profile: Profile = "standard",
    seed: int = 0,
    studies: Sequence[str] = (),
    tests: bool = True,
) -> None:
    """Measure as much as fits into a lease, and leave it in one archive.

    Args:
        hours: of the lease, all told.
        results: the folder of run folders.
        archive: the file to write.
        device: "cuda", or "cpu" to rehearse.
        profile: of all runs.
        seed: of all runs.
        studies: which; by default all.
        tests: whether the CUDA tests are run first.

    Raises:
        HarnessError: no such device, nothing that can be measured, or a folder that cannot be
            written.
    """
    console = Console(stderr=True, highlight=False)
    opened = open_device(device)
    examine(results)
    for_tests = min(TESTS * (hours.budget or math.inf), MOST_FOR_TESTS)
    tested = _run_tests(for_tests, opened.kind) if tests else "left out"
    console.print(f"CUDA tests: {tested}", soft_wrap=True)
    lease = Lease(hours.measuring_ends, console, opened, archive)
    lease.open_runs(studies or study_names(), profile, results, seed=seed, budget=hours.budget)
    if not lease.runs:
        raise HarnessError(f"No study can be loaded here: {'; '.join(lease.skipped.values())}")
    with ExitStack() as locks:
        for run in lease.runs:
            locks.enter_context(locked(run.folder))
        try:
            for first in (True, False):
                lease.measure(first=first)
        finally:
            judged = lease.judge()
            size = lease.pack()
            _drop_empty(lease)
    _show_summary(lease, judged, tested)
    print_archive(archive, size)


def _drop_empty(lease: Lease) -> None:
    """Remove the folders of runs of which not one block was measured."""
    for run in lease.runs:
        if not any((run.folder.path / "observations").glob("*")):
            run.folder.discard()


def _run_tests(seconds: float, device: str) -> str:
    """The quick ones of the tests that need a GPU, in a process of their own; how it went."""
    if device != "cuda":
        return "left out, for there is no CUDA here"
    if importlib.util.find_spec("pytest") is None or not Path("tests").is_dir():
        return "left out, for pytest or the tests are not here"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda and not slow", "tests"]
    try:
        done = subprocess.run(command, timeout=seconds, check=False, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return f"given up after {seconds:.0f} s"
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith("FAILED")]
    return "\n".join([*failed, lines[-1] if lines else f"ended with code {done.returncode}"])


def _show_summary(lease: Lease, judged: Sequence[JudgedRun], tested: str) -> None:
    by_study = {each.protocol.study: each for each in judged}
    table = Table(title="What the lease gave")
    for column in ("study", "experiments", "claims", "left for another time"):
        table.add_column(column)
    for run in lease.runs:
        finished, due = run.stored.finished(), run.protocol.measured()
        found = by_study.get(run.study.name)
        counts = verdict_counts(found) if found else None
        left = ", ".join(rules.name.replace("_", " ") for rules in due if rules not in finished)
        table.add_row(
            run.study.name,
            f"{len(finished)} of {len(due)}",
            counts_text(counts) if counts else "none",
            left,
        )
    for name, why in lease.skipped.items():
        table.add_row(name, "skipped", "", shown(why))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"CUDA tests: {tested.splitlines()[-1]}", soft_wrap=True)


def print_archive(archive: Path, size: int) -> None:
    """Where the archive is, how large, and what to do with it."""
    console = Console(highlight=False)
    console.print(f"Archive {archive} ({size / 1e6:.1f} MB)", soft_wrap=True)
    if size > LARGEST:
        console.print(f"It is larger than {LARGEST / 1e6:.0f} MB.")
    console.print(
        f"Take it home, and there: python -m harness import {archive.name}", soft_wrap=True
    )
