"""Does the printed script do what the chapter and the checklist say of it?

The script is written anew (``loop.as_printed``) and run on planted validation losses, with what it
saves, logs, clips and updates written down. Of the checklist's seven items five are claims of their
own and are judged there: saving every N epochs (C7.10), early stopping (C7.12), mixed precision
(C9.09), seeds (C7.30) and clipping (C7.44). The two that are left, accumulation and logging, are
held against the script here, setting by setting.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness import Fact, facts
from studies.production_loop.loop import Components, Events, Line, as_printed, train
from studies.production_loop.tiny import tiny

EPOCHS = 10
#: The network over-fits from its fourth epoch on.
TURN = 3
ACCUMULATE = 4


def rising(epoch: int) -> float:
    """A validation loss that falls to the fourth epoch and rises from there."""
    return 1.0 + abs(epoch - TURN)


def saved(components: Components) -> tuple[int, ...]:
    """The epochs after which a run on that loss has saved."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = replace(components, path=Path(folder) / "checkpoint.pt")
        return tuple(train(tiny(2, EPOCHS, rising), chosen).saved)


def logged() -> list[str]:
    """What the script logs, by name."""
    lines: list[Line] = []
    train(tiny(2, 1), as_printed(log=lines.append))
    return sorted(lines[0])


def updates(components: Components) -> tuple[int, ...]:
    """After which batches of an epoch of twelve the weights are updated."""
    return tuple(train(tiny(12, 1), components).updates)


def gradient(components: Components) -> float:
    """The gradient that the first update rests on, of batches with the gradients 1 to 12."""
    work, found = tiny([float(n) for n in range(1, 13)], 1), []

    def look() -> None:
        weight = next(work.trained.net.parameters())
        found.append(float("nan") if weight.grad is None else weight.grad.item())

    train(work, components, Events(before_update=look))
    return found[0]


def looked_at(components: Components) -> int:
    """How many updates of an epoch of twelve batches clipping looked at."""
    return len(train(tiny(12, 1), components).norms)


PRINTED = as_printed(patience=EPOCHS)
IN_GROUPS = as_printed(accumulate=ACCUMULATE)

EXPERIMENT = facts(
    "Does the printed script do what the chapter and the checklist say of it?",
    Fact(
        "C7.10",
        "on a run that over-fits the printed script saves after every epoch",
        lambda: saved(PRINTED),
        claimed=tuple(range(EPOCHS)),
        counterexample=(),
        reading="Every N epochs, for some N: whether the script saves depends on the number of the "
        "epoch alone. On a validation loss that falls for four epochs and rises for six, a script "
        "that saved after each of the first four would save after each of the others.",
        headline=True,
    ),
    Fact(
        "C7.10",
        "a loop that saves after every epoch does so whatever the validation loss",
        lambda: saved(replace(PRINTED, save_when="every epoch")),
        claimed=tuple(range(EPOCHS)),
        counterexample=lambda: saved(PRINTED),
        beyond="a loop that is not printed",
    ),
    Fact(
        "C9.11",
        "the script updates the weights after every K batches",
        lambda: updates(IN_GROUPS),
        claimed=(4, 8, 12),
        counterexample=lambda: updates(as_printed()),
        reading="Accumulation as in the checklist: the loss is divided by K, and there is a step "
        "after every K batches, in an epoch of whole groups.",
    ),
    Fact(
        "C9.11",
        "the script divides the loss by K",
        lambda: gradient(replace(IN_GROUPS, clip=0.0)),
        claimed=(1 + 2 + 3 + 4) / ACCUMULATE,
        counterexample=lambda: gradient(replace(IN_GROUPS, clip=0.0, accumulate=3)),
        within=1e-12,
    ),
    *(
        Fact(
            "C9.11",
            f"the script logs {words}",
            lambda names=names: sorted(set(names) & set(logged())),
            claimed=sorted(names),
            counterexample=[],
            reading="Logging as in the checklist: beside each epoch the script logs the loss, the "
            "learning rate, the norm of the gradients and the validation metrics.",
            headline="grad_norm" in names,
        )
        for words, names in (
            ("the loss", ("train_loss",)),
            ("the learning rate", ("lr",)),
            ("the norm of the gradients", ("grad_norm",)),
            ("validation metrics", ("val_acc", "val_loss")),
        )
    ),
    Fact(
        "C9.11",
        "the script clips before every update",
        lambda: looked_at(IN_GROUPS),
        claimed=3,
        counterexample=lambda: looked_at(replace(IN_GROUPS, clip=0.0)),
        beyond="an item that is judged by itself (C7.44)",
    ),
)
