"""The front door. This menu is "nox -l"; "nox -s study-<name>" runs one study.

What stands after "--" goes to the command: nox -s study-<name> -- --profile quick
All sessions share one environment, which the session "environment" makes and keeps up to date.
With --no-venv nothing is made or installed: the interpreter that runs nox is used as it is.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nox
from packaging.requirements import Requirement

# The interpreter that runs nox need not have the project: this part of it is plain Python.
sys.path.insert(0, str(Path(__file__).parent))
from harness.catalogue.cards import Card, cards

nox.needs_version = ">=2025.2.9"  # the first that knows requires=
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
#: Seconds that a command has to finish writing and say how to resume after Ctrl-C; nox gives 0.3.
GRACE = 60.0


# -- studies: one session for each module or package in studies/ -----------------------------------


def add_study_session(card: Card) -> str:
    """Register the session of one study; returns the session's name."""

    def study(session: nox.Session) -> None:
        chosen = any(arg.startswith(("--profile", "--resume")) for arg in session.posargs)
        profile = [] if chosen else ["--profile", "standard"]
        run(session, "-m", "harness", "run", card.name, *profile, *session.posargs)

    cost = f" ({card.cost})" if card.cost else ""
    study.__doc__ = (card.question or "(no docstring)") + cost
    session_name = f"study-{card.name}"
    nox.session(name=session_name, venv_backend="none", requires=["environment"])(study)
    return session_name


STUDY_SESSIONS = [add_study_session(card) for card in cards(ROOT / "studies")]


@nox.session(venv_backend="none", requires=STUDY_SESSIONS)
def studies(session: nox.Session) -> None:
    """Run every study, one after another (about 15 min a study on 2 cores)."""
    session.log(f"{len(STUDY_SESSIONS)} studies were run.")


@nox.session(venv_backend="none", requires=["environment"])
def gpu(session: nox.Session) -> None:
    """Measure on a GPU what fits into a lease: nox -s gpu -- --budget 9m (leaves one archive)."""
    run(session, "-m", "harness", "gpu", *session.posargs)


@nox.session(venv_backend="none", requires=["environment"])
def regress(session: nox.Session) -> None:
    """Is head slower or hungrier than base? nox -s regress -- --base torch==X --head torch==Y."""
    command = (interpreter_of(session), "-m", "harness", "regress", *session.posargs)
    session.log(" ".join(command))
    # nox ends with 1 whatever failed, and the codes of a gate mean something: see --help.
    with subprocess.Popen(command) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # it says how to go on
            code = process.wait(GRACE)
    if code:
        sys.exit(code)


# -- from stored rows ------------------------------------------------------------------------------


@nox.session(venv_backend="none", requires=["environment"])
def figures(session: nox.Session) -> None:
    """Regenerate tables, figures and the ledger from stored rows (1 to 3 min; runs nothing)."""
    run(session, "-m", "harness", "ledger", *(session.posargs or ["--regenerate"]))


@nox.session(venv_backend="none", requires=["environment"])
def report(session: nox.Session) -> None:
    """Build the report site from stored tables, by default into results/site (under 20 s)."""
    run(session, "-m", "harness", "report", *session.posargs)


# -- the instrument --------------------------------------------------------------------------------


@nox.session(venv_backend="none", requires=["environment"])
def calibrate(session: nox.Session) -> None:
    """Check intervals and verdicts by simulation, the clock on itself (20 min on a quiet machine).

    One of the two alone: ``nox -s calibrate -- intervals`` (a few minutes), or ``-- clock``; what
    follows is for it. ``-- regress`` tries the gate, ``-- tools`` compares it with those in use:
    hours each, done by these words alone.
    """
    modules = {"intervals": "calibrate", "clock": "clock_trials"}
    alone = {"regress": "gate_trials", "tools": "tool_trials"}
    chosen, *rest = session.posargs or [""]
    if chosen and chosen not in {**modules, **alone}:
        session.error(
            f"There is no calibration {chosen!r}; choose {' or '.join({**modules, **alone})}"
        )
    if chosen in alone:
        modules = {chosen: alone[chosen]}
    for name, module in modules.items():
        if chosen in ("", name):
            run(session, "-m", f"harness.calibration.{module}", *rest)


