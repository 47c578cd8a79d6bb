"""A run as its user sees it: checks first, then the bar, the verdicts and the paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.catalogue.cards import studies_folder
from harness.catalogue.loading import load_study
from harness.cli.progress import ProgressBar
from harness.cli.screen import show_judgement, show_paths
from harness.cli.set_aside import error_set_aside
from harness.design.experiment import Study
from harness.design.factors import PROFILES
from harness.errors import HarnessError
from harness.figures.draw import draw_run
from harness.judging.judge import JudgedRun, judge_run
from harness.judging.tables import write_judgement
from harness.meters.device import TorchDevice, open_device
from harness.meters.machine import describe_machine, slug
from harness.protocol.protocol import (
    Protocol,
    new_protocol,
    read_machine,
    read_protocol,
    source_hash,
    write_protocol,
)
from harness.publishing.agreement import Agreement, agreement
from harness.publishing.pages import write_run_page
from harness.publishing.stored import stored_rows
from harness.running.runner import execute
from harness.side_by_side import usable_cores
from harness.store.folders import RunFolder, create_folder, current_commit, find_run, locked
from harness.store.observations import StoredRun, check_stored


def start_run(
    study: str, profile: str, device: str, results: Path, *, seed: int, jobs: int | None = None
) -> JudgedRun:
    """Start a new run; nothing is written before every argument has been checked.

    Args:
        study: its name.
        profile: "quick", "standard" or "full".
        device: "auto", "cpu" or "cuda".
        results: the folder of run folders.
        seed: every random stream starts from it.
        jobs: how many blocks to measure side by side; by default one on each usable core, and one
            alone on a GPU. The rows do not depend on it.

    Raises:
        HarnessError: unknown study, profile or device, CUDA where there is none, a negative seed,
            no jobs, or a results folder that cannot be written.
    """
    if profile not in PROFILES:
        raise HarnessError(f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    if seed < 0:
        raise HarnessError(f"The seed must be 0 or more, not {seed}.")
    _check_jobs(jobs)
    loaded = load_study(study)
    opened = open_device(device)
    machine = describe_machine(opened.kind)
    started = datetime.now(UTC)
    protocol = new_protocol(
        loaded,
        profile,
        opened.kind,
        seed,
        started=started.isoformat(timespec="seconds"),
        commit=current_commit(studies_folder().parent),
        source_sha256=source_hash(loaded),
        machine=machine,
    )
    name = f"{started:%Y-%m-%d}_{slug(machine)}_{protocol.commit}"
    folder = create_folder(results, loaded.name, name if profile != "quick" else f"{name}_quick")
    with locked(folder):
        try:
            write_protocol(folder.path, protocol, machine)
        except HarnessError:
            folder.discard()
            raise
        return _carry_out(loaded, protocol, folder, opened, jobs)


def resume_run(study: str, run: str, results: Path, *, jobs: int | None = None) -> JudgedRun:
    """Go on with a run that was stopped; finished blocks are kept and not repeated.

    Raises:
        HarnessError: no such run, a run of another study or another machine, the study's code has
            changed since, a file of the run is broken, or another process is writing to the folder.
    """
    _check_jobs(jobs)
    folder = find_run(run, results)
    protocol = read_protocol(folder.path)
    loaded = load_study(study)
    if protocol.study != loaded.name:
        raise HarnessError(f"{folder.path} is a run of {protocol.study!r}, not of {study!r}.")
    if source_hash(loaded) != protocol.source_sha256:
        raise HarnessError(
            f"{folder.path} was started with another version of the study or the harness "
            f"(commit {protocol.commit}). Check that version out to go on, or start a new run."
        )
    opened = open_device(protocol.device)
    _check_machine(folder, protocol, describe_machine(opened.kind))
    with locked(folder):
        check_stored(folder, protocol)
        return _carry_out(loaded, protocol, folder, opened, jobs)


def _check_machine(folder: RunFolder, protocol: Protocol, machine: dict[str, Any]) -> None:
    """Refuse to add rows of one machine, or of one set of versions, to those of another."""
    before = read_machine(folder.path, protocol)
    # A reboot may change by a few pages what the kernel leaves of the memory.
    odd = [name for name in before if name != "memory_gib" and before[name] != machine.get(name)]
    if odd:
        raise HarnessError(
            f"{folder.path} was started on another machine or with other versions "
            f"({', '.join(odd)} of machine.json differ). Go on there, or start a new run."
        )


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise HarnessError(f"The number of jobs must be 1 or more, not {jobs}.")


def _carry_out(
    study: Study, protocol: Protocol, folder: RunFolder, device: TorchDevice, jobs: int | None
) -> JudgedRun:
    jobs = jobs or (usable_cores() if device.kind == "cpu" else 1)
    console = Console(stderr=True)
    console.print(f"Run folder: {folder.path}", soft_wrap=True)
    with (
        _resumable(console, protocol, folder),
        error_set_aside() as terminal,
        ProgressBar(Console(file=terminal)) as bar,
    ):
        execute(study, protocol, folder, device, bar, jobs=jobs)
    run = StoredRun(folder, protocol)
    judged = judge_run(run)
    write_judgement(run, judged)
    draw_run(run)
    page = write_run_page(run, judged)
    show_judgement(judged, _agreement(judged, folder, console))
    show_paths(folder.path, page, folder.figures)
    return judged


def _agreement(judged: JudgedRun, folder: RunFolder, console: Console) -> Agreement | None:
    """How the run agrees with the published one; a ledger that cannot be read costs no run."""
    protocol = judged.protocol
    try:
        published = stored_rows(folder.path.parent.parent)
    except HarnessError as error:
        console.print(f"Not compared with the published run: {error}", soft_wrap=True)
        return None
    of_study = [row for row in published if row["study"] == protocol.study]
    machine = slug(read_machine(folder.path, protocol))
    return agreement(judged.claims, of_study, machine)


@contextmanager
def _resumable(console: Console, protocol: Protocol, folder: RunFolder) -> Iterator[None]:
    """Say how to go on when a run is stopped by Ctrl-C or by a disk that is full."""
    try:
        yield
    except (KeyboardInterrupt, HarnessError):
        console.print(
            "Stopped; every finished block is kept. Go on with:\n"
            f"  python -m harness run {protocol.origin} --resume {folder.path}",
            soft_wrap=True,
        )
        raise
