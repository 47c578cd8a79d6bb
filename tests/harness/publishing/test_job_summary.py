"""What a comparison says to who reads on: more trios where something is open, nothing else."""

from __future__ import annotations

import re

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.judging.regressions import judge
from harness.publishing.job_summary import hint, summary
from tests.harness.trios import comparison, noisy, planted


@pytest.mark.parametrize(
    ("head", "sd", "word"), [(1.02, 0.02, "inconclusive"), (1.0, 0.001, "same within the margin")]
)
def test_more_trios_are_advised_where_something_is_open(head: float, sd: float, word: str) -> None:
    compared = comparison()
    ratios = noisy(head, compared, sd=sd) | {"base again": noisy(1.0, compared)["base again"]}
    report = judge(compared, planted(compared, {"spin": ratios}))
    assert report.findings[0].word == word
    advice = hint(compared, report)
    assert bool(advice) == (word == "inconclusive")
    assert advice in summary(compared, report, [])
    if advice:
        found = re.search(r"--blocks (\d+) its intervals would be about (\d+) % as wide", advice)
        assert found is not None
        assert int(found[1]) == 2 * compared.blocks
        assert 30 < int(found[2]) < 100


def test_no_trios_are_advised_where_bytes_are_open() -> None:
    compared = comparison(Benchmark("bytes", "B"), blocks=3)
    report = judge(compared, planted(compared, {"bytes": noisy(1.02, compared)}))
    assert report.findings[0].word == "inconclusive"
    assert hint(compared, report) == ""
