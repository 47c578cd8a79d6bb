"""What another device gave for a claim about a GPU: named after the claim, never in its place."""

from __future__ import annotations

_END = " counterpart)"


def counterpart_name(claim: str, device: str) -> str:
    """The name of a claim's counterpart on a device: "C7.22 (CPU counterpart)"."""
    return f"{claim} ({device.upper()}{_END}"


def is_counterpart(name: str) -> bool:
    """Whether a name is that of a counterpart."""
    return name.endswith(_END)


def claim_of(name: str) -> str:
    """The claim that a name belongs to: its own, or the one it is a counterpart of."""
    return name.rpartition(" (")[0] if is_counterpart(name) else name
