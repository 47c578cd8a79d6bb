"""Does gradient accumulation save 60 % of the memory?

A batch of 64 rows is trained on at once, or in 2 to 32 micro-batches whose gradients add up before
the one step of Adam. Counted are the activations that are kept at one time, which shrink with the
micro-batch, and the peak of all storages of the step, which also holds the parameters, gradients
and the optimiser's state that accumulation leaves as they are.

The verdict speaks for three small networks; what is saved is the share that activations have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    between,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE
from studies.memory.workloads import CNN, MLP, NETS, TRANSFORMER, batch_of, network, training_step

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS, CLAIMED_PIECES = 64, 8
LEAST, MOST = 0.3, 0.5

NET = Factor("net", NETS)
PIECES = Factor("micro_batches", (1, 2, 4, 8, 16, 32), control=1)

COLOURS = {MLP: BLUE, CNN: GREEN, TRANSFORMER: ORANGE}

CLAIMS = (
    Claim(
        "C7.38",
        Ratio("peak", PIECES).at(micro_batches=CLAIMED_PIECES).always(),
        between(LEAST, MOST),
        reading="The peak of a step in 8 micro-batches is 60 % below that of the whole batch, by "
        "10 points more or less.",
    ),
    Control(
        "activations shrink with the micro-batch",
        Ratio("activations", PIECES).at(micro_batches=CLAIMED_PIECES).always(),
        equals(1 / CLAIMED_PIECES, within=0.02),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count a training step on 64 rows in so many pieces."""
    parts = training_step(
        lambda: (network(arm[NET]), *batch_of(arm[NET], ROWS)), block.device, arm[PIECES]
    )
    return {"activations": parts.activations / 1e6, "peak": parts.peak / 1e6}


def memory_by_micro_batch(table: pd.DataFrame) -> Figure:
    """Peak and activations as a share of those of the whole batch."""
    from matplotlib.figure import Figure

    values = table.pivot_table(index="micro_batches", columns=["response", "net"], values="value")
    shares = 100 * values / values.loc[1]
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    axes.plot(
        [CLAIMED_PIECES] * 2, [100 * LEAST, 100 * MOST], color="#BBBBBB", lw=16, label="claimed"
    )
    for net, colour in COLOURS.items():
        axes.plot(shares.index, shares["peak", net], "o-", color=colour, label=f"{net}, whole step")
    # The same for all three networks, but for a loss or two.
    alone = shares["activations", MLP]
    axes.plot(alone.index, alone, "--", color=BLACK, lw=2, label="activations alone, any of them")
    axes.set_xticks(shares.index, [f"{pieces}\n({ROWS // pieces})" for pieces in shares.index])
    axes.minorticks_off()
    axes.set_ylim(0, 105)
    axes.set_xlabel(f"micro-batches that a batch of {ROWS} is cut into (rows in each)")
    axes.set_ylabel("memory (% of the whole batch's)")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.92))
    saved = 100 - shares["peak"].loc[CLAIMED_PIECES]
    figure.suptitle(
        f"Training in {CLAIMED_PIECES} micro-batches saves {saved.min():.0f} % to "
        f"{saved.max():.0f} % of a step's memory:\nonly activations get smaller"
    )
    return figure


EXPERIMENT = Experiment(
    question="Does gradient accumulation save 60 % of the memory?",
    factors=(NET, PIECES),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("activations", "MB", "activations"),
        Response("peak", "MB", "peak"),
    ),
    claims=CLAIMS,
    figures=(memory_by_micro_batch,),
)
