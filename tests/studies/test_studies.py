"""Every study that discovery finds is well-formed, and every experiment runs in its quick form."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from _pytest.mark.structures import ParameterSet
from matplotlib.figure import Figure

from harness.catalogue.cards import cards, study_names
from harness.catalogue.claims import read_catalogue
from harness.catalogue.loading import load_study
from harness.design.claims import Claim, Unmeasurable
from harness.design.experiment import Experiment, Study
from harness.design.factors import Block
from harness.figures.style import slide_style
from harness.judging.effects import Rows, compute_effect
from harness.meters.device import TorchDevice
from harness.protocol.protocol import new_protocol, read_protocol, write_protocol
from harness.protocol.rules import ExperimentRules, experiment_rules
from harness.running.block import run_block
from harness.store.parquet import schema

REPOSITORY = Path(__file__).parents[2]
STUDIES = study_names()
#: Loaded once: to check a study takes as long as many a test of it.
LOADED = {name: load_study(name) for name in STUDIES}
EXPERIMENTS = [(study, name) for study in STUDIES for name in LOADED[study].experiments]
EACH_STUDY = pytest.mark.parametrize("name", STUDIES)
#: Experiments whose single block takes long even in quick form, for it trains a large model.
LONG = {("eval-variance", "minilm")}
#: Experiments of which some cells need the pretrained model.
PRETRAINED = {
    *(("eval-variance", name) for name in ("families", "minilm")),
    *(("grad-mode", name) for name in ("harmless_eval", "keeps", "outputs", "speed")),
    *(("load-loss", name) for name in ("libraries", "second_load", "skipped_eval")),
    ("load-loss", "third_listing"),
    ("tuning", "fine_tuned"),
}
#: Responses that no seed decides: the allocator chooses the places where batches arrive, and how
#: many it takes hangs on when the one before is let go.
PLACES = {("dataloader", "pinning"): {"buffers"}}
#: Rows by study and experiment, for the tests of figures.
_MEASURED: dict[tuple[str, str], pd.DataFrame] = {}


def parameter_of(each: tuple[str, str]) -> ParameterSet:
    """An experiment as a test's parameter, with the marks of what it needs."""
    marks = [pytest.mark.slow, pytest.mark.timeout(600)] if each in LONG else []
    marks += [pytest.mark.pretrained] if each in PRETRAINED else []
    return pytest.param(*each, marks=marks, id="/".join(each))


EACH_EXPERIMENT = pytest.mark.parametrize(
    ("study", "name"), [parameter_of(each) for each in EXPERIMENTS]
)


@EACH_STUDY
def test_a_study_is_well_formed(name: str, tmp_path: Path) -> None:
    study = LOADED[name]
    (card,) = [card for card in cards() if card.name == name]
    assert_sentence(card.question)
    assert card.cost, "its package says what a run costs"
    assert_claims_are_those_of_the_catalogue(study)
    assert_protocol_survives_the_disk(study, tmp_path)
    for experiment in study.experiments.values():
        assert_sentence(experiment.question)
        blocks = experiment.blocks
        assert 1 <= blocks.quick <= blocks.standard <= blocks.full
        for response, unit in experiment.units().items():
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
    """Each is judged or declared unmeasurable, and no other is."""
    rules = [rule for experiment in study.experiments.values() for rule in experiment.claims]
    judged = {rule.id for rule in rules if isinstance(rule, Claim)}
    declared = {rule.id for rule in rules if isinstance(rule, Unmeasurable)}
    catalogued = {entry.claim for entry in read_catalogue().values() if entry.study == study.name}
    assert judged | declared == catalogued


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
from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
print([name for name in study_names() if load_study(name).experiments])
print({"torch", "transformers", "sklearn", "matplotlib"} & set(sys.modules))
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


