"""What is loaded, which of 4 and 8 workers is taken, and when it is near the best."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader import other_storage, storage
from studies.dataloader.storage import (
    BATCHES,
    EXAMPLES,
    EXPERIMENT,
    KIND,
    OTHERS,
    Cell,
    faster,
    prepare,
    reader,
    throughput_by_workers,
)
from studies.dataloader.stores import LARGE, MIDDLE, SMALL, WAITING, open_stores
from tests.studies.planted_times import planted_table, verdicts


def seconds(times: dict[str, float]) -> Callable[[Arm], float]:
    return lambda arm: times[str(arm.as_dict()["workers"])]


def claim(times: dict[str, float]) -> dict[str, str]:
    found = verdicts(EXPERIMENT, planted_table(EXPERIMENT, seconds(times)))
    return {k: v for k, v in found.items() if k.startswith("C1.21")}


def test_the_claim_holds_where_the_better_one_is_within_a_tenth_of_all() -> None:
    found = claim({"none": 2, "1": 2, "2": 1.0, "4 or 8": 1.05, "16": 1.2})
    assert list(found.values()) == ["reproduced"] * len(OTHERS) * len(KIND.levels)


def test_a_better_number_is_named_for_each_kind_of_file() -> None:
    times = {"none": 2.0, "1": 2.0, "2": 1.5, "4 or 8": 1.2, "16": 1.0}
    refuted = [name for name, word in claim(times).items() if word == "refuted"]
    assert len(refuted) == len(KIND.levels)
    assert all("over 16 workers" in name for name in refuted)
    (axes,) = throughput_by_workers(planted_table(EXPERIMENT, seconds(times))).axes
    assert "1.20 times as long as with the best other number, 16 workers" in axes.get_title()


def test_epochs_that_failed_are_missing_in_the_figures() -> None:
    table = planted_table(
        EXPERIMENT, seconds(dict.fromkeys(("1", "2", "4 or 8", "16"), 1.0) | {"none": 2.0})
    )
    (axes,) = throughput_by_workers(table[table["workers"] != "16"]).axes
    assert "16 workers" not in axes.get_title()
    (axes,) = throughput_by_workers(table[table["workers"] != "4 or 8"]).axes
    assert axes.get_title() == "The epochs that show 4 to 8 workers failed"


class Timed:
    """A reader of which every epoch takes as long as we say."""

    def __init__(self, now: list[float], lasts: float, starts: float = 0.0) -> None:
        self.now, self.lasts, self.starts = now, lasts, starts

    def read(self, _: str) -> None:
        self.now[0] += self.lasts + self.starts
        self.starts = 0.0


@pytest.mark.parametrize(("four", "eight", "expected"), [(2.0, 3.0, 0), (2.0, 1.0, 1)])
def test_the_better_number_is_the_one_whose_epochs_are_shorter_once_workers_are_there(
    four: float, eight: float, expected: int
) -> None:
    now = [0.0]
    readers = [Timed(now, four, starts=100), Timed(now, eight)]
    assert faster(readers, MIDDLE, clock=lambda: now[0]) is readers[expected]  # type: ignore[arg-type,comparison-overlap]


def test_a_reader_loads_sixteen_batches_of_its_kind() -> None:
    made = reader(open_stores({}), 0)
    for kind, size in EXAMPLES.items():
        made.epoch.kind = kind
        assert [len(batch) for batch in made.epoch] == [size] * BATCHES
        assert {of for batch in made.epoch for of, _ in batch} == {kind}


def test_every_kind_has_loaders_with_the_named_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "TRIALS", 1)
    for cell, kinds in (
        (prepare(Block(0, 1, 2)), (MIDDLE, LARGE)),
        (other_storage.prepare(Block(0, 1, 2)), (SMALL, WAITING)),
    ):
        workers = {key: made.loader.num_workers for key, made in cell.readers.items()}
        for kind in kinds:
            assert workers.pop(("4 or 8", kind)) in (4, 8)
            assert [workers.pop((name, kind)) for name in OTHERS] == [0, 1, 2, 16]
        assert not workers


def test_a_task_reads_its_kind_with_its_loader() -> None:
    asked: list[tuple[str, str]] = []

    class Listening:
        def __init__(self, name: str) -> None:
            self.name = name

        def read(self, kind: str) -> None:
            asked.append((self.name, kind))

    readers = {(w, k): Listening(w) for w in ("none", "4 or 8") for k in (MIDDLE, LARGE)}
    cell = Cell(readers, {})  # type: ignore[arg-type]
    for workers, kind in readers:
        storage.task(cell, Arm((("kind", kind), ("workers", workers), ("copy", "first"))))()
    assert asked == list(readers)


def test_tiny_files_and_waiting_are_beyond_the_passage() -> None:
    table = planted_table(other_storage.EXPERIMENT, lambda _: 1.0)
    found = verdicts(other_storage.EXPERIMENT, table)
    assert {name.split(":")[0] for name in found} == {"beyond C1.21", "control"}
    (axes,) = other_storage.throughput_by_workers(table).axes
    assert "1.0 times as fast as none" in axes.get_title()
