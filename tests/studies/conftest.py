"""The order of the studies' tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one experiment follow one another: its rows are measured once in a process.

    Spread over files, as they are written, each of two processes would measure most of them.
    """
    first: dict[object, int] = {}
    place = {}
    for number, item in enumerate(items):
        place[item] = first.setdefault(_experiment_of(item), number)
    items.sort(key=place.__getitem__)


def _experiment_of(item: pytest.Item) -> object:
    """What the test of every experiment was given, and any other test itself."""
    callspec = getattr(item, "callspec", None)
    given = callspec.params if callspec else {}
    return (given["study"], given["name"]) if {"study", "name"} <= given.keys() else item
