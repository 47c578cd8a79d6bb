"""Stored figures as pages show them: both files, the alternative text, and the room they take."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from harness.publishing.evidence import Evidence

#: A png begins with its signature; 16 bytes in stand width and height.
_SIGNATURE, _SIZE_AT = b"\x89PNG\r\n\x1a\n", 16


def picture(name: str, alt: str, evidence: Evidence) -> dict[str, Any]:
    """A figure for a template.

    Args:
        name: the png, by its place below the results folder; its svg stands beside it.
        alt: the alternative text.
        evidence: where the site finds stored files.
    """
    path = evidence.results / name
    svg = path.with_suffix(".svg")
    width, height = png_size(path)
    return {
        "alt": alt,
        "png": evidence.link(name),
        "svg": evidence.link(f"{name.removesuffix('.png')}.svg") if svg.is_file() else "",
        "width": width,
        "height": height,
    }


def png_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, so that a page keeps the room; 16:9 where it is no png."""
    with path.open("rb") as file:
        head = file.read(_SIZE_AT + 8)
    if not head.startswith(_SIGNATURE) or len(head) < _SIZE_AT + 8:
        return 1920, 1080
    width, height = struct.unpack(">II", head[_SIZE_AT:])
    return int(width), int(height)
