"""Each command's whole output, as somebody has read and approved it.

``pytest tests/harness/cli/test_approved.py --approve`` writes it anew; the change is then read.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.runs import House

APPROVED = Path(__file__).parent / "approved"
#: By name: the commands that come before, and the one whose output is held.
COMMANDS = {
    "list": ([], "list"),
    "claims": (["ledger"], "claims"),
    "claims-mixed": (["ledger"], "claims --verdict mixed"),
    "show-judged": (["ledger"], "show P-both-1"),
    "show-planned": ([], "show P-up-1"),
    "show-untested": (["ledger"], "show P-later-1"),
    "check": ([], "check planted"),
    "judge": ([], "judge {run}"),
    "judge-details": (["ledger"], "judge {run} --details"),
    "draw": ([], "draw {run}"),
    "ledger": ([], "ledger"),
    "report": (["ledger"], "report"),
    "cite": (["ledger"], "cite P-both-1 --format apa"),
    "verify": (["ledger", "slides planted"], "verify planted.pptx"),
    "resume": (["ledger"], "run planted --resume {run}"),
    "arithmetic": ([], "arithmetic --examples 10000 --batch 32 --epochs 3 --accumulate 4"),
    "help": ([], "--help"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_what_was_approved(
    name: str, house: House, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    run = house.finished()
    before, command = COMMANDS[name]
    for each in before:
        assert house(*each.split()).code == 0
    ended = house(*command.format(run=run.path.name).split())
    assert ended.code == 0, ended.err
    text = normalised(ended.out, run.path.name)
    path = APPROVED / f"{name}.txt"
    if request.config.getoption("--approve"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def normalised(text: str, run: str) -> str:
    """The output without what differs from day to day and machine to machine."""
    machine = re.escape(run.split("_")[1])
    text = re.sub(rf"\b{machine}\b", "MACHINE", text.replace(run, "RUN"))
    text = re.sub(r"\(20\d\d, \w+ \d+\)", "(DATE)", text)
    text = re.sub(r"\(Version [^;]+;", "(Version N;", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
