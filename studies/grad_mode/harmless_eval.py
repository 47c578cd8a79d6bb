"""Is eval() harmless where there is no dropout to switch off?

Networks with every dropout probability at zero and without batch norm get one batch in train mode
and once more in eval mode. That the results agree is what makes eval() a habit that costs nothing;
that it should be a habit is advice, which no experiment judges. A transformer layer has one more
reason to differ: in eval mode without gradients it takes a fused path of its own (see ``outputs``),
which rounds otherwise and leaves padding out. So the same is done with gradients enabled, where it
cannot.

Judged is the output where it is read, which is not at padding, to 1e-5 of the largest output, and
every prediction. Weights are random but for MiniLM's; ModernBERT, the course's model, has its
default dropout, which is zero.
"""

from __future__ import annotations

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Responses,
    Value,
    at_most,
    equals,
    more_than,
)
from studies.grad_mode.gaps import RESPONSES, SAME, compared
from studies.grad_mode.modes import GRAD, grad_mode
from studies.grad_mode.workloads import MASKED, WORDS, Workload, workload

#: Their dropout probability is 0.
SILENT = (
    "perceptron",
    "CNN",
    "LSTM",
    "attention",
    "encoder",
    "encoder, padding mask",
    "BERT, padding mask",
    "ModernBERT, padding mask",
    "MiniLM, padding mask",
)
COURSE = "ModernBERT, padding mask"
DROPPING = "perceptron, p = 0.1"
NET = Factor(
    "net",
    (*SILENT, DROPPING),
    label="network",
    words={name: WORDS[name] for name in SILENT} | {DROPPING: "small perceptron with dropout 0.1"},
)

CLAIMS = (
    Claim(
        "A-take-1",
        Value("gap_read").at(grad="no_grad", net=SILENT).always(),
        at_most(SAME),
        reading="Calling eval() costs no result: under no_grad, as in an evaluation, the output in "
        "eval mode differs from that in train mode by at most 1e-5 of the largest output, wherever "
        "it is read, which is not at padding; that it is a good habit is advice and not judged.",
        headline={"grad": "no_grad", "net": COURSE},
    ),
    Claim(
        "A-take-1",
        Value("predictions_changed").at(grad="no_grad", net=SILENT).always(),
        equals(0),
        reading="And every prediction, the place of the largest output, is the same.",
    ),
    Beyond(
        "A-take-1",
        Value("same_bits").at(grad="no_grad", net=SILENT).always(),
        equals(1),
        why="the last bit, which nobody reads",
    ),
    Beyond(
        "A-take-1",
        Value("gap")
        .at(grad="no_grad", net=tuple(name for name in SILENT if name in MASKED))
        .always(),
        at_most(SAME),
        why="places of padding, which are not read",
    ),
    Control(
        "dropout that is not zero shows",
        Value("gap_read").at(net=DROPPING).always(),
        more_than(0.01),
    ),
)


def prepare(block: Block) -> dict[str, Workload]:
    """Every network with its input."""
    works = {name: workload(name, block.device, 0.0) for name in SILENT}
    works[DROPPING] = workload("perceptron", block.device, 0.1)
    return works


def measure(works: dict[str, Workload], arm: Arm) -> Responses:
    """Compare a pass in eval mode with one in train mode."""
    work = works[arm[NET]]
    with grad_mode(arm[GRAD]):
        work.net.train()
        reference = work.forward().detach()
        work.net.eval()
        output = work.forward().detach()
    return compared(output, reference, work.real)


EXPERIMENT = Experiment(
    question="Is eval() harmless where there is no dropout to switch off?",
    factors=(GRAD, NET),
    only=lambda arm: arm[GRAD] != "inference_mode",
    blocks=PerProfile(1, 20, 50),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
