"""Does updating after every mini-batch converge faster than one update for each pass?

The passage speaks of 10,000 examples, pictures among others, and batches of 32. Two data sets of
that size, noisy copies of real digits and the simulator's spiral, each with plain SGD and with
Adam. Each way of updating takes the best of some rates, chosen on other seeds. Counted are passes
over the data until the loss on all rows is below 0.05, as in ``memory/full_batch``, where the
document says the same once more; the rule is the same one, a fifth more passes or still more. The
full batch is followed for five times the passes of the mini-batches: 5 stands for 5 or more, a
lower bound. Where neither gets there, neither is faster.

Passes are what training costs in rows, and not in seconds: a machine works on one large batch
faster than on the same rows in small ones. Updates, of which a pass on the full batch is one, are
shown beside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import functional, torch
from harness.workloads import mlp
from harness.workloads.loop import OPTIMISERS
from studies.memory.full_batch import BOUND, MINI
from studies.optimisers.chosen import other_blocks
from studies.optimisers.descent import Recipe
from studies.optimisers.spirals import wound

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 10_000
DIGITS, SPIRAL = "noisy digits", "spiral"
DATA = Factor("data", (DIGITS, SPIRAL))
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
#: For each optimiser mini-batches and the full batch; a larger batch allows a larger step.
RATES = {
    ("SGD", "mini"): (0.3, 0.1, 1.0),
    ("SGD", "full"): (1.0, 3.0, 0.3),
    ("Adam", "mini"): (0.003, 0.01, 0.001),
    ("Adam", "full"): (0.03, 0.1, 0.01),
}
LOOKS = 4  # at the full loss in a pass of mini-batches
LONGEST = 12  # passes of mini-batches
MOST = 5  # times as many passes
PIXEL_NOISE = 0.25  # of the pixels, which go from -2 to 2
SLOWER = at_least(1.2)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "C0.04",
        Value("passes"),
        SLOWER,
        reading="Faster: at their best rates the full batch takes at least 1.2 times as many "
        f"passes as mini-batches of 32 until the loss on all rows is below {BOUND}.",
        headline={"data": DIGITS, "optimiser": "SGD"},
    ),
    Beyond(
        "C0.04",
        Value("updates"),
        SLOWER,
        why="updates in place of passes, of which the full batch makes one a pass",
        reading="The full batch takes at least 1.2 times as many updates.",
    ),
    Beyond(
        "C0.04",
        Value("mini_there").always(),
        equals(1.0),
        why="whether the passes of the mini-batches are a number",
        reading=f"Mini-batches get there in {LONGEST} passes, in every training.",
    ),
)


class Rows(NamedTuple):
    """A data set; x of shape (rows, features), y of shape (rows,)."""

    x: Tensor
    y: Tensor


def make_rows(name: str, seed: int, count: int = ROWS) -> Rows:
    """So many rows drawn from a seed."""
    if name == SPIRAL:
        return Rows(*wound(1.5, seed, points=count))
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(x), (count,), generator=draw)
    pixels = torch.tensor((x - 8) / 4).float()[chosen]
    noise = PIXEL_NOISE * torch.randn(pixels.shape, generator=draw)
    return Rows(pixels + noise, torch.tensor(y)[chosen])


def passes_to_bound(rows: Rows, seed: int, recipe: Recipe, most: float) -> float:
    """Passes until the loss on all rows is below the bound; infinite if it is not within ``most``.

    Args:
        rows: what is learnt.
        seed: of the weights and of the order of rows.
        recipe: how; the last batch of a pass may have fewer rows.
        most: passes.
    """
    torch.manual_seed(seed)
    features, classes = rows.x.shape[1], int(rows.y.max()) + 1
    net = mlp(features, classes, hidden=64 if features > 2 else 32).to(rows.x.device)
    update = OPTIMISERS[recipe.optimiser](net.parameters(), recipe.lr)
    order = torch.Generator().manual_seed(seed)
    in_a_pass = math.ceil(len(rows.x) / recipe.batch)
    every = max(1, in_a_pass // LOOKS)
    done = 0
    while done < most * in_a_pass:
        for chosen in (
            torch.randperm(len(rows.x), generator=order).to(rows.x.device).split(recipe.batch)
        ):
            update.zero_grad()
            functional.cross_entropy(net(rows.x[chosen]), rows.y[chosen]).backward()
            update.step()
            done += 1
            if done % every == 0 or done % in_a_pass == 0:
                with torch.no_grad():
                    loss = functional.cross_entropy(net(rows.x), rows.y).item()
                if loss < BOUND:
                    return done / in_a_pass
                if not math.isfinite(loss):
                    return math.inf
            if done >= most * in_a_pass:
                break
    return math.inf


def best_rate(rows: Rows, seed: int, optimiser: str, way: str, most: float) -> tuple[float, float]:
    """The rate with the fewest passes, the first of equals, and how many they are."""
    batch = MINI if way == "mini" else len(rows.x)
    best = RATES[optimiser, way][0], math.inf
    for lr in RATES[optimiser, way]:
        recipe = Recipe(optimiser, lr, batch)
        passes = passes_to_bound(rows, seed, recipe, min(most, best[1]))
        if passes < best[1]:
            best = lr, passes
    return best


def choose(shared: Block) -> Mapping[tuple[str, str, str], float]:
    """A rate for each data set, optimiser and way of updating, on a seed nothing is judged on."""
    (block,) = other_blocks(shared, 1)
    chosen = {}
    for name in DATA.levels:
        rows = make_rows(name, block.seed, shared.effort)
        for optimiser in OPTIMISER.levels:
            lr, passes = best_rate(rows, block.seed, optimiser, "mini", LONGEST)
            chosen[name, optimiser, "mini"] = lr
            # A full batch that takes still longer is at the most that is told apart, at any rate.
            most = MOST * min(passes, LONGEST)
            chosen[name, optimiser, "full"], _ = best_rate(
                rows, block.seed, optimiser, "full", most
            )
    return chosen


def measure(block: Block, arm: Arm) -> Responses:
    """Both ways of updating from the same weights on the same rows."""
    name, optimiser = arm[DATA], arm[OPTIMISER]
    rows = Rows(*(side.to(block.device) for side in make_rows(name, block.seed, block.effort)))
    rates = {way: block.run[name, optimiser, way] for way in ("mini", "full")}
    mini = passes_to_bound(rows, block.seed, Recipe(optimiser, rates["mini"], MINI), LONGEST)
    all_rows = Recipe(optimiser, rates["full"], len(rows.x))
    full = passes_to_bound(rows, block.seed, all_rows, MOST * min(mini, LONGEST))
    in_a_pass = math.ceil(len(rows.x) / MINI)
    ratio = times(full, mini)
    return {
        "passes": ratio,
        "updates": ratio / in_a_pass,
        "mini_passes": min(mini, float(LONGEST)),
        "mini_there": float(math.isfinite(mini)),
        "full_rate": rates["full"],
        "mini_rate": rates["mini"],
    }


def times(full: float, mini: float) -> float:
    """How many times as many passes the full batch takes, at most five; 1 where neither is done."""
    if math.isinf(full):
        return 1.0 if math.isinf(mini) else float(MOST)
    return min(full / mini, float(MOST))


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does updating after every mini-batch converge faster than once in a pass?",
    factors=(DATA, OPTIMISER),
    responses=(
        Response("passes", "1", "passes of the full batch over those of mini-batches, at most 5"),
        Response("updates", "1", "updates of the full batch over those of mini-batches"),
        Response("mini_passes", "passes", "passes of mini-batches"),
        Response("mini_there", "yes/no", "mini-batches get below the bound"),
        Response("full_rate", "1", "learning rate of the full batch"),
        Response("mini_rate", "1", "learning rate of mini-batches"),
    ),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(1000, ROWS, ROWS),  # rows
    prepare_run=choose,
    measure=measure,
    claims=CLAIMS,
)
