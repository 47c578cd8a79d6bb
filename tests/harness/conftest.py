"""How hypothesis works here: the same examples every time, however busy the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("harness", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("harness")
