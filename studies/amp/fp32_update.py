"""Is an update more precise in float32, and does that matter to training?

Small networks are trained from the same weights on the same batches in two ways: with autocast to
bfloat16, whose weights and updates stay in float32; and with weights, gradients, optimiser state
and updates all in bfloat16. The two differ in the update alone. Optimisers and learning rates are
those that document C trains with: SGD at 0.01 and Adam at 0.001.

Judged is what the document says, that the update is more precise: over the last steps, how far an
update lies from the one worked out in float64 from the same weights, gradients and optimiser state,
over the length of that update.

What this does to training is beyond its words and stands beside it. ``stuck`` is the share of
weights that do not move though their gradient is not zero: bfloat16 has 8 significant bits, so that
a step of less than about a five-hundredth of a weight leaves it where it was. Loss and accuracy are
worked out in float32 from the weights of each arm, the loss on the whole training part, accuracy on
data held out.

The verdicts speak for small perceptrons and a small transformer, and two small data sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
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
    at_least,
    at_most,
    less_than,
    more_than,
)
from harness.figures import BLUE, ORANGE, SKY, VERMILION, draw_blocks, note, told, wide
from harness.libraries import functional, torch
from harness.workloads import load_split, mlp_for
from studies.amp.models import TRANSFORMER, digit_net
from studies.amp.precision import BF16, FP32, autocast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from harness.workloads import Split

BATCH_SIZE, LAST_STEPS = 64, 20
#: An update is more precise where its error is so many times smaller.
TIMES_AS_PRECISE = 10
#: Equivalence margins of the project: 5 % of a loss, and one in a hundred for a share.
LOSS_MARGIN, SHARE_MARGIN = 0.05, 0.01

DIGITS, CANCER = "perceptron on digits", "perceptron on breast cancer"
TRANSFORMER_DIGITS = "transformer on digits"
SGD, ADAM = "SGD at 0.01", "Adam at 0.001"
MIXED, PURE = "float32 weights and update", "bfloat16 throughout"

TASK = Factor("task", (DIGITS, CANCER, TRANSFORMER_DIGITS))
OPTIMISER = Factor("optimiser", (SGD, ADAM))
WEIGHTS = Factor("training", (MIXED, PURE), control=MIXED)

_WHY = "what a more precise update is good for, of which the passage says nothing"

CLAIMS = (
    Claim(
        "C7.28",
        Ratio("update_error", WEIGHTS).at(training=PURE),
        at_least(TIMES_AS_PRECISE),
        reading="More precise is an update that lies closer to the one worked out in float64: "
        "without float32 the error of a single update is at least ten times as large.",
        headline={"task": DIGITS, "optimiser": ADAM},
    ),
    Beyond(
        "C7.28",
        Difference("stuck", WEIGHTS).at(training=PURE),
        more_than(SHARE_MARGIN),
        why=_WHY,
    ),
    Beyond(
        "C7.28",
        Ratio("loss", WEIGHTS).at(training=PURE),
        more_than(1 + LOSS_MARGIN),
        why=_WHY,
    ),
    Beyond(
        "C7.28",
        Difference("accuracy", WEIGHTS).at(training=PURE),
        less_than(-SHARE_MARGIN),
        why=_WHY,
    ),
    Control(
        "training lowers the loss",
        Value("progress").at(training=MIXED),
        less_than(1.0),
    ),
    Control(
        "the update by hand is the optimiser's own",
        Value("update_error").at(training=MIXED),
        at_most(0.05),
    ),
    Control(
        "rounding accounts for the weights that are stuck",
        Value("unaccountable").at(optimiser=SGD),
        at_most(SHARE_MARGIN),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    digits: Split
    cancer: Split


def prepare(block: Block) -> Cell:
    """Split both data sets anew."""
    digits = load_split("digits", block.seed, block.device)
    return Cell(block, digits, load_split("breast_cancer", block.seed, block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train in one of two ways, and watch the updates."""
    split = cell.cancer if arm[TASK] == CANCER else cell.digits
    net = network(arm[TASK], split, cell.block)
    before = training_loss(net, split)
    if arm[WEIGHTS] == PURE:
        net = net.bfloat16()
    updates = train(net, split, arm, cell.block)
    after = training_loss(net.float(), split)
    with torch.no_grad():
        accuracy = (net(split.val_x).argmax(dim=1) == split.val_y).double().mean().item()
    return {
        "update_error": updates.error,
        "stuck": updates.stuck,
        "unaccountable": updates.unaccountable,
        "loss": after,
        "progress": after / before,
        "accuracy": accuracy,
    }


