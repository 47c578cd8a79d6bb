"""The walk through a step: what is stored is shown at the call that it belongs to."""

from __future__ import annotations

import pytest

from harness.design.factors import Factor
from harness.design.responses import Response
from harness.publishing import step_walk_page
from harness.publishing.explored import Explored
from harness.publishing.step_walk_page import found
from tests.harness.publishing.planted_rows import ledger_row, planted, sources_of
from tests.harness.publishing.sites import Parsed

CALLS = planted(
    (
        Factor("call", ("backward", "step")),
        Factor("thing", ("gradients", "weights", "loss")),
        Factor("optimiser", ("SGD", "Adam")),
    ),
    {
        Response("changed", "1", "share changed"): lambda arm, block: [
            0.5 * block if arm["thing"] == "loss" else float(arm["thing"] == "gradients")
        ],
        Response("elsewhere", "tensors", "moved"): lambda _, __: [0.0],
    },
)
WORKED = planted(
    (
        Factor("fact", ("the gradient to <b>x</b> is 1", "the loss after the step is 2")),
        Factor("case", ("the claim", "a case that must differ")),
    ),
    {Response("agrees", "1", "it agrees"): lambda arm, _: [float("claim" in str(arm["case"]))]},
    blocks=1,
    message=lambda arm: (
        "found [Fraction(-1, 10), 2], as claimed"
        if arm["case"] == "the claim"
        else "found 7, claimed 8"
    ),
)


def page(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    def planted_rows(_: object, study: str, *__: object, **___: object) -> Explored:
        return CALLS if study == step_walk_page.STUDY else WORKED

    monkeypatch.setattr(step_walk_page, "explored", planted_rows)
    sources = sources_of(ledger_row("C3.10", "step-anatomy", "graph"))
    read = Parsed()
    read.feed(step_walk_page.step_walk_page(sources).decode())
    return read


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("found [Fraction(-1, 10), Fraction(9, 5)], as claimed", "[-1/10, 9/5]"),
        ("found 4.45, claimed 2.225", "4.45"),
        ("found 'a, claimed b', claimed 'c'", "'a"),
        ("an exception", "an exception"),
    ],
)
def test_what_was_found_is_read_from_its_message(message: str, value: str) -> None:
    assert found(message) == value


def test_each_call_says_what_it_changes_and_holds_its_stored_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = page(monkeypatch).text
    backward = text[text.index("1. backward") : text.index("2. step")]
    assert "In all 3 blocks this call changed gradients; changed in part" in text
    assert "left to the last bit weights." in text
    assert "0 to 100 % changed" in text
    later = text[text.rindex("1. backward") :]
    first, _, second = later.partition("2. step")
    assert "the gradient to <b>x</b> is 1 [-1/10, 2] ✓ yes" in first
    assert "C3.10" in first
    assert "loss after the step" not in first
    assert "stores no number of this call" in second
    assert "forward once more" in second
    assert backward


def test_what_the_counterexample_gave_is_not_shown_as_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = page(monkeypatch)
    assert "7" not in read.text.partition("In the worked step")[2].partition("Claims")[0]
    assert "".join(read.scripts) == ""


def test_what_the_step_begins_with_is_shown_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begins = planted(
        (Factor("fact", ("the step begins with the input 1",)), Factor("case", ("the claim",))),
        {Response("agrees", "1", "it agrees"): lambda _, __: [1.0]},
        blocks=1,
        message=lambda _: "found [1.0], as claimed",
    )
    monkeypatch.setattr(
        step_walk_page,
        "explored",
        lambda _, study, *__, **___: CALLS if study == step_walk_page.STUDY else begins,
    )
    read = Parsed()
    read.feed(step_walk_page.step_walk_page(sources_of()).decode())
    first, _, rest = read.text.rpartition("2. backward")
    assert "1. before the first call" in first
    assert "the step begins with the input 1 [1.0] ✓ yes" in first
    assert "the step begins" not in rest


def test_without_rows_the_page_says_so_and_shows_no_step() -> None:
    read = Parsed()
    read.feed(step_walk_page.step_walk_page(sources_of()).decode())
    assert "No run of the experiment “six calls” of the study step-anatomy is stored" in read.text
    assert "this page shows no invented curve" in read.text
    assert read.tags.get("input", 0) == 0
