"""Files that are there whole or not at all, and Ctrl-C that waits until they are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from harness.errors import HarnessError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, flush it to the disk, and only then give it its name.

    Raises:
        HarnessError: the disk is full or the folder not writable.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise HarnessError(
            f"{path}: cannot be written ({error.strerror or error}). What was finished is kept."
        ) from error


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until what is being written is on the disk."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if caught:
            raise KeyboardInterrupt
