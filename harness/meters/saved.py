"""What autograd keeps for backward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import torch
from harness.meters.storages import storages_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class SavedTensors:
    """What was saved for backward; to be read inside or after the context.

    Attributes:
        bytes: the most bytes kept at one time in storages that are not owned, each storage once.
        owned_bytes: the same for owned storages; they would be there without autograd.
        count: how many tensors operations saved in storages that are not owned.
        owned_count: the same for owned storages.
        kept_bytes: bytes kept now in storages that are not owned; backward gives them back.
    """

    bytes: int = 0
    owned_bytes: int = 0
    count: int = 0
    owned_count: int = 0
    kept_bytes: int = 0


@contextmanager
def saved_tensors(owned: Iterable[Tensor] = ()) -> Iterator[SavedTensors]:
    """Count what operations save for backward while the context is open.

    Counted are tensors of the whole graph, of torch's own operations and those that
    ``ctx.save_for_backward`` is given; what a custom function keeps as an attribute of ``ctx`` is
    not seen. Of nested contexts torch tells the innermost only, so that inside
    ``torch.utils.checkpoint`` nothing is counted. Saved tensors are read-only here: torch does not
    check for changes in place while it is watched.

    Args:
        owned: tensors whose storages are counted apart, with all their views: parameters, inputs.

    Yields:
        The count, which goes on being kept up after the context is closed as graphs are freed.

    Raises:
        HarnessError: an operation saves a tensor that has no storage, such as a sparse one.
    """
    saved = SavedTensors()
    watch = _Watch(saved, owned)
    with torch.autograd.graph.saved_tensors_hooks(watch.pack, lambda handle: handle.tensor):
        yield saved


class _Watch:
    """Counts the handles on each storage, so that it knows when the last one goes."""

    def __init__(self, saved: SavedTensors, owned: Iterable[Tensor]) -> None:
        self.saved = saved
        # The storages themselves are held: the id of one that died could come again.
        self.owned = {id(storage): storage for storage in storages_of(list(owned))}
        self.handles: dict[int, int] = {}
        self.owned_kept_bytes = 0

    def pack(self, tensor: Tensor) -> _Handle:
        """Called by torch for each tensor that an operation saves."""
        (storage,) = storages_of(tensor)
        key, nbytes = id(storage), storage.nbytes()
        self.add(key, nbytes)
        # Detached, as torch asks: a saved output would otherwise keep its own graph alive.
        return _Handle(tensor.detach(), self, key, nbytes)

    def add(self, key: int, nbytes: int) -> None:
        saved = self.saved
        first = key not in self.handles
        self.handles[key] = self.handles.get(key, 0) + 1
        if key in self.owned:
            saved.owned_count += 1
            self.owned_kept_bytes += nbytes if first else 0
            saved.owned_bytes = max(saved.owned_bytes, self.owned_kept_bytes)
        else:
            saved.count += 1
            saved.kept_bytes += nbytes if first else 0
            saved.bytes = max(saved.bytes, saved.kept_bytes)

    def remove(self, key: int, nbytes: int) -> None:
        self.handles[key] -= 1
        if self.handles[key]:
            return
        del self.handles[key]
        if key in self.owned:
            self.owned_kept_bytes -= nbytes
        else:
            self.saved.kept_bytes -= nbytes


class _Handle:
    """What the graph holds in place of a tensor; it dies when the graph lets go of it."""

    def __init__(self, tensor: Tensor, watch: _Watch, key: int, nbytes: int) -> None:
        self.tensor = tensor
        self._watch, self._key, self._nbytes = watch, key, nbytes

    def __del__(self) -> None:
        self._watch.remove(self._key, self._nbytes)
