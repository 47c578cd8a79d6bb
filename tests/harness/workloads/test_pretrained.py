"""Pretrained models by name: packaged ones without network, and a clear refusal of the others."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Never

import pytest
import torch
import transformers
from safetensors.torch import load_file

from harness.errors import HarnessError
from harness.workloads import pretrained
from harness.workloads.pretrained import (
    load_classifier,
    load_encoder,
    load_tokenizer,
    pretrained_source,
)


@pytest.mark.pretrained
def test_the_packaged_encoder_has_the_weights_of_its_file() -> None:
    stored = load_file(Path(pretrained_source("minilm")) / "model.safetensors")
    encoder = load_encoder("minilm")
    loaded = encoder.state_dict()
    assert not encoder.training
    for name, weight in stored.items():
        if name in loaded and weight.is_floating_point():
            assert torch.equal(loaded[name], weight)
    assert sum(name in loaded for name in stored) > 90


@pytest.mark.pretrained
def test_the_packaged_tokenizer_knows_words() -> None:
    tokenizer = load_tokenizer("minilm")
    numbers = tokenizer("return the value")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(numbers) == ["[CLS]", "return", "the", "value", "[SEP]"]


@pytest.mark.pretrained
def test_the_classifiers_head_comes_from_the_global_stream() -> None:
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights = load_classifier("minilm", classes=3).state_dict()["classifier.weight"]
        heads.append(weights)
    assert heads[0].shape == (3, 384)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_folder_on_this_machine_is_a_name_too(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    assert load_encoder(str(tmp_path)).config.hidden_size == 8


def test_a_model_that_cannot_be_fetched_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: object, **__: object) -> Never:
        raise OSError("We couldn't connect.\nAnd a long traceback.")

    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", offline)
    with pytest.raises(
        HarnessError, match=r"'some/model'.*couldn't connect\. Models.*minilm"
    ) as refused:
        load_encoder("some/model")
    assert "\n" not in str(refused.value)


def test_a_packaged_model_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretrained, "PACKAGED", {"small": ("no_such_package", "model")})
    assert importlib.util.find_spec("no_such_package") is None
    with pytest.raises(HarnessError, match="pip install no-such-package"):
        pretrained_source("small")


@pytest.mark.pretrained
def test_loading_prints_nothing_and_leaves_the_librarys_verbosity_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = transformers.utils.logging
    before = (log.get_verbosity(), log.is_progress_bar_enabled())
    load_classifier("minilm", classes=2)
    assert capfd.readouterr() == ("", "")
    assert (log.get_verbosity(), log.is_progress_bar_enabled()) == before
