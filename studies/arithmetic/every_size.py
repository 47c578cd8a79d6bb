"""Do the formulas for steps and for the last batch hold at other sizes than the documents' own?

Data sets of sizes that divide by the batch and that do not, up to 10,000 examples, are trained on
for 3 epochs in batches of 16, 32 and 64. Judged is the difference between formula and count, which
has to be 0.

The document has two formulas for the last batch. They agree, except where the batch divides the
data set: then the code gives the whole batch, and the cheat-sheet 0. Judged is the size of the last
batch that a loader delivers. Read as the size of a batch that is not full, 0 for none, the
cheat-sheet's is shown beside it. With ``drop_last`` every formula is another, and shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import train

EPOCHS = 3
SIZES = (33, 100, 960, 1_000, 10_000)
EXAMPLES = Factor("examples", SIZES, words={size: f"{size:,} examples" for size in SIZES})
BATCH = Factor("batch", (16, 32, 64), words={size: f"batch {size}" for size in (16, 32, 64)})
KEPT, DROPPED = "kept", "dropped"
LAST = Factor("last", (KEPT, DROPPED), words={KEPT: "", DROPPED: "drop_last"})
ACCUMULATE = Factor("accumulate", (1, 4), words={1: "", 4: "4 batches to an update"})

OWN: Mapping[str, Level] = {"examples": 10_000, "batch": 32}
PLAIN: Mapping[str, Level] = {"last": KEPT, "accumulate": 1}
SAME = equals(0)

CLAIMS = (
    Claim(
        "C9.01",
        Value("updates_off").at(**PLAIN).always(),
        SAME,
        reading="Gradient updates: a plain loop calls step exactly epochs x ceil(N / B) times.",
        headline=OWN,
    ),
    Beyond(
        "C9.01",
        Value("updates_off").at(**OWN, last=KEPT, accumulate=4).always(),
        SAME,
        why="accumulation, for which the same sheet has a formula of its own",
    ),
    Beyond(
        "C9.01",
        Value("updates_off").at(**OWN, last=DROPPED, accumulate=1).always(),
        SAME,
        why="drop_last, which has a row of its own",
    ),
    Claim(
        "C0.24",
        Value("code_off").at(**PLAIN).always(),
        SAME,
        reading="By the code: the last batch that a loader delivers has N mod B examples, or B "
        "where that is 0.",
    ),
    Claim(
        "C0.24",
        Value("sheet_off").at(**PLAIN).always(),
        SAME,
        reading="By the cheat-sheet: the last batch that a loader delivers has N mod B examples, "
        "and 0 where B divides N.",
        headline={"examples": 960, "batch": 64},
    ),
    Beyond(
        "C0.24",
        Value("partial_off").at(**PLAIN, examples=(960, 1_000), batch=64).always(),
        SAME,
        why="the sheet's row read as the size of a batch that is not full, 0 for none",
    ),
    Beyond(
        "C0.24",
        Value("code_off").at(**OWN, last=DROPPED, accumulate=1).always(),
        SAME,
        why="drop_last, which leaves no partial batch",
    ),
    Beyond(
        "C1.16",
        Value("floor_off").at(examples=(100, 960, 10_000), last=DROPPED, accumulate=1).always(),
        SAME,
        why="other sizes than 100 examples at batch 16",
        reading="With drop_last an epoch has floor(N / B) batches.",
    ),
    Control(
        "floor and ceiling differ where the last batch is kept and partial",
        Value("floor_off").at(**OWN, **PLAIN).always(),
        more_than(0),
    ),
)


def measure(_: Block, arm: Arm) -> Responses:
    """Train, and count what each formula is off by; a run without a batch has no last one."""
    run = Run(arm[EXAMPLES], arm[BATCH], EPOCHS, arm[ACCUMULATE], arm[LAST] == DROPPED)
    counted = train(run)
    # The formulas are those of the run whose last batch is kept: they know of no drop_last.
    kept = Run(run.examples, run.batch, EPOCHS)
    last = max(epoch[-1] if epoch else 0 for epoch in counted.epochs)
    partial = sum(size for size in counted.epochs[-1] if size < run.batch)
    batches = {len(epoch) for epoch in counted.epochs}
    return {
        "updates_off": len(counted.updates) - kept.batches,
        "code_off": last - kept.last_batch,
        "sheet_off": last - kept.partial_batch,
        "partial_off": partial - kept.partial_batch,
        "floor_off": max(batches) - run.examples // run.batch,
    }


def _wanted(arm: Arm) -> bool:
    """Everything plain; what is shown beside it at fewer sizes."""
    own = all(level == OWN[name] for name, level in arm.levels if name in OWN)
    if arm[ACCUMULATE] > 1:
        return own and arm[LAST] == KEPT
    return own or arm[LAST] == KEPT or arm[EXAMPLES] in (100, 960)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do the formulas for steps and for the last batch hold at other sizes?",
    factors=(EXAMPLES, BATCH, LAST, ACCUMULATE),
    only=_wanted,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("updates_off", "updates", "weight updates counted less epochs x ceil(N / B)"),
        Response(
            "code_off",
            "examples",
            "the last batch delivered less the code's N mod B, or B where that is 0",
        ),
        Response("sheet_off", "examples", "the last batch delivered less the sheet's N mod B"),
        Response("partial_off", "examples", "the batch that is not full less N mod B"),
        Response("floor_off", "batches", "batches an epoch less floor(N / B)"),
    ),
    claims=CLAIMS,
)
