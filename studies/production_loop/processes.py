"""Processes that train, are killed by the system, and are resumed by others from a real file.

Run as ``python -m studies.production_loop.processes`` this reads seeds from its input and writes
answers to its output. It imports torch, calls nothing of it, and forks a process for every
training: one that runs through; one that is killed with SIGKILL in the middle of an epoch; and, for
each way of loading the checkpoint, one that begins the script again and resumes.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from harness import HarnessError
from harness.libraries import torch
from studies.determinism.process import fingerprint
from studies.production_loop.checkpoints import (
    ITEMS,
    LISTED,
    WEIGHTS,
    Counters,
    save,
)
from studies.production_loop.loop import Components, Events, train
from studies.production_loop.scripts import BATCHES, SCRIPTS, begin

TIMEOUT_SECONDS = 500
#: The last epoch that the killed process has finished, and written a checkpoint after.
FINISHED = 1
ALL, ALONE, PRINTED, MIDDLE = (
    "everything",
    "the weights alone",
    "what the printed loader does",
    "everything, from within an epoch",
)


class Way(NamedTuple):
    """How a checkpoint is resumed from: what is put back, and the epoch to begin with."""

    items: tuple[str, ...]
    begin_after: bool = True
    file: str = "checkpoint.pt"


def without(item: str) -> str:
    """The name of the way that puts back all but one item."""
    return f"all but the {item}" if item in ITEMS[:4] else f"all but {item}"


WAYS: dict[str, Way] = {
    ALL: Way(ITEMS),
    **{without(item): Way(tuple(i for i in ITEMS if i != item)) for item in ITEMS},
    ALONE: Way((WEIGHTS,)),
    PRINTED: Way(LISTED, begin_after=False),
    MIDDLE: Way(ITEMS, begin_after=False, file="middle.pt"),
}

#: What a process says of its training, or of the one that it resumed.
Answer: TypeAlias = dict[str, Any]
#: By script, what came of the whole training, of the killed one, and of each way to resume.
Answers: TypeAlias = dict[str, dict[str, Answer]]
WHOLE, KILLED = "whole", "killed"


def ask(seeds: Sequence[int]) -> dict[int, Answers]:
    """Have all trainings done, for each seed, by processes that a new one starts.

    Raises:
        HarnessError: the process failed, with the last line that it wrote.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(list(seeds)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise HarnessError(f"The process that starts the trainings said last: {said[-1]}")
    return {int(seed): answers for seed, answers in json.loads(done.stdout).items()}


def trainings(name: str, seed: int, folder: Path) -> dict[str, Answer]:
    """A script's trainings: through, killed, and resumed in every way."""
    found = {WHOLE: forked(lambda: trained(name, seed, folder / "whole.pt"), folder)}
    path = folder / Way(()).file
    status = killed(name, seed, path)
    found[KILLED] = {"signal": -status, "left": path.exists()}
    for name_of_way, way in WAYS.items():
        copy = folder / "copy.pt"
        shutil.copy(folder / way.file, copy)
        found[name_of_way] = forked(partial(trained, name, seed, copy, way), folder)
    return found


def trained(name: str, seed: int, path: Path, way: Way | None = None) -> Answer:
    """Begin a script, resume where a way is given, and train to the end."""
    script = begin(name, seed)
    components = Components(path=path)
    if way:
        components = Components(path=path, resume=way.items, begin_after=way.begin_after)
    events = train(script.work, components)
    return {
        "weights": fingerprint(script.work.trained.net),
        "orders": script.orders,
        "epochs": events.epochs,
    }


def killed(name: str, seed: int, path: Path) -> int:
    """Train in a process that is killed in the middle of an epoch; minus the signal it died of."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(lambda: _train_until_killed(name, seed, path, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        pipe.read(1)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _train_until_killed(name: str, seed: int, path: Path, writing: int) -> None:
    """Train into the epoch after the last checkpoint, say so, and go on for ever."""
    script = begin(name, seed)

    def after_batch(epoch: int, batch: int) -> None:
        if epoch == FINISHED + 1 and batch == BATCHES // 2:
            # Not what the document does: a checkpoint from within an epoch.
            save(
                path.with_name(WAYS[MIDDLE].file), script.work.trained, Counters(epoch, batch, 0.0)
            )
            os.write(writing, b"x")
            signal.pause()

    train(script.work, Components(path=path), Events(after_batch=after_batch))


def forked(run: Callable[[], Answer], folder: Path) -> Answer:
    """What a function returns in a process of its own.

    Raises:
        HarnessError: the process did not end well.
    """
    path = folder / "answer.json"
    child = os.fork()
    if not child:
        _in_child(lambda: path.write_text(json.dumps(run()), encoding="utf-8"))
    _, status = os.waitpid(child, 0)
    if status:
        raise HarnessError(f"A training ended with {os.waitstatus_to_exitcode(status)}.")
    answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    return answer


def _in_child(run: Callable[[], object]) -> None:
    """Run something and end the process, whatever comes of it."""
    try:
        torch.set_num_threads(1)
        run()
    except BaseException:  # noqa: BLE001 - a forked process must not return into its parent's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Answer for the seeds on the input."""
    for name in ("torch._dynamo", "torch.utils.data"):  # or every process would import them itself
        importlib.import_module(name)
    answers: dict[int, Answers] = {}
    for seed in json.load(sys.stdin):
        answers[seed] = {}
        for name in SCRIPTS:
            with tempfile.TemporaryDirectory() as folder:
                answers[seed][name] = trainings(name, seed, Path(folder))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
