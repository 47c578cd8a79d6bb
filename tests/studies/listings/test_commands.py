"""Planted commands, in a fresh process and in a fresh namespace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studies.listings.commands import (
    LOSSES,
    RISING,
    a_folder_of_its_own,
    a_model,
    here,
    shell,
    write_log,
)


def test_the_log_rises_more_often_than_the_command_shows() -> None:
    assert RISING == [2, 3, 4, 5, 6, 7, 8]


def test_the_log_has_a_line_an_epoch(tmp_path: Path) -> None:
    write_log(tmp_path)
    head, *rest = (tmp_path / "logs.csv").read_text().splitlines()
    assert head == "epoch,val_loss"
    assert rest == [f"{epoch},{loss}" for epoch, loss in enumerate(LOSSES)]


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("print(1); print(2)", "runs: 2 lines"),
        ("# print(1)", "runs: 0 lines"),
        ("x = 1; with open('logs.csv') as f: print(f)", "SyntaxError: invalid syntax"),
        ("print(unheard_of)", "NameError: name 'unheard_of' is not defined"),
        ("import os; print(sorted(os.listdir()))", "runs: 1 line"),
    ],
)
def test_a_command_ends_in_a_fresh_process_as_it_must(command: str, end: str) -> None:
    assert shell(command)() == end


def test_a_fresh_namespace_knows_nothing_of_this_one() -> None:
    assert here("print(torch)")().startswith("NameError")
    assert here("print(1)")() == "runs: 1 line"
    assert here("for x in (1,): if x: print(x)")().startswith("SyntaxError")


def test_the_saved_thing_stands_in_the_folder_and_this_process_goes_back() -> None:
    before = Path.cwd()
    source = "import torch\nprint(len(torch.load('model.pth')))"
    assert here(source, lambda: [torch.ones(1)])() == "runs: 1 line"
    assert Path.cwd() == before
    with a_folder_of_its_own() as folder:
        assert Path.cwd().samefile(folder)
    assert not folder.exists()


def test_the_model_has_dropout() -> None:
    assert any(isinstance(each, torch.nn.Dropout) for each in a_model().modules())
