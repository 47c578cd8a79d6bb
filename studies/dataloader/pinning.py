"""Does pin_memory allocate a transfer buffer beforehand?

A loader with ``pin_memory=True`` delivers 8 batches, all of which are kept. A buffer allocated
beforehand for the transfer would be one buffer, through which every batch passes; so the buffers
are counted in which the batches arrive, and how many batches arrive in pinned memory. Without a GPU
nothing can be pinned, and the same code shows what the loader does then.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch
from studies.dataloader.loaders import make_loader

BATCHES, BATCH, WIDTH = 8, 16, 1024

PIN = Factor("pin", (False, True), control=False)
WORKERS = Factor("workers", (0, 2))

CLAIMS = (
    Claim(
        "C1.10",
        Value("pinned").at(pin=True).always(),
        equals(1.0),
        reading="A transfer buffer: every batch arrives in pinned memory.",
        needs="cuda",
    ),
    Claim(
        "C1.10",
        Value("buffers").at(pin=True).always(),
        equals(1.0),
        reading="Allocated beforehand: all batches come in one buffer, not each in its own.",
        needs="cuda",
    ),
    Control("by default nothing is pinned", Value("pinned").at(pin=False).always(), equals(0.0)),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Keep all batches of an epoch, and look where they lie."""
    rows = torch.zeros(BATCHES * BATCH, WIDTH)
    loader = make_loader(rows, batch_size=BATCH, pin_memory=arm[PIN], num_workers=arm[WORKERS])
    batches = list(loader)
    return {
        "pinned": sum(batch.is_pinned() for batch in batches) / len(batches),
        "buffers": float(len({batch.untyped_storage().data_ptr() for batch in batches})),
    }


EXPERIMENT = Experiment(
    question="Does pin_memory allocate a transfer buffer beforehand?",
    factors=(PIN, WORKERS),
    blocks=PerProfile(1, 3, 3),
    measure=measure,
    responses=(
        Response("pinned", "1", "pinned"),
        Response("buffers", "buffers", "buffers"),
    ),
    claims=CLAIMS,
)
