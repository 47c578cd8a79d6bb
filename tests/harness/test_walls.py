"""The walls of the house: which room may use which, and which doors studies go through."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
HARNESS, STUDIES = REPOSITORY / "harness", REPOSITORY / "studies"

#: From the ground up: a room stands above all that it uses.
FLOORS = (
    "errors",
    "words files libraries side_by_side",
    "design",
    "workloads meters catalogue",
    "protocol",
    "store",
    "running judging",
    "figures",
    "publishing",
    "calibration",
    "cli",
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
#: What a study may import of the harness, and any module of ``harness.workloads``.
DOORS = {
    "harness",
    "harness.workloads",
    "harness.meters",
    "harness.figures",
    "harness.libraries",
}


def imports_of(path: Path) -> Iterator[str]:
    """The modules of the harness that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            # ``from harness.meters import gpu`` names a module, ``from harness import Arm`` none.
            below = [f"{module}.{alias.name}" for alias in node.names]
            names = [name if is_module(name) else module for name in below]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "harness")


def is_module(name: str) -> bool:
    place = REPOSITORY.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or place.is_dir()


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


ROOMS = sorted(
    path for path in HARNESS.iterdir() if path.stem not in ("__init__", "__main__", "__pycache__")
)


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_a_room_uses_only_rooms_below_it(path: Path) -> None:
    if path.suffix not in ("", ".py"):
        return
    own = path.stem
    assert own in FLOOR, f"{own} has no place in the house: name its floor in this test"
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    upward = [
        f"{file.relative_to(REPOSITORY)} uses {module}"
        for file in files
        for module in imports_of(file)
        if room_of(module) != own and FLOOR.get(room_of(module), 0) >= FLOOR[own]
    ]
    assert not upward


@pytest.mark.parametrize("path", [p for p in ROOMS if p.is_dir()], ids=lambda path: path.stem)
def test_no_circle_of_imports_inside_a_room(path: Path) -> None:
    uses = {
        f"harness.{path.name}.{file.stem}": {
            module for module in imports_of(file) if room_of(module) == path.name
        }
        for file in sorted(path.glob("*.py"))
        if file.stem != "__init__"
    }
    while free := [module for module, used in uses.items() if not used & set(uses)]:
        for module in free:
            del uses[module]
    assert not uses


def test_the_language_of_a_study_needs_no_library() -> None:
    known = {"harness", "__future__", *sys.stdlib_module_names}
    foreign = [
        f"{file.name} imports {name}"
        for file in [*sorted((HARNESS / "design").rglob("*.py")), HARNESS / "__init__.py"]
        for name in top_level_imports(file)
        if name not in known
    ]
    assert not foreign


def top_level_imports(path: Path) -> Iterator[str]:
    """The packages a file imports when it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_studies_come_in_through_the_doors() -> None:
    elsewhere = [
        f"{file.relative_to(REPOSITORY)} imports {module}"
        for file in sorted(STUDIES.rglob("*.py"))
        for module in imports_of(file)
        if module not in DOORS and not module.startswith("harness.workloads.")
    ]
    assert not elsewhere


def test_the_harness_knows_of_no_study() -> None:
    knowing = [
        file.name
        for file in HARNESS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("studies")
    ]
    assert not knowing


def test_every_name_of_the_public_surface_is_there_and_typed() -> None:
    import harness

    tree = ast.parse((HARNESS / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "typing"
        for alias in node.names
    }
    served = {
        f"{module}.{name}" for module, names in harness._PLACES.items() for name in names.split()
    }
    assert {name for name in typed if name != "importlib.import_module"} == served
    assert set(harness.__all__) == set(harness._MODULES)
    for name in harness.__all__:
        assert getattr(harness, name) is not None


def test_a_menu_needs_none_of_the_language() -> None:
    code = "import harness.catalogue.cards, sys; print('harness.design.experiment' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
