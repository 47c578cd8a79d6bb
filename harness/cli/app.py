"""The command line. Every command imports what it needs when it runs, so that menus stay quick."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import HarnessError
from harness.words import shown_by_lines

app = typer.Typer(
    name="harness",
    help="Put the claims of PyTorch teaching material to controlled, paired experiments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Results = Annotated[Path, typer.Option("--results", help="The folder of run folders.")]
Run = Annotated[str, typer.Argument(help="A run folder, or its name below the results folder.")]
DEFAULT_RESULTS = Path("results")


@app.command("list")
def list_studies(
    device: Annotated[
        str | None,
        typer.Option(help="Instead, what would run on cpu or cuda, by worth, and its time."),
    ] = None,
    profile: Annotated[str, typer.Option(help="With --device: of which profile.")] = "standard",
    results: Results = DEFAULT_RESULTS,
) -> None:
    """The studies, with the number of claims each judges and what it costs."""
    if device is None:
        from harness.cli.menu import show_studies

        show_studies(results)
    else:
        from harness.cli.forecast import show_forecast
        from harness.design.factors import profile_of

        show_forecast(device, profile_of(profile), results)


@app.command()
def claims(
    study: Annotated[str | None, typer.Option(help="Only claims of this study.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Only claims of document A, B, C or D.")
    ] = None,
    verdict: Annotated[str | None, typer.Option(help="Only claims with this verdict.")] = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """The catalogue of claims with their verdicts."""
    from harness.cli.menu import show_claims

    show_claims(results, study, document, verdict)


@app.command()
def show(
    claim: Annotated[str, typer.Argument(help="A claim's id, for instance A-forget-1.")],
    results: Results = DEFAULT_RESULTS,
) -> None:
    """One claim: its words, the protocol, the result, and how to cite it."""
    from harness.cli.claim_page import show_claim

    show_claim(claim, results)


@app.command()
def check(
    study: Annotated[str, typer.Argument(help="A study's name, or a file of your own.")],
) -> None:
    """Look for faults of a study that can be seen before anything is measured."""
    from harness.cli.check import show_check

    show_check(study)


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A study's name, or a file of your own.")],
    *,
    profile: Annotated[str, typer.Option(help="quick, standard or full.")] = "standard",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    results: Results = DEFAULT_RESULTS,
    seed: Annotated[int, typer.Option(help="Every random stream starts from it.")] = 0,
    resume: Annotated[
        str | None, typer.Option(help="Go on with this run; its protocol sets all else.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Blocks side by side; the rows do not depend on it.")
    ] = None,
    experiment: Annotated[
        list[str] | None,
        typer.Option(help="Measure this experiment alone; can be given several times."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="End within this time (90s, 8m, 1h30m), the most worth having first."),
    ] = None,
) -> None:
    """Run a study, judge its claims and draw its figures."""
    from harness.cli.hours import Hours

    hours = Hours.from_now(budget)
    from harness.cli.session import resume_run, start_run

    if resume is None:
        start_run(
            study,
            profile,
            device,
            results,
            seed=seed,
            jobs=jobs,
            experiments=experiment or (),
            hours=hours,
        )
    else:
        resume_run(study, resume, results, jobs=jobs, hours=hours)


@app.command()
def gpu(
    *,
    budget: Annotated[str, typer.Option(help="How long the machine is yours: 9m.")] = "9m",
    archive: Annotated[Path, typer.Option(help="The file to carry away.")] = Path("lease.zip"),
    device: Annotated[str, typer.Option(help="cuda, or cpu to rehearse.")] = "cuda",
    profile: Annotated[str, typer.Option(help="quick, standard or full.")] = "standard",
    seed: Annotated[int, typer.Option(help="Every random stream starts from it.")] = 0,
    study: Annotated[
        list[str] | None,
        typer.Option(help="This study alone; can be given several times."),
    ] = None,
    tests: Annotated[bool, typer.Option(help="Run the CUDA tests first.")] = True,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Measure on a GPU as much as fits into a lease of minutes, and leave it in one archive."""
    from harness.cli.hours import Hours

    hours = Hours.from_now(budget)
    from harness.cli.gpu import run_lease
    from harness.design.factors import profile_of

    run_lease(
        hours,
        results,
        archive,
        device=device,
        profile=profile_of(profile),
        seed=seed,
        studies=study or (),
        tests=tests,
    )


