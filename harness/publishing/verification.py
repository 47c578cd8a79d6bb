"""Whether what was cited still stands, was superseded or has changed, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from harness.publishing.citation import Cited
from harness.publishing.lookup import Lookup
from harness.publishing.slides import claim_slide
from harness.publishing.statements import Statement
from harness.store.folders import RunFolder, in_history
from harness.words import did_you_mean

State: TypeAlias = Literal["stands", "superseded", "changed"]
STATES: tuple[State, ...] = get_args(State)
#: A study's or a run's name, as a part of a path.
_PART = re.compile(r"(?!\.)[\w.+-]+")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Checked:
    """A statement, what became of it, and why.

    Attributes:
        statement: as it was cited.
        state: "stands", "superseded" (a newer run says the same with other numbers) or "changed".
        why: in a sentence or two.
        now: what would be cited today; none where there is nothing.
    """

    statement: Statement
    state: State
    why: str
    now: Cited | None = None


def check(statement: Statement, lookup: Lookup) -> Checked:
    """Hold a statement against the ledger and the stored runs, and its slide against both.

    Raises:
        HarnessError: the ledger, or a run that it rests on, is broken.
    """
    checked = _held(statement, lookup)
    edited = _edited(checked, lookup)
    if edited:
        return replace(checked, state="changed", why=_sentences(edited, checked.why))
    return checked


def _held(statement: Statement, lookup: Lookup) -> Checked:
    lost = _lost(statement, lookup)
    today, stale = _today(statement, lookup)
    if today is None:
        return Checked(statement, "changed", _sentences(stale, lost))
    changes = _changes(statement, today)
    if changes or lost:
        return Checked(statement, "changed", _sentences(*changes, lost), today)
    counting = set(today.runs) if statement.kind != "run" else _counting(statement, lookup)
    moved = _moved(statement, today)
    if set(statement.runs) <= counting and not moved:
        return Checked(statement, "stands", stale, today)
    if set(statement.runs) <= counting:
        why = "Its rows were judged anew: the same verdict, other numbers."
    else:
        why = _replaced(statement, counting, moved=moved)
    return Checked(statement, "superseded", _sentences(why, stale), today)


def _edited(checked: Checked, lookup: Lookup) -> str:
    """In a sentence, what a claim's slide says and its citation does not; empty if that is nothing.

    Of a superseded one the old numbers are known from its notes alone.
    """
    said = checked.statement
    if not said.shown or said.kind != "claim" or checked.state == "changed":
        return ""
    if said.verdict not in said.shown:
        return f"The slide no longer says that it was {said.verdict}."
    if checked.state == "superseded" and not said.said:
        return ""
    today = claim_slide(said.id, lookup)
    cited = " ".join([*(line.text for line in today.lines), today.notes, said.said])
    known = set(_NUMBER.findall(cited))
    strange = [n for n in dict.fromkeys(_NUMBER.findall(said.shown)) if n not in known]
    return f"The slide says {', '.join(strange)}, and what it cites does not." if strange else ""


def was(checked: Checked) -> str:
    """What was found when it was cited, without the words that it is of."""
    said = checked.statement.said
    words = f'"{checked.now.quoted}"' if checked.now else ""
    return said.removeprefix(words).strip()


def _lost(statement: Statement, lookup: Lookup) -> str:
    """In a sentence, that a cited run is not where it was, or is another one; empty if it is."""
    commits = []
    for run in statement.runs:
        folder = lookup.results / run
        if not _is_place(run) or not (folder / "protocol.json").is_file():
            known = f"; the history of the repository has it: `git log -- {folder}`"
            return f"Its run {run} is gone{known if _is_known(run, folder) else ''}."
        commits.append(lookup.protocol_of(run).commit)
    if set(commits) != set(statement.commits):
        were, are = ", ".join(statement.commits), ", ".join(dict.fromkeys(commits))
        return f"Cited is commit {were}; the run is of commit {are}."
    return ""


def _is_place(run: str) -> bool:
    parts = run.split("/")
    return len(parts) == len(("study", "run")) and all(map(_PART.fullmatch, parts))


def _is_known(run: str, folder: Path) -> bool:
    return _is_place(run) and in_history(folder)


def _today(statement: Statement, lookup: Lookup) -> tuple[Cited | None, str]:
    """What would be cited today and what to say beside it, or none and why."""
    if statement.kind == "claim":
        return _claim_today(statement, lookup)
    if statement.kind == "study":
        if statement.id not in lookup.studies:
            hint = did_you_mean(statement.id, lookup.studies)
            return None, f"There is no study {statement.id!r}.{hint}"
        cited = lookup.cited_study(statement.id)
        now = _same_machine(statement, cited)
        return (now, "") if now else (None, _nothing(statement))
    if statement.id not in statement.runs or not _is_place(statement.id):
        return None, f"{statement.id} is no run that it names."
    folder = lookup.results / statement.id
    return (lookup.cited_run(RunFolder(folder)), "") if folder.is_dir() else (None, "")


def _claim_today(statement: Statement, lookup: Lookup) -> tuple[Cited | None, str]:
    if statement.id not in lookup.catalogue:
        hint = did_you_mean(statement.id, lookup.catalogue)
        return None, f"There is no claim {statement.id!r}.{hint}"
    kind = "counterpart" if statement.counterpart else "claim"
    rows = [
        row
        for row in lookup.rows
        if row["claim"] == statement.id and row["kind"] == kind and row["run"]
    ]
    cited = [lookup.cited_row(row) for row in rows]
    now = _same_machine(statement, cited)
    if now is None:
        # The ledger leaves a verdict by older rules out where another machine has today's.
        other = next((each for each in cited if each.device == statement.device), None)
        return other, _other_machine(statement, other) if other else _nothing(statement)
    stale = next(row["stale"] for row in rows if now.runs[0] in row["run"].split())
    return now, stale


def _same_machine(statement: Statement, cited: Sequence[Cited]) -> Cited | None:
    """What the same run says today; else a run of the same study on the same machine."""
    own = [each for each in cited if set(each.runs) & set(statement.runs)]
    where = {(_machine(run), statement.device) for run in statement.runs}
    return next(iter([*own, *(c for c in cited if (c.machine, c.device) in where)]), None)


def _machine(run: str) -> str:
    """A run's machine, which stands in the name of its folder."""
    return run.partition("/")[2].partition("_")[2].rpartition("_")[0]


