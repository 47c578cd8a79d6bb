"""Training many replicas with every usual regulariser, watched in eval mode as they go.

All replicas of a sample train at once, each as it would alone. Fits that differ in their recipe
start from equal weights and see equal batches: weights and orders come from each replica's seed,
while dropout masks and augmentations have streams of their own. Evaluation draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from harness.errors import HarnessError
from harness.libraries import functional, nn, torch
from harness.workloads.loop import OPTIMISERS
from harness.workloads.replicas import Replicas
from harness.workloads.samples import Sample
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

#: A step's rows, shape (replicas, batch, features), and targets into what is trained on instead.
Change: TypeAlias = Callable[["Tensor", "Tensor", "torch.Generator"], tuple["Tensor", "Tensor"]]
NAMES = tuple(f"{part}_{what}" for part in ("train", "val", "test") for what in ("loss", "score"))
ROWS_AT_ONCE = 128  # in evaluation: more are slower, where feature maps leave the cache


@dataclass(frozen=True)
class Plateau:
    """A replica's learning rate falls when its validation loss stands, as ReduceLROnPlateau's does.

    Attributes:
        patience: how often in a row the loss may be watched without becoming lower by 0.01 %.
        factor: what the rate is multiplied by when that is exceeded.
    """

    patience: int = 3
    factor: float = 0.5


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the rows to train on.
        batch: rows a step; an epoch's last, smaller batch is used too, unless it is a single row.
        optimiser: one of ``loop.OPTIMISERS``.
        lr: its learning rate.
        decay: its ``weight_decay``: added to the gradient by SGD and Adam, by AdamW taken off.
        decay_biases: whether parameters named "bias" decay too.
        penalty: added to the loss of every step; of the replicas, shape (replicas,).
        smoothing: label smoothing of the loss trained on.
        change: changes what a step is trained on; classes may become probabilities.
        plateau: makes learning rates fall.
        watch_every: so many epochs apart all parts are evaluated, and after the last.
    """

    epochs: int
    batch: int = 64
    optimiser: str = "AdamW"
    lr: float = 1e-3
    decay: float = 0.0
    decay_biases: bool = True
    penalty: Callable[[Replicas], Tensor] | None = None
    smoothing: float = 0.0
    change: Change | None = None
    plateau: Plateau | None = None
    watch_every: int = 1


