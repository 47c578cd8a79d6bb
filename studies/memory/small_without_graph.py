"""How much memory does no_grad save a small network, measured with the allocator?

Small perceptrons and transformers in eval mode pass a batch forward to its loss, with gradients
enabled and under ``no_grad``. Counted are all blocks of torch's allocator, also those that live
within an operation, since without gradients an encoder layer is a single one; weights and batch
come on top. Depth and batch are varied, for what a graph adds to the weights depends on both.

``without_graph`` judges the claims on networks of the size that the passage has; these are beyond
it, by the same rule.
"""

from __future__ import annotations

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import functional, torch
from harness.meters import allocator_peak, new_tensors_on, total_bytes
from studies.memory.without_graph import CLOSE, GRAD, SLASHED, SLASHES_READING
from studies.memory.workloads import (
    MLP,
    MLP_WIDTH,
    TOKEN_WIDTH,
    TRANSFORMER,
    batch_of,
    network,
)

LENGTH = 16

NET = Factor("net", (MLP, TRANSFORMER), label="network")
DEPTH = Factor("depth", (4, 12, 24), words={depth: f"{depth} layers" for depth in (4, 12, 24)})
BATCH = Factor("batch", (32, 256, 2048), label="batch of")
SIZE = "networks of 0.3 to 2.4 million parameters; the passage has 100 million"

CLAIMS = (
    Beyond(
        "C4.19",
        Ratio("peak", GRAD).always(),
        at_least(SLASHED),
        why=SIZE,
        reading=SLASHES_READING,
    ),
    Beyond(
        "C4.25",
        Value("over_inputs").at(grad="no_grad").always(),
        equals(1.0, within=CLOSE),
        why=SIZE,
        reading="Under no_grad the peak is the weights, the inputs and the labels, to within a "
        "tenth.",
    ),
    Control(
        "the graph of a perceptron holds the output of every layer",
        Value("beyond").at(net=MLP, depth=24, batch=2048, grad="enabled").always(),
        equals(24.0, within=2.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count one pass forward."""
    with new_tensors_on(block.device):
        model = network(arm[NET], arm[DEPTH]).eval()
        x, y = batch_of(arm[NET], arm[BATCH], LENGTH)
    with torch.no_grad():
        model(x[:1])  # libraries take what they need once a process
    with torch.set_grad_enabled(arm[GRAD] == "enabled"), allocator_peak(block.device) as allocator:
        functional.cross_entropy(model(x), y)
    layer = 4 * (x.shape[0] * MLP_WIDTH if arm[NET] == MLP else x[..., 0].numel() * TOKEN_WIDTH)
    there = total_bytes([*model.parameters(), x, y])
    return {
        "there": there / 1e6,
        "peak": (there + allocator.grown_bytes) / 1e6,
        "over_inputs": 1 + allocator.grown_bytes / there,
        "beyond": allocator.grown_bytes / layer,
    }


def _affordable(arm: Arm) -> bool:
    """Transformers take a hundred times as long."""
    return arm[NET] == MLP or (arm[DEPTH] <= 12 and arm[BATCH] <= 256)


EXPERIMENT = Experiment(
    question="How much memory does no_grad save a small network?",
    factors=(NET, DEPTH, BATCH, GRAD),
    only=_affordable,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("there", "MB", "memory of weights, inputs and labels"),
        Response("peak", "MB", "peak of a forward pass"),
        Response(
            "over_inputs", "1", "peak of a forward pass over the weights, inputs and labels alone"
        ),
        Response("beyond", "layers", "memory beyond weights and batch, in outputs of one layer,"),
    ),
    claims=CLAIMS,
)
