"""What the ways of saving and loading keep, on networks that are hardly trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from studies.load_loss import artefacts
from studies.load_loss.artefacts import ASSIGNED, IN_EVAL, NEW, WAY, WHOLE, measure
from studies.load_loss.files import state_in
from studies.load_loss.trained import BOTH, STEPS, Trained, train_nets


@pytest.fixture(scope="module")
def cell() -> list[tuple[Trained, int]]:
    """A few steps are enough, and one training for all tests."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STEPS, "short", 12)
        return [(train_nets(BOTH, "short", (Block(0, 5, 0),))[0], 5)]


def measured(cell: list[tuple[Trained, int]], saved: str, way: str) -> Responses:
    (found,) = measure(copy.deepcopy(cell), Arm((("saved", saved), ("way", way))))
    return found


@pytest.mark.parametrize("way", WAY.levels)
def test_a_loaded_network_has_the_weights_that_were_saved(
    cell: list[tuple[Trained, int]], way: str
) -> None:
    trained, _ = cell[0]
    file = artefacts.saved(copy.deepcopy(trained.net), "train", way)
    loaded = artefacts.WAYS[way](file, "cpu").state_dict()
    assert loaded.keys() == trained.net.state_dict().keys()
    weight = trained.net.state_dict()["0.weight"]
    torch.testing.assert_close(loaded["0.weight"], weight, rtol=0, atol=0)


def test_a_mode_is_kept_where_either_mode_comes_back(
    cell: list[tuple[Trained, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted loaders: one remembers the mode, others give one and the same mode to every file."""

    def always(mode: bool) -> nn.Module:
        return copy.deepcopy(cell[0][0].net).train(mode)

    #: Of the files in the order of saving: eval mode, then train mode.
    modes: Iterator[bool] = iter([])

    def remembers(_file: bytes, _device: str) -> nn.Module:
        return always(next(modes))

    for way, loader, kept in (
        (NEW, lambda *_: always(mode=True), 0),
        (IN_EVAL, lambda *_: always(mode=False), 0),
        (ASSIGNED, remembers, 1),
    ):
        modes = iter([False, True])
        monkeypatch.setitem(artefacts.WAYS, way, loader)
        assert measured(cell, "train", way)["mode_kept"] == kept


def test_another_file_is_seen(
    cell: list[tuple[Trained, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted format that writes the mode into the file of a state_dict."""
    right = artefacts.saved

    def with_mode(net: nn.Module, mode: str, way: str) -> bytes:
        return right(net, mode, way) + mode.encode()

    monkeypatch.setattr(artefacts, "saved", with_mode)
    monkeypatch.setattr(artefacts, "state_in", lambda file: state_in(file.rstrip(b"trainevl")))
    assert measured(cell, "train", NEW)["file_differs"] == 1
    assert measured(cell, "eval", NEW)["file_differs"] == 0


def test_a_corrupted_weight_is_seen(
    cell: list[tuple[Trained, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def corrupted(file: bytes) -> dict[str, torch.Tensor]:
        state = state_in(file)
        state["0.weight"][0, 0] += 1e-6
        return state

    monkeypatch.setattr(artefacts, "state_in", corrupted)
    assert measured(cell, "train", NEW)["changed"] == 1


def test_a_network_in_eval_mode_has_the_loss_of_eval_mode_and_one_in_train_mode_another(
    cell: list[tuple[Trained, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in (False, True):
        monkeypatch.setitem(
            artefacts.WAYS, NEW, lambda *_, mode=mode: copy.deepcopy(cell[0][0].net).train(mode)
        )
        assert (measured(cell, "train", NEW)["loss_over_eval"] == 1) == (not mode)
        assert measured(cell, "train", NEW)["train_share"] == mode


def test_a_whole_module_is_pickled(cell: list[tuple[Trained, int]]) -> None:
    assert b"Sequential" in artefacts.saved(copy.deepcopy(cell[0][0].net), "eval", WHOLE)
