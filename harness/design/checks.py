"""What a study must hold to before anything is measured: each fault one sentence, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from harness.design.claims import NEEDS, Beyond, Claim, Control, Unmeasurable
from harness.design.experiment import Experiment, Posed, Study
from harness.design.factors import PROFILES
from harness.errors import HarnessError


def check_study(study: Study) -> None:
    """Refuse a study that breaks a rule of validity which can be seen without measuring.

    Raises:
        HarnessError: names every fault, each with the experiment it is in.
    """
    faults = list(study_faults(study))
    if faults:
        count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise HarnessError(f"The study {study.name!r} has {count}:{lines}")


def study_faults(study: Study) -> Iterator[str]:
    """Every fault of a study, in the order of its experiments."""
    for name, experiment in study.experiments.items():
        yield from (f"{name}: {fault}" for fault in experiment_faults(experiment))
        yield from (f"{name}: {fault}" for fault in _catalogue_faults(study, experiment))
    yield from _doubly_declared(study)
    yield from _headline_faults(study)


def experiment_faults(experiment: Experiment[Any]) -> Iterator[str]:
    """The faults of one experiment by itself."""
    yield from _profile_faults(experiment)
    yield from _need_faults(experiment)
    for posed in experiment.conditions():
        yield from _region_faults(experiment, posed)
    yield from _label_faults(experiment)
    for rule in experiment.claims:
        if isinstance(rule, Claim) and not rule.reading.strip():
            yield f"{rule.id} has no reading: say how its words became the rule."
        if isinstance(rule, Beyond) and not rule.why.strip():
            yield f"{rule.id}: say why a condition is beyond the claim's scope."


def _profile_faults(experiment: Experiment[Any]) -> Iterator[str]:
    for what in ("blocks", "rounds", "together"):
        counts = getattr(experiment, what)
        if counts is None:
            continue
        numbers = [counts.of(profile) for profile in PROFILES]
        if min(numbers) < 1 or numbers != sorted(numbers):
            shown = ", ".join(map(str, numbers))
            yield f"{what} must be 1 or more and must not fall from quick to full, not {shown}."


def _need_faults(experiment: Experiment[Any]) -> Iterator[str]:
    if experiment.needs not in NEEDS:
        yield f"it needs {experiment.needs!r}; an experiment needs one of {', '.join(NEEDS)}."
    for rule in experiment.claims:
        if isinstance(rule, (Claim, Beyond)) and rule.needs not in NEEDS:
            yield f"{rule.id} needs {rule.needs!r}; a claim needs one of {', '.join(NEEDS)}."


def _region_faults(experiment: Experiment[Any], posed: Posed) -> Iterator[str]:
    """A direction without a smallest effect of interest, which no null effect could refute."""
    comparison, region = posed.comparison, posed.region
    if posed.kind == "control" or comparison.across == "every" or region.because:
        return
    null = {"ratio": 1.0, "difference": 0.0}.get(comparison.kind)
    if null is None and comparison.kind == "value" and comparison.within in ("sd", "range"):
        null = 0.0
    if null is not None and region.ends_only_at(null):
        yield (
            f"{_name(posed)}: the region {region} of {experiment.label(comparison)} ends at the "
            "value of no effect, so that none could refute it: name the smallest effect of "
            "interest, or say because=... why there is none."
        )


def _label_faults(experiment: Experiment[Any]) -> Iterator[str]:
    labels = Counter(
        (_name(posed), posed.kind, experiment.label(posed.comparison), str(posed.region))
        for posed in experiment.conditions()
    )
    plain = Counter(
        (_name(posed), experiment.label(posed.comparison)) for posed in experiment.conditions()
    )
    for (name, text), count in plain.items():
        if count > 1:
            alike = [region for (n, _, t, region), _ in labels.items() if (n, t) == (name, text)]
            regions = " and ".join(dict.fromkeys(alike))
            yield (
                f"{name}: {count} conditions are called {text!r} ({regions}): let labels and "
                "words of factors, or a response of its own, tell them apart."
            )


def _catalogue_faults(study: Study, experiment: Experiment[Any]) -> Iterator[str]:
    for claim in experiment.claim_ids():
        if claim not in study.catalogue:
            yield f"{claim} is not in the catalogue: give it a row, or an Entry in CATALOGUE."
            continue
        judged = any(isinstance(r, Claim) and r.id == claim for r in experiment.claims)
        if judged and study.catalogue[claim].quantifier == "frequency":
            yield (
                f"{claim} says how often something happens in the field, which no experiment "
                "measures: declare it Unmeasurable, and what bears on it Beyond."
            )


def _doubly_declared(study: Study) -> Iterator[str]:
    """A claim that only conditions beyond its scope speak of has nothing to be judged by."""
    rules = [rule for experiment in study.experiments.values() for rule in experiment.claims]
    decided = {rule.id for rule in rules if isinstance(rule, (Claim, Unmeasurable))}
    for claim in dict.fromkeys(rule.id for rule in rules if isinstance(rule, Beyond)):
        if claim not in decided:
            yield f"{claim} has conditions beyond its scope and none inside it."


def _headline_faults(study: Study) -> Iterator[str]:
    chosen: Counter[str] = Counter()
    for experiment in study.experiments.values():
        for posed in experiment.conditions():
            if posed.headline:
                chosen[_name(posed)] += 1
        for rule in experiment.claims:
            if isinstance(rule, Claim) and not isinstance(rule.headline, bool):
                arms = [c.arm for c in rule.contrast.comparisons(experiment.arms())]
                if not any(rule.leads(arm) for arm in arms):
                    yield f"{rule.id}: no condition has the headline's levels {rule.headline}."
    for claim, count in chosen.items():
        if count > 1:
            yield f"{claim} has {count} headlines: choose one condition."


def _name(posed: Posed) -> str:
    rule = posed.rule
    return rule.name if isinstance(rule, Control) else rule.id
