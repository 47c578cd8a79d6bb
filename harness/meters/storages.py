"""The storages behind tensors: several tensors may share one, and memory is counted by storage."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.libraries import torch

if TYPE_CHECKING:
    from torch import Tensor, UntypedStorage


def tensors_in(value: Any) -> list[Tensor]:  # noqa: ANN401 - what an operation takes or returns
    """The tensors in nested lists, tuples and dictionaries."""
    return list(_tensors(value, _tensor_type()))


def storages_of(value: Any) -> list[UntypedStorage]:  # noqa: ANN401 - see tensors_in
    """The storages of the tensors in a value, as often as they occur.

    torch gives one and the same Python object for a storage as long as the storage is in use, so
    that ``id`` tells storages apart and a weak reference to the object dies with the storage.

    Raises:
        HarnessError: a tensor without a storage of its own (sparse, oneDNN, or a wrapper subclass).
    """
    return [_storage(tensor) for tensor in _tensors(value, _tensor_type())]


def total_bytes(value: Any) -> int:  # noqa: ANN401 - see tensors_in
    """The bytes of the storages of the tensors in a value, each storage once."""
    return sum({id(each): each.nbytes() for each in storages_of(value)}.values())


def _tensors(value: Any, tensor: type[Tensor]) -> Iterator[Tensor]:  # noqa: ANN401 - see above
    if isinstance(value, tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item, tensor)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item, tensor)


@cache
def _tensor_type() -> type[Tensor]:
    """Looked up once: this module is asked at every operation, and a deferred import takes time."""
    return torch.Tensor


def _storage(tensor: Tensor) -> UntypedStorage:
    try:
        return tensor.untyped_storage()
    except NotImplementedError as error:
        raise HarnessError(
            f"Memory is counted by storage, and a tensor of layout {tensor.layout} has none."
        ) from error
