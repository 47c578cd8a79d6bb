"""The networks that experiments of this study share, each with an input of its own.

Weights and inputs come from torch's global stream. Names are known without torch: they are the
levels of factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.libraries import nn, torch, transformers
from harness.workloads import convnet, encoder, load_docstrings, load_encoder, load_tokenizer, mlp

if TYPE_CHECKING:
    from torch import Tensor

ROWS, LENGTH, WIDTH = 8, 16, 64
TEXTS, TOKENS = 8, 32


@dataclass(frozen=True)
class Workload:
    """A network, one pass of it over its input, and which places of the output count.

    Attributes:
        net: the network, in train mode unless it is loaded from a file.
        forward: gives the output, shape (batch, ...).
        real: where the input is no padding, shape (batch, length); None where nothing is padded.
    """

    net: nn.Module
    forward: Callable[[], Tensor]
    real: Tensor | None = None


def workload(name: str, device: str, dropout: float) -> Workload:
    """Build a workload anew.

    Args:
        name: one of ``BUILDERS``.
        device: where weights and input go.
        dropout: the probability, wherever the network has dropout.
    """
    return BUILDERS[name](device, dropout)


def plain(build: Callable[[float], nn.Module], *shape: int) -> Callable[[str, float], Workload]:
    """A network of one input and one output, on normal numbers of this shape."""

    def built(device: str, dropout: float) -> Workload:
        net, x = build(dropout).to(device), torch.randn(shape, device=device)
        return Workload(net, lambda: _first(net(x)))

    return built


def _first(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Recurrent layers return their states as well."""
    return output[0] if isinstance(output, tuple) else output


def self_attention(device: str, dropout: float) -> Workload:
    """``nn.MultiheadAttention`` as it is called by default, with its weights averaged."""
    net = nn.MultiheadAttention(WIDTH, 4, dropout, batch_first=True).to(device)
    x = torch.randn(ROWS, LENGTH, WIDTH, device=device)
    return Workload(net, lambda: net(x, x, x)[0])


def new_encoder(device: str, dropout: float) -> nn.Module:
    """``nn.TransformerEncoder`` of two layers."""
    return encoder(2, WIDTH, dropout=dropout).to(device)


def encoder_input(device: str) -> tuple[Tensor, Tensor]:
    """Sequences of unequal length, and where they are no padding."""
    x = torch.randn(ROWS, LENGTH, WIDTH, device=device)
    lengths = torch.linspace(LENGTH // 4, LENGTH, ROWS, device=device).round()
    return x, torch.arange(LENGTH, device=device) < lengths[:, None]


def padded_encoder(device: str, dropout: float) -> Workload:
    """An encoder on sequences of unequal length, with a padding mask."""
    net = new_encoder(device, dropout)
    x, real = encoder_input(device)
    return Workload(net, lambda: net(x, src_key_padding_mask=~real), real)


def language_model(net: nn.Module, tokens: Tensor, real: Tensor) -> Workload:
    """An encoder of transformers on padded tokens; the output is its last hidden state."""

    def forward() -> Tensor:
        states: Tensor = net(input_ids=tokens, attention_mask=real.long()).last_hidden_state
        return states

    return Workload(net, forward, real)


def minilm(device: str, dropout: float) -> Workload:
    """The pretrained MiniLM on docstrings of the standard library, padded to the longest."""
    net: nn.Module = load_encoder("minilm")
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    drawn = torch.randperm(len(load_docstrings().texts))[:TEXTS].tolist()
    texts = [load_docstrings().texts[place] for place in drawn]
    batch = load_tokenizer("minilm")(
        texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
    )
    real = batch["attention_mask"].bool().to(device)
    return language_model(net.to(device), batch["input_ids"].to(device), real)


def random_bert(architecture: str, device: str, dropout: float) -> Workload:
    """A small BERT or ModernBERT with random weights, on random tokens of unequal length."""
    sizes: dict[str, Any] = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    if architecture == "BERT":
        sizes |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        net: nn.Module = transformers.BertModel(transformers.BertConfig(**sizes))
    else:
        sizes |= {f"{part}_dropout": dropout for part in ("embedding", "attention", "mlp")}
        net = transformers.ModernBertModel(transformers.ModernBertConfig(**sizes))
    tokens = torch.randint(1000, 2000, (ROWS, LENGTH), device=device)
    real = torch.arange(LENGTH, device=device) < torch.arange(4, 4 + ROWS, device=device)[:, None]
    return language_model(net.to(device), tokens, real)


BUILDERS: dict[str, Callable[[str, float], Workload]] = {
    "perceptron": plain(lambda p: mlp(WIDTH, 10, dropout=p), ROWS, WIDTH),
    "CNN": plain(lambda _: convnet((16, 32), 10, batch_norm=False), ROWS, 3, 16, 16),
    "CNN + batch norm": plain(lambda _: convnet((16, 32), 10), ROWS, 3, 16, 16),
    "GRU": plain(
        lambda p: nn.GRU(WIDTH, WIDTH, 2, batch_first=True, dropout=p), ROWS, LENGTH, WIDTH
    ),
    "LSTM": plain(
        lambda p: nn.LSTM(WIDTH, WIDTH, 2, batch_first=True, dropout=p), ROWS, LENGTH, WIDTH
    ),
    "attention": self_attention,
    "encoder": plain(lambda p: encoder(2, WIDTH, dropout=p), ROWS, LENGTH, WIDTH),
    "encoder, padding mask": padded_encoder,
    "BERT, padding mask": partial(random_bert, "BERT"),
    "ModernBERT, padding mask": partial(random_bert, "ModernBERT"),
    "MiniLM, padding mask": minilm,
}

_WORDS = {
    "perceptron": "small perceptron",
    "attention": "attention layer",
    "encoder": "transformer encoder",
    "encoder, padding mask": "transformer encoder with padding",
    "BERT, padding mask": "small BERT with padding",
    "ModernBERT, padding mask": "small ModernBERT with padding",
    "MiniLM, padding mask": "MiniLM with padding",
}
#: What a reader sees in place of a name.
WORDS = {name: _WORDS.get(name, name) for name in BUILDERS}
#: The workloads whose input is padded.
MASKED = tuple(name for name in BUILDERS if name.endswith("padding mask"))
