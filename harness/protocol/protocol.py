"""The protocol: everything that is decided before the first measurement, with its checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.design.claims import CONFIDENCE
from harness.design.experiment import Study
from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.protocol.checksum import json_sha256
from harness.protocol.rules import ExperimentRules, Statement, study_rules, study_statements
from harness.protocol.selection import ALL, Selection
from harness.protocol.stored import (
    rules_from_json,
    rules_hash,
    rules_to_json,
    statements_from_json,
    statements_to_json,
)

#: What this version writes, and what it reads: format 1 had no quantifiers and repeated every text.
FORMAT, READABLE = 2, (1, 2)
#: The package whose code measures; all of it is hashed, whatever room this file stands in.
HARNESS = Path(__file__).parents[1]


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
        statements: the words and quantifier of each claim, by id.
        confidence: the level of every interval.
        origin: what the command line was given for the study: its name, or a file.
        rules_sha256: checksum of claims, regions, factors and blocks, whatever the run.
        source_sha256: checksum of the study's and the harness's code.
        machine_sha256: checksum of ``machine.json``.
        sha256: checksum of all else; every table of the run carries it.
        selection: which of the experiments are to be measured, and in how much time.
    """

    study: str
    profile: Profile
    device: str
    seed: int
    started: str
    commit: str
    experiments: Mapping[str, ExperimentRules]
    statements: Mapping[str, Statement]
    confidence: float
    origin: str
    rules_sha256: str
    source_sha256: str
    machine_sha256: str
    sha256: str
    format: int = FORMAT
    selection: Selection = ALL

    @property
    def command(self) -> str:
        """The command that repeats the run."""
        return (
            f"python -m harness run {self.origin} --profile {self.profile} "
            f"--device {self.device} --seed {self.seed}{self.selection.options}"
        )

    def measured(self) -> list[ExperimentRules]:
        """The experiments that were selected and that the run's device can measure."""
        return [
            rules
            for rules in self.experiments.values()
            if rules.measurable_on(self.device) and self.selection.takes(rules.name)
        ]


def source_hash(study: Study) -> str:
    """A checksum of the code that measures: the study's files and the harness's."""
    digest = hashlib.sha256()
    for path in (*study.sources, *sorted(HARNESS.rglob("*.py"))):
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
    selection: Selection = ALL,
) -> Protocol:
    """Freeze what a run will do. Nothing has been measured when this is called."""
    experiments, statements = study_rules(study, profile), study_statements(study)
    loose = Protocol(
        study.name,
        profile,
        device,
        seed,
        started,
        commit,
        experiments,
        statements,
        CONFIDENCE,
        study.origin or study.name,
        rules_hash(experiments, statements, CONFIDENCE),
        source_sha256,
        json_sha256(machine),
        sha256="",
        selection=selection,
    )
    return Protocol(**{**vars(loose), "sha256": json_sha256(_protocol_json(loose))})


def write_protocol(folder: Path, protocol: Protocol, machine: Mapping[str, Any]) -> None:
    """Write ``machine.json``, then ``protocol.json``: a folder with the latter is a run."""
    write_bytes(folder / "machine.json", _pretty(machine))
    stored = {**_protocol_json(protocol), "sha256": protocol.sha256}
    write_bytes(folder / "protocol.json", _by_lines(stored))


def read_protocol(folder: Path) -> Protocol:
    """Read a run's protocol and refuse it where it was edited.

    Raises:
        HarnessError: no run folder, broken JSON, an unknown format, or a checksum that differs.
    """
    path = folder / "protocol.json"
    stored = _read_json(path)
    if stored.get("format") not in READABLE:
        raise HarnessError(
            f"{path}: format {stored.get('format')!r} is none of {READABLE}, which this version of "
            "the harness reads."
        )
    checksum = stored.pop("sha256", None)
    if checksum != json_sha256(stored):
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
    if json_sha256(machine) != protocol.machine_sha256:
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


def _pretty(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _by_lines(value: Mapping[str, Any]) -> bytes:
    """JSON with a line for each part of an experiment: to be read, compared, and light."""

    def flat(part: object) -> str:
        return json.dumps(part, ensure_ascii=False)

    def lines(part: object, depth: int) -> str:
        if not isinstance(part, Mapping) or depth == 0 or not part:
            if isinstance(part, list) and depth and part and isinstance(part[0], Mapping):
                return "[\n" + ",\n".join(flat(each) for each in part) + "\n]"
            return flat(part)
        inside = ",\n".join(f"{flat(k)}: {lines(v, depth - 1)}" for k, v in part.items())
        return "{\n" + inside + "\n}"

    return (lines(value, 4) + "\n").encode()


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
        "confidence": protocol.confidence,
        "origin": protocol.origin,
        "selected": list(protocol.selection.experiments),
        "budget": protocol.selection.budget,
        "rules_sha256": protocol.rules_sha256,
        "source_sha256": protocol.source_sha256,
        "machine_sha256": protocol.machine_sha256,
        "claims": statements_to_json(protocol.statements),
        "experiments": {
            name: {
                **rules_to_json(rules),
                "seeds": [block.seed for block in rules.plan(protocol.study, protocol.seed)],
            }
            for name, rules in protocol.experiments.items()
        },
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
            name: rules_from_json(name, rules) for name, rules in stored["experiments"].items()
        },
        statements=statements_from_json(stored.get("claims", {})),
        confidence=float(stored["confidence"]),
        origin=stored.get("origin", stored["study"]),
        format=stored["format"],
        rules_sha256=stored["rules_sha256"],
        source_sha256=stored["source_sha256"],
        machine_sha256=stored["machine_sha256"],
        sha256=checksum,
        selection=Selection(tuple(stored.get("selected", ())), stored.get("budget")),
    )
