"""Does document B's listing with a pretrained classifier run?

The listing loads a BERT classifier of two classes from the hub, prints the loss of one text of 512
random tokens under a random label, saves the state_dict, loads the model anew with it, prints a
second loss, calls ``eval()`` and prints a third without gradients; each label is drawn anew and has
the shape (1, 1). Without a network the hub's name leads nowhere, which is no fault of the listing,
so a local checkpoint takes its place: a small BERT with fresh weights, saved without a head as the
pretrained ones are. What the three losses compare is asked in ``studies.load_loss.third_listing``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import Fact, facts
from harness.libraries import torch, transformers
from harness.workloads import load_classifier
from studies.listings.endings import ending, runs

if TYPE_CHECKING:
    from torch import Tensor

TOKENS, VOCABULARY, CLASSES = 512, 2000, 2
LINES = 3


def save_checkpoint(folder: str) -> None:
    """Write a BERT that takes a text of the listing's length, small enough to be made here."""
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=TOKENS,
    )
    log: Any = transformers.utils.logging
    log.disable_progress_bar()
    transformers.BertModel(config).save_pretrained(folder)
    log.enable_progress_bar()


def listing(labels: int = 1) -> list[float]:
    """The whole listing, with a local checkpoint; the losses that it prints.

    Args:
        labels: how many for the one text; the listing has one.
    """
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(folder)
        model: Any = load_classifier(folder, CLASSES)
        tokens = torch.randint(0, VOCABULARY, (1, TOKENS))
        losses = [model(tokens, labels=drawn(labels)).loss.item()]
        file = Path(folder) / "hf_model.pth"
        torch.save(model.state_dict(), file)
        loaded: Any = load_classifier(folder, CLASSES)
        loaded.load_state_dict(torch.load(file))
        losses.append(loaded(tokens, labels=drawn(labels)).loss.item())
        loaded.eval()
        with torch.no_grad():
            losses.append(loaded(tokens, labels=drawn(labels)).loss.item())
    return losses


def drawn(labels: int) -> Tensor:
    """Random labels in a column, as the listing reshapes its one."""
    return torch.randint(0, CLASSES, (labels,)).reshape(labels, 1)


EXPERIMENT = facts(
    "Does document B's listing with a pretrained classifier run?",
    Fact(
        "B-hf-6",
        "with a local BERT checkpoint the listing runs",
        ending(listing),
        runs(LINES),
        ending(lambda: listing(labels=2)),
        reading="With a local BERT checkpoint in the place of the hub's name the listing prints "
        "its three losses. That the name cannot be reached without a network says nothing of the "
        "listing.",
        headline=True,
    ),
    imports=("transformers",),
)
