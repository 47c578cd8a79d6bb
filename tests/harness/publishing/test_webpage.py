"""Filling in the templates of the site."""

from __future__ import annotations

from harness.publishing.webpage import SIGNS, _environment
from harness.words import COLOURS


def filled(template: str, **context: object) -> str:
    return _environment().from_string(template).render(**context)


def test_texts_are_escaped_and_their_control_characters_shown() -> None:
    assert filled("<p>{{ t }}</p>", t='<b> & "q"') == "<p>&lt;b&gt; &amp; &#34;q&#34;</p>"
    assert filled("{{ t }}", t="a\x1b[31m\u202eb\nc") == r"a\x1b[31m\u202eb\nc"


def test_what_a_template_would_take_for_its_own_is_shown_letter_by_letter() -> None:
    assert filled("{{ t }}", t="{{ 7 * 7 }} {% raw %} $x_i$") == "{{ 7 * 7 }} {% raw %} $x_i$"


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    assert filled("{{ t }}", t="x" * 5000).endswith("x... (5,000 characters)")


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert list(SIGNS) == list(COLOURS)
    assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)
