"""What do the three losses of document B's third listing compare: modes, or labels?

The listing loads a pretrained classifier with a fresh head for two classes, prints the loss of a
random text of 512 tokens, saves the state_dict, loads the model anew with it, prints a second loss,
calls ``eval()`` and prints a third; for each loss it draws a new label. It is run here with MiniLM
in the place of the hub's BERT. As listed nobody calls ``train()``, and that is what is judged. The
document's text presumes train mode: a second arm calls ``train()`` before the first and the second
loss, and is shown beside it.

From the logits of the three passes the loss is worked out for either label. The effect of the mode
is how far the second and the third loss lie apart under the same label, on average over the two
labels; the effect of the label is how far two losses of the third pass lie apart on average whose
labels are drawn independently, which is half of the difference between the labels. A block is a
fresh text, head and dropout masks; the encoder's weights are the same in all.
"""

from __future__ import annotations

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
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    more_than,
)
from harness.figures import BLACK, GREEN, ORANGE, draw_blocks, median_interval
from harness.libraries import functional, torch
from studies.load_loss.files import loaded_into
from studies.load_loss.models import CLASSES, logits_of, pretrained_minilm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

SWITCH = Factor(
    "switch",
    ("as listed", "train() called"),
    control="as listed",
    words={"as listed": "MiniLM, as listed", "train() called": "MiniLM, train() called before"},
)
AS_LISTED, CALLED = SWITCH.levels

CHANGED = 0.05  # the catalogue's margin for a loss: 5 %
HALF = 0.5

_INSERTED = "train() called, which the listing does not do"

CLAIMS = (
    Claim(
        "B-hf-3",
        Value("saved_in_train").at(switch=AS_LISTED).always(),
        equals(1),
        reading="Saved in train mode: the listing's model is in train mode when its state_dict is "
        "saved.",
    ),
    Claim(
        "B-hf-3",
        Value("loaded_in_train").at(switch=AS_LISTED).always(),
        equals(1),
        reading="Reloads into train mode: so is the model that is loaded anew and given that "
        "state_dict.",
        headline=True,
    ),
    Beyond(
        "B-hf-3",
        Value("loaded_in_train").at(switch=CALLED).always(),
        equals(1),
        why="train() called on the model before it is saved, which the listing does not do",
    ),
    Claim(
        "B-hf-4",
        Value("eval_moves").at(switch=AS_LISTED),
        at_least(CHANGED),
        reading="Only after eval() does the loss approach another value: then calling it changes "
        "the loss of the loaded model by 5 % or more, at the same text and label. There is no "
        "training loss to approach: the listing trains nothing.",
        headline=True,
    ),
    Beyond("B-hf-4", Value("eval_moves").at(switch=CALLED), at_least(CHANGED), why=_INSERTED),
    Claim(
        "B-hf-5",
        Value("mode_share").at(switch=AS_LISTED),
        at_least(HALF),
        reading="The losses compare modes if the mode moves them at least as far as the redrawn "
        "label does: if half or more of both effects together is the mode's.",
        headline=True,
    ),
    Beyond("B-hf-5", Value("mode_share").at(switch=CALLED), at_least(HALF), why=_INSERTED),
    Control(
        "with train() called before, eval() is seen to change the loss",
        Value("mode_effect").at(switch=CALLED).always(),
        more_than(0),
    ),
)

RESPONSES = (
    Response("saved_in_train", "yes/no", "the model is in train mode when it is saved"),
    Response("loaded_in_train", "yes/no", "the model loaded anew is in train mode"),
    Response("eval_moves", "1", "relative change of the loaded model's loss by eval()"),
    Response("mode_effect", "nat", "how far the mode moves the loss, at the same label"),
    Response("label_effect", "nat", "how far the redrawn label moves the loss, in the same mode"),
    Response(
        "mode_share", "1", "share of the mode, against that of the label, in what moves the loss"
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Run the listing once; ``block.effort`` is the number of tokens."""
    called = arm[SWITCH] == CALLED
    tokens = torch.randint(2000, (1, block.effort)).to(block.device)
    model = pretrained_minilm(block.device)
    if called:
        model.train()
    logits_of(model, tokens)  # the first loss: a pass, with its dropout masks
    loaded = loaded_into(pretrained_minilm(block.device), model)
    modes = {
        "saved_in_train": float(model.training),
        "loaded_in_train": float(loaded.training),
    }
    if called:
        loaded.train()
    second = label_losses(logits_of(loaded, tokens))
    third = label_losses(logits_of(loaded.eval(), tokens))
    return modes | effects(second, third)


def label_losses(logits: Tensor) -> list[float]:
    """The loss of one text for each label it might have, from logits of shape (1, classes)."""
    labels = torch.arange(CLASSES, device=logits.device)
    losses: list[float] = functional.cross_entropy(
        logits.double().expand(CLASSES, -1), labels, reduction="none"
    ).tolist()
    return losses


def effects(second: list[float], third: list[float]) -> dict[str, float]:
    """What lies between the loaded model's two losses; each is given for both labels."""
    moved = [abs(b - c) for b, c in zip(second, third, strict=True)]
    mode, label = sum(moved) / CLASSES, abs(third[0] - third[1]) / 2
    return {
        "eval_moves": sum(m / b for m, b in zip(moved, second, strict=True)) / CLASSES,
        "mode_effect": mode,
        "label_effect": label,
        "mode_share": mode / (mode + label),
    }


def label_and_mode(table: pd.DataFrame) -> Figure:
    """The effects of label and mode, as listed and with train() called, every block."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    for place, switch in enumerate(SWITCH.levels):
        for effect, colour, shift, label in (
            ("label_effect", GREEN, -0.18, "a redrawn label"),
            ("mode_effect", ORANGE, 0.18, "calling eval()"),
        ):
            mine = table[(table["switch"] == switch) & (table["response"] == effect)]
            values = mine.sort_values("block")["value"].to_numpy(np.float64)
            draw_blocks(
                axes,
                place + shift,
                values,
                colour=colour,
                width=0.12,
                label=None if place else label,
            )
            found[switch, effect] = values
    axes.set_xticks(range(2), ["as listed:\nnever in train mode", "with train() called\nbefore"])
    axes.axhline(0, color=BLACK, lw=1.5)
    axes.set_ylabel("how far two losses lie apart (nat)")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper center", title="moved by")
    figure.suptitle(
        f"As listed, calling eval() moves the loss by {_nats(found[AS_LISTED, 'mode_effect'])},\n"
        f"a redrawn label by {_nats(found[AS_LISTED, 'label_effect'])}. "
        f"A dot: one of {table['block'].nunique()} heads and texts, MiniLM, CPU",
        fontsize=20,
    )
    return figure


def _nats(values: NDArray[np.float64]) -> str:
    """The median with its interval, where there are blocks enough for one that is not a point."""
    found = median_interval(values)
    if not np.isfinite(found.low) or found.low == found.high:
        return f"{found.estimate:.3g} nat"
    return f"{found.estimate:.3g} ({found.low:.2g} to {found.high:.2g}) nat"


EXPERIMENT = Experiment(
    question="What do the three losses of the third listing compare: modes, or labels?",
    factors=(SWITCH,),
    blocks=PerProfile(2, 12, 60),
    effort=PerProfile(64, 512, 512),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(label_and_mode,),
    imports=("transformers",),
)
