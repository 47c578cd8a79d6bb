"""Document D's listing 3, written anew: six ways to regularise one perceptron.

Two thousand rows of 50 normal features; the label is the largest of four sums over the first ten,
with normal weights. The first 1,400 rows are trained on in shuffled batches of 64, the other 600
validated in batches of 128. The network has hidden layers of 128 and 64 units, each followed by its
batch norm where there is one, by ReLU and by dropout (0.4) where there is any. Sixty epochs of
AdamW at 0.001, then the accuracy on both parts in eval mode, and the difference of the two.

The global stream gives the features, the weights of the labels, and then, one strategy after the
other, the network's weights, for every pass over a loader the seeds of its order, and the masks of
dropout: also the passes that only count hits. A strategy's stream begins where the one before
ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from harness.libraries import functional, nn, torch
from harness.workloads.replicas import Replicas

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

    Batches: TypeAlias = Iterable[tuple[Tensor, Tensor]]

SEED, EPOCHS = 0, 60
ROWS, FEATURES, INFORMATIVE, CLASSES, TRAINED_ON = 2000, 50, 10, 4, 1400
WIDTHS, RATE, DROP = (128, 64), 1e-3, 0.4
BATCH, HELD_OUT_BATCH = 64, 128


class Strategy(NamedTuple):
    """What a network is regularised with."""

    dropout: bool = False
    batch_norm: bool = False
    decay: float = 0.0


#: In the order in which the listing runs them.
STRATEGIES = {
    "baseline": Strategy(),
    "L2": Strategy(decay=1e-3),
    "dropout": Strategy(dropout=True),
    "dropout + L2": Strategy(dropout=True, decay=1e-3),
    "batch norm": Strategy(batch_norm=True),
    "batch norm + L2": Strategy(batch_norm=True, decay=5e-4),
}


#: What the listing prints of each.
COLUMNS = ("training", "validation", "gap")


class Rows(NamedTuple):
    """Features and labels, of shape (rows, features) and (rows,)."""

    x: Tensor
    y: Tensor


def listing(seed: int = SEED, epochs: int = EPOCHS) -> dict[str, float]:
    """Run the program once; what it reports, by name."""
    torch.manual_seed(seed)
    train, held_out = draw_rows()
    loaders = loader(train, BATCH, shuffle=True), loader(held_out, HELD_OUT_BATCH, shuffle=False)
    found: dict[str, float] = {}
    for name, strategy in STRATEGIES.items():
        net = network(strategy)
        fit(net, loaders[0], strategy.decay, epochs)
        hits = [accuracy(net, each) for each in loaders]
        found |= report(name, *hits)
    return found


def draw_rows() -> tuple[Rows, Rows]:
    """The rows to train on and those held out."""
    x = torch.randn(ROWS, FEATURES)
    truth = torch.zeros(FEATURES, CLASSES)
    truth[:INFORMATIVE] = torch.randn(INFORMATIVE, CLASSES)
    y = (x @ truth).argmax(dim=1)
    return Rows(x[:TRAINED_ON], y[:TRAINED_ON]), Rows(x[TRAINED_ON:], y[TRAINED_ON:])


def loader(rows: Rows, batch: int, *, shuffle: bool) -> DataLoader[Any]:
    """The batches of ``DataLoader(rows, batch_size=batch, shuffle=shuffle)``, ten times as fast.

    Order and draws are the same; only is a batch taken from the tensors at once, where that loader
    takes row after row and stacks them.
    """
    from torch.utils.data import (
        BatchSampler,
        DataLoader,
        RandomSampler,
        SequentialSampler,
        TensorDataset,
    )

    order = RandomSampler(rows.x) if shuffle else SequentialSampler(rows.x)
    batches = BatchSampler(order, batch, drop_last=False)
    return DataLoader(TensorDataset(*rows), batch_size=None, sampler=batches)


def network(strategy: Strategy, drop: float = DROP) -> nn.Module:
    """A strategy's network, its weights from the global stream."""
    layers: list[nn.Module] = []
    width = FEATURES
    for hidden in WIDTHS:
        layers.append(nn.Linear(width, hidden))
        if strategy.batch_norm:
            layers.append(nn.BatchNorm1d(hidden))
        layers.append(nn.ReLU())
        if strategy.dropout and not strategy.batch_norm:
            layers.append(nn.Dropout(p=drop))
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, CLASSES))


def fit(net: nn.Module, batches: Batches, decay: float, epochs: int) -> None:
    """Train a network."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=decay)
    for _ in range(epochs):
        net.train()
        for x, y in batches:
            optimiser.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimiser.step()


def accuracy(net: nn.Module, batches: Batches) -> float:
    """The share of rows classified right in eval mode."""
    net.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in batches:
            right += int((net(x).argmax(dim=1) == y).sum())
            total += len(y)
    return right / total


def report(name: str, train: float, held_out: float) -> dict[str, float]:
    """What the listing prints of one strategy."""
    numbers = (train, held_out, train - held_out)
    return {f"{name}: {what}": each for what, each in zip(COLUMNS, numbers, strict=True)}


def at_seeds(seeds: Sequence[int], epochs: int = EPOCHS) -> list[dict[str, float]]:
    """The same with other seeds, whose networks are trained side by side.

    Each seed has its own rows, weights and orders of batches, drawn as the program draws them. Its
    masks come from one stream with those of the others: runs as good as the program's, though not
    the same to the digit.
    """
    drawn = [_draws(seed) for seed in seeds]
    train, held_out = (
        Rows(*(torch.stack([getattr(each[part], side) for each in drawn]) for side in ("x", "y")))
        for part in (0, 1)
    )
    found: list[dict[str, float]] = [{} for _ in seeds]
    for name, strategy in STRATEGIES.items():
        nets = Replicas([each.nets[name] for each in drawn])
        _fit_together(nets, train, [each.order for each in drawn], strategy.decay, epochs)
        hits = [_accuracies(nets, part).tolist() for part in (train, held_out)]
        for at, pair in enumerate(zip(*hits, strict=True)):
            found[at] |= report(name, *pair)
    return found


class _Drawn(NamedTuple):
    """What one seed gives: rows, networks, and where the orders of its batches come from."""

    train: Rows
    held_out: Rows
    nets: dict[str, nn.Module]
    order: torch.Generator


def _draws(seed: int) -> _Drawn:
    torch.manual_seed(seed)
    train, held_out = draw_rows()
    nets = {name: network(strategy) for name, strategy in STRATEGIES.items()}
    return _Drawn(train, held_out, nets, torch.Generator().manual_seed(seed))


def _fit_together(
    nets: Replicas,
    train: Rows,
    orders: Sequence[torch.Generator],
    decay: float,
    epochs: int,
) -> None:
    optimiser = torch.optim.AdamW(nets.parameters(), lr=RATE, weight_decay=decay, fused=True)
    each = torch.arange(nets.count)[:, None]
    nets.train()
    for _ in range(epochs):
        order = torch.stack([torch.randperm(TRAINED_ON, generator=source) for source in orders])
        for rows in order.split(BATCH, dim=1):
            optimiser.zero_grad()
            losses = nets.each(
                functional.cross_entropy, nets(train.x[each, rows]), train.y[each, rows]
            )
            losses.sum().backward()
            optimiser.step()


def _accuracies(nets: Replicas, rows: Rows) -> Tensor:
    """The share of rows that each network classifies right in eval mode."""
    nets.train(False)
    with torch.no_grad():
        return (nets(rows.x).argmax(dim=2) == rows.y).double().mean(dim=1)
