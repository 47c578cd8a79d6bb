"""The benchmarks of a file, read from its text without importing it.

A benchmark is a public function whose first parameter is ``device``. Its signature is its
declaration, its docstring's first line says what is done:

    def adam_step(device: str, *, unit: str = "s", margin: float = 0.02) -> Callable[[], object]:
        '''A step of Adam over 20 matrices.'''

It returns the work, without arguments: of unit "s" it is timed, of unit "B" it returns bytes.
``needs`` names what it takes beside a CPU: "cuda", or "compiler" for a C++ compiler.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from harness.errors import HarnessError

Unit: TypeAlias = Literal["s", "B"]
UNITS: tuple[Unit, ...] = ("s", "B")
NEEDS = ("", "cuda", "compiler")
#: A difference within this share of the base is none, unless a benchmark declares its own.
MARGIN = 0.02
#: No file of benchmarks is larger, in bytes.
LARGEST_FILE = 2_000_000


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark declares.

    Attributes:
        name: of the function, or of the test in a suite.
        unit: "s" where its work is timed, "B" where it returns bytes.
        margin: by this share head may differ from base and is called the same.
        needs: what it takes beside a CPU.
        meaning: what is done, in a line.
    """

    name: str
    unit: Unit = "s"
    margin: float = MARGIN
    needs: str = ""
    meaning: str = ""


def read_benchmarks(path: Path) -> tuple[Benchmark, ...]:
    """The benchmarks of a file, in its order; there may be none.

    Raises:
        HarnessError: there is no such file, it is no Python, or a declaration does not fit.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise HarnessError(f"{path}: this is too large for a file of benchmarks.")
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (SyntaxError, ValueError) as error:
        raise HarnessError(f"{path}: this is no Python that can be read ({error}).") from error
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return tuple(_declared(path, node) for node in functions if _is_benchmark(node))


def _is_benchmark(node: ast.FunctionDef) -> bool:
    positional = [*node.args.posonlyargs, *node.args.args]
    return not node.name.startswith("_") and bool(positional) and positional[0].arg == "device"


def _declared(path: Path, node: ast.FunctionDef) -> Benchmark:
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    given = {arg.arg: _literal(path, node, arg.arg, value) for arg, value in pairs}
    unit, margin = given.get("unit", "s"), given.get("margin", MARGIN)
    needs = given.get("needs", "")
    where = f"{path}, line {node.lineno}: {node.name}"
    if unit not in UNITS:
        raise HarnessError(f"{where}: unit must be one of {', '.join(UNITS)}, not {unit!r}.")
    if needs not in NEEDS:
        raise HarnessError(f"{where}: needs must be 'cuda' or 'compiler', not {needs!r}.")
    return Benchmark(
        node.name,
        unit,
        checked_margin(margin, where),
        str(needs),
        (ast.get_docstring(node) or "").partition("\n")[0],
    )


def checked_margin(margin: object, where: str) -> float:
    """A margin that is a share between 0 and 1.

    Raises:
        HarnessError: it is none.
    """
    number = isinstance(margin, (int, float)) and not isinstance(margin, bool)
    if not number or not math.isfinite(cast(float, margin)) or not 0 < cast(float, margin) < 1:
        raise HarnessError(f"{where}: the margin must lie between 0 and 1, not {margin!r}.")
    return float(cast(float, margin))


def _literal(path: Path, node: ast.FunctionDef, name: str, value: ast.expr | None) -> object:
    if value is None:
        raise HarnessError(f"{path}, line {node.lineno}: {node.name}: {name} needs a value.")
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise HarnessError(
            f"{path}, line {node.lineno}: {node.name}: {name} must be written out, for it is read "
            "without running the file."
        ) from None
