"""The calibration: ``python -m harness.calibration.calibrate`` proves the intervals by simulation.

It tries them at the numbers of blocks that the studies' profiles use, and writes what it found into
the results folder. Nothing of it needs torch.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from harness.calibration.calibration_page import outcome, write_calibration
from harness.calibration.checks import Check
from harness.calibration.trials import carry_out, trials
from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.design.factors import PROFILES
from harness.errors import HarnessError
from harness.side_by_side import usable_cores

SIMULATIONS = 10_000


def block_counts() -> list[int]:
    """Every number of blocks that an experiment of a study has in one of the profiles."""
    experiments = [e for name in study_names() for e in load_study(name).experiments.values()]
    return sorted({e.blocks.of(profile) for e in experiments for profile in PROFILES})


def calibrate(counts: Iterable[int], simulations: int, seed: int, jobs: int) -> list[Check]:
    """Carry out all trials with a progress bar, on several processes where ``jobs`` says so."""
    todo = trials(counts)
    work = partial(carry_out, simulations=simulations, seed=seed)
    console = Console(stderr=True)
    bar = partial(track, description="calibrating", total=len(todo), console=console)
    if jobs == 1:
        return [check for found in bar(map(work, todo)) for check in found]
    # "spawn" takes nothing over from this process, whose progress bar runs in a thread.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        return [check for found in bar(pool.map(work, todo)) for check in found]


def main(
    results: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("results"),
    simulations: Annotated[int, typer.Option(min=1, help="Experiments a check.")] = SIMULATIONS,
    seed: Annotated[int, typer.Option(min=0, help="Every random stream starts from it.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = usable_cores(),
    blocks: Annotated[
        list[int] | None, typer.Option(min=1, help="Try these instead of the studies' numbers.")
    ] = None,
) -> None:
    """Check by simulation that intervals cover and that verdicts are seldom wrong."""
    try:
        checks = calibrate(blocks or block_counts(), simulations, seed, jobs)
        for path in write_calibration(results, checks, seed):
            typer.echo(path)
    except HarnessError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(outcome(checks))
    raise typer.Exit(0 if all(check.met for check in checks) else 1)


if __name__ == "__main__":
    typer.run(main)
