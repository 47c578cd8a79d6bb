"""Does a net that is trained for too long over-fit, and what does early stopping save?

A perceptron with two hidden layers of 128 units learns six data sets without a regulariser, with
Adam at its default rate, for 300 epochs. How long a training is, its updates decide: batches are of
32 rows, or of as many as leave an epoch 20 updates, where a data set has few rows. After every
epoch all its training rows, the validation rows and the test rows are evaluated in eval mode. It
has too many epochs behind it where the validation loss ends at least 5 % above its lowest while the
training loss has gone on to fall by 5 % or more since. A net can over-fit where it has learnt its
rows by heart: its training loss has come down to a tenth, which a control checks. On other seeds it
had not for a noisy sine, whose best epochs were among the last: that one is beyond the passage.

Early stopping looks at the first 100 of these epochs, which is what document D's listing plans,
with the document's patience of five and its ``min_delta``. The saving is judged by the rule of
document D's twin statement (``tuning``, D-tune-16): a fifth of the planned epochs is saved, and the
loss of rows that no choice has seen is at most 5 % above that of the best of all 100. How much is
saved depends on what was planned, and the passage has plans that go on clearly beyond the best: a
control checks that the best of the 100 is one of the first 80. On wine it is in some seeds one of
the first ten and in others one of the last, as earlier runs on other seeds show: there it is
unknown beforehand whether the plan is long, and what is saved is shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    less_than,
)
from harness.figures import BLUE, ORANGE, VERMILION, median_interval, told
from harness.libraries import nn
from harness.workloads import mlp
from harness.workloads.fitting import History, Recipe, fit
from harness.workloads.samples import SAMPLES, Sample, SampleName, draw_sample
from studies.production_loop.stopping import MIN_DELTA, PATIENCE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLANNED, WIDTH = 100, 128
#: Rows of a batch at the most, and updates of an epoch at the least.
BATCH, UPDATES = 32, 20
RISE, SAVED, PRICE = 1.05, 20.0, 1.05
BY_HEART, BEST_BY = 0.1, 80
DATA: Factor[SampleName] = Factor(
    "data", SAMPLES, words={"sine": "noisy sine", "listing 3": "document D's own data"}
)
TYPICAL: dict[str, Level] = {"data": "digits"}
#: Not learnt by heart in 300 epochs, by the training loss of other seeds.
NOT_LEARNT = "sine"
LEARNT = tuple(name for name in SAMPLES if name != NOT_LEARNT)
#: Of these the best of the planned epochs comes clearly before the last, by runs on other seeds.
PLANNED_LONG = tuple(name for name in LEARNT if name != "wine")
NO_PLAN = "the best of the planned epochs is early in some seeds and among the last in others"
NO_EXCESS = "80 rows of a single number, which the net has not learnt by heart by then"

CLAIMS = (
    Claim(
        "C7.14",
        Value("rise").at(data=LEARNT),
        at_least(RISE),
        reading="Too many epochs: at the end the validation loss is at least 5 % above its lowest, "
        "while the training loss has gone on to fall by at least 5 % since then (where it has not, "
        "nothing counts as a rise).",
        headline=TYPICAL,
    ),
    Claim(
        "C7.15",
        Value("saved").at(data=PLANNED_LONG),
        at_least(SAVED),
        reading="It saves hours: with a patience of five, a run that is planned for 100 epochs "
        "stops after 80 or fewer.",
        headline=TYPICAL,
        jointly="fewer epochs without loss",
        half="it saves hours",
    ),
    Claim(
        "C7.15",
        Value("given_up").at(data=PLANNED_LONG),
        at_most(PRICE),
        reading="And the epochs that it saves were wasted: the loss of test rows at the best epoch "
        "before the stop is at most 5 % above that at the best of all 100.",
        jointly="fewer epochs without loss",
        half="it saves hours",
    ),
    Beyond("C7.15", Value("saved").at(data="wine"), at_least(SAVED), why=NO_PLAN),
    Beyond("C7.15", Value("given_up").at(data="wine"), at_most(PRICE), why=NO_PLAN),
    Beyond("C7.14", Value("rise").at(data=NOT_LEARNT), at_least(RISE), why=NO_EXCESS),
    Beyond("C7.15", Value("saved").at(data=NOT_LEARNT), at_least(SAVED), why=NO_EXCESS),
    Beyond("C7.15", Value("given_up").at(data=NOT_LEARNT), at_most(PRICE), why=NO_EXCESS),
    Beyond(
        "C7.15",
        Value("score_given_up"),
        at_most(0.01),
        why="the validation accuracy that is given up, or the share of variance explained",
        reading="Nothing is lost: at most a hundredth of the validation score.",
    ),
    Control(
        "the training loss has come down to a tenth",
        Value("train_end").at(data=LEARNT),
        less_than(BY_HEART),
    ),
    Control(
        "the best of the planned epochs is one of the first 80",
        Value("best_epoch").at(data=PLANNED_LONG),
        at_most(BEST_BY),
    ),
)
RESPONSES = (
    Response(
        "rise", "1", "validation loss at the end over its lowest, where the training loss fell on"
    ),
    Response("saved", "%", "share of 100 planned epochs that early stopping saves"),
    Response("given_up", "1", "test loss of the stopped run over that of the whole run, each best"),
    Response("score_given_up", "1", "validation score of the whole run less the stopped run's"),
    Response("best_epoch", "epochs", "which of the planned epochs has the lowest validation loss"),
    Response("train_end", "1", "training loss at the end over that after the first epoch"),
    Response("train", "nat", "training loss by epoch"),
    Response("val", "nat", "validation loss by epoch"),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train a replica for each block, for long, and see what early stopping would have made."""
    sample = draw_sample(arm[DATA], [block.seed for block in blocks], device=blocks[0].device)
    recipe = Recipe(blocks[0].effort, batch_of(sample.train.x.shape[1]), optimiser="Adam")
    history = fit(partial(network, sample), sample, recipe)
    found = {**overfitting(history), **stopping(history, min(PLANNED, blocks[0].effort))}
    found |= {"train": history.train_loss, "val": history.val_loss}
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def batch_of(rows: int) -> int:
    """The largest power of two, up to 32, that leaves an epoch of so many rows 20 updates."""
    batch = BATCH
    while batch > 1 and rows // batch < UPDATES:
        batch //= 2
    return batch


