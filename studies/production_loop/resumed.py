"""Does a run that is killed and resumed from its checkpoint end as if nothing had happened?

Six scripts train for four epochs in processes of their own and write a checkpoint after each. One
process of each script runs through. Another is killed with SIGKILL in the middle of the third
epoch; a third begins the script again, seeds and all, loads the file of the second epoch, and
trains to the end. What it puts back is varied: everything that the chapter lists, everything but
one item, the weights alone, and what the printed loader puts back. Weights and buffers at the end
are compared with those of the run that was never killed, bit by bit, and so is the order of the
rows in the epochs after the resume.

An item counts only in scripts that use it: a script that draws nothing from Python's generator
cannot miss its state. Resuming from a file that was written within an epoch is beyond the passage,
which saves between epochs: the loader's place in the epoch is in no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
    equals,
)
from harness.figures import BLUE, ORANGE, PURPLE
from studies.production_loop.checkpoints import (
    COUNTERS,
    NUMPY,
    OPTIMISER,
    PYTHON,
    SCHEDULER,
    TORCH,
    WEIGHTS,
)
from studies.production_loop.processes import (
    ALL,
    ALONE,
    FINISHED,
    KILLED,
    MIDDLE,
    PRINTED,
    WAYS,
    WHOLE,
    Answers,
    ask,
    without,
)
from studies.production_loop.scripts import (
    ADAM,
    BY_NUMPY,
    BY_PYTHON,
    CONV,
    DRAWS,
    NOISY,
    NORMED,
    SCRIPTS,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCRIPT = Factor("script", SCRIPTS)
RESTORED = Factor(
    "restored",
    tuple(WAYS),
    label="put back",
    words={way: f"{way} put back" for way in WAYS if way not in (PRINTED, MIDDLE)}
    | {PRINTED: "the printed loader", MIDDLE: "everything put back from within an epoch"},
)
#: Scripts whose order of rows comes from each of the three generators.
ORDER_FROM = {TORCH: (ADAM, NORMED, CONV), NUMPY: (BY_NUMPY,), PYTHON: (BY_PYTHON,)}
USUAL: dict[str, Level] = {"script": ADAM, "restored": ALL}

EQUAL = Value("equal").always()
NEEDED = (
    "About exactness: an item must be saved where a run that is resumed without it, and with "
    "everything else, ends with other weights than the run that was never killed. What a loss of "
    "state costs is C7.05's statement."
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.01",
        EQUAL.at(restored=ALL),
        equals(1.0),
        reading="Exactly where it stopped: with everything in the chapter's list put back, a run "
        "that was killed and resumed after its last finished epoch ends with the weights of the "
        "run that was never killed, bit by bit.",
        headline=USUAL,
    ),
    Beyond(
        "C7.01",
        EQUAL.at(restored=PRINTED),
        equals(1.0),
        why="the printed loader, which puts back one random state of four and runs an epoch twice",
    ),
    Beyond(
        "C7.01",
        EQUAL.at(restored=MIDDLE),
        equals(1.0),
        why="a checkpoint from within an epoch, whose place in the data is in no file",
    ),
    Claim(
        "C7.04",
        Value("same_order").always().at(restored=ALL),
        equals(1.0),
        reading="Reproducible order: with all saved random states put back, the rows of the epochs "
        "after a resume come in the order of the run that was never killed, whichever generator "
        "draws it.",
        headline={"script": BY_NUMPY},
    ),
    Beyond(
        "C7.04",
        Value("same_order").always().at(restored=PRINTED),
        equals(1.0),
        why="the printed loader, which puts back torch's state alone and runs an epoch twice",
    ),
    *(
        Claim(
            "C7.49",
            EQUAL.at(restored=without(item), script=tuple(scripts)),
            equals(0.0),
            reading=NEEDED,
            headline={"script": ADAM} if item == OPTIMISER else False,
        )
        for item, scripts in {
            OPTIMISER: SCRIPTS,
            SCHEDULER: SCRIPTS,
            COUNTERS: SCRIPTS,
            **{
                state: [script for script in SCRIPTS if state in DRAWS[script]]
                for state in (TORCH, NUMPY, PYTHON)
            },
        }.items()
    ),
    Claim(
        "C7.09",
        Value("repeated").always().at(restored=PRINTED),
        equals(0),
        reading="Where a checkpoint says to have stopped, the script must not train again: a run "
        "of it that is killed after a saved epoch and resumed runs no finished epoch twice. The "
        "text implies it; it is not printed.",
        headline={"script": ADAM},
    ),
    Control(
        "the process was killed by the system, and left a checkpoint",
        Value("killed").always(),
        equals(1.0),
    ),
    Control(
        "without the weights a resumed run ends with others",
        EQUAL.at(restored=without(WEIGHTS)),
        equals(0.0),
    ),
)
RESPONSES = (
    Response("equal", "yes/no", "the resumed run ends with the same weights to the last bit"),
    Response("same_order", "yes/no", "rows come in the same order in the epochs after the resume"),
    Response("repeated", "epochs", "number of finished epochs that the resumed run trains again"),
    Response("killed", "yes/no", "the process died of SIGKILL, and its checkpoint is there"),
)


class Cell(NamedTuple):
    """What the processes answered, by seed."""

    answers: dict[int, Answers]


def prepare(block: Block) -> Cell:
    """Have all scripts trained, killed and resumed, for one seed after the other."""
    return Cell(ask(range(block.seed, block.seed + block.effort)))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare the resumed runs of a script with those that ran through; a round is a seed."""
    found: dict[str, list[float]] = {response.name: [] for response in RESPONSES}
    for answers in cell.answers.values():
        of_script = answers[arm[SCRIPT]]
        whole, killed, resumed = of_script[WHOLE], of_script[KILLED], of_script[arm[RESTORED]]
        after = whole["orders"][FINISHED + 1 :]
        found["equal"].append(float(resumed["weights"] == whole["weights"]))
        found["same_order"].append(float(resumed["orders"] == after))
        found["repeated"].append(float(sum(epoch <= FINISHED for epoch in resumed["epochs"])))
        found["killed"].append(float(killed["signal"] == 9 and killed["left"]))
    return dict(found)


