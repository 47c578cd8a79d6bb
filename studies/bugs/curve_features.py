"""Numbers that describe the curves of a training run, for a classifier to tell runs by.

Only what a loop logs is described, as the loop logs it, bug and all: nothing that takes knowing
what the right way would have shown.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.workloads.loop import Log

#: What a diagnosis may look at; each level has the curves of those before.
LOSS, METRICS, EVERYTHING = "training loss", "and validation", "everything logged"
VIEWS = (LOSS, METRICS, EVERYTHING)

STRETCHES = 8
#: Losses, norms and sizes are looked at by their logarithm, between these.
FLOOR, CEILING = 1e-4, 1e6

Curves = NDArray[np.float64]


def features(log: Log, view: str, kept_bytes: Curves) -> Curves:
    """A row for each replica.

    Args:
        log: of a training run.
        view: one of ``VIEWS``.
        kept_bytes: what the stored outputs held after each step, shape (steps,).

    Returns:
        Shape (replicas, numbers), all finite.
    """
    steps = {name: curve.double().cpu().numpy() for name, curve in log.steps.items()}
    epochs = {name: curve.double().cpu().numpy() for name, curve in log.epochs.items()}
    described = [stretches(logarithm(steps["loss"]))]
    if view != LOSS:
        described.append(validation_features(epochs))
    if view == EVERYTHING:
        described += [stretches(logarithm(steps[n])) for n in ("gradient_norm", "parameter_norm")]
        replicas = steps["loss"].shape[1]
        described.append(stretches(logarithm(np.repeat(kept_bytes[:, None], replicas, axis=1))))
    return np.hstack(described)


def logarithm(curve: Curves) -> Curves:
    """The decimal logarithm, with what has overflowed at the ceiling."""
    return np.log10(np.clip(np.nan_to_num(curve, nan=CEILING, posinf=CEILING), FLOOR, CEILING))


def stretches(curves: Curves) -> Curves:
    """Level and roughness in each of eight stretches of a curve.

    Args:
        curves: shape (steps, replicas).

    Returns:
        Shape (replicas, 16): means, and mean sizes of the change from one step to the next.
    """
    parts = np.array_split(curves, STRETCHES)
    levels = [part.mean(axis=0) for part in parts]
    rough = [np.abs(np.diff(part, axis=0)).mean(axis=0) for part in parts]
    return np.stack([*levels, *rough], axis=1)


def validation_features(epochs: Mapping[str, Curves]) -> Curves:
    """Level, scatter and distance to the training loss of what validation shows.

    Args:
        epochs: by name "train_loss", "val_loss" and "val_score", shapes (epochs, replicas).

    Returns:
        Shape (replicas, numbers).
    """
    loss, score = logarithm(epochs["val_loss"]), np.nan_to_num(epochs["val_score"])
    behind = loss - logarithm(epochs["train_loss"])
    described = []
    for curve in (loss, score, behind):
        late = curve[len(curve) // 2 :]
        scatter = np.abs(np.diff(late, axis=0)).mean(axis=0)
        described += [curve[0], curve[-1], late.mean(axis=0), scatter, curve.max(axis=0)]
    return np.stack(described, axis=1)
