"""The dropout rates that stand in a configuration of transformers, found by the names of fields.

Configurations have no common name for a rate: there are ``hidden_dropout_prob``, ``resid_pdrop``
and some hundred others. A field is a dropout rate if its name says so and it holds a number, or a
list of numbers. Stochastic depth and LayerDrop, which drop whole blocks and layers, are kinds of
their own; a field of None (a head that falls back to another field) holds no rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["dropout", "drop path", "layer drop"]

#: Parts of names; the first kind that fits is a field's kind.
_KINDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("drop path", ("drop_path", "droppath", "path_dropout", "drop_connect")),
    ("layer drop", ("layerdrop", "layer_drop")),
    ("dropout", ("drop",)),
)
#: Fields that drop other things than values: the code books of an audio codec.
_OTHERS = ("quantizer_dropout",)
#: Parts of names of what only a task's head has.
_HEADS = ("classif", "summary", "pooler", "qa_")


def kind_of(name: str) -> Kind | None:
    """What a field of a name drops; None where it drops nothing."""
    if name in _OTHERS:
        return None
    return next((kind for kind, parts in _KINDS if any(part in name for part in parts)), None)


def in_head(name: str) -> bool:
    """Whether a field speaks of a task's head only, and not of the model's body."""
    return any(part in name for part in _HEADS)


def rates(config: Any) -> dict[str, float]:  # noqa: ANN401 - any configuration
    """The dropout rates in a configuration; see ``rates_by_kind``."""
    return rates_by_kind(config)["dropout"]


def rates_by_kind(config: Any) -> dict[Kind, dict[str, float]]:  # noqa: ANN401 - see above
    """The rates in a configuration and in the configurations inside it.

    Args:
        config: of transformers; anything with ``to_dict``.

    Returns:
        By kind and field, with dots where it stands in a configuration inside:
        "text_config.dropout". Of a list of rates the largest.
    """
    found: dict[Kind, dict[str, float]] = {kind: {} for kind, _ in _KINDS}
    for path, name, rate in _numbers(config.to_dict(), ""):
        kind = kind_of(name)
        if kind is not None:
            found[kind][path] = rate
    return found


def of_the_body(found: Mapping[str, float]) -> dict[str, float]:
    """Those of some rates that are of no task's head."""
    return {path: rate for path, rate in found.items() if not in_head(path.rpartition(".")[2])}


def _numbers(fields: Mapping[object, object], above: str) -> Iterator[tuple[str, str, float]]:
    """Every field that holds numbers: its path, its name, and the (largest) number."""
    for name, value in fields.items():
        if not isinstance(name, str):
            continue  # a table, such as that from numbers of classes to their names
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{path}.")
        elif _is_number(value):
            yield path, name, float(value)  # type: ignore[arg-type]  # it is a number
        elif isinstance(value, (list, tuple)) and value and all(map(_is_number, value)):
            yield path, name, float(max(value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
