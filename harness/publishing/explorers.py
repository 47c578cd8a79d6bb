"""The explorers: pages on which a reader tries things out on stored rows of real runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.publishing.addresses import EXPLORERS, explorer_page
from harness.publishing.bugs_page import bugs_page
from harness.publishing.calculator_page import calculator_page
from harness.publishing.dropout_page import dropout_page
from harness.publishing.site_sources import Sources
from harness.publishing.step_walk_page import step_walk_page
from harness.publishing.webpage import render_page


@dataclass(frozen=True)
class Explorer:
    """An explorer as the index tells it.

    Attributes:
        name: in its address, for good.
        title: what it is.
        question: what can be tried out.
        make: its page.
    """

    name: str
    title: str
    question: str
    make: Callable[[Sources], bytes]


ALL = (
    Explorer(
        "arithmetic",
        "Training arithmetic",
        "How many batches, updates and examples a training has by formula, and what the listed "
        "loop does where it parts from it.",
        calculator_page,
    ),
    Explorer(
        "step",
        "One training step",
        "Call by call through zero_grad, forward, loss, backward and step: what each one changes, "
        "and the tensors of a step that is worked out.",
        step_walk_page,
    ),
    Explorer(
        "dropout",
        "Dropout in eval and train mode",
        "The same weights, validated again and again in both modes, side by side: by data set, "
        "dropout rate and network.",
        dropout_page,
    ),
    Explorer(
        "bugs",
        "Bug detector",
        "Switch bugs on and see the curves of real trainings beside the correct loop's, and "
        "whether what is said of each bug holds.",
        bugs_page,
    ),
)


def explorer_files(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """The explorers' pages and their index, by their place in the site."""
    yield EXPLORERS, render_page("explorers.html.jinja", "../", explorers=ALL)
    for explorer in ALL:
        yield explorer_page(explorer.name), explorer.make(sources)
