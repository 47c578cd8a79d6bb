"""The protocol: frozen before the first row, read back as it was, refused where it was touched."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from harness.design.claims import Beyond, Claim, Control, Unmeasurable
from harness.design.contrasts import Difference, Ratio, Value
from harness.design.entry import Entry
from harness.design.experiment import Experiment, Study
from harness.design.factors import PROFILES, Factor, PerProfile
from harness.design.regions import at_least, at_most, between, equals, less_than, more_than
from harness.design.responses import Response
from harness.errors import HarnessError
from harness.protocol.plan import plan_blocks
from harness.protocol.protocol import (
    HARNESS,
    Protocol,
    new_protocol,
    read_machine,
    read_protocol,
    source_hash,
    write_protocol,
)
from harness.protocol.rules import Statement, experiment_rules, study_rules, study_statements
from harness.protocol.stored import rules_hash
from tests.harness.fakes import DROPOUT, MACHINE, MODE, experiment, freeze, study

UP = Claim("P-up-1", Difference("x", MODE), at_least(0.5), reading="up is more")
CLAIMS = (
    UP,
    Claim("P-ratio-1", Ratio("x", MODE).at(p=(0.1, 0.5)).sd(), between(1.1, 1.3)),
    Claim("P-always-1", Value("x").at(mode="train").always(), less_than(9)),
    Control("nothing happens", Difference("x", DROPOUT).at(mode="eval"), equals(0, within=1e-6)),
    Unmeasurable("P-field-1", "field data", "nobody was asked"),
)


def full(**settings: Any) -> Experiment[Any]:  # noqa: ANN401 - whatever an experiment takes
    return experiment(*CLAIMS, **{"factors": (MODE, DROPOUT), **settings})


def frozen(path: Path) -> Protocol:
    protocol = freeze(study(first=full(), second=experiment(factors=())))
    write_protocol(path, protocol, MACHINE)
    return protocol


def stored(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((path / "protocol.json").read_text())
    return content


def test_a_protocol_comes_back_as_it_was_written(tmp_path: Path) -> None:
    protocol = frozen(tmp_path)
    assert read_protocol(tmp_path) == protocol
    assert read_machine(tmp_path, protocol) == MACHINE


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    frozen(tmp_path / "one")
    frozen(tmp_path / "two")
    for name in ("protocol.json", "machine.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_protocol_is_plain_json_that_other_programs_read(tmp_path: Path) -> None:
    frozen(tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((tmp_path / "protocol.json").read_text(), parse_constant=refuse)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_profile_sets_blocks_and_effort(profile: str) -> None:
    planted = full(blocks=PerProfile(3, 20, 60), effort=PerProfile(1, 4, 9))
    chosen = {"quick": (3, 1), "standard": (20, 4), "full": (60, 9)}[profile]
    (rules,) = study_rules(study(first=planted), profile).values()  # type: ignore[arg-type]
    assert (rules.blocks, rules.effort) == chosen


def test_rules_hold_what_judging_needs() -> None:
    rules = experiment_rules("first", full(threads=2, fresh_process=True), "quick")
    assert [(c.name, c.control, c.unit, c.reading) for c in rules.conditions] == [
        *[("P-up-1", False, "m", "up is more")] * 3,
        *[("P-ratio-1", False, "1", "")] * 2,
        *[("P-always-1", False, "m", "")] * 3,
        *[("nothing happens", True, "m", "")] * 2,
    ]
    assert rules.arms == full().arms()
    assert rules.unmeasurable == (CLAIMS[-1],)
    assert (rules.threads, rules.fresh_process) == (2, True)


def test_the_seeds_of_all_blocks_are_written_down_before_the_first_row(tmp_path: Path) -> None:
    frozen(tmp_path)
    planned = plan_blocks(full().arms(), 8, 0, "planted/first")
    assert stored(tmp_path)["experiments"]["first"]["seeds"] == [block.seed for block in planned]


def test_two_experiments_of_a_run_share_no_seed() -> None:
    protocol = freeze(study(first=full(), second=full()))
    first, second = (
        {block.seed for block in rules.plan("planted", 0)}
        for rules in protocol.experiments.values()
    )
    assert not first & second


@pytest.mark.parametrize(
    ("needs", "device", "possible"),
    [("cpu", "cpu", True), ("cpu", "cuda", True), ("cuda", "cuda", True), ("cuda", "cpu", False)],
)
def test_what_needs_cuda_is_measurable_there_only(needs: str, device: str, possible: bool) -> None:
    assert experiment_rules("e", full(needs=needs), "quick").measurable_on(device) is possible


def test_the_command_that_repeats_the_run_is_written_down(tmp_path: Path) -> None:
    protocol = frozen(tmp_path)
    expected = "python -m harness run planted --profile quick --device cpu --seed 0"
    assert protocol.command == stored(tmp_path)["command"] == expected


def rules_of(planted: Experiment[Any]) -> str:
    return hash_of(study(first=planted))


def hash_of(planted: Study) -> str:
    return rules_hash(study_rules(planted, "quick"), study_statements(planted), 0.99)


@pytest.mark.parametrize(
    "changed",
    [
        full(claims=()),
        full(claims=CLAIMS[1:]),
        full(claims=(replace(UP, region=at_least(0.6)), *CLAIMS[1:])),
        full(claims=(replace(UP, region=more_than(0.5)), *CLAIMS[1:])),
        full(claims=(replace(UP, region=at_most(0.5)), *CLAIMS[1:])),
        full(claims=(replace(UP, id="P-up-2"), *CLAIMS[1:])),
        full(claims=(replace(UP, contrast=Ratio("x", MODE)), *CLAIMS[1:])),
        full(claims=(replace(UP, contrast=Difference("x", MODE).sd()), *CLAIMS[1:])),
        full(claims=(replace(UP, contrast=Difference("x", MODE).always()), *CLAIMS[1:])),
        full(claims=(replace(UP, contrast=UP.contrast.at(p=0.1)), *CLAIMS[1:])),
        full(claims=(*CLAIMS[:-1], Unmeasurable("P-field-1", "a GPU", "nobody was asked"))),
        full(claims=(Control("P-up-1", UP.contrast, UP.region), *CLAIMS[1:])),
        full(claims=(Beyond("P-up-1", UP.contrast, UP.region, why="too far"), *CLAIMS[1:])),
        full(claims=(replace(UP, headline={"p": 0.5}), *CLAIMS[1:])),
        full(claims=(replace(UP, needs="cuda"), *CLAIMS[1:])),
        full(factors=(MODE, Factor("p", (0.0, 0.1, 0.5, 0.9), control=0.0))),
        full(factors=(Factor("mode", ("train", "eval"), control="eval"), DROPOUT)),
        full(only=lambda arm: arm[MODE] == "train" or arm[DROPOUT] != 0.5),
        full(blocks=PerProfile(9, 16, 32)),
        full(effort=PerProfile(2, 1, 1)),
        full(responses=(Response("x", "s", "x"),)),
        full(
            responses=(
                Response("x", "m", "x"),
                Response("y", "m", "y"),
            )
        ),
        full(threads=2),
        full(fresh_process=True),
        full(needs="cuda"),
    ],
)
def test_the_rules_checksum_changes_with_claim_region_factor_and_blocks(
    changed: Experiment[Any],
) -> None:
    assert rules_of(changed) != rules_of(full())


@pytest.mark.parametrize(
    "worded",
    [
        full(question="Is it not so?"),
        full(responses=(Response("x", "m", "the width"),)),
        full(factors=(Factor("mode", MODE.levels, control="eval", label="which mode"), DROPOUT)),
        full(factors=(replace(MODE, words={"eval": "evaluating"}), DROPOUT)),
        full(claims=(replace(UP, region=at_least(0.5, because="it is a count")), *CLAIMS[1:])),
        full(one_sample="one text"),
        full(claims=(replace(UP, reading="another reading"), *CLAIMS[1:])),
        full(claims=(*CLAIMS[:-1], Unmeasurable("P-field-1", "field data", "too dear"))),
    ],
)
def test_other_words_for_the_same_rules_change_the_protocol_s_checksum_only(
    worded: Experiment[Any],
) -> None:
    assert rules_of(worded) == rules_of(full())
    assert freeze(study(first=worded)).sha256 != freeze(study(first=full())).sha256


def test_an_experiment_added_renamed_or_left_out_changes_the_rules_checksum() -> None:
    studies = study(first=full()), study(first=full(), second=full()), study(second=full())
    assert len({hash_of(planted) for planted in studies}) == 3


def test_another_quantifier_or_confidence_changes_the_rules_checksum() -> None:
    planted = study(first=full())
    rules = study_rules(planted, "quick")
    can = {"P-up-1": Statement("It goes up.", "shifts", "can")}
    always = {"P-up-1": Statement("It goes up.", "shifts", "always")}
    worded = {"P-up-1": Statement("Up it goes.", "all shifts", "always")}
    assert rules_hash(rules, can, 0.99) != rules_hash(rules, always, 0.99)
    assert rules_hash(rules, worded, 0.99) == rules_hash(rules, always, 0.99)
    assert rules_hash(rules, always, 0.95) != rules_hash(rules, always, 0.99)


def test_a_claims_words_and_quantifier_are_frozen_with_the_run(tmp_path: Path) -> None:
    entry = Entry("P-up-1", says="It goes up.", scope="shifts", quantifier="can")
    planted = replace(study(first=full()), catalogue={"P-up-1": entry})
    protocol = freeze(planted)
    write_protocol(tmp_path, protocol, MACHINE)
    assert read_protocol(tmp_path).statements == {
        "P-up-1": Statement("It goes up.", "shifts", "can")
    }


def test_each_text_of_a_rule_stands_in_the_protocol_once(tmp_path: Path) -> None:
    """Runs of a thousand conditions are committed: a text is not repeated for each of them."""
    many = Factor("size", tuple(range(200)), control=0)
    claim = Claim("P-up-1", Difference("x", many), at_least(1), reading="a sentence of its own")
    write_protocol(tmp_path, freeze(study(first=experiment(claim, factors=(many,)))), MACHINE)
    text = (tmp_path / "protocol.json").read_text()
    assert text.count("a sentence of its own") == 1
    assert len(read_protocol(tmp_path).experiments["first"].conditions) == 199


SOURCE = '''
"""Is it so?"""
from harness import Claim, Experiment, PerProfile, Response, Value, at_least

def measure(cell, arm):
    return {{"x": {value}}}  {comment}

EXPERIMENT = Experiment(question="Is it so?", measure=measure, responses=(Response("x", "m", "x"),),
                        blocks=PerProfile(8, 8, 8),
                        claims=(Claim("P-up-1", Value("x"), at_least({bound})),))
'''


def written_study(path: Path, **parts: object) -> Study:
    source = SOURCE.format(**{"value": 1, "bound": 0.5, "comment": "", **parts})
    path.write_text(source)
    names: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), names)  # noqa: S102 - our own source above
    return Study("planted", "Is it so?", {"first": names["EXPERIMENT"]}, (path,))


def test_a_comment_changes_the_source_s_checksum_and_not_that_of_the_rules(
    tmp_path: Path,
) -> None:
    plain = written_study(tmp_path / "study.py")
    source, rules = source_hash(plain), hash_of(plain)
    assert source_hash(written_study(tmp_path / "study.py")) == source
    worded = written_study(tmp_path / "study.py", comment="# metres")
    assert hash_of(worded) == rules
    assert source_hash(worded) != source
    measured = written_study(tmp_path / "study.py", value=2)
    assert hash_of(measured) == rules
    assert source_hash(measured) != source
    judged = written_study(tmp_path / "study.py", bound=0.6)
    assert hash_of(judged) != rules


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile", "standard"),
        ("device", "cuda"),
        ("seed", 1),
        ("started", "2026-01-02T00:00:00+00:00"),
        ("commit", "1111111"),
        ("source_sha256", "other"),
        ("machine", {"cpu": "another"}),
    ],
)
def test_every_circumstance_of_a_run_enters_its_checksum(name: str, value: Any) -> None:  # noqa: ANN401 - of every type
    plain = freeze(study(first=full()))
    arguments: dict[str, Any] = {
        "profile": "quick",
        "device": "cpu",
        "seed": 0,
        "started": plain.started,
        "commit": plain.commit,
        "source_sha256": plain.source_sha256,
        "machine": MACHINE,
    }
    assert new_protocol(study(first=full()), **arguments).sha256 == plain.sha256
    changed = new_protocol(study(first=full()), **arguments | {name: value})
    assert changed.sha256 != plain.sha256


def leaves(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """The path to every value of a JSON document that holds no others."""
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in inner:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def edited(content: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - JSON
    found = part = copy.deepcopy(content)
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = change(part[path[-1]])
    return found


def test_every_single_value_is_guarded_by_the_checksum(tmp_path: Path) -> None:
    frozen(tmp_path)
    content = stored(tmp_path)
    paths = list(leaves(content))
    assert len(paths) > 100
    for path in paths:
        forged = edited(content, path, lambda value: [value, "edited"])
        (tmp_path / "protocol.json").write_text(json.dumps(forged))
        with pytest.raises(HarnessError, match=r"edited after the run|is none of"):
            read_protocol(tmp_path)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_removed_or_added_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    frozen(tmp_path)
    content = stored(tmp_path)
    part: Any = content
    for key in data.draw(st.sampled_from(list(leaves(content))))[:-1]:
        part = part[key]
    if isinstance(part, list):
        part.append("more")
    elif data.draw(st.booleans()):
        part["more"] = 1
    else:
        del part[data.draw(st.sampled_from(list(part)))]
    (tmp_path / "protocol.json").write_text(json.dumps(content))
    with pytest.raises(HarnessError, match=r"edited after the run|is none of"):
        read_protocol(tmp_path)


def test_a_protocol_that_is_only_laid_out_anew_is_the_same(tmp_path: Path) -> None:
    protocol = frozen(tmp_path)
    content = stored(tmp_path)
    (tmp_path / "protocol.json").write_text(json.dumps(content, sort_keys=True))
    assert read_protocol(tmp_path) == protocol


def forge(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a protocol and give it a checksum that fits."""
    from harness.protocol.checksum import json_sha256

    content = stored(path)
    change(content)
    content.pop("sha256")
    (path / "protocol.json").write_text(json.dumps({**content, "sha256": json_sha256(content)}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.pop("study"), "missing or malformed"),
        (lambda c: c.update(experiments=[]), "missing or malformed"),
        (lambda c: c.update(experiments={"first": 3}), "missing or malformed"),
        (lambda c: c["experiments"]["first"].pop("arms"), "missing or malformed"),
        (lambda c: c["experiments"]["first"].update(arms=[["eval"]]), "missing or malformed"),
        (lambda c: c["experiments"]["first"].update(unmeasurable=[{"id": "x"}]), "malformed"),
        (lambda c: c["experiments"]["first"]["factors"][0].update(levels=[]), "needs levels"),
        (lambda c: c.update(format=3), r"format 3 is none of \(1, 2\)"),
    ],
)
def test_a_protocol_of_another_make_is_refused_though_its_checksum_fits(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    frozen(tmp_path)
    forge(tmp_path, change)
    with pytest.raises(HarnessError, match=sentence):
        read_protocol(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "this is not whole JSON"),
        (b'{"format": 1, "study"', "this is not whole JSON"),
        (b"\xff\xfe\x00", "this is not whole JSON"),
        (b"[" * 100_000, "this is not whole JSON"),
        (b"\x80\x04K\x01.", "this is not whole JSON"),
        (b"[1, 2]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b"{}", "format None is none of"),
        (b'{"format": 1}', "edited after the run"),
        (b'{"format": 1, "study": "\\ud800"}', "edited after the run"),
        (b'{"format": NaN}', "format nan is none of"),
    ],
)
def test_a_file_that_is_no_protocol_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "protocol.json").write_bytes(content)
    with pytest.raises(HarnessError, match=sentence) as refusal:
        read_protocol(tmp_path)
    assert str(tmp_path / "protocol.json") in str(refusal.value)


