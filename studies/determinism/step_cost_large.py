"""What do document C's flags for determinism cost a training step, on a GPU?

Conv nets that keep a GPU busy, with images of three sizes, and with dilated, grouped and transposed
convolutions, take training steps with PyTorch's defaults, with ``cudnn.deterministic`` and no
auto-tuner, as document C's function sets them, and with the auto-tuner of ``cudnn.benchmark``,
which the document names as what is lost. A cost of 10 to 30 % is judged against both. The strictest
setting, ``use_deterministic_algorithms``, stands beside them, with and without the filling of new
memory that comes with it.
"""

from __future__ import annotations

from harness import Beyond, Claim, PerProfile
from harness.figures import BLUE, GREEN, ORANGE, SKY
from studies.determinism.costs import (
    TEN_TO_THIRTY_PER_CENT_SLOWER,
    Series,
    costs_experiment,
    setting_factor,
    time_of_step,
)
from studies.determinism.settings import ALGORITHMS, DEFAULT, LISTED, TUNED, UNFILLED
from studies.determinism.workloads import GPU_CONVS, PLAIN

SETTINGS = (DEFAULT, LISTED, TUNED, ALGORITHMS, UNFILLED)

_TIME = time_of_step(setting_factor(SETTINGS))

EXPERIMENT = costs_experiment(
    "What do document C's flags for determinism cost a training step, on a GPU?",
    GPU_CONVS,
    SETTINGS,
    claims=(
        Claim(
            "C7.33",
            _TIME.against(TUNED).at(setting=LISTED),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            reading="Deterministic mode is the document's pair of flags. Against the auto-tuner, "
            "which the document names as what is lost, the step of one network that takes 10 to "
            "30 % longer is enough.",
            needs="cuda",
            headline={"workload": PLAIN[2]},
        ),
        Claim(
            "C7.33",
            _TIME.at(setting=LISTED),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            reading="The same against PyTorch's defaults, which is what a script that sets "
            "nothing has.",
            needs="cuda",
        ),
        Beyond(
            "C7.33",
            _TIME.at(setting=ALGORITHMS),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            why="PyTorch's strictest setting, where the passage has flags of cuDNN",
            needs="cuda",
        ),
        Beyond(
            "C7.33",
            _TIME.at(setting=UNFILLED),
            TEN_TO_THIRTY_PER_CENT_SLOWER,
            why="PyTorch's strictest setting without the filling of new memory",
            needs="cuda",
        ),
    ),
    series=(
        Series(LISTED, TUNED, f"{LISTED} against {TUNED}", BLUE),
        Series(LISTED, DEFAULT, f"{LISTED} against {DEFAULT}", SKY),
        Series(ALGORITHMS, DEFAULT, f"{ALGORITHMS} against {DEFAULT}", GREEN),
        Series(UNFILLED, DEFAULT, f"{UNFILLED}, against {DEFAULT}", ORANGE),
    ),
    shown=PLAIN[2],
    rounds=PerProfile(2, 13, 40),
    needs="cuda",
)
