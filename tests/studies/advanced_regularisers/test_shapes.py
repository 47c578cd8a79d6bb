"""Shapes behind a drop path."""

from __future__ import annotations

from studies.advanced_regularisers.shapes import IMAGES, after


def test_adding_what_passed_by_is_told_from_the_branch() -> None:
    assert after(*IMAGES) == after(*IMAGES, added=True) == list(IMAGES)


def test_a_mask_of_four_dimensions_broadcasts_against_three() -> None:
    """By the rules of broadcasting: (5, 1, 1, 1) with (5, 3, 2) is (5, 5, 3, 2)."""
    assert after(5, 3, 2) == [5, 5, 3, 2]
