"""Spikes and new statistics, on curves and networks of which one knows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.design.factors import Block
from harness.workloads import Replicas
from harness.workloads.samples import draw_sample
from studies.batchnorm.mixing import on_new_statistics, spikes
from studies.batchnorm.nets import perceptron
from studies.batchnorm.shift import batch_norms
from studies.batchnorm.treatments import (
    CNN,
    DIGITS,
    LARGEST,
    LIGHT,
    LISTING,
    STRONG,
    TASK,
    TASKS,
    TREATMENT,
    TREATMENTS,
    Samples,
    before,
    build,
    in_design,
    prepare,
    trained,
)
from tests.studies.batchnorm.stored import with_stored_statistics


def test_a_spike_is_the_largest_rise_of_one_epoch() -> None:
    curves = np.array([[1.0, 1.0, 1.0], [0.5, 0.9, 1.001], [0.8, 0.8, 1.0], [0.7, 1.0, 0.9]])
    assert spikes(curves).tolist() == pytest.approx([0.3, 0.2, 0.01])


def test_new_statistics_mend_a_network_whose_own_were_spoilt() -> None:
    sample = draw_sample("digits", [1], train=200, held_out=100)
    torch.manual_seed(0)
    net = with_stored_statistics(perceptron(64, 10), sample.train.x[0], passes=1)
    with torch.no_grad():
        whole = net.eval()(sample.test.x[0])
    right = functional.cross_entropy(whole, sample.test.y[0]).item()
    for norm in batch_norms(net):
        norm.running_var *= 9
    loss, accuracy = on_new_statistics(Replicas([net]), sample)
    assert loss.item() == pytest.approx(right, rel=1e-4)
    assert accuracy.item() == pytest.approx(
        100 * (whole.argmax(1) == sample.test.y[0]).double().mean().item()
    )


def few(blocks: int = 1) -> Samples:
    """Rows for a training of two epochs."""
    return prepare(tuple(Block(i, i + 1, 0, effort=2) for i in range(blocks)))


def test_the_strong_decay_halves_and_those_of_the_document_hardly_shrink() -> None:
    samples = few()
    assert trained(samples, DIGITS, LARGEST).decayed == pytest.approx(1e-2 * 1e-3 * 10)
    assert trained(samples, DIGITS, STRONG).decayed == pytest.approx(np.log(2))
    assert trained(samples, DIGITS, LIGHT).decayed == pytest.approx(5e-4 * 1e-3 * 10)


def test_a_treatment_reaches_the_network() -> None:
    sample = few().by_task[LISTING]
    net = build(TASKS[LISTING], TREATMENTS[before(0.5)], sample)()
    rates = [m.p for m in net.modules() if isinstance(m, torch.nn.Dropout)]
    assert rates == [0.5, 0.5]


def test_every_task_has_both_kinds_of_mixture_and_each_of_both_alone() -> None:
    arms = [
        (task, TREATMENTS[name])
        for task in TASK.levels
        for name in TREATMENT.levels
        if in_design_of(task, name)
    ]
    for task in TASK.levels:
        mine = [each for of_task, each in arms if of_task == task]
        assert {each.place for each in mine if each.batch_norm and each.drop} == {
            "before",
            "after",
            "last",
        }
        assert any(each.drop and not each.batch_norm for each in mine)
    assert not any(each.drop == 0.5 for task, each in arms if task == CNN)


def in_design_of(task: str, treatment: str) -> bool:
    from harness.design.factors import Arm

    return in_design(Arm(((TASK.name, task), (TREATMENT.name, treatment))))
