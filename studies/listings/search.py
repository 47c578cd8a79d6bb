"""Document D's listing 4, written anew: try configurations, keep the one with the lowest loss.

Each configuration is trained with AdamW at 0.001 and its own decay for up to 100 epochs. After
every epoch the validation loss is summed over all rows and divided by their number; a scheduler
halves the rate where it has not improved for more than three epochs, and training ends where it has
not improved for five. The configuration whose best epoch was lowest is returned, with that loss and
nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    Loader: TypeAlias = DataLoader[Any]
    Config: TypeAlias = Mapping[str, Any]

EPOCHS, PATIENCE, RATE = 100, 5, 1e-3
CONFIGS: Sequence[Config] = tuple(
    {"model_args": {"dropout_rate": rate}, "wd": decay}
    for rate, decay in ((0.0, 0.0), (0.0, 1e-3), (0.3, 1e-3), (0.5, 1e-2))
)


def search(
    make: Callable[..., nn.Module], train: Loader, held_out: Loader, configs: Sequence[Config]
) -> dict[str, Any]:
    """The configuration with the lowest validation loss, and that loss.

    Args:
        make: the class of the network, called with a configuration's arguments.
        train: batches to train on.
        held_out: batches to validate with.
        configs: arguments of the network ("model_args") and the decay ("wd") of each.
    """
    tried = [
        {"config": config, "best_val_loss": _lowest_loss(make, train, held_out, config)}
        for config in configs
    ]
    return min(tried, key=lambda each: each["best_val_loss"])


def _lowest_loss(
    make: Callable[..., nn.Module], train: Loader, held_out: Loader, config: Config
) -> float:
    net = make(**config["model_args"])
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=config["wd"])
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=3, factor=0.5)
    lowest, waited = math.inf, 0
    for _ in range(EPOCHS):
        net.train()
        for x, y in train:
            optimiser.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimiser.step()
        loss = validation_loss(net, held_out)
        scheduler.step(loss)
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    return lowest


def validation_loss(net: nn.Module, held_out: Loader) -> float:
    """The sum of all losses in eval mode over the number of rows that the loader's data has."""
    net.eval()
    total = 0.0
    with torch.no_grad():
        for x, y in held_out:
            total += functional.cross_entropy(net(x), y, reduction="sum").item()
    rows: int = len(held_out.dataset)  # type: ignore[arg-type]  # a TensorDataset has a length
    return total / rows
