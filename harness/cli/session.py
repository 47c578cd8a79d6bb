"""A run as its user sees it: checks first, then the bar, the verdicts and the paths."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness.catalogue.loading import load_study
from harness.cli.hours import Hours
from harness.cli.open_run import OpenRun
from harness.cli.progress import ProgressBar
from harness.cli.screen import show_judgement, show_paths
from harness.cli.set_aside import error_set_aside
from harness.design.factors import profile_of
from harness.errors import HarnessError
from harness.figures.draw import draw_run, figures_of
from harness.judging.judge import JudgedRun, judge_run
from harness.judging.tables import write_judgement
from harness.meters.device import open_device
from harness.meters.machine import slug
from harness.protocol.protocol import read_machine
from harness.protocol.selection import select
from harness.publishing.agreement import Agreement, agreement
from harness.publishing.pages import write_run_page
from harness.publishing.stored import stored_rows
from harness.side_by_side import usable_cores
from harness.store.folders import RunFolder, locked
from harness.store.observations import StoredRun, check_stored

#: What a figure takes on one core, in seconds.
FIGURE_SECONDS = 1.5


def start_run(
    study: str,
    profile: str,
    device: str,
    results: Path,
    *,
    seed: int,
    jobs: int | None = None,
    experiments: Sequence[str] = (),
    hours: Hours | None = None,
) -> JudgedRun | None:
    """Start a new run; nothing is written before every argument has been checked.

    Args:
        study: its name.
        profile: "quick", "standard" or "full".
        device: "auto", "cpu" or "cuda".
        results: the folder of run folders.
        seed: every random stream starts from it.
        jobs: how many blocks to measure side by side; by default one on each usable core, and one
            alone on a GPU. The rows do not depend on it.
        experiments: names of those to measure; by default all.
        hours: how long the run may take; by default as long as it takes.

    Returns:
        The judged run; None where its budget was too short for any experiment.

    Raises:
        HarnessError: unknown study, experiment, profile or device, CUDA where there is none, a
            negative seed, no jobs, or a results folder that cannot be written.
    """
    chosen = profile_of(profile)
    if seed < 0:
        raise HarnessError(f"The seed must be 0 or more, not {seed}.")
    _check_jobs(jobs)
    hours = hours or Hours.from_now()
    loaded = load_study(study)
    selection = select(loaded, experiments, hours.budget)
    opened = open_device(device)
    run = OpenRun.create(loaded, chosen, opened, results, seed=seed, selection=selection)
    with locked(run.folder):
        return _carry_out(run, jobs, hours)


def resume_run(
    study: str, run: str, results: Path, *, jobs: int | None = None, hours: Hours | None = None
) -> JudgedRun | None:
    """Go on with a run that was stopped; finished blocks are kept and not repeated.

    Args:
        study: its name.
        run: a run folder, or its name.
        results: the folder of run folders.
        jobs: see ``start_run``.
        hours: of a run that may leave experiments out, how long it may take now; by default it is
            finished.

    Returns:
        See ``start_run``.

    Raises:
        HarnessError: no such run, a run of another study or another machine, the study's code has
            changed since, a file of the run is broken, another process is writing to the folder, or
            a budget for a run that is to be measured whole.
    """
    _check_jobs(jobs)
    hours = hours or Hours.from_now()
    opened = OpenRun.reopen(study, run, results)
    if hours.budget is not None and not opened.protocol.selection.partial:
        raise HarnessError(
            f"{opened.folder.path} was started to be measured whole: go on without a budget."
        )
    with locked(opened.folder):
        check_stored(opened.folder, opened.protocol)
        return _carry_out(opened, jobs, hours)


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise HarnessError(f"The number of jobs must be 1 or more, not {jobs}.")


def _carry_out(run: OpenRun, jobs: int | None, hours: Hours) -> JudgedRun | None:
    console = Console(stderr=True)
    console.print(f"Run folder: {run.folder.path}", soft_wrap=True)
    partial = run.protocol.selection.partial
    order = [rules.name for rules in run.by_worth()] if partial else []
    with (
        _resumable(console, run),
        error_set_aside() as terminal,
        ProgressBar(Console(file=terminal)) as bar,
    ):
        run.measure(bar, jobs=jobs, ends=hours.measuring_ends, order=order)
    stored = run.stored
    if missing := run.unfinished():
        names = ", ".join(name.replace("_", " ") for name in missing)
        console.print(f"Not finished within the budget: {names}; {_go_on(run)}", soft_wrap=True)
        if not stored.finished():
            return None
    judged = judge_run(stored)
    write_judgement(stored, judged)
    drawn = _draw_in_time(stored, hours, console)
    page = write_run_page(stored, judged)
    show_judgement(judged, _agreement(judged, run.folder, console))
    show_paths(run.folder.path, page, run.folder.figures if drawn else None)
    return judged


def _draw_in_time(run: StoredRun, hours: Hours, console: Console) -> bool:
    """Draw the figures where the budget leaves time for them; whether it did."""
    needed = FIGURE_SECONDS * figures_of(run) / usable_cores()
    if needed > hours.ends - time.monotonic():
        console.print(
            "The budget leaves no time for the figures. Draw them with:\n"
            f"  python -m harness draw {run.folder.path}",
            soft_wrap=True,
        )
        return False
    draw_run(run)
    return True


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
def _resumable(console: Console, run: OpenRun) -> Iterator[None]:
    """Say how to go on when a run is stopped by Ctrl-C or by a disk that is full."""
    try:
        yield
    except (KeyboardInterrupt, HarnessError):
        console.print(f"Stopped; {_go_on(run)}", soft_wrap=True)
        raise


def _go_on(run: OpenRun) -> str:
    return (
        "every finished block is kept. Go on with:\n"
        f"  python -m harness run {run.protocol.origin} --resume {run.folder.path}"
    )
