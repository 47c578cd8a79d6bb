"""Archives: what is packed comes out whole, and what is not in order does not come in."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.protocol.selection import Selection
from harness.store.archive import MEMBER_BYTES, import_archive, write_archive
from harness.store.durations import add_durations, read_durations
from harness.store.folders import RunFolder
from tests.harness.runs import Bench, bench, drawing, snapshot, study_of

STUDY = study_of(a=drawing(2), b=drawing(2))


def measured(top: Path, *experiments: str) -> Bench:
    """A run in the place that a results folder has for it."""
    made = bench(top / "planted" / "run-1", STUDY, selection=Selection((), 60.0))
    made.execute(order=experiments)
    add_durations(made.folder, {"a": 1.5})
    (made.folder.figures).mkdir()
    (made.folder.figures / "a.png").write_bytes(b"drawn")
    return made


def packed(tmp_path: Path, *experiments: str) -> tuple[Bench, Path]:
    made = measured(tmp_path / "there", *experiments)
    archive = tmp_path / "lease.zip"
    assert write_archive(archive, [made.folder]) == archive.stat().st_size
    return made, archive


def repack(archive: Path, changed: Mapping[str, bytes | None]) -> Path:
    """The archive with other contents of some members; None leaves one out."""
    other = archive.with_name("other.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(other, "w") as new:
        members = {name: old.read(name) for name in old.namelist()}
        for name, content in {**members, **changed}.items():
            if content is not None:
                new.writestr(name, content)
    return other


def test_a_run_comes_out_as_it_went_in_without_what_is_derived(tmp_path: Path) -> None:
    made, archive = packed(tmp_path, "a", "b")
    (imported,) = import_archive(archive, tmp_path / "here")
    assert imported.tables == ("a", "b")
    assert imported.folder.path == tmp_path / "here" / "planted" / "run-1"
    went, came = snapshot(made.folder.path), snapshot(imported.folder.path)
    assert came == {name: content for name, content in went.items() if "figures" not in name}
    assert read_durations(imported.folder) == {"a": 1.5, "b": 0.0}
    assert not list((tmp_path / "here").glob(".import-*"))


def test_a_run_that_is_there_already_gets_the_tables_it_lacks(tmp_path: Path) -> None:
    made, archive = packed(tmp_path, "a")
    import_archive(archive, tmp_path / "here")
    made.execute()
    write_archive(archive, [made.folder])
    (imported,) = import_archive(archive, tmp_path / "here")
    assert imported.tables == ("b",)
    (again,) = import_archive(archive, tmp_path / "here")
    assert again.tables == ()


EDITED = b"PAR1 and something else PAR1"
BASE = "planted/run-1"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({f"{BASE}/observations/a.parquet": EDITED}, "a.parquet"),
        ({f"{BASE}/machine.json": b'{"cpu": "another"}'}, "edited after the run"),
        ({f"{BASE}/protocol.json": b"{}"}, "format None"),
        ({f"{BASE}/protocol.json": None}, "no run in this archive"),
        ({f"{BASE}/machine.json": None}, "machine.json"),
        ({"planted/run-2/observations/a.parquet": EDITED}, "planted/run-2 has no protocol"),
        ({f"{BASE}/observations/z.parquet": EDITED}, "no experiment 'z'"),
        ({f"{BASE}/durations.json": b"soon"}, "durations.json"),
        ({"../outside.json": b"{}"}, "'../outside.json' has no place"),
        ({"/etc/protocol.json": b"{}"}, "'/etc/protocol.json' has no place"),
        ({f"{BASE}/../../protocol.json": b"{}"}, "has no place"),
        ({f"{BASE}/verdicts.csv": b"claim"}, "has no place"),
        ({f"{BASE}/observations/a.parts/00000.parquet": EDITED}, "has no place"),
        ({"other/run-1/protocol.json": b"{}"}, "format None"),
    ],
)
def test_what_is_not_in_order_is_refused_and_nothing_is_written(
    changed: dict[str, bytes | None], sentence: str, tmp_path: Path
) -> None:
    _, archive = packed(tmp_path, "a")
    with pytest.raises(HarnessError) as refused:
        import_archive(repack(archive, changed), tmp_path / "here")
    assert sentence in str(refused.value)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_table_of_another_run_is_refused(tmp_path: Path) -> None:
    _, archive = packed(tmp_path, "a")
    foreign = bench(tmp_path / "foreign", STUDY)  # of the whole study: another protocol
    foreign.execute()
    table = foreign.folder.table("a").read_bytes()
    with pytest.raises(HarnessError, match="run_sha256"):
        import_archive(
            repack(archive, {f"{BASE}/observations/a.parquet": table}), tmp_path / "here"
        )


def test_a_run_under_another_studys_name_is_refused(tmp_path: Path) -> None:
    made, archive = packed(tmp_path, "a")
    moved = {
        f"other/run-1/{n}": (made.folder.path / n).read_bytes()
        for n in ("protocol.json", "machine.json")
    }
    with pytest.raises(HarnessError, match="under another study's name"):
        import_archive(repack(archive, moved), tmp_path / "here")


def test_another_run_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    _, archive = packed(tmp_path, "a")
    here = tmp_path / "here"
    there = bench(here / "planted" / "run-1", STUDY)
    before = snapshot(there.folder.path)
    with pytest.raises(HarnessError, match="another run of this name"):
        import_archive(archive, here)
    assert snapshot(there.folder.path) == before


def test_a_member_that_is_too_large_is_not_unpacked(tmp_path: Path) -> None:
    huge = tmp_path / "huge.zip"
    with zipfile.ZipFile(huge, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{BASE}/protocol.json", bytes(MEMBER_BYTES + 1))
    assert huge.stat().st_size < 1_000_000
    with pytest.raises(HarnessError, match="larger than"):
        import_archive(huge, tmp_path / "here")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all"])
def test_what_is_no_zip_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "lease.zip"
    path.write_bytes(content)
    with pytest.raises(HarnessError, match="not a whole archive"):
        import_archive(path, tmp_path / "here")


def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    _, archive = packed(tmp_path, "a")
    whole = archive.read_bytes()
    for length in range(0, len(whole), max(len(whole) // 20, 1)):
        archive.write_bytes(whole[:length])
        with pytest.raises(HarnessError):
            import_archive(archive, tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="there is no such archive"):
        import_archive(tmp_path / "lease.zip", tmp_path / "here")


def test_an_archive_that_cannot_be_written_leaves_no_half(tmp_path: Path) -> None:
    made = measured(tmp_path, "a")
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(HarnessError, match="cannot be written"):
        write_archive(place / "lease.zip", [RunFolder(made.folder.path)])
