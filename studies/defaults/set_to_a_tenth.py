"""Which ways of setting ModernBERT's dropout to 0.1 make the randomness of train mode visible?

A small ModernBERT classifier gets its dropout in several ways, and one batch five times in train
mode and twice in eval mode. Randomness is visible if two passes in train mode differ by 0.001 or
more in some logit, which shows where four decimals are printed, while those in eval mode agree to
the last bit. The passage sets "dropout" to 0.1 when the model is made, and needs one way that
works: all four rates of the configuration at once, given to the configuration or to
``from_pretrained``. Shown beside it are one rate alone, and two ways that come after the model:
p of the dropout modules set by hand, and the configuration edited.

A model left as it comes shows that the comparison can see nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
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
from harness.figures import BLUE, ORANGE, device_of
from harness.libraries import nn, torch, transformers
from studies.defaults.families import MODERNBERT, batch, build, output
from studies.load_loss.models import saved_pretrained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATE, PASSES, VISIBLE = 0.1, 5, 1e-3
CLASSIFIER = "ForSequenceClassification"
FIELDS = ("attention_dropout", "embedding_dropout", "mlp_dropout", "classifier_dropout")
ALL = dict.fromkeys(FIELDS, RATE)

BUILT, LOADED = "built", "loaded"
BY_HAND, EDITED, LEFT = "modules by hand", "config edited later", "left as it comes"
ALONE = {field: f"{field} alone" for field in FIELDS}
WAY = Factor(
    "way",
    (BUILT, LOADED, *ALONE.values(), BY_HAND, EDITED, LEFT),
    words={
        BUILT: "configuration with all four rates at 0.1",
        LOADED: "from_pretrained with all four rates at 0.1",
        **{words: f"{words} at 0.1" for words in ALONE.values()},
        BY_HAND: "p of all dropout modules set by hand",
        EDITED: "model.config edited once it is built",
    },
)
JUDGED = (BUILT, LOADED)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "A-nuance-10",
        Value("visible").at(way=JUDGED).always(),
        equals(1),
        reading="Visible: of five passes over one batch in train mode two differ by 0.001 or more "
        "in some logit, which shows at four decimals, and in eval mode two agree bit for bit.",
        headline={"way": LOADED},
    ),
    *(
        Beyond("A-nuance-10", Value("visible").at(way=ways).always(), equals(1), why)
        for ways, why in (
            (tuple(ALONE.values()), "one of the four rates alone"),
            (BY_HAND, "modules of a model that is there already"),
            (EDITED, "the configuration of a model that is there already"),
        )
    ),
    Control(
        "left as it comes the passes agree",
        Value("train_gap").at(way=LEFT).always(),
        equals(0),
    ),
)


def loaded(**rates: float) -> nn.Module:
    """A classifier of random weights, saved as it comes and loaded with other rates."""
    load = transformers.ModernBertForSequenceClassification.from_pretrained
    with saved_pretrained(build(MODERNBERT, head=CLASSIFIER)) as folder:
        model: nn.Module = load(str(folder), **rates)  # type: ignore[arg-type]  # fields of its config
    return model


def by_hand() -> nn.Module:
    """A classifier whose dropout modules are given another p."""
    model = build(MODERNBERT, head=CLASSIFIER)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = RATE
    return model


def edited() -> nn.Module:
    """A classifier whose configuration is edited when it has been built."""
    model: Any = build(MODERNBERT, head=CLASSIFIER)
    for field in FIELDS:
        setattr(model.config, field, RATE)
    made: nn.Module = model
    return made


def alone(field: str) -> Callable[[], nn.Module]:
    """How a classifier is built with one rate at 0.1."""
    return lambda: build(MODERNBERT, {field: RATE}, head=CLASSIFIER)


BUILDERS: dict[str, Callable[[], nn.Module]] = {
    BUILT: lambda: build(MODERNBERT, ALL, head=CLASSIFIER),
    LOADED: lambda: loaded(**ALL),
    **{words: alone(field) for field, words in ALONE.items()},
    BY_HAND: by_hand,
    EDITED: edited,
    LEFT: lambda: build(MODERNBERT, head=CLASSIFIER),
}


def measure(block: Block, arm: Arm) -> Responses:
    """Make the model in the arm's way; five passes in train mode, two in eval mode."""
    model = BUILDERS[arm[WAY]]().to(block.device)
    x = batch(MODERNBERT).to(block.device)
    passes = torch.stack([output(model.train(), x) for _ in range(PASSES)])
    first, second = output(model.eval(), x), output(model, x)
    train_gap = (passes.amax(0) - passes.amin(0)).max().item()
    eval_gap = (first - second).abs().max().item()
    return {
        "train_gap": train_gap,
        "eval_gap": eval_gap,
        "visible": float(train_gap >= VISIBLE and eval_gap == 0),
    }


