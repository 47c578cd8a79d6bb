"""Is every intermediate tensor of a forward pass kept, because backward needs it?

A perceptron, a convolutional network and a transformer pass a batch forward in training mode to
their loss, with gradients enabled. Every operation is watched below autograd, and each piece of
memory that one of them makes is followed by a weak reference: with the loss alone in hand, is it
still there? One that is gone is a counterexample, for the passage says every; the share of the
bytes that stay says how much it matters.

Pieces of memory are counted, not tensors: a transposed view is no intermediate of its own. A pass
whose results are all held by hand shows that they would be seen. What single operations keep is in
``operations``.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    at_least,
    equals,
    less_than,
)
from harness.libraries import functional, torch
from harness.meters import new_tensors_on
from studies.memory.workloads import NETS, TRANSFORMER, batch_of, network

if TYPE_CHECKING:
    from torch import Tensor, UntypedStorage

ROWS, LENGTH = 32, 16

NET = Factor("net", NETS, label="network")
GRAPH, BY_HAND, NOTHING = "by the graph", "by hand as well", "by nothing"
HELD = Factor(
    "held",
    (GRAPH, BY_HAND, NOTHING),
    words={GRAPH: "", BY_HAND: "every result held by hand", NOTHING: "no_grad"},
)

CLAIMS = (
    Claim(
        "C3.06",
        Value("all_kept").at(held=GRAPH).always(),
        equals(1.0),
        reading="Every intermediate tensor: none that an operation of the forward pass has made is "
        "gone when the pass is done and its loss alone is held.",
        headline={"net": TRANSFORMER},
    ),
    Beyond(
        "C3.06",
        Value("share_of_bytes").at(held=GRAPH).always(),
        at_least(0.9),
        why="how much of the memory stays, where the passage says that every tensor does",
        reading="Nine tenths or more of the bytes that the forward pass has made are still there.",
    ),
    Control(
        "all are there when they are held by hand",
        Value("all_kept").at(held=BY_HAND).always(),
        equals(1.0),
    ),
    Control(
        "next to nothing is there without a graph",
        Value("share_of_bytes").at(held=NOTHING).always(),
        less_than(0.01),
    ),
)


@dataclass
class Made:
    """The pieces of memory that operations have made: their sizes, and references to them.

    Attributes:
        sizes: in bytes, in the order in which they were made.
        references: weak ones, in the same order.
        results: the tensors themselves, where they are to be held.
    """

    sizes: list[int] = field(default_factory=list)
    references: list[weakref.ref[UntypedStorage]] = field(default_factory=list)
    results: list[Tensor] = field(default_factory=list)

    def kept(self) -> list[bool]:
        """Which of them are still there."""
        return [reference() is not None for reference in self.references]

    def share_of_bytes(self) -> float:
        """Of all bytes made, those that are still there."""
        there = sum(size for size, kept in zip(self.sizes, self.kept(), strict=True) if kept)
        return there / sum(self.sizes)


@contextmanager
def watched(*, hold: bool = False) -> Iterator[Made]:
    """Follow what operations make while the context is open; with ``hold``, keep it alive."""
    from torch.utils._python_dispatch import TorchDispatchMode

    made = Made()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401 - torch's own signature
            types: Sequence[type],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 - whatever the operation returns
            given = {id(tensor.untyped_storage()) for tensor in tensors_of((args, kwargs))}
            result = func(*args, **(kwargs or {}))
            for tensor in tensors_of(result):
                storage = tensor.untyped_storage()
                if id(storage) not in given:  # neither a view nor a change in place
                    made.sizes.append(storage.nbytes())
                    made.references.append(weakref.ref(storage))
                    if hold:
                        made.results.append(tensor)
            return result

    with Watch():  # type: ignore[no-untyped-call]  # torch's constructor has no annotations
        yield made


def tensors_of(value: Any) -> list[Tensor]:  # noqa: ANN401 - what an operation takes or returns
    """The tensors in a value."""
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def measure(block: Block, arm: Arm) -> Responses:
    """Pass a batch forward, hold the loss, and see what is left."""
    with new_tensors_on(block.device):
        model = network(arm[NET]).train()
        x, y = batch_of(arm[NET], ROWS, LENGTH)
    with (
        torch.set_grad_enabled(arm[HELD] != NOTHING),
        watched(hold=arm[HELD] == BY_HAND) as made,
    ):
        loss = functional.cross_entropy(model(x), y)
    kept = made.kept()
    found = {
        "made": float(len(kept)),
        "freed": float(len(kept) - sum(kept)),
        "all_kept": float(all(kept)),
        "share_of_bytes": made.share_of_bytes(),
    }
    del loss  # the graph was alive until here
    return found


EXPERIMENT = Experiment(
    question="Is every intermediate tensor of a forward pass kept, because backward needs it?",
    factors=(NET, HELD),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("made", "1", "number of intermediate tensors that a forward pass makes"),
        Response("freed", "1", "number of intermediate tensors gone when the pass is done"),
        Response("all_kept", "yes/no", "every intermediate tensor is there when the pass is done"),
        Response("share_of_bytes", "1", "share of the bytes made that are still there"),
    ),
    claims=CLAIMS,
)
