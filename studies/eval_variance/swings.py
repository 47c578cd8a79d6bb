"""With dropout left on, how far does validation swing, and is it off on average?

Question. Documents A, C and D say that a validation in train mode is noisy, that its metrics are
wrong or lower, and that one and the same input gets another prediction each time. They do not part
two errors that need different cures: noise, which averages out over repeats, and bias, which stays.

What is done. On each of three data sets one perceptron is trained for each dropout probability p,
all from the same weights and batches. Its weights are then fixed and it is validated 100 times in
eval mode and 100 times in train mode on the same rows. A block is a fresh split and fresh
trainings. At p = 0 the dropout layers are there but drop nothing: there the modes must agree to the
last bit, pass by pass.

What the verdicts speak for. Perceptrons with two hidden layers of 64 units on small tables; dropout
is the only layer that depends on the mode (for batch norm see `families.py`). The validation set is
the held-out 40 %: 719 digits, 228 breast-cancer and 72 wine rows (for its size see
`validation_size.py`). Judged are the usual p from 0.1 to 0.5 on the two larger sets; p = 0.8 and
the 72 rows of wine are shown beside them. Two passages speak of a text classifier, and are judged
on one (`minilm.py`): what tables give by the same rules is shown and does not decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLACK, GREEN, PURPLE, VERMILION, draw_blocks, told
from harness.libraries import nn
from harness.workloads import Name, Split, load_split, trained_mlp
from studies.eval_variance.noisy import LOWER, LOWER_ON_AVERAGE, SAY_SO, noise, noisy, noisy_beyond
from studies.eval_variance.noisy import RESPONSES as NOISE
from studies.eval_variance.validation import ever_flips, flip_rate, validate_repeatedly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA = Factor[Name](
    "data", ("digits", "breast_cancer", "wine"), words={"breast_cancer": "breast cancer"}
)
DROPOUT = Factor("dropout", (0.0, 0.1, 0.2, 0.5, 0.8), control=0.0, label="p")
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)

ON = (0.1, 0.2, 0.5, 0.8)  # the levels at which dropout drops anything
USUAL = (0.1, 0.2, 0.5)
LARGER: tuple[Name, ...] = ("digits", "breast_cancer")  # sets of a few hundred rows
TYPICAL: dict[str, Level] = {"data": "digits", "dropout": 0.5}

#: Training steps at full effort. Effort is in per cent: of these steps, and of 100 passes.
STEPS, BATCH = 340, 64
FULL, LEAST = 100, 20  # passes: at full effort, and at any

LEAST_SD = 0.002  # 0.2 percentage points of accuracy
LOSS_RATIO = 1.05  # the catalogue's margin for a loss: 5 %
SWING = 0.096  # from 76 % to 88 %, less 20 %
FLIPS = 0.01  # of pairs of calls: what users would notice
ROWS = {"digits": 719, "breast_cancer": 228, "wine": 72}  # validated
COLOURS = (PURPLE, GREEN, VERMILION)  # of the data sets

STRONG = "p = 0.8, which hardly anybody trains with"
#: Of the claims that say "noisy", the condition that stands for each; C3.32 is told by its bias.
LEADS = {"C4.01": TYPICAL, "C5.06": TYPICAL}

SMALL = "a validation set of 72 rows, where one row is 1.4 points"
TABLES = "digits and tables, where the passage has a text classifier"


def _noise(claim: str) -> Iterator[Claim | Beyond]:
    """What is said of noise: judged at the usual p, and shown beyond."""
    yield from noisy(claim, data=LARGER, dropout=USUAL, headline=LEADS.get(claim))
    yield from noisy_beyond(claim, STRONG, data=LARGER, dropout=0.8)
    yield from noisy_beyond(claim, SMALL, data="wine", dropout=ON)


CLAIMS: tuple[Claim | Beyond | Control | Unmeasurable, ...] = (
    Claim(
        "A-forget-1",
        Value("accuracy").sd().at(mode="train", data=LARGER, dropout=USUAL),
        more_than(LEAST_SD),
        reading="Moves randomly: the standard deviation over repeated validations of the same "
        "weights is more than 0.2 points, so that two of them differ by half a point or so.",
    ),
    Beyond(
        "A-forget-1",
        Value("accuracy").sd().at(mode="train", data=LARGER, dropout=0.8),
        more_than(LEAST_SD),
        why=STRONG,
    ),
    Beyond(
        "A-forget-1",
        Value("accuracy").sd().at(mode="train", data="wine", dropout=ON),
        more_than(LEAST_SD),
        why=SMALL,
    ),
    Claim(
        "A-problem-2",
        Difference("accuracy", MODE).at(mode="train", dropout=USUAL),
        at_most(LOWER),
        reading="Wrong: over repeated validations the mean accuracy is at least one point below "
        "that of the same weights in eval mode. It can be wrong: one setting is enough.",
        headline=TYPICAL,
    ),
    Claim(
        "A-problem-2",
        Ratio("loss", MODE).at(mode="train", dropout=USUAL),
        at_least(LOSS_RATIO),
        reading="The same for the mean loss: at least 5 % above that of eval mode.",
    ),
    Beyond(
        "A-problem-2",
        Difference("accuracy", MODE).at(mode="train", dropout=0.8),
        at_most(LOWER),
        why=STRONG,
    ),
    Beyond(
        "A-problem-2",
        Ratio("loss", MODE).at(mode="train", dropout=0.8),
        at_least(LOSS_RATIO),
        why=STRONG,
    ),
    Beyond(
        "A-forget-3",
        Value("flip_rate").at(mode="train", dropout=USUAL),
        at_least(FLIPS),
        why=TABLES,
        reading="Two calls with the same input give two classes in 1 % of cases or more.",
    ),
    Beyond(
        "A-forget-3",
        Value("ever_flips").at(mode="train", dropout=USUAL),
        at_least(FLIPS),
        why=TABLES,
        reading="At least 1 % of the inputs change class at least once over the repeated calls.",
    ),
    Beyond(
        "D-inc-1",
        Value("range_of_20").at(mode="train", dropout=USUAL),
        at_least(SWING),
        why=TABLES,
        reading="From 76 % to 88 % are 12 points: 20 validations of the same weights range over "
        "9.6 points or more, a fifth less.",
    ),
    *(rule for claim in SAY_SO for rule in _noise(claim)),
    Claim(
        "C3.32",
        Difference("accuracy", MODE).at(mode="train", data=LARGER, dropout=USUAL),
        at_most(LOWER),
        reading=LOWER_ON_AVERAGE,
        headline=TYPICAL,
    ),
    Beyond(
        "C3.32",
        Difference("accuracy", MODE).at(mode="train", data=LARGER, dropout=0.8),
        at_most(LOWER),
        why=STRONG,
        reading=LOWER_ON_AVERAGE,
    ),
    Beyond(
        "C3.32",
        Difference("accuracy", MODE).at(mode="train", data="wine", dropout=ON),
        at_most(LOWER),
        why=SMALL,
        reading=LOWER_ON_AVERAGE,
    ),
    Beyond(
        "C5.06",
        Value("miss").at(mode="train", data=LARGER, dropout=USUAL),
        at_least(-LOWER),
        why="how far one evaluation is from the truth, of which the passage names no size",
        reading="A single evaluation misses the accuracy of eval mode by one point or more on "
        "average.",
    ),
    Unmeasurable(
        "A-forget-4",
        needs="field data",
        why="How long people search for this fault is a fact about people; no run can show it.",
    ),
    Control(
        "in eval mode repeats give one accuracy: it is dropout that moves it",
        Value("accuracy").distinct().at(mode="eval").always(),
        equals(1),
    ),
    Control(
        "at p = 0 train mode gives the accuracies of eval mode, pass by pass",
        Difference("accuracy", MODE).at(dropout=0.0).always(),
        equals(0),
    ),
    Control(
        "at p = 0 train mode gives the losses of eval mode to the last bit, pass by pass",
        Difference("loss", MODE).at(dropout=0.0).always(),
        equals(0),
    ),
)


RESPONSES = (
    Response("accuracy", "1", "validation accuracy"),
    Response("loss", "nat", "validation loss"),
    Response("miss", "1", "mean distance of one validation from the accuracy in eval mode"),
    Response("flip_rate", "1", "share of pairs of calls that give an input two classes"),
    Response("ever_flips", "1", "share of inputs that change class at least once in 20 calls"),
    *NOISE,
)


@dataclass(frozen=True)
class Trained:
    """What the arms of a block share: the splits, the trained networks, the number of passes."""

    splits: Mapping[Name, Split]
    networks: Mapping[tuple[Name, float], nn.Module]
    passes: int


def prepare(block: Block) -> Trained:
    """Split each data set anew and train one network for each p, from equal weights and batches."""
    splits = {name: load_split(name, block.seed, block.device) for name in DATA.levels}
    networks = {}
    for name, split in splits.items():
        for p in DROPOUT.levels:
            # As many epochs as make up the same number of steps on each data set.
            epochs = round(STEPS * block.effort / 100 / np.ceil(len(split.train_x) / BATCH))
            networks[name, p] = trained_mlp(
                split, block.seed, epochs=epochs, batch_size=BATCH, dropout=p
            )
    return Trained(splits, networks, passes=max(LEAST, FULL * block.effort // 100))


def measure(cell: Trained, arm: Arm) -> Responses:
    """Validate one network again and again in the arm's mode.

    The networks have no buffers: the mode is all that an arm changes, and each arm sets it.
    """
    split, model = cell.splits[arm[DATA]], cell.networks[arm[DATA], arm[DROPOUT]]
    truth = validate_repeatedly(model.eval(), split.val_x, split.val_y, passes=1)
    model.train(arm[MODE] == "train")
    passes = validate_repeatedly(model, split.val_x, split.val_y, cell.passes)
    accuracy = passes.accuracy
    return {
        "accuracy": accuracy.tolist(),
        "loss": passes.loss.tolist(),
        "miss": float((accuracy - truth.accuracy).abs().mean()),
        "flip_rate": flip_rate(passes.predicted, split.classes),
        "ever_flips": ever_flips(passes.predicted[:LEAST]),
        **noise(passes.correct.sum(dim=1), len(split.val_y), passes.loss),
    }


def repeated_validation(table: pd.DataFrame) -> Figure:
    """For every training, how far its validations in train mode lie from that in eval mode."""
    from matplotlib.figure import Figure

    figure = Figure()
    accuracy = 100 * _by_training(table, "accuracy")
    panels = figure.subplots(1, len(LARGER), sharey=True)
    for name, colour, axes in zip(LARGER, COLOURS, panels, strict=False):
        for place, p in enumerate(USUAL):
            truth = accuracy[name, p, "eval"].groupby("block").median()
            seen = accuracy[name, p, "train"].groupby("block")
            _draw_trainings(
                axes, place, seen.agg(["min", "median", "max"]).sub(truth, axis=0), colour
            )
        axes.axhline(0, color=BLACK, linewidth=1.5)
        axes.set_xticks(range(len(USUAL)), [f"{p:g}" for p in USUAL])
        axes.set_title(DATA.say(name), fontsize=20)
    panels[0].set_ylabel("validation accuracy, train mode\nless eval mode (points)")
    trainings = table["block"].nunique()
    passes = table.loc[table["response"] == "accuracy", "round"].max() + 1
    figure.supxlabel(
        f"dropout probability p   (each line: one training, from the lowest to the highest of its\n"
        f"{passes} validations of the same weights; dot: the middle one; {trainings} trainings at "
        "each p)",
        fontsize=16,
    )
    shown = _by_training(table, "range_of_20")["digits", 0.5, "train"]
    figure.suptitle(
        "With dropout left on (p = 0.5), 20 validations of the same weights\n"
        f"range over {told(100 * shown, '.1f', 'points')} of accuracy on digits",
        fontsize=21,
    )
    return figure


def _by_training(table: pd.DataFrame, response: str) -> Any:  # noqa: ANN401 - a series
    """A response by data set, p, mode, block and round."""
    rows = table[table["response"] == response]
    keys = ["data", "dropout", "mode", "block", "round"]
    return rows.set_index(keys)["value"].sort_index()


def _draw_trainings(axes: Axes, place: float, spans: pd.DataFrame, colour: str) -> None:
    """A line for each training, those with the widest range on the right."""
    widest = spans.assign(width=spans["max"] - spans["min"]).sort_values("width")
    at = place + np.linspace(-0.35, 0.35, len(widest) + 2)[1:-1]
    axes.vlines(at, widest["min"], widest["max"], color=colour, linewidth=3, alpha=0.6)
    axes.plot(at, widest["median"], "o", color=colour, markersize=5)


def spread_and_bias(table: pd.DataFrame) -> Figure:
    """S.d. of train-mode accuracy and its mean less eval mode's, against p, one point a block."""
    from matplotlib.figure import Figure

    accuracy = table[(table["response"] == "accuracy") & table["dropout"].isin(USUAL)]
    cells = (
        accuracy.groupby(["data", "dropout", "mode", "block"])["value"].agg(["mean", "std"]) * 100
    )
    train = cells.xs("train", level="mode")
    spread, bias = train["std"], train["mean"] - cells.xs("eval", level="mode")["mean"]
    figure = Figure()
    left, right = figure.subplots(1, 2)
    for axes, values in ((left, spread), (right, bias)):
        _draw_arms(axes, values)
        axes.set_xlabel("dropout probability p")
    _draw_rule(left, 100 * LEAST_SD, f"rule: more than {100 * LEAST_SD:g}")
    left.set_ylabel("s.d. between validations (points)")
    left.set_ylim(0, None)
    left.legend(*([part[:1] for part in left.get_legend_handles_labels()]), loc="upper left")
    left.set_title("noise: averages out over repeats", fontsize=20)
    right.axhline(0, color="black", linewidth=1.5)
    _draw_rule(right, 100 * LOWER, "rule: a point lower")
    right.set_ylabel("mean accuracy, train less eval (points)")
    right.set_title("bias: stays", fontsize=20)
    right.legend(loc="lower left")
    shift = told(bias.loc["digits", 0.5], ".1f", "points")
    figure.suptitle(
        f"Dropout left on (p = 0.5) shifts the mean accuracy on digits\n"
        f"by {shift}, which no repeating cures",
        fontsize=20,
    )
    figure.supxlabel(
        f"dots: {table['block'].nunique()} trainings at each p; diamonds: median and 99 % interval",
        fontsize=15,
    )
    return figure


def _draw_rule(axes: Axes, edge: float, label: str) -> None:
    """The edge of the claim's region, with a legend of its own in the first panel."""
    axes.axhline(edge, color="black", linestyle="--", linewidth=1.5, label=label)


def _draw_arms(axes: Axes, values: pd.Series[float]) -> None:
    for name, shift, colour in zip(DATA.levels, (-0.25, 0.0, 0.25), COLOURS, strict=True):
        for place, p in enumerate(USUAL):
            draw_blocks(
                axes,
                place + shift,
                np.asarray(values.loc[name, p], np.float64),
                colour=colour,
                width=0.08,
                label=f"{DATA.say(name)}, {ROWS[name]} rows" if place == 0 else None,
            )
    axes.set_xticks(range(len(USUAL)), [f"{p:g}" for p in USUAL])


EXPERIMENT = Experiment(
    question="With dropout left on, how far does validation swing, and is it off on average?",
    factors=(DATA, DROPOUT, MODE),
    responses=RESPONSES,
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 20, 100),
    effort=PerProfile(10, 100, 100),
    figures=(repeated_validation, spread_and_bias),
)
