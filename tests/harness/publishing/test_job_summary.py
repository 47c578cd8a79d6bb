"""What a comparison says to who reads on: more trios where something is open, nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from harness.catalogue.benchmarks import Benchmark
from harness.judging.differences import Difference
from harness.judging.regressions import Report, judge
from harness.protocol.comparison import AGAIN, BASE, HEAD, Asked, Comparison, Side
from harness.publishing.job_summary import cautions, hint, summary
from tests.harness.trios import comparison, noisy, planted


def report_of(*heads: float, sd: float = 0.02) -> tuple[Comparison, Report]:
    """A comparison whose ratios scatter about these medians, evenly on a scale of logarithms."""
    compared = comparison(*(Benchmark(f"b{place}") for place in range(len(heads))))
    scatter = sd * ndtri((np.arange(compared.blocks) + 0.5) / compared.blocks)
    ratios: dict[str, dict[Side, list[float]]] = {
        f"b{place}": {HEAD: (head * np.exp(scatter)).tolist(), AGAIN: [1.0] * compared.blocks}
        for place, head in enumerate(heads)
    }
    return compared, judge(compared, planted(compared, ratios))


def test_a_side_that_does_not_say_its_torch_is_named_with_it() -> None:
    compared, report = report_of(1.0, sd=0.001)
    here = replace(compared, base=Asked("here"), head=Asked("torch==2.14.1"))
    page = summary(here, report, [], (), {BASE: "2.13.0", HEAD: "2.14.1"})
    assert "Base: here (torch 2.13.0). Head: torch==2.14.1. cpu" in page


def test_nothing_is_advised_where_all_is_decided() -> None:
    compared, report = report_of(1.0, sd=0.001)
    assert report.findings[0].word == "same within the margin"
    assert hint(compared, report) == ""


def test_what_more_trios_would_decide_is_counted() -> None:
    """An interval of four times as many blocks is half as wide."""
    compared, report = report_of(1.038, 1.02)
    assert [finding.word for finding in report.findings] == ["inconclusive"] * 2
    head = report.findings[0].head
    assert head is not None
    assert math.sqrt(head.low * head.estimate) > 1.02
    told = hint(compared, report)
    assert told.startswith("Of the 2 benchmarks that are open about ")
    assert f"1 with --blocks {4 * compared.blocks} would be decided" in told
    assert told in summary(compared, report, [])


def test_commits_that_ask_for_other_packages_were_not_measured_with_them() -> None:
    compared, report = report_of(1.0, sd=0.001)
    asked = Difference("requirement", "torch", ">=2.11", ">=2.14")
    said = "both were measured with those that are installed here"
    assert said in summary(compared, report, [asked])
    assert said not in summary(compared, report, [replace(asked, kind="package")])


def test_builds_for_another_cuda_are_said_to_differ_by_that_too() -> None:
    built = Difference("interpreter", "cuda", "none", "13.0")
    assert "whatever the version" in " ".join(cautions([built]))
    assert cautions([replace(built, name="torch")]) == []


def test_a_ratio_on_the_edge_of_the_margin_is_said_to_stay_open() -> None:
    compared, report = report_of(1.02)
    assert hint(compared, report).startswith("1 benchmark is open, and would be with --blocks 48")


def test_more_trios_do_decide_what_was_said_they_would() -> None:
    compared, report = report_of(1.038)
    assert report.findings[0].word == "inconclusive"
    told = hint(compared, report)
    assert told.startswith("1 benchmark is open, and would be decided with about --blocks ")
    more = replace(compared, blocks=int(re.findall(r"\d+", told)[1]))
    scatter = 0.02 * ndtri((np.arange(more.blocks) + 0.5) / more.blocks)
    ratios: dict[Side, list[float]] = {
        HEAD: (1.038 * np.exp(scatter)).tolist(),
        AGAIN: [1.0] * more.blocks,
    }
    assert judge(more, planted(more, {"b0": ratios})).findings[0].word == "slower"


def test_no_trios_are_advised_where_bytes_are_open() -> None:
    compared = comparison(Benchmark("bytes", "B"), blocks=3)
    report = judge(compared, planted(compared, {"bytes": noisy(1.02, compared)}))
    assert report.findings[0].word == "inconclusive"
    assert hint(compared, report) == ""
