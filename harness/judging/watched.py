"""What the state of a GPU does to the verdict of a time: judged, judged with a word, or not judged.

At its power limit a card slows all arms of a round alike: their ratio is judged if they ran at the
same clock, and the limit is told. Arms that ran at other clocks are not judged, whatever the reason
for these. What was not seen is told by a warning; that the A/A holds is then all there is to go by.
Times that heat, hardware or another process disturbed have that as their rows' status already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from harness.design.alone import ALONE_SECONDS
from harness.design.gpu_state import ALONE, AT_POWER_LIMIT
from harness.judging.aa import TIMES
from harness.judging.conditions import JudgedCondition
from harness.judging.states import SAME_CLOCK, Seen, States
from harness.judging.verdicts import Judgement, judge_condition
from harness.words import plural

#: The id of the warning that something went unseen.
UNWATCHED = "unwatched"
_LIMITED = f"the GPU {AT_POWER_LIMIT}"


def heed(judged: JudgedCondition, states: States) -> JudgedCondition:
    """A condition with what the state of the GPU does to it; controls are what they are.

    Args:
        judged: by its times alone.
        states: of its experiment.
    """
    response = judged.condition.comparison.response
    if not states or judged.condition.control or judged.effect.problem:
        return judged
    if response == ALONE_SECONDS.name:
        return _at_their_own_clocks(judged, states)
    return _at_one_clock(judged, states) if response in TIMES else judged


def _at_one_clock(judged: JudgedCondition, states: States) -> JudgedCondition:
    comparison = judged.condition.comparison
    arms = list(comparison.cells) or [comparison.arm]
    arms += [] if comparison.against is None else [comparison.against]
    seen = states.of(arms)
    if not seen.same_clock:
        return _not_judged(judged, seen)
    notes = []
    if seen.limited:
        at = f", at {_megahertz(seen)}" if seen.clocks else ""
        of = f"{seen.limited} of {plural(seen.asked, 'sample')}"
        notes.append(f"The GPU was {AT_POWER_LIMIT} in {of} of these arms{at}.")
    if seen.unseen:
        notes.append(f"Not seen of the GPU: {seen.unseen}.")
    reason = " ".join([judged.judgement.reason, *notes])
    return replace(
        judged,
        judgement=Judgement(judged.judgement.verdict, reason),
        state=_LIMITED if seen.limited else "",
        warnings=(*judged.warnings, UNWATCHED) if seen.unseen else judged.warnings,
    )


def _not_judged(judged: JudgedCondition, seen: Seen) -> JudgedCondition:
    limit = f", {_LIMITED}" if seen.limited else ""
    allowed = f"they may differ by {100 * SAME_CLOCK:g} %"
    problem = (
        f"the arms did not run at the same clock: {_megahertz(seen)} "
        f"(medians of {_listed(seen.samples)} samples; {allowed}{limit})"
    )
    effect = replace(
        judged.effect, estimate=math.nan, low=math.nan, high=math.nan, values=(), problem=problem
    )
    condition = judged.condition
    found = judge_condition(effect, condition.region, condition.comparison.across)
    return replace(judged, effect=effect, judgement=found, warnings=())


def _at_their_own_clocks(judged: JudgedCondition, states: States) -> JudgedCondition:
    comparison = judged.condition.comparison
    arms = [arm for arm in (comparison.arm, comparison.against) if arm is not None]
    seen = states.of(arms, ALONE)
    clocks = [_megahertz(seen)] if seen.clocks else []
    told = ", ".join([*clocks, *([_LIMITED] if seen.limited else [])])
    if not told:
        return judged
    condition = replace(judged.condition, why=f"{judged.condition.why}: {told}")
    return replace(judged, condition=condition, state=_LIMITED if seen.limited else "")


def _megahertz(seen: Seen) -> str:
    return f"{_listed([f'{clock:,.0f}' for clock in seen.clocks])} MHz"


def _listed(items: Iterable[object]) -> str:
    texts = [str(each) for each in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
