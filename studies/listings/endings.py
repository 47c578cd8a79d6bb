"""How a program ends: with so many lines, or with its first failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def ending(program: Callable[[], Sequence[object]]) -> Callable[[], str]:
    """How a program ends that gives what it prints, an item a line, when it is asked for.

    Returns:
        A function that gives "runs: 3 lines", or the exception with its message.
    """

    def run() -> str:
        try:
            lines = program()
        except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        return runs(len(lines))

    return run


def runs(lines: int) -> str:
    """What is said of a program that ends well."""
    return f"runs: {lines} line{'' if lines == 1 else 's'}"


def raises() -> list[str]:
    """A program that is known to end in an exception."""
    raise RuntimeError("planted")
