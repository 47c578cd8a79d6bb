"""Training arguments: a planted default is read, and becomes the optimiser it names."""

from __future__ import annotations

import pytest

from studies.defaults.training_arguments import kind_of_optimiser, optimiser_class


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw_torch_fused", "adamw"), ("adamw", "adamw"), ("sgd", "sgd")]
)
def test_the_first_word_of_an_optimisers_name_is_its_kind(name: str, kind: str) -> None:
    assert kind_of_optimiser(name) == kind


@pytest.mark.parametrize(
    ("optim", "expected"), [("sgd", "SGD"), ("rmsprop", "RMSprop"), ("adagrad", "Adagrad")]
)
def test_an_argument_that_is_set_decides_the_class(optim: str, expected: str) -> None:
    assert optimiser_class(optim=optim) == expected
