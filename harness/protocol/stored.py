"""Rules as JSON: each text once, each arm by its number, and what older runs wrote.

The conditions of one rule share all but their arms, and a run has up to a thousand of them: they
are stored as one entry with the places of their arms in the experiment's list of arms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from harness.design.aa import COPY
from harness.design.claims import Unmeasurable
from harness.design.contrasts import Comparison
from harness.design.factors import Arm, Factor
from harness.design.regions import Region
from harness.design.responses import Response
from harness.protocol.checksum import json_sha256
from harness.protocol.rules import Condition, ExperimentRules, Statement


def rules_to_json(rules: ExperimentRules) -> dict[str, Any]:
    """The rules as JSON values."""
    places = {arm: place for place, arm in enumerate(rules.arms)}
    groups = groupby(rules.conditions, key=_shared)
    return {
        "question": rules.question,
        "factors": [_factor_to_json(factor) for factor in rules.factors],
        "arms": [list(arm.as_dict().values()) for arm in rules.arms],
        "responses": [[r.name, r.unit, r.meaning] for r in rules.responses],
        "blocks": rules.blocks,
        "effort": rules.effort,
        "threads": rules.threads,
        "fresh_process": rules.fresh_process,
        "needs": rules.needs,
        "rounds": rules.rounds,
        "together": rules.together,
        "one_sample": rules.one_sample,
        "rules": [
            {**dict(shared), "comparisons": [_places(c, places) for c in conditions]}
            for shared, conditions in groups
        ],
        "unmeasurable": [dict(vars(claim)) for claim in rules.unmeasurable],
        **({"alone": rules.alone} if rules.alone else {}),
        **({"on_cpu": True} if rules.on_cpu else {}),
    }


def rules_from_json(name: str, stored: Mapping[str, Any]) -> ExperimentRules:
    """The inverse of ``rules_to_json``; also reads what runs of format 1 wrote."""
    factors = tuple(
        Factor(
            f["name"],
            tuple(f["levels"]),
            control=f["control"],
            label=f.get("label", ""),
            words=dict(f.get("words", [])),
        )
        for f in stored["factors"]
    )
    names = [factor.name for factor in factors]
    arms = tuple(Arm(tuple(zip(names, levels, strict=True))) for levels in stored["arms"])
    old = "conditions" in stored
    if old:  # their words came later
        factors = tuple(COPY if factor.name == COPY.name else factor for factor in factors)
    conditions = _old_conditions(stored) if old else _conditions(stored, arms)
    return ExperimentRules(
        name=name,
        question=stored["question"],
        factors=factors,
        arms=arms,
        responses=_responses(stored["responses"]),
        blocks=stored["blocks"],
        effort=stored["effort"],
        threads=stored["threads"],
        fresh_process=stored["fresh_process"],
        needs=stored["needs"],
        conditions=tuple(conditions),
        unmeasurable=tuple(Unmeasurable(**claim) for claim in stored["unmeasurable"]),
        rounds=stored.get("rounds", 0),
        together=stored.get("together", 1),
        one_sample=stored.get("one_sample", ""),
        alone=stored.get("alone", 0.0),
        on_cpu=stored.get("on_cpu", False),
    )


def statements_to_json(statements: Mapping[str, Statement]) -> dict[str, Any]:
    """Claims' words and quantifiers as JSON values."""
    return {claim: dict(vars(statement)) for claim, statement in statements.items()}


def statements_from_json(stored: Mapping[str, Any]) -> dict[str, Statement]:
    """The inverse of ``statements_to_json``."""
    return {claim: Statement(**statement) for claim, statement in stored.items()}


def rules_hash(
    experiments: Mapping[str, ExperimentRules],
    statements: Mapping[str, Statement],
    confidence: float,
) -> str:
    """A checksum of the rules; it changes when a claim, region, factor, quantifier or count does.

    The wording of questions, readings, labels and meanings is no part of it.
    """
    return json_sha256(
        {
            "confidence": confidence,
            "quantifiers": {claim: s.quantifier for claim, s in statements.items()},
            "experiments": {name: _unworded(rules) for name, rules in experiments.items()},
        }
    )


