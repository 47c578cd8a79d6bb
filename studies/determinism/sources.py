"""Does a script without seeds differ between runs, and through which of its random numbers?

A perceptron with dropout is trained in two processes. Three sources of random numbers, first
weights, order of the batches and dropout masks, are each fixed by a seed or left free, in all
combinations; free means a seed from the operating system, which is what a new process starts with.
The two trainings are equal if all their weights are, bit by bit.

The data are the same in all runs. With every source fixed two runs must be equal: otherwise nothing
could be laid at the door of the one that is free. The verdicts speak for a perceptron and plain
gradient descent.
"""

from __future__ import annotations

from typing import TypeAlias

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch
from harness.workloads import mlp
from studies.determinism.process import Answer, Request, ask, fingerprint, weights_of
from studies.determinism.workloads import train_step

ROWS, FEATURES, OUTPUTS, BATCH_SIZE, EPOCHS = 64, 20, 4, 16, 2

FREE, FIXED = "free", "fixed"
INIT = Factor("init", (FREE, FIXED), words={FREE: "weights free", FIXED: "weights seeded"})
SHUFFLING = Factor(
    "shuffling", (FREE, FIXED), words={FREE: "shuffling free", FIXED: "shuffling seeded"}
)
DROPOUT = Factor("dropout", (FREE, FIXED), words={FREE: "dropout free", FIXED: "dropout seeded"})
SOURCES = (INIT, SHUFFLING, DROPOUT)

#: Which source each condition leaves free, all others being fixed, in words.
ALONE = {"init": "first weights", "shuffling": "order of the batches", "dropout": "dropout masks"}


def _all_fixed_but(free: str) -> Value:
    levels = {source.name: FREE if source.name == free else FIXED for source in SOURCES}
    return Value("equal").at(**levels).always()


CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C7.29",
        Value("equal").at(init=FREE, shuffling=FREE, dropout=FREE).always(),
        equals(0.0),
        reading="Without seeds two runs of one script end with weights that differ in some bit.",
        headline=True,
    ),
    *(
        Claim(
            "C7.29",
            _all_fixed_but(source),
            equals(0.0),
            reading=f"Random numbers decide the {words} where they alone make two runs differ.",
        )
        for source, words in ALONE.items()
    ),
    Control(
        "with every source fixed two runs are equal",
        Value("equal").at(init=FIXED, shuffling=FIXED, dropout=FIXED).always(),
        equals(1.0),
    ),
)

#: For each arm, whether two processes agreed, for one seed after the other.
Agreement: TypeAlias = dict[Arm, list[float]]


def prepare(block: Block) -> Agreement:
    """Ask two processes for every arm and several seeds, and compare them."""
    cases = [
        (arm, block.seed + trial) for arm in EXPERIMENT.arms() for trial in range(block.effort)
    ]
    requests: list[Request] = [
        {**arm.as_dict(), "seed": seed, "device": block.device} for arm, seed in cases
    ]
    one, other = ask(__name__, requests)
    agreement: Agreement = {arm: [] for arm, _ in cases}
    for (arm, _), left, right in zip(cases, one, other, strict=True):
        agreement[arm].append(float(weights_of(left) == weights_of(right)))
    return agreement


def measure(agreement: Agreement, arm: Arm) -> Responses:
    """Whether the two processes ended with the same weights."""
    return {"equal": agreement[arm]}


def run(request: Request) -> Answer:
    """Train once, in a process of its own, with some sources fixed and the others free."""
    seed, device = int(request["seed"]), str(request["device"])

    def start(source: Factor[str], place: int) -> None:
        """Begin a source: from its own seed, or from one of the operating system."""
        if request[source.name] == FIXED:
            torch.manual_seed(seed + place)
        else:
            torch.seed()

    data = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, FEATURES, generator=data).to(device)
    start(INIT, 1)
    net = mlp(FEATURES, OUTPUTS, hidden=32, dropout=0.5).to(device)
    start(SHUFFLING, 2)
    order = [rows for _ in range(EPOCHS) for rows in torch.randperm(ROWS).split(BATCH_SIZE)]
    start(DROPOUT, 3)
    for rows in order:
        train_step(net, x[rows])
    return {"weights": fingerprint(net)}


EXPERIMENT = Experiment(
    question="Does a script without seeds differ between runs, and through which random numbers?",
    factors=SOURCES,
    blocks=PerProfile(1, 2, 3),
    effort=PerProfile(2, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=(Response("equal", "yes/no", "two runs end with the same weights to the last bit"),),
    claims=CLAIMS,
)
