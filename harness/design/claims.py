"""Claims and what is judged with them: conditions inside their scope, beyond it, and controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from harness.design.contrasts import Contrast
from harness.design.entry import QUANTIFIERS, Quantifier
from harness.design.factors import Arm, Level
from harness.design.regions import Region
from harness.errors import HarnessError

#: The level of every interval, unless a run was frozen with another.
CONFIDENCE = 0.99

#: What a condition is to its claim. A control belongs to no claim.
ConditionKind: TypeAlias = Literal["claim", "beyond", "control"]

#: What a claim or an experiment may need.
Need: TypeAlias = Literal["cpu", "cuda"]
NEEDS: tuple[Need, ...] = get_args(Need)


@dataclass(frozen=True)
class Claim:
    """A claim of the catalogue, a contrast inside its scope, and the region where it holds.

    Several ``Claim`` lines with one ``id`` are conditions of one claim; its quantifier, in the
    catalogue, says how they decide it together. Each condition is a setting by itself, unless
    ``jointly`` makes one of several; where the claim says two things, ``half`` parts them.

    Args:
        id: the claim's.
        contrast: what is compared.
        region: the values for which the claim holds.
        reading: how the words were turned into the rule, in one plain sentence.
        needs: a claim that needs "cuda" is judged on a GPU alone; what other devices give by the
            same code is shown beside it as a counterpart, and never in its place.
        headline: whether this line stands for the claim where it is told in one line; levels name
            the one condition of the line that does.
        jointly: what must hold together, in words ("slower and no better"): conditions of the claim
            with the same words at the same arm are one setting, in which the claim holds where all
            of them do, and fails where one of them does.
        half: which of the things that the claim says this line is about ("may over-fit"); the claim
            is reproduced if every half is.
        quantifier: of the half, where it is another than the claim's.

    Raises:
        HarnessError: an unknown quantifier, or one without a half.
    """

    id: str
    contrast: Contrast
    region: Region
    reading: str = ""
    needs: str = "cpu"
    headline: bool | Mapping[str, Level] = field(default=False, hash=False)
    jointly: str = ""
    half: str = ""
    quantifier: Quantifier | Literal[""] = ""

    def __post_init__(self) -> None:
        if self.quantifier and not self.half:
            raise HarnessError(f"{self.id}: a quantifier of its own is that of a half; name it.")
        if self.quantifier and self.quantifier not in QUANTIFIERS:
            raise HarnessError(
                f"{self.id}: {self.quantifier!r} is no quantifier; there are "
                f"{', '.join(QUANTIFIERS)}."
            )

    def leads(self, arm: Arm) -> bool:
        """Whether the condition at an arm was chosen as the claim's headline."""
        if isinstance(self.headline, bool):
            return self.headline
        levels = arm.as_dict()
        return all(levels.get(name) == level for name, level in self.headline.items())


@dataclass(frozen=True)
class Beyond:
    """A condition outside the claim's scope: measured by a rule, shown, and never deciding.

    Args:
        id: the claim's.
        contrast: what is compared.
        region: where the claim would hold.
        why: what the passage does not speak of: "p = 0.001, which nobody trains with".
        reading: how the words were turned into the rule, where it is another than the claim's.
        needs: see ``Claim``; on another device the condition is left out.
    """

    id: str
    contrast: Contrast
    region: Region
    why: str
    reading: str = ""
    needs: str = "cpu"


@dataclass(frozen=True)
class Control:
    """A contrast whose truth is known beforehand; where it fails, the experiment judges nothing."""

    name: str
    contrast: Contrast
    region: Region


@dataclass(frozen=True)
class Unmeasurable:
    """A claim, or a part of one, that no run can settle, what it would take, and why."""

    id: str
    needs: str
    why: str


Rule: TypeAlias = Claim | Beyond | Control
