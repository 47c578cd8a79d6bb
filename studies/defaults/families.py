"""The model families of this study, each as a small model with random weights.

Width, depth and vocabulary are shrunk, so that hundreds can be built; every dropout is as the
family's configuration has it by default, unless a change is asked for. Weights come from torch's
global stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.libraries import torch, transformers
from studies.defaults.fields import rates

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTH, INNER, LAYERS, HEADS = 32, 48, 2, 2
VOCABULARY, ROWS, LENGTH = 100, 8, 7
PIXELS, PATCH = 32, 8

BERT, ROBERTA, DISTILBERT = "BERT", "RoBERTa", "DistilBERT"
ALBERT, ELECTRA, DEBERTA, DEBERTA2 = "ALBERT", "ELECTRA", "DeBERTa", "DeBERTa-v2"
MODERNBERT, GPT, GPT2, LLAMA, T5 = "ModernBERT", "GPT", "GPT-2", "Llama", "T5"
VIT, BEIT, SWIN = "ViT", "BEiT", "Swin"
RESNET, BIT, CONVNEXT = "ResNet", "BiT", "ConvNeXt"

_BERT: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
}
_WORDS: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_token_id": 0}
_ENDS: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2}
_GPT: dict[str, Any] = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS}
_IMAGE: dict[str, Any] = {"image_size": PIXELS, "patch_size": PATCH}
_STAGES: dict[str, Any] = {"hidden_sizes": [8, 16], "depths": [1, 2]}


@dataclass(frozen=True)
class Family:
    """A family: how the library's classes begin, the task of its model, and the sizes of ours."""

    prefix: str
    sizes: dict[str, Any] = field(hash=False)
    sees_images: bool = False


FAMILIES = {
    BERT: Family("Bert", _BERT | _WORDS),
    ROBERTA: Family("Roberta", _BERT | _WORDS | _ENDS),
    DISTILBERT: Family(
        "DistilBert",
        _WORDS | {"dim": WIDTH, "hidden_dim": INNER, "n_layers": LAYERS, "n_heads": HEADS},
    ),
    ALBERT: Family("Albert", _BERT | _WORDS | _ENDS | {"embedding_size": 16}),
    ELECTRA: Family("Electra", _BERT | _WORDS | {"embedding_size": 16}),
    DEBERTA: Family("Deberta", _BERT | _WORDS),
    DEBERTA2: Family("DebertaV2", _BERT | _WORDS),
    MODERNBERT: Family(
        "ModernBert", _BERT | _WORDS | _ENDS | {"cls_token_id": 1, "sep_token_id": 2}
    ),
    GPT: Family("OpenAIGPT", _GPT | {"vocab_size": VOCABULARY}),
    GPT2: Family("GPT2", _GPT | _WORDS | _ENDS | {"n_inner": INNER}),
    LLAMA: Family("Llama", _BERT | _WORDS | _ENDS | {"num_key_value_heads": HEADS}),
    T5: Family("T5", {"d_model": WIDTH, "d_ff": INNER, "num_layers": LAYERS}),
    VIT: Family("ViT", _BERT | _IMAGE, sees_images=True),
    BEIT: Family("Beit", _BERT | _IMAGE, sees_images=True),
    SWIN: Family(
        "Swin",
        {"image_size": PIXELS, "patch_size": 4, "window_size": 4, "embed_dim": 8}
        | {"depths": [1, 2], "num_heads": [1, 2]},
        sees_images=True,
    ),
    RESNET: Family(
        "ResNet", _STAGES | {"embedding_size": 8, "layer_type": "basic"}, sees_images=True
    ),
    BIT: Family("Bit", _STAGES | {"embedding_size": 8, "num_groups": 4}, sees_images=True),
    CONVNEXT: Family("ConvNext", _STAGES | {"num_stages": 2}, sees_images=True),
}


def default_config(name: str) -> Any:  # noqa: ANN401 - a configuration of the library
    """A family's configuration as the library makes it when it is told nothing."""
    return getattr(transformers, f"{FAMILIES[name].prefix}Config")()


def small_config(name: str, changes: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - see above
    """A family's configuration with our sizes, and with what else is changed."""
    family = FAMILIES[name]
    return getattr(transformers, f"{family.prefix}Config")(**family.sizes | dict(changes or {}))


def without_dropout(name: str, rate: float = 0.0) -> dict[str, float]:
    """Changes that set every dropout of a family to one rate, none by default."""
    return dict.fromkeys(rates(default_config(name)), rate)


def build(
    name: str, changes: Mapping[str, object] | None = None, *, head: str = "Model"
) -> nn.Module:
    """A small model of a family, in train mode.

    Args:
        name: of the family.
        changes: fields of the configuration.
        head: the end of the class's name: "Model" is the body alone.
    """
    config = small_config(name, changes)
    model: nn.Module = getattr(transformers, f"{FAMILIES[name].prefix}{head}")(config)
    return model.train()


def batch(name: str, rows: int = ROWS) -> Tensor:
    """Random tokens, or random images where the family sees images, from torch's global stream."""
    if FAMILIES[name].sees_images:
        return torch.randn(rows, 3, PIXELS, PIXELS)
    return torch.randint(3, VOCABULARY, (rows, LENGTH))


def output(model: nn.Module, x: Tensor) -> Tensor:
    """The logits of a model with a head, else its last hidden states; without gradients."""
    with torch.no_grad():
        found: Any = model(x)
    given: Tensor = found.logits if "logits" in found else found.last_hidden_state
    return given


def largest_gap(one: Tensor, other: Tensor) -> float:
    """The largest difference of two outputs over the largest of the second; 0 is bit for bit."""
    return ((one - other).abs().max() / other.abs().max()).item()
