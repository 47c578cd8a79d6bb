"""What the ways of saving and loading keep, on networks that are hardly trained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.load_loss import artefacts
from studies.load_loss.artefacts import IN_EVAL, NEW, WAY, WHOLE, measure
from studies.load_loss.files import state_in
from studies.load_loss.trained import STEPS, train_nets

BLOCKS = (Block(0, 4, 0), Block(1, 5, 0))


@pytest.fixture(autouse=True, scope="module")
def short_training() -> Iterator[None]:
    """A few steps are enough, and one training for all tests."""
    torch.set_num_threads(1)
    train_nets.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STEPS, "10 epochs", 12)
        yield
    train_nets.cache_clear()


def measured(saved: str, way: str) -> Responses:
    return measure(BLOCKS, Arm((("saved", saved), ("way", way))))[1]


@pytest.mark.parametrize("way", WAY.levels)
def test_nothing_is_lost_on_the_way(way: str) -> None:
    assert measured("train", way)["changed"] == 0


@pytest.mark.parametrize(
    ("way", "modes"), [(NEW, (1, 1)), (IN_EVAL, (0, 0)), (WHOLE, (1, 0))], ids=str
)
def test_only_a_whole_module_remembers_its_mode(way: str, modes: tuple[int, int]) -> None:
    found = tuple(measured(saved, way)["training"] for saved in ("train", "eval"))
    assert found == modes


def test_files_of_a_state_dict_are_the_same_in_both_modes_and_those_of_a_module_are_not() -> None:
    assert measured("train", NEW)["file_differs"] == 0
    assert measured("train", WHOLE)["file_differs"] == 1
    assert measured("eval", WHOLE)["file_differs"] == 0


def test_a_corrupted_weight_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = state_in

    def corrupted(file: bytes) -> dict[str, torch.Tensor]:
        state = right(file)
        state["0.weight"][0, 0] += 1e-6
        return state

    monkeypatch.setattr(artefacts, "state_in", corrupted)
    assert measured("train", NEW)["changed"] == 1


def test_a_network_loaded_in_eval_mode_has_the_loss_of_eval_mode() -> None:
    assert measured("train", IN_EVAL)["loss_over_eval"] == 1
    assert measured("train", NEW)["loss_over_eval"] != 1
