"""Pages in Markdown, from the templates."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.words import quantity


def render(template: str, **context: object) -> str:
    """Fill a template in; a name that the context lacks is an error, never a gap.

    Args:
        template: a file of ``templates`` beside this one. Its filters: ``cell`` makes a text safe
            inside a table, ``interval`` shows the numbers of a ledger's row.
        context: what the template names.
    """
    environment = Environment(
        loader=PackageLoader("harness.publishing"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, and the values are our own
    )
    environment.filters |= {
        "cell": lambda text: str(text).replace("|", "\\|"),
        "interval": _interval_text,
    }
    return environment.get_template(template).render(context)


def _interval_text(row: dict[str, str]) -> str:
    if not row["estimate"]:
        return ""
    estimate, low, high = (f"{float(row[name]):.3g}" for name in ("estimate", "low", "high"))
    return f"{quantity(estimate, row['unit'])} ({low} to {high})"
