"""Old rows under a rule that was made after them: shown beside, and never in a verdict's place.

Runs from before clocks were stored called a time disturbed as soon as the GPU was at its power
limit, or could not be watched. Today's rule would judge them if their A/A holds. But that rule was
made by people who had seen these rows, and what it asks for at the power limit, equal clocks, was
not stored. So their verdicts stay as they were; what today's rule gives is shown as beyond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from harness.design.alone import ALONE_SECONDS
from harness.design.gpu_state import AT_POWER_LIMIT
from harness.judging.aa import TIMES
from harness.judging.conditions import JudgedCondition
from harness.judging.verdicts import withhold

#: The id of the warning that goes with such a finding, and with what was not judged.
AFTER_RUN = "rule-after-run"
_LIMIT, _UNWATCHED = f"the GPU was {AT_POWER_LIMIT}", "the GPU could not be watched ("


def under_later_rule(table: pd.DataFrame) -> pd.DataFrame | None:
    """The rows as today's rule takes them; None where it takes them as they were taken."""
    disturbed = table["status"] == "disturbed"
    told = table.loc[disturbed, "message"].unique().tolist()
    if not told or not all(_is_judged_today(message) for message in told):
        return None
    return table.assign(
        status=table["status"].mask(disturbed, "ok"), message=table["message"].mask(disturbed, "")
    )


def _is_judged_today(message: str) -> bool:
    return all(clause == _LIMIT or clause.startswith(_UNWATCHED) for clause in message.split("; "))


def marked(judged: Iterable[JudgedCondition]) -> list[JudgedCondition]:
    """The conditions as they were judged, with the warning on those of times."""
    return [replace(c, warnings=(*c.warnings, AFTER_RUN)) if _concerned(c) else c for c in judged]


def shown_beside(
    judged: Iterable[JudgedCondition], failures: Sequence[str], message: str
) -> list[JudgedCondition]:
    """What today's rule gives, as conditions beyond their claims.

    Args:
        judged: by today's rule.
        failures: controls that do not come out as they must under it.
        message: what had disturbed the rows.
    """
    why = f"by a rule made after this run, in which {message} and no clocks were stored"
    return [
        replace(
            each,
            condition=replace(each.condition, kind="beyond", why=why, headline=False, curve=""),
            kind="beyond",
            judgement=withhold(each.judgement, failures),
            warnings=(*each.warnings, AFTER_RUN),
        )
        for each in judged
        if _concerned(each)
    ]


def _concerned(judged: JudgedCondition) -> bool:
    times = {*TIMES, ALONE_SECONDS.name}
    return not judged.condition.control and judged.condition.comparison.response in times
