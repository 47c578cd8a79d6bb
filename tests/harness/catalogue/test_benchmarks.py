"""Benchmarks of a file, read without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue.benchmarks import MARGIN, Benchmark, read_benchmarks
from harness.cli.regress import OWN
from harness.errors import HarnessError


def read(tmp_path: Path, text: str) -> tuple[Benchmark, ...]:
    path = tmp_path / "own.py"
    path.write_text(text, encoding="utf-8")
    return read_benchmarks(path)


def test_a_signature_is_the_declaration(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "raise SystemExit('this must not run')\n"
        "def plain(device):\n    'What it does.\\n\\n    More.'\n"
        "def saved(device, *, unit='B', margin=0.5, needs='cuda'): ...\n"
        "def _helper(device): ...\n"
        "def other(x): ...\n"
        "class Thing:\n    def method(device): ...\n",
    )
    assert found == (
        Benchmark("plain", "s", MARGIN, "", "What it does."),
        Benchmark("saved", "B", 0.5, "cuda"),
    )


def test_a_file_without_any_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, "x = 1\n") == ()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("def f(device, *, unit='kg'): ...", "unit must be one of s, B"),
        ("def f(device, *, margin=0): ...", "margin must lie between 0 and 1"),
        ("def f(device, *, margin=True): ...", "margin must lie between 0 and 1"),
        ("def f(device, *, margin='2 %'): ...", "margin must lie between 0 and 1"),
        ("def f(device, *, margin=M): ...", "must be written out"),
        ("def f(device, *, margin): ...", "margin needs a value"),
        ("def f(device, *, needs='luck'): ...", "needs must be"),
        ("def f(device:", "no Python"),
        ("\0", "no Python"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(HarnessError, match=match):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        read_benchmarks(tmp_path / "none.py")


def test_the_projects_own_are_declared_and_say_what_they_do() -> None:
    own = read_benchmarks(OWN)
    assert len(own) >= 18
    assert all(each.meaning.endswith(".") for each in own)
    assert {each.unit for each in own} == {"s", "B"}
