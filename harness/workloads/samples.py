"""Rows in three parts for many replicas: to train on, to validate with, and to test on once.

Every replica has a cut, and labels replaced, of its own, drawn from its seed alone. The rows held
out are the same whatever the number trained on, so that samples that differ in it can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from harness.errors import HarnessError
from harness.libraries import torch
from harness.workloads.datasets import bundled
from harness.workloads.six_strategies import CLASSES, FEATURES, INFORMATIVE, TRAINED_ON
from harness.workloads.tasks import Part
from harness.workloads.three_penalties import NOISE, POINTS

if TYPE_CHECKING:
    from torch import Tensor

SampleName: TypeAlias = Literal["digits", "breast cancer", "wine", "diabetes", "listing 3", "sine"]
SAMPLES: tuple[SampleName, ...] = get_args(SampleName)


class _Size(NamedTuple):
    """How many rows there are to train on, and in each of the other two parts, unless asked."""

    train: int
    held_out: int
    classes: int


SIZES: dict[SampleName, _Size] = {
    "digits": _Size(899, 449, 10),
    "breast cancer": _Size(285, 142, 2),
    "wine": _Size(88, 45, 3),
    "diabetes": _Size(220, 111, 0),
    "listing 3": _Size(TRAINED_ON, 300, CLASSES),
    "sine": _Size(POINTS, 200, 0),
}
SYNTHETIC = ("listing 3", "sine")


@dataclass(frozen=True)
class Sample:
    """Three parts for each replica.

    Attributes:
        train: rows to train on; classes as numbers, shape (replicas, rows), or the target of a
            regression, shape (replicas, rows, 1).
        val: rows to choose with.
        test: rows that no choice has seen.
        classes: how many there are; 0 for a regression.
        wrong: shape (replicas, rows to train on): whose label another class's has replaced.
        seeds: one a replica.
    """

    train: Part
    val: Part
    test: Part
    classes: int
    wrong: Tensor
    seeds: tuple[int, ...]

    @property
    def features(self) -> int:
        """The width of a row."""
        return self.train.x.shape[-1]


class _Rows(NamedTuple):
    """One replica's rows, or one of its parts."""

    x: Tensor
    y: Tensor


def draw_sample(
    name: SampleName,
    seeds: Sequence[int],
    *,
    train: int | None = None,
    held_out: int | None = None,
    wrong_labels: float = 0.0,
    device: str = "cpu",
) -> Sample:
    """Rows for a replica a seed.

    Real rows are shuffled and cut: half to train on and a quarter in each other part, unless
    numbers are given. Digits (rows of 64 pixels) are scaled as (x - 8) / 4; the other real rows,
    and the target of diabetes, with mean and standard deviation of the part trained on. "listing 3"
    draws 50 normal features a row, and the class is the largest of four sums over the first ten,
    with normal weights of the seed's own; "sine" is the sine at 80 even places of one period, and
    at uniform places in the parts held out, with noise of 0.3 on every row.

    Args:
        name: one of ``SAMPLES``.
        seeds: one a replica.
        train: rows to train on.
        held_out: rows in each of the other two parts.
        wrong_labels: the share of the rows trained on whose label is replaced by another class,
            each other class as likely. What is held out keeps its labels.
        device: where the tensors go.

    Raises:
        HarnessError: unknown name; more rows than there are; wrong labels where there are none.
    """
    if name not in SIZES:
        raise HarnessError(f"There is no sample {name!r}; there are {', '.join(SAMPLES)}.")
    size = SIZES[name]
    train, held_out = train or size.train, held_out or size.held_out
    if wrong_labels and not size.classes:
        raise HarnessError(f"{name} has no classes, so that no label can be wrong.")
    parts: list[tuple[_Rows, _Rows, _Rows]] = []
    wrong = []
    for seed in seeds:
        stream = torch.Generator().manual_seed(seed)
        fit, val, test = _scaled(name, _cut(name, train, held_out, stream))
        replaced, fit = _with_wrong_labels(fit, wrong_labels, size.classes, stream)
        parts.append((fit, val, test))
        wrong.append(replaced)
    fitted, validated, tested = (
        Part(*(torch.stack(side).to(device) for side in zip(*part, strict=True)))
        for part in zip(*parts, strict=True)
    )
    marks = torch.stack(wrong).to(device)
    return Sample(fitted, validated, tested, size.classes, marks, tuple(seeds))


