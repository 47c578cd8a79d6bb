"""Walking the graph that a forward pass has recorded, node by node, from a result to its leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Node(Protocol):
    """A node as autograd shows it: what made it, and with which argument, one pair an input."""

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that made the inputs; None where one needs no gradient."""
        ...


def before(node: Node) -> list[Node]:
    """The nodes that made a node's inputs."""
    return [each for each, _ in node.next_functions if each is not None]


def nodes_of(root: Node | None) -> list[Node]:
    """All nodes that can be reached from one, it first, each once."""
    if root is None:
        return []
    found, waiting = {id(root): root}, [root]
    while waiting:
        for each in before(waiting.pop()):
            if id(each) not in found:
                found[id(each)] = each
                waiting.append(each)
    return list(found.values())


def has_cycle(root: Node | None) -> bool:
    """Whether any path from a node comes back to a node that it has been at.

    By taking away, again and again, a node that no other one left leads to: of a graph without a
    cycle nothing remains.
    """
    nodes = nodes_of(root)
    # Two edges between the same nodes count twice, here and below.
    arriving = {id(node): 0 for node in nodes}
    for node in nodes:
        for each in before(node):
            arriving[id(each)] += 1
    free = [node for node in nodes if not arriving[id(node)]]
    left = len(nodes)
    while free:
        left -= 1
        for each in before(free.pop()):
            arriving[id(each)] -= 1
            if not arriving[id(each)]:
                free.append(each)
    return left > 0


def leaves_of(root: Node | None) -> Iterator[Tensor]:
    """The tensors at which the graph ends, whose gradients would be accumulated."""
    for node in nodes_of(root):
        if hasattr(node, "variable"):
            yield node.variable


def missing(root: Node | None, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Those of some tensors that the graph does not reach."""
    reached = {id(leaf) for leaf in leaves_of(root)}
    return [tensor for tensor in tensors if id(tensor) not in reached]
