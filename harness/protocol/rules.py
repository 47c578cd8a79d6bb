"""The rules of an experiment for one profile: what is fixed before the first measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.design.alone import ALONE_SECONDS
from harness.design.claims import Claim, ConditionKind, Control, Unmeasurable
from harness.design.contrasts import Comparison
from harness.design.experiment import Experiment, Posed, Study
from harness.design.factors import Arm, Factor, Level, Profile
from harness.design.regions import Region
from harness.design.responses import Response
from harness.design.wording import label
from harness.protocol.plan import PlannedBlock, plan_blocks


@dataclass(frozen=True)
class Condition:
    """One condition as the protocol stores it.

    Attributes:
        name: the claim's id, or the control's name.
        kind: what it is to the claim.
        comparison: what is compared.
        region: where the claim holds.
        unit: of the comparison's values.
        reading: how the claim's words became the rule.
        needs: the device the claim needs.
        headline: whether the author chose it to stand for the claim.
        why: of a condition beyond the claim's scope, what makes it so.
        curve: the factor of sizes along which its rule is a curve, if it is one.
        jointly: what it must hold together with at its arm to be a setting in which the claim does.
        half: which of the things that the claim says it is about.
        quantifier: of the half, where it is another than the claim's.
    """

    name: str
    kind: ConditionKind
    comparison: Comparison
    region: Region
    unit: str
    reading: str
    needs: str = "cpu"
    headline: bool = False
    why: str = ""
    curve: str = ""
    jointly: str = ""
    half: str = ""
    quantifier: str = ""

    @property
    def control(self) -> bool:
        """Whether it belongs to no claim."""
        return self.kind == "control"


@dataclass(frozen=True)
class ExperimentRules:
    """One experiment as the protocol stores it: enough to plan, to judge and to read its table.

    ``rounds`` is how often the clock visits each arm of a block, 0 where nothing is timed;
    ``alone`` is for how many seconds a GPU runs some arms alone, 0 where it runs none;
    ``together`` is how many blocks are measured at once; ``one_sample`` is what all blocks draw
    from, where that is one sample; ``on_cpu`` is whether blocks lie on the CPU whatever the device.
    """

    name: str
    question: str
    factors: tuple[Factor[Any], ...]
    arms: tuple[Arm, ...]
    responses: tuple[Response, ...]
    blocks: int
    effort: int
    threads: int
    fresh_process: bool
    needs: str
    conditions: tuple[Condition, ...]
    unmeasurable: tuple[Unmeasurable, ...]
    rounds: int = 0
    together: int = 1
    one_sample: str = ""
    alone: float = 0.0
    on_cpu: bool = False

    @property
    def timed(self) -> bool:
        """Whether the clock measures it: then every block has the machine for itself."""
        return self.rounds > 0

    @property
    def units(self) -> dict[str, str]:
        """The unit of each response."""
        return {response.name: response.unit for response in self.responses}

    @property
    def meanings(self) -> dict[str, str]:
        """What each response means."""
        return {response.name: response.meaning for response in self.responses}

    @property
    def alone_arms(self) -> tuple[Arm, ...]:
        """The arms that run alone, in the design's order: a condition compares them so."""
        compared = [c.comparison for c in self.conditions if _of_alone(c)]
        named = {arm for each in compared for arm in (each.arm, each.against)}
        return tuple(arm for arm in self.arms if arm in named)

    def label(self, comparison: Comparison) -> str:
        """A comparison in words."""
        return label(comparison, self.factors, self.meanings)

    def group_of(self, arm: Arm) -> tuple[Level, ...]:
        """The levels an arm shares with all those it is compared with.

        They are those of the factors in which no comparison of the experiment has two levels.
        """
        compared = {
            name for condition in self.conditions for name in condition.comparison.changed()
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


@dataclass(frozen=True)
class Statement:
    """A claim's words and quantifier as they stood in the catalogue when the run began."""

    says: str
    scope: str
    quantifier: str


def experiment_rules(name: str, experiment: Experiment[Any], profile: Profile) -> ExperimentRules:
    """What a study file says of an experiment, for one profile."""
    return ExperimentRules(
        name=name,
        question=experiment.question,
        factors=experiment.all_factors(),
        arms=experiment.arms(),
        responses=experiment.all_responses(),
        blocks=experiment.blocks.of(profile),
        effort=experiment.effort.of(profile),
        threads=experiment.threads,
        fresh_process=experiment.fresh_process or experiment.task is not None,
        needs=experiment.needs,
        conditions=tuple(_condition(experiment, posed) for posed in experiment.conditions()),
        unmeasurable=tuple(c for c in experiment.claims if isinstance(c, Unmeasurable)),
        rounds=experiment.rounds.of(profile) if experiment.rounds else 0,
        together=experiment.together.of(profile) if experiment.together else 1,
        one_sample=experiment.one_sample,
        alone=experiment.alone.seconds.of(profile) if experiment.alone else 0.0,
        on_cpu=experiment.on_cpu,
    )


def _condition(experiment: Experiment[Any], posed: Posed) -> Condition:
    rule = posed.rule
    curve = rule.contrast.curve
    own = rule if isinstance(rule, Claim) and posed.kind == "claim" else None
    return Condition(
        name=rule.name if isinstance(rule, Control) else rule.id,
        kind=posed.kind,
        comparison=posed.comparison,
        region=rule.region,
        unit=experiment.unit(posed.comparison),
        reading="" if isinstance(rule, Control) else rule.reading,
        needs="cpu" if isinstance(rule, Control) else rule.needs,
        headline=posed.headline,
        why=posed.why,
        curve=curve[0] if curve and isinstance(rule, Claim) else "",
        jointly=own.jointly if own else "",
        half=own.half if own else "",
        quantifier=own.quantifier if own else "",
    )


def study_rules(study: Study, profile: Profile) -> dict[str, ExperimentRules]:
    """The rules of all experiments of a study."""
    return {
        name: experiment_rules(name, experiment, profile)
        for name, experiment in study.experiments.items()
    }


def study_statements(study: Study) -> dict[str, Statement]:
    """The words and quantifier of every claim that a study speaks of."""
    ids = dict.fromkeys(
        claim for experiment in study.experiments.values() for claim in experiment.claim_ids()
    )
    entries = {claim: study.catalogue[claim] for claim in ids if claim in study.catalogue}
    return {
        claim: Statement(entry.says, entry.scope, entry.quantifier)
        for claim, entry in entries.items()
    }


def design_key(rules: ExperimentRules) -> ExperimentRules:
    """The rules less their wording: equal where claims, regions, factors and counts are.

    Two runs of one key can be told by the same sentences and drawn by the same figures. Arms that
    ran alone are told beside and decide nothing, and where tensors lie is no rule: a run without
    the ones, or with the others elsewhere, is judged alike.
    """
    conditions = [c for c in rules.conditions if not _of_alone(c)]
    responses = [r for r in rules.responses if r.name != ALONE_SECONDS.name]
    return replace(
        rules,
        question="",
        factors=tuple(Factor(f.name, f.levels, control=f.control) for f in rules.factors),
        responses=tuple(Response(r.name, r.unit, "-") for r in responses),
        conditions=tuple(replace(c, reading="", why="") for c in conditions),
        unmeasurable=tuple(replace(claim, why="") for claim in rules.unmeasurable),
        one_sample="",
        alone=0.0,
        on_cpu=False,
    )


def _of_alone(condition: Condition) -> bool:
    return condition.comparison.response == ALONE_SECONDS.name


def same_rules(
    one: ExperimentRules,
    other: ExperimentRules,
    statements: tuple[Mapping[str, Statement], Mapping[str, Statement]],
) -> bool:
    """Whether two versions of an experiment judge alike: the design, the quantifiers."""
    if design_key(one) != design_key(other):
        return False
    claims = {condition.name for condition in one.conditions if not condition.control}
    return all(quantifier(statements[0], c) == quantifier(statements[1], c) for c in claims)


def quantifier(statements: Mapping[str, Statement], claim: str) -> str:
    """A claim's quantifier; runs from before there were any judged all as *always*."""
    return statements[claim].quantifier if claim in statements else "always"
