from __future__ import annotations


def cost_by_network(table): ...
