"""Is the loop, with a component that has nothing to do, the loop without it?

The production loop trains a small network for four epochs with every component off, and once with
each of them on and set so that it has nothing to do: a patience that never ends, a limit that no
gradient reaches, one batch to an update, checkpoints that nobody loads, a log that nobody reads, a
scaler in float32, whose scale is a power of two. The weights at the end must be the same, bit by
bit; a limit that does clip is the counterexample. What this control guards is the other
experiments: what they find is the component's doing.

Beside it stands what early stopping and a log cost in memory: the most that tensors take at any
time of the training.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness import (
    Arm,
    Beyond,
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
)
from harness.meters import live_storage
from studies.determinism.process import fingerprint
from studies.production_loop.loop import Components, Line, train
from studies.production_loop.scripts import ADAM, CONV, NORMED, begin

OFF = "none"
STOPPING, LOGGING, SAVING = "early stopping", "a log", "checkpoints"
ONE_BATCH, NO_LIMIT, SCALER, CLIPS = (
    "one batch to an update",
    "clipping that never clips",
    "a scaler",
    "clipping that clips",
)
COMPONENT = Factor(
    "component",
    (OFF, STOPPING, LOGGING, SAVING, ONE_BATCH, NO_LIMIT, SCALER, CLIPS),
    control=OFF,
    words={OFF: "no component"},
)
IDLE = (STOPPING, LOGGING, SAVING, ONE_BATCH, NO_LIMIT, SCALER)
SCRIPT = Factor("script", (ADAM, NORMED, CONV))
NEVER, HUGE, TINY = 1_000, 1e30, 1e-3

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.15",
        Ratio("peak", COMPONENT).always().at(component=STOPPING, script=ADAM),
        equals(1.0, within=0.02),
        reading="It costs no memory: the most that tensors take at any time of a training with "
        "early stopping is that without, within 2 %.",
        half="it costs no memory",
        quantifier="always",
    ),
    Beyond(
        "C7.42",
        Ratio("peak", COMPONENT).always().at(component=LOGGING),
        equals(1.0, within=0.02),
        why="lines of numbers in a list, in place of WandB",
        reading="No memory: the most that tensors take at any time of a training with a log is "
        "that without, within 2 %.",
    ),
    Control(
        "a component that has nothing to do changes no bit",
        Value("unchanged").always().at(component=(OFF, *IDLE)),
        equals(1.0),
    ),
    Control(
        "clipping that clips is seen",
        Value("unchanged").always().at(component=CLIPS),
        equals(0.0),
    ),
)


def components(name: str, folder: Path, log: Callable[[Line], None]) -> Components:
    """The loop's components, with one of them on."""
    off = Components()
    return {
        OFF: off,
        STOPPING: replace(off, patience=NEVER),
        LOGGING: replace(off, log=log),
        SAVING: replace(off, path=folder / "checkpoint.pt"),
        ONE_BATCH: replace(off, accumulate=1, flush=True),
        NO_LIMIT: replace(off, clip=HUGE),
        SCALER: replace(off, scaler=True),
        CLIPS: replace(off, clip=TINY),
    }[name]


def measure(block: Block, arm: Arm) -> Responses:
    """Train with and without the component, and weigh the first."""
    script = begin(arm[SCRIPT], block.seed)
    train(script.work, Components())
    plain = fingerprint(script.work.trained.net)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder, live_storage("cpu") as live:
        script = begin(arm[SCRIPT], block.seed)
        train(script.work, components(arm[COMPONENT], Path(folder), lines.append))
        weights = fingerprint(script.work.trained.net)
    return {"unchanged": float(weights == plain), "peak": live.peak_bytes / 1e3}


EXPERIMENT = Experiment(
    question="Is the loop, with a component that has nothing to do, the loop without it?",
    factors=(SCRIPT, COMPONENT),
    blocks=PerProfile(1, 5, 10),
    measure=measure,
    responses=(
        Response("unchanged", "yes/no", "training ends with the weights of the plain loop"),
        Response("peak", "kB", "the most that tensors take at any time of the training"),
    ),
    claims=CLAIMS,
)
