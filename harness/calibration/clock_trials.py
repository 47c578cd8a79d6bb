"""The clock against itself, a whole A/A again and again: ``-m harness.calibration.clock_trials``.

Each repetition has the blocks, fresh processes, chunks and intervals of a timed experiment of a
study, and two arms that are one. Half of the repetitions run beside a process that burns a core in
bursts. An interval that excludes 1 would have been published as a difference.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

from harness.calibration.burner import by_turns
from harness.calibration.clock_page import outcome, write_clock_trials
from harness.design.aa import AA, COPY
from harness.design.factors import cross
from harness.errors import HarnessError
from harness.judging.effects import Effect, Rows, compute_effect
from harness.store.parquet import empty_row, frame_of

REPETITIONS = 100
#: The fewest blocks whose 99 % interval leaves out the lowest and the highest: one odd process in a
#: dozen decides nothing.
BLOCKS = 12
ROUNDS = 100
#: What the interval would have been with fewer rounds in each block.
SHARES_OF_ROUNDS = (0.0625, 0.125, 0.25, 0.5, 1.0)

#: Measures one block: from seed and rounds to what the block's process prints, and its wall time.
Measure = Callable[[int, int], "MeasuredBlock"]


@dataclass(frozen=True)
class MeasuredBlock:
    """What one block gave.

    Attributes:
        first: seconds a call of the arm under its first name, by round.
        again: the same under its second name.
        block_seconds: from before the tasks were built until the last chunk.
        in_calls: how much of that was spent in calls, warm-up included.
        process_seconds: from the start of the process to its end.
    """

    first: list[float]
    again: list[float]
    block_seconds: float
    in_calls: float
    process_seconds: float


def measure_block(seed: int, rounds: int) -> MeasuredBlock:
    """Measure one block in a fresh process.

    Raises:
        HarnessError: the process failed.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "harness.calibration.clock_block", str(seed), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"A block of the clock's calibration failed: {done.stderr.strip()}")
    return MeasuredBlock(**json.loads(done.stdout), process_seconds=time.perf_counter() - started)


def repetition_rows(
    number: int, beside: str, blocks: list[MeasuredBlock], rounds: int
) -> Iterator[dict[str, object]]:
    """The interval of one repetition, for all its rounds and for the first of them alone.

    Args:
        number: of the repetition.
        beside: what else the machine did.
        blocks: as measured.
        rounds: of each block.

    Yields:
        A row of ``results/clock.csv``.
    """
    measured = sum(block.block_seconds for block in blocks)
    for share in SHARES_OF_ROUNDS:
        kept = max(1, math.ceil(share * rounds))
        effect = _effect(blocks, kept)
        yield {
            "repetition": number,
            "beside": beside,
            "blocks": len(blocks),
            "rounds": kept,
            "seconds_a_call": float(np.median([block.first[:kept] for block in blocks])),
            "measuring_seconds": measured * kept / rounds,
            "in_calls": sum(block.in_calls for block in blocks) / measured,
            "starting_seconds": sum(b.process_seconds - b.block_seconds for b in blocks),
            "ratio": effect.estimate,
            "low": effect.low,
            "high": effect.high,
            "flagged": not effect.low <= 1 <= effect.high,
        }


def _effect(blocks: list[MeasuredBlock], rounds: int) -> Effect:
    """What the judge makes of the blocks' first rounds."""
    rows = [
        {**empty_row(), "block": index, "seed": 0, "order": 0, "round": number}
        | {COPY.name: copy, "response": "seconds", "value": value, "unit": "s"}
        for index, block in enumerate(blocks)
        for copy, values in (("first", block.first), ("again", block.again))
        for number, value in enumerate(values[:rounds])
    ]
    table = frame_of(rows, [COPY])
    (comparison,) = AA(0.5, at={}).contrast().comparisons(cross((COPY,)))
    return compute_effect(comparison, Rows(table, [COPY.name], len(blocks)))


def try_clock(
    repetitions: int, blocks: int, rounds: int, seed: int, measure: Measure = measure_block
) -> pd.DataFrame:
    """Repeat the experiment, quiet and beside a burning process by turns, with a progress bar.

    Args:
        repetitions: how often.
        blocks: of each.
        rounds: of each block.
        seed: every order and burst starts from it.
        measure: measures one block.

    Returns:
        The columns of ``results/clock.csv``.
    """
    rows: list[dict[str, object]] = []
    console = Console(stderr=True)
    for number in track(range(repetitions), description="timing", console=console):
        seeds = range(seed + number * blocks, seed + (number + 1) * blocks)
        with by_turns(number, seed + number) as beside:
            measured = [measure(each, rounds) for each in seeds]
        rows += repetition_rows(number, beside, measured, rounds)
    return pd.DataFrame(rows)


def main(
    results: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("results"),
    repetitions: Annotated[int, typer.Option(min=2, help="Experiments.")] = REPETITIONS,
    blocks: Annotated[int, typer.Option(min=8, help="Fresh processes each.")] = BLOCKS,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds a block.")] = ROUNDS,
    seed: Annotated[int, typer.Option(min=0, help="Orders and bursts start from it.")] = 0,
) -> None:
    """Time one piece of work against itself again and again, and count what would be flagged."""
    try:
        table = try_clock(repetitions, blocks, rounds, seed)
        for path in write_clock_trials(results, table):
            typer.echo(path)
    except HarnessError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    met, sentence = outcome(table)
    typer.echo(sentence)
    raise typer.Exit(0 if met else 1)


if __name__ == "__main__":
    typer.run(main)