def _machines(statement: Statement) -> str:
    return ", ".join(dict.fromkeys(map(_machine, statement.runs)))


def _nothing(statement: Statement) -> str:
    machines = _machines(statement)
    return f"No published run says anything of it today on {machines} ({statement.device})."


def _other_machine(statement: Statement, other: Cited) -> str:
    here, there = _machines(statement), other.machine
    return f"Its rules have changed since; {there} has today's verdict, {here} has none."


def _counting(statement: Statement, lookup: Lookup) -> set[str]:
    """The runs that the ledger shows of a run's study, machine and device."""
    study, place = statement.id.partition("/")[0], (_machine(statement.id), statement.device)
    return {
        run
        for row in lookup.rows
        if (row["machine"], row["device"]) == place
        for run in row["run"].split()
        if run.partition("/")[0] == study
    }


def _changes(statement: Statement, today: Cited) -> list[str]:
    changes = []
    if statement.verdict != today.verdict:
        newer = set(today.runs) - set(statement.runs)
        by = f" by {', '.join(sorted(newer))}" if newer else ""
        changes.append(f"It was {statement.verdict}; it is {today.verdict}{by}.")
    words = _words(today.quoted)
    if statement.said.startswith('"') and _words(statement.said)[: len(words)] != words:
        changes.append(f'The words that it is of are others now: "{today.quoted}"')
    return changes


def _words(text: str) -> list[str]:
    """What is left of a text that went through other programs."""
    return re.findall(r"\w+", text.lower())


def _moved(statement: Statement, today: Cited) -> bool:
    """Whether the numbers are others; a citation without any says nothing of them."""
    said = f"{today.quoted} {today.told}" if statement.said.startswith('"') else today.told
    cited, found = (Counter(_NUMBER.findall(text)) for text in (statement.said, said))
    return bool(statement.said) and cited != found


def _replaced(statement: Statement, counting: set[str], *, moved: bool) -> str:
    runs = ", ".join(sorted(counting)) or "none"
    numbers = "the numbers moved" if moved else "the same numbers"
    same = f", the same verdict, {numbers}" if statement.said else ""
    kept = ", ".join(sorted(set(statement.runs) - counting))
    return f"A newer run counts{same}: {runs}. What was cited is kept: {kept}."


def _sentences(*parts: str) -> str:
    return " ".join(filter(None, parts))
