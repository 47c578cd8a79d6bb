"""What a run's processes say on the standard error, set aside while the progress bar is drawn.

Libraries warn there, from Python and from threads of their own that no filter of Python's reaches,
once in each of the processes that measure blocks. It would run into the bar; so it goes to a file,
of which every line is shown once, with its count, when the bar is gone, however the run ends.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STANDARD_ERROR = 2
#: Lines that are shown at the end; what a process prints for each of its blocks may be long.
SHOWN = 40
#: When and in which thread a line of torch's own log was written, and by which process.
_STAMP = re.compile(r"^(\[[A-Z])\d+ [\d:.]+ +(\d+ )?")
#: A warning of Python's, whose second line is the statement that it points at.
_WARNS = re.compile(r"^\S.*:\d+: \w*Warning: ")


@contextmanager
def error_set_aside() -> Iterator[TextIO]:
    """Collect what this process and those that it starts write to the standard error.

    Yields:
        The standard error itself, for what is to be seen at once.
    """
    sys.stderr.flush()
    with (
        os.fdopen(os.dup(STANDARD_ERROR), "w") as terminal,
        tempfile.TemporaryFile(mode="w+", errors="replace") as aside,
    ):
        os.dup2(aside.fileno(), STANDARD_ERROR)
        try:
            yield terminal
        finally:
            sys.stderr.flush()
            os.dup2(terminal.fileno(), STANDARD_ERROR)
            aside.seek(0)
            for line in summed_up(aside.read()):
                print(line, file=sys.stderr)  # noqa: T201 - said by others, who mean the user
            sys.stderr.flush()


def summed_up(said: str) -> list[str]:
    """Every line once, in the order in which they came first, with how often it came.

    Args:
        said: by several processes, one after another or at once.

    Returns:
        The lines; of very many the last, where an error stands, and how many are left out.
    """
    counts: Counter[str] = Counter()
    after_warning = False
    for line in said.splitlines():
        if line.strip() and not (after_warning and line.startswith("  ")):
            counts[_STAMP.sub(r"\1 ", line)] += 1
        after_warning = bool(_WARNS.match(line))
    lines = [f"{line} ({n} times)" if n > 1 else line for line, n in counts.items()]
    left_out = len(lines) - SHOWN
    return [f"({left_out} lines left out)", *lines[-SHOWN:]] if left_out > 0 else lines
