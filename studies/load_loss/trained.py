"""Perceptrons trained on digits, many seeds at once, as they stand when the training loop ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import Block
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas, Split, load_split, mlp, mlp_for

if TYPE_CHECKING:
    from torch import Tensor

BOTH = "dropout 0.5 + batch norm"
#: By name: the probability of dropout, None for no such layers, and whether there is batch norm.
NETS: dict[str, tuple[float | None, bool]] = {
    "plain": (None, False),
    "dropout 0.1": (0.1, False),
    "dropout 0.5": (0.5, False),
    "batch norm": (None, True),
    BOTH: (0.5, True),
}

BATCH, LEARNING_RATE = 64, 3e-3
#: Ten steps are those of document B's first listing. By then the running statistics of batch norm
#: are still a third of what they started from: 0.9 ** 10. Then ten epochs of 16 full batches.
TEN_STEPS, EPOCHS = "10 steps", "10 epochs"
STEPS = {TEN_STEPS: 10, EPOCHS: 160}
FINAL = 5  # steps whose mean loss is one meaning of "the loss at the end of training"


@dataclass(frozen=True)
class Trained:
    """A network after its last training step, in train mode.

    Attributes:
        net: not to be changed; evaluate a copy.
        data: what it was trained on, and what was held out.
        last: the mean loss of the last five training steps, as the loop would print it: on
            batches, in train mode, before the step's update.
        last_step: the loss of the very last one.
    """

    net: nn.Module
    data: Split
    last: float
    last_step: float


def fresh_net(kind: str) -> nn.Module:
    """An untrained network for digits, in train mode, with weights from the global stream."""
    dropout, batch_norm = NETS[kind]
    return mlp(64, 10, dropout=dropout, batch_norm=batch_norm)


def train_nets(kind: str, stage: str, blocks: Sequence[Block]) -> tuple[Trained, ...]:
    """Train a network for each block, all at once, with Adam and cross-entropy.

    Split, initial weights and the order of batches come from each block's own seed, dropout's masks
    from a stream that the first one's seed starts.

    Args:
        kind: one of ``NETS``.
        stage: one of ``STEPS``.
        blocks: one a network.
    """
    dropout, batch_norm = NETS[kind]
    seeds = [block.seed for block in blocks]
    data = [load_split("digits", seed, blocks[0].device) for seed in seeds]
    nets = Replicas(
        [
            mlp_for(split, seed, dropout=dropout, batch_norm=batch_norm)
            for split, seed in zip(data, seeds, strict=True)
        ]
    )
    torch.manual_seed(seeds[0])
    losses = _fit(nets, data, seeds, STEPS[stage])
    last, last_step = losses[-FINAL:].mean(0).tolist(), losses[-1].tolist()
    return tuple(Trained(*each) for each in zip(nets.unstack(), data, last, last_step, strict=True))


def _fit(nets: Replicas, data: Sequence[Split], seeds: Sequence[int], steps: int) -> Tensor:
    """Train in place, each network in its own order; the losses, shape (steps, networks)."""
    x = torch.stack([split.train_x for split in data])
    y = torch.stack([split.train_y for split in data])
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    own = torch.arange(len(seeds), device=x.device)[:, None]
    rows = x.shape[1] - x.shape[1] % BATCH
    optimiser = torch.optim.Adam(nets.parameters(), lr=LEARNING_RATE, fused=True)
    losses: list[Tensor] = []
    nets.train()
    while len(losses) < steps:
        drawn = [torch.randperm(x.shape[1], generator=order) for order in orders]
        batches = torch.stack(drawn).to(x.device)[:, :rows].split(BATCH, dim=1)
        for chosen in batches[: steps - len(losses)]:
            optimiser.zero_grad()
            loss = nets.each(functional.cross_entropy, nets(x[own, chosen]), y[own, chosen])
            loss.sum().backward()
            optimiser.step()
            losses.append(loss.detach())
    return torch.stack(losses)


def loss_of(net: nn.Module, x: Tensor, y: Tensor, batch: int = BATCH) -> float:
    """Mean cross-entropy in the mode the network is in, batch after batch, without gradients."""
    with torch.no_grad():
        logits = torch.cat([net(rows) for rows in x.split(batch)])
        return functional.cross_entropy(logits, y).item()
