"""The settings of small images in which augmentation, dropout and decay are compared.

A net of two convolutions with a linear read-out learns digits from few rows and from more, and
which photograph a cutting comes from. Every candidate takes as many steps. Dropout stands behind
the convolutions or before the read-out, at rates from low to high;
cutout and mixup come in two strengths each; what the document recommends for small image sets is
an augmentation together with a weight decay that bites: 0.3, which over a training shrinks a weight
by a tenth, of cuttings by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from harness import Block, Factor
from harness.workloads.fitting import Recipe
from harness.workloads.regularisers import cutout, digits_cnn, mixup, shifts
from harness.workloads.samples import draw_sample
from studies.advanced_regularisers.candidates import Candidate
from studies.advanced_regularisers.photographs import draw_cuttings

if TYPE_CHECKING:
    from harness.workloads.fitting import Change
    from harness.workloads.samples import Sample

FEW_DIGITS, DIGITS, CUTTINGS = "digits, 100 rows", "digits, 400 rows", "photographs, 200 rows"
SETTING = Factor("setting", (FEW_DIGITS, DIGITS, CUTTINGS), label="data")
HELD_OUT, BATCH, DECAY = 500, 50, 0.3
CHANNELS = (8, 16)


class Size(NamedTuple):
    """How many rows a setting trains on, how many classes there are, and its learning rate."""

    rows: int
    classes: int
    rate: float = 3e-3


SIZES: Mapping[str, Size] = {
    FEW_DIGITS: Size(100, 10),
    DIGITS: Size(400, 10),
    CUTTINGS: Size(200, 2, 8e-3),
}
#: Parts of a training after which the validation set is looked at.
LOOKS = 8


def draw(setting: str, blocks: tuple[Block, ...]) -> Sample:
    """The rows of a setting, a replica for each block."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    rows = SIZES[setting].rows
    if setting == CUTTINGS:
        return draw_cuttings(seeds, train=rows, held_out=HELD_OUT, device=device)
    return draw_sample("digits", seeds, train=rows, held_out=HELD_OUT, device=device)


def plain_recipe(size: Size, steps: int) -> Recipe:
    """So many steps of AdamW, looked at some times on the way."""
    epochs = max(1, steps * BATCH // size.rows)
    return Recipe(epochs, BATCH, lr=size.rate, watch_every=max(1, epochs // LOOKS))


def candidates(setting: str, steps: int) -> Mapping[str, Candidate]:
    """Every candidate of a setting by its name."""
    size = SIZES[setting]
    plain = plain_recipe(size, steps)

    def changed(change: Change | None, decay: float = 0.0) -> Candidate:
        return Candidate(
            lambda: digits_cnn(size.classes, channels=CHANNELS),
            replace(plain, change=change, decay=decay),
        )

    def dropped(conv: float = 0.0, head: float = 0.0) -> Candidate:
        return Candidate(
            lambda: digits_cnn(
                size.classes,
                channels=CHANNELS,
                conv_dropout=conv,
                head_dropout=head,
            ),
            plain,
        )

    return {
        "nothing": changed(None),
        "before the read-out, 0.3": dropped(head=0.3),
        "before the read-out, 0.5": dropped(head=0.5),
        "convolutions, 0.1": dropped(conv=0.1),
        "convolutions, 0.3": dropped(conv=0.3),
        "convolutions, 0.5": dropped(conv=0.5),
        "cutout 3": changed(cutout(3)),
        "cutout 4": changed(cutout(4)),
        "mixup 0.2": changed(mixup(0.2, size.classes)),
        "mixup 1": changed(mixup(1.0, size.classes)),
        "shift and decay": changed(shifts(1), DECAY),
        "cutout and decay": changed(cutout(4), DECAY),
        "mixup and decay": changed(mixup(1.0, size.classes), DECAY),
    }
