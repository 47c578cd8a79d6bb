"""The command that makes slides of claims and studies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import typer
from rich.console import Console

from harness.cli.progress import counted
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.publishing.lookup import Lookup
from harness.publishing.marp_slides import marp_of
from harness.publishing.pptx_slides import pptx_of
from harness.publishing.project import project
from harness.publishing.slide_pictures import check_programs, pictures_of
from harness.publishing.slides import Slide, slide, slides_of
from harness.words import plural

Form: TypeAlias = Literal["pptx", "marp", "png"]
FORMS: tuple[Form, ...] = get_args(Form)
SUFFIXES: dict[Form, str] = {"pptx": ".pptx", "marp": ".md", "png": ".png"}


def make_slides(names: Sequence[str], form: str, into: Path | None, results: Path) -> None:
    """Write slides and say where they are.

    Args:
        names: claims and studies.
        form: see ``FORMS``.
        into: the file; by default one in the working folder, named after the first of them.
        results: the folder of run folders.

    Raises:
        HarnessError: there is no such form, claim or study, nothing is known of one, the file
            cannot be written, or a program that draws pictures is missing.
    """
    chosen = next((each for each in FORMS if each == form), None)
    if chosen is None:
        raise HarnessError(f"There is no format {form!r}; choose one of {', '.join(FORMS)}.")
    if chosen == "png":
        check_programs()
    file = _file(names[0], into, chosen)
    lookup = Lookup.read(results)
    wanted = slides_of(names, lookup)
    console = Console(stderr=True)
    made = [slide(name, lookup) for name in counted(wanted, "slides", console)]
    for path, content in _written(made, file, chosen, " ".join(names), console):
        write_bytes(path, content)
        typer.echo(path)
    typer.echo(f"{plural(len(made), 'slide')}.")


def _file(name: str, into: Path | None, form: Form) -> Path:
    """The file to write, which has the suffix of its form.

    Raises:
        HarnessError: another suffix was asked for, or it is a folder.
    """
    suffix = SUFFIXES[form]
    file = into or Path(f"{re.sub(r'[^A-Za-z0-9._-]', '-', name)}{suffix}")
    if file.suffix.lower() != suffix:
        raise HarnessError(f"{file}: the file of --format {form} ends in {suffix}.")
    if file.is_dir():
        raise HarnessError(f"{file} is a folder: give the name of a file.")
    return file


def _written(
    slides: Sequence[Slide], file: Path, form: Form, title: str, console: Console
) -> Iterator[tuple[Path, bytes]]:
    if form == "marp":
        text, pictures = marp_of(slides, file.stem)
        for place, picture in pictures.items():
            yield file.parent / place, picture.read_bytes()
        yield file, text
        return
    pptx = pptx_of(slides, title, " & ".join(project().authors))
    if form == "pptx":
        yield file, pptx
        return
    with console.status(f"LibreOffice draws {plural(len(slides), 'slide')}"):
        pictures_made = pictures_of(pptx, len(slides))
    digits = len(str(len(slides)))
    for number, picture_made in enumerate(pictures_made, start=1):
        name = file.name if len(slides) == 1 else f"{file.stem}-{number:0{digits}d}{file.suffix}"
        yield file.with_name(name), picture_made
