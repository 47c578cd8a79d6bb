"""Do eight micro-batches take the floating-point operations of one batch?

A training step on 64 rows is counted by torch's own counter, which sees matrix products,
convolutions and attention, forward and backward: once with all rows at once, once in micro-batches
of eight. A perceptron, a convolutional network and a transformer of a few layers; what a layer
costs a row does not depend on how many layers there are. The scaling of the loss is not in the
count: it is one number a micro-batch.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import functional
from harness.meters import new_tensors_on
from studies.memory.workloads import NETS, TRANSFORMER, batch_of, network

ROWS, MICRO = 64, 8
NET = Factor("net", NETS, label="network")
BATCH = Factor(
    "batch",
    (ROWS, MICRO, ROWS // 2),
    control=ROWS,
    words={
        ROWS: "the whole batch",
        MICRO: "micro-batches of 8",
        ROWS // 2: "the first 32 rows alone",
    },
)

CLAIMS = (
    Claim(
        "C7.39",
        Ratio("operations", BATCH).at(batch=MICRO).always(),
        equals(1.0, within=0.01),
        reading="The same total: matrix products and convolutions of a training step on 64 rows, "
        "forward and backward, in micro-batches of eight and at once, within 1 %.",
        headline={"net": TRANSFORMER},
    ),
    Control(
        "half of the rows take half of the operations",
        Ratio("operations", BATCH).at(batch=ROWS // 2).always(),
        equals(0.5, within=0.01),
    ),
    Control("there are operations", Value("operations").always(), more_than(0.0)),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count a step."""
    rows = ROWS // 2 if arm[BATCH] == ROWS // 2 else ROWS
    return {"operations": counted(arm[NET], rows, min(arm[BATCH], rows), block.device) / 1e9}


def counted(net: str, rows: int, micro: int, device: str) -> int:
    """Floating-point operations of the backward and forward passes of a step."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with new_tensors_on(device):
        model, (x, y) = network(net), batch_of(net, rows)
        with counter:
            for inputs, labels in zip(x.split(micro), y.split(micro), strict=True):
                loss = functional.cross_entropy(model(inputs), labels) / (rows // micro)
                loss.backward()
    return int(counter.get_total_flops())


EXPERIMENT = Experiment(
    question="Do eight micro-batches take the floating-point operations of one batch?",
    factors=(NET, BATCH),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("operations", "GFLOP", "matrix products and convolutions of a training step"),
    ),
    claims=CLAIMS,
)
