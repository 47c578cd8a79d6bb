"""The explorer that walks through one training step, call by call, with the stored tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.publishing.explored import (
    Choice,
    Explored,
    Judged,
    Missing,
    bearing,
    choice,
    explored,
    when,
)
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page
from harness.words import number

#: What each call changes, and the step that is worked by hand.
STUDY, CALLS = "step-anatomy", "six_calls"
WORKED_STUDY, WORKED = "arithmetic", "worked_step"
#: Other experiments of the study whose claims are of one call, by the call.
OF_CALL = {
    "zero_grad": ("erased", "zero_first"),
    "forward": ("graph", "outputs"),
    "loss": ("mean_loss", "outputs", "graph"),
    "backward": ("graph",),
    "step": ("sgd_rule", "adam_rule", "six_calls"),
    "scheduler step": ("counting", "decay", "scheduler_order", "cosine", "placements"),
}
#: Claims of the order of all calls.
OF_ALL = ("order_grid", "iteration", "complete_loop", "misplaced")
#: The claims that the page bears on.
BEARS_ON = (
    Judged(WORKED_STUDY, (WORKED,)),
    *(Judged(STUDY, names) for names in (*OF_CALL.values(), OF_ALL)),
)
#: Of this it is told, too, whether its tensors lie elsewhere after a call; others are made anew.
IN_PLACE = "weights"
#: Before the first call.
START, START_WORDS = "start", "before the first call"
#: After the last call: the network once more, with its new weights.
AGAIN, AGAIN_WORDS = "again", "forward once more"
#: The call that a stored number belongs to, by the first of these words that its fact has.
PLACES = (
    ("the step begins with", START),
    ("is then", AGAIN),
    ("after the step", AGAIN),
    ("before the step", AGAIN),
    ("nearer to its target", AGAIN),
    ("new weights", "step"),
    ("new bias", "step"),
    ("gradient to", "backward"),
    ("loss is", "loss"),
    ("squared errors", "loss"),
    ("outputs are", "forward"),
)
_FRACTION = re.compile(r"Fraction\((-?\d+), (\d+)\)")
_FOUND = re.compile(r"found (?P<found>.*?), (as claimed|claimed .*)", re.DOTALL)


@dataclass(frozen=True)
class Stored:
    """A number of the worked step: its fact, what was found, whether the document says so."""

    fact: str
    found: str
    agrees: bool


@dataclass(frozen=True)
class Change:
    """What one call does to one thing, with one optimiser, and whether that lies elsewhere."""

    thing: str
    changed: str
    elsewhere: str


@dataclass(frozen=True)
class Seen:
    """What one call changes and leaves, with one optimiser."""

    when: str
    optimiser: str
    changes: tuple[Change, ...]
    sentence: str


@dataclass(frozen=True)
class Call:
    """One call of the step."""

    value: str
    words: str
    stored: tuple[Stored, ...]
    seen: tuple[Seen, ...]
    claims: Sequence[Mapping[str, str]]


def step_walk_page(sources: Sources) -> bytes:
    """The page."""
    calls = explored(
        sources,
        STUDY,
        CALLS,
        factors=("call", "thing", "optimiser"),
        responses=("changed", "elsewhere"),
    )
    worked = explored(
        sources, WORKED_STUDY, WORKED, factors=("fact", "case"), responses=("agrees",)
    )
    numbers = _stored(worked)
    claims = bearing(sources, Judged(WORKED_STUDY, (WORKED,)))
    walked = _walk(calls, numbers, sources)
    return render_page(
        "explorer_step.html.jinja",
        "../",
        calls=calls,
        worked=worked,
        walk=walked,
        optimisers=_optimisers(calls),
        worked_claims=claims,
        other_claims=bearing(sources, Judged(STUDY, OF_ALL)),
    )


def _stored(worked: Explored | Missing) -> dict[str, list[Stored]]:
    """The numbers of the worked step by call, in the order of its facts."""
    by_call: dict[str, list[Stored]] = {}
    if isinstance(worked, Missing):
        return by_call
    claim = worked.factor("case").levels[0]
    rows = worked.of("agrees")
    messages = {
        str(row.fact): (str(row.message), float(row.value) == 1.0)
        for row in rows[rows["case"] == claim].itertuples()
    }
    for fact in worked.factor("fact").levels:
        if fact in messages:
            message, agrees = messages[fact]
            call = next((call for words, call in PLACES if words in fact), AGAIN)
            by_call.setdefault(call, []).append(Stored(fact, found(message), agrees))
    return by_call


def found(message: str) -> str:
    """What a fact's row says was found: its value, with fractions as they are written by hand."""
    match = _FOUND.fullmatch(message)
    return _FRACTION.sub(r"\1/\2", match["found"] if match else message)


