"""What do deterministic algorithms cost a training step?

Networks of several kinds take training steps with PyTorch's defaults and with
``use_deterministic_algorithms``, the setting that holds for all operations and on any device. On a
CPU it fills new memory with numbers that stand out, and does some sums in another way: it is timed
with and without the filling (``torch.utils.deterministic.fill_uninitialized_memory``). Document C
sets flags of cuDNN instead, which do nothing on a CPU and are judged in ``step_cost_large``: what
is found here stands beside that verdict.
"""

from __future__ import annotations

from harness import Beyond, PerProfile
from harness.figures import BLUE, ORANGE
from studies.determinism.costs import (
    TEN_TO_THIRTY_PER_CENT_SLOWER,
    Series,
    costs_experiment,
    setting_factor,
    time_of_step,
)
from studies.determinism.settings import ALGORITHMS, DEFAULT, UNFILLED
from studies.determinism.workloads import TRANSFORMER, WORKLOADS

SETTINGS = (DEFAULT, ALGORITHMS, UNFILLED)

EXPERIMENT = costs_experiment(
    "What do deterministic algorithms cost a training step?",
    WORKLOADS,
    SETTINGS,
    claims=(
        Beyond(
            "C7.33",
            time_of_step(setting_factor(SETTINGS)).at(setting=ALGORITHMS),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            why="PyTorch's strictest setting, on small networks and any device, where the passage "
            "has flags of cuDNN on a GPU",
        ),
        Beyond(
            "C7.33",
            time_of_step(setting_factor(SETTINGS)).at(setting=UNFILLED),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            why="PyTorch's strictest setting without the filling of new memory, on small networks "
            "and any device",
        ),
    ),
    series=(
        Series(ALGORITHMS, DEFAULT, f"{ALGORITHMS} against {DEFAULT}", BLUE),
        Series(UNFILLED, DEFAULT, f"{UNFILLED}, against {DEFAULT}", ORANGE),
    ),
    shown=TRANSFORMER,
    rounds=PerProfile(2, 16, 40),
)
