"""Ctrl-C waits for what is being written."""

from __future__ import annotations

import signal
import threading

import pytest

from harness.files import interrupts_deferred


def test_ctrl_c_waits_until_the_end_and_is_not_forgotten() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts_deferred():  # noqa: PT012 - what comes after
        signal.raise_signal(signal.SIGINT)
        reached.append("the end")
    assert reached == ["the end"]


def test_ctrl_c_works_as_before_once_a_write_is_through() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts_deferred():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_write_in_another_thread_leaves_signals_alone() -> None:
    """Python lets the main thread alone set what a signal does."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def write() -> None:
        with interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert seen == [before]
