"""Must all of torch, NumPy and Python be seeded, and CUDA besides?

A training that draws from all of them (first weights and dropout from torch, noise on the inputs
from NumPy, the order of the batches from Python) runs in two processes with the four seeding calls
of document C, and again with each call left out in turn. Whatever is left out keeps a seed of the
operating system. The advice is judged on the three generators that the script draws from on any
machine. Beside it stands a training that draws from torch alone.

CUDA's own call is another matter: with torch's call in place it may be needless. Watched is, on any
machine, whether the seed reaches CUDA's generators by another call. Nobody who follows the advice
leaves that one line out by itself, so that this stands beside the verdict.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import numpy as np

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
    equals,
)
from harness.libraries import torch
from harness.workloads import mlp
from studies.determinism.process import Answer, Request, ask, fingerprint, weights_of
from studies.determinism.workloads import train_step

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, FEATURES, OUTPUTS, BATCH_SIZE, EPOCHS = 64, 20, 4, 16, 2

TORCH, NUMPY, PYTHON, CUDA = "torch", "numpy", "python", "cuda"
CALLS = (PYTHON, NUMPY, TORCH, CUDA)
NONE, ALL = "none", "all"
EVERYTHING, TORCH_ALONE = "torch, NumPy and Python", "torch alone"

OMITTED = Factor(
    "omitted",
    (NONE, *CALLS, ALL),
    words={
        NONE: "with all four calls",
        PYTHON: "without Python's call",
        NUMPY: "without NumPy's call",
        TORCH: "without torch's call",
        CUDA: "without CUDA's call",
        ALL: "without any call",
    },
)
DRAWS = Factor(
    "draws_from",
    (EVERYTHING, TORCH_ALONE),
    words={
        EVERYTHING: "a script that draws from torch, NumPy and Python",
        TORCH_ALONE: "a script that draws from torch alone",
    },
)

CLAIMS = (
    Claim(
        "C7.30",
        Value("equal").at(draws_from=EVERYTHING, omitted=(TORCH, NUMPY, PYTHON)).always(),
        equals(0.0),
        reading="To seed all of them is good advice where each one left out, of those that the "
        "script draws from, makes two runs differ.",
        headline={"omitted": NUMPY},
    ),
    Beyond(
        "C7.30",
        Value("seed_reaches_cuda").at(draws_from=EVERYTHING, omitted=CUDA).always(),
        equals(0.0),
        why="CUDA's line left out by itself, where torch's own call seeds CUDA too",
        reading="CUDA's own call is needed if without it the seed does not reach CUDA.",
    ),
    Control(
        "with all four calls two runs are equal",
        Value("equal").at(omitted=NONE).always(),
        equals(1.0),
    ),
    Control(
        "with no call two runs differ",
        Value("equal").at(omitted=ALL).always(),
        equals(0.0),
    ),
    Control(
        "with no call at all no seed reaches CUDA",
        Value("seed_reaches_cuda").at(omitted=ALL).always(),
        equals(0.0),
    ),
)


class Found(NamedTuple):
    """What came of an arm, for one seed after the other."""

    equal: list[float]
    seed_reaches_cuda: list[float]


def prepare(block: Block) -> dict[Arm, Found]:
    """Ask two processes for every arm and several seeds, and compare them."""
    cases = [
        (arm, block.seed + trial) for arm in EXPERIMENT.arms() for trial in range(block.effort)
    ]
    requests: list[Request] = [
        {**arm.as_dict(), "seed": seed, "device": block.device} for arm, seed in cases
    ]
    one, other = ask(__name__, requests)
    found = {arm: Found([], []) for arm, _ in cases}
    for (arm, _), left, right in zip(cases, one, other, strict=True):
        found[arm].equal.append(float(weights_of(left) == weights_of(right)))
        found[arm].seed_reaches_cuda.append(float(left["seed_reaches_cuda"]))
    return found


def measure(found: dict[Arm, Found], arm: Arm) -> Responses:
    """Whether two runs were equal, and whether CUDA was seeded."""
    return {"equal": found[arm].equal, "seed_reaches_cuda": found[arm].seed_reaches_cuda}


def run(request: Request) -> Answer:
    """Train once, in a process of its own, with some of the seeding calls left out."""
    seed, device = int(request["seed"]), str(request["device"])
    data = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, FEATURES, generator=data)
    reaches_cuda = seed_all_but(str(request["omitted"]), seed)
    net = mlp(FEATURES, OUTPUTS, hidden=32, dropout=0.5).to(device)
    for rows in batches(everything=request["draws_from"] == EVERYTHING):
        inputs = x[rows]
        if request["draws_from"] == EVERYTHING:
            noise = np.random.standard_normal(inputs.shape)  # noqa: NPY002 - the global stream
            inputs = inputs + 0.1 * torch.as_tensor(noise, dtype=torch.float32)
        train_step(net, inputs.to(device))
    return {"weights": fingerprint(net), "seed_reaches_cuda": reaches_cuda}


def seed_all_but(omitted: str, seed: int) -> bool:
    """Seed as document C does, but for what is left out; whether the seed reached CUDA."""
    random.seed()
    np.random.seed()  # noqa: NPY002 - the stream that document C seeds
    torch.seed()
    with mock.patch("torch.cuda.manual_seed_all", wraps=torch.cuda.manual_seed_all) as seeding:
        calls: dict[str, Callable[[int], object]] = {
            PYTHON: random.seed,
            NUMPY: np.random.seed,
            TORCH: torch.manual_seed,
            CUDA: torch.cuda.manual_seed_all,
        }
        for name in CALLS:
            if omitted not in (name, ALL):
                calls[name](seed)
    return any(call.args == (seed,) for call in seeding.call_args_list)


def batches(*, everything: bool) -> list[list[int]]:
    """Row numbers of each step, in an order that Python shuffles, or torch."""
    steps: list[list[int]] = []
    for _ in range(EPOCHS):
        order = list(range(ROWS))
        if everything:
            random.shuffle(order)
        else:
            order = torch.randperm(ROWS).tolist()
        steps += [order[at : at + BATCH_SIZE] for at in range(0, ROWS, BATCH_SIZE)]
    return steps


EXPERIMENT = Experiment(
    question="Must all of torch, NumPy and Python be seeded, and CUDA besides?",
    factors=(OMITTED, DRAWS),
    blocks=PerProfile(1, 2, 3),
    effort=PerProfile(2, 10, 20),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("equal", "yes/no", "two runs end with the same weights to the last bit"),
        Response("seed_reaches_cuda", "yes/no", "the seed reaches CUDA's generators"),
    ),
    claims=CLAIMS,
)
