"""What do the three losses of document B's third listing compare: modes, or labels?

The listing loads a pretrained classifier with a fresh head for two classes, prints the loss of a
random text of 512 tokens, saves the state_dict, loads the model anew with it, prints a second loss,
calls ``eval()`` and prints a third; for each loss it draws a new label. It is run here with MiniLM
in the place of the hub's BERT. As listed, nobody calls ``train()``, and ``from_pretrained`` gives a
model in eval mode (see ``libraries``); so a second arm calls ``train()`` before the first and the
second loss, as the document's text presumes.

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
    more_than,
)
from harness.figures import BLACK, GREEN, ORANGE, draw_blocks
from harness.libraries import functional, torch
from studies.load_loss.files import loaded_into
from studies.load_loss.models import CLASSES, logits_of, pretrained_minilm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

SWITCH = Factor("switch", ("as listed", "train() called"), control="as listed")

CLAIMS = (
    Claim(
        "B-hf-4",
        Value("eval_changes").at(switch="as listed").always(),
        equals(1),
        reading="Only after eval() does the loss approach the training value: then eval() changes "
        "the loss of the loaded model at the same label. Judged as listed; with train() called "
        "before, it is reported.",
    ),
    Claim(
        "B-hf-5",
        Value("mode_less_label"),
        more_than(0),
        reading="They compare modes if the mode moves the loss further than the redrawn label; as "
        "listed, and with train() called, which is what the text presumes.",
    ),
    Control(
        "with train() called before, eval() is seen to change the loss",
        Value("eval_changes").at(switch="train() called").always(),
        equals(1),
    ),
)

RESPONSES = (
    Response("eval_changes", "1", "1 where eval() changes the loss at the same label"),
    Response(
        "eval_closer", "1", "1 where it brings it nearer to the first loss, at the same label"
    ),
    Response("mode_effect", "nat", "mode effect"),
    Response("label_effect", "nat", "label effect"),
    Response("mode_less_label", "nat", "mode less label"),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Run the listing once; ``block.effort`` is the number of tokens."""
    switched = arm[SWITCH] == "train() called"
    tokens = torch.randint(2000, (1, block.effort)).to(block.device)
    model = pretrained_minilm(block.device)
    if switched:
        model.train()
    first = label_losses(logits_of(model, tokens))
    loaded = loaded_into(pretrained_minilm(block.device), model)
    if switched:
        loaded.train()
    second = label_losses(logits_of(loaded, tokens))
    third = label_losses(logits_of(loaded.eval(), tokens))
    return effects(first, second, third)


def label_losses(logits: Tensor) -> list[float]:
    """The loss of one text for each label it might have, from logits of shape (1, classes)."""
    labels = torch.arange(CLASSES, device=logits.device)
    losses: list[float] = functional.cross_entropy(
        logits.double().expand(CLASSES, -1), labels, reduction="none"
    ).tolist()
    return losses


def effects(first: list[float], second: list[float], third: list[float]) -> Responses:
    """What lies between the three losses; each is given for both labels."""
    by_eval = [abs(b - c) for b, c in zip(second, third, strict=True)]
    nearer = [abs(c - a) < abs(b - a) for a, b, c in zip(first, second, third, strict=True)]
    mode, label = sum(by_eval) / CLASSES, abs(third[0] - third[1]) / 2
    return {
        "eval_changes": float(any(by_eval)),
        "eval_closer": sum(nearer) / CLASSES,
        "mode_effect": mode,
        "label_effect": label,
        "mode_less_label": mode - label,
    }


def label_and_mode(table: pd.DataFrame) -> Figure:
    """The effects of label and mode, as listed and with train() called, every block."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    median: dict[tuple[str, str], float] = {}
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
            median[switch, effect] = float(np.median(values))
    axes.set_xticks(range(2), ["as listed:\nnever in train mode", "with train() called\nbefore"])
    axes.axhline(0, color=BLACK, lw=1.5)
    axes.set_ylabel("how far two losses lie apart (nat)")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper center", title="moved by")
    figure.suptitle(
        "The third listing's losses differ by their labels: "
        f"{median['as listed', 'label_effect']:.3f} nat on average;\n"
        f"calling eval() changes them by {median['as listed', 'mode_effect']:.3g} as listed, "
        f"by {median['train() called', 'mode_effect']:.3f} after train() "
        f"({table['block'].nunique()} blocks)",
        fontsize=20,
    )
    return figure


EXPERIMENT = Experiment(
    question="What do the three losses of the third listing compare: modes, or labels?",
    factors=(SWITCH,),
    blocks=PerProfile(2, 20, 60),
    effort=PerProfile(64, 512, 512),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(label_and_mode,),
    imports=("transformers",),
)
