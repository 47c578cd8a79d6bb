"""Does ModernBERT have batch norm?

The model, and its classifier, are built at their published size without memory (on torch's device
"meta"), and their layers are looked through. In deed, a batch norm would move a buffer in every
pass in train mode: a small classifier's buffers are compared before and after one. A ResNet, which
is known to have batch norm, must come out otherwise in both.
"""

from __future__ import annotations

from harness import Fact, facts
from harness.libraries import torch, transformers
from studies.defaults.families import MODERNBERT, RESNET, batch, build, output


def batch_norms(model: str, config: str) -> int:
    """The number of batch norms in a model of transformers of its default size.

    Args:
        model: the name of its class.
        config: that of its configuration.
    """
    with torch.device("meta"):
        built = getattr(transformers, model)(getattr(transformers, config)())
    return sum("BatchNorm" in type(module).__name__ for module in built.modules())


def moved_buffers(family: str, head: str = "Model") -> int:
    """The number of buffers of a small model that a pass in train mode changes."""
    model = build(family, head=head)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    output(model, batch(family))
    return sum(not torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


def _resnet() -> int:
    return batch_norms("ResNetModel", "ResNetConfig")


EXPERIMENT = facts(
    "Does ModernBERT have batch norm?",
    Fact(
        "A-nuance-4",
        "the number of batch norms in ModernBERT is 0",
        lambda: batch_norms("ModernBertModel", "ModernBertConfig"),
        0,
        _resnet,
        headline=True,
    ),
    Fact(
        "A-nuance-4",
        "the number of batch norms in ModernBERT with a classifier's head is 0",
        lambda: batch_norms("ModernBertForSequenceClassification", "ModernBertConfig"),
        0,
        _resnet,
    ),
    Fact(
        "A-nuance-4",
        "a pass in train mode changes 0 of the buffers of ModernBERT",
        lambda: moved_buffers(MODERNBERT, "ForSequenceClassification"),
        0,
        lambda: moved_buffers(RESNET),
    ),
    Fact(
        "A-nuance-4",
        "the number of batch norms in ModernBERT's decoder is 0",
        lambda: batch_norms("ModernBertDecoderModel", "ModernBertDecoderConfig"),
        0,
        _resnet,
        beyond="the decoder, a model of its own that came later",
    ),
    imports=("transformers",),
)
