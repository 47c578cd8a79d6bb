from __future__ import annotations


def distance_by_rate(table): ...
