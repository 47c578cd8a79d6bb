"""Does document B's first listing run, and does repairing one width make it run?

The listing sends one row of ten features through a dropout of one half, a batch norm that is
declared for one feature, and a linear layer to one output, in that order and in train mode; ten
steps of Adam at 0.01 print a loss each, the state_dict goes to a file and from there into a new
network, and an eleventh loss is printed. It is written anew in exactly that shape, and nothing is
repaired: what is judged is whether it prints its eleven lines. The probe changes one number, the
declared width of the batch norm. What the listing *means* is judged on repaired copies in
``studies.load_loss.first_listing``; this asks only whether it runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import Fact, facts
from harness.libraries import functional, nn, torch
from studies.listings.endings import ending, raises, runs

if TYPE_CHECKING:
    from torch import Tensor

FEATURES, STEPS, RATE = 10, 10, 0.01
#: A loss for every step and one after loading.
LINES = STEPS + 1
#: Weight and bias of the linear layer; weight, bias and three buffers of the batch norm.
ENTRIES = 7


def network(width: int = 1, *, norm_first: bool = True) -> nn.Module:
    """The listing's network; as printed where nothing is named."""
    norm, linear = nn.BatchNorm1d(width), nn.Linear(FEATURES, 1)
    behind = (norm, linear) if norm_first else (linear, norm)
    return nn.Sequential(nn.Dropout(0.5), *behind)


def listing(width: int = 1, rows: int = 1, *, norm_first: bool = True) -> list[float]:
    """The whole listing; the losses that it prints."""
    net = network(width, norm_first=norm_first)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    x, y = torch.randn(rows, FEATURES), torch.randn(rows, 1)
    net.train()
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = functional.mse_loss(net(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    loaded = network(width, norm_first=norm_first)
    loaded.load_state_dict(through_a_file(net.state_dict()))
    losses.append(functional.mse_loss(loaded(x), y).item())
    return losses


def through_a_file(thing: object, keep: float = 1.0) -> Any:  # noqa: ANN401 - what was saved
    """What comes back of something that is saved and loaded as listed, with all defaults.

    Args:
        thing: what is saved.
        keep: the share of the file that is left of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.pth"
        torch.save(thing, file)
        content = file.read_bytes()
        file.write_bytes(content[: round(keep * len(content))])
        return torch.load(file)


def loaded_entries(keep: float = 1.0) -> list[str]:
    """The entries of a state_dict that come back equal and fit into a new network."""
    state = network(FEATURES).state_dict()
    back: Mapping[str, Tensor] = through_a_file(state, keep)
    network(FEATURES).load_state_dict(back)
    return [name for name, tensor in state.items() if torch.equal(tensor, back[name])]


PROBE = "the probe changes the declared width alone"

EXPERIMENT = facts(
    "Does document B's first listing run, and does repairing one width make it run?",
    Fact(
        "B-ex1-1",
        "the listing runs",
        ending(listing),
        runs(LINES),
        ending(raises),
        reading="Written in the printed shape and run, the listing prints its eleven losses and "
        "ends without an exception.",
        headline=True,
    ),
    Fact(
        "B-ex1-2",
        "with a batch norm of ten features, and one row, it runs",
        ending(lambda: listing(FEATURES)),
        runs(LINES),
        ending(raises),
        reading="With the batch norm declared for ten features and nothing else changed, the "
        "listing prints its eleven losses.",
        headline=True,
    ),
    Fact(
        "B-ex1-2",
        "with a batch norm of ten features, and two rows, it runs",
        ending(lambda: listing(FEATURES, rows=2)),
        runs(LINES),
        ending(raises),
        beyond=f"two rows, where {PROBE}",
    ),
    Fact(
        "B-ex1-2",
        "with the batch norm behind the linear layer, and one row, it runs",
        ending(lambda: listing(norm_first=False)),
        runs(LINES),
        ending(raises),
        beyond=f"another order of layers, where {PROBE}",
    ),
    Fact(
        "B-ex1-2",
        "with the batch norm behind the linear layer, and two rows, it runs",
        ending(lambda: listing(rows=2, norm_first=False)),
        runs(LINES),
        ending(raises),
        beyond=f"another order of layers and two rows, where {PROBE}",
    ),
    Fact(
        "B-ex1-7",
        "torch.load with its defaults reads a state_dict",
        ending(loaded_entries),
        runs(ENTRIES),
        ending(lambda: loaded_entries(keep=0.5)),
        reading="A state_dict saved as listed is read by torch.load without a further argument, "
        "and all of its entries come back equal and fit into a new network.",
        headline=True,
    ),
    Fact(
        "B-ex1-7",
        "torch.load with its defaults reads a whole module",
        ending(lambda: list(through_a_file(network(FEATURES)).state_dict())),
        runs(ENTRIES),
        ending(raises),
        beyond="a whole module, where the listing saves a state_dict",
    ),
)
