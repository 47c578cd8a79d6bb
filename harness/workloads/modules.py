"""The modules of torch.nn, with the arguments and inputs that put each of them to work.

The names are known without torch (they are the levels of a factor); modules and inputs are built
by functions. Every class of torch.nn stands either in ``MODULES`` or, with its reason, in
``LEFT_OUT``: a test compares both with the torch that is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

Draw: TypeAlias = "Callable[[], Tensor]"


def normal(*shape: int) -> Draw:
    """Standard normal values."""
    return lambda: torch.randn(shape)


def share(*shape: int) -> Draw:
    """Values well inside (0, 1)."""
    return lambda: torch.rand(shape) * 0.9 + 0.05


def below(limit: int, *shape: int) -> Draw:
    """Whole numbers from 0 up to, not including, a limit."""
    return lambda: torch.randint(limit, shape)


def sign(*shape: int) -> Draw:
    """Either 1 or -1."""
    return lambda: torch.randint(2, shape) * 2.0 - 1.0


def log_softmax(*shape: int) -> Draw:
    """Logarithms of probabilities along the last dimension."""
    return lambda: functional.log_softmax(torch.randn(shape), -1)


def softmax(*shape: int) -> Draw:
    """Probabilities along the last dimension."""
    return lambda: functional.softmax(torch.randn(shape), -1)


def places(*shape: int) -> Draw:
    """The numbers 0, 1, ... along all but the first two dimensions (the first for a matrix)."""
    own = shape[2:] if len(shape) > 2 else shape[1:]
    return lambda: torch.arange(torch.Size(own).numel()).reshape(own).expand(shape)


def constant(*values: int) -> Draw:
    """These whole numbers."""
    return lambda: torch.tensor(values)


def padding(rows: int, length: int) -> Draw:
    """True where a row is padding: the last half of each row but the first."""
    return lambda: (torch.arange(length) >= length // 2) & (torch.arange(rows) > 0)[:, None]


@dataclass(frozen=True)
class Spec:
    """How one level of the census is built and fed.

    Attributes:
        kind: the class in torch.nn.
        args: its positional arguments; a ``Spec`` among them is built first.
        inputs: what is drawn for its forward pass, in order; None is passed on as it is, and an
            input that is the same object as the one before it is drawn once and passed again.
        options: its keyword arguments.
    """

    kind: str
    args: tuple[Any, ...] = ()
    inputs: tuple[Draw | None, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> nn.Module:
        """The module."""
        args = [arg.build() if isinstance(arg, Spec) else arg for arg in self.args]
        module: nn.Module = getattr(nn, self.kind)(*args, **self.options)
        return module

    def draw(self) -> list[Tensor | None]:
        """Inputs for a forward pass."""
        drawn: dict[int, Tensor] = {}
        for source in self.inputs:
            if source is not None and id(source) not in drawn:
                drawn[id(source)] = source()
        return [None if source is None else drawn[id(source)] for source in self.inputs]


ROWS = normal(4, 16)
LINE, IMAGE, SOLID = normal(2, 8, 16), normal(2, 8, 8, 8), normal(2, 8, 4, 4, 4)
SEQUENCE, TOKENS = normal(5, 3, 16), normal(3, 5, 16)
ALIKE = normal(4, 6)

_NO_ARGUMENTS = (
    *("CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh"),
    *("LeakyReLU", "LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU"),
    *("Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink"),
    *("AlphaDropout", "Dropout", "Flatten", "Identity"),
)
#: Classes that take one input, by the shape they need: class -> positional arguments.
_ONE_INPUT: tuple[tuple[Draw, Mapping[str, tuple[Any, ...]]], ...] = (
    (ROWS, dict.fromkeys(_NO_ARGUMENTS, ())),
    (
        ROWS,
        {
            "Linear": (16, 8),
            "LazyLinear": (8,),
            "Softmax": (1,),
            "Softmin": (1,),
            "LogSoftmax": (1,),
            "Threshold": (0.1, 20.0),
            "LayerNorm": (16,),
            "RMSNorm": (16,),
            "Unflatten": (1, (4, 4)),
            "GRUCell": (16, 8),
            "LSTMCell": (16, 8),
            "RNNCell": (16, 8),
            "Sequential": (Spec("Linear", (16, 8)), Spec("ReLU")),
            "DataParallel": (Spec("Linear", (16, 8)),),
        },
    ),
    (
        LINE,
        {
            "AdaptiveAvgPool1d": (5,),
            "AdaptiveMaxPool1d": (5,),
            "AvgPool1d": (2,),
            "BatchNorm1d": (8,),
            "CircularPad1d": (2,),
            "ConstantPad1d": (2, 3.5),
            "Conv1d": (8, 4, 3),
            "ConvTranspose1d": (8, 4, 3),
            "Dropout1d": (),
            "InstanceNorm1d": (8,),
            "LPPool1d": (2, 2),
            "LazyBatchNorm1d": (),
            "LazyConv1d": (4, 3),
            "LazyConvTranspose1d": (4, 3),
            "LazyInstanceNorm1d": (),
            "MaxPool1d": (2,),
            "ReflectionPad1d": (2,),
            "ReplicationPad1d": (2,),
            "ZeroPad1d": (2,),
        },
    ),
    (
        IMAGE,
        {
            "AdaptiveAvgPool2d": (5,),
            "AdaptiveMaxPool2d": (5,),
            "AvgPool2d": (2,),
            "BatchNorm2d": (8,),
            "ChannelShuffle": (2,),
            "CircularPad2d": (2,),
            "ConstantPad2d": (2, 3.5),
            "Conv2d": (8, 4, 3),
            "ConvTranspose2d": (8, 4, 3),
            "CrossMapLRN2d": (2,),
            "Dropout2d": (),
            "GroupNorm": (2, 8),
            "InstanceNorm2d": (8,),
            "LPPool2d": (2, 2),
            "LazyBatchNorm2d": (),
            "LazyConv2d": (4, 3),
            "LazyConvTranspose2d": (4, 3),
            "LazyInstanceNorm2d": (),
            "LocalResponseNorm": (2,),
            "MaxPool2d": (2,),
            "PixelShuffle": (2,),
            "PixelUnshuffle": (2,),
            "ReflectionPad2d": (2,),
            "ReplicationPad2d": (2,),
            "Softmax2d": (),
            "SyncBatchNorm": (8,),
            "Unfold": (2,),
            "Upsample": (None, 2),
            "UpsamplingBilinear2d": (None, 2),
            "UpsamplingNearest2d": (None, 2),
            "ZeroPad2d": (2,),
        },
    ),
    (
        SOLID,
        {
            "AdaptiveAvgPool3d": (3,),
            "AdaptiveMaxPool3d": (3,),
            "AvgPool3d": (2,),
            "BatchNorm3d": (8,),
            "CircularPad3d": (2,),
            "ConstantPad3d": (2, 3.5),
            "Conv3d": (8, 4, 3),
            "ConvTranspose3d": (8, 4, 3),
            "Dropout3d": (),
            "FeatureAlphaDropout": (),
            "InstanceNorm3d": (8,),
            "LPPool3d": (2, 2),
            "LazyBatchNorm3d": (),
            "LazyConv3d": (4, 3),
            "LazyConvTranspose3d": (4, 3),
            "LazyInstanceNorm3d": (),
            "MaxPool3d": (2,),
            "ReflectionPad3d": (2,),
            "ReplicationPad3d": (2,),
            "ZeroPad3d": (2,),
        },
    ),
    (normal(1, 12, 9), {"Fold": ((4, 4), (2, 2))}),
    (below(10, 4, 5), {"Embedding": (10, 8), "EmbeddingBag": (10, 8)}),
    (
        SEQUENCE,
        {"GRU": (16, 8), "LSTM": (16, 8), "RNN": (16, 8), "TransformerEncoderLayer": (16, 2)},
    ),
    (SEQUENCE, {"TransformerEncoder": (Spec("TransformerEncoderLayer", (16, 2)), 2)}),
)

_SEVERAL_INPUTS = (
    Spec("Bilinear", (6, 6, 5), (normal(4, 6), normal(4, 6))),
    Spec("CosineSimilarity", (), (normal(4, 6), normal(4, 6))),
    Spec("PairwiseDistance", (), (normal(4, 6), normal(4, 6))),
    Spec("MaxUnpool1d", (2,), (normal(2, 3, 4), places(2, 3, 4))),
    Spec("MaxUnpool2d", (2,), (normal(2, 3, 2, 2), places(2, 3, 2, 2))),
    Spec("MaxUnpool3d", (2,), (normal(2, 3, 2, 2, 2), places(2, 3, 2, 2, 2))),
    # Sizes that leave the regions a choice: (input - kernel) / (output - 1) is no whole number.
    Spec("FractionalMaxPool2d", (2,), (IMAGE,), {"output_size": 5}),
    Spec("FractionalMaxPool3d", (2,), (normal(2, 3, 7, 7, 7),), {"output_size": 4}),
    Spec("MultiheadAttention", (16, 2), (SEQUENCE, SEQUENCE, SEQUENCE)),
    Spec("Transformer", (16, 2, 1, 1, 32), (SEQUENCE, normal(4, 3, 16))),
    Spec("TransformerDecoderLayer", (16, 2), (normal(4, 3, 16), SEQUENCE)),
    Spec(
        "TransformerDecoder",
        (Spec("TransformerDecoderLayer", (16, 2)), 2),
        (normal(4, 3, 16), SEQUENCE),
    ),
)

_LOSSES = (
    Spec("AdaptiveLogSoftmaxWithLoss", (16, 12, [4, 8]), (ROWS, below(12, 4))),
    Spec("BCELoss", (), (share(4, 6), share(4, 6))),
    Spec("BCEWithLogitsLoss", (), (ALIKE, share(4, 6))),
    Spec(
        "CTCLoss", (), (log_softmax(9, 2, 5), constant(1, 2, 3, 4), constant(9, 8), constant(2, 2))
    ),
    Spec("CosineEmbeddingLoss", (), (ALIKE, normal(4, 6), sign(4))),
    Spec("CrossEntropyLoss", (), (ALIKE, below(6, 4))),
    Spec("GaussianNLLLoss", (), (ALIKE, normal(4, 6), share(4, 6))),
    Spec("HingeEmbeddingLoss", (), (ALIKE, sign(4, 6))),
    Spec("HuberLoss", (), (ALIKE, normal(4, 6))),
    Spec("KLDivLoss", (), (log_softmax(4, 6), softmax(4, 6)), {"reduction": "batchmean"}),
    Spec("L1Loss", (), (ALIKE, normal(4, 6))),
    Spec("LinearCrossEntropyLoss", (16, 6), (ROWS, below(6, 4))),
    Spec("MSELoss", (), (ALIKE, normal(4, 6))),
    Spec("MarginRankingLoss", (), (normal(4), normal(4), sign(4))),
    Spec("MultiLabelMarginLoss", (), (ALIKE, places(4, 6))),
    Spec("MultiLabelSoftMarginLoss", (), (ALIKE, share(4, 6))),
    Spec("MultiMarginLoss", (), (ALIKE, below(6, 4))),
    Spec("NLLLoss", (), (log_softmax(4, 6), below(6, 4))),
    Spec("NLLLoss2d", (), (normal(2, 6, 3, 3), below(6, 2, 3, 3))),
    Spec("PoissonNLLLoss", (), (ALIKE, share(4, 6))),
    Spec("SmoothL1Loss", (), (ALIKE, normal(4, 6))),
    Spec("SoftMarginLoss", (), (ALIKE, sign(4, 6))),
    Spec("TripletMarginLoss", (), (ALIKE, normal(4, 6), normal(4, 6))),
    Spec("TripletMarginWithDistanceLoss", (), (ALIKE, normal(4, 6), normal(4, 6))),
)

_STILL_LAYER = Spec("TransformerEncoderLayer", (16, 2), (), {"dropout": 0.0, "batch_first": True})

#: What the default arguments switch off, and what they switch on without being asked.
_VARIANTS: Mapping[str, Spec] = {
    "GRU(num_layers=2, dropout=0.5)": Spec(
        "GRU", (16, 8), (SEQUENCE,), {"num_layers": 2, "dropout": 0.5}
    ),
    "LSTM(num_layers=2, dropout=0.5)": Spec(
        "LSTM", (16, 8), (SEQUENCE,), {"num_layers": 2, "dropout": 0.5}
    ),
    "RNN(num_layers=2, dropout=0.5)": Spec(
        "RNN", (16, 8), (SEQUENCE,), {"num_layers": 2, "dropout": 0.5}
    ),
    "InstanceNorm1d(track_running_stats=True)": Spec(
        "InstanceNorm1d", (8,), (LINE,), {"track_running_stats": True}
    ),
    "InstanceNorm2d(track_running_stats=True)": Spec(
        "InstanceNorm2d", (8,), (IMAGE,), {"track_running_stats": True}
    ),
    "InstanceNorm3d(track_running_stats=True)": Spec(
        "InstanceNorm3d", (8,), (SOLID,), {"track_running_stats": True}
    ),
    "MultiheadAttention(dropout=0.5)": Spec(
        "MultiheadAttention", (16, 2), (SEQUENCE, SEQUENCE, SEQUENCE), {"dropout": 0.5}
    ),
    "MultiheadAttention(batch_first=True)": Spec(
        "MultiheadAttention", (16, 2), (TOKENS, TOKENS, TOKENS), {"batch_first": True}
    ),
    "TransformerEncoderLayer(dropout=0)": Spec(
        "TransformerEncoderLayer", (16, 2), (SEQUENCE,), {"dropout": 0.0}
    ),
    "TransformerEncoderLayer(dropout=0, batch_first=True)": Spec(
        "TransformerEncoderLayer", (16, 2), (TOKENS,), {"dropout": 0.0, "batch_first": True}
    ),
    "TransformerEncoder(dropout=0, batch_first=True), padded input": Spec(
        "TransformerEncoder", (_STILL_LAYER, 2), (TOKENS, None, padding(3, 5))
    ),
    "TransformerDecoderLayer(dropout=0)": Spec(
        "TransformerDecoderLayer", (16, 2), (normal(4, 3, 16), SEQUENCE), {"dropout": 0.0}
    ),
    "Transformer(dropout=0)": Spec(
        "Transformer", (16, 2, 1, 1, 32), (SEQUENCE, normal(4, 3, 16)), {"dropout": 0.0}
    ),
}

#: Every level of the census, by its name: the class, and the arguments where they matter.
MODULES: Mapping[str, Spec] = {
    **{
        kind: Spec(kind, args, (source,))
        for source, classes in _ONE_INPUT
        for kind, args in classes.items()
    },
    **{spec.kind: spec for spec in (*_SEVERAL_INPUTS, *_LOSSES)},
    **_VARIANTS,
}

_NO_FORWARD = "it has no forward pass of its own"
#: The classes of torch.nn that the census cannot run, and why.
LEFT_OUT: Mapping[str, str] = {
    "Module": f"the base of all modules: {_NO_FORWARD}",
    "Container": f"an empty base that old code inherits from: {_NO_FORWARD}",
    "ModuleDict": f"holds modules: {_NO_FORWARD}",
    "ModuleList": f"holds modules: {_NO_FORWARD}",
    "ParameterDict": f"holds parameters: {_NO_FORWARD}",
    "ParameterList": f"holds parameters: {_NO_FORWARD}",
    "RNNBase": f"the base of RNN, LSTM and GRU: {_NO_FORWARD}",
    "RNNCellBase": f"the base of the recurrent cells: {_NO_FORWARD}",
}
