"""The instrument: paired designs, runs, effects, verdicts. It knows nothing of any claim.

What a study needs of it stands here, in plain Python: no library is imported. Three further doors
open on what studies use inside ``prepare`` and ``measure`` and in figures: ``harness.workloads``,
``harness.meters`` and ``harness.figures``; ``harness.libraries`` holds torch and its like, imported
when first used.
"""

from harness.design.aa import AA
from harness.design.contrasts import Difference, Ratio, Response
from harness.design.experiment import (
    Claim,
    Control,
    Experiment,
    Responses,
    Study,
    Task,
    Unmeasurable,
)
from harness.design.factors import Arm, Block, Factor, Level, PerProfile, cross
from harness.design.regions import (
    Region,
    at_least,
    at_most,
    between,
    equals,
    less_than,
    more_than,
)
from harness.errors import HarnessError

__version__ = "0.1.0"

__all__ = [
    "AA",
    "Arm",
    "Block",
    "Claim",
    "Control",
    "Difference",
    "Experiment",
    "Factor",
    "HarnessError",
    "Level",
    "PerProfile",
    "Ratio",
    "Region",
    "Response",
    "Responses",
    "Study",
    "Task",
    "Unmeasurable",
    "at_least",
    "at_most",
    "between",
    "cross",
    "equals",
    "less_than",
    "more_than",
]
