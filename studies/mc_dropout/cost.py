"""What do fifty passes with dropout on cost, against the one pass in eval mode?

One input (a patient, a frame) is passed forward once in eval mode; N times in turn with dropout on;
and as N copies in one batch, which gives the same answers in one pass. "Almost nothing" is read as
half as long again at most. Passes in turn take N times as long almost by definition, copies in one
batch may take far less, since one row seldom fills a processor: both are judged apart, at named
networks of usual sizes, for the fifty passes that the document asks for. Ten passes, a network so
small that a call costs more than its arithmetic, and a network passed forward once up to its first
dropout and repeated only from there, are shown beside.

Weights and inputs are random, which does not matter to time; one core, no gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    at_most,
)
from harness.libraries import nn, torch
from harness.workloads import encoder
from studies.mc_dropout.cost_figures import cost_by_network
from studies.mc_dropout.levels import (
    COPIES,
    ENCODER,
    HEAD,
    IMAGES,
    IN_TURN,
    LARGE,
    MOST,
    ONCE,
    SMALL,
    TINY,
)
from studies.mc_dropout.nets import perceptron

if TYPE_CHECKING:
    from torch import Tensor

WAY = Factor("way", (ONCE, IN_TURN, COPIES, HEAD), control=ONCE)
NET = Factor("net", (TINY, SMALL, LARGE, IMAGES, ENCODER), label="network")
NETS, USUAL = NET.levels, (SMALL, LARGE, IMAGES, ENCODER)
#: How many passes; one pass in eval mode is one whatever stands here, and stands at the first.
PASSES = Factor("passes", (50, 10), words={50: "50 passes", 10: "10 passes"})
ALMOST_NOTHING = at_most(MOST)
MARGIN = 0.05  # of the A/A: well below the distance between 1 and the edge

READING = (
    "Costs almost nothing: the answers of 50 passes, {}, take at most half as long again as one "
    "pass in eval mode."
)
FORMS = {IN_TURN: "one after another", COPIES: "made as 50 copies of the input in one batch"}


def cost(way: str, nets: tuple[str, ...] | str, count: int = 50) -> Ratio:
    """The time of some passes over that of one in eval mode."""
    return Ratio("seconds", WAY).at(way=way, net=nets, passes=count).by_round()


CLAIMS: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-mc-2",
            cost(way, USUAL),
            ALMOST_NOTHING,
            reading=READING.format(form),
            headline={"net": IMAGES} if way == COPIES else False,
        )
        for way, form in FORMS.items()
    ),
    *(
        Beyond(
            "D-mc-2",
            cost(way, TINY),
            ALMOST_NOTHING,
            why="a network so small that a call costs more than its arithmetic",
            reading=READING.format(form),
        )
        for way, form in FORMS.items()
    ),
    Beyond(
        "D-mc-2",
        cost(HEAD, IMAGES),
        ALMOST_NOTHING,
        why="passes that share all before the first dropout, where the passage has whole passes",
        reading="What comes before the first dropout is passed once and what follows as 50 copies: "
        "at most half as long again as one pass in eval mode.",
    ),
    *(
        Beyond(
            "D-mc-2",
            cost(way, NETS, 10),
            ALMOST_NOTHING,
            why="ten passes, where the document asks for fifty",
            reading=READING.replace("50", "10").format(form.replace("50", "10")),
        )
        for way, form in FORMS.items()
    ),
)


class Halves(NamedTuple):
    """A network cut before its first dropout, and one input.

    Attributes:
        trunk: what comes before; nothing where dropout comes first.
        head: the rest.
        x: shape (1, ...).
    """

    trunk: nn.Module
    head: nn.Module
    x: Tensor


def image_network() -> tuple[nn.Module, nn.Module]:
    """Six convolutions and a head with dropout, as small image classifiers are built."""
    layers: list[nn.Module] = []
    before = 3
    for channels in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2))
    head = (nn.Dropout(0.5), nn.Linear(2048, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))
    return nn.Sequential(*layers, nn.Flatten()), nn.Sequential(*head)


def text_network() -> nn.Module:
    """Two encoder layers with their usual dropout, and a head."""
    return nn.Sequential(
        encoder(2, 128, dropout=0.1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32 * 128, 10)
    )


def prepare(block: Block) -> dict[str, Halves]:
    """Every network with one input."""
    device = block.device
    widths = {TINY: 64, SMALL: 512, LARGE: 2048}
    made: dict[str, tuple[nn.Module, nn.Module, tuple[int, ...]]] = {
        name: (nn.Identity(), perceptron(width, 10, 0.5, width=width), (width,))
        for name, width in widths.items()
    }
    made[IMAGES] = (*image_network(), (3, 32, 32))
    made[ENCODER] = (nn.Identity(), text_network(), (32, 128))
    return {
        name: Halves(
            trunk.to(device).eval(),
            head.to(device).eval(),
            torch.randn(1, *shape, device=device),
        )
        for name, (trunk, head, shape) in made.items()
    }


def task(nets: dict[str, Halves], arm: Arm) -> Task:
    """The answers of one way of passing an input forward."""
    trunk, head, x = nets[arm[NET]]
    return WAYS[arm[WAY]](trunk, head, x, arm[PASSES])


def once(trunk: nn.Module, head: nn.Module, x: Tensor, _: int) -> Task:
    """One pass in eval mode."""

    def evaluate() -> None:
        with torch.no_grad():
            head.eval()(trunk(x))

    return evaluate


def in_turn(trunk: nn.Module, head: nn.Module, x: Tensor, count: int) -> Task:
    """One pass after another with dropout on."""

    def evaluate() -> None:
        with torch.no_grad():
            head.train()
            for _ in range(count):
                head(trunk(x))

    return evaluate


def copies(trunk: nn.Module, head: nn.Module, x: Tensor, count: int) -> Task:
    """Copies of the input in one batch, each with masks of its own."""

    def evaluate() -> None:
        with torch.no_grad():
            head.train()(trunk(x.expand(count, *x.shape[1:])))

    return evaluate


def head_alone(trunk: nn.Module, head: nn.Module, x: Tensor, count: int) -> Task:
    """The trunk once, and copies of what it gives through the rest."""

    def evaluate() -> None:
        with torch.no_grad():
            features = trunk(x)
            head.train()(features.expand(count, *features.shape[1:]))

    return evaluate


WAYS: dict[str, Callable[[nn.Module, nn.Module, Tensor, int], Task]] = {
    ONCE: once,
    IN_TURN: in_turn,
    COPIES: copies,
    HEAD: head_alone,
}


def _needed(arm: Arm) -> bool:
    """The head alone where something comes before it, for fifty passes."""
    return arm[WAY] != HEAD or (arm[NET] == IMAGES and arm[PASSES] == 50)


EXPERIMENT = Experiment(
    question="What do fifty passes with dropout on cost, against one pass in eval mode?",
    factors=(NET, WAY, PASSES),
    only=_needed,
    blocks=PerProfile(1, 12, 20),
    rounds=PerProfile(2, 6, 20),
    aa=AA(within=MARGIN, at={"way": ONCE, "net": USUAL, "passes": 50}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    call="the answers",
    figures=(cost_by_network,),
)
