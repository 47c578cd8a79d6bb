"""Each step of preparation, before the split and after it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_selection import f_classif
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from harness.design.factors import Arm, Block
from studies.bugs import preprocessing
from studies.bugs.preprocessing import (
    BY_SUBJECT,
    COPIES,
    COPIES_EACH,
    FIRST,
    KEPT,
    LAST,
    LINEAR,
    NO_SIGNAL,
    OVERSAMPLING,
    ROWS,
    SCALER,
    SELECTION,
    Rows,
    best_columns,
    copied,
    draw,
    fit_and_score,
    halves,
    measure,
    oversampled,
)
from studies.bugs.samples import NEAREST, load_tables

Parts = tuple[Rows, Rows, Rows]
TABLES = load_tables()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows_of(count: int, columns: int = 3) -> Rows:
    x = rng().standard_normal((count, columns), dtype=np.float32)
    return Rows(x, (np.arange(count) % 5 == 0).astype(np.int64), np.arange(count))


def test_best_columns_are_those_of_the_f_statistic() -> None:
    rows, _ = draw(NO_SIGNAL, SELECTION, rng(), TABLES)
    scores, _ = f_classif(rows.x.astype(np.float64), rows.y)
    chosen = best_columns(rows)
    assert len(set(chosen)) == KEPT
    assert scores[chosen].min() == pytest.approx(np.sort(scores)[-KEPT], rel=1e-3), "but for ties"


@pytest.mark.parametrize("kind", [SCALER, SELECTION, OVERSAMPLING, COPIES])
def test_the_models_are_those_of_scikit_learn(kind: str) -> None:
    rows, production = draw("digits 3 and 8", kind, rng(), TABLES)
    train, val = halves(rows, rows.subject, rng())
    columns = np.arange(rows.x.shape[1])
    scaler = StandardScaler().fit(rows.x)
    for model, estimator in ((NEAREST, KNeighborsClassifier(1)), (LINEAR, RidgeClassifier())):
        estimator.fit(scaler.transform(train.x), train.y)
        expected = [
            np.mean(
                [(estimator.predict(scaler.transform(p.x)) == p.y)[p.y == c].mean() for c in (0, 1)]
            )
            for p in (train, val, production)
        ]
        found = fit_and_score(model, (train, val, production), columns, rows)
        assert found == pytest.approx(expected, abs=0.011), "but for ties"


def test_oversampling_repeats_rows_of_the_rarer_class_until_they_are_even() -> None:
    rows = rows_of(50)
    more = oversampled(rows, rng())
    assert np.bincount(more.y).tolist() == [40, 40]
    assert set(more.subject[50:]) <= set(rows.subject[rows.y == 1])


def test_halves_keep_the_rows_of_a_subject_together() -> None:
    rows = copied(rows_of(20), rng())
    assert len(rows.y) == 20 * (1 + COPIES_EACH)
    train, val = halves(rows, rows.subject, rng())
    assert not set(train.subject) & set(val.subject)
    assert len(train.y) == len(val.y)
    by_row = halves(rows, np.arange(len(rows.y)), rng())
    assert set(by_row[0].subject) & set(by_row[1].subject)


@pytest.mark.parametrize("kind", [SCALER, SELECTION, OVERSAMPLING, COPIES])
def test_production_has_no_row_of_those_that_are_split(kind: str) -> None:
    rows, production = draw("breast cancer", kind, rng(), TABLES)
    assert not set(rows.subject) & set(production.subject)
    assert len(set(rows.subject)) == ROWS


def test_accuracy_is_the_mean_recall_of_both_classes() -> None:
    """A column that says the class of the training rows, and the reverse for one class of 10."""
    y = np.array([0] * 90 + [1] * 10)
    known = Rows((y * 2.0 - 1)[:, None].astype(np.float32), y, np.arange(100))
    other = Rows(np.full((100, 1), -1, np.float32), y, np.arange(100))
    for model in (NEAREST, LINEAR):
        found = fit_and_score(model, (known, known, other), np.array([0]), known)
        assert found == (1, 1, 0.5)


def gap(kind: str, order: str, model: str) -> float:
    levels = {"kind": kind, "split": order, "data": NO_SIGNAL, "model": model}
    found = measure(Block(0, 3, 4, effort=8, run=TABLES), Arm(tuple(levels.items())))
    return float(str(found["gap"]))


@pytest.mark.parametrize(
    ("kind", "model", "leaky", "clean"),
    [
        (SELECTION, LINEAR, LAST, FIRST),
        (OVERSAMPLING, NEAREST, LAST, FIRST),
        (COPIES, NEAREST, FIRST, BY_SUBJECT),
    ],
)
def test_where_labels_are_by_chance_every_gap_is_a_leak(
    kind: str, model: str, leaky: str, clean: str
) -> None:
    assert gap(kind, leaky, model) > 10
    assert abs(gap(kind, clean, model)) < 7


def test_the_split_says_only_which_rows_the_scaler_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[Rows]] = {FIRST: [], LAST: []}
    for order, rows in seen.items():

        def score(
            _: str, parts: Parts, __: object, scaled_by: Rows, into: list[Rows] = rows
        ) -> tuple[float, float, float]:
            into.extend([*parts, scaled_by])
            return 1.0, 1.0, 1.0

        monkeypatch.setattr(preprocessing, "fit_and_score", score)
        gap(SCALER, order, NEAREST)
    for first, last in zip(seen[FIRST][:3], seen[LAST][:3], strict=True):
        assert np.array_equal(first.x, last.x)
    assert len(seen[FIRST][3].y) == len(seen[FIRST][0].y)
    assert len(seen[LAST][3].y) == ROWS
