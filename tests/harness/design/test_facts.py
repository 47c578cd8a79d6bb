"""Facts: what is found, what is claimed, and a counterexample that must differ."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.design.checks import experiment_faults
from harness.design.claims import Claim, Control, Unmeasurable
from harness.design.facts import (
    CLAIMED,
    COUNTEREXAMPLE,
    Fact,
    agree,
    default_of,
    facts,
    in_words,
    named,
    printed,
    raised,
)
from harness.errors import HarnessError
from harness.judging.judge import judge_run
from harness.store.observations import StoredRun
from tests.harness.runs import bench, study_of

TRUE = Fact("P-true-1", "two and two make four", lambda: 2 + 2, 4, lambda: 2 + 3)
FALSE = Fact("P-false-1", "two and two make five", lambda: 2 + 2, 5, lambda: 2 + 1)
BLIND = Fact("P-blind-1", "anything goes", lambda: 4, 4, lambda: 4)


def test_a_fact_is_reproduced_or_refuted_by_what_is_found(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(sums=facts("What do two and two make?", TRUE, FALSE)))
    made.execute()
    run = judge_run(StoredRun(made.folder, made.protocol))
    assert {c.claim: c.verdict for c in run.claims} == {
        "P-true-1": "reproduced",
        "P-false-1": "refuted",
    }
    assert {c.verdict for c in run.controls} == {"reproduced"}


def test_a_counterexample_that_agrees_withholds_the_verdicts(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(sums=facts("What goes?", TRUE, BLIND)))
    made.execute()
    run = judge_run(StoredRun(made.folder, made.protocol))
    assert {c.verdict for c in run.claims} == {"inconclusive"}


def test_what_was_found_and_claimed_stands_in_the_row(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(sums=facts("What do two and two make?", FALSE)))
    made.execute()
    table = made.table("sums")
    notes = dict(zip(table["case"], table["message"], strict=True))
    assert notes[CLAIMED] == "found 4, claimed 5"
    assert notes[COUNTEREXAMPLE] == "found 3, claimed 5"


def test_a_reader_sees_the_statement_and_what_was_found(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(sums=facts("What do two and two make?", TRUE, FALSE)))
    made.execute()
    run = judge_run(StoredRun(made.folder, made.protocol))
    assert {c.claim: c.sentence for c in run.claims} == {
        "P-true-1": "Two and two make four: found 4, as claimed.",
        "P-false-1": "Two and two make five: found 4, claimed 5.",
    }


def test_a_fact_beyond_the_words_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    outside = Fact("P-true-1", "so do they in words", "5", "4", "6", beyond="no numbers")
    made = bench(tmp_path, study_of(sums=facts("What do two and two make?", TRUE, outside)))
    made.execute()
    run = judge_run(StoredRun(made.folder, made.protocol))
    assert [(c.claim, c.verdict, c.judged) for c in run.claims] == [("P-true-1", "reproduced", 1)]


def test_a_fact_can_be_chosen_as_headline() -> None:
    second = dataclasses.replace(TRUE, says="two twos make four", headline=True)
    made = facts("What do two and two make?", TRUE, second)
    led = [posed.comparison.arm.as_dict()["fact"] for posed in made.conditions() if posed.headline]
    assert led == ["two twos make four"]


def test_facts_pass_the_checks_of_a_study() -> None:
    unmeasurable = Unmeasurable("P-field-1", "field data", "nobody was asked")
    made = facts("What do two and two make?", TRUE, FALSE, more=(unmeasurable,))
    assert list(experiment_faults(made)) == []
    kinds = [type(rule) for rule in made.claims]
    assert kinds == [Claim, Claim, Control, Unmeasurable]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.1 + 0.2, "0.3"),
        (28.0, "28"),
        (3, "3"),
        (True, "True"),
        ([1 / 3, 2], "[0.333333333333, 2]"),
        ((1.5,), "(1.5,)"),
        ((1e-16, [2.0]), "(1e-16, [2])"),
        ("two\nlines", "'two\\nlines'"),
        (None, "None"),
    ],
)
def test_a_note_shows_a_value_without_its_rounding(value: object, words: str) -> None:
    assert in_words(value) == words


def test_facts_need_words_that_tell_them_apart() -> None:
    with pytest.raises(HarnessError, match="words that tell them apart"):
        facts("What?", TRUE, TRUE)
    with pytest.raises(HarnessError, match="words that tell them apart"):
        facts("What?")


@pytest.mark.parametrize(
    ("found", "claimed", "within", "same"),
    [
        (1, 1.0, 0.0, True),
        (1.001, 1.0, 0.01, True),
        (1.02, 1.0, 0.01, False),
        (True, 1, 0.0, False),
        (True, True, 0.0, True),
        (None, None, 0.0, True),
        (None, 0, 0.0, False),
        ("a", "a", 0.0, True),
        ("a", "b", 9.0, False),
        ([1, 2], (1, 2.0), 0.0, True),
        ([1, 2], [1, 2, 3], 0.0, False),
        ([1, 2.05], [1, 2], 0.1, True),
        ({"a": 1}, {"a": 1}, 0.0, True),
        (float("nan"), float("nan"), 9.0, False),
    ],
)
def test_values_agree_within_a_distance_item_by_item_and_by_their_kind(
    found: object, claimed: object, within: float, same: bool
) -> None:
    assert agree(found, claimed, within) is same
    assert agree(claimed, found, within) is same


def function(first: int, second: float = 0.5) -> None:
    """A function with a default."""


class Plain:
    """A class with a default, and one that it sets when it is made."""

    def __init__(self, rate: float = 0.01) -> None:
        self.rate = rate
        self.momentum = 0.9


@dataclasses.dataclass
class Record:
    """A dataclass with a default."""

    size: int = 7


def test_defaults_are_read_from_functions_classes_dataclasses_and_instances() -> None:
    here = __name__
    if here not in __import__("sys").modules:
        pytest.skip("this module cannot be named here")
    assert default_of(f"{here}.function", "second")() == 0.5
    assert default_of(f"{here}.Plain", "rate")() == 0.01
    assert default_of(f"{here}.Plain", "momentum")() == 0.9
    assert default_of(f"{here}.Record", "size")() == 7


def test_a_default_is_read_when_it_is_asked_for_and_not_before() -> None:
    read = default_of("no_such_module.Thing", "x")
    with pytest.raises(HarnessError, match="no module 'no_such_module'"):
        read()


@pytest.mark.parametrize(
    ("path", "name", "sentence"),
    [
        ("json.nothing", "x", "json has no nothing"),
        ("json.dumps", "nothing", "json.dumps has no default for 'nothing'"),
        ("json.dumps", "obj", "json.dumps has no default for 'obj'"),
    ],
)
def test_what_has_no_default_is_refused(path: str, name: str, sentence: str) -> None:
    with pytest.raises(HarnessError, match=sentence):
        default_of(path, name)()


def test_defaults_of_the_standard_library_are_its_own() -> None:
    assert default_of("json.dumps", "skipkeys")() is False
    assert named("os.path.join")("a", "b") == "a/b"


def test_what_is_printed_or_raised_is_found() -> None:
    assert printed(lambda: print("one\ntwo"))() == "one\ntwo"
    assert raised(lambda: 1 / 0)() == "ZeroDivisionError"
    assert raised(SimpleNamespace)() == ""
