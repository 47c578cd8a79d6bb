"""The state of a GPU while it is timed: what is read of it, and what that means for its times.

A card under sustained work is limited by its power: it lowers its clock until it draws what it may.
That slows all arms of a round alike and is how such a card works, so times taken at the limit are
worth something as long as the arms compared ran at the same clock. A card slowed down by heat or by
its hardware, or shared with another process, is no card to judge on.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.design.responses import Response

#: What NVML gives, each quantity by itself: some GPUs lack some, and a virtual one most.
QUANTITIES = (
    Response("sm_clock", "MHz", "clock of the multiprocessors"),
    Response("throttle_reasons", "bits", "NVML's reasons for a lower clock, as a sum of bits"),
    Response("other_processes", "processes", "other processes that compute on the GPU"),
    Response("temperature", "°C", "temperature of the GPU"),
    Response("power", "W", "power drawn"),
    Response("memory_clock", "MHz", "clock of the memory"),
)
#: What the reading of all that cost.
WATCHING = Response("watching", "1", "share of the block's time that went to reading the state")
STATE = (*QUANTITIES, WATCHING)
UNITS: Mapping[str, str] = {response.name: response.unit for response in STATE}
#: What a verdict depends on. The others are stored to be looked at.
DECIDING = ("sm_clock", "throttle_reasons", "other_processes")

#: The phases of such rows: sampled between the rounds, or while an arm ran alone.
BETWEEN, ALONE = "state", "alone"

#: NVML's reasons by their names in nvml.h, with their bits. Those that are not here leave the times
#: what they are: an idle GPU, clocks that a user has locked, a display's.
REASONS: Mapping[str, int] = {
    "SwPowerCap": 0x04,
    "HwSlowdown": 0x08,
    "SyncBoost": 0x10,
    "SwThermalSlowdown": 0x20,
    "HwThermalSlowdown": 0x40,
    "HwPowerBrakeSlowdown": 0x80,
}
POWER_LIMIT = REASONS["SwPowerCap"]
AT_POWER_LIMIT = "at its power limit"
#: The reasons that spoil a time, in words.
SLOWDOWNS: Mapping[int, str] = {
    REASONS["HwSlowdown"]: "slowed down by its hardware",
    REASONS["SyncBoost"]: "held back by the slowest of a group",
    REASONS["SwThermalSlowdown"]: "slowed down by its temperature",
    REASONS["HwThermalSlowdown"]: "slowed down by overheating",
    REASONS["HwPowerBrakeSlowdown"]: "slowed down by a power brake",
}


def is_limited(reasons: float) -> bool:
    """Whether NVML's reasons have the power limit among them."""
    return bool(int(reasons) & POWER_LIMIT)


def disturbances(values: Mapping[str, float]) -> list[str]:
    """What makes times taken now worthless, a clause each; empty if nothing does.

    Args:
        values: quantities by name; what is missing disturbs nothing.
    """
    reasons = int(values.get("throttle_reasons", 0))
    found = [f"the GPU was {words}" for bit, words in SLOWDOWNS.items() if reasons & bit]
    shared = values.get("other_processes", 0) > 0
    return found + (["another process used the GPU"] if shared else [])
