"""Docstrings of the standard library: what is taken, what is left out, and always the same."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.workloads.texts import AREAS, load_docstrings


def write(library: Path, path: str, *docstrings: str) -> None:
    """A source file with a function for each docstring; importing it would fail."""
    file = library / path
    file.parent.mkdir(parents=True, exist_ok=True)
    functions = (f'def f{i}():\n    """{text}"""\n' for i, text in enumerate(docstrings))
    file.write_text("".join(functions) + "raise RuntimeError('parsed, never imported')\n")


def test_modules_classes_and_functions_are_read_and_white_space_is_normalised(
    tmp_path: Path,
) -> None:
    source = (
        '"""The module of five words."""\n'
        'class A:\n    """The class\n\n       of five words."""\n'
        '    async def f(self):\n        """The method of five words."""\n'
    )
    write(tmp_path, "box/empty.py")
    (tmp_path / "box" / "__init__.py").write_text(source)
    found = load_docstrings(("box",), library=tmp_path)
    kinds = ("module", "class", "method")
    assert set(found.texts) == {f"The {kind} of five words." for kind in kinds}


def test_short_repeated_shared_and_test_docstrings_are_left_out(tmp_path: Path) -> None:
    own = "This one belongs to box"
    write(tmp_path, "box/a.py", own, "only four words here", "this stands in both areas")
    write(tmp_path, "box/b.py", own)
    write(tmp_path, "box/test_box/c.py", "a text of some test package")
    write(tmp_path, "bag/a.py", "this stands in both areas", "This one belongs to bag")
    found = load_docstrings(("box", "bag"), library=tmp_path)
    assert found.texts == (own, "This one belongs to bag")
    assert found.labels == (0, 1)


def test_every_area_is_cut_to_the_size_of_the_smallest_by_the_seed(tmp_path: Path) -> None:
    many = [f"text number {i} of the large area" for i in range(50)]
    few = [f"text number {i} of the small area" for i in range(5)]
    write(tmp_path, "large/a.py", *many)
    write(tmp_path, "small/a.py", *few)
    areas = ("large", "small")
    first, again, other = (load_docstrings(areas, seed, tmp_path) for seed in (0, 0, 1))
    assert first.labels == (0,) * 5 + (1,) * 5
    assert set(first.texts[:5]) < set(many)
    assert first.texts[5:] == tuple(few)
    assert first == again
    assert first.texts != other.texts


def test_this_pythons_library_gives_balanced_areas_twice_the_same() -> None:
    found = load_docstrings()
    load_docstrings.cache_clear()
    assert load_docstrings() == found
    assert found.areas == AREAS
    sizes = {found.labels.count(label) for label in range(len(AREAS))}
    assert len(sizes) == 1
    assert sizes.pop() >= 100
    assert len(set(found.texts)) == len(found.texts)


def test_the_texts_are_what_the_objects_of_the_library_say_of_themselves() -> None:
    found = load_docstrings(("logging",))
    for documented in (logging, logging.Logger.setLevel, logging.Handler):
        assert " ".join((documented.__doc__ or "").split()) in found.texts


def test_a_python_without_sources_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="without the sources"):
        load_docstrings(("box",), library=tmp_path)


def test_a_package_without_docstrings_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "box/a.py", "a text of just enough words")
    write(tmp_path, "bare/a.py", "too short")
    with pytest.raises(HarnessError, match="'bare'"):
        load_docstrings(("box", "bare"), library=tmp_path)
