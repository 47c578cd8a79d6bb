"""The memory meter: what a piece of work keeps, holds at its peak, and takes of the machine.

Four context managers, from the most exact to the most inclusive:

- ``saved_tensors``: what autograd keeps for backward. Exact, and the same on every device.
- ``live_storage``: the storages that operations return, at their peak. Exact, works on fake tensors
  and in backward; blind to what an operation allocates and frees within itself, which is all of a
  layer where a fused kernel does a layer at once.
- ``allocator_peak``: every block that torch's allocator hands out, temporary or not.
- ``resident_peak``: the whole process as the kernel sees it, in pages, libraries and all. Only a
  fresh process is worth measuring so.

All sizes are in bytes.
"""

from harness.meters.allocator import AllocatorPeak, allocator_peak
from harness.meters.live import LiveStorage, live_storage
from harness.meters.resident import ResidentPeak, resident_peak
from harness.meters.saved import SavedTensors, saved_tensors

__all__ = [
    "AllocatorPeak",
    "LiveStorage",
    "ResidentPeak",
    "SavedTensors",
    "allocator_peak",
    "live_storage",
    "resident_peak",
    "saved_tensors",
]
