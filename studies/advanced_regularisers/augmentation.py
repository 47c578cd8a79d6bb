"""On small images, do cutout and mixup help more than dropout, and make a net use the whole image?

Three settings of real small images. A technique stands for its candidates, each seed with the one
that its validation rows like best; techniques that are compared have equally many. Judged is the
accuracy on test rows at the epoch that validates best; that after the last epoch is shown beside.

"Often more effective than dropout" is a tendency: in most settings the better of cutout and mixup
is a point above dropout, wherever that is put. The advice for small image sets, augmentation with
L2 in place of dropout in the convolutions, is good if it gives a point more in each. That a net
relies on the whole image, and not on a few patches, is seen where a part of the image is covered:
it loses less. Judged is the accuracy lost, so that a net that is better all round is not taken for
one that looks everywhere; the bars that cover test images look like nothing that cutout masks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    Value,
    at_least,
    at_most,
)
from studies.advanced_regularisers.augmentation_figures import covered_images, techniques
from studies.advanced_regularisers.candidates import Bench, Numbers, picked
from studies.advanced_regularisers.images import DIGITS, SETTING, candidates, draw
from studies.advanced_regularisers.occlusion import accuracy, accuracy_anywhere, with_bars

NOTHING, DROPOUT, CONVOLUTIONS = "nothing", "dropout", "dropout in the convolutions"
EITHER, CUTOUT, MIXUP, PAIR = "cutout or mixup", "cutout", "mixup", "augmentation and decay"
#: The candidates of each technique; those that are compared have equally many.
TECHNIQUES = {
    NOTHING: ("nothing",),
    DROPOUT: (
        "before the read-out, 0.3",
        "before the read-out, 0.5",
        "convolutions, 0.1",
        "convolutions, 0.3",
    ),
    CONVOLUTIONS: ("convolutions, 0.1", "convolutions, 0.3", "convolutions, 0.5"),
    EITHER: ("cutout 3", "cutout 4", "mixup 0.2", "mixup 1"),
    CUTOUT: ("cutout 3", "cutout 4"),
    MIXUP: ("mixup 0.2", "mixup 1"),
    PAIR: ("shift and decay", "cutout and decay", "mixup and decay"),
}
TECHNIQUE = Factor(
    "technique", tuple(TECHNIQUES), control=NOTHING, words={NOTHING: "no regularisation"}
)
POINT, TWO_POINTS = 0.01, 0.02
COVERED = (NOTHING, CUTOUT, MIXUP)


def over(response: str, technique: str, other: str) -> Difference:
    """How much higher a response is with a technique than with another."""
    return Difference(response, TECHNIQUE).at(technique=technique).against(other)


CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-adv-18",
        over("accuracy", EITHER, DROPOUT),
        at_least(POINT),
        reading="More effective: the better of cutout and mixup gives a test accuracy at least one "
        "point above that of the best dropout; often: in most of the settings.",
        headline={"setting": DIGITS},
    ),
    *(
        Beyond("D-adv-18", over("accuracy", technique, DROPOUT), at_least(POINT), why=why)
        for technique, why in (
            (CUTOUT, "cutout alone, with half as many tries"),
            (MIXUP, "mixup alone, with half as many tries"),
        )
    ),
    Beyond(
        "D-adv-18",
        over("accuracy_last", EITHER, DROPOUT),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
    Claim(
        "D-hurts-3",
        over("accuracy", PAIR, CONVOLUTIONS),
        at_least(POINT),
        reading="Use augmentation plus L2 rather than dropout: together they give a test accuracy "
        "at least one point above the best dropout in the convolutions.",
        headline={"setting": DIGITS},
    ),
    Beyond(
        "D-hurts-3",
        over("accuracy_last", PAIR, CONVOLUTIONS),
        at_least(POINT),
        why="the last epoch, without a choice of the best one",
    ),
    Beyond(
        "D-hurts-3",
        over("accuracy", PAIR, NOTHING),
        at_least(POINT),
        why="against no regularisation at all",
    ),
    Claim(
        "D-adv-17",
        Difference("lost", TECHNIQUE).at(technique=(CUTOUT, MIXUP)),
        at_most(-TWO_POINTS),
        reading="The model relies on the whole image: covering a quarter of each test image costs "
        "at least two points of accuracy less than without the technique.",
        headline={"technique": CUTOUT, "setting": DIGITS},
    ),
    Beyond(
        "D-adv-17",
        Difference("covered", TECHNIQUE).at(technique=(CUTOUT, MIXUP)),
        at_least(TWO_POINTS),
        why="accuracy on covered images, to which a net that is better all round comes as well",
        reading="Accuracy on covered test images is at least two points higher.",
    ),
    Beyond(
        "D-adv-17",
        Difference("anywhere", TECHNIQUE).at(technique=(CUTOUT, MIXUP)),
        at_least(TWO_POINTS),
        why="a square put on every place, which is the shape that cutout masks",
        reading="At least two points more of the test images stay right wherever a square is put.",
    ),
    Beyond(
        "D-adv-17",
        Value("fitted").at(technique=NOTHING),
        at_least(0.9),
        why="whether the plain net learns what it trains on",
        reading="Without regularisation the net has 90 % of its training rows right.",
    ),
)


def prepare(blocks: tuple[Block, ...]) -> Bench:
    """Nothing is trained before it is asked for."""
    return Bench(blocks, draw, candidates)


def covered(bench: Bench, setting: str, names: Sequence[str]) -> dict[str, Numbers]:
    """What covering the test images leaves of the technique's nets, as at the end of training."""
    sample = bench.sample(setting)
    bars = with_bars(sample.test)
    histories = [bench.train(setting, name) for name in names]
    which = np.stack([history.last("val_score") for history in histories]).argmax(axis=0)
    kinds = {
        "clean": [history.last("test_score") for history in histories],
        "covered": [accuracy(history.nets, bars) for history in histories],
        "anywhere": [accuracy_anywhere(history.nets, sample) for history in histories],
    }
    found = {kind: picked(np.stack(values), which) for kind, values in kinds.items()}
    return {**found, "lost": found["clean"] - found["covered"]}