@EACH_EXPERIMENT
def test_an_experiment_runs_in_quick_form(study: str, name: str) -> None:
    """Every condition gets a value, no arm leaks into another, and the figures draw the rows."""
    experiment = LOADED[study].experiments[name]
    if experiment.needs != "cpu":
        pytest.skip(f"it needs {experiment.needs}")
    cells: list[object] = []

    def prepare(block: Block) -> object:
        assert experiment.prepare is not None
        cells.append(experiment.prepare(block))
        return cells[0]

    rules = short_rules(name, experiment)
    planned = rules.plan(study, 0)[0]
    watched = replace(experiment, prepare=prepare) if experiment.prepare else experiment
    table = run_block(watched, rules, planned, TorchDevice("cpu"))
    _MEASURED[study, name] = table
    assert_every_condition_has_a_value(rules, table)
    assert_figures_draw(experiment, table)
    if rules.fresh_process:
        return  # its values are times or sizes of a process
    if (study, name) in LONG:
        # It is not prepared again: the arms find the cell as the first order has left it.
        experiment = replace(experiment, prepare=lambda _: cells[0])
    # The last arms, last first, and without what all the others may leave behind.
    last = max(2, len(planned.arms) // 4)
    backwards = replace(planned, arms=planned.arms[-last:][::-1])
    again = run_block(forgetful(experiment), rules, backwards, TorchDevice("cpu"))
    forwards = table[table["order"] >= len(planned.arms) - last]
    unseeded = PLACES.get((study, name), set())
    assert_same_values(
        rules, *(rows[~rows["response"].isin(unseeded)] for rows in (forwards, again))
    )


def quick_rows(study: str, name: str) -> pd.DataFrame:
    """The rows of an experiment's first block in quick form, measured once in this process."""
    if (study, name) not in _MEASURED:
        experiment = LOADED[study].experiments[name]
        rules = short_rules(name, experiment)
        planned = rules.plan(study, 0)[0]
        _MEASURED[study, name] = run_block(experiment, rules, planned, TorchDevice("cpu"))
    return _MEASURED[study, name].copy()


def forgetful(experiment: Experiment[Any]) -> Experiment[Any]:
    """The same experiment to which nothing that was measured together belongs."""
    measure = experiment.measure_together
    if measure is None:
        return experiment
    return replace(experiment, measure_together=partial(measure))


def short_rules(name: str, experiment: Experiment[Any]) -> ExperimentRules:
    """The rules of the quick profile, of which neither times nor many blocks matter here."""
    rules = experiment_rules(name, experiment, "quick")
    return replace(rules, rounds=min(rules.rounds, 2), together=min(rules.together, 2))


def assert_every_condition_has_a_value(rules: ExperimentRules, table: pd.DataFrame) -> None:
    """No row fails; a value that is no number is allowed only where no condition reads it."""
    names = [factor.name for factor in rules.factors]
    schema(rules.factors, rules.units).validate(table)
    # What stands behind a number may be noted; only a failure has a message that matters here.
    assert table["status"].unique().tolist() == ["ok"], table["message"].unique()
    assert table.groupby(names or "block").ngroups == len(rules.arms)
    rows = Rows(table, names, planned_blocks=1)
    for condition in rules.conditions:
        effect = compute_effect(condition.comparison, rows)
        assert not effect.problem, (
            f"{condition.name}: {rules.label(condition.comparison)}: {effect.problem}"
        )


def assert_figures_draw(experiment: Experiment[Any], table: pd.DataFrame) -> None:
    """Each draws such rows and leaves them as they are."""
    for function in experiment.figures:
        rows = table.copy()
        with slide_style():
            figure = function(rows)
            assert isinstance(figure, Figure)
            figure.savefig(io.BytesIO(), format="png", dpi=20)
        pd.testing.assert_frame_equal(rows, table, check_exact=True)


def assert_same_values(rules: ExperimentRules, one: pd.DataFrame, other: pd.DataFrame) -> None:
    """The same arms have the same values to the last bit, in whichever order they were measured."""
    key = [*(factor.name for factor in rules.factors), "response", "round"]
    first, second = (
        found.drop(columns="order").sort_values(key, ignore_index=True) for found in (one, other)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.cuda
@EACH_EXPERIMENT
def test_a_block_runs_on_cuda(study: str, name: str) -> None:
    experiment = LOADED[study].experiments[name]
    rules = short_rules(name, experiment)
    table = run_block(experiment, rules, rules.plan(study, 0)[0], TorchDevice("cuda"))
    assert table["status"].unique().tolist() == ["ok"], table["message"].unique()
