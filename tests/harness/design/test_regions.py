"""Regions: which values they hold, where an interval lies, and how they are stored and read out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.design.regions import Region, at_least, at_most, between, equals, less_than, more_than
from harness.errors import HarnessError

numbers = st.floats(-1e6, 1e6) | st.sampled_from([-1.0, 0.0, 0.5, 1.0])
ends = numbers | st.sampled_from([-math.inf, math.inf])
regions = st.one_of(
    st.builds(at_least, numbers),
    st.builds(at_most, numbers),
    st.builds(more_than, numbers),
    st.builds(less_than, numbers),
    st.tuples(numbers, numbers).map(lambda pair: between(min(pair), max(pair))),
    st.builds(equals, numbers, st.floats(0, 10)),
)
intervals = st.tuples(ends, ends).map(sorted).map(tuple)
one_sided: dict[Callable[[float], Region], Callable[[float], Region]] = {
    at_least: less_than,
    less_than: at_least,
    at_most: more_than,
    more_than: at_most,
}


@pytest.mark.parametrize(
    ("region", "inside", "outside", "straddling"),
    [
        (at_least(1), (1, 2), (0, 0.9), (0.9, 1)),
        (more_than(1), (1.1, 2), (0, 1), (1, 2)),
        (at_most(1), (0, 1), (1.1, 2), (1, 1.1)),
        (less_than(1), (0, 0.9), (1, 2), (0, 1)),
        (between(1, 2), (1, 2), (2.1, 3), (2, 3)),
        (between(1, 2), (1.2, 1.3), (0, 0.9), (0, 3)),
        (equals(1, within=0.5), (0.5, 1.5), (1.6, 2), (1.5, 2)),
        (equals(0), (0, 0), (1e-300, 1), (0, 1e-300)),
    ],
)
def test_an_interval_lies_inside_outside_or_across_an_edge(
    region: Region,
    inside: tuple[float, float],
    outside: tuple[float, float],
    straddling: tuple[float, float],
) -> None:
    assert region.place(*inside) == "inside"
    assert region.place(*outside) == "outside"
    assert region.place(*straddling) == "straddles"


def test_rounding_moves_nothing_across_an_edge() -> None:
    less = math.nextafter(0.6, 0)
    assert at_least(0.6).place(less, 1) == "inside"
    assert less_than(0.6).place(0, less) == "straddles"
    assert less_than(0.6).place(less, 1) == "outside"
    assert less in at_least(0.6)
    assert 0.6 * (1 - 1e-9) not in at_least(0.6)


@given(regions, intervals)
def test_the_place_of_an_interval_is_that_of_its_points(
    region: Region, interval: tuple[float, float]
) -> None:
    low, high = interval
    edges = [region.low, region.high]
    beside = [math.nextafter(edge, way) for edge in edges for way in (-math.inf, math.inf)]
    points = [low, high, *(p for p in [*edges, *beside] if low <= p <= high)]
    if math.isfinite(low) and math.isfinite(high):
        points += [p for p in np.linspace(low, high, 7).tolist() if low <= p <= high]
    held = {point in region for point in points}
    expected = {frozenset([True]): "inside", frozenset([False]): "outside"}
    assert region.place(low, high) == expected.get(frozenset(held), "straddles")


@given(st.sampled_from(list(one_sided)), numbers, intervals)
def test_outside_a_region_is_inside_its_complement(
    build: Callable[[float], Region], bound: float, interval: tuple[float, float]
) -> None:
    opposite = {"inside": "outside", "outside": "inside", "straddles": "straddles"}
    region, complement = build(bound), one_sided[build](bound)
    finite = tuple(np.clip(interval, -1e300, 1e300).tolist())
    assert complement.place(*finite) == opposite[region.place(*finite)]
    assert (bound in complement) != (bound in region)


@given(regions)
def test_a_region_survives_its_way_through_json(region: Region) -> None:
    text = json.dumps(region.to_json(), allow_nan=False)
    assert Region.from_json(json.loads(text)) == region


@given(regions)
def test_no_number_is_not_in_any_region(region: Region) -> None:
    assert not region.__contains__(math.nan)


def test_without_a_finite_interval_nothing_is_decided() -> None:
    for region in (at_least(0), at_most(0), more_than(0), less_than(0), between(0, 1), equals(0)):
        assert region.place(-math.inf, math.inf) == "straddles"


@pytest.mark.parametrize(("low", "high"), [(1, 0), (math.nan, 1), (0, math.nan)])
def test_ends_that_are_no_interval_are_refused(low: float, high: float) -> None:
    with pytest.raises(HarnessError, match="is not an interval"):
        at_least(0).place(low, high)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: at_least(math.nan), "bounds that are numbers"),
        (lambda: equals(0, within=math.nan), "bounds that are numbers"),
        (lambda: between(2, 1), "from 2 to 1 is empty"),
        (lambda: equals(0, within=-1), "is empty"),
        (lambda: Region(1, 1, open_low=True), "is empty"),
        (lambda: Region(1, 1, open_high=True), "is empty"),
        (lambda: at_least(math.inf), "holds no number"),
        (lambda: at_most(-math.inf), "holds no number"),
        (lambda: at_least(-math.inf), "could not fail"),
        (lambda: equals(0, within=math.inf), "could not fail"),
    ],
)
def test_a_region_that_decides_nothing_is_refused(
    build: Callable[[], Region], sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        build()


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (at_least(1.1), "at least 1.1"),
        (more_than(0), "more than 0"),
        (at_most(0.002), "at most 0.002"),
        (less_than(-1), "less than -1"),
        (between(1.1, 1.3), "between 1.1 and 1.3"),
        (equals(0), "equal to 0"),
        (equals(0.1, within=0.2), "between -0.1 and 0.3"),
        (at_least(1.0000001), "at least 1.0000001"),
        (at_least(2 / 3), "at least 0.6667"),
        (at_most(2**-20), "at most 9.537e-07"),
    ],
)
def test_a_region_reads_as_words(region: Region, words: str) -> None:
    assert str(region) == words


def test_a_region_stored_and_read_is_stored_again_as_the_same_text() -> None:
    """A bound written as 0 must not come back as 0.0: the checksum of the rules would change."""
    for region in (more_than(0), at_least(1), between(0, 1.5), equals(0)):
        text = json.dumps(region.to_json())
        assert json.dumps(Region.from_json(json.loads(text)).to_json()) == text


@given(regions)
def test_a_region_is_read_back_from_its_words_to_the_digits_they_give(region: Region) -> None:
    read = Region.from_words(str(region))
    assert (read.low, read.high) == pytest.approx((region.low, region.high), rel=1e-3)
    assert (read.open_low, read.open_high) == (region.open_low, region.open_high)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "about 3",
        "at least",
        "at least x",
        "between 1",
        "between 3 and 2",
        "equal to 1 and 2 and 3",
    ],
)
def test_other_words_are_no_region(words: str) -> None:
    with pytest.raises(HarnessError, match=r"no region|is empty"):
        Region.from_words(words)
