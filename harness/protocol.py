"""The protocol: everything that is decided before the first measurement, with its checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contrasts import Comparison
from harness.design import Arm, Factor, Profile
from harness.errors import HarnessError
from harness.experiment import Claim, Experiment, Study, Unmeasurable
from harness.intervals import CONFIDENCE
from harness.plan import PlannedBlock, plan_blocks
from harness.regions import Region
from harness.tables import write_bytes

FORMAT = 1


@dataclass(frozen=True)
class Condition:
    """One condition as the protocol stores it; ``control`` tells claims from controls."""

    name: str
    control: bool
    comparison: Comparison
    region: Region
    unit: str
    reading: str


@dataclass(frozen=True)
class ExperimentRules:
    """One experiment as the protocol stores it: enough to plan, to judge and to read its table."""

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

    def plan(self, study: str, seed: int) -> tuple[PlannedBlock, ...]:
        """The experiment's blocks for the run's seed."""
        return plan_blocks(self.arms, self.blocks, seed, f"{study}/{self.name}")

    def measurable_on(self, device: str) -> bool:
        """Whether a device has what the experiment needs."""
        return self.needs in ("cpu", device)


@dataclass(frozen=True)
class Protocol:
    """A run's protocol.

    Attributes:
        study: the study's name.
        profile: "quick", "standard" or "full".
        device: "cpu" or "cuda".
        seed: every block's seed derives from it.
        started: date and time (UTC, ISO 8601).
        commit: of the source tree; "-dirty" where files differed from it.
        experiments: by name.
        rules_sha256: checksum of claims, regions, factors and blocks, whatever the run.
        source_sha256: checksum of the study's and the harness's code.
        machine_sha256: checksum of ``machine.json``.
        sha256: checksum of all of the above; every table of the run carries it.
    """

    study: str
    profile: Profile
    device: str
    seed: int
    started: str
    commit: str
    experiments: Mapping[str, ExperimentRules]
    rules_sha256: str
    source_sha256: str
    machine_sha256: str
    sha256: str

    @property
    def command(self) -> str:
        """The command that repeats the run."""
        return (
            f"python -m harness run {self.study} --profile {self.profile} "
            f"--device {self.device} --seed {self.seed}"
        )


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
        )
        for rule, comparison, region in experiment.conditions()
    )
    return ExperimentRules(
        name=name,
        question=experiment.question,
        factors=experiment.factors,
        arms=experiment.arms(),
        responses=dict(experiment.responses),
        blocks=experiment.blocks.of(profile),
        effort=experiment.effort.of(profile),
        threads=experiment.threads,
        fresh_process=experiment.fresh_process,
        needs=experiment.needs,
        conditions=conditions,
        unmeasurable=tuple(c for c in experiment.claims if isinstance(c, Unmeasurable)),
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
    rules = {name: _rules_json(experiment) for name, experiment in experiments.items()}
    for stored in rules.values():
        del stored["question"]
        for condition in stored["conditions"]:
            del condition["reading"]
        for claim in stored["unmeasurable"]:
            del claim["why"]
    return _sha256({"confidence": CONFIDENCE, **rules})


def source_hash(study: Study) -> str:
    """A checksum of the code that measures: the study's files and the harness's."""
    digest = hashlib.sha256()
    for path in (*study.sources, *sorted(Path(__file__).parent.rglob("*.py"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def new_protocol(
    study: Study,
    profile: Profile,
    device: str,
    seed: int,
    *,
    started: str,
    commit: str,
    source_sha256: str,
    machine: Mapping[str, Any],
) -> Protocol:
    """Freeze what a run will do. Nothing has been measured when this is called."""
    experiments = study_rules(study, profile)
    loose = Protocol(
        study.name,
        profile,
        device,
        seed,
        started,
        commit,
        experiments,
        rules_hash(experiments),
        source_sha256,
        _sha256(machine),
        sha256="",
    )
    return Protocol(**{**vars(loose), "sha256": _sha256(_protocol_json(loose))})


def write_protocol(folder: Path, protocol: Protocol, machine: Mapping[str, Any]) -> None:
    """Write ``machine.json``, then ``protocol.json``: a folder with the latter is a run."""
    write_bytes(folder / "machine.json", _pretty(machine))
    stored = {**_protocol_json(protocol), "sha256": protocol.sha256}
    write_bytes(folder / "protocol.json", _pretty(stored))


def read_protocol(folder: Path) -> Protocol:
    """Read a run's protocol and refuse it where it was edited.

    Raises:
        HarnessError: no run folder, broken JSON, an unknown format, or a checksum that differs.
    """
    path = folder / "protocol.json"
    stored = _read_json(path)
    if stored.get("format") != FORMAT:
        raise HarnessError(
            f"{path}: format {stored.get('format')!r} is not format {FORMAT}, which this version "
            "of the harness reads."
        )
    checksum = stored.pop("sha256", None)
    if checksum != _sha256(stored):
        raise HarnessError(f"{path}: the protocol was edited after the run (checksum differs).")
    try:
        return _protocol_from_json(stored, str(checksum))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"{path}: a part is missing or malformed ({error!r}).") from error


def read_machine(folder: Path, protocol: Protocol) -> dict[str, Any]:
    """Read the description of a run's machine.

    Raises:
        HarnessError: missing, broken, or edited after the run.
    """
    machine = _read_json(folder / "machine.json")
    if _sha256(machine) != protocol.machine_sha256:
        raise HarnessError(f"{folder / 'machine.json'}: edited after the run (checksum differs).")
    return machine


def _read_json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessError(f"{path.parent} is not a run folder: it has no {path.name}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: this is not whole JSON ({error}).") from error
    if not isinstance(stored, dict):
        raise HarnessError(f"{path}: expected a JSON object.")
    return stored


def _sha256(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _pretty(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _protocol_json(protocol: Protocol) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "study": protocol.study,
        "profile": protocol.profile,
        "device": protocol.device,
        "seed": protocol.seed,
        "started": protocol.started,
        "commit": protocol.commit,
        "command": protocol.command,
        "confidence": CONFIDENCE,
        "rules_sha256": protocol.rules_sha256,
        "source_sha256": protocol.source_sha256,
        "machine_sha256": protocol.machine_sha256,
        "experiments": {
            name: {
                **_rules_json(rules),
                "seeds": [block.seed for block in rules.plan(protocol.study, protocol.seed)],
            }
            for name, rules in protocol.experiments.items()
        },
    }


def _rules_json(rules: ExperimentRules) -> dict[str, Any]:
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
        "conditions": [
            {
                "name": condition.name,
                "control": condition.control,
                "comparison": condition.comparison.to_json(),
                "region": condition.region.to_json(),
                "unit": condition.unit,
                "reading": condition.reading,
            }
            for condition in rules.conditions
        ],
        "unmeasurable": [dict(vars(claim)) for claim in rules.unmeasurable],
    }


def _protocol_from_json(stored: dict[str, Any], checksum: str) -> Protocol:
    return Protocol(
        study=stored["study"],
        profile=stored["profile"],
        device=stored["device"],
        seed=stored["seed"],
        started=stored["started"],
        commit=stored["commit"],
        experiments={
            name: _rules_from_json(name, rules) for name, rules in stored["experiments"].items()
        },
        rules_sha256=stored["rules_sha256"],
        source_sha256=stored["source_sha256"],
        machine_sha256=stored["machine_sha256"],
        sha256=checksum,
    )


def _rules_from_json(name: str, stored: dict[str, Any]) -> ExperimentRules:
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
            )
            for c in stored["conditions"]
        ),
        unmeasurable=tuple(Unmeasurable(**claim) for claim in stored["unmeasurable"]),
    )
