"""What is loaded, and when 4 to 8 workers are near the best."""

from __future__ import annotations

from harness.design.factors import Arm, Block
from studies.dataloader import storage
from studies.dataloader.storage import (
    BATCHES,
    DISK_HEAVY,
    EXPERIMENT,
    SETTINGS,
    SIZES,
    prepare,
    throughput_by_setting,
    throughput_by_workers,
)
from studies.dataloader.stores import SMALL, open_stores
from tests.studies.planted_times import planted_table, verdicts


def seconds_with(times: dict[int, float]) -> object:
    return lambda arm: times[dict(arm.levels)["workers"]]


def claim(times: dict[int, float]) -> dict[str, str]:
    table = planted_table(EXPERIMENT, lambda arm: times[int(dict(arm.levels)["workers"])])
    return {k: v for k, v in verdicts(EXPERIMENT, table).items() if k.startswith("C1.21")}


def test_the_claim_holds_where_4_and_8_are_within_a_tenth_of_all() -> None:
    assert set(claim({0: 2, 1: 2, 2: 1.0, 4: 1.05, 8: 1.08}).values()) == {"reproduced"}


def test_a_best_of_8_that_4_does_not_reach_is_named() -> None:
    found = claim({0: 8, 1: 8, 2: 4, 4: 2, 8: 1})
    assert [k for k, v in found.items() if v == "refuted"] == [
        f"C1.21: seconds, workers: 4 / 8 at kind={kind}, setting=default, copy=first"
        for kind in DISK_HEAVY
    ]


def test_a_best_of_2_that_neither_reaches_refutes_both() -> None:
    found = claim({0: 2, 1: 2, 2: 1, 4: 1.2, 8: 1.3})
    refuted = [k for k, v in found.items() if v == "refuted"]
    assert len(refuted) == 2 * 3
    assert len(found) == 8 * 3


def test_settings_change_batches_and_queue_but_not_the_examples() -> None:
    stores = open_stores({})
    for setting, (arguments, _) in SETTINGS.items():
        chosen = storage.reader(stores, 2, setting)
        chosen.epoch.kind = SMALL
        examples = [example for batch in chosen.epoch for example in batch]
        assert examples == [(SMALL, i) for i in range(BATCHES * SIZES[SMALL])]
        assert chosen.loader.prefetch_factor == arguments.get("prefetch_factor", 2)


def test_a_task_loads_its_kind_with_its_workers() -> None:
    cell = prepare(Block(0, 1, 2))
    levels = (("kind", SMALL), ("workers", 0), ("setting", "default"), ("copy", "first"))
    storage.task(cell, Arm(levels))()
    assert cell.readers[0, "default"].epoch.kind == SMALL
    assert {key: made.loader.num_workers for key, made in cell.readers.items()} == {
        **{(n, "default"): n for n in (0, 1, 2, 4, 8)},
        **{(2, setting): 2 for setting in SETTINGS},
    }


def test_figures_name_the_fastest() -> None:
    table = planted_table(EXPERIMENT, lambda arm: 1 / (1 + int(dict(arm.levels)["workers"])))
    (axes,) = throughput_by_workers(table).axes
    assert axes.get_title().count("8 (") == 4
    (axes,) = throughput_by_setting(table).axes
    assert "1.00 of the throughput" in axes.get_title()