def network(task: str, split: Split, block: Block) -> nn.Module:
    """The untrained network of a task."""
    if task == TRANSFORMER_DIGITS:
        return digit_net(TRANSFORMER, block.seed, block.device)
    return mlp_for(split, block.seed)


class Update(NamedTuple):
    """What a step did, against the same step in float64.

    Attributes:
        error: the length of the difference between the two, over that of the exact step.
        stuck: of the weights that have a gradient, the share that the step did not move.
        unaccountable: of these weights, the share that it moved, or not, though the exact step,
            rounded to the weights' type, does otherwise.
    """

    error: float
    stuck: float
    unaccountable: float


def training_loss(net: nn.Module, split: Split) -> float:
    """Mean cross-entropy over the training part, in nats."""
    with torch.no_grad():
        return functional.cross_entropy(net(split.train_x), split.train_y).item()


def train(net: nn.Module, split: Split, arm: Arm, block: Block) -> Update:
    """Train in place; what the last steps did, on average."""
    optimiser = make_optimiser(arm[OPTIMISER], list(net.parameters()))
    inputs = split.train_x.bfloat16() if arm[WEIGHTS] == PURE else split.train_x
    precision = BF16 if arm[WEIGHTS] == MIXED else FP32
    updates = []
    steps = steps_of(arm[TASK], block)
    for step, rows in enumerate(batches(len(inputs), steps, block)):
        optimiser.zero_grad()
        with autocast(precision, block.device):
            loss = functional.cross_entropy(net(inputs[rows]), split.train_y[rows])
        loss.backward()
        if step < steps - LAST_STEPS:
            optimiser.step()
        else:
            updates.append(watched_step(optimiser))
    return Update(*(sum(each) / len(updates) for each in zip(*updates, strict=True)))


