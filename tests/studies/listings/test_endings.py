"""How planted programs end."""

from __future__ import annotations

from studies.listings.endings import ending, raises, runs


def test_a_program_that_ends_well_is_told_by_its_lines() -> None:
    assert ending(lambda: [1, 2, 3])() == runs(3) == "runs: 3 lines"
    assert ending(lambda: ["one"])() == "runs: 1 line"


def test_a_program_that_raises_is_told_by_its_exception() -> None:
    def broken() -> list[str]:
        raise ValueError("of two\n  lines")

    assert ending(broken)() == "ValueError: of two lines"
    assert ending(raises)().startswith("RuntimeError")


def test_nothing_runs_before_it_is_asked_for() -> None:
    began: list[int] = []

    def program() -> list[int]:
        began.append(1)
        return began

    later = ending(program)
    assert not began
    later()
    assert began == [1]
