"""Do the documents' sizes of models come out, and do they fit one another?

Bytes are counted on torch's own parameters, of a device that holds no numbers: how many there are
times the size of one. A megabyte is a million bytes.

Of a model of 7 billion parameters the passage says 28 GB with a graph and 14 GB without. It stands
in a paragraph that counts 4 bytes a parameter. There 28 GB are the weights alone, before any graph,
and 14 GB without a graph cannot be. With 2 bytes a parameter 14 GB are the weights, and a batch
whose graph takes another 14 GB would make the sentence true; but that is another premise than the
paragraph's, and stands beyond it.

Whether the figures fit together (C4.27) is asked by the catalogue, not by the document. They fit if
one precision and one batch satisfy all. That a graph "can" be larger may be said of a larger batch,
and the ratio of activations is given for another model: neither contradicts. What is left is the
precision, which is the question of C4.26: one statement, one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Fact, facts
from harness.libraries import nn, torch
from studies.arithmetic.twins import twins

if TYPE_CHECKING:
    from torch import dtype

MILLION, BILLION = 10**6, 10**9
MEBI = 2**20
SMALL, LARGE = 100 * MILLION, 7 * BILLION
#: What the documents print: MB of the small model's weights; GB of the large one's memory.
SMALL_MB, WITH_GRAPH_GB, WITHOUT_GB = 400, 28, 14
#: A graph that a large model can have, in GB, and how often the weights the activations are.
CAN_BE_GB, LEAST_RATIO, MOST_RATIO = 20, 2, 3


def weight_bytes(parameters: int, kind: dtype) -> int:
    """Bytes of a linear layer with so many weights, on the device that stores nothing.

    Args:
        parameters: a multiple of a thousand.
        kind: of number.
    """
    layer = nn.Linear(1_000, parameters // 1_000, bias=False, device="meta", dtype=kind)
    return sum(each.numel() * each.element_size() for each in layer.parameters())


def graph_gb() -> int:
    """What the graph takes by the printed difference."""
    return WITH_GRAPH_GB - WITHOUT_GB


def is_the_ratio(graph: float, weights: float) -> bool:
    """Whether a graph is two to three times the weights."""
    return LEAST_RATIO * weights <= graph <= MOST_RATIO * weights


AT_ITS_PRECISION = Fact(
    "C4.26",
    "in 32 bits, as in its paragraph, 7 billion parameters without a graph are 14 GB",
    lambda: weight_bytes(LARGE, torch.float32) / BILLION,
    WITHOUT_GB,
    lambda: weight_bytes(SMALL, torch.float32) / BILLION,
    within=0.5,
    reading="Without a graph there are the weights: 4 bytes for each of 7 billion parameters, as "
    "the paragraph counts them, must be 14 GB to the whole GB that is printed.",
    headline=True,
)

EXPERIMENT = facts(
    "Do the documents' sizes of models come out, and do they fit one another?",
    Fact(
        "C4.23",
        "100 million parameters in 32 bits are 400 MB",
        lambda: weight_bytes(SMALL, torch.float32) / MILLION,
        SMALL_MB,
        lambda: weight_bytes(SMALL, torch.bfloat16) / MILLION,
        headline=True,
    ),
    Fact(
        "C4.23",
        "100 million parameters in 32 bits are 400 MiB",
        lambda: weight_bytes(SMALL, torch.float32) / MEBI,
        SMALL_MB,
        lambda: weight_bytes(SMALL, torch.bfloat16) / MEBI,
        within=0.5,
        beyond="MB read as 2^20 bytes",
    ),
    AT_ITS_PRECISION,
    Fact(
        "C4.26",
        "in 32 bits the weights alone are 28 GB",
        lambda: weight_bytes(LARGE, torch.float32) / BILLION,
        WITH_GRAPH_GB,
        lambda: weight_bytes(LARGE, torch.bfloat16) / BILLION,
        within=0.5,
        beyond="the weights alone, where the passage says with a graph",
    ),
    Fact(
        "C4.26",
        "in 16 bits 7 billion parameters without a graph are 14 GB",
        lambda: weight_bytes(LARGE, torch.bfloat16) / BILLION,
        WITHOUT_GB,
        lambda: weight_bytes(LARGE, torch.float32) / BILLION,
        within=0.5,
        beyond="16 bits, where the paragraph has 32; a batch with a graph of 14 GB then makes 28",
    ),
    Fact(
        "C4.27",
        "what is left without a graph is as many bytes a parameter in both models",
        WITHOUT_GB * BILLION / LARGE,
        SMALL_MB * MILLION / SMALL,
        CAN_BE_GB * BILLION / LARGE,
        reading="14 GB for 7 billion parameters and 400 MB for 100 million, both said of weights "
        "without a graph, are the same number of bytes a parameter.",
        beyond="the same misfit told in bytes a parameter",
    ),
    Fact(
        "C4.27",
        "the graph of the difference is one of 20 GB and more",
        lambda: graph_gb() >= CAN_BE_GB,
        True,
        lambda: SMALL_MB / 1_000 >= CAN_BE_GB,
        beyond="one batch for both: that a graph can be so large may be said of a larger batch",
    ),
    Fact(
        "C4.27",
        "the graph of the difference is two to three times the weights that are left",
        lambda: is_the_ratio(graph_gb(), WITHOUT_GB),
        True,
        lambda: is_the_ratio(WITHOUT_GB, WITHOUT_GB),
        beyond="the ratio of activations to weights, which is given for a model of 12 layers",
    ),
    more=twins(AT_ITS_PRECISION, "C4.27", headline=True),
)
