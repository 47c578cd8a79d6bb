"""Which gradients does a sub-network get, and which are zero?

One row goes through a network in train mode, its mask known because it is drawn again from the same
seed, and its loss goes back. Of what the mask drops (a unit's weights in and out, a single weight
of DropConnect, a residual block of stochastic depth) no parameter may get a gradient; of what it
leaves, parameters must, or zeros would say nothing. The last row of the table is about soft labels:
the loss's gradient at the logits is p - q, divided by the rows of the batch where the loss is a
mean. That sub-networks share weights is seen where a step taken with one mask changes the outputs
with a hundred others.

A gradient of zero is one row's. In a batch each row has a mask of its own, and Adam moves weights
whose gradient is zero: both are shown beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch
from studies.dropout.training import HALF, LISTED, perceptron, relu_dropout

if TYPE_CHECKING:
    from torch import Tensor

UNIT, WEIGHT, BLOCK, LABEL = "unit", "weight", "block", "label"
WHAT = Factor(
    "what",
    (UNIT, WEIGHT, BLOCK, LABEL),
    words={
        UNIT: "dropped units",
        WEIGHT: "dropped weights",
        BLOCK: "dropped blocks",
        LABEL: "smoothed labels",
    },
)
FEATURES, CLASSES, ROWS = 20, 5, 20
SMOOTHING, OTHERS = 0.1, 100
NO_GRADIENT = "No parameter of what is dropped gets a gradient, bit for bit zero, for that row."
GRADIENT = "Of what is kept, nearly all parameters that can have one do get a gradient."

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-tab-7",
        Value("of_dropped").at(what=(UNIT, WEIGHT, BLOCK)).always(),
        equals(0.0),
        reading=NO_GRADIENT,
        headline={"what": UNIT},
    ),
    Claim(
        "D-tab-7",
        Value("of_kept").at(what=(UNIT, WEIGHT, BLOCK)),
        at_least(0.9),
        reading=GRADIENT,
    ),
    Claim(
        "D-tab-7",
        Value("off").at(what=LABEL).always(),
        at_most(1e-12),
        reading="Soft targets: the gradient at the logits is p - q, to the rounding of float64.",
    ),
    Claim(
        "D-int-1",
        Value("of_dropped").at(what=UNIT).always(),
        equals(0.0),
        reading="A gradient only when active: " + NO_GRADIENT[0].lower() + NO_GRADIENT[1:],
        headline=True,
    ),
    Claim(
        "D-int-1",
        Value("of_kept").at(what=UNIT),
        at_least(0.9),
        reading="And then it does: " + GRADIENT[0].lower() + GRADIENT[1:],
    ),
    Claim(
        "D-int-1",
        Value("shared").at(what=UNIT).always(),
        equals(1.0),
        reading="Weights are shared: a step of SGD taken with one mask changes the outputs with "
        "each of a hundred other masks.",
    ),
    Beyond(
        "D-int-1",
        Value("moved").at(what=UNIT).always(),
        equals(0.0),
        why="the step of Adam, where the passage speaks of a sub-network's gradient",
        reading="Updated only when active: a step of Adam moves no weight of a dropped unit.",
    ),
    Beyond(
        "D-tab-7",
        Value("in_batch").at(what=UNIT).always(),
        equals(0.0),
        why="a batch, whose rows have masks of their own",
        reading="No unit that a row drops gets a gradient from its batch of 20 rows.",
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Send rows back one by one, and read what they leave at what is dropped and what is kept."""
    found = {response.name: float("nan") for response in EXPERIMENT.responses}
    what = arm[WHAT]
    if what == LABEL:
        return found | {"off": soft_label_error(block.seed)}
    of_dropped, of_kept = 0.0, []
    for row in range(ROWS):
        seed = block.seed % 2**31 + row
        gradient, dropped = {UNIT: through_units, WEIGHT: through_weights, BLOCK: through_blocks}[
            what
        ](seed)
        of_dropped += float((gradient[dropped] != 0).sum().item())
        kept = gradient[~dropped]
        if len(kept):
            of_kept.append((kept != 0).double().mean().item())
    found |= {"of_dropped": of_dropped, "of_kept": sum(of_kept) / max(len(of_kept), 1)}
    if what == UNIT:
        found |= {
            "shared": others_changed(block.seed % 2**31),
            "moved": moved_by_adam(block.seed % 2**31),
            "in_batch": in_a_batch(block.seed % 2**31),
        }
    return found


