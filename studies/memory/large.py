"""Networks of the size that the document speaks of: their own code, with weights of no meaning.

BERT base and GPT-2 have 12 layers and 109 and 124 million parameters; ResNet-50 has 24 million.
They are run on fake tensors, which have the bytes and no numbers; weights are never loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.libraries import functional, nn, torch, transformers
from harness.meters import predicted_memory, total_bytes
from studies.memory.workloads import CLASSES, StepParts

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch.optim import Optimizer

BERT, GPT2, RESNET = "BERT base", "GPT-2", "ResNet-50"
#: GPT-2 as it comes: outside of training, too, it keeps keys and values to go on writing from.
CACHING = "GPT-2 with its cache of keys and values"
TOKENS = 128
PIXELS = 224
#: What a dot of a figure is.
ONE_DOT = "a dot: one prediction from the network's code"


def classifier(name: str) -> nn.Module:
    """One of the networks with a read-out for ``CLASSES`` classes: a batch in, logits out."""

    class Classifier(nn.Module):
        def __init__(self, body: nn.Module, width: int) -> None:
            super().__init__()
            self.body, self.read_out = body, nn.Linear(width, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            found: Any = self.body(x)
            if name == RESNET:
                return self.read_out(found.pooler_output.flatten(1))  # type: ignore[no-any-return]
            return self.read_out(found.last_hidden_state.mean(dim=1))  # type: ignore[no-any-return]

    if name == RESNET:
        return Classifier(transformers.ResNetModel(transformers.ResNetConfig()), 2048)
    return Classifier(text_model(name), 768)


def text_model(name: str, layers: int = 12) -> nn.Module:
    """BERT base or GPT-2 as transformers defines them, without a head."""
    library: Any = transformers  # its configurations are not annotated
    if name == BERT:
        config = library.BertConfig(num_hidden_layers=layers)
        return library.BertModel(config)  # type: ignore[no-any-return]
    config = library.GPT2Config(n_layer=layers, use_cache=name == CACHING)
    return library.GPT2Model(config)  # type: ignore[no-any-return]


def layer_of(name: str) -> nn.Module:
    """One of the 12 layers of BERT base or GPT-2."""
    body: Any = text_model(name, layers=1)
    return body.encoder.layer[0] if name == BERT else body.h[0]  # type: ignore[no-any-return]


def large_batch(name: str, rows: int, length: int = TOKENS) -> tuple[Tensor, Tensor]:
    """Images, or texts of so many tokens, and their labels."""
    labels = torch.zeros(rows, dtype=torch.long)
    if name == RESNET:
        return torch.zeros(rows, 3, PIXELS, PIXELS), labels
    return torch.zeros(rows, length, dtype=torch.long), labels


def predicted_step(
    build: Callable[[], tuple[nn.Module, Tensor, Tensor]], device: str, micro_rows: int = 0
) -> StepParts:
    """Predict a training step under Adam in float32, once the optimiser has its state.

    Of a step in micro-batches the last is run: it needs most, for it meets the gradients that the
    others have left.

    Args:
        build: returns the model, the inputs and the labels.
        device: whose kernels are chosen.
        micro_rows: rows of a micro-batch; 0 for the whole batch at once.
    """
    sizes: dict[str, int] = {}

    def prepared() -> tuple[nn.Module, tuple[Tensor, Tensor, Optimizer]]:
        model, x, y = build()
        optimiser = torch.optim.Adam(model.parameters())
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()  # it makes its state
        if not 0 < micro_rows < len(x):
            optimiser.zero_grad()
        return model, (x, y, optimiser)

    def step(model: nn.Module, rest: tuple[Tensor, Tensor, Optimizer]) -> None:
        x, y, optimiser = rest
        rows = micro_rows or len(x)
        functional.cross_entropy(model(x[:rows]), y[:rows]).backward()
        optimiser.step()
        sizes["parameters"] = total_bytes([*model.parameters(), *model.buffers()])
        sizes["gradients"] = total_bytes([p.grad for p in model.parameters()])
        sizes["optimiser"] = total_bytes([list(s.values()) for s in optimiser.state.values()])
        sizes["batch"] = total_bytes([x, y])

    predicted = predicted_memory(prepared, step, device=device)
    return StepParts(**sizes, activations=predicted.saved_bytes, peak=predicted.peak_bytes)
