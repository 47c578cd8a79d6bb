"""The machines that runs measured on, as their pages show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What stands first on a page, in this order; all other facts follow under their own names.
FIRST = {
    "cpu": "processor",
    "cores": "cores",
    "usable_cores": "cores that a run may use",
    "memory_gib": "memory (GiB)",
    "system": "system",
    "python": "Python",
    "torch version": "torch",
    "torch cuda": "CUDA",
    "torch cudnn": "cuDNN",
    "torch gpu name": "GPU",
    "torch gpu memory_gib": "memory of the GPU (GiB)",
}
_APART = frozenset({"packages", "device"})


@dataclass(frozen=True)
class Fact:
    """What is known of a machine: several values where its runs differ in it."""

    name: str
    values: tuple[str, ...]


def facts(descriptions: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """What the runs of one machine say of it, the same thing once."""
    known: dict[str, dict[str, None]] = {}
    for description in descriptions:
        for name, value in _flat(description):
            known.setdefault(name, {})[value] = None
    order = [*(name for name in FIRST if name in known), *(n for n in known if n not in FIRST)]
    return [Fact(FIRST.get(name, name.replace("_", " ")), tuple(known[name])) for name in order]


def packages(descriptions: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """The versions of every package that was installed when these runs were made."""
    known: dict[str, dict[str, None]] = {}
    for description in descriptions:
        for name, version in dict(description.get("packages", {})).items():
            known.setdefault(str(name), {})[str(version)] = None
    return [Fact(name, tuple(known[name])) for name in sorted(known)]


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Facts inside of facts by all of their names; what is not there is left out."""
    for name, value in values.items():
        whole = f"{before}{name}"
        if isinstance(value, Mapping) and name not in _APART:
            yield from _flat(value, f"{whole} ")
        elif name not in _APART and value is not None and value != "":
            yield (
                whole,
                {True: "yes", False: "no"}.get(value, str(value))
                if isinstance(value, bool)
                else str(value),
            )