def through_units(seed: int) -> tuple[Tensor, Tensor]:
    """The gradients of one row in a perceptron, and which belong to units that it drops.

    A weight counts where its own unit and the one it comes from can have a gradient at all: units
    whose ReLU is shut are left out.
    """
    net, x = listing(seed), torch.randn(1, FEATURES)
    outputs = passed(net, x, seed)
    outputs.logits.square().sum().backward()
    first, second, third = (layer.weight for layer in net if isinstance(layer, nn.Linear))
    in_open, out_open = (hidden[0] > 0 for hidden in outputs.before)
    in_kept, out_kept = (mask[0] > 0 for mask in outputs.masks)
    pieces: list[tuple[Tensor, Tensor]] = []
    # In of the first layer's open units, which the whole of the second must not have dropped.
    reached = (out_open & out_kept).any()
    if reached:
        pieces.append((_grad(first)[in_open], ~in_kept[in_open]))
    # Between the layers: dropped if either end is.
    both = _grad(second)[out_open][:, in_open]
    gone = ~out_kept[out_open][:, None] | ~in_kept[in_open][None]
    pieces.append((both.reshape(-1, 1), gone.reshape(-1)))
    # Out of the second layer's open units.
    pieces.append((_grad(third)[:, out_open].T, ~out_kept[out_open]))
    flat = [(g.reshape(len(g), -1), d) for g, d in pieces]
    gradient = torch.cat([g.flatten() for g, _ in flat])
    dropped = torch.cat([d[:, None].expand_as(g).flatten() for g, d in flat])
    return gradient, dropped


def through_weights(seed: int) -> tuple[Tensor, Tensor]:
    """The gradients of a DropConnect layer's weights for one row, and which were dropped."""
    from harness.workloads.regularisers import DropConnect

    torch.manual_seed(seed)
    layer, x = DropConnect(FEATURES, CLASSES, HALF), torch.randn(1, FEATURES)
    torch.manual_seed(seed)
    dropped = functional.dropout(torch.ones_like(layer.weight), HALF) == 0
    torch.manual_seed(seed)
    layer.train()(x).square().sum().backward()
    return _grad(layer.weight).flatten(), dropped.flatten()


def through_blocks(seed: int) -> tuple[Tensor, Tensor]:
    """The gradients of the last weights in each branch for one row, and which branch was dropped.

    The last weights of a branch get a gradient wherever the unit that they add to is open.
    """
    from harness.workloads.regularisers import Residual, residual_mlp

    torch.manual_seed(seed)
    net = residual_mlp(FEATURES, CLASSES, width=16, blocks=4, survival=HALF, batch_norm=False)
    x = torch.randn(1, FEATURES)
    torch.manual_seed(seed)
    gone = [torch.rand(1, 1).item() >= HALF for _ in range(4)]
    torch.manual_seed(seed)
    net.train()(x).square().sum().backward()
    gradients, dropped = [], []
    branches = [layer.branch for layer in net.children() if isinstance(layer, Residual)]
    for branch, absent in zip(branches, gone, strict=True):
        whole = torch.cat([_grad(p).flatten() for p in branch.parameters()])
        # One number a block: whether any of its parameters gets a gradient.
        gradients.append(whole.abs().sum())
        dropped.append(absent)
    return torch.stack(gradients), torch.tensor(dropped)


class Passed:
    """What a pass of one row made: logits, the masks, and what stood before dropout."""

    def __init__(self, logits: Tensor, masks: list[Tensor], before: list[Tensor]) -> None:
        """Kept as they are."""
        self.logits, self.masks, self.before = logits, masks, before


def listing(seed: int) -> nn.Sequential:
    """Listing 2's perceptron in train mode, its weights from a seed."""
    torch.manual_seed(seed)
    net = perceptron(FEATURES, CLASSES, relu_dropout(HALF))
    return net.train()


