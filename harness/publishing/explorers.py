"""The explorers: pages on which a reader tries things out on stored rows of real runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.publishing import bugs_page, calculator_page, dropout_page, step_walk_page
from harness.publishing.addresses import EXPLORERS, explorer_page
from harness.publishing.explored import Judged
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page


@dataclass(frozen=True)
class Explorer:
    """An explorer as the index tells it.

    Attributes:
        name: in its address, for good.
        title: what it is.
        question: what can be tried out.
        make: its page.
        bears_on: the claims that it shows something of.
    """

    name: str
    title: str
    question: str
    make: Callable[[Sources], bytes]
    bears_on: tuple[Judged, ...]


ALL = (
    Explorer(
        "arithmetic",
        "Training arithmetic",
        "How many batches, updates and examples a training has by formula, and what the listed "
        "loop does where it parts from it.",
        calculator_page.calculator_page,
        calculator_page.BEARS_ON,
    ),
    Explorer(
        "step",
        "One training step",
        "Call by call through zero_grad, forward, loss, backward and step: what each one changes, "
        "and the tensors of a step that is worked out.",
        step_walk_page.step_walk_page,
        step_walk_page.BEARS_ON,
    ),
    Explorer(
        "dropout",
        "Dropout in eval and train mode",
        "The same weights, validated again and again in both modes, side by side: by data set, "
        "dropout rate and network.",
        dropout_page.dropout_page,
        dropout_page.BEARS_ON,
    ),
    Explorer(
        "bugs",
        "Bug detector",
        "Switch bugs on and see the curves of real trainings beside the correct loop's, and "
        "whether what is said of each bug holds.",
        bugs_page.bugs_page,
        bugs_page.BEARS_ON,
    ),
)


def explorers_of(rows: Iterable[Mapping[str, str]]) -> list[Explorer]:
    """The explorers that bear on a claim, by the ledger's rows of it."""
    return [
        explorer
        for explorer in ALL
        if any(judged.includes(row) for row in rows for judged in explorer.bears_on)
    ]


def explorer_files(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """The explorers' pages and their index, by their place in the site."""
    yield EXPLORERS, render_page("explorers.html.jinja", "../", explorers=ALL)
    for explorer in ALL:
        yield explorer_page(explorer.name), explorer.make(sources)
