"""What an experiment did, in words: what was varied, in how many arms, and what a block was."""

from __future__ import annotations

from dataclasses import dataclass

from harness.protocol.rules import ExperimentRules
from harness.words import YES_NO, plural


@dataclass(frozen=True)
class Varied:
    """A factor: its title, its levels as readers see them, and that which others compare with."""

    title: str
    levels: tuple[str, ...]
    control: str


@dataclass(frozen=True)
class Design:
    """An experiment as its page tells it."""

    name: str
    question: str
    factors: tuple[Varied, ...]
    blocks: str
    responses: tuple[str, ...]


def told(rules: ExperimentRules) -> Design:
    """The design of an experiment in words."""
    factors = tuple(
        Varied(
            factor.title,
            tuple(factor.say(level) or "as usual" for level in factor.levels),
            factor.say(factor.control) if factor.control is not None else "",
        )
        for factor in rules.factors
        if len(factor.levels) > 1
    )
    meanings = tuple(
        r.meaning if r.unit in ("1", YES_NO) else f"{r.meaning} ({r.unit})" for r in rules.responses
    )
    return Design(rules.name.replace("_", " "), rules.question, factors, _blocks(rules), meanings)


def _blocks(rules: ExperimentRules) -> str:
    """How many arms and blocks there were, and what the arms of a block shared."""
    arms, blocks = plural(len(rules.arms), "arm"), plural(rules.blocks, "block")
    if rules.timed:
        how = (
            f"each a process of its own, in which the arms took turns in "
            f"{plural(rules.rounds, 'round')} of an order drawn anew"
        )
    elif rules.fresh_process:
        how = "each a process of its own"
    else:
        how = "each with a seed of its own, which its arms shared"
    sample = f" All blocks draw from one sample: {rules.one_sample}." if rules.one_sample else ""
    return f"{arms}, measured in random order in {blocks}, {how}.{sample}"
