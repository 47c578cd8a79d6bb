"""The documents whose claims are put to the test, as the ``studies`` package describes them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Protocol

from harness.catalogue import cards


class Document(Protocol):
    """What the package says of a document."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def format(self) -> str:
        """What it is: slides, an article, a lesson."""


def documents() -> Mapping[str, Document]:
    """The documents by the key that claims name them by; none where the package lists none."""
    name = f"{cards.PACKAGE}.documents"
    if importlib.util.find_spec(name) is None:
        return {}
    found: Mapping[str, Document] = getattr(importlib.import_module(name), "DOCUMENTS", {})
    return found
