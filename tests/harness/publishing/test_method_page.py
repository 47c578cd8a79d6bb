"""The calibrations on the page on method."""

from __future__ import annotations

from pathlib import Path

from harness.publishing.evidence import Evidence
from harness.publishing.method_page import as_html

PAGE = """# The clock

<!-- Generated. -->

**All met.** See [clock.csv](clock.csv) and [elsewhere](https://example.org/x).

![Half-width](clock.svg)

| beside | seconds |
|---|---:|
| nothing <script>alert(1)</script> | 0.4 |

## More

| a |
|---|
| b |
"""


def html() -> str:
    return str(as_html(PAGE, Evidence(Path("results"), Path("results/site"))))


def test_headings_go_down_by_one() -> None:
    assert "<h2>The clock</h2>" in html()
    assert "<h3>More</h3>" in html()


def test_links_and_pictures_lead_to_the_stored_files() -> None:
    assert '<a href="../clock.csv">' in html()
    assert '<img src="../clock.png" alt="Half-width"' in html()
    assert '<a href="https://example.org/x">' in html()


def test_tables_have_heads_and_can_be_scrolled_by_keyboard() -> None:
    assert '<th scope="col">beside</th>' in html()
    assert '<td class="number">0.4</td>' in html()
    assert "style=" not in html()
    for number in (1, 2):
        assert f'tabindex="0" aria-label="The clock, table {number}"><table>' in html()
    assert html().count("</table></div>") == 2


def test_markup_inside_is_shown_and_never_run() -> None:
    assert "<script" not in html()
    assert "&lt;script&gt;" in html()
    assert "Generated" not in html()
