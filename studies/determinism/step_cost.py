"""What does determinism cost a training step?

Conv nets of three sizes, an attention layer and sums by ``index_add`` take training steps with
PyTorch's defaults, with ``cudnn.deterministic``, with the auto-tuner of ``cudnn.benchmark``, with
both, and with ``use_deterministic_algorithms``. Document C's figure is about cuDNN on a GPU. On a
CPU the settings of cuDNN do nothing, so that these arms should cost nothing; the last setting does
act there: new memory is filled with numbers that stand out, and some sums are done in another way.
These networks suit a CPU: see ``step_cost_large`` for those that fill a GPU.
"""

from __future__ import annotations

from studies.determinism.costs import costs_experiment
from studies.determinism.workloads import CONVS, WORKLOADS

EXPERIMENT = costs_experiment("What does determinism cost a training step?", WORKLOADS, CONVS)
