"""Real tabular data that comes with scikit-learn, split anew for every block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.errors import HarnessError
from harness.libraries import torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Name: TypeAlias = Literal["digits", "breast_cancer", "wine"]


@dataclass(frozen=True)
class Split:
    """A data set cut into training and validation part, on one device.

    Attributes:
        train_x: shape (n_train, features), float32, scaled.
        train_y: shape (n_train,), int64 class numbers.
        val_x: shape (n_val, features).
        val_y: shape (n_val,).
        classes: how many classes there are.
    """

    train_x: Tensor
    train_y: Tensor
    val_x: Tensor
    val_y: Tensor
    classes: int


def load_split(name: Name, seed: int, device: str = "cpu", validation: float = 0.4) -> Split:
    """A stratified random split of a bundled data set.

    Digits are scaled as (x - 8) / 4, since some pixels are constant; the others are standardised
    with the mean and standard deviation of the training part only.

    Args:
        name: "digits" (1797 x 64, 10 classes), "breast_cancer" (569 x 30, 2), "wine" (178 x 13, 3).
        seed: of the split.
        device: where the tensors go.
        validation: the share of rows held out.

    Raises:
        HarnessError: unknown name.
    """
    from sklearn.model_selection import train_test_split

    x, y = bundled(name)
    train_x, val_x, train_y, val_y = train_test_split(
        x, y, test_size=validation, random_state=seed, stratify=y
    )
    if name == "digits":
        train_x, val_x = (train_x - 8) / 4, (val_x - 8) / 4
    else:
        mean, sd = train_x.mean(axis=0), train_x.std(axis=0)
        train_x, val_x = (train_x - mean) / sd, (val_x - mean) / sd
    return Split(
        torch.as_tensor(train_x, dtype=torch.float32, device=device),
        torch.as_tensor(train_y, dtype=torch.int64, device=device),
        torch.as_tensor(val_x, dtype=torch.float32, device=device),
        torch.as_tensor(val_y, dtype=torch.int64, device=device),
        int(y.max()) + 1,
    )


@lru_cache(maxsize=3)
def bundled(name: Name) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All rows of a bundled data set as they come, and their class numbers; not to be changed."""
    from sklearn import datasets

    loaders = {
        "digits": datasets.load_digits,
        "breast_cancer": datasets.load_breast_cancer,
        "wine": datasets.load_wine,
    }
    if name not in loaders:
        raise HarnessError(f"There is no data set {name!r}; there are {', '.join(loaders)}.")
    x, y = loaders[name](return_X_y=True)
    return x, y
