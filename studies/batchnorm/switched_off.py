"""Does eval() switch batch norm off, as it does dropout?

Document B says in one breath that eval mode switches off dropout, batch norm and the like. Taken
literally, a layer that is off hands on what it is given: dropout in eval mode does, to the bit. Of
batch norm layers that have been trained for some steps it is measured how far their output in eval
mode lies from their input, in standard deviations of the input. A later passage of the same
document (its line 78) says no more than that the statistics are no longer updated: that reading is
shown beside, and judged under B-ex2-1. An untrained layer divides by 1 and subtracts 0, and is
close to being off by accident: shown beside too.
"""

from __future__ import annotations

import copy

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
)
from harness.libraries import nn, torch
from studies.eval_variance.batch_norm import CHANNELS, SHAPES, Cell
from studies.eval_variance.batch_norm import prepare as prepare_trained
from studies.eval_variance.state import differ

DROPOUT, TRAINED, UNTRAINED = "Dropout", "trained", "untrained"
NORMS = tuple(SHAPES)
OFF = at_most(1e-3)

LAYER = Factor("layer", (*NORMS, DROPOUT), words={DROPOUT: "a dropout layer"})
STATE = Factor("state", (TRAINED, UNTRAINED), words={TRAINED: "", UNTRAINED: "untrained"})

CLAIMS = (
    Claim(
        "B-fix-2",
        Value("distance").at(layer=NORMS, state=TRAINED).always(),
        OFF,
        reading="Taken literally, off as dropout is: in eval mode the layer hands on its input, to "
        "a thousandth of the input's standard deviation.",
        headline={"layer": "BatchNorm1d"},
    ),
    Beyond(
        "B-fix-2",
        Value("changed").at(layer=NORMS, state=TRAINED).always(),
        equals(0),
        why="the weaker reading of the document's line 78, which is judged as B-ex2-1",
        reading="Only the updating is off: a pass in eval mode changes no buffer, bit for bit.",
    ),
    Beyond(
        "B-fix-2",
        Value("distance").at(layer=NORMS, state=UNTRAINED).always(),
        OFF,
        why="an untrained layer, whose statistics are 0 and 1 by default",
    ),
    Control(
        "a dropout layer is off in eval mode",
        Value("distance").at(layer=DROPOUT, state=TRAINED).always(),
        equals(0.0),
    ),
)


def prepare(block: Block) -> Cell:
    """Trained layers and new batches, as for the hand calculation, and a dropout layer."""
    cell = prepare_trained(block)
    x = torch.randn(16, CHANNELS, device=block.device)
    return Cell({**cell.layers, DROPOUT: nn.Dropout(0.5)}, {**cell.batches, DROPOUT: x})


def measure(cell: Cell, arm: Arm) -> Responses:
    """Pass the batch in eval mode."""
    layer, x = copy.deepcopy(cell.layers[arm[LAYER]]), cell.batches[arm[LAYER]]
    if arm[STATE] == UNTRAINED:
        layer = getattr(nn, arm[LAYER])(CHANNELS).to(x.device)
    before = [buffer.clone() for buffer in layer.buffers()]
    with torch.no_grad():
        output = layer.eval()(x)
    return {
        "distance": ((output - x).square().mean().sqrt() / x.std()).item(),
        "changed": sum(map(differ, before, layer.buffers())),
    }


def in_design(arm: Arm) -> bool:
    """Nothing of dropout is trained."""
    return arm[LAYER] != DROPOUT or arm[STATE] == TRAINED


EXPERIMENT = Experiment(
    question="Does eval() switch batch norm off, as it does dropout?",
    factors=(LAYER, STATE),
    only=in_design,
    blocks=PerProfile(8, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "distance",
            "s.d.",
            "distance of the output in eval mode from the input (root mean square)",
        ),
        Response("changed", "buffers", "number of buffers that a pass in eval mode changes"),
    ),
    claims=CLAIMS,
)
