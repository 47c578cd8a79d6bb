"""Drawing a run: every figure function of its experiments, on the stored rows, without torch."""

from __future__ import annotations

from pathlib import Path

from harness.discover import load_study
from harness.errors import HarnessError
from harness.figures import save_figure, slide_style
from harness.folders import RunFolder
from harness.observations import read_observations
from harness.protocol import Protocol
from harness.rules import rules_hash, study_rules


def draw_run(folder: RunFolder, protocol: Protocol, into: RunFolder | None = None) -> list[Path]:
    """Draw the figures of a run.

    Args:
        folder: a finished run.
        protocol: its protocol.
        into: where to write; by default the run folder itself.

    Returns:
        The files written: an svg and a png for every figure function of every experiment.

    Raises:
        HarnessError: a table is missing or broken, or the study's design has changed so that its
            figure functions no longer fit the stored rows.
    """
    study = load_study(protocol.study)
    now = study_rules(study, protocol.profile)
    written: list[Path] = []
    for name, rules in protocol.experiments.items():
        functions = study.experiments[name].figures if name in study.experiments else ()
        if not functions or not rules.measurable_on(protocol.device):
            continue
        if rules_hash({name: now[name]}) != rules_hash({name: rules}):
            raise HarnessError(
                f"{folder.path}: the design of {name} has changed since this run "
                f"(commit {protocol.commit}); draw it with that version, or run the study again."
            )
        table = read_observations(folder, protocol, rules)
        for function in functions:
            stem = f"{name}-{function.__name__}".replace("_", "-")
            with slide_style():
                written += save_figure(function(table), (into or folder).figures / stem)
    return written
