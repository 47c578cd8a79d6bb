"""What two sides differ in beside what was measured: the first place to look for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["package", "default", "variable", "interpreter", "requirement"]

#: Of a process's proof, what says which interpreter and which build of torch it is.
ONE_EACH = ("python", "torch", "build", "build_settings", "cuda")
PLACES: Mapping[Kind, str] = {
    "package": "packages",
    "default": "defaults",
    "variable": "environment",
    "requirement": "requires",
}
#: The number of threads is set by the comparison, whatever the default.
SET_ALIKE = frozenset({"threads"})
#: Defaults that no process can set from outside.
FIXED = frozenset({"mkldnn", "allocator"})
MISSING = "not there"


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        kind: what sort of thing.
        name: of the package, the default or the variable.
        base: its value there, as text; "not there" where base has none.
        head: the same of head.
        value: what base has, as it is; None where base has none.
    """

    kind: Kind
    name: str
    base: str
    head: str
    value: Any = None

    @property
    def can_be_set_equal(self) -> bool:
        """Whether head can be run again with what base has."""
        if self.kind == "variable":
            return True
        return (
            self.kind == "default"
            and self.name not in FIXED
            and MISSING not in (self.base, self.head)
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.base} on base, {self.head} on head"


def differences(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[Difference]:
    """All that differs between what two processes proved.

    Args:
        base: what base's process proved of itself.
        head: the same of head's.

    Returns:
        Interpreter and build first, then defaults, variables, packages and what commits require,
        each in order of name.
    """
    found = [
        Difference("interpreter", name, _text(base.get(name)), _text(head.get(name)))
        for name in ONE_EACH
        if base.get(name) != head.get(name)
    ]
    for kind in ("default", "variable", "package", "requirement"):
        before, after = dict(base.get(PLACES[kind], {})), dict(head.get(PLACES[kind], {}))
        if kind == "requirement" and not (before and after):
            continue  # one side is no commit, and has what it requires
        found += [
            Difference(
                kind, name, _text(before.get(name)), _text(after.get(name)), before.get(name)
            )
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name) and name not in SET_ALIKE
        ]
    return found


def _text(value: object) -> str:
    return MISSING if value is None else str(value) or "none"
