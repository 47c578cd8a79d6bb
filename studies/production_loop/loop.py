"""One training loop with the components of document C as switches; all are off by default.

With every switch off it is the chapter's minimal loop and a validation after each epoch; with all
of them on, set as the document sets them (``as_printed``), it is the document's production script,
in its order: forward, backward, a weight update on every K-th batch, the scheduler, validation, the
log, the checkpoint, the stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.libraries import nn, torch
from studies.production_loop.checkpoints import COUNTERS, LISTED, Counters, Trained, restore, save
from studies.production_loop.stopping import PATIENCE, EarlyStopping

if TYPE_CHECKING:
    from torch import Tensor

#: A line of the log.
Line: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Components:
    """Which components the loop has.

    Attributes:
        accumulate: batches whose gradients are added up for an update, the loss divided by as many.
        flush: whether an epoch's last group makes an update though it is not full.
        clip: the largest norm of the gradients at an update; 0 clips nothing.
        scaler: whether the loss is scaled for 16 bits.
        unscale: whether the scale is taken off before clipping.
        path: where checkpoints are written to; None writes none.
        save_when: after every epoch, or after those whose validation loss is the best so far.
        resume: what is put back from a checkpoint that is there; nothing, by default.
        begin_after: whether a resumed run begins with the epoch after the one that the file names.
        patience: of the early stopping; 0 never stops.
        log: takes a line after each epoch.
    """

    accumulate: int = 1
    flush: bool = False
    clip: float = 0.0
    scaler: bool = False
    unscale: bool = True
    path: Path | None = None
    save_when: Literal["every epoch", "better"] = "every epoch"
    resume: Collection[str] = ()
    begin_after: bool = True
    patience: int = 0
    log: Callable[[Line], None] | None = None


def as_printed(
    *,
    accumulate: int = 1,
    clip: float = 1.0,
    path: Path | None = None,
    patience: int = PATIENCE,
    log: Callable[[Line], None] | None = None,
) -> Components:
    """The components as the document's script has them: what it takes from its configuration.

    Its scaler and autocast do nothing without a GPU and are left off.
    """
    return Components(
        accumulate=accumulate,
        clip=clip,
        path=path,
        save_when="better",
        resume=LISTED,
        begin_after=False,
        patience=patience,
        log=log,
    )


@dataclass
class Work:
    """What is trained.

    Attributes:
        trained: network, optimiser and scheduler.
        batches: gives an epoch's batches, anew at each call.
        validate: validation loss and accuracy after an epoch, whose number it is given.
        epochs: planned.
        loss: of outputs and targets.
        device: of the scaler.
    """

    trained: Trained
    batches: Callable[[], Iterable[tuple[Tensor, Tensor]]]
    validate: Callable[[int], tuple[float, float]]
    epochs: int
    loss: Callable[[Tensor, Tensor], Tensor]
    device: str = "cpu"


@dataclass
class Events:
    """What a run did, and what it tells whoever watches.

    Attributes:
        epochs: numbers of the epochs that were run to their end, in order.
        saved: numbers of the epochs after which a checkpoint was written.
        updates: after how many batches since the run began each weight update came.
        norms: of the gradients at each update that clipping looked at.
        losses: of every batch, as the loop has it: divided by the batches of an update.
        after_batch: called after every batch with the epoch and the batch's number in it.
        before_update: called when the gradients of an update are complete.
    """

    epochs: list[int] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    after_batch: Callable[[int, int], None] = lambda _epoch, _batch: None
    before_update: Callable[[], None] = lambda: None


def train(work: Work, components: Components, events: Events | None = None) -> Events:
    """Train as planned, or until early stopping stops; a checkpoint that is there is resumed from.

    Args:
        work: is trained in place.
        components: which there are.
        events: is added to, where somebody watches.
    """
    events = events or Events()
    net, _, scheduler = work.trained
    scaler = torch.amp.GradScaler(work.device, enabled=components.scaler)
    stopper = EarlyStopping(components.patience) if components.patience else None
    first, best = _begin(work, components)
    for epoch in range(first, work.epochs):
        net.train()
        batch = -1
        for batch, (x, y) in enumerate(work.batches()):
            loss = work.loss(net(x), y) / components.accumulate
            scaler.scale(loss).backward()
            events.losses.append(loss.item())
            if (batch + 1) % components.accumulate == 0:
                _update(work, components, scaler, events)
            events.after_batch(epoch, batch)
        if components.flush and (batch + 1) % components.accumulate:
            _update(work, components, scaler, events)
        scheduler.step()
        val_loss, val_score = work.validate(epoch)
        events.epochs.append(epoch)
        if components.log:
            components.log(
                {
                    "train_loss": events.losses[-1],
                    "val_loss": val_loss,
                    "val_acc": val_score,
                    "lr": float(scheduler.get_last_lr()[0]),
                }
            )
        if components.path and (components.save_when == "every epoch" or val_loss < best):
            save(components.path, work.trained, Counters(epoch, batch, min(best, val_loss)))
            events.saved.append(epoch)
        best = min(best, val_loss)
        if stopper and stopper(val_loss):
            break
    return events


def _begin(work: Work, components: Components) -> tuple[int, float]:
    """The first epoch, and the best loss before it."""
    if not (components.resume and components.path and components.path.exists()):
        return 0, math.inf
    found = restore(components.path, work.trained, components.resume)
    if COUNTERS not in components.resume:
        return 0, math.inf
    return found.epoch + components.begin_after, found.best


def _update(
    work: Work, components: Components, scaler: torch.amp.GradScaler, events: Events
) -> None:
    """A weight update from the gradients that are there."""
    net, optimiser, _ = work.trained
    events.before_update()
    if components.clip:
        if components.unscale:
            scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(net.parameters(), components.clip)
        events.norms.append(norm.item())
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad()
    events.updates.append(len(events.losses))
