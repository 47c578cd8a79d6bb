"""Texts and training of the language models, and a ratio whose truth is known."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from studies.load_loss.models import classifier
from studies.load_loss.skipped_eval import (
    EVAL,
    LENGTH,
    LOAD,
    MAX_TOKENS,
    TRAINING_RATE,
    TRAINING_STEPS,
    Cell,
    Subject,
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


def test_skipping_eval_matters_only_where_loading_leaves_train_mode() -> None:
    model, texts = classifier("BERT").eval(), halves(20)
    subject = Subject(texts, loss_on(model, texts), loaded_ways(model, "cpu"))
    cell = Cell({"BERT, random": subject}, seed=3)
    found = {
        (load, call): measure(
            cell, Arm((("model", "BERT, random"), ("load", load), ("eval_call", call)))
        )["off_before"]
        for load in LOAD.levels
        for call in EVAL.levels
    }
    same = {key for key, off in found.items() if off == 0}
    assert set(found) - same == {("from the config", "skipped")}
    assert [subject.loaded[load].training for load in LOAD.levels] == [False, True]
