"""The storages that are alive at one time."""

from __future__ import annotations

import weakref
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.libraries import torch
from harness.meters.storages import storages_of, tensors_in

if TYPE_CHECKING:
    from torch import Tensor, UntypedStorage
    from torch.utils._python_dispatch import TorchDispatchMode


@dataclass
class LiveStorage:
    """The storages made inside the context; to be read inside or after it.

    Attributes:
        bytes: of those that are alive now.
        peak_bytes: the most bytes that were alive at one time.
    """

    bytes: int = 0
    peak_bytes: int = 0

    def change(self, by: int) -> None:
        """Add to the bytes alive now."""
        self.bytes += by
        self.peak_bytes = max(self.peak_bytes, self.bytes)


@contextmanager
def live_storage(device: str | None = None) -> Iterator[LiveStorage]:
    """Count the storages that operations make while the context is open, until they die.

    Every operation is seen below autograd, in forward and backward: on the CPU backward runs in the
    calling thread, and the threads in which it runs for a GPU take over the caller's state, this
    watch included. Fake tensors count with the size they stand for; open the context inside of
    ``FakeTensorMode``. Not seen is what an operation allocates and frees within itself, and
    memory of NumPy that a tensor borrows. Sizes are those asked for: an allocator may round up.
    An operation takes some ten microseconds longer.

    Args:
        device: the type of device to count on, such as "cuda"; None counts all.

    Yields:
        The count; ``bytes`` goes on being kept up after the context is closed.

    Raises:
        HarnessError: an operation returns a tensor that has no storage, such as a sparse one.
    """
    live = LiveStorage()
    with _mode(_Ledger(live), device):
        yield live


class _Ledger:
    """The storages that were made inside, with their sizes, as long as they live."""

    def __init__(self, live: LiveStorage) -> None:
        self.live = live
        self.sizes: dict[int, int] = {}
        self.references: dict[int, weakref.ref[UntypedStorage]] = {}

    def record_new(self, results: Iterable[Tensor], given: Container[int] = ()) -> None:
        """Record the storages of an operation's results, less those that it was given."""
        for storage in storages_of(list(results)):
            if id(storage) in self.sizes or id(storage) not in given:
                self.record(storage)

    def record(self, storage: UntypedStorage) -> None:
        """Count a storage, or the change of its size."""
        key, nbytes = id(storage), storage.nbytes()
        if key not in self.sizes:
            self.sizes[key] = 0
            self.references[key] = weakref.ref(storage, lambda _: self.forget(key))
        if nbytes != self.sizes[key]:
            self.live.change(nbytes - self.sizes[key])
            self.sizes[key] = nbytes

    def forget(self, key: int) -> None:
        """Take a storage that has died off the count."""
        del self.references[key]
        self.live.change(-self.sizes.pop(key))


def _mode(ledger: _Ledger, device: str | None) -> TorchDispatchMode:
    from torch.utils._python_dispatch import TorchDispatchMode

    lift = torch.ops.aten.lift_fresh.default

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401 - torch's own signature
            types: Sequence[type],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 - whatever the operation returns
            # Looked up before, since set_ gives its argument another storage.
            given = {id(storage) for storage in storages_of((args, kwargs))}
            result = func(*args, **(kwargs or {}))
            here = [t for t in tensors_in(result) if device in (None, t.device.type)]
            if func is lift:
                # What torch.tensor makes comes as the argument of its first operation; memory that
                # torch.as_tensor borrows from NumPy does too, but cannot be resized.
                ledger.record_new([t for t in here if t.untyped_storage().resizable()])
            else:
                ledger.record_new(here, given)
            return result

    return Watch()  # type: ignore[no-untyped-call]  # torch's constructor has no annotations
