"""The rows of a run on the disk: finished blocks, and the tables they make up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd

from harness.design.gpu_state import UNITS
from harness.errors import HarnessError
from harness.files import interrupts_deferred
from harness.protocol.protocol import Protocol, read_protocol
from harness.protocol.rules import ExperimentRules, Step
from harness.store.folders import RunFolder, run_folders
from harness.store.parquet import read_table, schema, write_table


def identity(protocol: Protocol, experiment: str) -> dict[str, str]:
    """The labels a table of this run carries."""
    return {"run_sha256": protocol.sha256, "experiment": experiment}


def read_observations(
    folder: RunFolder, protocol: Protocol, rules: ExperimentRules
) -> pd.DataFrame:
    """The finished table of an experiment.

    Raises:
        HarnessError: the run was not finished, or the file does not fit.
    """
    path = folder.table(rules.name)
    if not path.is_file():
        raise HarnessError(
            f"{path}: there is no such table; the run is not finished. "
            f"Go on with: python -m harness run {protocol.origin} --resume {folder.path}"
        )
    # Beside the responses a timed table may have the state of the GPU, in phases of its own.
    units = {**rules.units, **UNITS} if rules.timed else rules.units
    table = read_table(path, schema(rules.factors, units), identity(protocol, rules.name))
    return table if protocol.format > 1 else _with_disturbed(table)


def _with_disturbed(table: pd.DataFrame) -> pd.DataFrame:
    """Runs of format 1 left disturbed rows "ok" and told them by their message."""
    disturbed = (table["status"] == "ok") & (table["message"] != "")
    return table.assign(status=table["status"].mask(disturbed, "disturbed"))


@dataclass(frozen=True)
class StoredRun:
    """A finished run on the disk: what was decided before it, and its rows, each table read once.

    Judging, summing up and drawing all want the same tables, and reading one (schema, checksum)
    costs more than any of them.
    """

    folder: RunFolder
    protocol: Protocol
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, folder: RunFolder) -> Self:
        """The run in a folder.

        Raises:
            HarnessError: its protocol is missing, broken or edited.
        """
        return cls(folder, read_protocol(folder.path))

    def covers(self, rules: ExperimentRules) -> bool:
        """Whether the run has something to say of an experiment.

        A run of some experiments, or within a budget, may have left this one out. Any other run
        covers all of its study, and a table that is missing there is a fault.
        """
        selection = self.protocol.selection
        if not selection.partial or not selection.takes(rules.name):
            return not selection.partial
        return not rules.measurable_on(self.protocol.device) or self.folder.has_table(rules.name)

    def finished(self) -> list[ExperimentRules]:
        """The experiments that have a table."""
        return [rules for rules in self.protocol.measured() if self.covers(rules)]

    def table(self, rules: ExperimentRules) -> pd.DataFrame:
        """The rows of an experiment, shared by all who ask: to be read, not changed.

        Raises:
            HarnessError: the run was not finished, or the file does not fit.
        """
        if rules.name not in self._tables:
            self._tables[rules.name] = read_observations(self.folder, self.protocol, rules)
        return self._tables[rules.name]


def reference_runs(results: Path) -> list[StoredRun]:
    """The runs below a results folder that verdicts are published from: all but quick ones.

    Raises:
        HarnessError: a protocol is broken or edited.
    """
    runs = [StoredRun.open(folder) for folder in run_folders(results)]
    return [run for run in runs if run.protocol.profile != "quick"]


def check_stored(folder: RunFolder, protocol: Protocol) -> None:
    """Read what a stopped run has finished, so that a broken file does not show hours later.

    Raises:
        HarnessError: a table or a block's file does not fit.
    """
    for rules in protocol.experiments.values():
        if folder.has_table(rules.name):
            read_observations(folder, protocol, rules)
            continue
        for block in rules.plan(protocol.study, protocol.seed):
            if folder.part(rules.name, block.index).is_file():
                read_part(folder, protocol, Step(rules, block))


def write_part(folder: RunFolder, protocol: Protocol, step: Step, rows: pd.DataFrame) -> None:
    """Write one finished block.

    Raises:
        HarnessError: the file cannot be written.
    """
    path = folder.part(step.rules.name, step.planned.index)
    with interrupts_deferred():
        write_table(path, rows, identity(protocol, step.rules.name))


def read_part(folder: RunFolder, protocol: Protocol, step: Step) -> pd.DataFrame:
    """Read one finished block.

    Raises:
        HarnessError: the file is missing, broken, edited, or of another run.
    """
    path = folder.part(step.rules.name, step.planned.index)
    return read_table(path, None, identity(protocol, step.rules.name))


def assemble(folder: RunFolder, protocol: Protocol, rules: ExperimentRules) -> None:
    """Put the blocks' files together into the experiment's table, in order of block."""
    if not folder.has_table(rules.name):
        planned = rules.plan(protocol.study, protocol.seed)
        parts = [read_part(folder, protocol, Step(rules, block)) for block in planned]
        with interrupts_deferred():
            table = pd.concat(parts, ignore_index=True)
            write_table(folder.table(rules.name), table, identity(protocol, rules.name))
    folder.drop_parts(rules.name)


def assemble_finished(folder: RunFolder, protocol: Protocol) -> None:
    """Put together the table of every experiment whose blocks are all on the disk."""
    for rules in protocol.measured():
        planned = rules.plan(protocol.study, protocol.seed)
        if all(is_finished(folder, Step(rules, block)) for block in planned):
            assemble(folder, protocol, rules)


def is_finished(folder: RunFolder, step: Step) -> bool:
    """Whether a block is on the disk, in a file of its own or in its experiment's table."""
    name = step.rules.name
    return folder.has_table(name) or folder.part(name, step.planned.index).is_file()
