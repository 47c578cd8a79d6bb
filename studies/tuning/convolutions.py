"""Is spatial dropout at a low rate safer in a small convolutional network than plain dropout?

Two small sets of small images: digits, and patches of two photographs. A network of two
convolutions, digits also with batch norm, is trained with dropout behind both: of single pixels
(``Dropout``) or of whole maps (``Dropout2d``), at the low rates that the document names, 0.1 and
0.2; maps also at 0.3, just above its ceiling. Both kinds of dropout are compared at the same rate,
for a rate of its own would decide the comparison. Accuracies are those of test rows after the last
epoch, and at the epoch with the lowest validation loss beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import digits_cnn
from harness.workloads.samples import draw_sample
from studies.tuning.cohort import by_block
from studies.tuning.convolution_figures import accuracy_by_rate
from studies.tuning.photographs import draw_patches
from studies.tuning.tasks import POINT

if TYPE_CHECKING:
    from harness.workloads.samples import Sample

DIGITS, NORMED, PATCHES = "digits", "digits, batch norm", "patches of photographs"
SETTING = Factor("setting", (DIGITS, NORMED, PATCHES))


class Dropout(NamedTuple):
    """What is dropped behind each convolution, and how likely."""

    rate: float = 0.0
    spatial: bool = False


NONE = "no dropout"
DROPOUTS = {
    NONE: Dropout(),
    **{f"pixels, {rate}": Dropout(rate) for rate in (0.1, 0.2)},
    **{f"maps, {rate}": Dropout(rate, spatial=True) for rate in (0.1, 0.2, 0.3)},
}
DROPOUT = Factor("dropout", tuple(DROPOUTS), control=NONE)
CHANNELS = (8, 16)
TRAINED_ON, HELD_OUT, RATE, WATCH = 300, 700, 3e-3, 5

LAST, BEST = Difference("test_score", DROPOUT), Difference("best_test_score", DROPOUT)
LOW = (0.1, 0.2)
CLAIMS: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-hurts-4",
            LAST.at(dropout=f"maps, {rate}").against(f"pixels, {rate}"),
            at_least(POINT),
            reading="Safer: at the same low rate test accuracy is higher by one point or more when "
            "whole maps are dropped than when single pixels are.",
            headline={"setting": DIGITS} if rate == LOW[1] else False,
        )
        for rate in LOW
    ),
    Claim(
        "D-hurts-4",
        LAST.at(dropout="maps, 0.3").against("maps, 0.2"),
        at_most(-POINT),
        reading="0.2 is the ceiling: with maps dropped at 0.3 test accuracy is lower by one point "
        "or more than at 0.2.",
    ),
    *(
        Beyond(
            "D-hurts-4",
            BEST.at(dropout=f"maps, {rate}").against(f"pixels, {rate}"),
            at_least(POINT),
            why="the epoch with the lowest validation loss",
        )
        for rate in LOW
    ),
    *(
        Beyond(
            "D-hurts-4",
            LAST.at(dropout=f"{kind}, {rate}"),
            at_least(-POINT),
            why="against no dropout at all",
            reading="Does no harm: test accuracy is at most one point below that without dropout.",
        )
        for kind in ("maps", "pixels")
        for rate in LOW
    ),
)


@dataclass
class Images:
    """The blocks of a cohort and their images."""

    blocks: tuple[Block, ...]
    samples: dict[bool, Sample] = field(default_factory=dict)

    def sample(self, setting: str) -> Sample:
        """A setting's images."""
        patches = setting == PATCHES
        if patches not in self.samples:
            seeds, device = [block.seed for block in self.blocks], self.blocks[0].device
            self.samples[patches] = (
                draw_patches(seeds, train=TRAINED_ON, held_out=HELD_OUT, device=device)
                if patches
                else draw_sample(
                    "digits", seeds, train=TRAINED_ON, held_out=HELD_OUT, device=device
                )
            )
        return self.samples[patches]


def measure(images: Images, arm: Arm) -> Sequence[Responses]:
    """Train with one kind of dropout."""
    sample, dropout = images.sample(arm[SETTING]), DROPOUTS[arm[DROPOUT]]
    history = fit(
        lambda: digits_cnn(
            sample.classes,
            channels=CHANNELS,
            conv_dropout=dropout.rate,
            spatial=dropout.spatial,
            batch_norm=arm[SETTING] == NORMED,
        ),
        sample,
        Recipe(epochs=images.blocks[0].effort, lr=RATE, watch_every=WATCH),
    )
    return by_block(
        {
            "test_score": history.last("test_score"),
            "best_test_score": history.at("test_score", history.best()),
            "train_score": history.last("train_score"),
        }
    )


EXPERIMENT: Experiment[Images] = Experiment(
    question="Is spatial dropout at a low rate safer in a small convolutional network than plain?",
    factors=(SETTING, DROPOUT),
    responses=(
        Response("test_score", "1", "test accuracy after the last epoch"),
        Response(
            "best_test_score", "1", "test accuracy at the epoch with the lowest validation loss"
        ),
        Response("train_score", "1", "training accuracy after the last epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(1, 25, 40),  # epochs
    prepare_together=Images,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_by_rate,),
)
