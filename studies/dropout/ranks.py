"""Does nn.Dropout drop the same units on all workers by itself?

Two processes are started afresh, join a process group (gloo) and wrap a network in
DistributedDataParallel; nobody sets a seed. What "handles this correctly by default" must mean, in
a passage that asks for the same masks on all workers, is that both drop the same units: a lone
layer of 256, and the layer inside of the wrapped network. That the comparison can find equal masks
is shown by workers that set the same seed. Workers that are forked from one process, whose random
state they inherit, are beside: that is no default of ``nn.Dropout``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    HarnessError,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.figures import BLUE
from harness.libraries import nn, torch
from studies.dropout.rank import UNITS, kept

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MODULE, WORKERS, TIMEOUT_SECONDS = "studies.dropout.rank", 2, 120
ALONE, PARALLEL, SEEDED, BY_RANK, FORKED = (
    "alone",
    "parallel",
    "seeded",
    "seeded by rank",
    "forked",
)
STATE = Factor(
    "state",
    (ALONE, PARALLEL, SEEDED, BY_RANK, FORKED),
    words={
        ALONE: "a lone layer, no seed set",
        PARALLEL: "inside of DistributedDataParallel, no seed set",
        SEEDED: "the same seed set by both workers",
        BY_RANK: "a seed of its own set by each worker",
        FORKED: "workers forked from one process, no seed set",
    },
)
SAME = "By default: two workers that set no seed drop the same units."

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-drop-12",
        Value("same").at(state=(ALONE, PARALLEL)).always(),
        equals(1.0),
        reading=SAME,
        headline={"state": PARALLEL},
    ),
    Beyond(
        "D-drop-12",
        Value("same").at(state=FORKED).always(),
        equals(1.0),
        why="workers forked from one process, which inherit its random state",
        reading=SAME,
    ),
    Control(
        "workers that set the same seed drop the same units",
        Value("same").at(state=SEEDED).always(),
        equals(1.0),
    ),
    Control(
        "workers that set different seeds do not",
        Value("same").at(state=BY_RANK).always(),
        equals(0.0),
    ),
)


class Masks(NamedTuple):
    """The units that each worker kept, by state."""

    kept: dict[str, list[list[int]]]


def prepare(_: Block) -> Masks:
    """Start the workers, and fork others."""
    answers = fresh_workers()
    found = {state: [answer[state] for answer in answers] for state in answers[0]}
    return Masks({**found, FORKED: [forked_mask() for _ in range(WORKERS)]})


def fresh_workers() -> list[dict[str, list[int]]]:
    """What the workers of a new process group kept, worker by worker.

    Raises:
        HarnessError: a worker failed, with the last line it wrote.
    """
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", MODULE, meeting, str(rank), str(WORKERS)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(WORKERS)
        ]
        answers = []
        for worker in workers:
            said, error = worker.communicate(timeout=TIMEOUT_SECONDS)
            if worker.returncode:
                last = (error.strip().splitlines() or ["nothing"])[-1]
                raise HarnessError(f"A worker failed and said last: {last}")
            answers.append(json.loads(said.strip().splitlines()[-1]))
    return answers


def forked_mask() -> list[int]:
    """The units kept by a process forked from this one, which draws nothing itself meanwhile."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mask = kept(nn.Dropout(0.5)(torch.ones(UNITS)))
            os.write(writing, json.dumps(mask).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    found: list[int] = json.loads(said)
    return found


def measure(masks: Masks, arm: Arm) -> Responses:
    """Compare the workers' masks."""
    one, other = masks.kept[arm[STATE]]
    return {"same": float(one == other)}


def starts_with_equal_masks(table: pd.DataFrame) -> Figure:
    """In how many starts both workers dropped the same units, state by state."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "same"]
    for place, state in enumerate(STATE.levels):
        values = rows[rows["state"] == state]["value"].dropna()
        same, starts = int(values.sum()), len(values)
        axes.barh(place, 100 * same / starts if starts else 0, color=BLUE, height=0.6)
        said = f"{same} of {starts}" if starts else "failed"
        axes.text(100 * same / max(starts, 1) + 1.5, place, said, va="center")
    axes.set_yticks(
        range(len(STATE.levels)),
        [STATE.words[state].replace(", ", ",\n") for state in STATE.levels],
        fontsize=16,
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 50, 100])
    axes.set_xlabel("starts with the same units dropped (%)")
    told = rows[rows["state"] == PARALLEL]["value"].dropna()
    figure.suptitle(
        f"Without a seed, two workers in DistributedDataParallel dropped\nthe same units in "
        f"{int(told.sum())} of {len(told)} starts (p = 0.5, gloo on a CPU)",
        fontsize=19,
    )
    return figure


EXPERIMENT: Experiment[Masks] = Experiment(
    question="Does nn.Dropout drop the same units on all workers by itself?",
    factors=(STATE,),
    responses=(Response("same", "yes/no", "both workers drop the same units"),),
    blocks=PerProfile(1, 10, 20),
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(starts_with_equal_masks,),
)
