"""The census: complete, and right where the answer can be worked out by hand."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from harness.workloads.modules import LEFT_OUT, MODULES, Spec
from studies.eval_variance.census import (
    MODULE,
    largest_gap,
    measure,
    mode_dependent_modules,
    tensors_of,
)

BLOCK = Block(0, seed=11, shared_seed=12)


def measured(module: str, grad: str = "no_grad") -> dict[str, float]:
    torch.manual_seed(BLOCK.seed)
    responses = measure(BLOCK, Arm((("module", module), ("grad", grad))))
    return {name: float(value) for name, value in responses.items()}  # type: ignore[arg-type]


def drawn(module: str) -> tuple[nn.Module, list[Tensor | None]]:
    """The module and inputs that ``measured`` works with."""
    torch.manual_seed(BLOCK.seed)
    return MODULES[module].build(), MODULES[module].draw()


def classes_of_torch() -> dict[str, type[nn.Module]]:
    return {
        name: value
        for name, value in vars(nn).items()
        if inspect.isclass(value) and issubclass(value, nn.Module)
    }


def kinds_within(spec: Spec) -> set[tuple[str, Any]]:
    inner = [kinds_within(arg) for arg in spec.args if isinstance(arg, Spec)]
    return {(spec.kind, spec.options.get("dropout")), *(kind for kinds in inner for kind in kinds)}


def test_no_class_is_both_in_the_census_and_left_out() -> None:
    assert not {spec.kind for spec in MODULES.values()} & set(LEFT_OUT)


def test_every_class_of_the_installed_torch_is_in_the_census_or_left_out_with_a_reason() -> None:
    known = {spec.kind for spec in MODULES.values()} | set(LEFT_OUT)
    differing = sorted(known ^ set(classes_of_torch()))
    if differing:  # another torch is no fault of the experiment
        pytest.skip(
            f"torch {torch.__version__} and the census differ in {differing}: see MODULES and "
            "LEFT_OUT in harness/workloads/modules.py."
        )


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_has_no_forward_pass(name: str) -> None:
    assert "unimplemented" in classes_of_torch()[name].forward.__qualname__


def test_classes_with_a_dropout_argument_are_there_with_dropout_on_and_off() -> None:
    levels = {kind for spec in MODULES.values() for kind in kinds_within(spec)}
    for name, kind in classes_of_torch().items():
        parameter = inspect.signature(kind).parameters.get("dropout")
        if name in LEFT_OUT or parameter is None:
            continue
        used = {parameter.default if rate is None else rate for k, rate in levels if k == name}
        assert any(rate > 0 for rate in used), name
        assert 0 in used, name


def test_the_gap_is_told_relative_to_the_largest_output(monkeypatch: pytest.MonkeyPatch) -> None:
    _, (x, *_) = drawn("Tanh")
    assert x is not None
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, x: x * (1 + 0.5 * self.training))
    assert measured("Tanh")["gap"] == pytest.approx(0.5)


def test_chance_in_train_mode_is_told_from_chance_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    for always in (False, True):
        monkeypatch.setattr(
            nn.Tanh,
            "forward",
            lambda self, x, a=always: x + torch.rand_like(x) * (a or self.training),
        )
        found = measured("Tanh")
        assert (found["train_repeats_differ"], found["eval_repeats_differ"]) == (1, float(always))
        assert (found["gap"] == 0) == always, "both modes start from one seed"


def test_a_mode_hidden_in_a_layer_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, x: x + 1e-4 * self.training)
    found = measured("Tanh")
    assert found["gap"] > 1e-5
    assert found["beyond_rounding"] == 1
    assert found["train_repeats_differ"] == 0


def test_every_module_gives_numbers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in MODULE.levels:
            module, inputs = drawn(name)
            outputs = list(tensors_of(module.eval()(*inputs)))
            assert outputs, name
            assert all(x.isfinite().all() and x.numel() for x in outputs), name


def test_levels_with_arguments_are_told_in_words() -> None:
    assert not [name for name in MODULE.levels if "=" in MODULE.say(name)]


def test_outputs_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        largest_gap([torch.zeros(2)], [torch.zeros(3)])


def test_the_figure_names_what_the_table_says() -> None:
    import pandas as pd

    responses = ("gap", "beyond_rounding", "train_repeats_differ", "eval_repeats_differ")
    table = pd.DataFrame(
        [
            {
                "block": 0,
                "module": module,
                "grad": grad,
                "response": response,
                "value": 0.5 * (module in {"Tanh", "Dropout"} and response == "gap"),
            }
            for module in MODULE.levels
            for grad in ("grad", "no_grad")
            for response in responses
        ]
    )
    figure = mode_dependent_modules(table)
    assert figure.get_suptitle().startswith("1 of ")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["Tanh"]
