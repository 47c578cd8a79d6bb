"""Whether the study of today still has the rules that a run was made under."""

from __future__ import annotations

from dataclasses import dataclass

from harness.catalogue.loading import load_study
from harness.design.experiment import Study
from harness.errors import HarnessError
from harness.protocol.protocol import Protocol
from harness.protocol.rules import same_rules, study_rules, study_statements


@dataclass(frozen=True)
class Staleness:
    """How a run stands to the study of today.

    Attributes:
        study: as it is today; None where it cannot be loaded.
        changed: the run's experiments whose rules differ from today's, or which are gone.
        added: experiments of today that the run lacks.
        problem: why the study cannot be loaded.
    """

    study: Study | None
    changed: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.changed or self.problem)

    def concerns(self, experiment: str) -> bool:
        """Whether an experiment of the run was made under other rules than today's."""
        return bool(self.problem) or experiment in self.changed


def staleness(protocol: Protocol) -> Staleness:
    """Compare a run's rules with those of today, experiment by experiment."""
    try:
        study = load_study(protocol.origin)
    except HarnessError as error:
        return Staleness(None, frozenset(protocol.experiments), problem=str(error))
    now, statements = study_rules(study, protocol.profile), study_statements(study)
    both = protocol.statements, statements
    changed = frozenset(
        name
        for name, rules in protocol.experiments.items()
        if name not in now or not same_rules(rules, now[name], both)
    )
    return Staleness(study, changed, frozenset(now) - frozenset(protocol.experiments))
