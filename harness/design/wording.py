"""How a comparison is put into words: no level as code, nothing that goes without saying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.design.contrasts import Comparison
from harness.design.factors import Arm, Factor

_REDUCED = {
    "sd": "standard deviation over repeats of {}",
    "range": "range over repeats of {}",
    "min": "least over repeats of {}",
    "max": "greatest over repeats of {}",
    "distinct": "number of distinct values of {}",
}
_SIGN = {"difference": "less", "ratio": "over"}


def of_what(
    comparison: Comparison, meanings: Mapping[str, str], factors: Iterable[Factor[Any]]
) -> str:
    """What is read: the response's meaning, with the reduction of its rounds.

    Args:
        comparison: names the response.
        meanings: by response; one without a meaning is called by its name. A factor's name in
            braces stands for the level: "loss after {steps} steps".
        factors: of the experiment.
    """
    meaning = _meaning(comparison, meanings)
    levels = comparison.arm.as_dict()
    for factor in factors:
        if _slot(factor) in meaning:
            meaning = meaning.replace(_slot(factor), factor.say(levels[factor.name]))
    return _REDUCED.get(comparison.within, "{}").format(meaning)


def _meaning(comparison: Comparison, meanings: Mapping[str, str]) -> str:
    return meanings.get(comparison.response) or comparison.response.replace("_", " ")


def _slot(factor: Factor[Any]) -> str:
    return f"{{{factor.name}}}"


def place(arm: Arm, factors: Iterable[Factor[Any]], without: Iterable[str] = ()) -> str:
    """The levels of an arm in words, less some factors: "digits, p = 0.5"."""
    left_out, levels = set(without), arm.as_dict()
    phrases = [f.phrase(levels[f.name]) for f in factors if f.name not in left_out]
    return ", ".join(phrase for phrase in phrases if phrase)


def sides(comparison: Comparison, factors: Iterable[Factor[Any]]) -> tuple[str, str]:
    """What the two arms of a difference or ratio have that the other has not."""
    changed, against = comparison.changed(), comparison.against
    if against is None:
        return "", ""
    those = [factor for factor in factors if factor.name in changed]
    return tuple(  # type: ignore[return-value]  # two of them
        ", ".join(filter(None, (f.say(arm.as_dict()[f.name]) for f in those))) or "the first"
        for arm in (comparison.arm, against)
    )


def where(
    comparison: Comparison, factors: Iterable[Factor[Any]], meanings: Mapping[str, str]
) -> str:
    """The levels that both sides of a comparison share, less those that its meaning names."""
    factors, meaning = tuple(factors), _meaning(comparison, meanings)
    said = [factor.name for factor in factors if _slot(factor) in meaning]
    return place(comparison.arm, factors, without=[*comparison.changed(), comparison.over, *said])


def label(
    comparison: Comparison, factors: Iterable[Factor[Any]], meanings: Mapping[str, str]
) -> str:
    """A comparison in words: "time of a pass, gradients enabled over no_grad (MiniLM)"."""
    factors = tuple(factors)
    text = of_what(comparison, meanings, factors)
    if comparison.kind == "share":
        (over,) = (f for f in factors if f.name == comparison.over)
        text = f"share of {len(comparison.cells)} ({over.title}) in which {text}"
    elif comparison.across == "frequency":
        text = f"share of blocks in which {text}"
    if comparison.against is not None:
        arm, control = sides(comparison, factors)
        text += f", {arm} {_SIGN[comparison.kind]} {control}"
    at = where(comparison, factors, meanings)
    return f"{text} ({at})" if at else text
