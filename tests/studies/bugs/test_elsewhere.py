"""The process with a fake GPU, and what is asked of it."""

from __future__ import annotations

import pytest
import torch

from harness.errors import HarnessError
from studies.bugs import elsewhere, mixed_devices
from studies.bugs.elsewhere import outcomes_on, refused


def test_only_errors_of_torch_count_as_refused() -> None:
    def mistake() -> None:
        raise KeyError

    assert refused(torch.ones(2).add, torch.ones(3))
    assert not refused(torch.ones(2).add, torch.ones(2))
    with pytest.raises(KeyError):
        refused(mistake)


def test_on_a_gpu_the_module_is_asked_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[str] = []

    def outcomes(place: str) -> dict[str, float]:
        places.append(place)
        return {"share": 1.0}

    monkeypatch.setattr(mixed_devices, "outcomes", outcomes)
    assert outcomes_on("cuda", mixed_devices.__name__) == {"share": 1.0}
    assert places == ["cuda"]


def test_without_one_a_process_with_a_fake_is_asked() -> None:
    """Its device has places, and refuses what mixes them, whichever operation that may be."""
    found = outcomes_on("cpu", mixed_devices.__name__)
    assert set(found.values()) <= {0.0, 1.0}
    assert any(found[f"mixed: {name}"] for name in mixed_devices.USUAL)
    assert not any(found[f"together: {name}"] for name in mixed_devices.USUAL)


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "__name__", "studies.bugs.no_such_module")
    with pytest.raises(HarnessError, match="no_such_module"):
        outcomes_on("cpu", "anything")
