"""Blocks that are trained together, the rows that each of them draws, and their numbers apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.workloads.samples import draw_sample
from studies.tuning.tasks import ROWS

if TYPE_CHECKING:
    from harness import Block
    from harness.workloads.samples import Sample
    from studies.tuning.tasks import Numbers


@dataclass
class Cohort:
    """Some blocks and the samples that have been asked for.

    Attributes:
        blocks: their effort is the number of epochs.
        samples: by what they were asked for with.
    """

    blocks: tuple[Block, ...]
    samples: dict[tuple[str, int, float], Sample] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How long is trained."""
        return self.blocks[0].effort

    def sample(self, task: str, *, held_out: int = 0, wrong: float = 0.0) -> Sample:
        """A task's rows for every block, from the block's own seed.

        Args:
            task: a level of ``TASK``.
            held_out: rows in each part held out; 0 takes as many as the task has by itself.
            wrong: the share of labels trained on that are wrong.
        """
        key = task, held_out, wrong
        if key not in self.samples:
            rows = ROWS[task]
            self.samples[key] = draw_sample(
                rows.name,
                [block.seed for block in self.blocks],
                train=rows.train,
                held_out=held_out or rows.held_out,
                wrong_labels=wrong,
                device=self.blocks[0].device,
            )
        return self.samples[key]


def by_block(read: Mapping[str, Numbers]) -> list[dict[str, float]]:
    """Numbers of all blocks, shape (blocks,) each, as those of every block by itself."""
    count = min(len(values) for values in read.values())
    return [{name: float(values[place]) for name, values in read.items()} for place in range(count)]
