"""What measures: the clock, the memory meter, the device and the machine they run on.

Studies find here the meters they hold to something themselves; the clock is run for them.
"""

from harness.meters.device import new_tensors_on
from harness.meters.memory import (
    AllocatorPeak,
    LiveStorage,
    ResidentPeak,
    SavedTensors,
    allocator_peak,
    live_storage,
    resident_peak,
    saved_tensors,
)
from harness.meters.predict import measured_memory, predicted_memory
from harness.meters.resident import map_blocks_singly
from harness.meters.storages import total_bytes

__all__ = [
    "AllocatorPeak",
    "LiveStorage",
    "ResidentPeak",
    "SavedTensors",
    "allocator_peak",
    "live_storage",
    "map_blocks_singly",
    "measured_memory",
    "new_tensors_on",
    "predicted_memory",
    "resident_peak",
    "saved_tensors",
    "total_bytes",
]
