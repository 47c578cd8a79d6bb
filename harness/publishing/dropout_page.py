"""The explorer that shows dropout in train and eval mode side by side: repeated validations."""

from __future__ import annotations

from dataclasses import dataclass

from harness.design.factors import Level
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
from harness.publishing.spread_charts import SpreadChart, spread_charts
from harness.publishing.webpage import render_page

STUDY = "eval-variance"
#: By the address's name of each choice of networks: the experiment, its label, the factors that a
#: reader chooses by and the levels that the page begins with.
NETWORKS: dict[str, tuple[str, str, dict[str, Level | None]]] = {
    "rates": (
        "swings",
        "a perceptron with dropout, by data set and p",
        {"data": None, "dropout": 0.5},
    ),
    "layers": (
        "repeats",
        "with dropout, with batch norm, with neither",
        {"net": None, "order_of_rows": None},
    ),
    "language": ("minilm", "a language model", {"model": None, "n_val": None}),
}
FIRST = "rates"
#: The claims that the page bears on.
BEARS_ON = (Judged(STUDY, [experiment for experiment, _, _ in NETWORKS.values()]),)


@dataclass(frozen=True)
class Shown:
    """One experiment's part of the page."""

    value: str
    when: str
    label: str
    rows: Explored | Missing
    choices: tuple[Choice, ...]
    charts: tuple[SpreadChart, ...]


def dropout_page(sources: Sources) -> bytes:
    """The page."""
    shown = [_shown(sources, value) for value in NETWORKS]
    return render_page(
        "explorer_dropout.html.jinja",
        "../",
        shown=shown,
        networks=Choice("networks", "Networks", tuple((s.value, s.label) for s in shown), FIRST),
        study=STUDY,
        claims=bearing(sources, *BEARS_ON),
    )


def _shown(sources: Sources, value: str) -> Shown:
    experiment, label, firsts = NETWORKS[value]
    rows = explored(sources, STUDY, experiment, factors=(*firsts, "mode"), responses=("accuracy",))
    state = when({"networks": value})
    if isinstance(rows, Missing):
        return Shown(value, state, label, rows, (), ())
    choices = tuple(choice(rows.factor(name), first) for name, first in firsts.items())
    return Shown(value, state, label, rows, choices, tuple(spread_charts(rows, list(firsts))))
