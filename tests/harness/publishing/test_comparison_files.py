"""What is published of a comparison comes from its rows, and what does not is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.errors import HarnessError
from harness.judging.differences import Difference
from harness.protocol.comparison import AGAIN, HEAD, SIDES, Comparison, write_comparison
from harness.publishing.comparison_files import (
    Compared,
    derive_comparison,
    derived_of_comparison,
    set_equal,
)
from harness.publishing.publish import check_published, publish
from harness.store.folders import RunFolder
from harness.store.turns import join_blocks, write_block, write_proofs
from tests.harness.runs import snapshot
from tests.harness.trios import comparison, planted, stored

TWO = (Benchmark("spin"), Benchmark("nap"))
#: A default that head has otherwise, and that can be set.
TUNED = Difference("default", "cudnn_benchmark", "False", "True", value=False)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A finished comparison, of which one side has another default than the other."""
    folder = RunFolder(stored(tmp_path, "a", comparison(*TWO)))
    proof = {"torch": "1.0", "defaults": {TUNED.name: False}, "packages": {}, "environment": {}}
    head = {**proof, "torch": "2.0", "defaults": {TUNED.name: True}}
    write_proofs(folder, {side: head if side == HEAD else proof for side in SIDES})
    derive_comparison(folder, folder)
    return folder


def measured_equal(folder: RunFolder, planned: Comparison, blocks: int) -> Path:
    """What was measured with the default set equal, to its end or not."""
    once_more = set_equal(folder, TUNED)
    write_comparison(once_more.path, planned)
    exact = {HEAD: [1.0] * planned.blocks, AGAIN: [1.0] * planned.blocks}
    table = planted(planned, {"spin": exact})
    for index in range(blocks):
        rows: Any = table[table["block"] == index].to_dict("records")
        write_block(once_more, planned, index, rows)
    join_blocks(once_more, planned)
    return once_more.path


def test_the_same_files_come_from_the_same_rows_wherever_they_are_written(
    folder: RunFolder, tmp_path: Path
) -> None:
    copy = RunFolder(tmp_path / "copy")
    written = {path.relative_to(copy.path) for path in derive_comparison(folder, copy)}
    there = {path.relative_to(folder.path) for path in derived_of_comparison(folder)}
    assert written == there
    assert {"summary.md", "verdicts.csv", "figures/ratios.svg"} <= set(map(str, written))
    for name in written:
        assert (copy.path / name).read_bytes() == (folder.path / name).read_bytes()


def edited(path: Path) -> None:
    """Say that what got slower is the same."""
    path.write_text(path.read_text().replace("slower", "same"))


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("summary.md", edited),
        ("verdicts.csv", edited),
        ("figures/ratios.svg", Path.unlink),
        ("figures/older.png", Path.touch),
        ("pytest-benchmark/head.json", Path.unlink),
    ],
)
def test_the_check_names_what_differs_and_regenerating_mends_it(
    folder: RunFolder, tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    publish(tmp_path)
    check_published(tmp_path)
    before = snapshot(folder.path)
    harm(folder.path / name)
    with pytest.raises(HarnessError, match=rf"1 stored files differ.*regress/a/{name}"):
        check_published(tmp_path)
    publish(tmp_path, regenerate=True)
    (folder.path / "figures/older.png").unlink(missing_ok=True)
    assert snapshot(folder.path) == before


def test_what_was_measured_with_something_set_equal_is_on_the_page(folder: RunFolder) -> None:
    planned = comparison()
    measured_equal(folder, planned, planned.blocks)
    found = Compared.read(folder)
    (explanation,) = found.explanations
    assert (explanation.benchmark, explanation.word) == ("spin", "same within the margin")
    assert "With cudnn benchmark set equal (False), the ratio of spin is 1.000" in found.page


def test_what_was_not_measured_to_its_end_explains_nothing(folder: RunFolder) -> None:
    measured_equal(folder, comparison(), blocks=3)
    assert Compared.read(folder).explanations == []


def test_what_is_broken_of_an_explanation_costs_no_verdict_and_does_not_pass_the_check(
    folder: RunFolder, tmp_path: Path
) -> None:
    planned = comparison()
    broken = measured_equal(folder, planned, planned.blocks)
    publish(tmp_path, regenerate=True)
    (table,) = broken.glob("observations/*.parquet")
    table.write_bytes(b"no table")
    found = Compared.read(folder)
    assert found.explanations == []
    assert found.report.findings[0].word == "slower"
    with pytest.raises(HarnessError, match=r"summary\.md"):
        check_published(tmp_path)
