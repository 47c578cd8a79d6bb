"""What do logs and clipping cost, against the training step?

Each is timed by itself beside a training step of the same network, with Adam and batches of 32: to
clip gradients that are there, as is done once an update, and to append a line to a log. The
networks are of a size that keeps the device busy. What checkpoints cost is in ``checkpoint_share``.

The document logs with WandB. It has an offline mode, which needs neither an account nor a network,
but what a script pays for that sends its numbers to the service, an upload beside the training,
cannot be measured without them; and WandB is not installed here. What stands beside is a line of
JSON in a file, which is not WandB: what a log costs the loop at the least.
"""

from __future__ import annotations

from harness import Beyond, Claim, Unmeasurable, at_most
from studies.production_loop.cost_table import (
    CLIP,
    EPOCH,
    LOG,
    SHARE_OF_TIME,
    cost_claims,
    cost_experiment,
    time_of,
)
from studies.production_loop.workloads import REALISTIC, TOY, TRANSFORMER

CLAIMS: tuple[Claim | Beyond | Unmeasurable, ...] = (
    *cost_claims(REALISTIC, headline=TRANSFORMER),
    Beyond(
        "C7.43",
        time_of(CLIP, TOY),
        at_most(SHARE_OF_TIME),
        why="a network of ten thousand weights, where any further call is many per cent",
    ),
    Unmeasurable(
        "C7.42",
        needs="WandB with its service, for the upload",
        why="the script logs with WandB, which sends the numbers to a service while the training "
        "goes on: without an account and a network there is no upload to measure. WandB's offline "
        "mode would leave it out, and is not installed here; a line in a file, which is timed "
        "beside, is not WandB.",
    ),
    Beyond(
        "C7.42",
        time_of(LOG, *REALISTIC),
        at_most(SHARE_OF_TIME * EPOCH),
        why="a line of JSON in a file, in place of WandB",
        reading="Negligible: a line after an epoch of 313 steps takes at most 2 % of the epoch's "
        "time, which is 6.3 steps.",
    ),
)

EXPERIMENT = cost_experiment(
    "What do logs and clipping cost, against the training step?",
    (*REALISTIC, TOY),
    CLAIMS,
)