def make_optimiser(kind: str, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Document C's optimisers with their learning rates.

    Not fused: on a CPU, torch 2.13's fused SGD leaves most weights of 16 bits as they were whatever
    their gradient (github.com/pytorch/pytorch/issues/191763).
    """
    if kind == SGD:
        return torch.optim.SGD(parameters, lr=0.01, foreach=True)
    return torch.optim.Adam(parameters, lr=0.001, foreach=True)


def steps_of(task: str, block: Block) -> int:
    """The block's effort; a quarter of it for the transformer, whose steps take a CPU longer."""
    return block.effort // 4 if task == TRANSFORMER_DIGITS else block.effort


def batches(rows: int, steps: int, block: Block) -> list[Tensor]:
    """Row numbers of each of some steps, epoch after epoch."""
    order = torch.Generator().manual_seed(block.seed)
    found: list[Tensor] = []
    while len(found) < steps:
        found += torch.randperm(rows, generator=order).to(block.device).split(BATCH_SIZE)
    return found[:steps]


def watched_step(optimiser: torch.optim.Optimizer) -> Update:
    """Let an optimiser take its step, and compare it with the same in float64."""
    (group,) = optimiser.param_groups
    pushed = [p for p in group["params"] if p.grad is not None]
    before = [p.detach().clone() for p in pushed]
    gradients = [p.grad.double() for p in pushed]
    exact = [
        p.double() + exact_update(optimiser, p, g) for p, g in zip(pushed, gradients, strict=True)
    ]
    optimiser.step()
    return compare(before, exact, pushed, gradients)


def exact_update(optimiser: torch.optim.Optimizer, parameter: Tensor, gradient: Tensor) -> Tensor:
    """What the next step adds to a parameter, from the optimiser's formula in float64."""
    (group,) = optimiser.param_groups
    rate: float = group["lr"]
    if "betas" not in group:
        return -rate * gradient
    state, (decay, slow_decay) = optimiser.state[parameter], group["betas"]
    first = torch.zeros_like(gradient) if not state else state["exp_avg"].double()
    second = torch.zeros_like(gradient) if not state else state["exp_avg_sq"].double()
    number = 1 + (int(state["step"].item()) if state else 0)
    first = decay * first + (1 - decay) * gradient
    second = slow_decay * second + (1 - slow_decay) * gradient.square()
    size: Tensor = (second / (1 - slow_decay**number)).sqrt() + group["eps"]
    step: Tensor = -rate * first / (1 - decay**number) / size
    return step


def compare(
    before: list[Tensor], exact: list[Tensor], after: list[Tensor], gradients: list[Tensor]
) -> Update:
    """Weights before a step and after it, against those of the exact step."""
    off = way = 0.0
    with_gradient = still = wrong = 0
    for old, aim, new, gradient in zip(before, exact, after, gradients, strict=True):
        off += (new.detach().double() - aim).square().sum().item()
        way += (aim - old.double()).square().sum().item()
        pushed = gradient.ne(0)
        same, same_if_rounded = new.eq(old), aim.to(old.dtype).eq(old)
        with_gradient += int(pushed.sum())
        still += int((pushed & same).sum())
        wrong += int((pushed & (same != same_if_rounded)).sum())
    return Update((off / way) ** 0.5, still / with_gradient, wrong / with_gradient)


def what_pure_bf16_costs(table: pd.DataFrame) -> Figure:
    """How exact an update is, and the accuracy that training reaches."""
    from matplotlib.figure import Figure

    colours = {(MIXED, SGD): SKY, (MIXED, ADAM): BLUE, (PURE, SGD): ORANGE, (PURE, ADAM): VERMILION}
    values = wide(table, index="block", columns=["response", "task", "optimiser", "training"])
    figure = Figure()
    panels = figure.subplots(1, 2)
    labels = {
        "update_error": "error of an update\n(% of its length)",
        "accuracy": "accuracy on\nheld-out data (%)",
    }
    for axes, (response, label) in zip(panels, labels.items(), strict=True):
        for place, task in enumerate(TASK.levels):
            for number, (arm, colour) in enumerate(colours.items()):
                training, optimiser = arm
                column = (response, task, optimiser, training)
                draw_blocks(
                    axes,
                    place + 0.18 * (number - 1.5),
                    100 * _column(values, column),
                    colour=colour,
                    width=0.06,
                )
        names = [
            name.replace(" on ", "\non ").replace("breast ", "breast\n") for name in TASK.levels
        ]
        axes.set_xticks(range(len(TASK.levels)), names, fontsize=15)
        axes.set_xlim(-0.5, len(TASK.levels) - 0.5)
        axes.set_ylabel(label)
    panels[0].set_yscale("log")
    for (training, optimiser), colour in colours.items():
        panels[0].plot([], [], "D", color=colour, label=f"{training}, {optimiser}")
    figure.legend(loc="outside lower center", ncols=2)
    wrong = _column(values, ("update_error", DIGITS, ADAM, PURE))
    right = _column(values, ("update_error", DIGITS, ADAM, MIXED))
    figure.suptitle(
        f"In bfloat16 the error of an update of Adam is {told(wrong / right, ',.0f')}\n"
        f"times as large as in float32 ({DIGITS})",
        fontsize=22,
    )
    note(panels[0], "", table["block"].nunique(), "block")
    return figure


def _column(values: pd.DataFrame, column: tuple[str, ...]) -> NDArray[np.float64]:
    """The values of an arm, a block after the other; none where it failed in all."""
    if column not in values.columns:
        return np.full(len(values), np.nan)
    return values[column].to_numpy()


EXPERIMENT = Experiment(
    question="Is an update more precise in float32, and does that matter to training?",
    factors=(TASK, OPTIMISER, WEIGHTS),
    blocks=PerProfile(1, 20, 50),
    effort=PerProfile(100, 600, 600),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "update_error", "1", "error of a single update, over the length of the exact update"
        ),
        Response("stuck", "1", "share of the weights with a gradient that do not move"),
        Response("unaccountable", "1", "share of the weights that move or stay against rounding"),
        Response("loss", "nats", "training loss at the end"),
        Response("progress", "1", "training loss at the end, over that at the start"),
        Response("accuracy", "1", "accuracy on held-out data"),
    ),
    claims=CLAIMS,
    figures=(what_pure_bf16_costs,),
)
