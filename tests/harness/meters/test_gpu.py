"""The state of a GPU, as a planted management library tells it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.design.gpu_state import QUANTITIES, REASONS, SLOWDOWNS, disturbances, is_limited
from harness.meters import gpu
from tests.harness.nvml import QUESTIONS, Library
from tests.harness.nvml import REASONS as NVML_REASONS

ALL = tuple(quantity.name for quantity in QUANTITIES)
BEST = {
    "sm_clock": 1980.0,
    "memory_clock": 2619.0,
    "temperature": 45.0,
    "power": 350.0,
    "throttle_reasons": 0.0,
    "other_processes": 0.0,
}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    planted = Library()
    monkeypatch.setitem(sys.modules, "pynvml", planted)
    properties = SimpleNamespace(uuid="1234")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    gpu._handle.cache_clear()
    yield planted
    gpu._handle.cache_clear()


def test_every_quantity_is_read_in_its_own_unit(library: Library) -> None:
    assert set(ALL) == set(BEST) == set(QUESTIONS)
    assert gpu.open_watch().read(ALL) == gpu.Reading(BEST, {})


def test_only_what_is_asked_for_is_read(library: Library) -> None:
    watch = gpu.open_watch()
    library.asked.clear()
    assert watch.read(["power", "sm_clock"]).values == {"power": 350.0, "sm_clock": 1980.0}
    assert library.asked == [QUESTIONS["power"], QUESTIONS["sm_clock"]]


@pytest.mark.parametrize("name", ALL)
def test_a_quantity_that_is_refused_takes_no_other_with_it(library: Library, name: str) -> None:
    library.refused[QUESTIONS[name]] = "Not Supported"
    reading = gpu.open_watch().read(ALL)
    assert reading.values == {other: value for other, value in BEST.items() if other != name}
    assert reading.missing == {name: "Not Supported"}


@pytest.mark.parametrize("name", ALL)
def test_a_question_that_an_old_library_does_not_know_takes_no_other_with_it(
    library: Library, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = QUESTIONS[name].partition(":")[0]
    monkeypatch.delattr(Library, function)
    of_it = {other for other in ALL if QUESTIONS[other].startswith(function)}
    reading = gpu.open_watch().read(ALL)
    assert set(reading.missing) == of_it
    assert all("nvidia-ml-py does not know it" in why for why in reading.missing.values())


def test_a_library_that_has_only_the_newer_way_to_the_temperature_is_asked_that_way(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Library.nvmlDeviceGetTemperature
    monkeypatch.delattr(Library, "nvmlDeviceGetTemperature")
    monkeypatch.setattr(Library, "nvmlDeviceGetTemperatureV", old, raising=False)
    assert gpu.open_watch().read(["temperature"]).values == {"temperature": 45.0}


def test_what_the_library_begins_to_refuse_is_missing_from_then_on_alone(library: Library) -> None:
    watch = gpu.open_watch()
    assert watch.read(["sm_clock"]).missing == {}
    library.refused[QUESTIONS["sm_clock"]] = "GPU is lost"
    assert watch.read(["sm_clock"]) == gpu.Reading({}, {"sm_clock": "GPU is lost"})
    library.refused.clear()
    assert watch.read(["sm_clock"]).values == {"sm_clock": 1980.0}


@pytest.mark.parametrize("step", ["nvmlInit", "nvmlDeviceGetHandleByUUID"])
def test_a_gpu_that_cannot_be_opened_gives_nothing_and_says_why(
    library: Library, step: str
) -> None:
    library.refused[step] = "Driver Not Loaded"
    reading = gpu.open_watch().read(ALL)
    assert reading == gpu.Reading({}, dict.fromkeys(ALL, "Driver Not Loaded"))
    assert gpu.describe() == {"unwatched": "Driver Not Loaded"}
    assert gpu.remarks() == ["the GPU could not be watched (Driver Not Loaded)"]


def test_without_the_library_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pynvml", missing)
    assert gpu.open_watch().read(["power"]).missing == {"power": "nvidia-ml-py is not installed"}
    assert gpu.describe() == {"unwatched": "nvidia-ml-py is not installed"}


@pytest.mark.parametrize(
    ("users", "others"),
    [
        ([os.getpid()], 0),
        ([os.getpid(), 1], 1),
        ([os.getpid(), 1, 2], 2),
        ([99_999_999], 0),  # this process, by the number it has outside of its container
        ([99_999_998, 99_999_999], 1),
    ],
)
def test_other_processes_are_counted_and_this_one_is_not(
    library: Library, users: list[int], others: int
) -> None:
    library.card.users = users
    assert gpu.open_watch().read(["other_processes"]).values == {"other_processes": others}


def test_where_processes_are_hidden_others_are_not_known(library: Library) -> None:
    library.card.users = []
    reading = gpu.open_watch().read(["other_processes", "sm_clock"])
    assert reading.missing == {"other_processes": "processes on the GPU are hidden from this one"}
    assert reading.values == {"sm_clock": 1980.0}


def test_the_bits_are_those_of_nvml() -> None:
    assert {name: NVML_REASONS[name] for name in REASONS} == REASONS
    assert {*SLOWDOWNS, NVML_REASONS["SwPowerCap"]} == set(REASONS.values())


@pytest.mark.parametrize("name", sorted(set(NVML_REASONS) - set(REASONS)))
def test_idle_locked_and_displaying_gpus_are_neither_limited_nor_disturbed(name: str) -> None:
    assert disturbances({"throttle_reasons": NVML_REASONS[name]}) == []
    assert not is_limited(NVML_REASONS[name])


def test_the_power_limit_disturbs_nothing() -> None:
    assert disturbances({"throttle_reasons": 0x4 | 0x1}) == []
    assert is_limited(0x4 | 0x1)


@pytest.mark.parametrize("bit", SLOWDOWNS)
def test_a_slowdown_disturbs_and_says_which_it_is(bit: int) -> None:
    assert disturbances({"throttle_reasons": bit | 0x4}) == [f"the GPU was {SLOWDOWNS[bit]}"]


def test_another_process_disturbs_and_what_is_not_known_does_not() -> None:
    assert disturbances({"other_processes": 2}) == ["another process used the GPU"]
    assert disturbances({}) == []


@pytest.mark.parametrize(
    ("reasons", "users", "said"),
    [
        (0, 1, []),
        (0x4, 1, ["the GPU was at its power limit"]),
        (0x20, 2, ["the GPU was slowed down by its temperature", "another process used the GPU"]),
    ],
)
def test_the_remarks_name_limits_and_disturbances(
    library: Library, reasons: int, users: int, said: list[str]
) -> None:
    library.card.reasons, library.card.users = reasons, list(range(users))
    assert gpu.remarks() == said


def test_the_description_is_in_watts_and_megahertz(library: Library) -> None:
    described = {
        "driver": "580.1",
        "power_limit_watts": 350.0,
        "top_clock_mhz": 1980,
        "top_memory_clock_mhz": 2619,
    }
    assert gpu.describe() == described
    library.refused["nvmlDeviceGetEnforcedPowerLimit"] = "Not Supported"
    del described["power_limit_watts"]
    assert gpu.describe() == described | {"unwatched": "Not Supported"}


@pytest.mark.cuda
def test_the_library_knows_the_gpu_that_torch_uses() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    assert "unwatched" not in gpu.describe()
    torch.zeros(1, device="cuda")
    reading = gpu.open_watch().read(ALL)
    assert {"sm_clock", "throttle_reasons"} <= set(reading.values), reading.missing


@pytest.mark.cuda
def test_the_real_library_has_the_bits() -> None:
    pynvml = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    assert {n: getattr(pynvml, f"nvmlClocksEventReason{n}") for n in REASONS} == REASONS
