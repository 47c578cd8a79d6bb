"""Does eval() switch data augmentation off, and is augmentation part of what is saved?

Document B counts transforms that change inputs on the fly to the training state that is saved with
a network, comes back on loading, and is ended by ``eval()``. Noise is added to digits at the places
where PyTorch's users put augmentation: in the dataset, in the loader's ``collate_fn``, and in a
module that is the first of the network and leaves the mode alone, as those of torchvision do. The
network is saved, loaded, and set to one mode or the other; what its first weights see is recorded
in two passes over the same rows. Judged are the two places in the data pipeline, of which the
document speaks; the module is shown beside them. A layer that asks for the mode itself, as dropout
does, shows that the measurement would see a transform that is switched off.
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
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import load_split, mlp
from studies.load_loss.files import file_of, loaded_into

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

MODE = Factor(
    "mode",
    ("eval", "train"),
    control="eval",
    words={"eval": "after eval()", "train": "in train mode"},
)
PLACE = Factor(
    "place",
    ("dataset", "collate_fn", "module of the network", "layer that asks"),
    words={
        "dataset": "noise added in the dataset",
        "collate_fn": "noise added where rows are put into batches",
        "module of the network": "noise added by a module of the network",
        "layer that asks": "noise added by a layer that asks for the mode",
    },
)
DATASET, COLLATE, MODULE, ASKS = PLACE.levels
IN_THE_PIPELINE = (DATASET, COLLATE)

STRENGTH = 0.5
N_ROWS = 64

_IN_THE_NETWORK = "augmentation written as a module of the network, not in the data pipeline"

CLAIMS = (
    Claim(
        "B-intro-6",
        Value("random_rows").at(mode="eval", place=IN_THE_PIPELINE).always(),
        equals(0),
        reading="Switched off: after eval() the network sees the same input in every pass.",
        headline={"place": DATASET},
    ),
    Claim(
        "B-intro-6",
        Value("in_file").at(mode="train", place=IN_THE_PIPELINE).always(),
        equals(1),
        reading="Part of the saved state: the file of a state_dict is another with augmentation "
        "than without.",
    ),
    Beyond(
        "B-intro-6",
        Value("random_rows").at(mode="eval", place=MODULE).always(),
        equals(0),
        why=_IN_THE_NETWORK,
    ),
    Beyond(
        "B-intro-6",
        Value("in_file").at(mode="train", place=MODULE).always(),
        equals(1),
        why=_IN_THE_NETWORK,
    ),
    Control(
        "the transform works, and is seen",
        Value("random_rows").at(mode="train").always(),
        equals(1),
    ),
    Control(
        "a layer that asks for the mode is seen to be switched off",
        Value("random_rows").at(mode="eval", place=ASKS).always(),
        equals(0),
    ),
)

RESPONSES = (
    Response("random_rows", "1", "share of rows whose input is another in the second pass"),
    Response("in_file", "yes/no", "the file with augmentation differs from that without"),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Load a network, set its mode, and compare what it sees in two passes over the same rows."""
    place, device = arm[PLACE], block.device
    split = load_split("digits", block.seed)
    rows, labels = split.train_x[:N_ROWS], split.train_y[:N_ROWS]
    saved, plain = (
        file_of(network(place, strength, block.seed).state_dict()) for strength in (STRENGTH, 0.0)
    )
    net = loaded_into(
        network(place, STRENGTH, block.seed + 1), network(place, STRENGTH, block.seed)
    )
    net.to(device).train(arm[MODE] == "train")
    seen: list[Tensor] = []
    first = next(module for module in net.modules() if isinstance(module, nn.Linear))
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    torch.manual_seed(block.seed)
    loader = loader_of(place, rows, labels)
    with torch.no_grad():
        for _ in range(2):
            for x, _ in loader:
                net(x.to(device))
    differ = (seen[0] != seen[1]).any(1).double().mean()
    return {"random_rows": differ.item(), "in_file": float(saved != plain)}


def network(place: str, strength: float, seed: int) -> nn.Module:
    """A perceptron for digits, with the noise before it where the place is in the network."""
    torch.manual_seed(seed)
    net = mlp(64, 10)
    if place in IN_THE_PIPELINE:
        return net
    return nn.Sequential(noise_layer(strength, asks=place == ASKS), net)


def noise_layer(strength: float, *, asks: bool) -> nn.Module:
    """A module that adds noise to its input, always or only in train mode."""

    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if asks and not self.training:
                return x
            return noisy(x, strength)

    return Noise()


def noisy(x: Tensor, strength: float) -> Tensor:
    """The input with noise from the global stream."""
    return x + strength * torch.randn_like(x)


def loader_of(place: str, x: Tensor, y: Tensor) -> DataLoader[tuple[Tensor, Tensor]]:
    """All rows as one batch, in their order, with the noise where the place is outside."""
    from torch.utils.data import DataLoader, Dataset, default_collate

    class Digits(Dataset[tuple["Tensor", "Tensor"]]):
        def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
            return (noisy(x[row], STRENGTH) if place == DATASET else x[row]), y[row]

        def __len__(self) -> int:
            return len(x)

    def collate(rows: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        batch, labels = default_collate(rows)
        return (noisy(batch, STRENGTH) if place == COLLATE else batch), labels

    return DataLoader(Digits(), batch_size=len(x), collate_fn=collate)


EXPERIMENT = Experiment(
    question="Does eval() switch data augmentation off, and is it part of what is saved?",
    factors=(MODE, PLACE),
    blocks=PerProfile(1, 20, 20),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
