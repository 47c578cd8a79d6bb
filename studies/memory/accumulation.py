"""Does gradient accumulation save 60 % of the memory?

The passage has a card of 8 GB and a batch of 64 that is too large for it. Three networks are of
that kind: BERT base on texts of 128 tokens, GPT-2 on texts of 64, and ResNet-50 on images of
224 x 224 take 5 to 10 GB for a step on 64 rows. That batch is trained on at once, or in
micro-batches of 4 to 16 rows whose gradients add up before the one step of Adam. What is compared
is the peak of a step: parameters, gradients and the optimiser's state, which accumulation leaves as
they are, and the activations, which shrink with the micro-batch.

The claim is judged at micro-batches of 8, those of the passage; the other sizes draw the curve. The
large networks are run on fake tensors, which have the bytes and no numbers. Three small networks,
whose steps are measured, are beyond the passage: they fill no card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    between,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, wide
from studies.memory.large import (
    BERT,
    GPT2,
    ONE_DOT,
    RESNET,
    classifier,
    large_batch,
    predicted_step,
)
from studies.memory.workloads import NETS, StepParts, batch_of, network, training_step

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS, CLAIMED_ROWS, CARD_GB = 64, 8, 8.0
#: 60 % less, or a fifth of that more or less.
LEAST, MOST = 1 - 0.72, 1 - 0.48
#: Tokens of a text, such that 64 of them about fill the card.
TOKENS = {BERT: 128, GPT2: 64, RESNET: 0}

LARGE = (BERT, GPT2, RESNET)
NET = Factor("net", (*LARGE, *NETS), label="network")
MICRO = Factor(
    "micro_batch",
    (4, CLAIMED_ROWS, 16, ROWS),
    control=ROWS,
    label="micro-batches of",
    words={n: f"micro-batches of {n}" for n in (4, CLAIMED_ROWS, 16)} | {ROWS: "the whole batch"},
)

COLOURS = {BERT: BLUE, RESNET: GREEN, GPT2: ORANGE}

PEAK = Ratio("peak", MICRO).always()

CLAIMS = (
    Claim(
        "C7.38",
        PEAK.at(net=LARGE).along(MICRO, judged=(CLAIMED_ROWS,)),
        between(LEAST, MOST),
        reading="The peak of a step in micro-batches of 8 is 60 % below that of the whole batch of "
        "64, by a fifth of that more or less: 28 % to 52 % of it are left.",
        headline={"net": BERT, "micro_batch": CLAIMED_ROWS},
    ),
    Beyond(
        "C7.38",
        PEAK.at(net=NETS, micro_batch=CLAIMED_ROWS),
        between(LEAST, MOST),
        why="a network that takes a hundredth of the passage's 8 GB, or less",
    ),
    Control(
        "a batch of 64 about fills a card of 8 GB",
        Value("peak").at(net=LARGE, micro_batch=ROWS).always(),
        between(1e3 * CARD_GB / 1.5, 1e3 * CARD_GB * 1.5),
    ),
    Control(
        "activations shrink with the micro-batch",
        Ratio("activations", MICRO).at(micro_batch=CLAIMED_ROWS).always(),
        equals(CLAIMED_ROWS / ROWS, within=0.02),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count a training step on 64 rows in micro-batches of so many."""
    parts = counted_step(arm[NET], arm[MICRO], block.device)
    return {"activations": parts.activations / 1e6, "peak": parts.peak / 1e6}


def counted_step(net: str, micro_rows: int, device: str) -> StepParts:
    """The step of a large network is predicted, that of a small one is measured."""
    if net in NETS:
        return training_step(
            lambda: (network(net), *batch_of(net, ROWS)), device, ROWS // micro_rows
        )
    return predicted_step(
        lambda: (classifier(net), *large_batch(net, ROWS, TOKENS[net])), device, micro_rows
    )


def memory_by_micro_batch(table: pd.DataFrame) -> Figure:
    """The peak as a share of that of the whole batch, with what is claimed for 8 rows."""
    from matplotlib.figure import Figure

    values = wide(table[table["response"] == "peak"], index="micro_batch", columns="net")
    shares = 100 * values / values.loc[ROWS]
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    middle = 50 * (LEAST + MOST)
    axes.errorbar(
        CLAIMED_ROWS,
        middle,
        100 * MOST - middle,
        color=BLACK,
        lw=4,
        capsize=14,
        capthick=4,
        label=f"claimed: 60 % less, a fifth of it more or less ({100 * LEAST:.0f} to "
        f"{100 * MOST:.0f} % left)",
        zorder=0,
    )
    for net, colour in COLOURS.items():
        if net in shares:
            whole = values[net][ROWS] / 1e3
            label = f"{net}, {whole:.1f} GB for the whole batch"
            axes.plot(shares.index, shares[net], "o-", color=colour, label=label)
    axes.set_xticks(shares.index, [str(rows) for rows in shares.index])
    axes.minorticks_off()
    axes.set_ylim(0, 105)
    axes.set_xlabel(f"rows in a micro-batch; {ROWS} is the whole batch")
    axes.set_ylabel("peak of a step (% of the whole batch's)")
    axes.legend(loc="upper left", title=ONE_DOT, title_fontsize=16, alignment="left")
    saved = 100 - shares.loc[CLAIMED_ROWS, [net for net in LARGE if net in shares]]
    figure.suptitle(
        f"Micro-batches of {CLAIMED_ROWS} in place of {ROWS} save {saved.min():.0f} % to "
        f"{saved.max():.0f} % of a step's memory:\nactivations shrink; weights, gradients and "
        "Adam's state stay"
    )
    return figure


def _of_interest(arm: Arm) -> bool:
    """The small networks at the size that is judged."""
    return arm[NET] in LARGE or arm[MICRO] in (CLAIMED_ROWS, ROWS)


EXPERIMENT = Experiment(
    question="Does gradient accumulation save 60 % of the memory?",
    factors=(NET, MICRO),
    only=_of_interest,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("activations", "MB", "the most that is kept for backward at one time"),
        Response("peak", "MB", "peak of a training step"),
    ),
    claims=CLAIMS,
    figures=(memory_by_micro_batch,),
)
