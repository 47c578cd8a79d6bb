"""A program: tries the experiments of studies on a device that only pretends to exist.

The device "gpu" has shapes, types and places but no numbers: torch's fake tensors refuse an
operation that mixes it with the CPU, as CUDA would. So a tensor that somebody forgot to place is
found on a machine without a GPU. The device cannot be called "cuda": that takes a CUDA build.

Setting the device up changes torch for the whole process, so this never runs in that of the tests.
"""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorDeviceMismatchError,
)
from torch.library import Library, fallthrough_kernel
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

import harness.meters.memory
import harness.meters.predict
import harness.workloads.texts
import harness.workloads.training
from harness.catalogue.loading import load_study
from harness.design.experiment import Experiment
from harness.design.factors import Block
from harness.meters.allocator import AllocatorPeak
from harness.meters.predict import fake_tensors
from harness.protocol.rules import experiment_rules
from harness.workloads.datasets import load_split
from harness.workloads.texts import AREAS, Texts
from harness.workloads.training import train_epochs

STUDIES = Path(__file__).parents[2] / "studies"
GPU = "gpu"
#: How many arms of an experiment are tried.
ARMS = 2
aten = torch.ops.aten
INDEXED = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)


class BeyondError(BaseException):
    """Another process is started, where there are no fakes. Too base for a study to catch."""


class LateError(BaseException):
    """The experiment's time is up."""


class MixedError(RuntimeError):
    """CUDA would refuse this for the places of its tensors; the fakes alone would not."""


