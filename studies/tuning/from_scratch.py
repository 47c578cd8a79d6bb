"""Does dropout above 0.2 hurt a small transformer that is trained from scratch?

A small BERT of transformers, two layers of 48 units with four heads, random weights and its own
vocabulary of words, learns which of eight packages of Python's standard library a docstring comes
from: AdamW at 0.003, batches of 64, 10 epochs of 500 texts, one dropout rate in embeddings,
attention, layers and head. It is no language model: a small stand-in for one that is trained, where
MiniLM stands for one that is fine-tuned. Accuracy is that of 400 other texts in eval mode.

How far a pass in train mode is from one in eval mode in the attention maps themselves is recorded
too. It grows with the rate by what dropout is, whatever has been learnt: of a map alone by the root
of p/(1 - p), 1.96 times from 0.1 to 0.3.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import Arm, Beyond, Block, Experiment, PerProfile, Ratio, Response, Responses
from harness.libraries import functional, nn, torch, transformers
from harness.workloads import load_docstrings
from studies.tuning.transformer_figures import accuracy_with_dropout
from studies.tuning.transformer_rules import FIDELITY, HEAVY, RATE, hurts, responses_of

if TYPE_CHECKING:
    from torch import Tensor

WORDS, LENGTH, WIDTH, LAYERS, HEADS = 2000, 20, 48, 2, 4
PADDING, UNKNOWN, OPENING = 0, 1, 2
TRAINED_ON, HELD_OUT, BATCH, LEARNING_RATE = 500, 400, 64, 3e-3

CLAIMS = (
    *hurts(HEAVY, headline=False),
    Beyond(
        "D-hurts-6",
        Ratio("map_distance", RATE).at(rate=HEAVY),
        FIDELITY,
        why="attention maps under a mask, which follow from the rate whatever is trained",
        reading="Attention fidelity suffers: maps in train mode are at least 1.5 times as far from "
        "those in eval mode as with 0.1.",
    ),
)


@dataclass(frozen=True)
class Corpus:
    """All texts as rows of word numbers, shape (texts, LENGTH), and their labels."""

    words: Tensor
    labels: Tensor
    classes: int


@dataclass(frozen=True)
class Drawn:
    """A block with its texts."""

    block: Block
    train: tuple[Tensor, Tensor]
    held_out: tuple[Tensor, Tensor]


def prepare_run(block: Block) -> Corpus:
    """Read the texts and number their words."""
    texts = load_docstrings()
    rows = numbered([text.lower().split() for text in texts.texts])
    labels = torch.tensor(texts.labels)
    return Corpus(rows.to(block.device), labels.to(block.device), len(texts.areas))


def numbered(texts: list[list[str]]) -> Tensor:
    """Words as numbers: the commonest 2,000, one number for all others, zeros behind the end.

    Each row opens with a word of its own, from which the classifier reads.
    """
    counts = Counter(word for text in texts for word in text)
    known = {word: place + 3 for place, (word, _) in enumerate(counts.most_common(WORDS))}
    rows = torch.full((len(texts), LENGTH), PADDING)
    for place, text in enumerate(texts):
        numbers = [OPENING, *(known.get(word, UNKNOWN) for word in text)][:LENGTH]
        rows[place, : len(numbers)] = torch.tensor(numbers)
    return rows


def prepare(block: Block) -> Drawn:
    """Draw a block's texts."""
    corpus: Corpus = block.run
    order = np.random.default_rng(block.seed).permutation(len(corpus.words))
    train, held_out = order[:TRAINED_ON], order[TRAINED_ON:][:HELD_OUT]
    return Drawn(
        block,
        (corpus.words[train], corpus.labels[train]),
        (corpus.words[held_out], corpus.labels[held_out]),
    )


def small_bert(classes: int, rate: float) -> nn.Module:
    """A small BERT with random weights from torch's global stream, every dropout at one rate."""
    settings: dict[str, Any] = {"num_labels": classes, "attn_implementation": "eager"}
    config = transformers.BertConfig(
        vocab_size=WORDS + 3,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=LENGTH,
        pad_token_id=PADDING,
        hidden_dropout_prob=rate,
        attention_probs_dropout_prob=rate,
        **settings,
    )
    model: nn.Module = transformers.BertForSequenceClassification(config)
    return model


def output_of(model: nn.Module, words: Tensor, *, maps: bool = False) -> Any:  # noqa: ANN401
    """What the model of transformers says of some texts, which has no type of its own."""
    return model(input_ids=words, attention_mask=(words != PADDING).long(), output_attentions=maps)


def measure(drawn: Drawn, arm: Arm) -> Responses:
    """Train with one rate."""
    block = drawn.block
    corpus: Corpus = block.run
    model = trained(drawn, corpus.classes, arm[RATE])
    distance = map_distance(model, drawn.held_out[0])
    model.eval()
    with torch.no_grad():
        found = []
        for words, labels in (drawn.train, drawn.held_out):
            logits = output_of(model, words).logits
            right = float((logits.argmax(dim=1) == labels).double().mean())
            found.append((right, float(functional.cross_entropy(logits, labels))))
    return {
        "train_accuracy": found[0][0],
        "accuracy": found[1][0],
        "loss": found[1][1],
        "map_distance": distance,
    }


def trained(drawn: Drawn, classes: int, rate: float) -> nn.Module:
    """A small BERT trained on a block's texts; in train mode."""
    block = drawn.block
    torch.manual_seed(block.seed)
    model = small_bert(classes, rate).to(block.device).train()
    words, labels = drawn.train
    order = torch.Generator().manual_seed(block.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
    for _ in range(block.effort):
        for rows in torch.randperm(len(words), generator=order).to(words.device).split(BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(output_of(model, words[rows]).logits, labels[rows]).backward()
            optimiser.step()
    return model


def map_distance(model: nn.Module, words: Tensor) -> float:
    """How far attention maps in train mode are from those in eval mode, as a share of the latter.

    The root of the mean square, over all layers, heads and places.
    """
    with torch.no_grad():
        noisy = output_of(model.train(), words, maps=True).attentions
        clean = output_of(model.eval(), words, maps=True).attentions
    pairs = zip(noisy, clean, strict=True)
    off, size = zip(*(((a - b).square().sum(), b.square().sum()) for a, b in pairs), strict=True)
    return float((sum(off) / sum(size)) ** 0.5)


EXPERIMENT = Experiment(
    question="Does dropout above 0.2 hurt a small transformer that is trained from scratch?",
    factors=(RATE,),
    responses=(
        *responses_of("a small BERT, trained from scratch,"),
        Response(
            "map_distance",
            "1",
            "distance of attention maps in train mode from those in eval mode, as a share of these",
        ),
    ),
    claims=CLAIMS,
    prepare_run=prepare_run,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(3, 20, 40),
    effort=PerProfile(1, 10, 10),  # epochs
    figures=(accuracy_with_dropout,),
    imports=("transformers",),
)
