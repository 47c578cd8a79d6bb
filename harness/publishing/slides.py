"""What slides say: a claim's finding, figure, numbers and citation, from the ledger's row of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.judging.claims import FAILS, HOLDS
from harness.judging.findings import Finding
from harness.judging.warnings import WARNINGS
from harness.publishing.citation import Cited, apa
from harness.publishing.design_told import told
from harness.publishing.lookup import Lookup
from harness.publishing.pages import MEANING, figure_of
from harness.publishing.site_sources import lead
from harness.publishing.webpage import SIGNS
from harness.store.folders import RunFolder
from harness.words import COLOURS, YES_NO, holds_in, plain, plural, sentence_case, shown

#: No text of a slide or its notes is longer than this.
LONGEST = 1000
_SIGNS = "".join(re.escape(sign) for sign, _ in SIGNS.values())


@dataclass(frozen=True)
class Line:
    """A paragraph on a slide; a strong one is what the audience should see first."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes:
        name: a claim's id, or a study's name.
        title: the finding as a sentence.
        verdict: of the claim; empty on the title slide of a study.
        machine: what it was measured on.
        lines: what is read below these.
        source: the citation in short.
        figure: the picture beside the lines, if there is one.
        alt: what the picture shows.
        notes: the protocol and the whole citation, for who speaks.
        date: of the run.
    """

    name: str
    title: str
    verdict: str
    machine: str
    lines: tuple[Line, ...]
    source: str
    figure: Path | None
    alt: str
    notes: str
    date: str

    @property
    def badge(self) -> str:
        """The verdict with its sign."""
        return f"{SIGNS[self.verdict][0]} {self.verdict}" if self.verdict else ""


def slides_of(names: Sequence[str], lookup: Lookup) -> list[str]:
    """What there is to be a slide of: claims, and studies as their name before all their claims.

    Raises:
        HarnessError: there is no such claim or study, or nothing is known of it.
    """
    wanted: list[str] = []
    for name in names:
        if name in lookup.catalogue:
            lookup.judged(name)
            wanted.append(name)
        elif name in lookup.studies:
            claims = lookup.claims_of(name)
            if not claims:
                raise HarnessError(f"No run of the study {name} is published yet.")
            wanted += [name, *claims]
        else:
            raise lookup.unknown(name, runs=False)
    return list(dict.fromkeys(wanted))


def slide(name: str, lookup: Lookup) -> Slide:
    """The slide of a claim, or the title slide of a study.

    Raises:
        HarnessError: a run that it rests on is broken.
    """
    return claim_slide(name, lookup) if name in lookup.catalogue else title_slide(name, lookup)


def claim_slide(claim: str, lookup: Lookup) -> Slide:
    """The slide of a claim: of the machine whose result speaks for it, the others named beside."""
    rows = lookup.judged(claim)
    row = lead(rows) if any(each["kind"] == "claim" for each in rows) else rows[0]
    findings = lookup.findings_of(row)
    figure, alt = _figure(row, findings, lookup)
    cited = lookup.cited_row(row)
    others = [each for each in rows if each is not row]
    return Slide(
        name=claim,
        title=_set(finding_title(lookup.catalogue[claim], row)),
        verdict=row["verdict"],
        machine=_set(measured_on(row["machine"], row["device"], row["torch"])),
        lines=tuple(Line(_set(line.text), line.strong) for line in _lines(row, others)),
        source=_told(source_line(cited)),
        figure=figure,
        alt=_told(alt),
        notes="\n".join(_notes(row, findings, others, cited, lookup)),
        date=cited.date,
    )


def finding_title(entry: Entry, row: Mapping[str, str]) -> str:
    """The finding as a sentence, in the claim's own words."""
    where = "" if entry.needs == "field data" else f" on {row['machine']}"
    before = {
        "refuted": "Refuted",
        "inconclusive": "Not decided",
        "not measurable": f"Not measurable{where}",
        "mixed": holds_in(int(row["holds"]), int(row["judged"])),
    }.get(row["verdict"])
    return f"{before}: {entry.says}" if before else entry.says


def measured_on(machine: str, device: str, torch: str) -> str:
    """The machine of a result, with its torch."""
    return f"On {machine} ({device}), torch {torch}"


def source_line(cited: Cited) -> str:
    """The citation as it fits below a slide; the whole stands in the notes."""
    head = cited.title.removesuffix(f': "{cited.quoted}"')
    authors = " & ".join(cited.project.authors)
    return f"{authors} ({cited.date[:4]}). {head}. {cited.source}"


def _lines(row: Mapping[str, str], others: Sequence[Mapping[str, str]]) -> Iterator[Line]:
    if row["verdict"] == "mixed" and HOLDS in row["sentence"]:
        _, _, rest = row["sentence"].partition(HOLDS)
        holds, _, fails = rest.partition(FAILS)
        yield Line(f"{HOLDS.strip()} {holds}")
        yield Line(f"{FAILS.strip()} {fails}")
    elif row["number"]:
        found, of = Line(row["number"], strong=True), Line(sentence_case(row["contrast"]))
        # "in all 20 blocks" goes on from what was so there; any other number stands by itself.
        yield from (of, found) if found.text.startswith("in ") else (found, of)
        more = int(row["judged"]) > 1 and row["verdict"] != "mixed"
        holds = f"{holds_in(int(row['holds']), int(row['judged']))}." if more else ""
        where = "" if row["unit"] == YES_NO else f"It holds if {row['region']}."
        if where or holds:
            yield Line(f"{where} {holds}".strip())
    else:
        yield Line(row["sentence"] or row["reason"])
    for other in others:
        if other["kind"] == "claim":
            sign = f"{SIGNS[other['verdict']][0]} {other['verdict']}"
            number = f", {other['number']}" if other["number"] else ""
            older = ", by older rules" if other["stale"] else ""
            yield Line(f"On {other['machine']}: {sign}{number}{older}")
    if row["stale"]:
        yield Line(row["stale"])


