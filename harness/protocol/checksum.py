"""Checksums of what is stored as JSON."""

from __future__ import annotations

import hashlib
import json


def json_sha256(value: object) -> str:
    """The SHA-256 of a value as canonical JSON: the same whatever the order of keys or spaces."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
