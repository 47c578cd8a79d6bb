"""What became of what was cited: a line a statement, and the numbers where they moved."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.publishing.lookup import Lookup
from harness.publishing.statements import read_statements, statements_in
from harness.publishing.verification import STATES, Checked, check, was
from harness.words import plural, shown

STYLES = {"stands": "green", "superseded": "yellow", "changed": "red"}
#: No sentence of a citation is shown longer than this.
LONGEST = 1000


def show_verification(given: str, results: Path) -> int:
    """Print what became of every statement of a file.

    Args:
        given: a file, or "-" for what comes in.
        results: the folder of run folders.

    Returns:
        0 if every verdict stands, 1 if something has changed.

    Raises:
        HarnessError: the file cannot be read or holds no citation, or the ledger is broken.
    """
    said = (
        statements_in(sys.stdin.buffer.read(), "standard input")
        if given == "-"
        else read_statements(Path(given))
    )
    lookup = Lookup.read(results)
    checked = [check(each, lookup) for each in said]
    console = Console(soft_wrap=True, highlight=False)
    for each in checked:
        _show(console, each)
    counts = Counter(each.state for each in checked)
    told = ", ".join(f"{state} {counts[state]}" for state in STATES)
    console.print(f"{plural(len(checked), 'statement')}: {told}.")
    return 1 if counts["changed"] else 0


def _show(console: Console, checked: Checked) -> None:
    said = checked.statement
    of = f" ({said.counterpart} counterpart)" if said.counterpart else ""
    where = f" ({said.where})" if said.where else ""
    head = Text(f"{checked.state:10}  ", style=STYLES[checked.state])
    head.append(shown(f"{said.id}{of}, {said.verdict}{where}"), style="not bold default")
    console.print(head)
    if checked.why:
        console.print(Text(f"  {shown(checked.why, LONGEST)}"))
    now = checked.now
    if checked.state != "stands" and now is not None and now.told != was(checked):
        for word, told in (("was:", was(checked)), ("is: ", now.told)):
            if told:
                console.print(Text(f"  {word} {shown(told, LONGEST)}"))
