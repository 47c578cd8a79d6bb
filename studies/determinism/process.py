"""Trainings in processes of their own.

A process is asked for several trainings, one after the other, since to start it takes seconds. The
processes that are compared get them in different random orders, so that what one training might
leave behind for the next cannot pass for agreement.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

from harness import HarnessError
from harness.libraries import torch

if TYPE_CHECKING:
    from torch import nn

#: What a training is asked with, and what it answers: plain values by name.
Request: TypeAlias = Mapping[str, str | int | float | bool]
Answer: TypeAlias = Mapping[str, str | int | float | bool]

MODULE = "studies.determinism.process"
TIMEOUT_SECONDS = 500
#: Threads that wait for each other sleep: several processes share the cores, and a thread that
#: spins instead would keep the one it waits for from running.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}


def ask(
    module: str,
    requests: Sequence[Request],
    *,
    processes: int = 2,
    variables: Mapping[str, str] | None = None,
) -> list[list[Answer]]:
    """Have the same trainings done by several processes, side by side.

    Args:
        module: whose function ``run`` takes a request and gives an answer.
        requests: each process gets all of them, in an order of its own.
        processes: how many.
        variables: of the environment, besides those of this process.

    Returns:
        For each process its answers, in the order of the requests; a training that raised has the
        answer "error".

    Raises:
        HarnessError: a process as a whole failed, with the last line it wrote.
    """
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, **PATIENT, "PYTHONPATH": path, **(variables or {})}
    with ThreadPoolExecutor(processes) as pool:
        return list(
            pool.map(lambda n: _ask_one(module, requests, n, environment), range(processes))
        )


def _ask_one(
    module: str, requests: Sequence[Request], number: int, environment: Mapping[str, str]
) -> list[Answer]:
    order = random.Random(number).sample(range(len(requests)), len(requests))
    done = subprocess.run(
        [sys.executable, "-m", MODULE, module],
        input=json.dumps([dict(requests[place]) for place in order]),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise HarnessError(f"A training process of {module} failed and said last: {said[-1]}")
    answers: list[Answer] = json.loads(done.stdout)
    return [answers[order.index(place)] for place in range(len(requests))]


def weights_of(answer: Answer) -> str:
    """The fingerprint of the weights that a training ended with.

    Raises:
        HarnessError: the training raised, with what it said.
    """
    if "error" in answer:
        raise HarnessError(f"A training failed: {answer['error']}")
    return str(answer["weights"])


def fingerprint(net: nn.Module) -> str:
    """All weights and buffers of a network, bit by bit, in a short text."""
    digest = hashlib.sha256()
    for tensor in net.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def serve(module: str) -> None:
    """Answer the requests on the input, all at once."""
    torch.set_num_threads(1)
    run = importlib.import_module(module).run
    answers: list[Answer] = []
    for request in json.load(sys.stdin):
        try:
            answers.append(run(request))
        except Exception as error:  # noqa: BLE001 - becomes a failed row of its own arm
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    serve(sys.argv[1])
