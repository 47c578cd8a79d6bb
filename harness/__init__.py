"""The instrument: paired designs, runs, effects, verdicts. It knows nothing of any claim.

What a study needs of it stands here, in plain Python: no library is imported. Three further doors
open on what studies use inside ``prepare`` and ``measure`` and in figures: ``harness.workloads``,
``harness.meters`` and ``harness.figures``; ``harness.libraries`` holds torch and its like, imported
when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.design.aa import AA
    from harness.design.alone import Alone
    from harness.design.claims import Beyond, Claim, Control, Unmeasurable
    from harness.design.contrasts import Difference, Ratio, Share, Value
    from harness.design.entry import Entry
    from harness.design.experiment import Experiment, Noted, Responses, Study, Task
    from harness.design.factors import (
        Arm,
        Block,
        Factor,
        Level,
        PerProfile,
        cross,
        joined,
        names_of,
    )
    from harness.design.facts import Fact, default_of, facts, printed, raised
    from harness.design.regions import (
        Region,
        at_least,
        at_most,
        between,
        equals,
        less_than,
        more_than,
    )
    from harness.design.responses import Response
    from harness.errors import HarnessError

__version__ = "0.1.0"

#: Where each name stands. They are imported when first used: a menu, or nox, needs none of them.
_PLACES = {
    "harness.design.aa": "AA",
    "harness.design.alone": "Alone",
    "harness.design.claims": "Beyond Claim Control Unmeasurable",
    "harness.design.entry": "Entry",
    "harness.design.contrasts": "Difference Ratio Share Value",
    "harness.design.experiment": "Experiment Noted Responses Study Task",
    "harness.design.factors": "Arm Block Factor Level PerProfile cross joined names_of",
    "harness.design.facts": "Fact default_of facts printed raised",
    "harness.design.regions": "Region at_least at_most between equals less_than more_than",
    "harness.design.responses": "Response",
    "harness.errors": "HarnessError",
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "AA",
    "Alone",
    "Arm",
    "Beyond",
    "Block",
    "Claim",
    "Control",
    "Difference",
    "Entry",
    "Experiment",
    "Fact",
    "Factor",
    "HarnessError",
    "Level",
    "Noted",
    "PerProfile",
    "Ratio",
    "Region",
    "Response",
    "Responses",
    "Share",
    "Study",
    "Task",
    "Unmeasurable",
    "Value",
    "at_least",
    "at_most",
    "between",
    "cross",
    "default_of",
    "equals",
    "facts",
    "joined",
    "less_than",
    "more_than",
    "names_of",
    "printed",
    "raised",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Import a name of the public surface when it is first asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_MODULES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """All that can be imported from here."""
    return sorted([*globals(), *_MODULES])
