"""The memory of a step: measured, or predicted for models that fit no machine at hand.

A prediction runs the real model's own code on fake tensors, which have shape, type and device but
no data, under the same meter as a measurement. It leaves out what that meter leaves out: an
operation's own temporaries, an allocator's rounding, and the libraries. It is further off where the
size of a result is the secret of a kernel (oneDNN's LSTM keeps a workspace, cuDNN's too), and where
a library goes another way once it meets fake tensors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from harness.errors import HarnessError
from harness.libraries import torch
from harness.meters.device import new_tensors_on
from harness.meters.memory import live_storage, saved_tensors
from harness.meters.storages import tensors_in, total_bytes

if TYPE_CHECKING:
    from torch import nn
    from torch._subclasses.fake_tensor import FakeTensorMode

R = TypeVar("R")

#: Makes a model and whatever else its step needs: a batch, an optimiser.
Build: TypeAlias = Callable[[], "tuple[nn.Module, R]"]
Step: TypeAlias = Callable[["nn.Module", R], object]


#: torch's functions behind the recurrent layers of ``torch.nn``.
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


@dataclass(frozen=True)
class StepMemory:
    """What a step takes; sizes in bytes.

    Attributes:
        parameters: how many numbers the model's parameters have.
        parameter_bytes: of their storages, each once.
        built_bytes: alive when the first step begins: parameters, buffers, batch.
        saved_bytes: the most that is kept for backward at one time, less what was built.
        peak_bytes: the most that is alive at one time during the steps, what was built included.
        end_bytes: alive when the last step is done and its result is still held.
    """

    parameters: int
    parameter_bytes: int
    built_bytes: int
    saved_bytes: int
    peak_bytes: int
    end_bytes: int


def measured_memory(
    build: Build[R], step: Step[R], *, device: str = "cpu", steps: int = 1
) -> StepMemory:
    """Build a model, do steps, and count.

    Args:
        build: returns the model and the rest; tensors it makes without a device go to ``device``.
        step: called with the model and the rest.
        device: "cpu" or "cuda"; tensors elsewhere are not counted.
        steps: how often the step is done; an optimiser has its state from the second one on.

    Raises:
        HarnessError: a tensor without a storage, such as a sparse one.
    """
    with new_tensors_on(device), live_storage(device) as live:
        model, rest = build()
        parameters = list(model.parameters())
        built = live.peak_bytes = live.bytes
        with saved_tensors([*parameters, *model.buffers(), *tensors_in(rest)]) as saved:
            result = None
            for _ in range(steps):
                result = step(model, rest)
            end = live.bytes
        del result
    return StepMemory(
        parameters=sum(parameter.numel() for parameter in parameters),
        parameter_bytes=total_bytes(parameters),
        built_bytes=built,
        saved_bytes=saved.bytes,
        peak_bytes=live.peak_bytes,
        end_bytes=end,
    )


def predicted_memory(
    build: Build[R], step: Step[R], *, device: str = "cpu", steps: int = 1
) -> StepMemory:
    """The same without data: nothing is allocated and nothing computed.

    The device decides which kernels are chosen, such as those of attention and dropout, and so what
    is saved. A prediction for "cuda" needs a CUDA build of torch, and a GPU only where a step has a
    backward pass: torch's autograd engine asks for the device's context even when no number is
    computed. It counts PyTorch's own kernels for recurrent layers, not cuDNN's: see
    ``own_recurrent_kernels``.

    Args:
        build: as in ``measured_memory``; it may not read numbers out of tensors, nor load weights.
        step: as in ``measured_memory``.
        device: "cpu" or "cuda".
        steps: as in ``measured_memory``.

    Raises:
        HarnessError: "cuda" in a build of torch that lacks it, or a backward pass for "cuda" where
            there is no GPU.
    """
    if device == "cuda" and not torch.backends.cuda.is_built():
        raise HarnessError(
            "A prediction for CUDA needs a build of torch with CUDA: this one has none."
        )
    # On a CPU it would be in the way of modules that look for such a mode, and take another path.
    recurrent = own_recurrent_kernels() if device == "cuda" else nullcontext()
    try:
        with fake_tensors(), recurrent:
            return measured_memory(build, step, device=device, steps=steps)
    except RuntimeError as error:
        if "PrimaryContext" not in str(error):
            raise
        raise HarnessError(
            "The backward pass of a prediction for CUDA needs a GPU, whose context autograd "
            "asks for; a forward pass alone needs none."
        ) from error


@contextmanager
def own_recurrent_kernels() -> Iterator[None]:
    """Have recurrent layers computed by PyTorch's own kernels, and all else as ever.

    What cuDNN keeps for their backward pass is the secret of its kernel, and on fake tensors, whose
    weights lie in no buffer of one piece, that pass stops for want of the buffer ("Expected a
    proper Tensor but got None", torch 2.11). PyTorch's own kernels keep tensors, which are counted.
    """
    from torch.overrides import TorchFunctionMode

    class WithoutCudnn(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., object],
            types: object,
            args: tuple[object, ...] = (),
            kwargs: dict[str, object] | None = None,
        ) -> object:
            cudnn = torch.backends.cudnn
            before = cudnn.enabled
            if getattr(func, "__name__", "") in RECURRENT:
                cudnn.enabled = False
            try:
                return func(*args, **(kwargs or {}))
            finally:
                cudnn.enabled = before

    with WithoutCudnn():
        yield


@contextmanager
def fake_tensors() -> Iterator[FakeTensorMode]:
    """Make every tensor that is created inside a fake one."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    class SharedMode(FakeTensorMode):
        """A copied tensor keeps the mode of the first, so that modules can be copied."""

        def __deepcopy__(self, memo: object) -> FakeTensorMode:
            return self

    with warnings.catch_warnings():
        # copy.deepcopy asks any tensor of a subclass where its data are.
        warnings.filterwarnings("ignore", "Accessing the data pointer of FakeTensor")
        with SharedMode() as mode:
            yield mode
