"""The files of one comparison, made from its rows: page, verdicts, figure, and those for others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from harness.errors import HarnessError
from harness.figures.ratios import NAME as FIGURE
from harness.figures.ratios import ratios_figure
from harness.figures.style import save_figure, slide_style
from harness.files import write_bytes
from harness.judging.differences import Difference, differences
from harness.judging.regression_table import write_findings
from harness.judging.regressions import Report
from harness.protocol.comparison import BASE, HEAD, Comparison, Side
from harness.publishing.comparisons import judged
from harness.publishing.job_summary import PAGE, Explanation, summary
from harness.publishing.pytest_benchmark_json import FOLDER, write_pytest_benchmark
from harness.store.folders import RunFolder
from harness.store.turns import TABLE, read_proofs
from harness.words import shown

#: The folder of what was measured once more, below that of a comparison.
EQUAL = "set-equal"


@dataclass(frozen=True)
class Compared:
    """What was found of a comparison.

    Attributes:
        comparison: what was decided.
        table: its rows.
        report: what they say.
        differing: what differs between the sides.
        torches: the version that each side proved to run.
        explanations: what was measured once more with something set equal on both sides.
    """

    comparison: Comparison
    table: pd.DataFrame
    report: Report
    differing: Sequence[Difference]
    torches: Mapping[Side, str]
    explanations: Sequence[Explanation]

    @classmethod
    def read(cls, folder: RunFolder) -> Self:
        """Judge the rows of a comparison, and of what was measured once more for it.

        Args:
            folder: of one that was carried out to its end.

        Raises:
            HarnessError: a file of it is broken, or was edited.
        """
        comparison, table, report = judged(folder)
        proofs = read_proofs(folder) or {}
        differing = differences(proofs.get(BASE, {}), proofs.get(HEAD, {}))
        return cls(
            comparison,
            table,
            report,
            differing,
            {side: str(proof["torch"]) for side, proof in proofs.items()},
            list(_explanations(folder, differing)),
        )

    @property
    def page(self) -> str:
        """The page, in Markdown."""
        return summary(
            self.comparison, self.report, self.differing, self.explanations, self.torches
        )

    def write(self, into: RunFolder) -> list[Path]:
        """Write page, verdicts, figure and the files for pytest-benchmark.

        Args:
            into: the folder of the comparison, or another.

        Returns:
            The files written.

        Raises:
            HarnessError: they cannot be written.
        """
        title = f"{self.comparison.head} against {self.comparison.base} ({self.comparison.device})"
        write_bytes(into.path / PAGE, self.page.encode())
        with slide_style():
            figure = ratios_figure(self.report, shown(title, 90))
            drawn = save_figure(figure, into.figures / FIGURE)
        return [
            into.path / PAGE,
            write_findings(into.path, self.report),
            *drawn,
            *write_pytest_benchmark(into.path, self.comparison, self.table),
        ]


def derive_comparison(folder: RunFolder, into: RunFolder) -> list[Path]:
    """Write what the rows of a comparison give into a folder, its own or another.

    Raises:
        HarnessError: see ``Compared``.
    """
    return Compared.read(folder).write(into)


def derived_of_comparison(folder: RunFolder) -> list[Path]:
    """The files of a comparison that are made from its rows, as far as they are there."""
    pages = [folder.path / PAGE, *folder.path.glob("*.csv")]
    found = [*pages, *folder.figures.glob("*"), *(folder.path / FOLDER).glob("*")]
    return [path for path in found if path.is_file()]


def set_equal(folder: RunFolder, difference: Difference) -> RunFolder:
    """Where it is measured what is left of a difference in time with one thing set equal."""
    return RunFolder(folder.path / EQUAL / f"{difference.kind}-{difference.name}")


def _explanations(folder: RunFolder, differing: Sequence[Difference]) -> Iterator[Explanation]:
    """What was found with one thing set equal at a time, as far as it was measured to its end.

    What is broken there is left out, for the verdict stands without it: the page then differs from
    the one that was written, and the ledger's check says so.
    """
    for difference in differing:
        if difference.can_be_set_equal and set_equal(folder, difference).has_table(TABLE):
            with suppress(HarnessError):
                yield from _explanations_by(difference, set_equal(folder, difference))


def _explanations_by(difference: Difference, folder: RunFolder) -> list[Explanation]:
    _, _, report = judged(folder)
    return [Explanation(f.benchmark.name, difference, f.head, f.word) for f in report.findings]
