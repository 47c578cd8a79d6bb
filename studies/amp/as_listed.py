"""Do document C's lines for mixed precision work on any machine?

The document builds its scaler with no argument and opens autocast for "cuda". Whether that works
"on any machine" shows on one without a GPU: a process of its own from which GPUs are hidden, so
that a machine that has some gives the same answer. There the lines take a training step each, and
so do the lines that name the processor, as a control. Counted are warnings and exceptions; in
effect is a scaler that scales the loss, and an autocast whose matrix product runs in 16 bits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
from studies.amp.without_gpu import LINES

AS_LISTED, FOR_THE_PROCESSOR = LINES[:2], LINES[2:]

LINE = Factor("line", LINES)

CLAIMS = (
    Claim(
        "C7.27",
        Value("warnings").at(line=AS_LISTED).always(),
        equals(0.0),
        reading="To work on any machine is to work on one without a GPU. There: no warning.",
    ),
    Claim(
        "C7.27",
        Value("failed").at(line=AS_LISTED).always(),
        equals(0.0),
        reading="On a machine without a GPU: no exception.",
    ),
    Claim(
        "C7.27",
        Value("in_effect").at(line=AS_LISTED).always(),
        equals(1.0),
        reading="On a machine without a GPU: the effect that the line has elsewhere.",
    ),
    Control(
        "the same lines for the processor are silent",
        Value("warnings").at(line=FOR_THE_PROCESSOR).always(),
        equals(0.0),
    ),
    Control(
        "the same lines for the processor take effect",
        Value("in_effect").at(line=FOR_THE_PROCESSOR).always(),
        equals(1.0),
    ),
)

#: What each line gave, by response.
Found: TypeAlias = dict[str, dict[str, float]]


def prepare(block: Block) -> Found:  # noqa: ARG001 - the same whatever the seed and the device
    """Ask a process that sees no GPU."""
    hidden = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-m", "studies.amp.without_gpu"],
        env=os.environ | hidden | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    found: Found = json.loads(done.stdout)
    return found


def measure(found: Found, arm: Arm) -> Responses:
    """What became of one line."""
    return found[arm[LINE]]


EXPERIMENT = Experiment(
    question="Do document C's lines for mixed precision work on a machine without a GPU?",
    factors=(LINE,),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("warnings", "warnings", "warnings"),
        Response("failed", "1", "failed"),
        Response("in_effect", "1", "in effect"),
    ),
    claims=CLAIMS,
)