@app.command()
def regress(
    *,
    base: Annotated[
        str | None,
        typer.Option(help="The known side: torch==2.13.0, a wheel, commit:REV, a Python, or here."),
    ] = None,
    head: Annotated[str | None, typer.Option(help="The side in question, likewise.")] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for both sides; several times.")
    ] = None,
    base_env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for base alone.")] = None,
    head_env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for head alone.")] = None,
    base_set: Annotated[
        list[str] | None, typer.Option(help="A default of torch for base alone, NAME=VALUE.")
    ] = None,
    head_set: Annotated[
        list[str] | None,
        typer.Option(help="The same for head: float32_matmul_precision=medium, for instance."),
    ] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="This one alone, or a pattern; several times.")
    ] = None,
    benchmarks: Annotated[
        Path | None, typer.Option(help="A file of benchmarks of your own.")
    ] = None,
    pytest: Annotated[
        list[Path] | None, typer.Option(help="Tests of yours that use pytest-benchmark.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads of torch in each process.")] = 1,
    margin: Annotated[
        float | None, typer.Option(help="For every time; by default what each declares (0.02).")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Measuring time of a benchmark; by default 5.")
    ] = None,
    blocks: Annotated[
        int | None, typer.Option(help="Fresh trios; by default as many as the intervals need.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Orders and random numbers start from it.")] = 0,
    why: Annotated[
        bool, typer.Option(help="Measure what got slower with each changed default set equal.")
    ] = True,
    resume: Annotated[str | None, typer.Option(help="Go on with this comparison.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Keeps the environments.")] = None,
    repository: Annotated[Path, typer.Option(help="The git repository of commits.")] = Path(),
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Did a new torch, driver or commit make anything slower or hungrier, and why?

    Ends with 0 (no regression), 1 (regression), 2 (bad input), 3 (inconclusive), 4 (nothing was
    measured) or 70 (a fault of this program).
    """
    from harness.cli.regress import Wanted, start
    from harness.cli.regress import resume as go_on

    if resume is not None:
        raise typer.Exit(go_on(resume, results, cache=cache, repository=repository, why=why))
    if base is None or head is None:
        raise HarnessError("Name both sides: --base torch==2.13.0 --head torch==2.14.1.")
    wanted = Wanted(
        base,
        head,
        [*(env or ()), *(base_env or ())],
        [*(env or ()), *(head_env or ())],
        base_set or (),
        head_set or (),
        benchmark or (),
        benchmarks,
        pytest or (),
        device,
        threads,
        margin,
        seconds,
        blocks,
        seed,
        why,
    )
    raise typer.Exit(start(wanted, results, cache=cache, repository=repository))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="pytest-benchmark, asv or pyperf JSON.")],
    second: Annotated[Path, typer.Argument(help="Another of the three.")],
) -> None:
    """What two results of other tools are worth side by side; never a verdict."""
    from harness.cli.compare import show_comparison

    show_comparison(first, second)


@app.command("import")
def import_runs(
    archive: Annotated[Path, typer.Argument(help="What `harness gpu` left.")],
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Take in the runs of an archive: check, judge and draw them."""
    from harness.cli.take_in import take_in

    take_in(archive, results)


@app.command()
def judge(
    run: Run,
    results: Results = DEFAULT_RESULTS,
    *,
    details: Annotated[bool, typer.Option("--details", help="Show every condition.")] = False,
) -> None:
    """Judge a run again from its stored rows; nothing is measured."""
    from harness.cli.screen import show_judgement
    from harness.judging.judge import judge_run
    from harness.judging.tables import write_judgement
    from harness.store.folders import find_run
    from harness.store.observations import StoredRun

    stored = StoredRun.open(find_run(run, results))
    judged = judge_run(stored)
    write_judgement(stored, judged)
    show_judgement(judged, details=details)


