"""Image files in a temporary folder: real ones, gone as soon as nobody needs them.

The folder goes with the object that stands for it, whether the block ended well or not. A process
that is killed cannot tidy up: but the lock on its folder goes with it, and the next process sweeps
away what nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

PREFIX = "training-claims-images-"
JPEG_QUALITY = 85


class ImageFolder:
    """Numbered image files in a temporary folder of their own.

    Attributes:
        paths: of the files, as texts, in the order given.
    """

    def __init__(self, images: Iterable[Image.Image], suffix: str = ".jpg") -> None:
        """Write the images.

        Args:
            images: of any mode that the format can hold.
            suffix: sets the format.
        """
        sweep(Path(tempfile.gettempdir()))
        folder, lock = _held_folder()
        # A forked worker has a copy of this object, and must leave the folder alone.
        weakref.finalize(self, _remove, folder, lock, os.getpid())
        paths = []
        for number, image in enumerate(images):
            paths.append(str(folder / f"{number:05}{suffix}"))
            image.save(paths[-1], quality=JPEG_QUALITY)  # lossless formats take no notice
        self.paths = tuple(paths)


def photo(seed: int, width: int, height: int, mode: str = "RGB") -> Image.Image:
    """An image with soft patches of colour and some grain, about as hard to decode as a photo.

    Args:
        seed: of its colours.
        width: in pixels.
        height: in pixels.
        mode: as Pillow names it.
    """
    colours = np.random.default_rng(seed).integers(
        0, 256, (max(height // 8, 2), max(width // 8, 2), 3), dtype=np.uint8
    )
    return Image.fromarray(colours).resize((width, height)).convert(mode)


def sweep(parent: Path) -> None:
    """Remove the folders that killed processes have left.

    Args:
        parent: where they are looked for.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, held by its process, or swept by a third one
            lock = _hold(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _held_folder() -> tuple[Path, int]:
    """A new folder and the lock on it; it has no name that is swept before it is held."""
    unnamed = Path(tempfile.mkdtemp())
    lock = _hold(unnamed)
    return unnamed.rename(unnamed.with_name(PREFIX + unnamed.name)), lock


def _hold(folder: Path) -> int:
    """Lock a folder for this process and the workers it starts.

    Raises:
        OSError: somebody else holds it, or may not be asked.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _remove(folder: Path, lock: int, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
