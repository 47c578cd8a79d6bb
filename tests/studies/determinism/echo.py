"""A training that a process can be asked for, whose outcome is known: its own seed."""

from __future__ import annotations

from studies.determinism.process import Answer, Request


def run(request: Request) -> Answer:
    """The seed in place of weights."""
    return {"weights": f"of seed {request['seed']}"}