@dataclass(frozen=True)
class History:
    """What was watched, in eval mode on the parts as they are; shapes (times watched, replicas).

    A loss is the mean cross-entropy of the labels as they are, or the mean squared error, without
    smoothing, change or penalty; a score is the accuracy, or for a regression the share of the
    variance explained.

    Attributes:
        epochs: how many were done at each time watched; shape (times watched,).
        train_loss: on the rows trained on.
        train_score: on the same.
        val_loss: on the rows to choose with.
        val_score: on the same.
        test_loss: on the rows that no choice has seen.
        test_score: on the same.
        nets: the networks as at the end.
        decayed: learning rate x weight decay x steps: by how much decay alone would have shrunk the
            logarithm of every weight, had no rate fallen.
    """

    epochs: NDArray[np.int64]
    train_loss: NDArray[np.float64]
    train_score: NDArray[np.float64]
    val_loss: NDArray[np.float64]
    val_score: NDArray[np.float64]
    test_loss: NDArray[np.float64]
    test_score: NDArray[np.float64]
    nets: Replicas
    decayed: float

    def best(self, patience: int | None = None, min_delta: float = 0.0) -> NDArray[np.int64]:
        """For each replica the row of its lowest validation loss before training would stop.

        Args:
            patience: see ``stopped``; None never stops.
            min_delta: see ``stopped``.
        """
        losses = np.where(np.isnan(self.val_loss), np.inf, self.val_loss)
        if patience is not None:
            places = np.arange(len(losses))[:, None]
            losses = np.where(places <= self._stops(patience, min_delta), losses, np.inf)
        rows: NDArray[np.int64] = losses.argmin(axis=0)
        return rows

    def stopped(self, patience: int, min_delta: float = 0.0) -> NDArray[np.int64]:
        """For each replica how many epochs early stopping would run.

        Args:
            patience: it stops when the loss has been watched so often in a row without becoming
                lower than its lowest.
            min_delta: by more than this.
        """
        epochs: NDArray[np.int64] = self.epochs[self._stops(patience, min_delta)]
        return epochs

    def at(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """What was watched at a row of each replica's own; shape (replicas,).

        Args:
            name: such as "test_score".
            rows: one a replica, such as ``best`` gives.
        """
        values: NDArray[np.float64] = self._watched(name)[rows, np.arange(len(rows))]
        return values

    def last(self, name: str) -> NDArray[np.float64]:
        """What was watched after the last epoch; shape (replicas,)."""
        values: NDArray[np.float64] = self._watched(name)[-1]
        return values

    def _watched(self, name: str) -> NDArray[np.float64]:
        if name not in NAMES:
            raise HarnessError(f"A history has no {name!r}; it has {', '.join(NAMES)}.")
        values: NDArray[np.float64] = getattr(self, name)
        return values

    def _stops(self, patience: int, min_delta: float) -> NDArray[np.int64]:
        """The row at which early stopping would stop, or the last."""
        lowest = np.full(self.val_loss.shape[1], np.inf)
        waited = np.zeros(len(lowest), dtype=np.int64)
        stops = np.full(len(lowest), len(self.val_loss) - 1)
        for row, losses in enumerate(self.val_loss):
            better = losses < lowest - min_delta
            lowest = np.where(better, losses, lowest)
            waited = np.where(better, 0, waited + 1)
            stops = np.where((waited >= patience) & (row < stops), row, stops)
        return stops


def fit(
    make: Callable[[], nn.Module],
    sample: Sample,
    recipe: Recipe,
    *,
    after_step: Callable[[Replicas], None] | None = None,
    after_epoch: Callable[[Replicas, int], None] | None = None,
) -> History:
    """Train a network for every replica of a sample.

    Args:
        make: a network that maps rows to logits, or to one number; its weights come from torch's
            global stream, seeded anew for each replica.
        sample: what to train on and to watch.
        recipe: how to train.
        after_step: called after every step, with gradients still there.
        after_epoch: called after every epoch with the number done, before anything is watched.

    Raises:
        HarnessError: an optimiser of another name.
    """
    device = sample.train.x.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        nets = _networks(make, sample.seeds, device)
        # Masks: one stream for all replicas, that no evaluation and no change draws from.
        torch.manual_seed(_stream_of(sample.seeds, "masks"))
        return _Fit(nets, sample, recipe, after_step, after_epoch).run()


def logits(nets: Replicas, part: Part) -> Tensor:
    """What the networks say of a part in eval mode; shape (replicas, rows, outputs)."""
    training = nets.training
    nets.eval()
    with torch.no_grad():
        out = torch.cat([nets(x) for x in part.x.split(ROWS_AT_ONCE, dim=1)], dim=1)
    nets.train(training)
    return out


def _networks(
    make: Callable[[], nn.Module], seeds: Sequence[int], device: torch.device
) -> Replicas:
    networks = []
    for seed in seeds:
        torch.manual_seed(seed)
        networks.append(make().to(device))
    return Replicas(networks)


def _stream_of(seeds: Sequence[int], purpose: str) -> int:
    """The seed of a stream that is no replica's own."""
    words = [*(abs(seed) for seed in seeds), *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)


class _Fit:
    """One training of all replicas."""

    def __init__(
        self,
        nets: Replicas,
        sample: Sample,
        recipe: Recipe,
        after_step: Callable[[Replicas], None] | None,
        after_epoch: Callable[[Replicas, int], None] | None,
    ) -> None:
        self.nets, self.sample, self.recipe = nets, sample, recipe
        self.after_step, self.after_epoch = after_step, after_epoch
        self.optimiser = _optimiser(recipe, nets)
        self.orders = [
            torch.Generator().manual_seed(_stream_of([seed], "batches")) for seed in sample.seeds
        ]
        self.changes = torch.Generator(sample.train.x.device)
        self.changes.manual_seed(_stream_of(sample.seeds, "changes"))
        self.rates = _Rates(recipe.plateau, nets) if recipe.plateau else None
        self.loss = (
            partial(functional.cross_entropy, label_smoothing=recipe.smoothing)
            if sample.classes
            else functional.mse_loss
        )

    def run(self) -> History:
        recipe, watched, epochs = self.recipe, [], []
        steps = 0
        for epoch in range(1, recipe.epochs + 1):
            self.nets.train()
            for x, y in _batches(self.sample.train, recipe.batch, self.orders):
                self._step(x, y)
                steps += 1
            if self.after_epoch:
                self.after_epoch(self.nets, epoch)
            if epoch % recipe.watch_every == 0 or epoch == recipe.epochs:
                watched.append(watch(self.nets, self.sample))
                epochs.append(epoch)
                if self.rates:
                    self.rates.see(watched[-1]["val_loss"])
        stacked = {name: np.stack([each[name] for each in watched]) for name in NAMES}
        decayed = recipe.lr * recipe.decay * steps
        return History(np.array(epochs), **stacked, nets=self.nets, decayed=decayed)

    def _step(self, x: Tensor, y: Tensor) -> None:
        if self.recipe.change:
            x, y = self.recipe.change(x, y, self.changes)
        self.optimiser.zero_grad()
        losses = self.nets.each(self.loss, self.nets(x), y)
        if self.recipe.penalty:
            losses = losses + self.recipe.penalty(self.nets)
        losses.sum().backward()
        if self.rates:
            self.rates.step(self.optimiser)
        else:
            self.optimiser.step()
        if self.after_step:
            self.after_step(self.nets)


def _optimiser(recipe: Recipe, nets: Replicas) -> torch.optim.Optimizer:
    if recipe.optimiser not in OPTIMISERS:
        raise HarnessError(f"There is no optimiser {recipe.optimiser!r}: {', '.join(OPTIMISERS)}.")
    decaying: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in nets.named_parameters():
        decays = recipe.decay_biases or not name.endswith("bias")
        (decaying if decays else others).append(parameter)
    optimiser = OPTIMISERS[recipe.optimiser](decaying, recipe.lr)
    optimiser.param_groups[0]["weight_decay"] = recipe.decay
    if others:
        optimiser.add_param_group({"params": others, "weight_decay": 0.0})
    return optimiser


def _batches(
    part: Part, size: int, orders: list[torch.Generator]
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch: rows in an order of each replica's own, all of them."""
    rows = part.x.shape[1]
    order = torch.stack([torch.randperm(rows, generator=g) for g in orders]).to(part.x.device)
    replica = torch.arange(len(orders), device=part.x.device)[:, None]
    for chosen in order.split(size, dim=1):
        if chosen.shape[1] > 1:
            yield part.x[replica, chosen], part.y[replica, chosen]


def watch(nets: Replicas, sample: Sample) -> dict[str, NDArray[np.float64]]:
    """Loss and score of each replica on each part in eval mode, by the names of a history."""
    parts = {"train": sample.train, "val": sample.val, "test": sample.test}
    together = logits(
        nets, Part(torch.cat([part.x for part in parts.values()], dim=1), sample.train.y)
    )
    outputs = together.split([part.x.shape[1] for part in parts.values()], dim=1)
    found = {}
    for (name, part), out in zip(parts.items(), outputs, strict=True):
        if sample.classes:
            loss = nets.each(functional.cross_entropy, out, part.y)
            score = (out.argmax(-1) == part.y).double().mean(-1)
        else:
            loss = nets.each(functional.mse_loss, out, part.y)
            score = 1 - loss / part.y.var(dim=1, correction=0).mean(-1)
        found[f"{name}_loss"] = loss.double().cpu().numpy()
        found[f"{name}_score"] = score.double().cpu().numpy()
    return found


class _Rates:
    """A learning rate for each replica.

    An optimiser has one rate for a stacked parameter. A step of SGD, Adam and AdamW is as long as
    the rate says, decay included, and leaves what they remember as it is: so the step is taken at
    the rate given, and then shortened replica by replica.
    """

    THRESHOLD = 1e-4

    def __init__(self, plateau: Plateau, nets: Replicas) -> None:
        self.plateau, self.nets = plateau, nets
        self.shares = np.ones(nets.count)
        self.lowest = np.full(nets.count, np.inf)
        self.waited = np.zeros(nets.count, dtype=np.int64)

    def see(self, losses: NDArray[np.float64]) -> None:
        """Let the rates fall of replicas whose loss stands."""
        better = losses < self.lowest * (1 - self.THRESHOLD)
        self.lowest = np.where(better, losses, self.lowest)
        self.waited = np.where(better, 0, self.waited + 1)
        tired = self.waited > self.plateau.patience
        self.shares = np.where(tired, self.shares * self.plateau.factor, self.shares)
        self.waited = np.where(tired, 0, self.waited)

    def step(self, optimiser: torch.optim.Optimizer) -> None:
        """A step of each replica's own length."""
        if (self.shares == 1).all():
            optimiser.step()
            return
        before = [p.detach().clone() for p in self.nets.parameters()]
        optimiser.step()
        with torch.no_grad():
            for parameter, old in zip(self.nets.parameters(), before, strict=True):
                share = torch.as_tensor(self.shares, dtype=old.dtype, device=old.device)
                parameter.copy_(old.lerp(parameter, share.view(-1, *[1] * (old.dim() - 1))))