ROWS_OF_FIGURE = {
    ALL: "everything",
    **{
        without(item): without(item)
        for item in (OPTIMISER, SCHEDULER, COUNTERS, TORCH, NUMPY, PYTHON)
    },
    ALONE: "the weights alone",
    PRINTED: "the printed loader",
    MIDDLE: "everything, from within\nan epoch",
}
COLUMNS = {
    ADAM: "perceptron\nAdam\ncosine",
    NORMED: "batch norm\nAdamW\nsteps",
    CONV: "conv net\nmomentum\none cycle",
    BY_NUMPY: "order\nby NumPy",
    BY_PYTHON: "order\nby Python",
    NOISY: "noise\nby NumPy",
}


def what_must_be_put_back(table: pd.DataFrame) -> Figure:
    """A matrix: what is put back, against the script; whether the resumed run ends equal."""
    from matplotlib.figure import Figure

    equal = table[table["response"] == "equal"]
    cells = equal.groupby(["restored", "script"])["value"]
    figure = Figure()
    axes = figure.subplots()
    for y, way in enumerate(ROWS_OF_FIGURE):
        for x, script in enumerate(COLUMNS):
            if (way, script) in cells.groups:
                _draw_cell(axes, x, y, cells.get_group((way, script)))
    axes.set_xlim(-0.5, len(COLUMNS) - 0.5)
    axes.set_ylim(len(ROWS_OF_FIGURE) - 0.5, -0.5)
    axes.set_xticks(range(len(COLUMNS)), list(COLUMNS.values()), fontsize=15)
    axes.set_yticks(range(len(ROWS_OF_FIGURE)), list(ROWS_OF_FIGURE.values()), fontsize=15)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for label, colour in {"all": BLUE, "some": PURPLE, "none": ORANGE}.items():
        axes.plot([], [], "s", color=colour, markersize=16, label=label)
    seeds = equal.groupby(["restored", "script"])["value"].size().max()
    figure.legend(
        loc="outside lower center",
        ncols=4,
        title="rows: what is put back; cells: resumed runs that end with the weights of the run "
        "that was never killed, bit by bit\n"
        f"({seeds} {'seed' if seeds == 1 else 'seeds'} a cell, CPU)",
        title_fontsize=14,
    )
    figure.suptitle(_title(equal), fontsize=20)
    return figure


def _title(equal: pd.DataFrame) -> str:
    whole = equal[equal["restored"] == ALL]["value"].dropna()
    printed = equal[equal["restored"] == PRINTED]["value"].dropna()
    return (
        f"Killed and resumed with everything put back, {int(whole.sum())} of {len(whole)} runs\n"
        f"end as if nothing had happened; with the printed loader {int(printed.sum())} of "
        f"{len(printed)} do"
    )


def _draw_cell(axes: Axes, x: int, y: int, values: pd.Series[float]) -> None:
    from matplotlib.patches import Rectangle

    there = values.dropna()
    if there.empty:
        axes.text(x, y, "failed", ha="center", va="center")
        return
    colour = {0.0: ORANGE, 1.0: BLUE}.get(float(there.mean()), PURPLE)
    axes.add_patch(Rectangle((x - 0.48, y - 0.45), 0.96, 0.9, color=colour))
    text = f"{int(there.sum())} of {len(there)}"
    axes.text(x, y, text, color="white", ha="center", va="center", fontsize=15)


EXPERIMENT = Experiment(
    question="Does a killed and resumed run end as if nothing had happened?",
    factors=(SCRIPT, RESTORED),
    blocks=PerProfile(1, 2, 3),
    effort=PerProfile(1, 10, 20),  # seeds
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(what_must_be_put_back,),
)
