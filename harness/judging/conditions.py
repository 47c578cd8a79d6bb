"""One condition while it is judged: its rule, its effect, its verdict so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.judging.effects import Effect
from harness.judging.findings import Finding, Kind
from harness.judging.sentences import finding_sentence, number_text
from harness.judging.verdicts import Judgement
from harness.protocol.rules import Condition, ExperimentRules

NO_EFFECT = Effect(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class JudgedCondition:
    """A condition with its effect, its verdict, and what it is to its claim on this device.

    ``state`` is the state of the device that its sentence must name: "the GPU at its power limit".
    """

    rules: ExperimentRules
    condition: Condition
    effect: Effect
    judgement: Judgement
    kind: Kind
    warnings: tuple[str, ...] = ()
    headline: bool = False
    state: str = ""

    @property
    def label(self) -> str:
        """The comparison in words."""
        return self.rules.label(self.condition.comparison)

    def sentence(self, confidence: float) -> str:
        """What was found, in words."""
        number = number_text(self.condition, self.effect, confidence)
        noted = bool(self.effect.note)
        return finding_sentence(self.rules, self.condition, number, noted=noted, state=self.state)

    def finding(self, confidence: float) -> Finding:
        """The record that is handed on."""
        condition, effect = self.condition, self.effect
        number = number_text(condition, effect, confidence)
        return Finding(
            claim=condition.name,
            kind=self.kind,
            experiment=self.rules.name,
            contrast=self.label,
            reading=condition.reading,
            why=condition.why,
            rule=condition.comparison.across,
            region=str(condition.region),
            estimate=effect.estimate,
            low=effect.low,
            high=effect.high,
            unit=condition.unit,
            blocks=effect.blocks,
            verdict=self.judgement.verdict,
            reason=self.judgement.reason,
            number=number,
            headline=self.headline,
            warnings=" ".join(dict.fromkeys(self.warnings)),
        )


def counterpart(device: str, judged: JudgedCondition) -> list[JudgedCondition]:
    """The condition on this device; of a claim that needs another one, a counterpart beside it.

    The claim itself is then not measurable, whatever the same code gave here. What lies beyond a
    claim's scope has no counterpart.
    """
    needs = judged.condition.needs
    if needs in ("cpu", device):
        return [judged]
    if judged.kind == "beyond":
        return []
    missing = replace(judged, effect=NO_EFFECT, judgement=lacking(needs, device), warnings=())
    if not judged.rules.measurable_on(device):
        return [missing]
    return [missing, replace(judged, kind="counterpart")]


def lacking(needs: str, device: str) -> Judgement:
    """The judgement of what this device cannot measure."""
    return Judgement("not measurable", f"It needs {needs}; this run had {device}.")
