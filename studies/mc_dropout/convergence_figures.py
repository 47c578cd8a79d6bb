from __future__ import annotations


def error_by_passes(table): ...
