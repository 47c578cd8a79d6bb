"""The site as it is used: read by rule of accessibility, walked by keyboard, held on a phone.

Playwright drives Debian's chromium, and axe-core reads the pages; without a browser these tests are
skipped.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.harness.publishing.sites import CHROMIUM, IN_BROWSER
from tests.harness.publishing.test_site_in_browser import FLAGS
from tests.harness.runs import House
from tests.harness.trios import comparison, stored

pytestmark = IN_BROWSER
#: A page of each kind.
PAGES = (
    "index.html",
    "method.html",
    "comparisons.html",
    "claims/index.html",
    "claims/P-both-1.html",
    "claims/P-later-1.html",
    "studies/planted.html",
    "explorers/index.html",
    "explorers/arithmetic.html",
    "explorers/step.html",
    "explorers/bugs.html",
)
PHONE, LAPTOP, PROJECTOR = 360, 1280, 1920
#: No page takes so many keys from its beginning to its end.
MOST_KEYS = 400
#: What has the focus, whether that can be seen, and whether it is inside the window.
FOCUSED = """async () => {
    for (const _ of [1, 2]) await new Promise(requestAnimationFrame);  // until it has scrolled
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const box = element.getBoundingClientRect();
    const name = element.id || element.getAttribute("href") || element.textContent.trim();
    return {
        tag: element.tagName.toLowerCase(),
        name: `${element.tagName.toLowerCase()} ${name}`,
        place: [...document.querySelectorAll("*")].indexOf(element),
        seen: ring || style.boxShadow !== "none",
        inside: box.bottom > 0 && box.top < innerHeight,
    };
}"""
#: How many things of a page the tabulator must reach: radios of one name are one stop.
STOPS = """() => {
    const wanted = "a[href], button, input, select, summary, [tabindex='0']";
    const shown = [...document.querySelectorAll(wanted)].filter((each) =>
        !each.disabled && each.tabIndex >= 0 && each.checkVisibility());
    const radios = shown.filter((each) => each.type === "radio");
    return shown.length - radios.length + new Set(radios.map((each) => each.name)).size;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        flags = [flag for flag in FLAGS if flag not in ("--headless", "--dump-dom")]
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, "--disable-smooth-scrolling"]
        )
        yield browser
        browser.close()


@pytest.fixture
def site(house: House) -> Path:
    house.finished()
    stored(house.results, "a", comparison())
    assert house("report").code == 0
    return house.results / "site"


def opened(
    browser: Browser,
    page: Path,
    width: int = LAPTOP,
    scheme: Literal["light", "dark"] = "light",
    query: str = "",
) -> Page:
    size: ViewportSize = {"width": width, "height": 800}
    # The pages let no foreign script run, which axe-core is.
    context = browser.new_context(
        viewport=size, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    shown = context.new_page()
    shown.goto(page.resolve().as_uri() + query)
    return shown


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on a web server; its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(
    scheme: Literal["light", "dark"], browser: Browser, site: Path
) -> None:
    found = []
    for name in PAGES:
        for width in (PHONE, LAPTOP):
            shown = opened(browser, site / name, width, scheme)
            results = Axe().run(shown)
            if results.violations_count:
                found.append(f"{name} at {width}: {results.generate_report()}")
            shown.context.close()
    assert not found, "\n".join(found)


def test_axe_would_find_a_violation(browser: Browser, site: Path) -> None:
    shown = opened(browser, site / "index.html")
    shown.evaluate("() => document.documentElement.removeAttribute('lang')")
    assert "html-has-lang" in Axe().run(shown).generate_snapshot()


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything_once_and_one_sees_where_it_is(
    name: str, browser: Browser, site: Path
) -> None:
    shown = opened(browser, site / name)
    stops = shown.evaluate(STOPS)
    walked = []
    for _ in range(MOST_KEYS):
        shown.keyboard.press("Tab")
        focused = shown.evaluate(FOCUSED)
        if focused["tag"] == "body":  # it has left the page
            break
        assert focused["seen"], focused
        assert focused["inside"], focused
        walked.append(focused["place"])
    # A date takes a key for each of its parts.
    visits = [place for place, _ in itertools.groupby(walked)]
    assert len(visits) == len(set(visits)) == stops
    shown.context.close()


def test_the_first_key_leads_past_the_menu(browser: Browser, site: Path) -> None:
    shown = opened(browser, site / "claims" / "P-both-1.html")
    shown.keyboard.press("Tab")
    assert shown.evaluate(FOCUSED)["name"] == "a #main"
    shown.keyboard.press("Enter")
    assert shown.evaluate("() => document.activeElement.id") == "main"
    shown.keyboard.press("Tab")
    assert not shown.evaluate("() => !!document.activeElement.closest('nav')")


def test_claims_are_searched_and_filtered_by_keyboard_alone(browser: Browser, site: Path) -> None:
    shown = opened(browser, site / "claims" / "index.html")
    while shown.evaluate(FOCUSED)["name"] != "input q":
        shown.keyboard.press("Tab")
    shown.keyboard.type("P-both")
    shown.wait_for_url("**?q=P-both*")
    assert shown.locator("tbody tr:visible").count() == 1
    shown.keyboard.press("Control+A")
    shown.keyboard.press("Delete")
    shown.keyboard.press("Tab")
    assert shown.evaluate(FOCUSED)["tag"] == "select"
    shown.keyboard.type("ref")  # a choice is taken by the letters it begins with
    shown.wait_for_url("**?verdict=refuted*")
    ids = shown.locator("tbody tr:visible .id").all_inner_texts()
    assert ids == ["P-down-1"]
    shown.go_back()
    shown.context.close()


def test_the_calculator_answers_to_the_keyboard(browser: Browser, site: Path) -> None:
    shown = opened(browser, site / "explorers" / "arithmetic.html")
    field = shown.locator("#examples")
    field.focus()
    shown.keyboard.press("Control+A")
    shown.keyboard.type("64000")
    shown.wait_for_url("**?examples=64000*")
    assert shown.locator("#told").inner_text().startswith("6,000 batches in all.")


@pytest.mark.parametrize("width", [PHONE, LAPTOP, PROJECTOR])
def test_no_page_is_wider_than_its_window(width: int, browser: Browser, site: Path) -> None:
    wide = []
    for name in PAGES:
        shown = opened(browser, site / name, width)
        over = shown.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wide.append(f"{name}: {over} pixels")
        shown.context.close()
    assert not wide


def test_a_claims_record_is_downloaded_beside_its_citation(browser: Browser, site: Path) -> None:
    with served(site) as address:  # from a disk a browser shows it instead
        shown = browser.new_page()
        shown.goto(f"{address}/claims/P-both-1.html")
        with shown.expect_download() as started:
            shown.get_by_role("link", name="P-both-1.json").click()
        record = json.loads(Path(started.value.path()).read_text(encoding="utf-8"))
        shown.close()
    assert record["claim"]["claim"] == "P-both-1"
