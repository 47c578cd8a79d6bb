"""Does it matter that the update is in float32?

A perceptron is trained with SGD from the same weights on the same batches, three ways: in float32;
with autocast to bfloat16, whose weights and updates stay in float32; and with weights, gradients
and updates all in bfloat16. The last two differ in the update alone. bfloat16 has 8 significant
bits, so that a step of less than about a five-hundredth of a weight leaves it where it was.

``stuck`` is the share of weights that do not move though their gradient is not zero, over the last
steps. The loss is that of the whole training part after training, worked out in float32 from the
weights of each arm, so that only what training reached is compared.

The verdicts speak for a small perceptron, two small data sets and plain SGD, whose steps are small
at this learning rate; optimisers that keep a float32 copy of their own are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_most,
    less_than,
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks
from harness.libraries import functional, torch
from harness.workloads import load_split, mlp_for
from studies.amp.precision import BF16, FP32, autocast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from harness.workloads import Split

LR, BATCH_SIZE, LAST_STEPS = 0.01, 64, 20
#: Equivalence margins of the project: 5 % of a loss, and one in a hundred for a share.
LOSS_MARGIN, SHARE_MARGIN = 0.05, 0.01

MIXED, PURE = "bf16, float32 weights", "bf16 throughout"

DATA = Factor("data", ("digits", "breast_cancer"))
WEIGHTS = Factor("training", (FP32, MIXED, PURE), control=MIXED)

CLAIMS = (
    Claim(
        "C7.28",
        Difference("stuck", WEIGHTS).at(training=PURE),
        more_than(SHARE_MARGIN),
        reading="Without float32 weights more than one in a hundred of those that have a gradient "
        "fails to move, over and above the same training with them.",
    ),
    Claim(
        "C7.28",
        Ratio("loss", WEIGHTS).at(training=PURE),
        more_than(1 + LOSS_MARGIN),
        reading="And training gets less far: the training loss ends more than 5 % higher.",
    ),
    Control(
        "training lowers the loss",
        Value("progress").at(training=FP32),
        less_than(1.0),
    ),
    Control(
        "a weight of float32 that has a gradient moves",
        Value("stuck").at(training=FP32),
        at_most(SHARE_MARGIN),
    ),
    Control(
        "rounding accounts for the weights that are stuck",
        Value("unaccountable"),
        at_most(SHARE_MARGIN),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    splits: dict[str, Split]


def prepare(block: Block) -> Cell:
    """Split both data sets anew."""
    return Cell(
        block,
        {
            "digits": load_split("digits", block.seed, block.device),
            "breast_cancer": load_split("breast_cancer", block.seed, block.device),
        },
    )


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train in one of three ways, and watch which weights move."""
    split = cell.splits[arm[DATA]]
    net = mlp_for(split, cell.block.seed)
    before = training_loss(net, split)
    if arm[WEIGHTS] == PURE:
        net = net.bfloat16()
    stuck, unaccountable = train(net, split, arm[WEIGHTS], cell.block)
    after = training_loss(net.float(), split)
    with torch.no_grad():
        accuracy = (net(split.val_x).argmax(dim=1) == split.val_y).double().mean().item()
    return {
        "stuck": stuck,
        "unaccountable": unaccountable,
        "loss": after,
        "progress": after / before,
        "accuracy": accuracy,
    }


class Moves(NamedTuple):
    """Shares of the weights that have a gradient.

    Attributes:
        stuck: those that the step did not move.
        unaccountable: those that it moved, or not, though the exact step, rounded to the weights'
            type, does otherwise.
    """

    stuck: float
    unaccountable: float


def training_loss(net: nn.Module, split: Split) -> float:
    """Mean cross-entropy over the training part, in nats."""
    with torch.no_grad():
        return functional.cross_entropy(net(split.train_x), split.train_y).item()


