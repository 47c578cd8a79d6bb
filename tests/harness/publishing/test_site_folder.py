"""A generated folder: what stays, what goes, and whose files are whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.publishing.site_folder import LISTING, SiteFolder


def build(path: Path, **files: str) -> SiteFolder:
    folder = SiteFolder.open(path)
    for name, content in files.items():
        folder.put(f"pages/{name}.html", content.encode())
    folder.finish()
    return folder


def test_a_file_with_the_same_bytes_is_not_touched(tmp_path: Path) -> None:
    build(tmp_path / "site", a="one", b="two")
    before = (tmp_path / "site/pages/a.html").stat()
    again = build(tmp_path / "site", a="one", b="three")
    assert again.written == ["pages/b.html"]
    after = (tmp_path / "site/pages/a.html").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_a_build_before_wrote_goes_and_what_somebody_else_put_there_stays(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site"
    build(site, a="one", b="two")
    (site / "CNAME").write_text("example.org")
    build(site, b="two")
    assert sorted(p.name for p in site.rglob("*") if p.is_file()) == [LISTING, "CNAME", "b.html"]


def test_a_folder_with_files_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(HarnessError, match="holds files that no report wrote"):
        SiteFolder.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(HarnessError, match="is not a folder"):
        SiteFolder.open(tmp_path / "site")


def test_a_build_that_was_stopped_can_be_built_again(tmp_path: Path) -> None:
    stopped = SiteFolder.open(tmp_path / "site")
    stopped.put("a.html", b"half")
    assert build(tmp_path / "site", a="one").written


def test_a_listing_that_names_files_elsewhere_removes_none_of_them(tmp_path: Path) -> None:
    build(tmp_path / "site", a="one")
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "site" / LISTING).write_text('["../thesis.tex", "pages/a.html"]')
    build(tmp_path / "site", b="two")
    assert (tmp_path / "thesis.tex").is_file()
    assert not (tmp_path / "site/pages/a.html").exists()


def test_what_cannot_be_written_is_said_with_its_place(tmp_path: Path) -> None:
    build(tmp_path / "site", a="one")
    folder = SiteFolder.open(tmp_path / "site")
    with pytest.raises(HarnessError, match=r"a\.html/b\.html: cannot be written"):
        folder.put("pages/a.html/b.html", b"")


def test_what_somebody_has_removed_already_is_no_error(tmp_path: Path) -> None:
    build(tmp_path / "site", a="one")
    (tmp_path / "site/pages/a.html").unlink()
    (tmp_path / "site/pages").rmdir()
    assert build(tmp_path / "site").written == [LISTING]


@pytest.mark.parametrize("content", ["{", "7", "\xff"])
def test_a_broken_listing_is_refused_with_what_to_do(content: str, tmp_path: Path) -> None:
    build(tmp_path / "site", a="one")
    (tmp_path / "site" / LISTING).write_bytes(content.encode("latin-1"))
    with pytest.raises(HarnessError, match=f"is broken .* remove {tmp_path / 'site'}"):
        build(tmp_path / "site", b="two")
