"""The models keep their defaults, the ways of loading load, and planted modes are seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from harness.workloads.pretrained import load_classifier
from studies.load_loss import libraries
from studies.load_loss.files import changed_tensors
from studies.load_loss.libraries import CONFIG, LISTED, RECOMMENDED, WHOLE, measure
from studies.load_loss.models import (
    ARCHITECTURES,
    OWN,
    classifier,
    logits_of,
    rebuilt,
    saved_pretrained,
    texts_for,
)

BLOCK = Block(0, 3, 0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def measured(model: str, saved: str, load: str) -> Responses:
    return measure(BLOCK, Arm((("model", model), ("saved", saved), ("load", load))))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_tiny_models_keep_every_dropout_of_their_default_config(name: str) -> None:
    model: Any = classifier(name)
    default = {k: v for k, v in type(model.config)().to_dict().items() if "drop" in k}
    assert default
    assert {k: model.config.to_dict()[k] for k in default} == default


@pytest.mark.parametrize("name", [OWN, *ARCHITECTURES])
def test_every_model_tells_texts_apart_and_repeats_itself_in_eval_mode(name: str) -> None:
    torch.manual_seed(0)
    model, tokens = classifier(name).eval(), texts_for(name, 4, 8)
    logits = logits_of(model, tokens)
    assert logits.shape == (4, 2)
    assert torch.equal(logits_of(model, tokens), logits)
    assert len(logits[:, 0].unique()) > 1


@pytest.mark.parametrize("name", [OWN, "BERT", "T5"])
def test_a_rebuilt_model_has_the_same_names_and_other_weights(name: str) -> None:
    model = classifier(name)
    one, other = model.state_dict(), rebuilt(model).state_dict()
    assert one.keys() == other.keys()
    assert changed_tensors(one, other) > 0


def test_a_folder_of_save_pretrained_is_gone_afterwards() -> None:
    with saved_pretrained(classifier("BERT")) as folder:
        assert (folder / "model.safetensors").is_file()
    assert not folder.exists()


def test_a_library_that_returns_train_mode_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "load_classifier", lambda *a: load_classifier(*a).train())
    found = measured("BERT", "eval", RECOMMENDED)
    assert found["training"] == found["train_share"] == found["eval_changes"] == 1


@pytest.mark.parametrize("load", [RECOMMENDED, CONFIG, LISTED, WHOLE])
def test_every_way_gives_the_weights_back(load: str) -> None:
    assert measured("DistilBERT", "train", load)["changed"] == 0


def test_weights_that_are_not_loaded_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "load", lambda model, _way: rebuilt(model))
    assert float(str(measured("DistilBERT", "train", CONFIG)["changed"])) > 10


def test_the_mode_after_loading_is_that_of_the_model_that_a_way_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for mode in (False, True):
        monkeypatch.setattr(libraries, "load", lambda model, _way, mode=mode: model.train(mode))
        found = measured("BERT", "eval", WHOLE)
        assert found["training"] == found["train_share"] == mode
        assert (found["eval_moves"] == 0) == (not mode)


def test_transformers_is_the_version_the_study_is_for() -> None:
    assert int(transformers.__version__.partition(".")[0]) >= 5