def _unworded(rules: ExperimentRules) -> dict[str, Any]:
    stored = rules_to_json(rules)
    del stored["question"], stored["one_sample"]
    stored.pop("on_cpu", None)
    stored["responses"] = [response[:2] for response in stored["responses"]]
    for factor in stored["factors"]:
        factor.pop("label", None)
        factor.pop("words", None)
    for rule in stored["rules"]:
        del rule["reading"], rule["why"], rule["region"]["because"]
    for claim in stored["unmeasurable"]:
        del claim["why"]
    return stored


def _factor_to_json(factor: Factor[Any]) -> dict[str, Any]:
    worded: dict[str, Any] = {"label": factor.label} if factor.label else {}
    if factor.words:
        worded["words"] = [list(pair) for pair in factor.words.items()]  # levels may be numbers
    return {"name": factor.name, "levels": list(factor.levels), "control": factor.control} | worded


#: What a condition has only where its claim needs it; older runs knew nothing of it.
LATER = ("jointly", "half", "quantifier")


def _shared(condition: Condition) -> tuple[tuple[str, Any], ...]:
    """What the conditions of one rule have in common, as pairs."""
    comparison = condition.comparison
    later = tuple((name, getattr(condition, name)) for name in LATER if getattr(condition, name))
    return (
        ("name", condition.name),
        ("kind", condition.kind),
        ("compared", comparison.kind),
        ("response", comparison.response),
        ("within", comparison.within),
        ("across", comparison.across),
        ("over", comparison.over),
        ("region", condition.region.to_json()),
        ("unit", condition.unit),
        ("reading", condition.reading),
        ("needs", condition.needs),
        ("headline", condition.headline),
        ("why", condition.why),
        ("curve", condition.curve),
        *later,
    )


def _places(condition: Condition, places: Mapping[Arm, int]) -> list[Any]:
    """The arm's place, and that of the arm it is compared with, or those of a share's cells."""
    comparison = condition.comparison
    if comparison.cells:
        return [places[cell] for cell in comparison.cells]
    if comparison.against is None:
        return [places[comparison.arm]]
    return [places[comparison.arm], places[comparison.against]]


def _conditions(stored: Mapping[str, Any], arms: tuple[Arm, ...]) -> Iterator[Condition]:
    for rule in stored["rules"]:
        for at in rule["comparisons"]:
            cells = tuple(arms[place] for place in at)
            share = rule["compared"] == "share"
            comparison = Comparison(
                kind=rule["compared"],
                response=rule["response"],
                arm=cells[0],
                against=cells[1] if len(cells) > 1 and not share else None,
                within=rule["within"],
                across=rule["across"],
                cells=cells if share else (),
                over=rule["over"],
            )
            yield Condition(
                name=rule["name"],
                kind=rule["kind"],
                comparison=comparison,
                region=Region.from_json(rule["region"]),
                unit=rule["unit"],
                reading=rule["reading"],
                needs=rule["needs"],
                headline=rule["headline"],
                why=rule["why"],
                curve=rule["curve"],
                **{name: rule.get(name, "") for name in LATER},
            )


def _responses(stored: Any) -> tuple[Response, ...]:  # noqa: ANN401 - a list, or a dict of old
    if isinstance(stored, dict):
        pairs = [(name, unit, name.replace("_", " ")) for name, unit in stored.items()]
    else:
        pairs = [tuple(response) for response in stored]
    return tuple(Response(*pair) for pair in pairs)


def _old_conditions(stored: Mapping[str, Any]) -> Iterator[Condition]:
    """What runs of format 1 wrote: every condition with all of its words."""
    for c in stored["conditions"]:
        comparison, against = c["comparison"], c["comparison"]["against"]
        yield Condition(
            name=c["name"],
            kind="control" if c["control"] else "claim",
            comparison=Comparison(
                kind=comparison["kind"],
                response=comparison["response"],
                arm=Arm(tuple(comparison["arm"].items())),
                against=None if against is None else Arm(tuple(against.items())),
                within=comparison["within"],
                across=comparison["across"],
            ),
            region=Region.from_json(c["region"]),
            unit=c["unit"],
            reading=c["reading"],
            needs=c.get("needs", "cpu"),
        )
