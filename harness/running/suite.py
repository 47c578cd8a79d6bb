"""The tests of a user's suite that use pytest-benchmark's fixture, as benchmarks of a trio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.protocol.comparison import BASE
from harness.running.trio import PATIENCE, Interpreter, LostError, Process
from harness.words import shown

#: What pytest says of a run that went well, and of one that found no test.
WELL, NO_TESTS = 0, 5


class Collected(NamedTuple):
    """What base found in a suite.

    Attributes:
        tests: the names of those that use the fixture.
        skipped: the names of others that do, and why they are skipped there.
    """

    tests: list[str]
    skipped: Mapping[str, str]


def collect(
    interpreter: Interpreter, paths: Sequence[Path], where: Path, *, patience: float = PATIENCE
) -> Collected:
    """The names of the tests, as the base side finds them.

    Args:
        interpreter: of base, which needs pytest.
        paths: folders or files of tests.
        where: the folder that names are told from.
        patience: seconds to wait for an answer.

    Raises:
        HarnessError: a path that is not there, no pytest, or tests that cannot be collected.
    """
    for path in paths:
        if not path.exists():
            raise HarnessError(f"{path}: there are no tests there.")
    process = Process(BASE, interpreter, where)
    try:
        process.tell({"do": "collect", "paths": [str(path) for path in paths]})
        answer = process.answer(patience)
    except LostError as error:
        raise HarnessError(f"The tests cannot be collected: the process {error.how}.") from error
    finally:
        process.end()
    if "error" in answer:
        raise HarnessError(f"The tests cannot be collected: {shown(str(answer['error']))}")
    if answer["code"] not in (WELL, NO_TESTS):
        raise HarnessError(
            f"The tests cannot be collected: pytest ended with code {answer['code']}."
        )
    skipped = {str(test): str(reason) for test, reason in answer["skipped"].items()}
    return Collected([str(test) for test in answer["tests"]], skipped)
