"""Sentences from numbers: what was found, with its number and what kind of number that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.design.contrasts import Comparison
from harness.design.wording import of_what, sides, where
from harness.judging.effects import Effect
from harness.protocol.rules import Condition, ExperimentRules
from harness.words import YES_NO, amount, interval, plural, sentence_case


def number_text(condition: Condition, effect: Effect, confidence: float) -> str:
    """The number as it is printed everywhere, with what it is; empty where there is none.

    An interval is called one with its level and its blocks; a universal condition says how many
    values it saw, a yes/no in how many blocks it was so. The only answer to a yes/no is told by
    what stands behind it, where that was noted: "found 0.01, as claimed".

    Args:
        condition: says how the number came about.
        effect: as it was judged.
        confidence: the interval's level.
    """
    if effect.problem or not effect.values or math.isnan(effect.estimate):
        return ""
    unit, across = condition.unit, condition.comparison.across
    if unit == YES_NO or across == "frequency":
        noted = effect.note if unit == YES_NO else ""
        return noted or _count_text(condition.comparison, effect, confidence)
    if across == "every":
        span = interval(min(effect.values), max(effect.values), unit)
        return f"{span} in {_all(effect.values, 'value')}"
    printed = {amount(value, unit) for value in effect.values}
    exact = all(
        math.isinf(end) or amount(end, unit) in printed for end in (effect.low, effect.high)
    )
    if len(printed) == 1 and exact:
        return f"{amount(effect.estimate, unit)} in {_all(effect.values, 'block')}"
    blocks = plural(effect.blocks, "block")
    if math.isinf(effect.low) and math.isinf(effect.high):
        return f"{amount(effect.estimate, unit)} ({blocks}, too few for an interval)"
    span = interval(effect.low, effect.high, unit)
    return f"{amount(effect.estimate, unit)} ({100 * confidence:g} % interval {span}, {blocks})"


def finding_sentence(
    rules: ExperimentRules,
    condition: Condition,
    number: str,
    *,
    noted: bool = False,
    state: str = "",
) -> str:
    """What was found, in a sentence.

    Args:
        rules: the experiment's, which has the words.
        condition: what was compared.
        number: as ``number_text`` gives it.
        noted: whether that is what was noted beside a yes/no, and no count.
        state: of the device, where that belongs to the number.
    """
    comparison = condition.comparison
    at = "; ".join(filter(None, (where(comparison, rules.factors, rules.meanings), state)))
    of = sentence_case(of_what(comparison, rules.meanings, rules.factors))
    if not number:
        return f"{sentence_case(rules.label(comparison))}: no number."
    if noted and condition.unit == YES_NO:
        return f"{of}{f' ({at})' if at else ''}: {number}."
    text = _statement(rules, comparison, of, number, condition.unit)
    if not at:
        return f"{text}."
    # One pair of brackets: what the number is, then where it was found.
    return f"{text[:-1]}; {at})." if text.endswith(")") else f"{text} ({at})."


def _statement(
    rules: ExperimentRules, comparison: Comparison, of: str, number: str, unit: str
) -> str:
    if comparison.kind == "share":
        over = next(f.title for f in rules.factors if f.name == comparison.over)
        value, _, rest = number.partition(" ")
        what = of_what(comparison, rules.meanings, rules.factors)
        return f"Of {len(comparison.cells)} ({over}), the share in which {what} is {value} {rest}"
    if unit == YES_NO or comparison.across == "frequency":
        return f"{of} {number}"
    if comparison.against is None:
        return f"{of} is {number}"
    arm, control = sides(comparison, rules.factors)
    value, _, rest = number.partition(" ")
    if comparison.kind == "ratio":
        return f"{of} with {arm} is {value} times that with {control} {rest}".rstrip()
    return f"{of} with {arm} less that with {control} is {number}"


def _count_text(comparison: Comparison, effect: Effect, confidence: float) -> str:
    """In how many of the blocks, or values, a yes/no is yes; a difference of two is no count."""
    if comparison.kind in ("difference", "ratio"):
        return f"{effect.estimate:g} in {_all(effect.values, 'block')}"
    noun = "value" if comparison.across == "every" else "block"
    yes, total = sum(value == 1 for value in effect.values), len(effect.values)
    counted = f"in {_some(yes, total, noun)}"
    if comparison.across != "frequency":
        return counted
    ends = interval(effect.low, effect.high, "1")
    return f"{counted} ({100 * confidence:g} % interval of the share {ends})"


def _all(values: Sequence[float], noun: str) -> str:
    count = len(values)
    return {1: f"the only {noun}", 2: f"both {noun}s"}.get(count, f"all {plural(count, noun)}")


def _some(yes: int, total: int, noun: str) -> str:
    if yes == total:
        return _all([1.0] * total, noun)
    some = "none" if yes == 0 and total > 1 else f"{yes:,}"
    return f"{some} of {total:,} {noun}s"
