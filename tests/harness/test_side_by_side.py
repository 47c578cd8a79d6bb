"""Calls in forked processes: all results, in order, and failures that say what happened."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest

from harness.errors import HarnessError
from harness.side_by_side import call_side_by_side


def test_results_come_in_the_order_of_the_functions() -> None:
    held = {"number": 7}  # a closure cannot be pickled: the forks inherit it
    functions = [lambda place=place: (place, held["number"]) for place in range(20)]
    assert call_side_by_side(functions, jobs=3) == [(place, 7) for place in range(20)]


def test_each_is_called_once_in_another_process() -> None:
    processes = call_side_by_side([os.getpid] * 4, jobs=2)
    assert os.getpid() not in processes
    assert len(processes) == 4


def test_one_job_and_a_fork_itself_call_one_after_another() -> None:
    assert call_side_by_side([os.getpid] * 2, jobs=1) == [os.getpid()] * 2
    inner = [partial(call_side_by_side, [os.getpid] * 2, jobs=2)] * 2
    assert all(one == other for one, other in call_side_by_side(inner, jobs=2))


def test_nothing_to_call_is_nothing_called() -> None:
    assert call_side_by_side([]) == []


def refuse() -> int:
    message = "the table is broken"
    raise HarnessError(message)


def test_the_failure_of_one_is_the_failure_of_all_and_leaves_nothing_behind() -> None:
    with pytest.raises(HarnessError, match="the table is broken"):
        call_side_by_side([os.getpid, refuse, os.getpid], jobs=2)
    assert len(call_side_by_side([os.getpid] * 2, jobs=2)) == 2


def test_a_killed_process_is_a_clear_error() -> None:
    with pytest.raises(HarnessError, match="was killed"):
        call_side_by_side([lambda: os.kill(os.getpid(), signal.SIGKILL)] * 2, jobs=2)
