"""Image files are real, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studies.dataloader.files import PREFIX, ImageFolder, photo, sweep

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_files_hold_the_images_in_order() -> None:
    images = [photo(seed, 24, 16, mode) for seed, mode in ((1, "RGB"), (2, "L"))]
    folder = ImageFolder(images, suffix=".png")
    assert [Path(path).name for path in folder.paths] == ["00000.png", "00001.png"]
    for path, image in zip(folder.paths, images, strict=True):
        with Image.open(path) as found:
            assert found.mode == image.mode
            assert found.size == (24, 16)
            assert np.array_equal(np.asarray(found), np.asarray(image))


def test_jpeg_files_are_jpeg_files() -> None:
    folder = ImageFolder([photo(0, 24, 16)])
    assert Path(folder.paths[0]).read_bytes()[:2] == b"\xff\xd8"


def test_a_folder_goes_with_its_object(temporary: Path) -> None:
    folder = ImageFolder([photo(0, 8, 8)])
    assert len(list(temporary.iterdir())) == 1
    del folder
    assert not list(temporary.iterdir())


def test_a_folder_goes_when_writing_it_fails(temporary: Path) -> None:
    def failing() -> Iterator[Image.Image]:
        yield photo(0, 8, 8)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        ImageFolder(failing())
    assert not list(temporary.iterdir())


def test_a_forked_copy_leaves_the_folder_alone() -> None:
    folder = ImageFolder([photo(0, 8, 8)])
    path = Path(folder.paths[0])
    child = os.fork()
    if child == 0:
        del folder
        os._exit(0)
    os.waitpid(child, 0)
    assert path.is_file()


def test_what_a_killed_process_left_is_swept_by_the_next(temporary: Path) -> None:
    program = (
        "from studies.dataloader.files import ImageFolder, photo\n"
        "import time\n"
        "folder = ImageFolder([photo(0, 8, 8)])\n"
        "print(folder.paths[0], flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        sweep(temporary)
        assert path.is_file(), "its process is alive"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert path.is_file()
    ours = ImageFolder([photo(0, 8, 8)])
    assert not path.exists()
    assert Path(ours.paths[0]).is_file()


def test_other_peoples_folders_are_not_swept(temporary: Path) -> None:
    (temporary / "notes").mkdir()
    (temporary / f"{PREFIX}left").mkdir()
    sweep(temporary)
    assert [path.name for path in temporary.iterdir()] == ["notes"]
