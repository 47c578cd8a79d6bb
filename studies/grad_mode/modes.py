"""The two switches of an evaluation, as factors: what the gradients do and what the modules do."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness import Factor
from harness.libraries import torch

#: Most claims compare the other two with no_grad.
GRAD = Factor(
    "grad",
    ("no_grad", "enabled", "inference_mode"),
    control="no_grad",
    label="gradients",
    words={"enabled": "gradients enabled", "inference_mode": "inference mode"},
)
MODE = Factor(
    "mode",
    ("eval", "train"),
    control="eval",
    words={"eval": "eval mode", "train": "train mode"},
)


def grad_mode(level: str) -> AbstractContextManager[object]:
    """The context of a level of ``GRAD``, whatever the context outside of it."""
    if level == "inference_mode":
        return torch.inference_mode()
    return torch.enable_grad() if level == "enabled" else torch.no_grad()
