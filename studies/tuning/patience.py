"""How long should training wait before it stops, and what do stopping and a scheduler give?

Four small tasks are trained for 100 epochs with the loop of the document's listing 4, AdamW at
0.001, at a constant rate and with its plateau scheduler (patience 3, factor 0.5), with the four
configurations that the listing tries and with label smoothing (with the scheduler, two of these).
Every early stopping is read off one
recorded curve: with a patience of so many epochs a training ends when the validation loss has not
become lower for that long, and keeps the weights of its lowest validation loss until then. All
losses are those of test rows, which neither training nor stopping has seen.

Where a claim needs a network that overfits, tasks and configurations were named on other seeds: in
nine trainings of ten or more the validation loss ends 10 % or more above its lowest. Stopping
prevents overfitting in such a setting if it leaves neither of the document's two signs of it: a
loss that has risen, and a gap in accuracy of more than 15 points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    at_most,
)
from harness.workloads.fitting import Plateau, Recipe, fit
from studies.tuning.cohort import Cohort
from studies.tuning.patience_figures import curves_and_stops
from studies.tuning.tasks import (
    BETTER,
    CANCER,
    LISTING,
    RESIDUAL,
    TASK,
    WORSE,
    gap,
    network_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.workloads.fitting import History
    from studies.tuning.tasks import Numbers


class Regulariser(NamedTuple):
    """A configuration that the loop is run with."""

    decay: float = 0.0
    rate: float = 0.0
    smoothing: float = 0.0


NONE, STRONG = "none", "decay 0.01, dropout 0.5"
REGULARISERS = {
    NONE: Regulariser(),
    "decay 0.001": Regulariser(1e-3),
    "decay 0.001, dropout 0.3": Regulariser(1e-3, 0.3),
    STRONG: Regulariser(1e-2, 0.5),
    "label smoothing 0.1": Regulariser(smoothing=0.1),
}
REGULARISER = Factor("regulariser", tuple(REGULARISERS), words={NONE: "no regularisation"})
SCHEDULER = Factor(
    "scheduler",
    (False, True),
    control=False,
    words={False: "constant rate", True: "plateau scheduler"},
)
NEVER = 1000
WAITS = {each: f"patience {each}" for each in (3, 5, 10, 20)} | {NEVER: "no early stopping"}
PATIENCE = Factor("patience", tuple(WAITS), control=NEVER, words=WAITS)
PLATEAU = Plateau(patience=3, factor=0.5)
LATE = 20  # last epochs, over which a loss swings or does not
BUDGETS = (25, 50, 100)

#: Named on other seeds, before any row: what ends 10 % above its lowest validation loss.
OVERFITTING = {
    LISTING: tuple(REGULARISERS),
    CANCER: (NONE, "decay 0.001", "decay 0.001, dropout 0.3", STRONG),
    RESIDUAL: (NONE, "decay 0.001", STRONG),
}
LARGEST_GAP = 0.15
FEWER = 0.8
CALMER = 0.8
WORK = 5  # epochs at a reduced rate

PLAIN: dict[str, str | bool] = {"regulariser": NONE, "scheduler": True}
KEPT, EPOCHS = Ratio("test_loss", PATIENCE), Ratio("epochs", PATIENCE)
SMALL_DATA: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-tune-8",
            KEPT.at(patience=5, **PLAIN).against(other),
            at_most(WORSE),
            reading=f"Good on small data: the test loss kept with a patience of 5 is at most 5 % "
            f"above that with {other}.",
            jointly="no worse than a shorter or a longer wait",
            headline={"task": LISTING} if other == 10 else False,
        )
        for other in (3, 10, 20)
    ),
    Beyond(
        "D-tune-8",
        EPOCHS.at(patience=5, **PLAIN).against(10),
        at_most(FEWER),
        why="how many epochs it saves, of which the passage says nothing",
        reading="It runs a fifth fewer epochs than the 10 of large data, or less.",
    ),
)
LARGE_DATA = (
    Unmeasurable(
        "D-tune-9",
        needs="a training set that anyone would call large, with a network to match",
        why="The passage names no size; the largest sets that come with these packages have some "
        "two thousand rows, which are small by its own words.",
    ),
    Beyond(
        "D-tune-9",
        KEPT.at(patience=(10, 20), **PLAIN).against(5),
        at_most(BETTER),
        why="a few hundred rows, which are no large data",
        reading="The longer patience is of use: the test loss kept is lower by 5 % or more than "
        "with a patience of 5.",
    ),
)
TOGETHER = (
    Claim(
        "D-tune-10",
        Value("at_reduced").at(patience=5, **PLAIN),
        at_least(WORK),
        reading="The two work together: with listing 4's patience of 5 and 3, five epochs or more "
        "run at a reduced rate before training stops.",
        headline={"task": LISTING},
    ),
    Claim(
        "D-tune-10",
        Ratio("test_loss", SCHEDULER).at(patience=5, regulariser=NONE),
        at_most(BETTER),
        reading="And the combination is worth it: its test loss is lower by 5 % or more than with "
        "early stopping alone, of the same patience.",
    ),
    Beyond(
        "D-tune-10",
        Value("at_reduced").at(patience=(10, 20), **PLAIN),
        at_least(WORK),
        why="a longer patience than the listing's",
    ),
    Beyond(
        "D-tune-10",
        Ratio("test_loss", SCHEDULER).at(patience=(10, 20), regulariser=NONE),
        at_most(BETTER),
        why="a longer patience than the listing's",
    ),
)
NOT_OVERFITTING = {
    task: tuple(name for name in REGULARISERS if name not in OVERFITTING.get(task, ()))
    for task in TASK.levels
}
GAP, NO_SIGN_LEFT = Value("gap"), "neither sign of overfitting is left"
PREVENTED = (
    "Prevents overfitting: with the weights kept, training accuracy is above test accuracy by no "
    "more than 15 points, the document's own mark of overfitting."
)
PREVENTS: tuple[Claim | Beyond, ...] = (
    *(
        rule
        for task, regularisers in OVERFITTING.items()
        for rule in (
            Claim(
                "D-tune-11",
                GAP.at(patience=(5, 20), scheduler=False, task=task, regulariser=regularisers),
                at_most(LARGEST_GAP),
                reading=PREVENTED,
                jointly=NO_SIGN_LEFT,
                headline={"regulariser": NONE, "patience": 5} if task == LISTING else False,
            ),
            Claim(
                "D-tune-11",
                KEPT.at(patience=(5, 20), scheduler=False, task=task, regulariser=regularisers),
                at_most(BETTER),
                reading="And the test loss kept is lower than that of the full run, which "
                "overfits, by 5 % or more.",
                jointly=NO_SIGN_LEFT,
            ),
        )
    ),
    *(
        Beyond(
            "D-tune-11",
            GAP.at(patience=(5, 20), scheduler=False, task=task, regulariser=regularisers),
            at_most(LARGEST_GAP),
            why="a configuration that does not overfit without early stopping either",
            reading=PREVENTED,
        )
        for task, regularisers in NOT_OVERFITTING.items()
        if regularisers
    ),
)
OVERFITS = tuple(OVERFITTING)
FIRST_FIX = (
    Claim(
        "D-dbg-3",
        KEPT.at(patience=5, scheduler=False, regulariser=NONE, task=OVERFITS),
        at_most(BETTER),
        reading="Stopping helps where the validation loss rises while the training loss falls: "
        "the test loss kept is lower than that of the full run by 5 % or more.",
        headline={"task": LISTING},
    ),
    Beyond(
        "D-dbg-3",
        Value("over_scheduler").at(patience=5, scheduler=False, regulariser=NONE, task=OVERFITS),
        at_most(BETTER),
        why="against a falling learning rate alone, which the passage names as another option",
        reading="That test loss is lower by 5 % or more than that of a full run with a falling "
        "learning rate alone.",
    ),
)
SAVED = "fewer epochs, and these were wasted"  # as in C7.15, which makes the same statement
SAVES: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-tune-16",
        Value("share_100").at(patience=5, **PLAIN),
        at_most(FEWER),
        reading="Saves epochs: of a budget of 100 at most 80 are run.",
        headline={"task": LISTING},
        jointly=SAVED,
    ),
    Claim(
        "D-tune-16",
        Value("price").at(patience=5, **PLAIN),
        at_most(WORSE),
        reading="And these were wasted: the test loss kept is at most 5 % above that of the best "
        "epoch, by validation loss, of all 100.",
        jointly=SAVED,
    ),
    *(
        Beyond(
            "D-tune-16",
            Value(f"share_{budget}").at(patience=5, **PLAIN),
            at_most(FEWER),
            why=f"a budget of {budget} epochs, where listing 4 has 100",
            reading=f"Of a budget of {budget} epochs at most four fifths are run.",
        )
        for budget in BUDGETS
        if budget != 100
    ),
)
CALM = (
    Claim(
        "D-tune-19",
        Ratio("swing", SCHEDULER).at(patience=NEVER, regulariser=(NONE, STRONG)),
        at_most(CALMER),
        reading="Keeps it from oscillating: over the last 20 epochs the validation loss scatters "
        "around its own trend at most 0.8 times as much as at a constant rate.",
        headline={"task": LISTING, "regulariser": NONE},
    ),
    Beyond(
        "D-tune-19",
        Ratio("training_swing", SCHEDULER).at(patience=NEVER, regulariser=(NONE, STRONG)),
        at_most(CALMER),
        why="the training loss, which by then is near zero",
    ),
)


@dataclass
class Curves(Cohort):
    """A cohort with the trainings that have been asked for."""

    histories: dict[tuple[str, str, bool], History] = field(default_factory=dict)

    def history(self, task: str, regulariser: str, *, scheduler: bool) -> History:
        """A full run."""
        key = task, regulariser, scheduler
        if key not in self.histories:
            sample, how = self.sample(task), REGULARISERS[regulariser]
            recipe = Recipe(
                epochs=self.epochs,
                decay=how.decay,
                smoothing=how.smoothing,
                plateau=PLATEAU if scheduler else None,
            )
            self.histories[key] = fit(network_of(task, sample, (how.rate,)), sample, recipe)
        return self.histories[key]


def first_cut(losses: Numbers, plateau: Plateau = PLATEAU) -> int:
    """After how many epochs a plateau scheduler first reduces the rate; all of them if never.

    Args:
        losses: the validation loss of each epoch of one training.
        plateau: the scheduler.
    """
    lowest, waited = math.inf, 0
    for done, loss in enumerate(losses.tolist(), 1):
        if loss < lowest * (1 - 1e-4):
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited > plateau.patience:
            return done
    return len(losses)


def swing(losses: Numbers) -> Numbers:
    """The standard deviation of each column's last 20 values around a straight line.

    Args:
        losses: shape (epochs, replicas).
    """
    late = losses[-LATE:]
    time = np.arange(len(late)) - (len(late) - 1) / 2
    slope = (time[:, None] * late).sum(axis=0) / (time**2).sum()
    rest = late - late.mean(axis=0) - time[:, None] * slope
    found: Numbers = np.sqrt((rest**2).mean(axis=0))
    return found


def kept(history: History, patience: int) -> NDArray[np.int64]:
    """For each replica the row whose weights are kept: the last where nothing stops."""
    if patience == NEVER:
        return np.full(history.val_loss.shape[1], len(history.val_loss) - 1)
    return history.best(patience)


def both(arm: Arm) -> bool:
    """Whether a configuration is trained with the scheduler too."""
    return arm[REGULARISER] in (NONE, STRONG)


def in_the_design(arm: Arm) -> bool:
    """With the scheduler two configurations are trained: without regularisation, and with most."""
    return not arm[SCHEDULER] or both(arm)


def measure(curves: Curves, arm: Arm) -> Sequence[Responses]:
    """Read early stopping off a full run."""
    task, patience, scheduler = arm[TASK], arm[PATIENCE], arm[SCHEDULER]
    history = curves.history(task, arm[REGULARISER], scheduler=scheduler)
    other = curves.history(task, arm[REGULARISER], scheduler=True) if both(arm) else history
    at, most = kept(history, patience), len(history.val_loss)
    epochs = np.full(len(at), most) if patience == NEVER else history.stopped(patience)
    loss = history.at("test_loss", at)
    read = {
        "test_loss": loss,
        "test_score": history.at("test_score", at),
        "gap": gap(history, at),
        "epochs": epochs,
        "over_scheduler": loss / other.last("test_loss") if both(arm) else np.nan * loss,
        "price": loss / history.at("test_loss", history.best()),
        "swing": swing(history.val_loss),
        "training_swing": swing(history.train_loss),
        **{f"share_{budget}": np.minimum(epochs, budget) / budget for budget in BUDGETS},
    }
    found: list[Responses] = []
    for place in range(len(at)):
        cut = first_cut(history.val_loss[:, place]) if scheduler else most
        shown = patience == NEVER
        found.append(
            {name: float(values[place]) for name, values in read.items()}
            | {"at_reduced": float(max(epochs[place] - cut, 0))}
            | {"curve": history.test_loss[:, place].tolist() if shown else math.nan}
        )
    return found


EXPERIMENT: Experiment[Curves] = Experiment(
    question="How long should training wait before it stops, and what do stopping and a "
    "scheduler give?",
    factors=(TASK, REGULARISER, SCHEDULER, PATIENCE),
    only=in_the_design,
    responses=(
        Response("test_loss", "nat", "test loss of the weights kept"),
        Response("test_score", "1", "test accuracy of the weights kept"),
        Response("gap", "1", "training less test accuracy of the weights kept"),
        Response("epochs", "epochs", "epochs run until training stops"),
        Response("at_reduced", "epochs", "epochs run at a reduced rate until training stops"),
        Response(
            "over_scheduler",
            "1",
            "test loss kept over that of a full run with the scheduler alone",
        ),
        Response("price", "1", "test loss kept over that of the best epoch of the full run"),
        Response("swing", "nat", "scatter of the validation loss over the last 20 epochs"),
        Response("training_swing", "nat", "scatter of the training loss over the last 20 epochs"),
        *(
            Response(f"share_{budget}", "1", f"share of a budget of {budget} epochs that is run")
            for budget in BUDGETS
        ),
        Response("curve", "nat", "test loss of each epoch"),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(3, 100, 100),  # epochs
    prepare_together=Curves,
    measure_together=measure,
    claims=(
        *SMALL_DATA,
        *LARGE_DATA,
        *TOGETHER,
        *PREVENTS,
        *FIRST_FIX,
        *SAVES,
        *CALM,
    ),
    figures=(curves_and_stops,),
)
