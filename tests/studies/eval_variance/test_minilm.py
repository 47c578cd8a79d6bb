"""The MiniLM experiment, on a tiny untrained BERT in the place of the pretrained one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from harness.design.factors import Arm, Block
from studies.eval_variance import minilm
from studies.eval_variance.minilm import (
    CALLS,
    EXPERIMENT,
    FEW,
    HEAD,
    MANY,
    MODE,
    MODEL,
    N_VAL,
    TUNED,
    Corpus,
    Validated,
    measure,
    padded,
    prepare,
    scores_differ,
    sentence_vectors,
    validate,
    without_dropout,
)

TEXTS = [[101, 7, 8, 9, 102], [101, 5, 102], [101, 11, 12, 13, 14, 15, 102], [101, 6, 7, 102]]


def config(dropout: float) -> transformers.BertConfig:
    return transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.3,
    )


def tiny_bert(_name: str = "", classes: int = 3, dropout: float = 0.1) -> nn.Module:
    made = config(dropout)
    made.num_labels = classes
    model: nn.Module = transformers.BertForSequenceClassification(made)
    return model.eval()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors on many threads wait for each other, above all on a busy machine."""
    torch.set_num_threads(1)


def random_corpus(count: int = 300) -> Corpus:
    """Texts that are all different, each naming its own place in its first token."""
    draw = np.random.default_rng(0)
    tokens = [
        [1000 + place, *draw.integers(5, 900, size=draw.integers(2, 9))] for place in range(count)
    ]
    labels = torch.arange(count) % 3
    return Corpus(tokens, labels, torch.randn(count, 12), classes=3)


def block(seed: int, corpus: Corpus) -> Block:
    return replace(Block(0, seed, shared_seed=1, effort=0), run=corpus)


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


def test_padding_has_no_part_in_a_sentence_s_vector() -> None:
    torch.manual_seed(0)
    encoder: nn.Module = transformers.BertModel(config(0.1))
    encoder.eval()
    together = sentence_vectors(encoder, TEXTS)
    for place, text in enumerate(TEXTS):
        with torch.no_grad():
            (states,) = encoder(input_ids=torch.tensor([text])).last_hidden_state
        mean = states.mean(0)
        torch.testing.assert_close(
            together[place], mean / mean.norm() * 16**0.5, atol=1e-5, rtol=1e-5
        )


def test_a_block_has_a_fine_tuning_and_texts_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "load_classifier", tiny_bert)
    corpus = random_corpus()
    first, again, other = (prepare(block(seed, corpus)) for seed in (3, 3, 4))
    for model in MODEL.levels:
        logits = first.logits[model, "eval"]
        assert torch.equal(logits, again.logits[model, "eval"])
        assert not torch.equal(logits, other.logits[model, "eval"])
        assert logits.shape == (2, MANY, 3)
    assert not torch.equal(first.labels, other.labels)


def test_no_text_is_both_trained_on_and_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "load_classifier", tiny_bert)
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    right = minilm.padded

    def watched(texts: list[list[int]], device: str) -> dict[str, torch.Tensor]:
        seen[torch.is_grad_enabled()] |= {int(text[0]) for text in texts}
        return right(texts, device)

    monkeypatch.setattr(minilm, "padded", watched)
    prepare(block(3, random_corpus()))
    assert len(seen[True]) == minilm.RECIPES[0].texts
    assert len(seen[False]) == MANY
    assert not seen[True] & seen[False]


def arm(mode: str, n: int, model: str = TUNED) -> Arm:
    return Arm(((MODEL.name, model), (MODE.name, mode), (N_VAL.name, n)))


def test_measure_reads_accuracy_flips_and_gap_off_the_first_texts() -> None:
    labels = torch.zeros(200, dtype=torch.long)
    logits = torch.zeros(2, 200, 3)
    logits[:, :, 0] = 1.0  # every text right in both passes,
    logits[1, :10, 1] = 4.0  # but for 10 of the first 50 in the second one
    cell = Validated({(TUNED, "train"): logits, (TUNED, "eval"): logits[:1]}, labels)
    small, large = (measure(cell, arm("train", n)) for n in (FEW, MANY))
    assert small["accuracy"] == pytest.approx([1.0, 0.8])
    assert large["accuracy"] == pytest.approx([1.0, 0.95])
    assert small["swing"] == 0.2
    assert small["flip_rate"] == pytest.approx(0.2)
    assert small["same_class"] == pytest.approx(0.8)
    assert small["scores_differ"] == pytest.approx(0.2)
    assert large["off_eval"] == 4.0
    right, wrong = np.log(np.e + 2) - 1, np.log(np.e + np.e**4 + 1) - 1
    assert small["loss"] == pytest.approx([right, 0.8 * right + 0.2 * wrong], rel=1e-6)


def test_a_swing_is_taken_over_so_many_calls_and_no_more() -> None:
    logits = torch.zeros(CALLS + 1, 200, 2)
    logits[:, :, 0] = 1.0
    logits[-1, :, 1] = 2.0  # all wrong, one call too late
    cell = Validated(
        {(HEAD, "train"): logits, (HEAD, "eval"): logits[:1]}, torch.zeros(200, dtype=torch.long)
    )
    found = measure(cell, arm("train", MANY, HEAD))
    assert found["swing"] == 0
    assert found["accuracy"] == [1.0] * CALLS + [0.0]


def test_equal_scores_do_not_differ_and_one_pass_has_nothing_to_differ_from() -> None:
    same = torch.ones(3, 4, 2)
    other = same.clone()
    other[2, 1, 0] += 1e-6
    assert scores_differ(same) == scores_differ(same[:1]) == 0
    assert scores_differ(other) == pytest.approx(1 / 8)


def test_one_text_at_a_time_is_measured_on_the_small_set_of_the_fine_tuned_model() -> None:
    arms = [arm for arm in EXPERIMENT.arms() if arm[MODE] == "eval, one by one"]
    assert [(one[N_VAL], one[MODEL]) for one in arms] == [(FEW, TUNED)]
