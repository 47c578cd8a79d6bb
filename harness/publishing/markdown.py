"""Pages in Markdown, from the templates."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.words import shown

#: What Markdown, or HTML inside of it, would take for its own.
_MARKS = {mark: f"\\{mark}" for mark in "\\`*_[]|"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LONGEST = 1200


def render(template: str, **context: object) -> str:
    """Fill a template in; a name that the context lacks is an error, never a gap.

    Args:
        template: a file of ``templates`` beside this one. Its filters: ``cell`` makes a text safe
            inside a page or a table; ``capitalize_first`` begins it with a capital letter.
        context: what the template names.
    """
    environment = Environment(
        loader=PackageLoader("harness.publishing"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown: ``cell`` escapes what it would read as its own
    )
    environment.filters |= {"cell": cell, "capitalize_first": lambda s: s[:1].upper() + s[1:]}
    return environment.get_template(template).render(context)


def cell(text: object) -> str:
    """A text as Markdown shows it letter by letter, in one line, cut where it is too long."""
    return "".join(_MARKS.get(character, character) for character in shown(str(text), _LONGEST))