@app.command()
def draw(run: Run, results: Results = DEFAULT_RESULTS) -> None:
    """Draw a run's figures again from its stored rows; nothing is measured."""
    from harness.figures.draw import draw_run
    from harness.store.folders import find_run
    from harness.store.observations import StoredRun

    for path in draw_run(StoredRun.open(find_run(run, results))):
        typer.echo(path)


@app.command()
def ledger(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a stored file differs.")
    ] = False,
    regenerate: Annotated[
        bool, typer.Option("--regenerate", help="Judge and draw every run first.")
    ] = False,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Publish the ledger: every claim of the catalogue with its verdict, one row a machine."""
    from harness.publishing.publish import check_published, publish

    if check:
        check_published(results)
    else:
        for path in publish(results, regenerate=regenerate):
            typer.echo(path)


@app.command()
def report(
    results: Results = DEFAULT_RESULTS,
    into: Annotated[
        Path | None, typer.Option(help="The site's folder; by default `site` in the results.")
    ] = None,
) -> None:
    """Build the report site: a page for every claim, study, run and machine."""
    from harness.cli.report import build_report

    build_report(results, into or results / "site")


@app.command()
def cite(
    what: Annotated[
        list[str], typer.Argument(help="Claims, studies or runs.", metavar="CLAIM|STUDY|RUN...")
    ],
    form: Annotated[str, typer.Option("--format", help="bibtex, apa or csl.")] = "bibtex",
    results: Results = DEFAULT_RESULTS,
) -> None:
    """How to cite claims, studies or runs: with verdict, estimate, version, commit and run."""
    from harness.cli.cite import show_citations

    show_citations(what, form, results)


@app.command()
def verify(
    citation: Annotated[
        str,
        typer.Argument(
            help="A .bib, .json, .pptx or text file, or - for what comes in.",
            metavar="CITATION|SLIDES.pptx",
        ),
    ],
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Does what was cited still stand, was it superseded, or has it changed, and why?

    Ends with 0 (every verdict stands, also where a newer run has moved its numbers), 1 (something
    has changed) or 2 (bad input).
    """
    from harness.cli.verify import show_verification

    raise typer.Exit(show_verification(citation, results))


@app.command()
def slides(
    what: Annotated[
        list[str], typer.Argument(help="Claims, or whole studies.", metavar="CLAIM|STUDY...")
    ],
    form: Annotated[
        str, typer.Option("--format", help="pptx, marp (Markdown and pictures) or png.")
    ] = "pptx",
    into: Annotated[
        Path | None, typer.Option(help="The file; by default named after the first of them.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
) -> None:
    """Slides: one a claim, with finding, figure, interval, machine and citation; a study whole."""
    from harness.cli.slides import make_slides

    make_slides(what, form, into, results)


@app.command()
def arithmetic(
    examples: Annotated[int, typer.Option(help="Examples in the data set.")],
    batch: Annotated[int, typer.Option(help="Examples in a batch.")],
    *,
    epochs: Annotated[int, typer.Option(help="Passes through the data set.")] = 1,
    accumulate: Annotated[
        int, typer.Option(help="Batches whose gradients are summed for one weight update.")
    ] = 1,
    drop_last: Annotated[
        bool, typer.Option("--drop-last", help="Leave out a last batch that is not full.")
    ] = False,
) -> None:
    """How many steps a training takes: by formula, and by the loop that is taught."""
    from harness.cli.arithmetic import show_arithmetic
    from harness.workloads.arithmetic import Run as Training

    show_arithmetic(Training(examples, batch, epochs, accumulate, drop_last))


@app.command()
def doctor(results: Results = DEFAULT_RESULTS) -> None:
    """What this machine can and cannot measure, and how noisy it is now."""
    from harness.cli.doctor import examine

    examine(results)


def main() -> None:
    """Run the command line.

    A refused input prints one sentence and exits with code 2, a fault of the harness with 70.
    """
    try:
        app(prog_name="python -m harness")
    except HarnessError as error:
        typer.echo(f"error: {shown_by_lines(str(error))}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(128 + signal.SIGINT)
    except Exception:  # noqa: BLE001 - Python's own 1 would say "regression"
        traceback.print_exc()
        typer.echo("error: this is a fault of the harness, and says nothing of a run.", err=True)
        sys.exit(os.EX_SOFTWARE)
