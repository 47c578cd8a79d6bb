"""Is what batch norm gathered in training what it normalises with in eval mode?

Document A says it twice, and document C once: the rule, the layers and the measurement are those by
which the study eval-variance judges document C's sentence. A layer is trained for some steps and
meets a batch with another mean and spread; its output in eval mode must be that of the calculation
by hand with the running mean and variance, and not that with the batch's own.
"""

from __future__ import annotations

from dataclasses import replace

from harness import Claim, Control
from studies.eval_variance import batch_norm

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        replace(rule, id=claim)
        for claim in ("A-train-6", "A-eval-3")
        for rule in batch_norm.CLAIMS
        if isinstance(rule, Claim)
    ),
    *(rule for rule in batch_norm.CLAIMS if isinstance(rule, Control)),
)

EXPERIMENT = replace(
    batch_norm.EXPERIMENT,
    question="Is what batch norm gathered in training what it normalises with in eval mode?",
    claims=CLAIMS,
)
