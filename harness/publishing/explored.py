"""What the site's explorers show: stored rows of committed runs, and the claims on them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from harness.design.factors import Factor, Level
from harness.design.responses import Response
from harness.errors import HarnessError
from harness.protocol.rules import ExperimentRules
from harness.publishing.ledger import PublishedRun, place_of
from harness.publishing.site_sources import Sources
from harness.store.observations import read_observations


@dataclass(frozen=True)
class Missing:
    """An experiment without rows to show, and why there are none, in a sentence."""

    study: str
    experiment: str
    missing: str


@dataclass(frozen=True)
class Explored:
    """The rows of one experiment as an explorer's page is fed with them.

    Attributes:
        study: the study's name.
        experiment: the experiment's.
        rules: what its run froze before the first row.
        rows: those that were measured without a fault.
        failed: how many other rows there are.
        run: the name of the run that they are from.
        machine: it was made on.
        torch: its version.
    """

    study: str
    experiment: str
    rules: ExperimentRules
    rows: pd.DataFrame
    failed: int
    run: str
    machine: str
    torch: str

    #: Why there is nothing to show: there is.
    missing = ""

    def factor(self, name: str) -> Factor[Any]:
        """A factor by its name."""
        return next(factor for factor in self.rules.factors if factor.name == name)

    def response(self, name: str) -> Response:
        """A response by its name."""
        return next(response for response in self.rules.responses if response.name == name)

    def of(self, response: str) -> pd.DataFrame:
        """The rows of a response."""
        return self.rows[self.rows["response"] == response]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self.rules.blocks


def explored(
    sources: Sources,
    study: str,
    experiment: str,
    *,
    factors: Collection[str],
    responses: Collection[str],
) -> Explored | Missing:
    """The stored rows of an experiment, from the newest run that has them.

    Args:
        sources: of the site.
        study: a study's name.
        experiment: one of its experiments.
        factors: those that the page needs.
        responses: likewise.

    Returns:
        The rows, or in a sentence why there are none: a page is made in any case.
    """
    runs = [
        run
        for run in sources.gathered.runs
        if run.protocol.study == study
        and experiment in run.protocol.experiments
        and run.folder_of(experiment).has_table(experiment)
    ]
    said = f"the experiment “{experiment.replace('_', ' ')}” of the study {study}"
    if not runs:
        return Missing(study, experiment, f"No run of {said} is stored yet.")
    run = max(runs, key=lambda run: (run.protocol.started, run.name))
    name = place_of(run.folder_of(experiment))
    try:
        rules, table = _stored(run, experiment)
    except HarnessError as error:
        return Missing(study, experiment, f"The rows of {said} cannot be read: {error}")
    lacks = sorted(
        {*factors} - {factor.name for factor in rules.factors}
        | {*responses} - {response.name for response in rules.responses}
    )
    ok = table[table["status"] == "ok"]
    if lacks or ok.empty:
        why = f"it has no {' and no '.join(lacks)}" if lacks else "it has no sound row"
        return Missing(study, experiment, f"The run {name} cannot be shown here: {why}.")
    failed = len(table) - len(ok)
    return Explored(study, experiment, rules, ok, failed, name, run.machine, run.torch)


def _stored(run: PublishedRun, experiment: str) -> tuple[ExperimentRules, pd.DataFrame]:
    """The rules and the rows of an experiment, both from the run that measured it."""
    protocol = run.parts[experiment].protocol if experiment in run.parts else run.protocol
    rules = protocol.experiments[experiment]
    return rules, read_observations(run.folder_of(experiment), protocol, rules)


@dataclass(frozen=True)
class Choice:
    """What a reader chooses: the name in the address, a label, and the values with their words."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    first: str


def choice(factor: Factor[Any], first: Level | None = None) -> Choice:
    """A choice of one of a factor's levels.

    Args:
        factor: the factor.
        first: the level that a page begins with, if the factor has it.
    """
    begins = first if first in factor.levels else factor.levels[0]
    options = tuple((str(level), factor.say(level) or str(level)) for level in factor.levels)
    label = factor.title[:1].upper() + factor.title[1:] if len(factor.title) > 1 else factor.title
    return Choice(factor.name, label, options, str(begins))


def cells(
    table: pd.DataFrame, factors: Sequence[Factor[Any]]
) -> Iterator[tuple[tuple[Level, ...], pd.DataFrame]]:
    """The rows of each combination of levels that has any, in the order that the rules give."""
    for levels in itertools.product(*(factor.levels for factor in factors)):
        rows = table
        for factor, level in zip(factors, levels, strict=True):
            rows = rows[rows[factor.name] == level]
        if not rows.empty:
            yield levels, rows


def when(state: Mapping[str, object]) -> str:
    """The part of an explorer's state in which something is shown, as it stands in the address."""
    return urlencode({name: str(value) for name, value in state.items()})


@dataclass(frozen=True)
class Judged:
    """Claims that were judged by some experiments of a study.

    Attributes:
        study: the study's name.
        experiments: some of its experiments.
        document: only the claims of this one, if it is given.
    """

    study: str
    experiments: Collection[str]
    document: str = ""

    def includes(self, row: Mapping[str, str]) -> bool:
        """Whether a row of the ledger is of such a claim."""
        return (
            row["study"] == self.study
            and not {*self.experiments}.isdisjoint(row["experiments"].split())
            and self.document in ("", row["document"])
        )


def bearing(sources: Sources, *judged: Judged) -> list[Mapping[str, str]]:
    """The ledger's rows of such claims, in the order of the catalogue."""
    return [
        row
        for rows in sources.rows.values()
        for row in rows
        if any(of.includes(row) for of in judged)
    ]
