"""The explorer that calculates the batches and updates of a training, by formula and by loop."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from harness.publishing.arithmetic_told import LOOP, rows, sentences, title
from harness.publishing.explored import Judged, bearing
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page
from harness.workloads.arithmetic import Looped, Run, looped

STUDY = "arithmetic"
#: Its experiments that check these formulas or count what the loop does.
CHECKING = (
    "every_size",
    "groups",
    "max_steps",
    "seen",
    "small_sets",
    "step_counters",
    "ten_thousand",
    "unanswered",
)
#: The claims that the page bears on.
BEARS_ON = (Judged(STUDY, CHECKING),)
#: What the page begins with.
FIRST = Run(10_000, 32, 3, 4, drop_last=True)
#: Answers that stand on the page for who has no script: each way in which formula and loop part.
EXAMPLES = (
    Run(10_000, 32, 3),
    Run(10_000, 32, 3, 4),
    FIRST,
    Run(1_000, 64, 10),
    Run(1_024, 64, 10, 4),
    Run(100, 32, 5, 8),
    Run(20, 32, 1, drop_last=True),
)
#: Of the page's form. Products of these are whole numbers that a script can tell apart.
LARGEST = {
    "examples": ("Examples in the data set (N)", 1_000_000_000),
    "batch": ("Batch size (B)", 1_000_000),
    "epochs": ("Epochs", 100_000),
    "accumulate": ("Batches to a weight update (K)", 100_000),
}


def calculator_page(sources: Sources) -> bytes:
    """The page, with its first state as the command tells it."""
    return render_page(
        "explorer_calculator.html.jinja",
        "../",
        first=FIRST,
        told=_told(FIRST),
        examples=[_told(run) for run in EXAMPLES],
        fields=LARGEST,
        loop=LOOP,
        known=STUDY in sources.studies,
        study=STUDY,
        claims=bearing(sources, *BEARS_ON),
    )


def _told(run: Run) -> dict[str, Any]:
    """A run in words, with the state that shows it."""
    does = looped(run)
    state: dict[str, object] = {name: getattr(run, name) for name in LARGEST}
    if run.drop_last:
        state["drop_last"] = 1
    return {
        "title": title(run),
        "rows": [(*row[:3], row[3].split("\n")) for row in rows(run, does)],
        "sentences": list(sentences(run, does)),
        "summary": _summary(run, does),
        "state": urlencode(state),
        "command": command(run),
    }


def _summary(run: Run, does: Looped) -> str:
    """What the page says first, and anew for every change."""
    reason = next(sentences(run, does))
    return (
        f"{run.batches:,} batches in all. Weight updates in all: by formula {run.updates:,}, "
        f"in the loop {does.updates:,}. {reason}"
    )


def command(run: Run) -> str:
    """The command that tells the same on a terminal."""
    options = " ".join(f"--{name} {getattr(run, name)}" for name in LARGEST)
    return f"python -m harness arithmetic {options}{' --drop-last' if run.drop_last else ''}"
