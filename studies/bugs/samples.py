"""Rows for the experiments on leakage, and the models that learn from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness import Block, HarnessError
from harness.libraries import torch
from harness.workloads import fit_classifier, mlp
from harness.workloads.tasks import SPIRAL_NOISE, SPIRAL_POINTS, spiral

DIGITS, CANCER, WINE, SPIRAL = "digits", "breast cancer", "wine", "spiral"
FEW, WRONG = "digits, 20 rows", "digits, a quarter of the labels wrong"
NEAREST, LINEAR, PERCEPTRON = "nearest neighbour", "logistic regression", "perceptron"

#: How many rows of each class the smallest training set has.
FEW_ROWS = 2
WRONG_SHARE = 0.25
HIDDEN, BATCH = 128, 64

#: The documents' symptom of leakage: accuracy in validation and in production, in %.
VALIDATION, PRODUCTION = 95.0, 70.0
DOCUMENTS_GAP = VALIDATION - PRODUCTION
#: A stated figure holds within 20 %: so far may a gap be from 25 points, and validation below 95 %.
SYMPTOM_WITHIN = 5.0
#: The least gap that is the documents', to the same 20 %.
LEAST_GAP = DOCUMENTS_GAP - SYMPTOM_WITHIN
#: The smallest effect on accuracy that counts, in points.
POINT = 1.0


def off_symptom(validation: float, production: float) -> float:
    """How far two accuracies in % are from the documents' 95 % against 70 %, in points.

    The larger of two distances: that of the gap from 25 points, and what validation lacks of 95 %;
    more than 95 % lacks nothing.
    """
    return max(abs(validation - production - DOCUMENTS_GAP), VALIDATION - validation)


Numbers: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Predict: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.int64]]


@dataclass(frozen=True)
class Sample:
    """Inputs of shape (rows, columns) and class numbers of shape (rows,)."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.int64]) -> Sample:
        """These rows, in this order."""
        return Sample(self.x[rows], self.y[rows])


#: Tables by name.
Tables: TypeAlias = Mapping[str, Sample]


def load_tables(_: Block | None = None) -> Tables:
    """The tables that come with scikit-learn; digits scaled as (x - 8) / 4, the others raw.

    All blocks of a run share them, so that they are read once in a process (``prepare_run``).
    """
    from sklearn import datasets

    loaders = {
        DIGITS: datasets.load_digits,
        CANCER: datasets.load_breast_cancer,
        WINE: datasets.load_wine,
    }
    tables = {name: Sample(*load(return_X_y=True)) for name, load in loaders.items()}
    digits = tables[DIGITS]
    return tables | {DIGITS: Sample((digits.x - 8) / 4, digits.y)}


def table_of(data: str, tables: Tables) -> Sample:
    """The table behind a name: "digits, 20 rows" is of the digits.

    Raises:
        HarnessError: there is none.
    """
    name = data.partition(",")[0]
    if name not in tables:
        raise HarnessError(f"There is no table {name!r}; there are {', '.join(tables)}.")
    return tables[name]


def known_and_fresh(data: str, rng: np.random.Generator, tables: Tables) -> tuple[Sample, Sample]:
    """Rows to train on and rows that training never sees: halves of a data set, drawn at random.

    Columns of all but digits are standardised by the rows to train on.

    Args:
        data: one of the names above; ``FEW`` trains on two rows of each class, the rest is fresh;
            ``WRONG`` has another class than its own in a quarter of all rows.
        rng: draws the halves and the wrong labels.
        tables: what ``load_tables`` gives.
    """
    rows = _spiral(rng) if data == SPIRAL else table_of(data, tables)
    if data == WRONG:
        rows = mislabelled(rows, WRONG_SHARE, rng)
    order = rng.permutation(len(rows))
    if data == FEW:
        first = np.concatenate([order[rows.y[order] == c][:FEW_ROWS] for c in np.unique(rows.y)])
        order = np.concatenate([first, order[~np.isin(order, first)]])
        known, fresh = rows.take(order[: len(first)]), rows.take(order[len(first) :])
    else:
        known, fresh = (rows.take(half) for half in np.array_split(order, 2))
    if data.startswith(DIGITS):
        return known, fresh
    mean, sd = known.x.mean(axis=0), known.x.std(axis=0)
    return Sample((known.x - mean) / sd, known.y), Sample((fresh.x - mean) / sd, fresh.y)


def _spiral(rng: np.random.Generator) -> Sample:
    x, y = spiral(SPIRAL_POINTS, SPIRAL_NOISE, int(rng.integers(2**31)))
    return Sample(x.double().numpy(), y.numpy())


def mislabelled(sample: Sample, share: float, rng: np.random.Generator) -> Sample:
    """The sample with another class than its own in a share of the rows."""
    classes = int(sample.y.max()) + 1
    chosen = rng.permutation(len(sample))[: round(share * len(sample))]
    y = sample.y.copy()
    y[chosen] = (y[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return Sample(sample.x, y)


def learn(model: str, sample: Sample, block: Block, steps: int = 600) -> Predict:
    """Train a model on a sample.

    Args:
        model: ``NEAREST`` (one neighbour), ``LINEAR`` or ``PERCEPTRON`` (two hidden layers of 128).
        sample: to train on.
        block: seeds the perceptron, and says where it is.
        steps: about how many training steps the perceptron makes.

    Returns:
        The function from inputs to class numbers.
    """
    if model == PERCEPTRON:
        return _perceptron(sample, block, steps)
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    # Newton's method: the usual solver takes a second where labels are wrong.
    linear = LogisticRegression(solver="newton-cholesky")
    estimator = KNeighborsClassifier(1) if model == NEAREST else linear
    predict: Predict = estimator.fit(sample.x, sample.y).predict
    return predict


def nearest(x: Numbers, y: NDArray[np.int64], new: Numbers) -> NDArray[np.int64]:
    """The class of the nearest row for each new one.

    The same as scikit-learn's ``KNeighborsClassifier(1)`` in a tenth of the time, for where there
    are thousands of small fits.
    """
    distances = (x * x).sum(axis=1) - 2 * new @ x.T
    classes: NDArray[np.int64] = y[distances.argmin(axis=1)]
    return classes


def one_thread() -> AbstractContextManager[object]:
    """Keep the linear algebra of NumPy and SciPy to one thread, as torch's is in an experiment.

    On a busy machine the threads of small products wait for each other most of the time.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _perceptron(sample: Sample, block: Block, steps: int) -> Predict:
    # On the CPU, whatever the run's device: see ``small``.
    torch.manual_seed(block.seed)
    net = mlp(sample.x.shape[1], int(sample.y.max()) + 1, hidden=HIDDEN)
    x = torch.as_tensor(sample.x, dtype=torch.float32)
    y = torch.as_tensor(sample.y)
    epochs = round(steps / ceil(len(sample) / BATCH))
    fit_classifier(net, x, y, seed=block.seed, epochs=epochs, batch_size=BATCH)

    def predict(rows: NDArray[np.float64]) -> NDArray[np.int64]:
        inputs = torch.as_tensor(rows, dtype=torch.float32)
        with torch.no_grad():
            classes: NDArray[np.int64] = net(inputs).argmax(dim=1).numpy()
        return classes

    return predict
