"""Texts and training of the language models, and a ratio whose truth is known."""

from __future__ import annotations

import copy

import pytest
import torch

from harness.design.factors import Arm
from studies.load_loss import skipped_eval
from studies.load_loss.files import changed_tensors
from studies.load_loss.models import classifier
from studies.load_loss.skipped_eval import (
    EPOCHS,
    EVAL,
    LENGTH,
    LOAD,
    MAX_TOKENS,
    N_TEXTS,
    RANDOM,
    TRAINING_RATE,
    TRAINING_STEPS,
    Cell,
    Subject,
    Texts,
    fine_tuned,
    halves,
    loaded_ways,
    loss_on,
    measure,
    tokenised,
    train,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_three_of_four_tokens_are_from_the_half_of_the_label() -> None:
    texts = halves(400)
    assert texts.tokens.shape == (400, LENGTH)
    assert (texts.tokens.min().item(), texts.tokens.max().item()) == (0, 99)
    for label in (0, 1):
        own = (texts.tokens[texts.labels == label] >= 50) == bool(label)
        assert own.float().mean().item() == pytest.approx(0.75, abs=0.04)


@pytest.mark.pretrained
def test_texts_are_cut_and_padded_to_one_length() -> None:
    texts = tokenised(["one short text", "word " * 100], [0, 1])
    assert texts.tokens.shape == texts.real.shape == (2, MAX_TOKENS)
    assert texts.real.sum(1).tolist() == [5, MAX_TOKENS]
    assert (texts.tokens[texts.real == 0] == 0).all()


def test_training_lowers_the_loss_on_new_texts() -> None:
    model, held_out = classifier("BERT"), halves(200)
    before = loss_on(model.eval(), held_out)
    train(model, lambda: halves(16), TRAINING_STEPS, TRAINING_RATE)
    assert loss_on(model.eval(), held_out) < 0.5 * before


def test_a_model_is_kept_as_it_was_after_some_steps() -> None:
    def trained(steps: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = classifier("BERT")
        kept = train(model, lambda: halves(4), 5, 1e-3, keep=(steps,))
        assert not any(one.training for one in kept)
        (one,) = kept
        return one.state_dict()

    first, second, last = (trained(steps)["classifier.bias"] for steps in (1, 2, 5))
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    model = classifier("BERT")
    train(model, lambda: halves(4), 5, 1e-3)
    torch.testing.assert_close(model.state_dict()["classifier.bias"], last, rtol=0, atol=0)


def test_held_out_texts_are_none_of_those_tuned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tiny BERT in the place of MiniLM, and texts that carry their own number."""
    seen: list[int] = []
    tiny = classifier("BERT")
    loss = skipped_eval._loss

    def watched(model: torch.nn.Module, texts: Texts) -> torch.Tensor:
        seen.extend(texts.labels.tolist())
        return loss(model, Texts(texts.tokens, texts.real, texts.labels % 2))

    monkeypatch.setattr(skipped_eval, "_loss", watched)
    monkeypatch.setattr(skipped_eval, "pretrained_minilm", lambda _: tiny)
    texts = halves(120)
    numbered = Texts(texts.tokens, texts.real, torch.arange(120))
    tuned, held_out = fine_tuned(numbered, "cpu", 32)
    assert list(tuned) == list(EPOCHS)
    assert {seen.count(number) for number in set(seen)} == {max(EPOCHS.values())}
    assert len(set(seen)) == 32
    assert len(held_out.labels) == N_TEXTS
    assert not set(seen) & set(held_out.labels.tolist())


def test_skipping_eval_changes_what_was_loaded_in_train_mode_and_nothing_else() -> None:
    """Ways of loading are planted: one that gives eval mode, and one that gives train mode."""
    model, texts = classifier("BERT").eval(), halves(20)
    loaded = {way: copy.deepcopy(model) for way in LOAD.levels}
    loaded[LOAD.levels[1]].train()
    cell = Cell({RANDOM: Subject(texts, loss_on(model, texts), loaded)}, seed=3)
    found = {
        (load, call): measure(cell, Arm((("model", RANDOM), ("load", load), ("eval_call", call))))[
            "off_before"
        ]
        for load in LOAD.levels
        for call in EVAL.levels
    }
    assert [key for key, off in found.items() if off != 0] == [(LOAD.levels[1], "skipped")]
    assert [loaded[load].training for load in LOAD.levels] == [False, True]


def test_every_way_of_loading_gives_the_weights_back() -> None:
    model = classifier("BERT").eval()
    for loaded in loaded_ways(model, "cpu").values():
        assert changed_tensors(model.state_dict(), loaded.state_dict()) == 0
