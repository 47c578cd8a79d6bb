"""Sampling the state of a GPU between the chunks of a block, at a cost that is kept account of.

To ask NVML a question takes from some microseconds to some milliseconds, as long as the chunks
between which it is asked. So the sampler counts the seconds it spends against those that go by, and
keeps silent while another sample would take it beyond its allowance. What it may read goes to the
arm that was read least often, so that all arms are known equally well; each sample asks for what
decides at once (clock, reasons) and for one of the other quantities by turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle

from harness.design.factors import Arm
from harness.design.gpu_state import ALONE, BETWEEN, QUANTITIES
from harness.meters.gpu import Reading, Watch

#: The share of the time that may go to sampling between the rounds. Together with a single reading
#: of each arm that runs alone it stays below 1 %.
ALLOWANCE = 0.008
#: What every sample asks for, and what it asks for by turns, the most telling first.
ALWAYS = ("sm_clock", "throttle_reasons")
BY_TURNS = tuple(q.name for q in QUANTITIES if q.name not in ALWAYS)


@dataclass(frozen=True)
class Sample:
    """The state right after a chunk of an arm.

    Attributes:
        arm: whose chunk.
        phase: between the rounds, or while the arm ran alone.
        round: of the chunk.
        order: the arm's place in that round.
        reading: what was read.
        seconds: what reading it took.
    """

    arm: Arm
    phase: str
    round: int
    order: int
    reading: Reading
    seconds: float


class Sampler:
    """Reads the state of a GPU now and then, and keeps account of what that costs."""

    def __init__(
        self, watch: Watch, clock: Callable[[], float], allowance: float = ALLOWANCE
    ) -> None:
        """Begin to count the time.

        Args:
            watch: reads the state.
            clock: seconds on the host.
            allowance: the share of the time from now on that may go to sampling. The first sample
                is taken at once, whatever it costs, so that no block goes wholly unseen.
        """
        self._watch, self._clock, self._allowance = watch, clock, allowance
        self._started = clock()
        self._turns = cycle(BY_TURNS)
        self._taken: Counter[Arm] = Counter()
        self._last = 0.0
        self.samples: list[Sample] = []
        #: Seconds that went to sampling so far.
        self.spent = 0.0

    def visited(self, arm: Arm, number: int, order: int, arms: Iterable[Arm]) -> None:
        """Sample after a chunk, if the account allows it and it is this arm's turn.

        Args:
            arm: whose chunk has just been timed.
            number: of its round.
            order: the arm's place in that round.
            arms: all that are visited: the turn is that of the least often sampled.
        """
        if self._taken[arm] > min(self._taken[other] for other in arms):
            return
        elapsed = self._clock() - self._started
        if self.samples and self.spent + self._last > self._allowance * elapsed:
            return
        names = (*ALWAYS, next(self._turns)) if self.samples else (*ALWAYS, *BY_TURNS)
        self._take(arm, BETWEEN, number, order, names)

    def ran_alone(self, arm: Arm, order: int) -> None:
        """Sample what an arm's clock was when it ran alone: once, without asking the account."""
        self._take(arm, ALONE, 0, order, ALWAYS)

    def _take(self, arm: Arm, phase: str, number: int, order: int, names: Iterable[str]) -> None:
        began = self._clock()
        reading = self._watch.read(tuple(names))
        self._last = self._clock() - began
        self.spent += self._last
        self.samples.append(Sample(arm, phase, number, order, reading, self._last))
        if phase == BETWEEN:
            self._taken[arm] += 1
