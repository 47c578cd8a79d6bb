"""Walking graphs: planted ones, against the standard library's sorter of graphs."""

from __future__ import annotations

import graphlib
from dataclasses import dataclass, field

import torch
from hypothesis import given
from hypothesis import strategies as st

from studies.step_anatomy.walk import has_cycle, leaves_of, missing, nodes_of


@dataclass(eq=False)
class Planted:
    """A node of a graph of one's own."""

    behind: list[Planted | None] = field(default_factory=list)

    @property
    def next_functions(self) -> tuple[tuple[Planted | None, int], ...]:
        return tuple((each, 0) for each in self.behind)


def graph(size: int, edges: list[tuple[int, int]]) -> list[Planted]:
    nodes = [Planted() for _ in range(size)]
    for one, other in edges:
        nodes[one].behind.append(nodes[other])
    return nodes


EDGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)


@given(EDGES)
def test_a_cycle_is_found_where_no_order_of_the_nodes_exists(edges: list[tuple[int, int]]) -> None:
    root = graph(7, edges)[0]
    reached = {id(node): number for number, node in enumerate(nodes_of(root))}
    sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
    for node in nodes_of(root):
        behind = [each for each, _ in node.next_functions if each is not None]
        sorter.add(reached[id(node)], *(reached[id(each)] for each in behind))
    try:
        sorter.prepare()
        expected = False
    except graphlib.CycleError:
        expected = True
    assert has_cycle(root) is expected


@given(EDGES)
def test_nodes_are_those_that_a_search_in_depth_reaches(edges: list[tuple[int, int]]) -> None:
    nodes = graph(7, edges)
    reached: set[int] = set()

    def search(number: int) -> None:
        if number not in reached:
            reached.add(number)
            for other in (b for a, b in edges if a == number):
                search(other)

    search(0)
    assert {id(node) for node in nodes_of(nodes[0])} == {id(nodes[number]) for number in reached}


def test_inputs_without_a_node_and_no_node_at_all_are_passed_over() -> None:
    root = Planted([None, Planted()])
    assert len(nodes_of(root)) == 2
    assert nodes_of(None) == []
    assert not has_cycle(None)


def test_leaves_are_the_tensors_that_need_a_gradient() -> None:
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    apart = torch.ones(2, requires_grad=True)
    result = (a * b + a).sum() * torch.ones(())
    assert {id(leaf) for leaf in leaves_of(result.grad_fn)} == {id(a), id(b)}
    (alone,) = missing(result.grad_fn, [a, apart])
    assert alone is apart
    assert len(missing(None, [a, b])) == 2
