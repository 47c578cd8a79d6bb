"""What does eval() change, what does no_grad, and does either need the other?

Networks are evaluated in all combinations of the two switches: the mode of the modules and the mode
of gradients. They are perceptrons with dropout, batch norm, both or neither, trained on digits, and
transformer encoders with dropout and random weights, with and without padding: for these PyTorch
has a path of its own, which it takes only where both switches are set. A pass over the same rows is
repeated, and of each combination it is recorded whether the repeats differ, whether batch norm's
buffers move, whether the output is tracked, and what is kept for a backward pass. The first output
is compared with a calculation by hand in float64 (what the network in eval mode must give), and
with the same pass with gradients enabled and the same dropout masks.

Two switches are independent where what one does is the same whatever the other: this is asked of
every number of the output, at places of padding as well, for it is a statement about what layers
do. Whether a result is right, or changes, is asked where the output is read, which is not at
padding. ``outputs`` asks more networks whether no_grad changes what they give.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

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
    at_least,
    at_most,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from harness.meters import saved_tensors
from harness.workloads import load_split, trained_mlp
from studies.grad_mode.by_hand import encoder_by_hand, perceptron_by_hand
from studies.grad_mode.gaps import SAME, compared
from studies.grad_mode.modes import GRAD, MODE, grad_mode
from studies.grad_mode.workloads import encoder_input, new_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

BOTH = "dropout + batch norm"
ENCODERS = ("encoder", "encoder, padding mask")
PERCEPTRONS = ("plain", "dropout", "batch norm", BOTH)
DROPPING, NORMING = ("dropout", BOTH, *ENCODERS), ("batch norm", BOTH)
#: Those that eval() changes.
CHANGED = ("dropout", "batch norm", BOTH, *ENCODERS)
#: Those that stand for all usual networks where the two switches are crossed.
CROSSED = (BOTH, *ENCODERS)
NET = Factor(
    "net",
    (*PERCEPTRONS, *ENCODERS),
    label="network",
    words={
        "plain": "plain perceptron",
        "dropout": "perceptron with dropout",
        "batch norm": "perceptron with batch norm",
        BOTH: "perceptron with dropout and batch norm",
        "encoder": "transformer encoder with dropout",
        "encoder, padding mask": "transformer encoder with dropout and padding",
    },
)
EITHER = ("enabled", "no_grad")

PASSES = 10
DIFFER = 0.95  # unequal in 95 % of trials or more
INDEPENDENT = 1e-6  # what float32 rounds by, as a share of the largest output

RESPONSES = (
    Response("differ", "1", "the share of repeated passes whose output is not that of the first"),
    Response("spread", "1", "the largest relative change of the output in repeated passes"),
    Response("moved", "buffers", "the number of batch norm buffers that a pass changes"),
    Response("tracked", "yes/no", "the output asks for a gradient"),
    Response("kept", "B", "the memory kept for a backward pass"),
    Response("right", "yes/no", "the output is that of a calculation by hand, without dropout"),
    Response(
        "gap",
        "1",
        "the largest relative change of the output from that with gradients enabled, padding "
        "included",
    ),
    Response(
        "gap_read",
        "1",
        "the largest relative change of the output from that with gradients enabled, where it is "
        "read",
    ),
    Response("ready", "yes/no", "the output is right, it repeats, and nothing is kept"),
)

INFERENCE_MODE = "inference mode, of which the passage does not speak"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "A-nograd-1",
        Value("right").at(mode="eval", grad="enabled", net=CHANGED).always(),
        equals(1),
        reading="eval() by itself changes behaviour: with it the output is the calculation by "
        "hand, where nothing is dropped and batch norm uses its running statistics.",
    ),
    Claim(
        "A-nograd-1",
        Value("right").at(mode="train", grad="no_grad", net=CHANGED).always(),
        equals(0),
        reading="no_grad does not replace it: in train mode under no_grad the output is another.",
    ),
    Claim(
        "A-nograd-1",
        Value("gap_read").at(grad="no_grad", net=CHANGED).always(),
        at_most(SAME),
        reading="no_grad leaves behaviour: in either mode the same pass gives the same output, to "
        "1e-5 of the largest, where the output is read.",
    ),
    Claim(
        "A-nograd-1",
        Value("kept").at(mode="eval", grad="enabled", net=CHANGED).always(),
        more_than(0),
        reading="eval() does not replace no_grad: in eval mode with gradients enabled something is "
        "kept for a backward pass.",
    ),
    Claim(
        "A-nograd-1",
        Value("kept").at(mode="train", grad="no_grad", net=CHANGED).always(),
        equals(0),
        reading="no_grad by itself saves memory: in train mode nothing is kept for a backward "
        "pass.",
    ),
    Claim(
        "A-nograd-1",
        Value("differ").at(mode="train", grad="no_grad", net=DROPPING).always(),
        at_least(DIFFER),
        reading="Dropout persists under no_grad alone: repeats differ in 95 % of cases or more.",
        headline={"net": "dropout"},
    ),
    Claim(
        "A-nograd-1",
        Value("moved").at(mode="train", grad="no_grad", net=NORMING).always(),
        more_than(0),
        reading="Updates of batch norm persist under no_grad alone.",
    ),
    Claim(
        "D-inc-2",
        Value("differ").at(mode="train", grad="no_grad", net=DROPPING).always(),
        at_least(DIFFER),
        reading="Repeated passes in train mode under no_grad differ in 95 % of cases or more.",
        headline={"net": "encoder"},
    ),
    Claim(
        "A-nograd-3",
        Value("kept").at(mode="eval", grad="enabled").always(),
        more_than(0),
        reading="In eval mode memory is kept for a backward pass while gradients are enabled.",
    ),
    Claim(
        "A-nograd-3",
        Value("kept").at(mode="eval", grad="no_grad").always(),
        equals(0),
        reading="It takes no_grad to avoid that.",
    ),
    Claim(
        "D-inc-4",
        Value("spread").at(mode="eval", grad="no_grad", net=DROPPING).always(),
        at_most(SAME),
        reading="Deterministic, within the tolerance for rounding that the text allows: repeats "
        "differ by at most 1e-5 of the largest output.",
        headline={"net": "encoder"},
    ),
    Claim(
        "D-inc-4",
        Value("kept").at(mode="eval", grad="no_grad", net=DROPPING).always(),
        equals(0),
        reading="No gradients are stored: nothing is kept for a backward pass that would make "
        "them.",
    ),
    Beyond(
        "D-inc-4",
        Value("differ").at(mode="eval", grad="no_grad", net=DROPPING).always(),
        equals(0),
        why="the last bit, for which the text allows a tolerance",
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="eval", grad="no_grad", net=CHANGED).always(),
        equals(1),
        reading="With both switches the output is right, it repeats, and nothing is kept for a "
        "backward pass.",
        headline={"net": "encoder"},
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="train", grad=EITHER, net=CHANGED).always(),
        equals(0),
        reading="Without eval() this is not so, in networks that it changes.",
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="eval", grad="enabled", net=CHANGED).always(),
        equals(0),
        reading="Nor is it without no_grad.",
    ),
    Beyond(
        "A-nograd-6",
        Value("ready").at(mode="eval", grad="inference_mode", net=CHANGED).always(),
        equals(1),
        why=INFERENCE_MODE,
    ),
    *(
        Claim("C4.09", Value(response).at(net=nets, **where).always(), region, reading)
        for response, nets, where, region, reading in (
            (
                "tracked",
                CROSSED,
                {"grad": "enabled"},
                equals(1),
                "With gradients enabled a graph is built in either mode.",
            ),
            (
                "tracked",
                CROSSED,
                {"grad": "no_grad"},
                equals(0),
                "Under no_grad none is built in either mode.",
            ),
            (
                "differ",
                CROSSED,
                {"mode": "train", "grad": EITHER},
                at_least(DIFFER),
                "In train mode dropout acts whatever the gradients.",
            ),
            (
                "differ",
                CROSSED,
                {"mode": "eval", "grad": EITHER},
                equals(0),
                "In eval mode it does not, whatever the gradients.",
            ),
            (
                "moved",
                BOTH,
                {"mode": "train", "grad": EITHER},
                more_than(0),
                "In train mode batch norm's buffers move whatever the gradients.",
            ),
            (
                "moved",
                BOTH,
                {"mode": "eval", "grad": EITHER},
                equals(0),
                "In eval mode they do not, whatever the gradients.",
            ),
        )
    ),
    Claim(
        "C4.09",
        Value("gap").at(grad="no_grad", net=CROSSED).always(),
        at_most(INDEPENDENT),
        reading="Completely independent: in either mode no_grad leaves every number of the output "
        "as it is, to 1e-6 of the largest, with the same dropout masks.",
        headline={"mode": "eval", "net": "encoder, padding mask"},
    ),
    Beyond(
        "C4.09",
        Value("gap_read").at(grad="no_grad", net="encoder, padding mask").always(),
        at_most(INDEPENDENT),
        why="a comparison that leaves out places of padding, where the layers have an output too",
    ),
    Beyond(
        "C4.09",
        Value("gap").at(grad="inference_mode", net=CROSSED).always(),
        at_most(INDEPENDENT),
        why=INFERENCE_MODE,
    ),
    Control(
        "a plain network gives the calculation by hand in either mode",
        Value("right").at(net="plain").always(),
        equals(1),
    ),
    Control(
        "and the same in every pass",
        Value("differ").at(net="plain").always(),
        equals(0),
    ),
)


class Subject(NamedTuple):
    """A network, how its input passes through it, and what must come out in eval mode.

    Attributes:
        net: with its weights; it is copied before it is used.
        forward: a pass of the input through a copy.
        owned: what is there whatever a pass keeps, beside the network.
        real: where the input is no padding; None where nothing is padded.
        expected: the output by hand, float64.
    """

    net: nn.Module
    forward: Callable[[nn.Module], Tensor]
    owned: list[Tensor]
    real: Tensor | None
    expected: Tensor


class Cell(NamedTuple):
    """The networks with their inputs, and the block's seed."""

    subjects: dict[str, Subject]
    seed: int


