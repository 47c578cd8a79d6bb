"""Twins of a fact."""

from __future__ import annotations

from harness import Beyond, Claim, Fact
from studies.arithmetic.twins import twins


def test_twins_have_the_fact_s_condition_under_their_own_ids() -> None:
    fact = Fact("X.1", "one is one", 1, 1, 2, headline=True)
    rule = fact.rule()
    found = twins(fact, "X.2", "X.3")
    assert [each.id for each in found] == ["X.2", "X.3"]
    for each in found:
        assert isinstance(each, Claim)
        assert (each.contrast, each.region) == (rule.contrast, rule.region)
        assert not each.headline
    (leading,) = twins(fact, "X.2", headline=True)
    assert isinstance(leading, Claim)
    assert leading.headline


def test_a_twin_of_what_lies_beyond_lies_beyond() -> None:
    fact = Fact("X.1", "one is one", 1, 1, 2, beyond="another question")
    (found,) = twins(fact, "X.2")
    assert isinstance(found, Beyond)
    assert found.why == "another question"
