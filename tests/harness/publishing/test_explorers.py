"""The explorers as a whole: each has a page with and without rows, and the same bytes twice."""

from __future__ import annotations

import pytest

from harness.design.factors import Factor, joined
from harness.design.responses import Response
from harness.publishing import bugs_page, dropout_page
from harness.publishing.explored import Explored
from harness.publishing.explorers import ALL, explorer_files, explorers_of
from tests.harness.publishing.planted_rows import ledger_row, planted, sources_of
from tests.harness.publishing.sites import Parsed

HOSTILE = '<script>alert(1)</script>&"'
LOOPS = ("none", "leak", HOSTILE, joined("leak", HOSTILE))
PAIRS = planted(
    (Factor("loop", LOOPS, control="none"), Factor("case", ("wine",))),
    {
        Response(read.response, "1", f"the {read.response}"): lambda _, block: [1.0 + block, 2.0]
        for read in bugs_page.READS
    },
)
SIMULATOR = planted(
    (
        Factor("task", ("spiral",)),
        Factor("optimiser", ("SGD",)),
        Factor("gradients", ("reset", "kept"), control="reset"),
    ),
    {
        Response(read.response, "1", f"the {read.response}"): lambda _, block: [1.0 + block, 2.0]
        for read in bugs_page.SIMULATED
    },
)
SIGNATURES = planted(
    (
        Factor("view", ("everything logged",)),
        Factor("learnt_on", ("other data",)),
        Factor("bug", ("none", "leak")),
    ),
    {
        Response("recognised", "1", "recognised"): lambda _, __: [1.0],
        Response("as_none", "1", "as none"): lambda arm, _: [float(arm["bug"] == "none")],
        Response("as_leak", "1", "as leak"): lambda _, __: [0.25],
    },
)
SPREAD = planted(
    (
        Factor("data", ("wine", HOSTILE)),
        Factor("dropout", (0.1, 0.5), label="p"),
        Factor("mode", ("eval", "train"), control="eval"),
    ),
    {Response("accuracy", "1", "accuracy"): lambda _, block: [0.5, 0.5 + block / 10]},
)


def read(page: bytes) -> Parsed:
    parsed = Parsed()
    parsed.feed(page.decode())
    return parsed


def bugs(monkeypatch: pytest.MonkeyPatch) -> bytes:
    of = {"pairs": PAIRS, "simulator": SIMULATOR, "signatures": SIGNATURES}

    def planted_rows(_: object, __: str, experiment: str, **___: object) -> Explored:
        return of[experiment]

    monkeypatch.setattr(bugs_page, "explored", planted_rows)
    return bugs_page.bugs_page(sources_of(ledger_row("C5.18", "bugs", "overlap", says=HOSTILE)))


def test_each_has_a_page_where_nothing_is_stored() -> None:
    files = dict(explorer_files(sources_of()))
    index = read(files["explorers/index.html"])
    for explorer in ALL:
        assert f"../explorers/{explorer.name}.html" in index.links
        page = read(files[f"explorers/{explorer.name}.html"])
        assert (page.tags["main"], page.tags["h1"]) == (1, 1)
        assert page.tags.get("polyline", 0) == page.tags.get("path", 0) == 0
        if explorer.name != "arithmetic":
            assert "is stored yet. Without rows nothing is drawn" in page.text


def test_the_same_rows_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bugs(monkeypatch) == bugs(monkeypatch)


def test_each_bug_has_a_switch_and_a_curve_beside_the_correct_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    html = bugs(monkeypatch)
    page = read(html)
    assert page.tags["input"] == 2
    assert page.tags["polyline"] == 4 * len(bugs_page.READS) + 2 * len(bugs_page.SIMULATED)
    assert page.text.count("the thick curve is of one loop with both bugs") == 1
    assert "Of 100 runs diagnosed as what they are: none 100, leak 25." in html.decode()
    assert "Of leak" in page.text
    assert "../claims/C5.18.html" in page.links


def test_hostile_words_stay_words(monkeypatch: pytest.MonkeyPatch) -> None:
    page = read(bugs(monkeypatch))
    assert HOSTILE in page.text
    assert page.tags["script"] == 2  # those of the site
    assert "".join(page.scripts) == ""
    assert page.handlers == []


def test_what_is_validated_is_chosen_by_each_experiments_factors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = {"rates": ("swings", "one", {"data": None, "dropout": 0.5})}
    monkeypatch.setattr(dropout_page, "NETWORKS", one)
    monkeypatch.setattr(dropout_page, "explored", lambda *_, **__: SPREAD)
    html = dropout_page.dropout_page(sources_of()).decode()
    page = read(html.encode())
    assert page.tags["select"] == 3
    assert page.tags["svg"] == 4
    assert '<option value="0.5" selected>' in html
    assert 'data-when="data=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%26%22&amp;dropout=0.1"' in html
    assert "".join(page.scripts) == ""


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        (("C5.18", "bugs", "overlap"), ["bugs"]),
        (("C3.40", "step-anatomy", "counting sgd_rule"), ["step"]),
        (("C0.01", "arithmetic", "worked_step every_size"), ["arithmetic", "step"]),
        (("A-forget-1", "eval-variance", "swings"), ["dropout", "bugs"]),
        (("C9.99", "memory", "swings"), []),
    ],
)
def test_a_claim_leads_to_the_explorers_that_show_something_of_it(
    claim: tuple[str, str, str], names: list[str]
) -> None:
    assert [each.name for each in explorers_of([ledger_row(*claim)])] == names


def test_what_leads_to_an_explorer_stands_on_it() -> None:
    row = ledger_row("C5.18", "bugs", "overlap")
    files = dict(explorer_files(sources_of(row)))
    for explorer in explorers_of([row]):
        page = read(files[f"explorers/{explorer.name}.html"])
        assert "../claims/C5.18.html" in page.links