def _cut(
    name: SampleName, train: int, held_out: int, stream: torch.Generator
) -> tuple[_Rows, _Rows, _Rows]:
    """Rows to train on, to validate with and to test on; those held out are drawn first."""
    if name == "listing 3":
        truth = torch.zeros(FEATURES, SIZES[name].classes)
        truth[:INFORMATIVE] = torch.randn(INFORMATIVE, SIZES[name].classes, generator=stream)
        val, test, fit = (
            _listing_rows(truth, rows, stream) for rows in (held_out, held_out, train)
        )
        return fit, val, test
    if name == "sine":
        places = [2 * math.pi * torch.rand(held_out, generator=stream) for _ in range(2)]
        val, test, fit = (
            _sine_rows(place, stream) for place in (*places, torch.linspace(0, 2 * math.pi, train))
        )
        return fit, val, test
    x, y = _real_rows(name)
    if train + 2 * held_out > len(x):
        raise HarnessError(
            f"{name} has {len(x)} rows: too few for {train} and twice {held_out} held out."
        )
    order = torch.randperm(len(x), generator=stream)
    held, rest = order[: 2 * held_out], order[2 * held_out :][:train]
    val, test, fit = (_Rows(x[at], y[at]) for at in (*held.split(held_out), rest))
    return fit, val, test


def _listing_rows(truth: Tensor, rows: int, stream: torch.Generator) -> _Rows:
    x = torch.randn(rows, FEATURES, generator=stream)
    return _Rows(x, (x @ truth).argmax(dim=1))


def _sine_rows(places: Tensor, stream: torch.Generator) -> _Rows:
    x = places[:, None]
    return _Rows(x, x.sin() + NOISE * torch.randn(x.shape, generator=stream))


def _real_rows(name: SampleName) -> tuple[Tensor, Tensor]:
    """All rows as they come; a target of a regression has shape (rows, 1)."""
    if name == "diabetes":
        from sklearn.datasets import load_diabetes

        x, y = load_diabetes(return_X_y=True)
        return torch.as_tensor(x), torch.as_tensor(y)[:, None]
    x, y = bundled("breast_cancer" if name == "breast cancer" else name)
    return torch.as_tensor(x), torch.as_tensor(y)


def _scaled(name: SampleName, parts: tuple[_Rows, _Rows, _Rows]) -> tuple[_Rows, _Rows, _Rows]:
    if name in SYNTHETIC:
        return parts
    if name == "digits":
        fit, val, test = (_Rows(((x - 8) / 4).float(), y) for x, y in parts)
        return fit, val, test
    of_x = parts[0].x
    of_y = parts[0].y if name == "diabetes" else None
    fit, val, test = (
        _Rows(_standardised(x, of_x), y if of_y is None else _standardised(y, of_y))
        for x, y in parts
    )
    return fit, val, test


def _standardised(values: Tensor, like: Tensor) -> Tensor:
    """Values less the mean of others, in their standard deviations; a constant column is left."""
    sd = like.std(dim=0, correction=0)
    return ((values - like.mean(dim=0)) / torch.where(sd > 0, sd, 1)).float()


def _with_wrong_labels(
    rows: _Rows, share: float, classes: int, stream: torch.Generator
) -> tuple[Tensor, _Rows]:
    """Which rows got another class's label, and the rows with it."""
    replaced = torch.zeros(len(rows.x), dtype=torch.bool)
    if not share:
        return replaced, rows
    count = round(share * len(rows.x))
    chosen = torch.randperm(len(rows.x), generator=stream)[:count]
    y = rows.y.clone()
    y[chosen] = (y[chosen] + torch.randint(1, classes, (count,), generator=stream)) % classes
    replaced[chosen] = True
    return replaced, _Rows(rows.x, y)
