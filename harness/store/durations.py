"""How long experiments took: kept beside the rows, for whoever plans a run. No evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.files import write_bytes
from harness.store.folders import RunFolder, run_folders

NAME = "durations.json"


def add_durations(folder: RunFolder, seconds: Mapping[str, float]) -> None:
    """Add the seconds that blocks of experiments took, by name, to those of the run so far."""
    if not seconds:
        return
    total = read_durations(folder)
    for name, more in seconds.items():
        total[name] = round(total.get(name, 0.0) + more, 2)
    text = json.dumps(dict(sorted(total.items())), indent=1) + "\n"
    write_bytes(folder.path / NAME, text.encode())


def read_durations(folder: RunFolder) -> dict[str, float]:
    """Seconds by experiment; empty where nothing is known, for nothing depends on it."""
    found: dict[str, float] = {}
    with suppress(OSError, ValueError, AttributeError, TypeError):
        stored = json.loads((folder.path / NAME).read_text(encoding="utf-8"))
        found = {str(name): float(seconds) for name, seconds in stored.items()}
    return found


def known_durations(results: Path, study: str, device: str, profile: str) -> dict[str, float]:
    """What finished experiments of a study took in its latest runs of a profile on a device."""
    found: dict[str, float] = {}
    for folder in run_folders(results):  # oldest first
        if folder.path.parent.name != study:
            continue
        with suppress(OSError, ValueError):
            protocol = json.loads((folder.path / "protocol.json").read_text(encoding="utf-8"))
            if (protocol.get("device"), protocol.get("profile")) == (device, profile):
                took = read_durations(folder)
                found |= {name: s for name, s in took.items() if folder.has_table(name)}
    return found