def _walk(
    calls: Explored | Missing, numbers: Mapping[str, list[Stored]], sources: Sources
) -> list[Call]:
    walk = []
    if START in numbers:
        walk.append(Call(START, START_WORDS, tuple(numbers[START]), (), ()))
    if isinstance(calls, Explored):
        factor = calls.factor("call")
        walk += [
            Call(
                str(level),
                factor.say(level),
                tuple(numbers.get(str(level), ())),
                _seen(calls, level),
                bearing(sources, Judged(STUDY, OF_CALL.get(str(level), ()))),
            )
            for level in factor.levels
        ]
    known = {call.value for call in walk}
    walk += [
        Call(value, AGAIN_WORDS if value == AGAIN else value, tuple(stored), (), ())
        for value, stored in numbers.items()
        if value not in known
    ]
    return walk


def _seen(calls: Explored, call: object) -> tuple[Seen, ...]:
    """What a call changes, with each optimiser."""
    changed, elsewhere = calls.of("changed"), calls.of("elsewhere")
    optimisers, things = calls.factor("optimiser"), calls.factor("thing")
    seen = []
    for optimiser in optimisers.levels:
        found_of: dict[str, tuple[Any, Any]] = {}
        for thing in things.levels:
            share, moved = (
                rows[
                    (rows["call"] == call)
                    & (rows["thing"] == thing)
                    & (rows["optimiser"] == optimiser)
                ]["value"]
                for rows in (changed, elsewhere)
            )
            if not share.empty:
                found_of[things.say(thing)] = (share, moved)
        seen.append(
            Seen(
                when({"optimiser": optimiser}),
                optimisers.say(optimiser),
                tuple(
                    Change(thing, _share(share), _count(moved) if thing == IN_PLACE else "")
                    for thing, (share, moved) in found_of.items()
                ),
                _sentence(found_of, calls.blocks),
            )
        )
    return tuple(seen)


def _share(values: Any) -> str:  # noqa: ANN401 - a series
    low, high = float(values.min()), float(values.max())
    if low == high:
        return {0.0: "left as it was", 1.0: "changed"}.get(low, f"{number(100 * low)} % changed")
    return f"{number(100 * low)} to {number(100 * high)} % changed"


def _count(values: Any) -> str:  # noqa: ANN401 - a series
    if values.empty:
        return ""
    low, high = float(values.min()), float(values.max())
    if high == 0:
        return "no tensor lies elsewhere after it"
    return f"{number(low)} to {number(high)} tensors lie elsewhere after it"


def _sentence(found_of: Mapping[str, tuple[Any, Any]], blocks: int) -> str:
    """What changes in every block, what in none, what in some."""
    always = [thing for thing, (share, _) in found_of.items() if float(share.min()) == 1.0]
    never = [thing for thing, (share, _) in found_of.items() if float(share.max()) == 0.0]
    some = [thing for thing in found_of if thing not in {*always, *never}]
    parts = [
        f"{words} {', '.join(things)}"
        for words, things in (
            ("changed", always),
            ("changed in part or in some blocks", some),
            ("left to the last bit", never),
        )
        if things
    ]
    return f"In all {blocks} blocks this call {'; '.join(parts)}." if parts else "No row is stored."


def _optimisers(calls: Explored | Missing) -> Choice | None:
    return None if isinstance(calls, Missing) else choice(calls.factor("optimiser"))