def measure(bench: Bench, arm: Arm) -> Sequence[Responses]:
    """A technique in a setting, each replica with its own candidate."""
    names = TECHNIQUES[arm[TECHNIQUE]]
    chosen = bench.choose(arm[SETTING], names)
    found = {
        "accuracy": chosen.best,
        "accuracy_last": chosen.last,
        "fitted": chosen.train,
        "which": chosen.which.astype(np.float64),
    }
    nothing = {kind: np.full(len(chosen.best), np.nan) for kind in ("covered", "anywhere", "lost")}
    if arm[TECHNIQUE] in COVERED:
        found |= covered(bench, arm[SETTING], names)
    return [
        {
            name: float(values[place])
            for name, values in (nothing | found).items()
            if name != "clean"
        }
        for place in range(len(bench.blocks))
    ]


EXPERIMENT: Experiment[Bench] = Experiment(
    question="On small images, do cutout and mixup help more than dropout, and show the whole?",
    factors=(SETTING, TECHNIQUE),
    responses=(
        Response("accuracy", "1", "test accuracy at the epoch that validates best"),
        Response("accuracy_last", "1", "test accuracy after the last epoch"),
        Response("fitted", "1", "accuracy on the training rows"),
        Response("lost", "1", "accuracy that covering a quarter of the test images costs"),
        Response("covered", "1", "accuracy on test images of which a quarter is covered"),
        Response("anywhere", "1", "share of test images right wherever a square covers them"),
        Response("which", "number", "the candidate that validation chose"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(6, 120, 120),  # steps
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(techniques, covered_images),
)