def test_a_folder_without_a_protocol_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"is not a run folder: it has no protocol\.json"):
        read_protocol(tmp_path)


def test_a_machine_edited_or_lost_after_the_run_is_refused(tmp_path: Path) -> None:
    protocol = frozen(tmp_path)
    (tmp_path / "machine.json").write_text('{"cpu": "a faster one"}')
    with pytest.raises(HarnessError, match=r"machine\.json: edited after the run"):
        read_machine(tmp_path, protocol)
    (tmp_path / "machine.json").unlink()
    with pytest.raises(HarnessError, match=r"it has no machine\.json"):
        read_machine(tmp_path, protocol)


def test_the_checksum_of_the_source_covers_every_file_of_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever room it stands in: a run must not be resumed with another instrument."""
    twin = tmp_path / "harness"
    shutil.copytree(HARNESS, twin, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("harness.protocol.protocol.HARNESS", twin)
    planted = study(only=experiment())
    before = source_hash(planted)
    seen = {before}
    for path in sorted(twin.rglob("*.py")):
        content = path.read_bytes()
        path.write_bytes(content + b"\n# changed\n")
        seen.add(source_hash(planted))
        path.write_bytes(content)
    assert len(seen) == 1 + len(list(twin.rglob("*.py")))
    assert source_hash(planted) == before


def test_the_harness_that_is_hashed_is_the_one_that_is_imported() -> None:
    assert Path(harness.__file__).parent == HARNESS
