"""Pages in HTML, from the templates. Whatever is no template is escaped."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.publishing import addresses
from harness.publishing.citation import Cited, Form, apa, written
from harness.words import shown

#: No text of a study, a file or an error is shown longer than this.
LONGEST = 2000
#: Beside the word of each verdict, for who cannot tell its colour: a sign, and a name for styles.
SIGNS = {
    "reproduced": ("✓", "reproduced"),
    "refuted": ("✗", "refuted"),
    "mixed": ("◐", "mixed"),
    "inconclusive": ("?", "inconclusive"),
    "not measurable": ("⊘", "not-measurable"),
    "not tested": ("○", "not-tested"),
}


def render_page(template: str, root: str, **context: object) -> bytes:
    """Fill a template of the site in; a name that the context lacks is an error, never a gap.

    Args:
        template: a file of ``templates/site``.
        root: the way from the page to the site's first folder: "", "../" or "../../".
        context: what the template names.
    """
    page = _environment().get_template(f"site/{template}")
    return page.render(root=root, **context).encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.publishing"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
        finalize=_safe,
    )
    environment.globals |= {"signs": SIGNS, "to": addresses}
    environment.filters |= {"begin": _begin, "apa": _apa, "forms": _forms}
    return environment


def _begin(text: str) -> str:
    """The text with a capital letter at its beginning, unless it is a letter: p is a name."""
    return text if len(text) == 1 else text[:1].upper() + text[1:]


def _apa(cited: Cited) -> Markup:
    """The sentence that cites something, whole."""
    return escape(apa(cited))


def _forms(cited: Cited) -> list[tuple[str, Markup]]:
    """The forms that a citation is written in beside its sentence, line by line as they are."""
    names: dict[Form, str] = {"bibtex": "BibTeX", "csl": "CSL JSON"}
    return [(name, escape(written([cited], form))) for form, name in names.items()]


def _safe(value: object) -> object:
    """Texts without control characters and marks of direction; numbers and markup as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shown(value, LONGEST)
    return value
