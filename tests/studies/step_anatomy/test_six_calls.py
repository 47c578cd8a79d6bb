"""What changed and where it lies, on tensors changed on purpose."""

from __future__ import annotations

import torch

from studies.step_anatomy.six_calls import (
    GRADIENTS,
    OUTPUTS,
    RATES,
    THINGS,
    WEIGHTS,
    count_elsewhere,
    new_loop,
    share_changed,
    things_of,
    watched,
)


def little_batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(0)
    return [(torch.randn(1, 8, 4), torch.randint(3, (1, 8))) for _ in range(3)]


def little_net() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(4, 3))


def test_the_share_that_changed_is_counted_in_tensors() -> None:
    before = [torch.zeros(2), torch.ones(3)]
    assert share_changed(before, [torch.zeros(2), torch.ones(3)]) == 0
    assert share_changed(before, [torch.zeros(2), torch.tensor([1.0, 1.0, 1.1])]) == 0.5
    assert share_changed(before, before[:1]) == 1
    assert share_changed([], before) == 1
    assert share_changed([], []) == 0


def test_what_is_changed_in_place_stays_where_it_lies_and_a_copy_does_not() -> None:
    tensor = torch.zeros(3)
    kept = [tensor]
    tensor.add_(1)
    assert count_elsewhere(kept, [tensor]) == 0
    assert count_elsewhere(kept, [tensor.clone()]) == 1
    assert count_elsewhere(kept, [tensor.view(3)]) == 1


def test_an_optimiser_that_moves_nothing_is_seen_to_move_nothing() -> None:
    loop = new_loop(little_net(), "SGD")
    for group in loop.optimiser.param_groups:
        group["lr"] = 0.0
    loop.scheduler.base_lrs = [0.0]
    found = watched(loop, little_batches())
    assert {found[call, WEIGHTS] for call, thing in found if thing == WEIGHTS} == {(0.0, 0)}


def test_weights_replaced_by_new_tensors_are_found_elsewhere() -> None:
    loop = new_loop(little_net(), "SGD")
    step = loop.optimiser.step

    def replacing() -> None:
        step()
        for parameter in loop.nets.parameters():
            parameter.data = parameter.data.clone()

    loop.optimiser.step = replacing  # type: ignore[assignment, method-assign]
    # The parameters are the same objects, so it is their memory that tells.
    pointers = [p.data_ptr() for p in loop.nets.parameters()]
    before = dict(things_of(loop))[WEIGHTS]
    kept = [p.detach() for p in before]
    x, y = little_batches()[0]
    loop.iterate(("forward", "loss", "backward", "step"), x, y)
    after = dict(things_of(loop))[WEIGHTS]
    assert [p.data_ptr() for p in after] != pointers
    assert count_elsewhere(kept, after) == 2


def test_everything_a_step_could_touch_is_looked_at() -> None:
    loop = new_loop(little_net(), "Adam")
    assert [thing for thing, _ in things_of(loop)] == list(THINGS)
    nothing_yet = dict(things_of(loop))
    assert not nothing_yet[OUTPUTS]
    assert not nothing_yet[GRADIENTS]
    assert [rate.item() for rate in nothing_yet[RATES]] == [0.01]