def prepare(block: Block) -> Cell:
    """Train each perceptron for a few epochs on the same digits; encoders have random weights."""
    subjects = perceptrons(block)
    x, real = encoder_input(block.device)
    net = new_encoder(block.device, dropout=0.1)
    for name, seen in zip(ENCODERS, (None, real), strict=True):
        subjects[name] = encoder_subject(net, x, seen)
    return Cell(subjects, block.seed)


def perceptrons(block: Block) -> dict[str, Subject]:
    """The trained perceptrons and the rows of digits that are evaluated."""
    split = load_split("digits", block.seed, block.device)
    rows = split.val_x
    subjects = {}
    for name in PERCEPTRONS:
        net = trained_mlp(
            split,
            block.seed,
            epochs=3,
            dropout=0.5 if name in DROPPING else None,
            batch_norm=name in NORMING,
        )
        expected = perceptron_by_hand(net, rows)
        subjects[name] = Subject(net, lambda net: net(rows), [rows], None, expected)
    return subjects


def encoder_subject(net: nn.Module, x: Tensor, real: Tensor | None) -> Subject:
    """An encoder with its input; padding is where ``real`` is false."""
    padding = None if real is None else ~real

    def forward(net: nn.Module) -> Tensor:
        output: Tensor = net(x, src_key_padding_mask=padding)
        return output

    owned = [x] if padding is None else [x, padding]
    return Subject(net, forward, owned, real, encoder_by_hand(net, x, real))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Pass the rows through a copy of the network again and again."""
    subject = cell.subjects[arm[NET]]
    enabled, _ = first_pass(subject, cell.seed, arm[MODE], "enabled")
    output, found = first_pass(subject, cell.seed, arm[MODE], arm[GRAD])
    net = copy.deepcopy(subject.net).train(arm[MODE] == "train")
    with grad_mode(arm[GRAD]):
        repeats = [subject.forward(net).detach() for _ in range(PASSES)]
    differ = sum(not torch.equal(repeat, repeats[0]) for repeat in repeats[1:]) / (PASSES - 1)
    spread = max(gap_of(repeat, repeats[0], subject.real) for repeat in repeats[1:])
    right = gap_of(output, subject.expected, subject.real) <= SAME
    gaps = compared(output, enabled, subject.real)
    return found | {
        "differ": differ,
        "spread": spread,
        "right": float(right),
        "gap": gaps["gap"],
        "gap_read": gaps["gap_read"],
        "ready": float(right and spread <= SAME and found["kept"] == 0),
    }


def gap_of(output: Tensor, reference: Tensor, real: Tensor | None) -> float:
    """How far an output is from another where it is read, as a share of the largest."""
    return float(str(compared(output, reference, real)["gap_read"]))


def first_pass(
    subject: Subject, seed: int, mode: str, grad: str
) -> tuple[Tensor, dict[str, float]]:
    """One pass of a fresh copy from a seed: the output, and what it leaves behind."""
    net = copy.deepcopy(subject.net).train(mode == "train")
    before = [buffer.clone() for buffer in net.buffers()]
    torch.manual_seed(seed)
    there = [*net.parameters(), *net.buffers(), *subject.owned]
    with grad_mode(grad), saved_tensors(there) as saved:
        output = subject.forward(net)
    pairs = zip(before, net.buffers(), strict=True)
    return output.detach(), {
        "moved": float(sum(not torch.equal(old, new) for old, new in pairs)),
        "tracked": float(output.requires_grad),
        "kept": float(saved.bytes),
    }


EXPERIMENT = Experiment(
    question="What does eval() change, what does no_grad, and does either need the other?",
    factors=(MODE, GRAD, NET),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
