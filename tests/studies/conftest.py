"""The order of the studies' tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one experiment follow one another: its rows are measured once in a process.

    Spread over files, as they are written, each of two processes would measure most of them. The
    test that measures them by itself comes first, and the others find what it has measured.
    """
    first: dict[object, int] = {}
    place = {}
    for number, item in enumerate(items):
        of = first.setdefault(_experiment_of(item), number)
        place[item] = (of, "runs_in_quick_form" not in item.name, number)
    items.sort(key=place.__getitem__)


def _experiment_of(item: pytest.Item) -> object:
    """What the test of every experiment was given, and any other test itself."""
    callspec = getattr(item, "callspec", None)
    given = callspec.params if callspec else {}
    return (given["study"], given["name"]) if {"study", "name"} <= given.keys() else item