class Watch(TorchDispatchMode):
    """Writes down what mixes devices, even where a study catches it, and makes up what is read.

    Attributes:
        mixed: where devices were mixed, and what torch says to it.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's constructor
        self.folder = folder
        self.until = time.process_time() + seconds
        self.mixed: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's own signature
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation returns
        """Let the fakes do the operation, and see to what they leave open."""
        if time.process_time() > self.until:
            self.end(func)
        if func in INDEXED:
            self.check_indices(args[0], args[1])
        elif func is aten._to_copy.default:
            args = [numberless(args[0]), *args[1:]]
        elif func is aten._fused_sgd_.default:
            # There is no fake of it. What matters is where its two lists of tensors are.
            func, args, kwargs = aten._foreach_add_.List, args[:2], {}
        elif func is aten._pin_memory.default:
            func, args, kwargs = aten.clone.default, args[:1], {}
        try:
            result = func(*args, **(kwargs or {}))
        except FakeTensorDeviceMismatchError as error:
            self.write_down(str(error))
            raise
        except (DataDependentOutputException, DynamicOutputShapeException):
            return self.made_up(func, args)
        self.check_generator((kwargs or {}).get("generator"), result)
        return result

    def end(self, func: Any) -> None:  # noqa: ANN401 - one of torch's operations
        """Raise once, and only where torch can bear it.

        An exception, that of a signal too, may end the process where it comes during backward, or
        while torch's C++ asks for the device or the size of a fake.
        """
        inside_backward = torch._C._current_graph_task_id() != -1
        if not inside_backward and any(
            str(returned.type) == "Tensor" for returned in func._schema.returns
        ):
            self.until = math.inf
            raise LateError

    def check_indices(self, indexed: Tensor, indices: Sequence[Tensor | None]) -> None:
        """Indices may be elsewhere than what they index only if they are on the CPU."""
        for index in indices:
            if index is not None and index.device not in (indexed.device, torch.device("cpu")):
                self.refuse(f"indices on {index.device} for a tensor on {indexed.device}")

    def check_generator(self, generator: torch.Generator | None, drawn: Any) -> None:  # noqa: ANN401
        """A generator draws on its own device only."""
        if generator is None or not isinstance(drawn, Tensor):
            return
        if generator.device.type != drawn.device.type:
            self.refuse(f"a generator of {generator.device} draws on {drawn.device}")

    def refuse(self, why: str) -> NoReturn:
        """Raise, as CUDA would."""
        self.write_down(why)
        raise MixedError(why)

    def write_down(self, why: str) -> None:
        """Remember a mixture and the line of the study that made it."""
        found = f"{place(traceback.extract_stack(), self.folder)}: {sentence(why)}"
        print("mixed", found, file=sys.stderr)  # should torch not survive the exception
        self.mixed.append(found)

    def made_up(self, func: Any, args: Sequence[Any]) -> Any:  # noqa: ANN401 - torch's own
        """Something plausible where the result depends on numbers that are not there."""
        first: Tensor = args[0]
        if func is aten._local_scalar_dense.default:
            return number(first.dtype)
        if func in (aten.equal.default, aten.allclose.default):
            if first.device != args[1].device:
                self.refuse(f"{first.device} is compared with {args[1].device}")
            return True
        if func is aten.bincount.default:
            return first.new_ones(max(10, *args[2:]))
        if func is aten._unique2.default:
            places = first.new_zeros(first.numel(), dtype=torch.long)
            return first.flatten(), places, places
        if func is aten.nonzero.default:
            return first.new_zeros((first.numel(), first.dim()), dtype=torch.long)
        if func in INDEXED:
            indices = [place for index in args[1] for place in everywhere(index)]
            return func(first, indices, *args[2:])
        raise NotImplementedError(f"nothing plausible is known for {func}")


def numberless(tensor: Tensor) -> Tensor:
    """The same without the numbers that constants and loaded weights have: they cannot be moved."""
    if isinstance(tensor, FakeTensor) and tensor.constant is None:
        return tensor
    return torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device
    )


def number(dtype: torch.dtype) -> float | int | bool:
    """Zero, but no float that something may be divided by."""
    if dtype is torch.bool:
        return False
    return 0.5 if dtype.is_floating_point else 0


def everywhere(index: Tensor | None) -> list[Tensor | None]:
    """Indices in place of a mask: as if it were true everywhere."""
    if index is None or index.dtype is not torch.bool:
        return [index]
    return [index.new_zeros(index.numel(), dtype=torch.long) for _ in range(index.dim())]


def array(tensor: Tensor) -> Any:  # noqa: ANN401 - an array of any type
    """The numbers of a fake tensor: made up."""
    return np.full(tuple(tensor.shape), number(tensor.dtype), str(tensor.dtype).split(".")[1])


def place(stack: traceback.StackSummary, folder: Path) -> str:
    """File and line of the innermost frame that lies in a folder, as it is named from there."""
    for frame in reversed(stack):
        path = Path(frame.filename)
        if path.is_relative_to(folder):
            return f"{path.relative_to(folder.parent)}:{frame.lineno}"
    return "outside of the studies"


def sentence(why: str) -> str:
    """The beginning of a message, in one line."""
    return " ".join(why.split())[:200]


def outcome(experiment: Experiment[Any], folder: Path, seconds: float) -> str:
    """How far an experiment gets within so many seconds of CPU."""
    rules = experiment_rules("", experiment, "quick")
    block = Block(index=0, seed=1, shared_seed=2, device=GPU, effort=rules.effort)
    stage, ended = "prepare", "through"
    with fakes(folder, seconds) as watch:
        try:
            cell = experiment.prepare(block) if experiment.prepare else block
            for number, arm in enumerate(experiment.arms()[:ARMS]):
                stage = f"arm {number}"
                if experiment.task is not None:
                    experiment.task(cell, arm)()
                elif experiment.measure is not None:
                    experiment.measure(cell, arm)
                elif experiment.measure_together is not None:
                    experiment.measure_together((block, replace(block, index=1, seed=3)), arm)
        except BeyondError:
            ended = f"beyond in {stage}"
        except (LateError, Exception) as error:  # noqa: BLE001 - torch stops in many ways
            where = place(traceback.extract_tb(error.__traceback__), folder)
            ended = f"as far as {stage}, {where}: {type(error).__name__}: {sentence(str(error))}"
    return f"mixed {'; '.join(dict.fromkeys(watch.mixed))}" if watch.mixed else ended


@contextmanager
def fakes(folder: Path, seconds: float) -> Iterator[Watch]:
    """Make all tensors fake, and watch them."""
    watch = Watch(folder, seconds)
    # Backward stays in this thread, where what is raised comes out.
    with torch.autograd.set_multithreading_enabled(False), fake_tensors() as mode, watch:
        # Constants that torch and the studies made before, when they were imported, are no fakes.
        mode.allow_non_fake_inputs = True
        # torch.tensor makes a fake on the CPU first: the device has no memory for another tensor.
        torch._C._set_only_lift_cpu_tensors(True)
        yield watch


class Backend(_DummyBackendModule):
    """What torch asks a device's module for."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """The types that autocast casts to."""
        return [torch.bfloat16, torch.float16]

    def get_rng_state(self, device: object) -> None:
        """The state of the device's generator: it has none."""

    def set_rng_state(self, state: None, device: object) -> None:
        """Put it back."""


