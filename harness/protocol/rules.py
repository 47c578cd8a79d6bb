"""The rules of an experiment for one profile: what is fixed before the first measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.design.contrasts import Comparison
from harness.design.experiment import CONFIDENCE, Claim, Experiment, Study, Unmeasurable
from harness.design.factors import Arm, Factor, Level, Profile
from harness.design.regions import Region
from harness.protocol.checksum import json_sha256
from harness.protocol.plan import PlannedBlock, plan_blocks


@dataclass(frozen=True)
class Condition:
    """One condition as the protocol stores it; ``control`` tells claims from controls."""

    name: str
    control: bool
    comparison: Comparison
    region: Region
    unit: str
    reading: str
    needs: str = "cpu"


@dataclass(frozen=True)
class ExperimentRules:
    """One experiment as the protocol stores it: enough to plan, to judge and to read its table.

    ``rounds`` is how often the clock visits each arm of a block, 0 where nothing is timed;
    ``together`` is how many blocks are measured at once.
    """

    name: str
    question: str
    factors: tuple[Factor[Any], ...]
    arms: tuple[Arm, ...]
    responses: Mapping[str, str]
    blocks: int
    effort: int
    threads: int
    fresh_process: bool
    needs: str
    conditions: tuple[Condition, ...]
    unmeasurable: tuple[Unmeasurable, ...]
    rounds: int = 0
    together: int = 1

    @property
    def timed(self) -> bool:
        """Whether the clock measures it: then every block has the machine for itself."""
        return self.rounds > 0

    def group_of(self, arm: Arm) -> tuple[Level, ...]:
        """The levels an arm shares with all those it is compared with.

        They are those of the factors in which no comparison of the experiment has two levels.
        """
        compared = {
            name
            for comparison in (condition.comparison for condition in self.conditions)
            if comparison.against is not None
            for name, level in comparison.against.levels
            if comparison.arm.as_dict()[name] != level
        }
        return tuple(level for name, level in arm.levels if name not in compared)

    def plan(self, study: str, seed: int) -> tuple[PlannedBlock, ...]:
        """The experiment's blocks for the run's seed."""
        return plan_blocks(self.arms, self.blocks, seed, f"{study}/{self.name}", self.together)

    def measurable_on(self, device: str) -> bool:
        """Whether a device has what the experiment needs."""
        return self.needs in ("cpu", device)


@dataclass(frozen=True)
class Step:
    """One block of one experiment."""

    rules: ExperimentRules
    planned: PlannedBlock

    @property
    def cohort(self) -> tuple[str, int]:
        """The same for all blocks that are measured together, and for no others."""
        return self.rules.name, self.planned.index - self.planned.place


def experiment_rules(name: str, experiment: Experiment[Any], profile: Profile) -> ExperimentRules:
    """What a study file says of an experiment, for one profile."""
    conditions = tuple(
        Condition(
            name=rule.id if isinstance(rule, Claim) else rule.name,
            control=not isinstance(rule, Claim),
            comparison=comparison,
            region=region,
            unit=experiment.unit(comparison),
            reading=rule.reading if isinstance(rule, Claim) else "",
            needs=rule.needs if isinstance(rule, Claim) else "cpu",
        )
        for rule, comparison, region in experiment.conditions()
    )
    return ExperimentRules(
        name=name,
        question=experiment.question,
        factors=experiment.all_factors(),
        arms=experiment.arms(),
        responses=dict(experiment.units()),
        blocks=experiment.blocks.of(profile),
        effort=experiment.effort.of(profile),
        threads=experiment.threads,
        fresh_process=experiment.fresh_process or experiment.task is not None,
        needs=experiment.needs,
        conditions=conditions,
        unmeasurable=tuple(c for c in experiment.claims if isinstance(c, Unmeasurable)),
        rounds=experiment.rounds.of(profile) if experiment.rounds else 0,
        together=experiment.together.of(profile) if experiment.together else 1,
    )


def study_rules(study: Study, profile: Profile) -> dict[str, ExperimentRules]:
    """The rules of all experiments of a study."""
    return {
        name: experiment_rules(name, experiment, profile)
        for name, experiment in study.experiments.items()
    }


def rules_hash(experiments: Mapping[str, ExperimentRules]) -> str:
    """A checksum of the rules; it changes when a claim, region, factor or block count does.

    The wording of questions and readings is no part of it.
    """
    rules = {name: rules_to_json(experiment) for name, experiment in experiments.items()}
    for stored in rules.values():
        del stored["question"]
        for condition in stored["conditions"]:
            del condition["reading"]
        for claim in stored["unmeasurable"]:
            del claim["why"]
    return json_sha256({"confidence": CONFIDENCE, **rules})


def rules_to_json(rules: ExperimentRules) -> dict[str, Any]:
    """The rules as JSON values."""
    return {
        "question": rules.question,
        "factors": [
            {"name": f.name, "levels": list(f.levels), "control": f.control} for f in rules.factors
        ],
        "arms": [list(arm.as_dict().values()) for arm in rules.arms],
        "responses": dict(rules.responses),
        "blocks": rules.blocks,
        "effort": rules.effort,
        "threads": rules.threads,
        "fresh_process": rules.fresh_process,
        "needs": rules.needs,
        "conditions": [_condition_to_json(condition) for condition in rules.conditions],
        "unmeasurable": [dict(vars(claim)) for claim in rules.unmeasurable],
        # Only where they are used, so that the hash of rules from before them stays theirs.
        **({"rounds": rules.rounds} if rules.timed else {}),
        **({"together": rules.together} if rules.together > 1 else {}),
    }


def _condition_to_json(condition: Condition) -> dict[str, Any]:
    stored = {
        "name": condition.name,
        "control": condition.control,
        "comparison": condition.comparison.to_json(),
        "region": condition.region.to_json(),
        "unit": condition.unit,
        "reading": condition.reading,
    }
    return stored if condition.needs == "cpu" else {**stored, "needs": condition.needs}


def rules_from_json(name: str, stored: dict[str, Any]) -> ExperimentRules:
    """The inverse of ``rules_to_json``."""
    factors = tuple(
        Factor(f["name"], tuple(f["levels"]), control=f["control"]) for f in stored["factors"]
    )
    names = [factor.name for factor in factors]
    return ExperimentRules(
        name=name,
        question=stored["question"],
        factors=factors,
        arms=tuple(Arm(tuple(zip(names, levels, strict=True))) for levels in stored["arms"]),
        responses=stored["responses"],
        blocks=stored["blocks"],
        effort=stored["effort"],
        threads=stored["threads"],
        fresh_process=stored["fresh_process"],
        needs=stored["needs"],
        conditions=tuple(
            Condition(
                name=c["name"],
                control=c["control"],
                comparison=Comparison.from_json(c["comparison"]),
                region=Region.from_json(c["region"]),
                unit=c["unit"],
                reading=c["reading"],
                needs=c.get("needs", "cpu"),
            )
            for c in stored["conditions"]
        ),
        unmeasurable=tuple(Unmeasurable(**claim) for claim in stored["unmeasurable"]),
        rounds=stored.get("rounds", 0),
        together=stored.get("together", 1),
    )
