"""The interpreters of two sides: made by uv or pip, and kept under a name that says what they hold.

A side is a pip requirement or several, a wheel, a commit, or an interpreter that is there already.
An environment is finished when its stamp is written; one without a stamp was cut short, and is made
anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

from harness.errors import HarnessError
from harness.words import plain, shown

Kind: TypeAlias = Literal["requirements", "wheel", "commit", "interpreter"]

#: A side that is a commit is written so; a bare word is a requirement.
COMMIT = "commit:"
#: The interpreter that runs this.
HERE = "here"
#: What a side may be, for those who wrote something else.
SIDE_FORMS = "a requirement (torch==2.13.0), a wheel, commit:REVISION, or the path of a Python"
STAMP = "made-from.json"
#: Variables that tell an installer where to look: another index may give another build.
INDEX_VARIABLES = re.compile(r"^(PIP|UV)_(INDEX|EXTRA_INDEX|DEFAULT_INDEX|FIND_LINKS|NO_INDEX)")
#: Lines of an installer's complaint that are shown.
LINES = 2


@dataclass(frozen=True)
class Source:
    """What a side is made from.

    Attributes:
        kind: what was given.
        text: as it was given.
        requirements: what is installed: requirements, or the path of a wheel.
        python: the interpreter, where one was given.
        revision: of the commit, in full.
        repository: that holds the commit.
        day: of what is the newest, ISO 8601; empty for today.
    """

    kind: Kind
    text: str
    requirements: tuple[str, ...] = ()
    python: Path | None = None
    revision: str = ""
    repository: Path | None = None
    day: str = ""


def read_source(text: str, repository: Path, day: str = "") -> Source:
    """What a user means by a side.

    Args:
        text: requirements, the path of a wheel or an interpreter, "commit:REVISION", or "here".
        repository: a folder of the git repository that holds commits.
        day: see ``Source``.

    Raises:
        HarnessError: it is none of these, or there is no such commit.
    """
    text = text.strip()
    if not text:
        raise HarnessError(f"A side is empty. It is {SIDE_FORMS}.")
    if text == HERE:
        return Source("interpreter", text, python=Path(sys.executable))
    if text.startswith(COMMIT):
        revision = _revision(text.removeprefix(COMMIT), repository)
        return Source("commit", text, revision=revision, repository=repository)
    path = Path(text).expanduser()
    if text.endswith(".whl"):
        if not path.is_file():
            raise HarnessError(f"{text}: there is no such wheel.")
        return Source("wheel", text, requirements=(str(path.resolve()),))
    inside = path / "bin" / "python"
    if os.sep in text or path.is_dir():
        python = inside if inside.is_file() else path
        if not (python.is_file() and os.access(python, os.X_OK)):
            raise HarnessError(f"{text}: this is no interpreter. A side is {SIDE_FORMS}.")
        return Source("interpreter", text, python=python.absolute())
    return Source("requirements", text, requirements=tuple(_requirements(text)), day=day)


def interpreter_of(source: Source, cache: Path) -> Path:
    """The Python of a side, which is made where it is not there yet.

    Args:
        source: what it is made from.
        cache: the folder that keeps environments.

    Raises:
        HarnessError: it cannot be installed, or the cache cannot be written.
    """
    if source.python is not None:
        return source.python
    folder = cache / key_of(source)
    python = folder / "bin" / "python"
    with _held(folder):
        if not (folder / STAMP).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _make(source, folder, python)
                stamp = {"source": source.text, "key": folder.name, "revision": source.revision}
                (folder / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
            except BaseException as error:
                shutil.rmtree(folder, ignore_errors=True)  # it is half a gigabyte of nothing
                if isinstance(error, OSError):
                    raise HarnessError(
                        f"{folder}: the environment cannot be kept ({error.strerror or error})."
                    ) from error
                raise
    return python


def key_of(source: Source) -> str:
    """A name that is another one wherever the environment could be."""
    index = {name: value for name, value in os.environ.items() if INDEX_VARIABLES.match(name)}
    parts: list[object] = [sys.version, sysconfig.get_platform(), sorted(index.items())]
    if source.kind == "wheel":
        parts += [
            hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in source.requirements
        ]
    elif source.kind == "commit":
        # It stands on the packages of this interpreter, whatever they are now.
        parts += [source.revision, sysconfig.get_path("purelib")]
    else:
        parts += sorted(source.requirements)
        if not all(
            "==" in requirement or " @ " in requirement for requirement in source.requirements
        ):
            # The newest is another one tomorrow.
            parts.append(source.day or datetime.now(UTC).date().isoformat())
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return f"{re.sub('[^a-z0-9.]+', '-', source.text.lower())[-40:].strip('-')}-{digest}"


def default_cache() -> Path:
    """Where environments are kept."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "training-claims" / "environments"


def uncommitted(repository: Path) -> bool:
    """Whether the working tree differs from its commit."""
    done = _git(repository, "status", "--porcelain", "--untracked-files=no")
    return bool(done and done.stdout.strip())


def _requirements(text: str) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    words = [word for word in re.split(r",\s+|;\s|\s+(?=[A-Za-z])", text) if word]
    for word in words:
        try:
            yield str(Requirement(word))
        except InvalidRequirement as error:
            first = str(error).partition("\n")[0]
            raise HarnessError(
                f"{shown(text)}: this is no requirement ({first}). A side is {SIDE_FORMS}."
            ) from error


def _revision(name: str, repository: Path) -> str:
    done = _git(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    if done is None or done.returncode:
        raise HarnessError(
            f"commit:{shown(name)}: there is no such commit in {repository.resolve()}."
        )
    return done.stdout.strip()


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold an environment: two comparisons make it once."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder.with_name(f"{folder.name}.lock"), os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise HarnessError(
            f"{folder.parent}: environments cannot be kept there ({error.strerror or error})."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make(source: Source, folder: Path, python: Path) -> None:
    if shutil.which("uv"):
        _run(source, ["uv", "venv", "--quiet", "--python", sys.executable, str(folder)])
        install = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    else:
        _run(source, [sys.executable, "-m", "venv", "--without-pip", str(folder)])
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    if source.kind == "commit":
        _stand_on_this(folder)
        _run(source, [*install, "--no-deps", str(_checkout(source, folder))])
    else:
        _run(source, [*install, *source.requirements])


def _stand_on_this(folder: Path) -> None:
    """Let an environment see the packages of this interpreter, after its own.

    They are not read as this interpreter reads them: what is installed there in editable form, as
    the package under test may be, is not seen.
    """
    (own,) = (folder / "lib").glob("python*/site-packages")
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (own / "packages_of_the_harness.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")


def _checkout(source: Source, folder: Path) -> Path:
    """The files of a commit, beside the environment that is made of them."""
    place = folder / "source"
    done = subprocess.run(
        ["git", "-C", str(source.repository), "archive", "--format=tar", source.revision],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise HarnessError(f"{source.text}: git cannot give its files ({_last(done.stderr)}).")
    try:
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(place, filter="data")
    except tarfile.TarError as error:  # a link that leads out of the commit, for instance
        raise HarnessError(f"{source.text}: its files cannot be unpacked ({error}).") from error
    return place


def _run(source: Source, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise HarnessError(f"{command[0]}: cannot be run ({error.strerror or error}).") from error
    if done.returncode:
        raise HarnessError(
            f"{source.text}: its environment cannot be installed: "
            f"{_last(done.stderr) or _last(done.stdout) or f'code {done.returncode}'}"
        )


def _last(output: bytes) -> str:
    """What an installer complained of, the lines marked as errors first."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return shown(plain(" ".join((errors or lines)[-LINES:])), 400)
