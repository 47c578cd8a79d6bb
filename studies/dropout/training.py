"""The perceptrons of this study's trained experiments, what they train on, and how.

The network is that of document D's listing 2 (64 and 32 hidden units), the recipe that of its
listing 3: AdamW at 0.001 without weight decay, batches of 64, 60 epochs. Training rows are real
ones, digits and breast cancer, and the synthetic rows of listing 3. Arms of a block start from the
same weights and see the same batches; accuracies and losses are those in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness import Block, Factor, PerProfile
from harness.libraries import nn, torch
from harness.workloads import networks
from harness.workloads.fitting import History, Recipe, fit
from harness.workloads.samples import Sample, SampleName, draw_sample

if TYPE_CHECKING:
    from torch import Tensor

DIGITS, CANCER, LISTING = "digits", "breast cancer", "listing 3"
DATA = Factor("data", (DIGITS, CANCER, LISTING), words={LISTING: "the rows of listing 3"})
LISTED, HALF = (64, 32), 0.5
#: The smallest accuracy that counts, and the smallest share of a loss.
POINT, SHARE = 0.01, 0.05

BLOCKS = PerProfile(2, 20, 40)
TOGETHER = PerProfile(2, 20, 20)
EPOCHS = PerProfile(1, 60, 60)

#: What stands behind a hidden layer's linear part.
Behind = Callable[[], Sequence["nn.Module"]]


def perceptron(
    features: int, outputs: int, behind: Behind, widths: Sequence[int] = LISTED
) -> nn.Sequential:
    """A perceptron of hidden layers with the same things behind each.

    Args:
        features: width of a row.
        outputs: how many.
        behind: makes what stands behind each hidden layer's linear part, in order.
        widths: of the hidden layers.
    """
    return networks.perceptron(features, outputs, widths, lambda *_: behind())


def relu_dropout(rate: float) -> Behind:
    """ReLU and, behind it, dropout at a rate; at a rate of 0 it draws masks and drops nothing."""
    return lambda: (nn.ReLU(), nn.Dropout(rate))


def unscaled(rate: float) -> nn.Module:
    """Dropout as it was at first: survivors keep their values, and eval mode changes nothing."""

    class Unscaled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * torch.rand_like(x).ge(rate) if self.training else x

    return Unscaled()


@dataclass
class Cohort:
    """Blocks that train together, with the samples and the fits that have been asked for."""

    blocks: tuple[Block, ...]
    _samples: dict[tuple[str, int | None], Sample] = field(default_factory=dict)
    _fits: dict[Hashable, History] = field(default_factory=dict)

    @property
    def effort(self) -> int:
        """The experiment's effort for the run's profile, most often epochs."""
        return self.blocks[0].effort

    @property
    def seeds(self) -> tuple[int, ...]:
        """One a block."""
        return tuple(block.seed for block in self.blocks)

    def sample(self, name: str, train: int | None = None) -> Sample:
        """Rows of a data set for each block.

        Args:
            name: one of ``SampleName``.
            train: rows to train on.
        """
        if (name, train) not in self._samples:
            known: SampleName = name  # type: ignore[assignment]  # draw_sample refuses others
            self._samples[name, train] = draw_sample(
                known, self.seeds, train=train, device=self.blocks[0].device
            )
        return self._samples[name, train]

    def fit(
        self,
        name: str,
        key: Hashable,
        behind: Behind,
        *,
        widths: Sequence[int] = LISTED,
        watch_every: int = 10,
    ) -> History:
        """Train perceptrons on a data set, once for each key.

        Args:
            name: of the data.
            key: what tells this training from others on the same data.
            behind: see ``perceptron``.
            widths: see there.
            watch_every: see ``Recipe``.
        """
        if (name, key) not in self._fits:
            sample = self.sample(name)
            self._fits[name, key] = fit(
                lambda: perceptron(sample.features, sample.classes, behind, widths),
                sample,
                Recipe(self.effort, watch_every=watch_every),
            )
        return self._fits[name, key]