def _figure(
    row: Mapping[str, str], findings: Sequence[Finding], lookup: Lookup
) -> tuple[Path | None, str]:
    """The first figure of the experiment that stands for the claim, and what it shows."""
    experiments = row["experiments"].split()
    lead_of = [each.experiment for each in findings if each.headline and each.kind == row["kind"]]
    for experiment in [*lead_of, *experiments]:
        for run in row["run"].split():
            folder, protocol = RunFolder(lookup.results / run), lookup.protocol_of(run)
            for path in sorted(folder.figures.glob("*.png")):
                figure = figure_of(path, protocol, "")
                if figure["experiment"] == experiment:
                    return path, figure["alt"]
    return None, ""


def _notes(
    row: Mapping[str, str],
    findings: Sequence[Finding],
    others: Sequence[Mapping[str, str]],
    cited: Cited,
    lookup: Lookup,
) -> Iterator[str]:
    entry = lookup.catalogue[row["claim"]]
    own = [each for each in findings if each.kind == row["kind"]]
    beyond = [each for each in findings if each.kind == "beyond"]
    yield _told(f"Claim {entry.claim}, document {entry.document}, {entry.section}: {entry.says}")
    meaning = MEANING[entry.quantifier]
    yield _told(f"It speaks of: {entry.scope}. Kind of statement, {entry.quantifier}: {meaning}.")
    yield _told(f"Verdict: {row['verdict']}. {row['reason']}")
    yield _told(row["sentence"])
    if row["curve"]:
        yield _told(f"Over sizes: {row['curve']}")
    for reading in dict.fromkeys(each.reading for each in own if each.reading):
        yield _told(f"How the words became a rule: {reading}")
    for region in dict.fromkeys(each.region for each in own if each.region):
        yield _told(f"It holds if: {region}.")
    yield from _designs(row, lookup)
    if beyond:
        yield f"{plural(len(beyond), 'condition')} beyond the document's words decide nothing."
    for name in row["warnings"].split():
        yield f"Warning, {name}: {WARNINGS[name].says} {WARNINGS[name].try_}"
    if row["stale"]:
        yield _told(row["stale"])
    for other in others:
        kind = " (counterpart)" if other["kind"] == "counterpart" else ""
        yield _told(f"On {other['machine']}{kind}: {other['verdict']}. {other['sentence']}")
    for run in cited.runs:
        yield f"Rows and protocol: results/{run}. To repeat: {lookup.protocol_of(run).command}"
    yield "How to cite:"
    yield apa(cited)


def _designs(row: Mapping[str, str], lookup: Lookup) -> Iterator[str]:
    """What was done in each experiment: its question, what was varied, arms and blocks."""
    for experiment in row["experiments"].split():
        protocols = (lookup.protocol_of(run) for run in row["run"].split())
        rules = next(
            (p.experiments[experiment] for p in protocols if experiment in p.experiments), None
        )
        if rules is None:
            continue
        design = told(rules)
        yield _told(f"Experiment {design.name}: {design.question}")
        for factor in design.factors:
            control = f" (compared with: {factor.control})" if factor.control else ""
            yield _told(f"{factor.title}: {'; '.join(factor.levels)}{control}")
        yield _told(design.blocks)


def title_slide(study: str, lookup: Lookup) -> Slide:
    """The slide before those of a study's claims: its question, its verdicts, its machines."""
    cited = lookup.cited_study(study)
    claims = lookup.claims_of(study)
    leads = [lead(lookup.judged(claim)) for claim in claims]
    counts = Counter(row["verdict"] for row in leads)
    speaks = Counter((row["machine"], row["device"]) for row in leads)
    cited.sort(key=lambda each: -speaks[each.machine, each.device])
    waiting = sum(entry.study == study for entry in lookup.catalogue.values()) - len(claims)
    lines = [Line(f"{plural(len(claims), 'claim')} put to the test", strong=True)]
    lines += [
        Line(f"{SIGNS[verdict][0]} {counts[verdict]} {verdict}")
        for verdict in COLOURS
        if counts[verdict]
    ]
    lines += [Line(measured_on(each.machine, each.device, each.torch)) for each in cited]
    notes = [
        f"Study {study}: {_told(lookup.questions.get(study, ''))}",
        *([f"{plural(waiting, 'claim')} of it: not tested yet."] if waiting > 0 else []),
        *(
            f"On {each.machine}: {each.verdict}. Rows: "
            f"{', '.join(f'results/{run}' for run in each.runs)}."
            for each in cited
        ),
        "How to cite:",
        *(apa(each) for each in cited),
    ]
    return Slide(
        name=study,
        title=_set(lookup.questions.get(study, "") or study),
        verdict="",
        machine="",
        lines=tuple(Line(_set(line.text), line.strong) for line in lines),
        source=_told(source_line(cited[0])),
        figure=None,
        alt="",
        notes="\n".join(notes),
        date=max(each.date for each in cited),
    )


def _told(text: str) -> str:
    return shown(plain(text), LONGEST)


def _set(text: str) -> str:
    """A text as it is set in large letters: no line ends after a minus, or before a % or a sign."""
    text = re.sub(r"(?<![\w-])-(?=\d)", "\N{MINUS SIGN}", _told(text))
    return re.sub(rf"(?<=\d) (?=%)|(?<=[{_SIGNS}]) ", "\N{NO-BREAK SPACE}", text)
