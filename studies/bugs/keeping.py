"""A loop that keeps something of every step: what, in which form, and when; and what that holds.

Without a backward pass it is an evaluation that forgot ``no_grad``; with one it is a training loop
that stores something for its log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness import Factor
from harness.libraries import functional, nn, torch
from harness.meters import LiveStorage, SavedTensors, live_storage, saved_tensors

if TYPE_CHECKING:
    from torch import Tensor

OUTPUTS, LOSSES, SUM = "outputs", "losses", "sum of losses"
ATTACHED, DETACHED, NUMBERS = "attached", "detached", "numbers"
NO_BACKWARD, KEPT_FIRST, KEPT_LAST, RETAINED = (
    "none",
    "after keeping",
    "before keeping",
    "retain_graph=True",
)
#: The loops that the documents have: an evaluation without ``no_grad``, and a training.
LOOPS = (NO_BACKWARD, KEPT_FIRST, KEPT_LAST)
KEPT = Factor(
    "kept",
    (OUTPUTS, LOSSES, SUM),
    words={OUTPUTS: "outputs kept", LOSSES: "losses kept", SUM: "a running sum of losses kept"},
)
FORM = Factor(
    "form",
    (ATTACHED, DETACHED, NUMBERS),
    words={ATTACHED: "as they come", DETACHED: "detached", NUMBERS: "as Python's numbers"},
)
BACKWARD = Factor(
    "backward",
    (NO_BACKWARD, KEPT_FIRST, KEPT_LAST, RETAINED),
    words={
        NO_BACKWARD: "in an evaluation without no_grad",
        KEPT_FIRST: "in a training, before the backward pass",
        KEPT_LAST: "in a training, after the backward pass",
        RETAINED: "in a training that retains its graphs",
    },
)


class Keeper:
    """What a loop keeps of its steps: a list of all, or a single sum.

    Attributes:
        held: the list; a sum is its only element.
    """

    def __init__(self, what: str, form: str) -> None:
        self.what, self.form = what, form
        self.held: list[Any] = []

    def add(self, output: Tensor, loss: Tensor) -> None:
        """Keep something of a step."""
        value = in_form(output if self.what == OUTPUTS else loss, self.form)
        if self.what == SUM and self.held:
            value = self.held.pop() + value
        self.held.append(value)


def in_form(tensor: Tensor, form: str) -> Any:  # noqa: ANN401 - a tensor, a number or lists
    """The tensor itself, cut from its graph, or as Python's own numbers."""
    if form == NUMBERS:
        return tensor.item() if tensor.dim() == 0 else tensor.tolist()
    return tensor.detach() if form == DETACHED else tensor


class LiveGraphs:
    """How many of the graphs that were marked are alive, with what they saved or without.

    A mark is put among the metadata of one node, and dies with it. A graph's first node is held by
    all that come after it, and so lives as long as any of them.

    Attributes:
        alive: graphs that are alive now.
    """

    def __init__(self) -> None:
        self.alive = 0

    def mark(self, first: Tensor) -> None:
        """Count a graph as long as it lives.

        Args:
            first: the result of the graph's first operation; if it has no graph, nothing happens.
        """
        if first.grad_fn is not None:
            metadata: dict[str, Any] = first.grad_fn.metadata  # type: ignore[assignment]
            metadata["mark"] = _Mark(self)


class _Mark:
    def __init__(self, graphs: LiveGraphs) -> None:
        self.graphs = graphs
        graphs.alive += 1

    def __del__(self) -> None:
        self.graphs.alive -= 1


@dataclass
class Watched:
    """What a loop held, and the meters, which go on counting.

    Attributes:
        saved_bytes: saved for a backward pass after each step; weights and batches left out.
        live_bytes: in all storages that the loop has made, after each step.
        keeper: what was kept.
    """

    keeper: Keeper
    graphs: LiveGraphs
    saved: SavedTensors
    live: LiveStorage
    saved_bytes: list[int] = field(default_factory=list)
    live_bytes: list[int] = field(default_factory=list)

    def read(self) -> None:
        """Read the meters after a step."""
        self.saved_bytes.append(self.saved.kept_bytes)
        self.live_bytes.append(self.live.bytes)


def watch(
    net: nn.Sequential, batches: Sequence[tuple[Tensor, Tensor]], keeper: Keeper, backward: str
) -> Watched:
    """Run the loop under the meters.

    Args:
        net: a classifier whose first layer does one operation; it is trained if there is a backward
            pass.
        batches: inputs and class numbers, one a step, on the network's device.
        keeper: what is kept, and in which form.
        backward: a level of ``BACKWARD``.
    """
    graphs = LiveGraphs()
    hook = net[0].register_forward_hook(lambda _net, _inputs, result: graphs.mark(result))
    batch_tensors = (tensor for batch in batches for tensor in batch)
    there = [*net.parameters(), *net.buffers(), *batch_tensors]
    with live_storage(there[0].device.type) as live, saved_tensors(there) as saved:
        watched = Watched(keeper, graphs, saved, live)
        loop(net, batches, keeper, backward, watched.read)
    hook.remove()
    return watched


def graph_bytes(net: nn.Sequential, batch: tuple[Tensor, Tensor], what: str) -> int:
    """What the graph of a single output or loss saves for a backward pass."""
    x, y = batch
    with saved_tensors([*net.parameters(), *net.buffers(), x, y]) as saved:
        result = net(x)
        if what != OUTPUTS:
            result = functional.cross_entropy(result, y)
        held = saved.kept_bytes
    del result
    return held


def loop(
    net: nn.Sequential,
    batches: Sequence[tuple[Tensor, Tensor]],
    keeper: Keeper,
    backward: str,
    after_step: Callable[[], None],
) -> None:
    """Train on the batches, or evaluate them without ``no_grad``; see ``watch``."""
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    for x, y in batches:
        optimiser.zero_grad()
        output = net(x)
        loss = functional.cross_entropy(output, y)
        if backward != KEPT_LAST:
            keeper.add(output, loss)
        if backward != NO_BACKWARD:
            loss.backward(retain_graph=backward == RETAINED)
            optimiser.step()
        if backward == KEPT_LAST:
            keeper.add(output, loss)
        # The loop's own names would hold one more graph until they are bound anew.
        del output, loss
        after_step()
