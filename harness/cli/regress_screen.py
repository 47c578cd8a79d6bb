"""What the terminal shows of a comparison: the bar while it runs, the table when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from harness.judging.differences import Difference
from harness.judging.regressions import REGRESSIONS, Finding, Report, Word
from harness.protocol.comparison import Comparison, Side
from harness.publishing.job_summary import (
    Explanation,
    cautions,
    ends,
    hint,
    policy,
    short,
    size,
    told,
    verdict_line,
)
from harness.words import plural, shown

COLOURS: Mapping[Word, str] = {
    "slower": "bold red",
    "hungrier": "bold red",
    "broken": "bold red",
    "faster": "cyan",
    "leaner": "cyan",
    "mended": "cyan",
    "same within the margin": "green",
    "inconclusive": "magenta",
    "not measured": "magenta",
}
#: Differences named on the screen; the page has more of them.
NAMED = 12


class RegressBar:
    """The reporter of the command line: one bar over all blocks and benchmarks."""

    def __init__(self, console: Console, what: str = "measuring") -> None:
        self._what = what
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )

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

    def begin(self, total: int) -> None:
        """Start the bar."""
        self._task = self._progress.add_task(self._what, total=total)

    def done(self, block: int, benchmark: str, failures: Mapping[Side, str]) -> None:
        """Advance by one; failures are named at once."""
        self._progress.update(self._task, advance=1)
        for side, message in failures.items():
            if not message.startswith("not "):
                told = f"{short(benchmark)}, block {block}, {side}: {message} (kept as a failure)"
                self._progress.console.print(Text(shown(told)), soft_wrap=True)


def show_sides(console: Console, proofs: Mapping[Side, Mapping[str, Any]]) -> None:
    """What each of the three processes proved that it runs."""
    for side, proof in proofs.items():
        card = ""
        if "card" in proof:
            free, total = proof["card_free_bytes"] / 2**30, proof["card_total_bytes"] / 2**30
            card = f", {proof['card']}: {free:.1f} of {total:.1f} GiB free when it opened"
        console.print(
            Text(
                f"{side:10}  torch {proof['torch']} (build {str(proof['build'])[:8]}, "
                f"{proof['device']}{card}), Python {proof['python']}, {proof['torch_file']}"
            ),
            soft_wrap=True,
        )
    if any(proof.get("addresses") == "random" for proof in proofs.values()):
        console.print(
            "The system lets no process do without random addresses: each of the three lies "
            "elsewhere in memory, which makes intervals wider.",
            soft_wrap=True,
        )


def show_report(
    console: Console,
    comparison: Comparison,
    report: Report,
    differing: Sequence[Difference],
    explanations: Sequence[Explanation],
) -> None:
    """The verdict, a line a benchmark, what the intervals promise, and what may be the reason."""
    style = "bold red" if report.outcome == "regression" else "bold"
    console.print(Text(verdict_line(report), style=style), soft_wrap=True)
    console.print(_table(report.findings))
    console.print(
        Text(f"The control is base to its own copy. {policy(comparison)}"), soft_wrap=True
    )
    if more := hint(comparison, report):
        console.print(Text(more), soft_wrap=True)
    if report.clock:
        console.print(Text(f"Withheld: {report.clock}."), soft_wrap=True)
    for explanation in explanations:
        console.print(Text(str(explanation), style="bold"), soft_wrap=True)
    if not differing:
        console.print("Neither packages, nor defaults of torch, nor environment variables differ.")
        return
    console.print(
        f"{plural(len(differing), 'thing')} {'differs' if len(differing) == 1 else 'differ'}:"
    )
    for difference in differing[:NAMED]:
        console.print(Text(f"  {shown(str(difference))}"), soft_wrap=True)
    if len(differing) > NAMED:
        console.print(f"  and {len(differing) - NAMED} more, which the page names")
    for caution in cautions(differing):
        console.print(Text(caution), soft_wrap=True)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(show_edge=False)
    table.add_column("benchmark", overflow="fold", min_width=16)
    for name in ("base", "head / base", "margin"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    table.add_column("control", justify="right")
    order = sorted(findings, key=lambda finding: finding.word not in REGRESSIONS)
    for finding in order:
        table.add_row(
            Text(shown(short(finding.benchmark.name))),
            size(finding),
            told(finding.head) if finding.head else "none",
            f"{100 * finding.benchmark.margin:g} %",
            Text(finding.word, style=COLOURS[finding.word]),
            ends(finding.control) if finding.control else "none",
        )
    return table