@nox.session(venv_backend="none", requires=["environment"])
def tests(session: nox.Session) -> None:
    """Run the tests on all cores, those of the harness with its coverage (18 min on 2)."""
    pytest = ("-m", "pytest", "-n", "auto", "--dist", "worksteal")
    if session.posargs:  # a chosen part cannot reach the whole's coverage
        run(session, *pytest, *session.posargs)
        return
    run(session, *pytest, "tests/harness", "--cov=harness")
    # They add nothing to it, and to be watched would double the time of many.
    run(session, *pytest, "tests/studies")


@nox.session(venv_backend="none", requires=["environment"])
def benchmarks(session: nox.Session) -> None:
    """Measure the speed-ups that the documentation states (about 2 min on a quiet machine)."""
    file = "tests/benchmarks/test_together.py"
    run(session, "-m", "pytest", file, "--benchmark-sort=mean", *session.posargs)


@nox.session(venv_backend="none", requires=["environment"])
def bench(session: nox.Session) -> None:
    """Time the functions of regress with pytest-benchmark (about 1 min; judges nothing)."""
    file = "tests/benchmarks/test_functions.py"
    timer = "--benchmark-timer=harness.workloads.synchronising.now"
    run(session, "-m", "pytest", file, timer, *session.posargs)


@nox.session(venv_backend="none", requires=["environment"])
def lint(session: nox.Session) -> None:
    """Check style and format with ruff (about 1 s)."""
    run(session, "-m", "ruff", "check")
    run(session, "-m", "ruff", "format", "--check")


@nox.session(venv_backend="none", requires=["environment"])
def types(session: nox.Session) -> None:
    """Check types with mypy, strict (about 1 min at first, then seconds)."""
    run(session, "-m", "mypy", *session.posargs)


# -- the one environment ---------------------------------------------------------------------------


@nox.session(venv_backend="virtualenv", reuse_venv=True)
def environment(session: nox.Session) -> None:
    """Make or update the environment all sessions share (about 2 min at first, then 0 s)."""
    if session.venv_backend == "none":
        check_interpreter(session)
        interpreter = sys.executable
    else:
        interpreter = shutil.which("python", path=session.bin) or sys.executable
        install(session)
    handover(session).write_text(interpreter, encoding="utf-8")


def install(session: nox.Session) -> None:
    """Install the project, unless the environment was made from these very files."""
    extras = "dev,gpu" if shutil.which("nvidia-smi") else "dev"
    made_from = hashlib.sha256(extras.encode())
    for name in ("constraints.txt", "pyproject.toml"):
        made_from.update((ROOT / name).read_bytes())
    stamp = Path(session.virtualenv.location) / "made-from.sha256"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_from.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    session.install("-c", "constraints.txt", "-e", f".[{extras}]")
    # As an install step, so that nox -R, which skips those, does not stamp what it did not install.
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    session.run_install("python", "-c", write, str(stamp), made_from.hexdigest())


def check_interpreter(session: nox.Session) -> None:
    """Stop with a sentence if the interpreter that runs nox lacks what the project needs."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
    missing = []
    for needed in map(Requirement, project["dependencies"]):
        try:
            version = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            missing.append(str(needed))
            continue
        if not needed.specifier.contains(version, prereleases=True):
            session.warn(f"{needed.name} is {version}; the project is made for {needed}.")
    if missing:
        quoted = " ".join(f'"{needed}"' for needed in missing)
        session.error(
            f"--no-venv uses {sys.executable} as it is, and that lacks {len(missing)} of the "
            f"project's dependencies. Either install them there, together with nox:\n"
            f"    {sys.executable} -m pip install nox {quoted}\n"
            "or leave --no-venv out, and nox makes an environment of its own"
        )


def handover(session: nox.Session) -> Path:
    """The file in which ``environment`` tells the other sessions, maybe in other processes."""
    return session.cache_dir / "interpreter"


def run(session: nox.Session, *arguments: str) -> None:
    """Run the shared environment's Python."""
    session.run(interpreter_of(session), *arguments, external=True, interrupt_timeout=GRACE)


def interpreter_of(session: nox.Session) -> str:
    """The shared environment's Python."""
    told = handover(session)
    if not told.is_file():
        session.error("There is no environment yet. Make it with: nox -s environment")
    return told.read_text(encoding="utf-8")
