from __future__ import annotations


def accuracy_by_switch(table): ...