def train(net: nn.Module, split: Split, training: str, block: Block) -> Moves:
    """Train in place; what the last steps did, on average."""
    # Not fused: on a CPU, torch 2.13's fused SGD leaves most weights of 16 bits as they were
    # whatever their gradient (github.com/pytorch/pytorch/issues/191763).
    optimiser = torch.optim.SGD(net.parameters(), lr=LR, foreach=True)
    inputs = split.train_x.bfloat16() if training == PURE else split.train_x
    precision = BF16 if training == MIXED else FP32
    shares = []
    for step, rows in enumerate(batches(len(inputs), block)):
        optimiser.zero_grad()
        with autocast(precision, block.device):
            loss = functional.cross_entropy(net(inputs[rows]), split.train_y[rows])
        loss.backward()
        watching = step >= block.effort - LAST_STEPS
        before = [p.detach().clone() for p in net.parameters()] if watching else []
        optimiser.step()
        if watching:
            shares.append(moves(before, list(net.parameters())))
    return Moves(*(sum(each) / len(shares) for each in zip(*shares, strict=True)))


def batches(rows: int, block: Block) -> list[Tensor]:
    """Row numbers of each step, epoch after epoch, as many steps as the block's effort."""
    order = torch.Generator().manual_seed(block.seed)
    steps: list[Tensor] = []
    while len(steps) < block.effort:
        steps += torch.randperm(rows, generator=order).to(block.device).split(BATCH_SIZE)
    return steps[: block.effort]


def moves(before: list[Tensor], parameters: list[Tensor]) -> Moves:
    """How many weights a step moved, among those with a gradient."""
    with_gradient, still, wrong = 0, 0, 0
    for old, parameter in zip(before, parameters, strict=True):
        if parameter.grad is not None:
            pushed = parameter.grad.ne(0)
            exact = old.double() - LR * parameter.grad.double()
            same, same_if_rounded = parameter.eq(old), exact.to(old.dtype).eq(old)
            with_gradient += int(pushed.sum())
            still += int((pushed & same).sum())
            wrong += int((pushed & (same != same_if_rounded)).sum())
    return Moves(still / with_gradient, wrong / with_gradient)


def what_pure_bf16_costs(table: pd.DataFrame) -> Figure:
    """Weights that do not move, and the loss that training reaches."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2)
    colours = {FP32: BLACK, MIXED: BLUE, PURE: ORANGE}
    shown = (
        ("stuck", 100, "weights with a gradient\nthat do not move (%)"),
        ("loss", 1, "training loss at the end (nats)"),
    )
    for axes, (response, factor, label) in zip(panels, shown, strict=True):
        for place, data in enumerate(DATA.levels):
            for shift, training in enumerate(WEIGHTS.levels):
                chosen = table[
                    (table["response"] == response)
                    & (table["data"] == data)
                    & (table["training"] == training)
                ]
                draw_blocks(
                    axes,
                    place + 0.25 * (shift - 1),
                    factor * chosen["value"].to_numpy(),
                    colour=colours[training],
                    width=0.09,
                    label=training if place == 0 else None,
                )
        axes.set_xticks((0, 1), [name.replace("_", " ") for name in DATA.levels])
        axes.set_xlim(-0.5, 1.5)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(label)
    panels[0].legend(loc="center left", fontsize=15)
    blocks = table["block"].nunique()
    stuck = table[(table["response"] == "stuck") & (table["training"] == PURE)]
    shares = sorted(100 * stuck.groupby("data")["value"].median())
    figure.suptitle(
        f"With bfloat16 weights {shares[0]:.0f} to {shares[-1]:.0f} % of the weights that should "
        f"move stay put\n(SGD, learning rate {LR:g}; {blocks} blocks, medians with 99 % intervals)"
    )
    return figure


EXPERIMENT = Experiment(
    question="Does it matter that mixed precision keeps weights and update in float32?",
    factors=(DATA, WEIGHTS),
    blocks=PerProfile(1, 20, 50),
    effort=PerProfile(200, 600, 600),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("stuck", "1", "stuck"),
        Response("unaccountable", "1", "unaccountable"),
        Response("loss", "nats", "loss"),
        Response("progress", "1", "progress"),
        Response("accuracy", "1", "accuracy"),
    ),
    claims=CLAIMS,
    figures=(what_pure_bf16_costs,),
)
