"""Does dropout above 0.2 hurt when a pretrained transformer is fine-tuned?

The pretrained MiniLM encoder (6 layers, 23 million weights) with a fresh head learns which of eight
packages of Python's standard library a docstring comes from: all of its weights, AdamW at a rate
that falls to 0, batches of 16, 2 epochs of 160 texts, with one dropout rate in embeddings,
attention, layers and head. Each block has its own texts, head, order and masks, the arms of a block
the same texts, head and order. Accuracy is that of 300 other texts in eval mode.

What the verdict speaks for: one pretrained encoder, its pool of some 1,100 docstrings, and short
fine-tunings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import Arm, Block, Experiment, PerProfile, Responses
from harness.libraries import functional, nn, torch
from harness.workloads import load_classifier, load_docstrings, load_tokenizer
from studies.eval_variance.minilm import padded, validate
from studies.tuning.transformer_rules import HEAVY, RATE, USUAL, hurts, responses_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

NEXT = HEAVY[0]  # the rate next above 0.2: one of 0.5 takes half as long again
MAX_TOKENS, BATCH, LEARNING_RATE = 32, 16, 4e-4


@dataclass(frozen=True)
class Recipe:
    """How much is done."""

    texts: int
    epochs: int
    held_out: int


#: By effort; the first is for trying.
RECIPES = (Recipe(16, 1, 16), Recipe(160, 2, 300), Recipe(320, 2, 400))


@dataclass(frozen=True)
class Corpus:
    """The texts that all blocks draw from: tokens and label of each."""

    tokens: Sequence[Sequence[int]]
    labels: Tensor
    classes: int


@dataclass(frozen=True)
class Drawn:
    """A block with its texts."""

    block: Block
    training: NDArray[np.int64]
    held_out: NDArray[np.int64]


def prepare_run(block: Block) -> Corpus:
    """Read the texts."""
    texts = load_docstrings()
    tokens: list[list[int]] = load_tokenizer("minilm")(
        list(texts.texts), truncation=True, max_length=MAX_TOKENS
    )["input_ids"]
    return Corpus(tokens, torch.tensor(texts.labels).to(block.device), len(texts.areas))


def prepare(block: Block) -> Drawn:
    """Draw a block's texts."""
    corpus: Corpus = block.run
    recipe = RECIPES[block.effort]
    order = np.random.default_rng(block.seed).permutation(len(corpus.tokens))
    return Drawn(block, order[: recipe.texts], order[recipe.texts :][: recipe.held_out])


def with_rate(model: nn.Module, rate: float) -> nn.Module:
    """The model itself, every dropout in it at one rate."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
    return model


def measure(drawn: Drawn, arm: Arm) -> Responses:
    """Fine-tune with one rate."""
    block = drawn.block
    corpus: Corpus = block.run
    model = fine_tune(corpus, drawn, arm[RATE]).eval()
    found = []
    for rows in (drawn.training, drawn.held_out):
        logits = validate(model, [corpus.tokens[row] for row in rows], 1)[0]
        labels = corpus.labels[rows]
        right = float((logits.argmax(dim=1) == labels).double().mean())
        found.append((right, float(functional.cross_entropy(logits, labels))))
    return {"train_accuracy": found[0][0], "accuracy": found[1][0], "loss": found[1][1]}


def fine_tune(corpus: Corpus, drawn: Drawn, rate: float) -> nn.Module:
    """MiniLM fine-tuned on a block's texts, all of its weights."""
    block, recipe = drawn.block, RECIPES[drawn.block.effort]
    draw = np.random.default_rng(block.seed)
    torch.manual_seed(block.seed)
    model = with_rate(load_classifier("minilm", corpus.classes), rate).to(block.device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
    count = -(-len(drawn.training) // BATCH)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, total_iters=recipe.epochs * count)
    for _ in range(recipe.epochs):
        for rows in np.array_split(draw.permutation(drawn.training), count):
            optimiser.zero_grad()
            logits = model(**padded([corpus.tokens[row] for row in rows], block.device)).logits
            functional.cross_entropy(logits, corpus.labels[rows]).backward()
            optimiser.step()
            falling.step()
    return model


EXPERIMENT = Experiment(
    question="Does dropout above 0.2 hurt when a pretrained transformer is fine-tuned?",
    factors=(RATE,),
    only=lambda arm: arm[RATE] in (USUAL, NEXT),
    responses=responses_of("MiniLM, fine-tuned,"),
    claims=hurts((NEXT,), headline=True),
    prepare_run=prepare_run,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(1, 8, 20),  # a fine-tuning of ten seconds an arm; 8 are the least for 99 %
    effort=PerProfile(0, 1, 2),
    imports=("transformers",),
)
