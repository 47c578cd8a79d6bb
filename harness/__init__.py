"""The instrument: paired designs, runs, effects, verdicts. It knows nothing of any claim.

What a study needs of it stands here, in plain Python: no library is imported. Three further doors
open on what studies use inside ``prepare`` and ``measure`` and in figures: ``harness.workloads``,
``harness.meters`` and ``harness.figures``; ``harness.libraries`` holds torch and its like, imported
when first used.
"""

from harness.design.aa import AA
from harness.design.claims import Beyond, Claim, Control, Entry, Unmeasurable
from harness.design.contrasts import Difference, Ratio, Share, Value
from harness.design.experiment import Experiment, Noted, Responses, Study, Task
from harness.design.factors import Arm, Block, Factor, Level, PerProfile, cross
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

__all__ = [
    "AA",
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
    "less_than",
    "more_than",
    "printed",
    "raised",
]
