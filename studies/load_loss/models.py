"""Text classifiers with two classes: transformers' architectures, tiny and random, and MiniLM.

The tiny ones are of their default configs with width, depth and vocabulary shrunk, and every
dropout as the default has it. Weights come from torch's global stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from harness.libraries import functional, nn, torch, transformers
from harness.workloads import load_classifier

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = 2
OWN, MINILM = "own network", "MiniLM"

_WIDTHS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 100,
}
#: By name: the beginning of the library's class names, and what is not of the default config.
_TINY: dict[str, tuple[str, dict[str, Any]]] = {
    "BERT": ("Bert", _WIDTHS),
    "DistilBERT": (
        "DistilBert",
        {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "vocab_size": 100},
    ),
    "RoBERTa": ("Roberta", _WIDTHS),
    "ALBERT": ("Albert", _WIDTHS | {"embedding_size": 16}),
    "ELECTRA": ("Electra", _WIDTHS | {"embedding_size": 16}),
    "GPT-2": (
        "GPT2",
        {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 100, "pad_token_id": 0}
        | {"bos_token_id": 1, "eos_token_id": 1},
    ),
    "T5": (
        "T5",
        {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
        | {"vocab_size": 100, "decoder_start_token_id": 0},
    ),
    "BART": (
        "Bart",
        {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "vocab_size": 100}
        | {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        | {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64},
    ),
}
ARCHITECTURES = tuple(_TINY)
#: BART reads the state at the end of a text, where it and T5 want one of these.
END = {"T5": 1, "BART": 2}


def classifier(name: str) -> nn.Module:
    """A classifier as it is before it is saved, with random weights but for MiniLM's encoder.

    It is built from its class, and so in train mode; MiniLM comes from ``from_pretrained``.

    Args:
        name: an architecture, ``OWN`` or ``MINILM``.
    """
    if name == OWN:
        return own_classifier()
    if name == MINILM:
        return pretrained_minilm("cpu")
    prefix, sizes = _TINY[name]
    config = getattr(transformers, f"{prefix}Config")(num_labels=CLASSES, **sizes)
    return constructed(config, f"{prefix}ForSequenceClassification")


def pretrained_minilm(device: str) -> nn.Module:
    """MiniLM with a fresh head, as ``from_pretrained`` gives it, on a device."""
    model: nn.Module = load_classifier("minilm", CLASSES)
    return model.to(device)


def constructed(config: object, name: str) -> nn.Module:
    """A model of transformers from its config alone, with random weights."""
    model: nn.Module = getattr(transformers, name)(config)
    return model


def rebuilt(model: nn.Module) -> nn.Module:
    """A model of the same architecture with other random weights, from its class."""
    config: object = getattr(model, "config", None)
    return own_classifier() if config is None else constructed(config, type(model).__name__)


def own_classifier() -> nn.Sequential:
    """A plain network for texts of any length: embeddings, their mean, dropout, a linear layer."""
    return nn.Sequential(nn.EmbeddingBag(100, 32), nn.Dropout(0.1), nn.Linear(32, CLASSES))


@contextmanager
def saved_pretrained(model: nn.Module) -> Iterator[Path]:
    """A temporary folder to which ``save_pretrained`` has written a model."""
    with TemporaryDirectory() as folder, _no_progress_bars():
        save: Any = model.save_pretrained
        save(folder)
        yield Path(folder)


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    log: Any = transformers.utils.logging
    shown = log.is_progress_bar_enabled()
    log.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            log.enable_progress_bar()


def texts_for(name: str, count: int, length: int) -> Tensor:
    """Random tokens from the global stream, shape (count, length), with an end where it is due."""
    tokens = torch.randint(3, 100, (count, length))
    if name in END:
        tokens[:, -1] = END[name]
    return tokens


def logits_of(model: nn.Module, tokens: Tensor) -> Tensor:
    """The logits of texts, shape (texts, classes), in the model's mode, without gradients."""
    with torch.no_grad():
        found: Any = model(tokens)
    logits: Tensor = found if isinstance(found, torch.Tensor) else found.logits
    return logits


def loss_of(model: nn.Module, tokens: Tensor, labels: Tensor) -> float:
    """Mean cross-entropy of texts, in the model's mode, without gradients."""
    return functional.cross_entropy(logits_of(model, tokens), labels).item()
