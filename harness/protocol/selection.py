"""What of a study a run is to measure: some of its experiments, within some time.

Both are frozen in the protocol. A run that was given either may end with experiments that have no
table; their conditions are `not tested`, which is no finding about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.design.experiment import Study
from harness.errors import HarnessError
from harness.protocol.rules import ExperimentRules

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")

#: What a block costs by itself where nobody has measured it, in seconds: a process with its device
#: for what is timed, an arm of what is not, a visit of the clock to an arm.
_START, _ARM, _VISIT = 2.0, 0.2, 0.004


@dataclass(frozen=True)
class Selection:
    """What a run was asked for.

    Attributes:
        experiments: names; none means all of the study.
        budget: seconds; None means as long as it takes.
    """

    experiments: tuple[str, ...] = ()
    budget: float | None = None

    @property
    def partial(self) -> bool:
        """Whether the run may leave experiments out."""
        return bool(self.experiments) or self.budget is not None

    def takes(self, experiment: str) -> bool:
        """Whether an experiment is among those to be measured."""
        return not self.experiments or experiment in self.experiments

    @property
    def options(self) -> str:
        """The options of the command line that ask for it, with a blank before each."""
        names = "".join(f" --experiment {name}" for name in self.experiments)
        return names if self.budget is None else f"{names} --budget {self.budget:g}s"


ALL = Selection()


def select(study: Study, experiments: Sequence[str] = (), budget: float | None = None) -> Selection:
    """A selection of a study's experiments, in the study's order.

    Args:
        study: has the experiments.
        experiments: their names, a hyphen as good as an underscore; none for all.
        budget: seconds.

    Raises:
        HarnessError: an experiment that the study lacks, or a budget of no time.
    """
    named = {name.replace("-", "_") for name in experiments}
    if unknown := sorted(named - set(study.experiments)):
        raise HarnessError(
            f"The study {study.name!r} has no experiment {unknown[0]!r}; it has "
            f"{', '.join(study.experiments)}."
        )
    if budget is not None and budget <= 0:
        raise HarnessError(f"A budget must be more than no time, not {budget:g} s.")
    return Selection(tuple(name for name in study.experiments if name in named), budget)


def seconds_of(duration: str) -> float:
    """Seconds from "90", "90s", "8m" or "1h30m".

    Raises:
        HarnessError: it is none of these.
    """
    match = _DURATION.fullmatch(duration.strip())
    if match is None or not any(match.groups()):
        raise HarnessError(f"A duration is like 90s, 8m or 1h30m, not {duration!r}.")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(3600 * hours + 60 * minutes + seconds)


def needs_device(rules: ExperimentRules, device: str) -> bool:
    """Whether an experiment has claims, or code, that only this kind of device can settle."""
    if device == "cpu":
        return False
    return rules.needs == device or any(c.needs == device for c in rules.conditions)


def claims_of(rules: ExperimentRules, device: str) -> list[str]:
    """The claims that an experiment helps to judge on a device, each once."""
    names = [c.name for c in rules.conditions if c.kind == "claim" and c.needs in ("cpu", device)]
    return list(dict.fromkeys(names))


def guessed_seconds(rules: ExperimentRules) -> float:
    """A guess, from the design alone, at how long an experiment takes one block after another."""
    arms = len(rules.arms)
    alone = rules.alone * len(rules.alone_arms)
    block = _START + arms * rules.rounds * _VISIT + alone if rules.timed else arms * _ARM
    return block * rules.blocks


def by_worth(
    experiments: Iterable[ExperimentRules], device: str, seconds: Mapping[str, float]
) -> list[ExperimentRules]:
    """Experiments in the order in which a run that may be cut off should take them.

    First those that need the device, for no other machine can stand in; then those that judge most
    claims in a second.

    Args:
        experiments: of a study.
        device: that measures.
        seconds: what each took when it was last measured, by name; the others are guessed.
    """

    def key(rules: ExperimentRules) -> Any:  # noqa: ANN401 - a key for sorting
        cost = seconds.get(rules.name, guessed_seconds(rules))
        claims = len(claims_of(rules, device))
        return not needs_device(rules, device), cost / claims if claims else float("inf")

    return sorted(experiments, key=key)
