"""The real model of 7 billion parameters, and small ones of its kind, without their weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.libraries import torch, transformers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

#: A model of the same code that fits everywhere.
SMALL = {
    "hidden_size": 128,
    "intermediate_size": 344,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 1000,
}


def llama(
    precision: str, rows: int, length: int, sizes: dict[str, int] | None = None
) -> Callable[[], tuple[nn.Module, Tensor]]:
    """What builds a Llama in eval mode with random weights, and a batch of tokens for it.

    The defaults of transformers' configuration are the shape of the first Llama of 7 billion
    parameters; attention is torch's own fused one, the default.

    Args:
        precision: the name of torch's type for weights and activations, such as "bfloat16".
        rows: of the batch.
        length: tokens in a row.
        sizes: what differs from the model of 7 billion parameters.
    """

    def build() -> tuple[nn.Module, Tensor]:
        library: Any = transformers  # its annotations take no dictionary of sizes
        with default_type(getattr(torch, precision)):
            model = library.LlamaForCausalLM(library.LlamaConfig(**(sizes or {})))
        return model.eval(), torch.zeros(rows, length, dtype=torch.long)

    return build


def forward(model: nn.Module, tokens: Tensor) -> object:
    """A pass of evaluation; its result holds the graph, where there is one."""
    return model(input_ids=tokens)


def forward_without_graph(model: nn.Module, tokens: Tensor) -> object:
    """The same under no_grad."""
    with torch.no_grad():
        return model(input_ids=tokens)


@contextmanager
def default_type(dtype: torch.dtype) -> Iterator[None]:
    """Make floating-point tensors of this type where none is named."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
