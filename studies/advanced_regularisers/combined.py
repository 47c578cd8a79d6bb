"""From a moderately regularised net, what gains more: another technique, or more of the same?

Residual nets start from dropout of 0.3 and a weight decay of 0.001, the document's own moderate
numbers. One family adds stochastic depth, label smoothing or augmentation (mixup, and cutout where
rows are images); the other raises dropout to 0.5 or 0.7, or weight decay to 0.01, the document's
next step, or to 0.3, which bites in a training as short as this. Each family has four candidates,
and each seed takes the one that its validation rows like best. The passage says "often": in most
settings the better of the one family is a point of test accuracy above the better of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
)
from harness.libraries import nn
from harness.workloads.fitting import Recipe
from harness.workloads.regularisers import cutout, mixup, residual_cnn, residual_mlp
from harness.workloads.samples import draw_sample
from studies.advanced_regularisers.candidates import Bench, Candidate
from studies.advanced_regularisers.combined_figure import gains
from studies.advanced_regularisers.photographs import draw_cuttings
from studies.advanced_regularisers.smoothed import as_torch_has_it

if TYPE_CHECKING:
    from harness.workloads.samples import Sample, SampleName

BATCH, RATE, LOOKS, HELD_OUT = 50, 3e-3, 8, 500
DROPOUT, DECAY = 0.3, 1e-3
CHANNELS, BLOCKS, WIDTH, PLACES = 8, 2, 64, 16


class Setting(NamedTuple):
    """Rows to train on, classes, width of a row, and whether the net is one of convolutions."""

    rows: int
    classes: int
    features: int
    convolutions: bool
    images: bool = True


DIGITS_CNN, DIGITS_MLP = "digits, residual convolutions", "digits, residual perceptron"
PHOTOGRAPHS, LISTING = "photographs, residual convolutions", "listing 3, residual perceptron"
SETTINGS: Mapping[str, Setting] = {
    DIGITS_CNN: Setting(200, 10, 64, convolutions=True),
    PHOTOGRAPHS: Setting(200, 2, 64, convolutions=True),
    DIGITS_MLP: Setting(200, 10, 64, convolutions=False),
    LISTING: Setting(400, 4, 50, convolutions=False, images=False),
}
SETTING = Factor("setting", tuple(SETTINGS), label="data and net")
BASE, ADDED, RAISED = "moderate", "another technique", "more dropout or L2"
DEPTH, SMOOTHED, AUGMENTED = "stochastic depth", "label smoothing", "augmentation"
FAMILY = Factor(
    "family",
    (BASE, ADDED, RAISED, DEPTH, SMOOTHED, AUGMENTED),
    control=RAISED,
    words={BASE: "dropout 0.3 and decay 0.001 alone"},
)
POINT = 0.01

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-20",
        Difference("accuracy", FAMILY).at(family=ADDED),
        at_least(POINT),
        reading="More bang for the buck: added to moderate dropout and L2, the best of stochastic "
        "depth, smoothing and augmentation gives a test accuracy at least a point above the best "
        "of more dropout and more L2; often: in most of the settings.",
        headline={"setting": DIGITS_CNN},
    ),
    *(
        Beyond(
            "D-adv-20",
            Difference("accuracy", FAMILY).at(family=family),
            at_least(POINT),
            why="one technique by itself, with fewer tries",
        )
        for family in (DEPTH, SMOOTHED, AUGMENTED)
    ),
    Beyond(
        "D-adv-20",
        Difference("accuracy", FAMILY).at(family=(ADDED, RAISED)).against(BASE),
        at_least(POINT),
        why="what either gains over moderate dropout and L2",
    ),
    Beyond(
        "D-adv-20",
        Difference("accuracy_last", FAMILY).at(family=ADDED),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
)


def names_of(family: str, *, images: bool) -> tuple[str, ...]:
    """The candidates of a family; both that are compared have four."""
    augmentation = ("mixup 0.2", "cutout 3") if images else ("mixup 0.2", "mixup 1")
    return {
        BASE: ("moderate",),
        ADDED: ("survival 0.8", "smoothing 0.1", *augmentation),
        RAISED: ("dropout 0.5", "dropout 0.7", "decay 0.01", "decay 0.3"),
        DEPTH: ("survival 0.8",),
        SMOOTHED: ("smoothing 0.1",),
        AUGMENTED: augmentation,
    }[family]


def draw(name: str, blocks: tuple[Block, ...]) -> Sample:
    """The rows of a setting."""
    seeds, rows, device = [b.seed for b in blocks], SETTINGS[name].rows, blocks[0].device
    if name == PHOTOGRAPHS:
        return draw_cuttings(seeds, train=rows, held_out=HELD_OUT, device=device)
    data: SampleName = "listing 3" if name == LISTING else "digits"
    return draw_sample(data, seeds, train=rows, held_out=HELD_OUT, device=device)


def network(setting: Setting, dropout: float, survival: float) -> nn.Module:
    """A residual net with dropout before its read-out, or within its blocks."""
    if not setting.convolutions:
        return residual_mlp(
            setting.features,
            setting.classes,
            width=WIDTH,
            blocks=BLOCKS,
            survival=survival,
            dropout=dropout,
            batch_norm=False,
        )
    body = residual_cnn(
        setting.classes, channels=CHANNELS, blocks=BLOCKS, survival=survival, batch_norm=False
    )
    # The mean over all places leaves too little to drop: each place is read out instead.
    kept = list(body.children())[:-3]
    head = [nn.Flatten(), nn.Dropout(dropout), nn.Linear(CHANNELS * PLACES, setting.classes)]
    return nn.Sequential(*kept, *head)


def candidates(name: str, steps: int) -> Mapping[str, Candidate]:
    """Every candidate of a setting by its name."""
    setting = SETTINGS[name]
    epochs = max(1, steps * BATCH // setting.rows)
    moderate = Recipe(epochs, BATCH, lr=RATE, decay=DECAY, watch_every=max(1, epochs // LOOKS))

    def net(dropout: float = DROPOUT, survival: float = 1.0) -> Candidate:
        return Candidate(lambda: network(setting, dropout, survival), moderate)

    def trained(recipe: Recipe) -> Candidate:
        return replace(net(), recipe=recipe)

    smoothing = as_torch_has_it(0.1, setting.classes)
    return {
        "moderate": net(),
        "survival 0.8": net(survival=0.8),
        "smoothing 0.1": trained(replace(moderate, smoothing=smoothing)),
        "mixup 0.2": trained(replace(moderate, change=mixup(0.2, setting.classes))),
        "mixup 1": trained(replace(moderate, change=mixup(1.0, setting.classes))),
        "cutout 3": trained(replace(moderate, change=cutout(3))),
        "dropout 0.5": net(0.5),
        "dropout 0.7": net(0.7),
        "decay 0.01": trained(replace(moderate, decay=1e-2)),
        "decay 0.3": trained(replace(moderate, decay=0.3)),
    }


def prepare(blocks: tuple[Block, ...]) -> Bench:
    """Nothing is trained before it is asked for."""
    return Bench(blocks, draw, candidates)


def measure(bench: Bench, arm: Arm) -> Sequence[Responses]:
    """A family in a setting, each replica with its own candidate."""
    names = names_of(arm[FAMILY], images=SETTINGS[arm[SETTING]].images)
    chosen = bench.choose(arm[SETTING], names)
    return [
        {
            "accuracy": float(chosen.best[place]),
            "accuracy_last": float(chosen.last[place]),
            "fitted": float(chosen.train[place]),
            "which": float(chosen.which[place]),
        }
        for place in range(len(bench.blocks))
    ]


EXPERIMENT: Experiment[Bench] = Experiment(
    question="Beyond moderate dropout and L2, what gains more: another technique, or more of both?",
    factors=(SETTING, FAMILY),
    responses=(
        Response("accuracy", "1", "test accuracy at the epoch that validates best"),
        Response("accuracy_last", "1", "test accuracy after the last epoch"),
        Response("fitted", "1", "accuracy on the training rows"),
        Response("which", "number", "the candidate that validation chose"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(4, 120, 120),  # steps
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(gains,),
)