def passed(net: nn.Sequential, x: Tensor, seed: int) -> Passed:
    """A pass in train mode with masks from a seed, which are drawn a second time to be known."""
    before: list[Tensor] = []
    handles = [
        layer.register_forward_hook(lambda _, inputs, __: before.append(inputs[0].detach()))
        for layer in net
        if isinstance(layer, nn.Dropout)
    ]
    torch.manual_seed(seed)
    logits = net(x)
    for handle in handles:
        handle.remove()
    torch.manual_seed(seed)
    masks = [functional.dropout(torch.ones(len(x), width), HALF) for width in LISTED]
    return Passed(logits, masks, before)


def others_changed(seed: int) -> float:
    """The share of other masks whose outputs a step of SGD with one mask changes."""
    net, x = listing(seed), torch.randn(1, FEATURES)

    def outputs() -> list[Tensor]:
        with torch.no_grad():
            return [passed(net, x, seed + 1 + other).logits for other in range(OTHERS)]

    before = outputs()
    # The bias of the outputs belongs to all sub-networks, and would show nothing.
    weights = [p for name, p in net.named_parameters() if name != "6.bias"]
    optimiser = torch.optim.SGD(weights, lr=0.1)
    passed(net, x, seed).logits.square().sum().backward()
    optimiser.step()
    changed = [not torch.equal(a, b) for a, b in zip(before, outputs(), strict=True)]
    return sum(changed) / OTHERS


def moved_by_adam(seed: int) -> float:
    """How many weights into dropped units a second step of Adam moves."""
    net = listing(seed)
    weight = next(net.parameters())
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step(seed: int) -> Tensor:
        optimiser.zero_grad()
        outputs = passed(net, torch.randn(1, FEATURES), seed)
        outputs.logits.square().sum().backward()
        optimiser.step()
        return outputs.masks[0][0] == 0

    step(seed)
    before = weight.detach().clone()
    dropped = step(seed + 1)
    return float((weight.detach() != before)[dropped].sum().item())


def in_a_batch(seed: int) -> float:
    """How many units that the first row of a batch drops get a gradient from the batch."""
    net, x = listing(seed), torch.randn(ROWS, FEATURES)
    outputs = passed(net, x, seed)
    outputs.logits.square().sum().backward()
    reached = (_grad(next(net.parameters())) != 0).any(dim=1)
    return float(reached[outputs.masks[0][0] == 0].sum().item())


def soft_label_error(seed: int) -> float:
    """The largest distance of the smoothed loss's gradient at the logits from (p - q) / rows."""
    torch.manual_seed(seed)
    logits = torch.randn(ROWS, CLASSES, dtype=torch.float64, requires_grad=True)
    y = torch.randint(CLASSES, (ROWS,))
    functional.cross_entropy(logits, y, label_smoothing=SMOOTHING).backward()
    q = torch.full((ROWS, CLASSES), SMOOTHING / CLASSES, dtype=torch.float64)
    q[torch.arange(ROWS), y] += 1 - SMOOTHING
    p = logits.detach().exp() / logits.detach().exp().sum(dim=1, keepdim=True)
    return (_grad(logits) - (p - q) / ROWS).abs().max().item()


def _grad(tensor: Tensor) -> Tensor:
    if tensor.grad is None:
        return torch.zeros_like(tensor)
    return tensor.grad


EXPERIMENT = Experiment(
    question="Which gradients does a sub-network get, and which are zero?",
    factors=(WHAT,),
    responses=(
        Response(
            "of_dropped", "gradients", "number of gradients that are not zero of what is dropped"
        ),
        Response("of_kept", "1", "share of the gradients of what is kept that are not zero"),
        Response("off", "1", "largest distance of a gradient at the logits from (p - q) / rows"),
        Response("shared", "1", "share of other masks whose outputs a step with one changes"),
        Response("moved", "weights", "number of weights into dropped units that Adam moves"),
        Response(
            "in_batch",
            "units",
            "number of units that a row drops and that get a gradient from its batch",
        ),
    ),
    blocks=PerProfile(2, 20, 40),
    measure=measure,
    claims=CLAIMS,
)
