"""Every study that discovery finds is well-formed, and every experiment runs in its quick form."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from harness.block import run_block
from harness.catalogue import read_catalogue
from harness.design import Block
from harness.device import TorchDevice
from harness.discover import cards, load_study, study_names
from harness.effects import Rows, compute_effect
from harness.experiment import Claim, Study, Unmeasurable
from harness.figures import slide_style
from harness.plan import PlannedBlock
from harness.protocol import new_protocol, read_protocol, write_protocol
from harness.rules import ExperimentRules, experiment_rules
from harness.tables import schema

REPOSITORY = Path(__file__).parents[2]
STUDIES = study_names()
EXPERIMENTS = [(study, name) for study in STUDIES for name in load_study(study).experiments]
EACH_STUDY = pytest.mark.parametrize("name", STUDIES)
#: Experiments whose single block takes long even in quick form, for it trains a large model.
LONG = {("eval-variance", "minilm")}
EACH_EXPERIMENT = pytest.mark.parametrize(
    ("study", "name"),
    [
        pytest.param(
            *each,
            marks=[pytest.mark.slow, pytest.mark.timeout(600)] if each in LONG else [],
            id="/".join(each),
        )
        for each in EXPERIMENTS
    ],
)


@EACH_STUDY
def test_a_study_is_well_formed(name: str, tmp_path: Path) -> None:
    study = load_study(name)
    (card,) = [card for card in cards() if card.name == name]
    assert_sentence(card.question)
    assert card.cost, "its package says what a run costs"
    assert_claims_are_those_of_the_catalogue(study)
    assert_protocol_survives_the_disk(study, tmp_path)
    for experiment in study.experiments.values():
        assert_sentence(experiment.question)
        blocks = experiment.blocks
        assert 1 <= blocks.quick <= blocks.standard <= blocks.full
        for response, unit in experiment.responses.items():
            assert response.isidentifier()
            assert unit
            assert unit == unit.strip()
        assert experiment.needs in ("cpu", "cuda")
        assert all(callable(figure) for figure in experiment.figures)
        names = [figure.__name__ for figure in experiment.figures]
        assert len(set(names)) == len(names), "figures are named after their functions"
        assert "<lambda>" not in names


def assert_sentence(text: str) -> None:
    assert text[:1].isupper() or text[:1].isdigit(), text
    assert text.endswith(("?", ".")), text
    assert "\n" not in text
    assert len(text.split()) >= 4, text


def assert_claims_are_those_of_the_catalogue(study: Study) -> None:
    """Each is judged or declared unmeasurable, never both, and no other is."""
    rules = [rule for experiment in study.experiments.values() for rule in experiment.claims]
    judged = {rule.id for rule in rules if isinstance(rule, Claim)}
    declared = {rule.id for rule in rules if isinstance(rule, Unmeasurable)}
    catalogued = {entry.claim for entry in read_catalogue().values() if entry.study == study.name}
    assert judged | declared == catalogued
    assert not judged & declared


def assert_protocol_survives_the_disk(study: Study, path: Path) -> None:
    """What judging reads is what the study says."""
    protocol = new_protocol(
        study, "standard", "cpu", 0, started="", commit="", source_sha256="", machine={}
    )
    write_protocol(path, protocol, {})
    assert read_protocol(path) == protocol


def test_studies_are_loaded_without_torch_and_other_heavy_libraries() -> None:
    """Judging, drawing and publishing load them for their rules and figures."""
    loading = """
import sys
from harness.discover import load_study, study_names
print([name for name in study_names() if load_study(name).experiments])
print({"torch", "transformers", "sklearn"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", loading],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(STUDIES), "set()"]


@dataclass(frozen=True)
class FirstBlock:
    """The first block of an experiment in its quick form, measured on the CPU."""

    rules: ExperimentRules
    planned: PlannedBlock
    table: pd.DataFrame
    cell: object


@cache
def first_block(study: str, name: str) -> FirstBlock:
    experiment = load_study(study).experiments[name]
    rules = experiment_rules(name, experiment, "quick")
    planned = rules.plan(study, 0)[0]
    cells: list[object] = []

    def prepare(block: Block) -> object:
        cells.append(block if experiment.prepare is None else experiment.prepare(block))
        return cells[0]

    noting = replace(experiment, prepare=prepare)
    table = run_block(noting, rules, planned, TorchDevice("cpu"))
    return FirstBlock(rules, planned, table, cells[0] if (study, name) in LONG else None)


@pytest.fixture(scope="module", autouse=True)
def forget_blocks() -> Iterator[None]:
    """Let go of the tables and of what the blocks share once this module is through."""
    yield
    first_block.cache_clear()


def skip_without(needs: str, device: str) -> None:
    if needs not in ("cpu", device):
        pytest.skip(f"it needs {needs}")


@EACH_EXPERIMENT
def test_a_block_gives_a_judgeable_value_for_every_condition(study: str, name: str) -> None:
    """No row fails; a value that is no number is allowed only where no condition reads it."""
    skip_without(load_study(study).experiments[name].needs, "cpu")
    first = first_block(study, name)
    rules, table = first.rules, first.table
    schema(rules.factors, rules.responses).validate(table)
    assert table["message"].unique().tolist() == [""]
    measured = table.groupby([factor.name for factor in rules.factors] or "block").ngroups
    assert measured == len(first.planned.arms)
    rows = Rows(table, [factor.name for factor in rules.factors], planned_blocks=1)
    for condition in rules.conditions:
        effect = compute_effect(condition.comparison, rows)
        assert not effect.problem, f"{condition.name}: {condition.comparison}: {effect.problem}"


@EACH_EXPERIMENT
def test_arms_do_not_leak_into_each_other(study: str, name: str) -> None:
    """The same block with its arms in the opposite order gives the same values to the last bit."""
    experiment = load_study(study).experiments[name]
    skip_without(experiment.needs, "cpu")
    if experiment.fresh_process:
        pytest.skip("its values are times or sizes of a process")
    first = first_block(study, name)
    if (study, name) in LONG:
        # It is not prepared again: the arms find the cell as the first order has left it.
        experiment = replace(experiment, prepare=lambda _: first.cell)
    backwards = replace(first.planned, arms=first.planned.arms[::-1])
    again = run_block(experiment, first.rules, backwards, TorchDevice("cpu"))
    key = [*(factor.name for factor in first.rules.factors), "response", "round"]
    one, other = (
        found.drop(columns="order").sort_values(key, ignore_index=True)
        for found in (first.table, again)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@EACH_EXPERIMENT
def test_figures_draw_the_rows_and_leave_them_alone(study: str, name: str) -> None:
    experiment = load_study(study).experiments[name]
    if not experiment.figures:
        pytest.skip("it has no figure")
    skip_without(experiment.needs, "cpu")
    table = first_block(study, name).table
    for function in experiment.figures:
        rows = table.copy()
        with slide_style():
            figure = function(rows)
            assert isinstance(figure, Figure)
            figure.savefig(io.BytesIO(), format="png", dpi=20)
        pd.testing.assert_frame_equal(rows, table, check_exact=True)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@EACH_EXPERIMENT
def test_a_block_runs_on_cuda(study: str, name: str) -> None:
    experiment = load_study(study).experiments[name]
    rules = experiment_rules(name, experiment, "quick")
    table = run_block(experiment, rules, rules.plan(study, 0)[0], TorchDevice("cuda"))
    assert table["message"].unique().tolist() == [""]