def visible_by_way(table: pd.DataFrame) -> Figure:
    """How far five passes in train mode lie apart, a row a way, with a lane for exactly 0."""
    from matplotlib.figure import Figure

    gaps = table[table["response"] == "train_gap"].dropna(subset="value")
    figure = Figure()
    lane, axes = figure.subplots(1, 2, sharey=True, width_ratios=(1, 5))
    axes.set_xscale("log")
    for row, way in enumerate(WAY.levels):
        values = gaps.loc[gaps["way"] == way, "value"].to_numpy(np.float64)
        _draw_way(lane, axes, -row, values, BLUE if way in JUDGED else ORANGE)
    axes.axvline(VISIBLE, color="#555555", ls="--")
    axes.text(VISIBLE, 0.7, " shows at four decimals", va="center", fontsize=15)
    lane.set_yticks([-row for row in range(len(WAY.levels))], [WAY.say(way) for way in WAY.levels])
    lane.tick_params(axis="y", labelsize=14)
    lane.set_xlim(-1, 1)
    lane.set_xticks([0], ["exactly 0"])
    axes.set_xlim(1e-4, 10)
    axes.set_ylim(0.5 - len(WAY.levels), 1.1)
    axes.set_xlabel("largest difference of a logit in five train passes", fontsize=17)
    least = gaps.loc[gaps["way"].isin(JUDGED), "value"].min()
    silent = gaps.groupby("way")["value"].max().eq(0)
    named = [way for way in WAY.levels if silent.get(way, False) and way != LEFT]
    none = f"; no effect: {', '.join(WAY.say(way) for way in named)}" if named else ""
    figure.suptitle(
        f"ModernBERT's dropout set to 0.1 as it is made: logits differ by {least:.2f} or more in "
        f"train mode{none}\n(dots: {gaps['block'].nunique()} seeds of a small classifier, "
        f"{device_of(table)}; blue: judged)",
        fontsize=17,
    )
    return figure


def _draw_way(lane: Axes, axes: Axes, row: float, values: np.ndarray, colour: str) -> None:
    if not len(values):
        axes.text(1e-3, row, "failed", va="center")
        return
    zero = values == 0
    jitter = np.linspace(-0.25, 0.25, len(values))
    lane.plot(np.zeros(zero.sum()), row + jitter[zero], ".", color=colour)
    axes.plot(values[~zero], row + jitter[~zero], ".", color=colour)


EXPERIMENT = Experiment(
    question="Which ways of setting ModernBERT's dropout to 0.1 make train mode visibly random?",
    factors=(WAY,),
    responses=(
        Response("visible", "yes/no", "passes differ in train mode and agree in eval mode"),
        Response("train_gap", "1", "largest difference of a logit in five passes in train mode"),
        Response("eval_gap", "1", "largest difference of a logit in two passes in eval mode"),
    ),
    measure=measure,
    blocks=PerProfile(2, 10, 40),
    claims=CLAIMS,
    figures=(visible_by_way,),
    imports=("transformers",),
)
