"""The MiniLM experiment, on a tiny untrained BERT in the place of the pretrained one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from harness.design.factors import Arm
from studies.eval_variance import minilm
from studies.eval_variance.minilm import (
    EXPERIMENT,
    MODE,
    N_VAL,
    FineTuned,
    Validated,
    fine_tune,
    measure,
    padded,
    validate,
    without_dropout,
)

TEXTS = [[101, 7, 8, 9, 102], [101, 5, 102], [101, 11, 12, 13, 14, 15, 102], [101, 6, 7, 102]]


def tiny_bert(_name: str = "", classes: int = 3, dropout: float = 0.1) -> nn.Module:
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.3,
    )
    config.num_labels = classes
    model: nn.Module = transformers.BertForSequenceClassification(config)
    return model.eval()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors on many threads wait for each other, above all on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def tuned_twice(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FineTuned, FineTuned]]:
    monkeypatch.setattr(minilm, "load_classifier", tiny_bert)
    runs = []
    for _ in range(2):
        fine_tune.cache_clear()
        runs.append(fine_tune(seed=3, device="cpu", effort=0))
    yield runs[0], runs[1]
    fine_tune.cache_clear()


def test_shorter_texts_are_padded_and_masked() -> None:
    one = padded([[1, 2, 3], [4]], "cpu")
    assert one["input_ids"].tolist() == [[1, 2, 3], [4, 0, 0]]
    assert one["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_each_texts_logits_stand_in_its_own_place_whatever_the_batches(batch: int) -> None:
    torch.manual_seed(0)
    model = tiny_bert()
    with torch.no_grad():
        alone = torch.cat([model(input_ids=torch.tensor([text])).logits for text in TEXTS])
    passes = validate(model, TEXTS, 2, batch)
    assert passes.shape == (2, len(TEXTS), 3)
    torch.testing.assert_close(passes[0], alone, atol=1e-5, rtol=1e-5)
    assert torch.equal(passes[0], passes[1])


def test_texts_of_one_batch_drop_as_texts_on_their_own_do() -> None:
    """The mean of many train-mode passes is the same in batches and one by one, within 5 s.e."""
    torch.manual_seed(0)
    model = tiny_bert(dropout=0.3).train()
    together = validate(model, TEXTS * 60, 1, batch=50)[0].reshape(60, len(TEXTS), 3)
    alone = validate(model, TEXTS, 60, batch=1)
    error = ((together.var(0) + alone.var(0)) / 60).sqrt()
    assert ((together.mean(0) - alone.mean(0)).abs() < 5 * error).all()


def test_without_dropout_train_mode_is_eval_mode_and_the_original_keeps_its_dropout() -> None:
    torch.manual_seed(0)
    model = tiny_bert()
    copied = without_dropout(model).train()
    assert torch.equal(validate(copied, TEXTS, 1), validate(model, TEXTS, 1))
    assert not torch.equal(validate(model.train(), TEXTS, 1), validate(copied, TEXTS, 1))


def test_a_resumed_run_makes_the_same_weights_again(
    tuned_twice: tuple[FineTuned, FineTuned],
) -> None:
    first, again = (run.model.state_dict() for run in tuned_twice)
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    torch.manual_seed(3)
    untrained = tiny_bert(classes=8).state_dict()
    name = "classifier.weight"
    assert not torch.equal(first[name], untrained[name])


def test_held_out_texts_are_the_same_in_both_efforts_and_not_trained_on(
    tuned_twice: tuple[FineTuned, FineTuned],
) -> None:
    texts = [tuple(text) for text in tuned_twice[0].texts]
    assert len(texts) >= max(N_VAL.levels) == 200
    assert len(texts) == len(tuned_twice[0].labels)
    assert max(map(len, texts)) == minilm.MAX_TOKENS


def test_a_block_does_not_see_whether_it_was_the_one_to_fine_tune(
    tuned_twice: tuple[FineTuned, FineTuned],
) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    fine_tune.cache_clear()
    fine_tune(seed=3, device="cpu", effort=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_measure_reads_accuracy_flips_and_gap_off_the_first_texts() -> None:
    labels = torch.zeros(200, dtype=torch.long)
    logits = torch.zeros(2, 200, 3)
    logits[:, :, 0] = 1.0  # every text right in both passes,
    logits[1, :10, 1] = 4.0  # but for 10 of the first 50 in the second one
    cell = Validated({"train": logits, "eval": logits[:1]}, labels)
    small, large = (measure(cell, Arm((("mode", "train"), ("n_val", n)))) for n in (50, 200))
    assert small["accuracy"] == pytest.approx([1.0, 0.8])
    assert large["accuracy"] == pytest.approx([1.0, 0.95])
    assert small["swing"] == 0.2
    assert small["flip_rate"] == pytest.approx(0.2)
    assert small["ever_flips"] == pytest.approx(0.2)
    assert large["off_eval"] == 4.0
    right, wrong = np.log(np.e + 2) - 1, np.log(np.e + np.e**4 + 1) - 1
    assert small["loss"] == pytest.approx([right, 0.8 * right + 0.2 * wrong], rel=1e-6)


def test_one_text_at_a_time_is_measured_on_the_small_set_only() -> None:
    sizes = [arm[N_VAL] for arm in EXPERIMENT.arms() if arm[MODE] == "eval, one by one"]
    assert sizes == [50]
