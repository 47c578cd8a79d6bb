"""Networks of branches that stochastic depth drops or a loop skips, and means of tokens.

As classes of torch's they load it on import: a study imports them inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.workloads.layers import StochasticDepth


class Added(nn.Module):
    """What a branch makes of the normed tokens is added to them."""

    def __init__(self, branch: nn.Module, width: int, survival: float) -> None:
        """Args: the branch, the width of a token, and the probability that a row keeps it."""
        super().__init__()
        self.norm, self.branch = nn.LayerNorm(width), branch
        self.depth = StochasticDepth(survival) if survival < 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Shape (rows, length, width) as it was."""
        out: Tensor = x + self.depth(self.branch(self.norm(x)))
        return out


class Attention(nn.Module):
    """Self-attention written out, so that many replicas can do it at once."""

    def __init__(self, width: int, heads: int) -> None:
        """Args: the width of a token, and the number of heads, which divides it."""
        super().__init__()
        self.heads = heads
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (rows, length, width) as it was."""
        each = x.shape[2] // self.heads
        parts = self.into(x).unflatten(2, (3, self.heads, each)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        weights = (query @ key.mT / each**0.5).softmax(dim=-1)
        mixed: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return mixed


class LinesTransformer(nn.Module):
    """Layers of a transformer over the lines of a square image, and a read-out of their mean."""

    def __init__(
        self, classes: int, survival: float, *, side: int, width: int, heads: int, layers: int
    ) -> None:
        """Attention and feed-forward part of each layer are a branch each.

        Args:
            classes: width of the output.
            survival: probability that a row keeps a branch in train mode.
            side: lines of an image, and pixels of a line.
            width: of a token.
            heads: of the attention; divides the width.
            layers: how many.
        """
        super().__init__()
        self.side = side
        self.into = nn.Linear(side, width)
        self.places = nn.Parameter(0.02 * torch.randn(side, width))
        blocks: list[nn.Module] = []
        for _ in range(layers):
            blocks.append(Added(Attention(width, heads), width, survival))
            wide = nn.Sequential(
                nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
            )
            blocks.append(Added(wide, width, survival))
        self.blocks = nn.Sequential(*blocks)
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of rows of side x side pixels."""
        tokens = self.blocks(self.into(x.unflatten(1, (self.side, self.side))) + self.places)
        logits: Tensor = self.out(self.norm(tokens).mean(dim=1))
        return logits


class SkippableBlocks(nn.Module):
    """Residual blocks between a stem and a read-out, which a call can skip or drop row by row."""

    def __init__(
        self,
        stem: nn.Module,
        block: Callable[[], nn.Module],
        *,
        blocks: int,
        features: int,
        classes: int,
        survival: float,
    ) -> None:
        """Args: the stem, what makes a branch, how many, widths, and the survival probability."""
        super().__init__()
        self.stem = stem
        self.branches = nn.ModuleList([block() for _ in range(blocks)])
        self.depth = StochasticDepth(survival)
        self.out = nn.Linear(features, classes)

    def forward(self, x: Tensor, left_out: tuple[int, ...], *, masked: bool) -> Tensor:
        """Logits; the blocks of these numbers are skipped."""
        x = self.stem(x)
        for number, branch in enumerate(self.branches):
            if number not in left_out:
                added = branch(x)
                x = functional.relu(x + (self.depth(added) if masked else added))
        logits: Tensor = self.out(x.flatten(2).mean(dim=2) if x.dim() == 4 else x.mean(dim=1))
        return logits


class TransformerBranch(nn.Module):
    """Self-attention of tokens and the feed-forward part, as a layer's one branch."""

    def __init__(self, width: int, heads: int) -> None:
        """Args: the width of a token, and the number of heads, which divides it."""
        super().__init__()
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.forward_part = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (rows, length, width) as it was."""
        normed = self.first_norm(x)
        mixed: Tensor = self.attention(normed, normed, normed, need_weights=False)[0]
        changed: Tensor = self.forward_part(self.second_norm(x + mixed))
        return mixed + changed


class MeanOverTokens(nn.Module):
    """The mean over the tokens of a row."""

    def forward(self, x: Tensor) -> Tensor:
        """Shape (rows, width), of (rows, length, width)."""
        return x.mean(dim=1)


class BagOfWords(nn.Module):
    """The mean of a text's places in a table, and a linear read-out."""

    def __init__(self, places: int, width: int, classes: int) -> None:
        """Args: rows of the table and their width, and the width of the output."""
        super().__init__()
        self.table = nn.EmbeddingBag(places, width, mode="mean", sparse=True)
        self.read_out = nn.Linear(width, classes)

    def forward(self, places: Tensor, begins: Tensor) -> Tensor:
        """Logits, shape (texts, classes), of all texts' places in a row and where each begins."""
        out: Tensor = self.read_out(self.table(places, begins))
        return out
