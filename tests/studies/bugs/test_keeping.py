"""The loop that keeps something of every step, and the count of live graphs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from studies.bugs.keeping import (
    ATTACHED,
    DETACHED,
    KEPT_FIRST,
    KEPT_LAST,
    LOSSES,
    NO_BACKWARD,
    NUMBERS,
    OUTPUTS,
    RETAINED,
    SUM,
    Keeper,
    LiveGraphs,
    graph_bytes,
    in_form,
    loop,
    watch,
)

Batches = list[tuple[torch.Tensor, torch.Tensor]]


def network() -> tuple[nn.Sequential, Batches]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    return net, [(torch.randn(4, 3), torch.randint(2, (4,))) for _ in range(6)]


def test_a_graph_is_counted_until_the_last_that_holds_it_is_gone() -> None:
    graphs = LiveGraphs()
    first = torch.ones(2, requires_grad=True) * 2
    graphs.mark(first)
    later = first.exp().sum()
    del first
    assert graphs.alive == 1
    del later
    assert graphs.alive == 0


def test_what_has_no_graph_is_not_counted() -> None:
    graphs = LiveGraphs()
    graphs.mark(torch.ones(2))
    assert graphs.alive == 0


@pytest.mark.parametrize("what", [OUTPUTS, LOSSES, SUM])
def test_a_retained_graph_lives_as_long_as_something_attached_is_kept(what: str) -> None:
    net, batches = network()
    watched = watch(net, batches, Keeper(what, ATTACHED), RETAINED)
    assert watched.graphs.alive == len(batches)
    watched.keeper.held.clear()
    assert watched.graphs.alive == 0
    assert watched.saved.kept_bytes == 0


class Nothing(Keeper):
    """A keeper that keeps nothing."""

    def add(self, output: torch.Tensor, loss: torch.Tensor) -> None:
        """Let go."""


@pytest.mark.parametrize("backward", [NO_BACKWARD, KEPT_FIRST, KEPT_LAST, RETAINED])
def test_the_loop_and_its_meters_hold_no_graph_themselves(backward: str) -> None:
    net, batches = network()
    watched = watch(net, batches, Nothing(OUTPUTS, ATTACHED), backward)
    assert (watched.graphs.alive, watched.saved.kept_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("form", "kind"), [(ATTACHED, torch.Tensor), (DETACHED, torch.Tensor), (NUMBERS, float)]
)
def test_a_loss_is_kept_in_its_form(form: str, kind: type) -> None:
    loss = torch.ones(2, requires_grad=True).sum()
    kept = in_form(loss, form)
    assert type(kept) is kind
    assert torch.as_tensor(kept).item() == 2
    assert (kept is loss) == (form == ATTACHED)


@pytest.mark.parametrize(
    ("what", "numbers"),
    # The hidden layer; then also the log-probabilities and the sum of the class weights.
    [(OUTPUTS, 4 * 5), (LOSSES, 4 * 5 + 4 * 2 + 1), (SUM, 4 * 5 + 4 * 2 + 1)],
)
def test_a_kept_tensor_holds_what_was_saved_on_the_way_to_it(what: str, numbers: int) -> None:
    net, batches = network()
    assert graph_bytes(net, batches[0], what) == 4 * numbers
    retained = watch(net, batches, Keeper(what, ATTACHED), RETAINED)
    assert retained.saved_bytes == [4 * numbers * step for step in range(1, 7)]


def test_what_is_kept_does_not_change_what_is_computed() -> None:
    sums = []
    for what, form, backward in (
        (SUM, ATTACHED, KEPT_FIRST),
        (SUM, NUMBERS, KEPT_LAST),
        (LOSSES, DETACHED, RETAINED),
    ):
        net, batches = network()
        keeper = Keeper(what, form)
        loop(net, batches, keeper, backward, lambda: None)
        sums.append(torch.as_tensor(sum(keeper.held)).item())
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-5)


def test_a_loop_with_a_backward_pass_trains_and_one_without_does_not() -> None:
    net, batches = network()
    weight = next(net.parameters())
    start = weight.detach().clone()
    loop(net, batches, Keeper(LOSSES, NUMBERS), NO_BACKWARD, lambda: None)
    assert torch.equal(weight, start)
    loop(net, batches, Keeper(LOSSES, NUMBERS), KEPT_FIRST, lambda: None)
    assert not torch.equal(weight, start)