def network(sample: Sample) -> nn.Module:
    """A perceptron that can learn a sample by heart."""
    return mlp(sample.features, sample.classes or 1, hidden=WIDTH)


def overfitting(history: History) -> dict[str, np.ndarray]:
    """How far the validation loss ends above its lowest, and the training loss below its first."""
    best = history.best()
    fell = history.last("train_loss") <= 0.95 * history.at("train_loss", best)
    rise = history.last("val_loss") / history.at("val_loss", best)
    return {
        "rise": np.where(fell, rise, 1.0),
        "train_end": history.last("train_loss") / history.train_loss[0],
    }


def stopping(history: History, planned: int) -> dict[str, np.ndarray]:
    """What early stopping makes of the first so many epochs."""
    first = shortened(history, planned)
    stopped = first.stopped(PATIENCE, MIN_DELTA)
    early, whole = first.best(PATIENCE, MIN_DELTA), first.best()
    return {
        "saved": 100 * (1 - stopped / planned),
        "best_epoch": first.epochs[whole].astype(np.float64),
        "given_up": first.at("test_loss", early) / first.at("test_loss", whole),
        "score_given_up": first.at("val_score", whole) - first.at("val_score", early),
    }


def shortened(history: History, epochs: int) -> History:
    """The first epochs of a history."""
    from dataclasses import replace

    names = [name for name in vars(history) if name not in ("nets", "decayed")]
    return replace(history, **{name: getattr(history, name)[:epochs] for name in names})


def losses_of_long_runs(table: pd.DataFrame) -> Figure:
    """Training and validation loss by epoch, data set by data set, with their bands."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 3, sharex=True)
    for axes, data in zip(panels.flat, SAMPLES, strict=True):
        of_one = table[table["data"] == data]
        _bands(axes, of_one)
        rise = of_one[of_one["response"] == "rise"]["value"]
        axes.set_title(f"{DATA.say(data)}: {told(rise, interval=False)} x its lowest", fontsize=13)
        axes.set_yscale("log")
    for axes in panels[-1]:
        axes.set_xlabel("epoch")
    for axes in panels[:, 0]:
        axes.set_ylabel("loss")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    rises = table[table["response"] == "rise"]
    clear = sum(
        median_interval(rises[rises["data"] == data]["value"]).low >= RISE for data in LEARNT
    )
    judged = table[(table["response"] == "saved") & table["data"].isin(LEARNT)]
    saved = judged.groupby("data")["value"].median()
    figure.suptitle(
        f"In {clear} of {len(LEARNT)} data sets that are learnt by heart the validation loss ends "
        f"5 % above its lowest\nor more (99 % interval); early stopping saves {saved.min():.0f} to "
        f"{saved.max():.0f} % of 100 epochs\n"
        f"({table['block'].nunique()} seeds; bands: middle 80 %)",
        fontsize=18,
    )
    return figure


def _bands(axes: Axes, rows: pd.DataFrame) -> None:
    planned = PLANNED
    for response, colour, name in (("train", BLUE, "training"), ("val", ORANGE, "validation")):
        by_epoch = rows[rows["response"] == response].groupby("round")["value"]
        low, middle, high = (by_epoch.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
        epochs = np.arange(1, len(middle) + 1)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(epochs, middle, color=colour, label=f"{name} loss")
        planned = min(PLANNED, len(epochs))
    saved = rows[rows["response"] == "saved"]["value"].median()
    if np.isfinite(saved):
        stop = (1 - saved / 100) * planned
        axes.axvline(stop, color=VERMILION, linewidth=1.5, label="early stopping stops (median)")


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="Does a net that is trained for too long over-fit, and what does stopping save?",
    factors=(DATA,),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(30, 300, 300),  # epochs
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(losses_of_long_runs,),
)
