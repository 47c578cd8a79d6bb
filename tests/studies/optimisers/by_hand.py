"""A perceptron of two hidden layers with backward pass and update rules written out in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gradients(
    weights: Sequence[Array], x: Array, y: NDArray[np.int64], *, tanh: bool
) -> list[Array]:
    """Of the mean cross-entropy; weights are W, b of each layer, W of shape (out, in)."""
    hidden = [x]
    for layer in range(3):
        z = hidden[-1] @ weights[2 * layer].T + weights[2 * layer + 1]
        hidden.append(z if layer == 2 else np.tanh(z) if tanh else np.maximum(z, 0.0))
    logits = hidden[-1] - hidden[-1].max(axis=1, keepdims=True)
    back = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    found: list[Array] = []
    for layer in (2, 1, 0):
        found = [back.T @ hidden[layer], back.sum(axis=0), *found]
        slope = 1 - hidden[layer] ** 2 if tanh else (hidden[layer] > 0).astype(np.float64)
        back = (back @ weights[2 * layer]) * slope
    return found


class Rule:
    """An update rule as its paper writes it, with PyTorch's defaults."""

    def __init__(self, name: str, lr: float) -> None:
        self.name, self.lr, self.done = name, lr, 0
        self.first: list[Array] = []
        self.second: list[Array] = []

    def step(self, weights: list[Array], slopes: Sequence[Array]) -> None:
        """Update weights in place."""
        if not self.done:
            self.first = [np.zeros_like(w) for w in weights]
            self.second = [np.zeros_like(w) for w in weights]
        self.done += 1
        for w, g, m, v in zip(weights, slopes, self.first, self.second, strict=True):
            if self.name == "SGD":
                np.subtract(w, self.lr * g, out=w)
            elif self.name == "momentum":
                m[...] = 0.9 * m + g
                np.subtract(w, self.lr * m, out=w)
            else:
                if self.name == "AdamW":
                    np.multiply(w, 1 - self.lr * 0.01, out=w)
                m[...] = 0.9 * m + 0.1 * g
                v[...] = 0.999 * v + 0.001 * g**2
                sound, size = m / (1 - 0.9**self.done), v / (1 - 0.999**self.done)
                np.subtract(w, self.lr * sound / (np.sqrt(size) + 1e-8), out=w)
