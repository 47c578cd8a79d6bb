"""Is 0.5 a default rate of dropout?

"A common default" asks for a layer that has it, and not for all: torch's ``nn.Dropout``, the layer
that a fully connected classifier uses. That default is read from its signature and confirmed by the
share of values that a layer made without arguments drops. What other modules of torch have by
default is shown beside it, as many of them have another rate.
"""

from __future__ import annotations

from harness import Fact, default_of, facts
from harness.libraries import nn, torch

VALUES, WITHIN = 100_000, 0.01  # six standard deviations of a share of one half
HALF = 0.5

#: Other modules of torch: what says their rate, and its name there.
OTHERS = {
    "an attention": ("torch.nn.MultiheadAttention", "dropout"),
    "a transformer's layer": ("torch.nn.TransformerEncoderLayer", "dropout"),
    "a recurrent network": ("torch.nn.RNNBase", "dropout"),
}


def dropped(layer: nn.Module) -> float:
    """The share of values that a layer in train mode sets to zero."""
    zeros = layer.train()(torch.ones(VALUES)) == 0
    return float(zeros.double().mean())


EXPERIMENT = facts(
    "Is 0.5 a default rate of dropout?",
    Fact(
        "D-list2-10",
        "nn.Dropout has a default rate of 0.5",
        default_of("torch.nn.Dropout", "p"),
        HALF,
        default_of("torch.nn.MultiheadAttention", "dropout"),
        headline=True,
    ),
    Fact(
        "D-list2-10",
        "nn.Dropout made without arguments drops half of 100,000 values",
        lambda: dropped(nn.Dropout()),
        HALF,
        lambda: dropped(nn.Dropout(0.4)),
        within=WITHIN,
        reading="The share of dropped values is 0.5 to within 0.01.",
    ),
    *(
        Fact(
            "D-list2-10",
            f"the default rate of {name} is 0.5",
            default_of(path, parameter),
            HALF,
            default_of("torch.optim.SGD", "momentum"),
            beyond="no layer of a fully connected classifier",
        )
        for name, (path, parameter) in OTHERS.items()
    ),
)
