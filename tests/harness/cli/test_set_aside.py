"""What processes say beside a progress bar: set aside, and shown once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli.set_aside import SHOWN, error_set_aside, summed_up


def say(text: str) -> None:
    """In another process, below Python's own streams."""
    subprocess.run([sys.executable, "-c", f"import os; os.write(2, {text.encode()!r})"], check=True)


def test_what_processes_say_is_shown_once_when_all_is_done(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with error_set_aside() as terminal:
        print("the bar", file=terminal, flush=True)
        for _ in range(3):
            say("profiler: cycles\n")
        say("another\n")
        assert capfd.readouterr().err == "the bar\n"
    assert capfd.readouterr().err == "profiler: cycles (3 times)\nanother\n"
    print("afterwards", file=sys.stderr)
    assert capfd.readouterr().err == "afterwards\n"


def test_what_was_said_is_shown_when_the_run_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with error_set_aside():
            say("error: the disk is full\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert capfd.readouterr().err == "error: the disk is full\n"


def test_nothing_is_shown_where_nothing_was_said(capfd: pytest.CaptureFixture[str]) -> None:
    with error_set_aside():
        pass
    assert capfd.readouterr().err == ""


def test_a_warning_is_told_without_its_statement_and_its_moment() -> None:
    said = """\
/lib/rnn.py:12: UserWarning: nested tensors
  output = net(x)
[W1126 12:00:01.123 Blas.cpp:180] Warning: no current CUDA context
/lib/rnn.py:12: UserWarning: nested tensors
  output = net(x)
[W1126 12:00:09.456 Blas.cpp:180] Warning: no current CUDA context
  a line by itself
"""
    assert summed_up(said) == [
        "/lib/rnn.py:12: UserWarning: nested tensors (2 times)",
        "[W Blas.cpp:180] Warning: no current CUDA context (2 times)",
        "  a line by itself",
    ]


def test_of_very_many_lines_the_last_are_shown() -> None:
    shown = summed_up("\n".join(f"line {n}" for n in range(SHOWN + 7)))
    assert shown[0] == "(7 lines left out)"
    assert shown[-1] == f"line {SHOWN + 6}"
    assert len(shown) == SHOWN + 1
