"""A run that is open for measuring: its study, its protocol, its folder and its device together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from harness.catalogue.cards import studies_folder
from harness.catalogue.loading import load_study
from harness.design.experiment import Study
from harness.design.factors import Profile
from harness.errors import HarnessError
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
from harness.protocol.rules import ExperimentRules
from harness.protocol.selection import ALL, Selection, by_worth
from harness.running.runner import Reporter, execute
from harness.side_by_side import usable_cores
from harness.store.durations import known_durations
from harness.store.folders import RunFolder, create_folder, current_commit, find_run
from harness.store.observations import StoredRun


@dataclass(frozen=True)
class OpenRun:
    """A run whose protocol is frozen and whose blocks can be measured here and now."""

    study: Study
    protocol: Protocol
    folder: RunFolder
    device: TorchDevice

    @classmethod
    def create(
        cls,
        study: Study,
        profile: Profile,
        device: TorchDevice,
        results: Path,
        *,
        seed: int,
        selection: Selection = ALL,
    ) -> Self:
        """Freeze a protocol, and write it into a folder of its own.

        Raises:
            HarnessError: the results folder cannot be written.
        """
        started, machine = datetime.now(UTC), describe_machine(device.kind)
        protocol = new_protocol(
            study,
            profile,
            device.kind,
            seed,
            started=started.isoformat(timespec="seconds"),
            commit=current_commit(studies_folder().parent),
            source_sha256=source_hash(study),
            machine=machine,
            selection=selection,
        )
        name = f"{started:%Y-%m-%d}_{slug(machine)}_{protocol.commit}"
        name = f"{name}_quick" if profile == "quick" else name
        folder = create_folder(results, study.name, name)
        try:
            write_protocol(folder.path, protocol, machine)
        except HarnessError:
            folder.discard()
            raise
        return cls(study, protocol, folder, device)

    @classmethod
    def reopen(cls, study: str, run: str, results: Path) -> Self:
        """Open a run that was stopped.

        Raises:
            HarnessError: no such run, a run of another study or another machine, or the study's
                code has changed since.
        """
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
        device = open_device(protocol.device)
        _check_machine(folder, protocol, describe_machine(device.kind))
        return cls(loaded, protocol, folder, device)

    @property
    def stored(self) -> StoredRun:
        """What is on the disk of it."""
        return StoredRun(self.folder, self.protocol)

    @cached_property  # read once: a lease asks for it before every study
    def known_seconds(self) -> dict[str, float]:
        """What experiments took in the study's latest runs of this profile on such a device."""
        results, kind = self.folder.path.parent.parent, self.device.kind
        return known_durations(results, self.study.name, kind, self.protocol.profile)

    def by_worth(self) -> list[ExperimentRules]:
        """The experiments to measure, in the order in which a budget should take them."""
        return by_worth(self.protocol.measured(), self.device.kind, self.known_seconds)

    def unfinished(self) -> list[str]:
        """The experiments that are to be measured and have no table."""
        rules = self.protocol.measured()
        return [each.name for each in rules if not self.folder.has_table(each.name)]

    def measure(
        self,
        reporter: Reporter,
        *,
        jobs: int | None = None,
        ends: float = math.inf,
        order: Sequence[str] = (),
    ) -> None:
        """Measure what is not on the disk yet: see ``harness.running.runner.execute``.

        Raises:
            HarnessError: a table cannot be written, or one on the disk is broken.
        """
        jobs = jobs or (usable_cores() if self.device.kind == "cpu" else 1)
        run = self.study, self.protocol, self.folder, self.device
        known = self.known_seconds if math.isfinite(ends) else {}
        execute(*run, reporter, jobs=jobs, ends=ends, order=order, known=known)


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
