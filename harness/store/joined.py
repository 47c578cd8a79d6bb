"""Several runs of one study on one machine, taken as one: of each experiment the newest evidence.

A run may measure some experiments and leave the others to the next one. Nothing is pooled: an
experiment's rows come from one run, whole, with the rules stored there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from harness.protocol.rules import ExperimentRules
from harness.store.observations import StoredRun


@dataclass(frozen=True)
class JoinedRun(StoredRun):
    """A run that is made of others; ``sources`` says by experiment which one its rows are from."""

    sources: Mapping[str, StoredRun] = field(default_factory=dict)

    def covers(self, rules: ExperimentRules) -> bool:
        """Whether one of the runs has something to say of an experiment."""
        return rules.name in self.sources

    def finished(self) -> list[ExperimentRules]:
        """The experiments that one of the runs has a table of."""
        device = self.protocol.device
        rules = self.protocol.experiments.values()
        return [each for each in rules if each.measurable_on(device) and self.covers(each)]

    def table(self, rules: ExperimentRules) -> pd.DataFrame:
        """The rows of an experiment, from the run that they are from.

        Raises:
            HarnessError: the file does not fit.
        """
        return self.sources[rules.name].table(rules)


def join_runs(runs: Sequence[StoredRun]) -> StoredRun:
    """The newest run, completed by older ones where it left experiments out.

    Args:
        runs: of one study, machine, device and profile, newest first; at least one.

    Returns:
        The newest itself where it covers all of its study.
    """
    newest = runs[0]
    sources: dict[str, StoredRun] = {}
    for run in runs:
        for name, rules in run.protocol.experiments.items():
            # What the study no longer has is no part of what the newest run is completed to.
            if name in newest.protocol.experiments and run.covers(rules):
                sources.setdefault(name, run)
    if all(source is newest for source in sources.values()):
        return newest
    experiments = {
        name: sources[name].protocol.experiments[name] if name in sources else rules
        for name, rules in newest.protocol.experiments.items()
    }
    # What it was asked for stays the newest run's own, and so does the command that repeats it.
    protocol = replace(newest.protocol, experiments=experiments)
    return JoinedRun(newest.folder, protocol, sources=sources)