def pretend() -> Library:
    """Set the device up, and replace what cannot work on it, as long as the result lives."""
    _setup_privateuseone_for_python_backend(GPU, Backend())
    autocast = Library("_", "IMPL")
    autocast.fallback(fallthrough_kernel, "AutocastPrivateUse1")  # it casts nothing
    stand_ins: list[tuple[object, str, object]] = [
        (Tensor, "numpy", numpy_of),
        (Tensor, "tolist", lambda tensor: array(tensor).tolist()),
        (nn.Module, "_apply", moved),
        (harness.meters.memory, "allocator_peak", no_peak),
        (harness.meters.predict, "fake_tensors", nullcontext),  # they are fake already, and watched
        (harness.workloads.texts, "load_docstrings", few_texts),
        (harness.workloads.training, "train_epochs", one_short_epoch),
        (subprocess.Popen, "__init__", beyond),
        (BaseProcess, "start", beyond),
    ]
    for owner, name, stand_in in stand_ins:
        setattr(owner, name, stand_in)
    return autocast


def numpy_of(tensor: Tensor, *, force: bool = False) -> Any:  # noqa: ANN401 - an array of any type
    """In place of ``Tensor.numpy``, which reads from the CPU only."""
    if tensor.device.type != "cpu" and not force:
        watching().refuse(f"numpy() of a tensor on {tensor.device}")
    return array(tensor)


def watching() -> Watch:
    """The innermost watch."""
    return next(m for m in reversed(_get_current_dispatch_mode_stack()) if isinstance(m, Watch))


def moved(module: nn.Module, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """In place of ``Module._apply``, which cannot exchange the contents of two fake tensors."""
    for child in module.children() if recurse else ():
        child._apply(change)
    for name, parameter in module._parameters.items():
        if parameter is not None:
            with torch.no_grad():
                changed = change(parameter)
            if changed is not parameter:
                # Where modules share a parameter, they go on sharing it.
                known = getattr(parameter, "moved", None)
                if known is None or (known.device, known.dtype) != (changed.device, changed.dtype):
                    known = nn.Parameter(changed, parameter.requires_grad)
                    parameter.moved = known  # type: ignore[attr-defined]
                module._parameters[name] = known
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = change(buffer)
    return module


@contextmanager
def no_peak(device: str) -> Iterator[AllocatorPeak]:
    """In place of ``allocator_peak``: nothing is allocated for fakes."""
    yield AllocatorPeak(start_bytes=0, peak_bytes=1, reserved_bytes=1.0)


def one_short_epoch(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epochs: int,
    **settings: Any,  # noqa: ANN401 - as it has them
) -> Iterator[int]:
    """In place of ``train_epochs``: all steps are alike where there are no numbers."""
    yield from train_epochs(model, x[:100], y[:100], epochs=1, **settings)
    yield from range(2, epochs + 1)


def few_texts(*arguments: object) -> Texts:
    """In place of ``load_docstrings``, which parses the standard library for a second."""
    texts = tuple(f"text {number} of {area}" for area in AREAS for number in range(50))
    return Texts(texts, tuple(label for label in range(len(AREAS)) for _ in range(50)), AREAS)


def beyond(*arguments: object, **settings: object) -> NoReturn:
    """In place of what starts a process."""
    raise BeyondError


def experiments_of(target: str) -> tuple[Mapping[str, Experiment[Any]], Path]:
    """The experiments of a study, or of a Python file, and the folder whose lines are named."""
    path = Path(target)
    if path.suffix != ".py":
        return load_study(target).experiments, STUDIES
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EXPERIMENTS, path.parent


def main(seconds: float, *targets: str) -> None:
    """Try the experiments of studies, or of files, one after another.

    Prints a line for each: study or file, name, and how far it gets within so many seconds.
    """
    library = pretend()
    for target in targets:
        experiments, folder = experiments_of(target)
        # What this imports shall not cost the first experiment's time.
        with fakes(folder, math.inf):
            nn.BatchNorm1d(64)(load_split("digits", 0).train_x).sum().backward()
        for name, experiment in experiments.items():
            print(target, name, outcome(experiment, folder, seconds), sep="\t", flush=True)
    del library


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
