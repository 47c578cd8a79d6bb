"""Progress: a bar with the time left, from how long each experiment's blocks have taken so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness.protocol.rules import Step

T = TypeVar("T")
#: From so many items on a bar is worth drawing.
MANY = 5


class Remaining:
    """An estimate of the seconds left.

    Blocks of one experiment cost about the same and those of another may cost a hundred times
    more, so each experiment is timed by itself. Its slowest block is left out once there are three:
    the first one pays for imports and for what the blocks share.
    """

    def __init__(self, steps: list[Step]) -> None:
        """Start with all steps still to do."""
        self._left = Counter(step.rules.name for step in steps)
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def done(self, step: Step, seconds: float) -> None:
        """Take one finished step into account."""
        self._left[step.rules.name] -= 1
        self._seconds[step.rules.name].append(seconds)

    def seconds(self) -> float | None:
        """The estimate; None until every experiment has finished a block."""
        if any(left and name not in self._seconds for name, left in self._left.items()):
            return None
        return sum(
            left * _typical(self._seconds[name]) for name, left in self._left.items() if left
        )


def _typical(seconds: list[float]) -> float:
    usual = sorted(seconds)[:-1] if len(seconds) > 2 else seconds
    return sum(usual) / len(usual)


class ProgressBar:
    """The reporter of the command line: one bar for the whole run."""

    def __init__(self, console: Console) -> None:
        """Draw on a console; a pipe gets no bar, only the final state."""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("blocks"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._remaining = Remaining([])

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, steps: list[Step]) -> None:
        """Start the bar with the steps that are left."""
        self._remaining = Remaining(steps)
        first = steps[0].rules.name if steps else "nothing left to measure"
        self._task = self._progress.add_task(first, total=len(steps), left="estimating time left")

    def done(self, step: Step, seconds: float, failures: int) -> None:
        """Advance by one block; failed cells are named at once."""
        self._remaining.done(step, seconds)
        left = self._remaining.seconds()
        self._progress.update(
            self._task,
            advance=1,
            description=step.rules.name,
            left="estimating time left" if left is None else f"{_clock(left)} left",
        )
        if failures:
            self._progress.console.print(
                f"{step.rules.name}, block {step.planned.index}: {failures} rows failed "
                "(kept, with the error's text)"
            )


def counted(items: Sequence[T], what: str, console: Console) -> Iterator[T]:
    """Go through items under a bar, where they are many and somebody looks.

    Args:
        items: what is gone through.
        what: they are, in the plural.
        console: to draw on.
    """
    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=len(items) < MANY or not console.is_terminal,
    ) as bar:
        yield from bar.track(items)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
