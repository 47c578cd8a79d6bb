"""The explorer that detects bugs: switches, curves beside the correct loop's, what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.design.factors import Factor, names_of
from harness.publishing.curve_charts import Read, curve_charts, legend
from harness.publishing.explored import (
    Choice,
    Explored,
    Judged,
    Missing,
    bearing,
    cells,
    choice,
    explored,
    when,
)
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page
from harness.words import number

STUDY, DOCUMENT = "bugs", "C"
PAIRS, SIMULATOR, SIGNATURES = "pairs", "simulator", "signatures"
#: Of the pairs, by epoch.
READS = tuple(
    map(
        Read,
        ("train_loss", "val_loss", "val_score", "production_score", "gradient_norm", "kept_bytes"),
    )
)
#: Of the simulator; its first loss is from before the first epoch.
SIMULATED = (Read("loss", 0), Read("norm"))
#: The claims that say something of a bug, by its name.
JUDGED = {
    "keep_gradients": Judged(
        STUDY,
        ("gradients", "no_zero_grad", "same_as_momentum", "simulator", "two_gradients"),
        DOCUMENT,
    ),
    "evaluate_in_train_mode": Judged(
        "eval-variance", ("swings", "repeats", "batch_norm"), DOCUMENT
    ),
    "train_in_eval_mode": Judged("eval-variance", ("switch_back",), DOCUMENT),
    "keep_outputs": Judged(
        STUDY, ("detached", "kept_memory", "kept_outputs", "out_of_memory"), DOCUMENT
    ),
    "stale_optimiser": Judged(
        STUDY, ("frozen", "frozen_cost", "frozen_touched", "new_parameters"), DOCUMENT
    ),
    "leak": Judged(STUDY, ("crops", "gaps", "overlap", "preprocessing"), DOCUMENT),
}
#: The sixth bug has no switch: on a CPU its run is the correct one.
ELSEWHERE = "the wrong device"
ELSEWHERE_JUDGED = Judged(
    STUDY, ("mixed_devices", "slow_targets", "targets_elsewhere", "utilisation"), DOCUMENT
)
#: Of all bugs together.
ALL = "all six"
ALL_JUDGED = Judged(STUDY, ("signatures", "silent", "smooth"), DOCUMENT)
#: The claims that the page bears on.
BEARS_ON = (*JUDGED.values(), ELSEWHERE_JUDGED, ALL_JUDGED)


#: What a diagnosis may look at, when the page begins.
ALL_LOGGED = "everything logged"


@dataclass(frozen=True)
class Said:
    """What a document says of one bug beside what was found."""

    when: str
    label: str
    claims: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Confusion:
    """How often runs with each bug were diagnosed as which, in one state: rows of per cents."""

    when: str
    setting: str
    told: str
    diagnoses: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def bugs_page(sources: Sources) -> bytes:
    """The page."""
    pairs = explored(
        sources,
        STUDY,
        PAIRS,
        factors=("loop", "case"),
        responses=[read.response for read in READS],
    )
    simulator = explored(
        sources,
        STUDY,
        SIMULATOR,
        factors=("task", "optimiser", "gradients"),
        responses=[read.response for read in SIMULATED],
    )
    signatures = explored(
        sources, STUDY, SIGNATURES, factors=("view", "learnt_on", "bug"), responses=("recognised",)
    )
    charts, simulated = [], []
    if isinstance(pairs, Explored):
        charts = curve_charts(pairs, "loop", ("case",), READS, show="show", name="bug")
    if isinstance(simulator, Explored):
        settings = ("task", "optimiser")
        simulated = curve_charts(simulator, "gradients", settings, SIMULATED, show="sim")
    return render_page(
        "explorer_bugs.html.jinja",
        "../",
        pairs=pairs,
        bugs=_bugs(pairs),
        choices=_choices(pairs, ("case",), "show", "What is shown", READS),
        charts=charts,
        legend=legend(charts),
        simulator=simulator,
        simulator_choices=_choices(
            simulator, ("task", "optimiser"), "sim", "What is shown", SIMULATED
        ),
        simulator_charts=simulated,
        simulator_legend=legend(simulated),
        signatures=signatures,
        signature_choices=[]
        if isinstance(signatures, Missing)
        else [
            choice(signatures.factor("view"), ALL_LOGGED),
            choice(signatures.factor("learnt_on")),
        ],
        confusions=_confusions(signatures),
        said=_said(sources, pairs),
        study=STUDY,
        elsewhere=ELSEWHERE,
    )


def _bugs(pairs: Explored | Missing) -> Choice | None:
    """The switches: every loop with one bug; the page begins with the first of them."""
    if isinstance(pairs, Missing):
        return None
    whole = choice(pairs.factor("loop"))
    control = str(pairs.factor("loop").control)
    options = tuple(
        (value, words)
        for value, words in whole.options
        if value != control and len(names_of(value)) == 1
    )
    return Choice("bug", "Switch on", options, options[0][0] if options else "")


def _choices(
    of: Explored | Missing, factors: Sequence[str], show: str, label: str, reads: Sequence[Read]
) -> list[Choice]:
    if isinstance(of, Missing):
        return []
    choices = [choice(of.factor(name)) for name in factors]
    if reads:
        options = tuple((r.response, of.response(r.response).meaning) for r in reads)
        choices.append(Choice(show, label, options, options[0][0]))
    return choices


def _confusions(signatures: Explored | Missing) -> list[Confusion]:
    """A table for each state: rows are bugs, columns diagnoses, both in one order."""
    if isinstance(signatures, Missing):
        return []
    bug = signatures.factor("bug")
    names = {response.name for response in signatures.rules.responses}
    kinds = [level for level in bug.levels if f"as_{level}" in names]
    factors = [signatures.factor(name) for name in ("view", "learnt_on")]
    found = []
    for levels, rows in cells(signatures.rows, factors):
        means = rows.groupby(["bug", "response"])["value"].mean().to_dict()
        shares = {
            kind: [_per_cent(means.get((kind, f"as_{other}"))) for other in kinds] for kind in kinds
        }
        told = (f"{bug.say(k)} {shares[k][place]}" for place, k in enumerate(kinds))
        found.append(
            Confusion(
                when(dict(zip(("view", "learnt_on"), levels, strict=True))),
                ", ".join(filter(None, map(Factor.say, factors, levels))),
                f"Of 100 runs diagnosed as what they are: {', '.join(told)}.",
                tuple(bug.say(kind) for kind in kinds),
                tuple((bug.say(kind), tuple(row)) for kind, row in shares.items()),
            )
        )
    return found


def _per_cent(share: float | None) -> str:
    return "no row" if share is None else number(round(100 * share))


def _said(sources: Sources, pairs: Explored | Missing) -> list[Said]:
    """What the document says of each bug, of the one without a switch, and of all."""
    label = {} if isinstance(pairs, Missing) else dict(choice(pairs.factor("loop")).options)
    of_bugs = [
        Said(
            when({"bug": bug}),
            label.get(bug, bug.replace("_", " ")),
            bearing(sources, judged),
        )
        for bug, judged in JUDGED.items()
    ]
    others = [
        Said("", words, bearing(sources, judged))
        for words, judged in ((ELSEWHERE, ELSEWHERE_JUDGED), (ALL, ALL_JUDGED))
    ]
    return [*of_bugs, *others]
