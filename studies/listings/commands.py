"""Do document D's one-line commands run when they are typed into a fresh shell?

Each command has been rebuilt with its structure (one line, what it imports, what it takes for
granted, where its comment sign stands) and is run as ``python -c`` in a folder that holds the file
it reads: a log of nine epochs, a saved model. Read is how it ends: with what it prints, or with its
first failure. Faults can stand in series, so that each is repaired in turn, and what remains is
shown beyond the document's words: these run in a fresh namespace of this process. A command behind
a comment sign ends well and prints nothing; there the question is what it prints.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import Fact, facts
from harness.libraries import nn, torch
from studies.listings.endings import ending, raises, runs

#: A log whose validation loss rises in seven of nine epochs, two more than ``head`` shows.
LOSSES = (0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87)
RISING = [at for at in range(1, len(LOSSES)) if LOSSES[at] > LOSSES[at - 1]]
SHOWN = 5

LIST_RISES = (
    "import pandas; log = pandas.read_csv('logs.csv'); rose = log['{}'].diff().gt(0); "
    "print(log.loc[rose].head())"
)

#: A loop behind ``with``, in one line; and its statements on lines of their own.
COUNT_HITS = (
    "from torch.utils.data import DataLoader; batches = DataLoader(held_out, batch_size=64); "
    "rows = 0; right = 0; net.eval(); with torch.no_grad(): for x, y in batches: rows += len(y); "
    "right += int((net(x).argmax(1) == y).sum()); print(f'{right / rows:.1%}')"
)
COUNT_HITS_ON_LINES = """
from torch.utils.data import DataLoader
batches = DataLoader(held_out, batch_size=64)
rows = 0
right = 0
net.eval()
with torch.no_grad():
    for x, y in batches:
        rows += len(y)
        right += int((net(x).argmax(1) == y).sum())
print(f'{right / rows:.1%}')
"""
HELD_OUT = "held_out = [(torch.zeros(4), torch.tensor(0))] * 3\n"
NET = "net = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout(0.5))\n"
IMPORT = "import torch\n"

SPREAD = (
    "net = torch.load('model.pth'{}); net.train(); "
    "outputs = torch.stack([net(x).detach() for _ in range(10)]); print(outputs.var(0).mean())"
)
UNSAFE = ", weights_only=False"
INPUT = "x = torch.ones(1, 4)\n"

DROPOUT_LAYERS = (
    "for name, layer in net.named_modules(): if isinstance(layer, torch.nn.Dropout): "
    "print(name, layer.p)"
)
NORMS = "print([w.norm().item() for w in net.parameters() if w.requires_grad])"
ADAMW = "import torch; torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)"


def typed(command: str, folder: str) -> subprocess.CompletedProcess[str]:
    """Run a command as ``python -c`` in a folder."""
    return subprocess.run(
        [sys.executable, "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def shell(command: str) -> Callable[[], str]:
    """How a command ends in a fresh process: "runs: 1 line", or its first failure."""

    def run() -> str:
        with tempfile.TemporaryDirectory() as folder:
            write_log(Path(folder))
            torch.save(a_model(), Path(folder) / "model.pth")
            done = typed(command, folder)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1]
        return runs(len(done.stdout.splitlines()))

    return run


def write_log(folder: Path) -> None:
    """Write what a training loop logs, a line an epoch."""
    lines = ("epoch,val_loss", *(f"{epoch},{loss}" for epoch, loss in enumerate(LOSSES)))
    folder.joinpath("logs.csv").write_text("\n".join(lines))


@functools.cache
def rows_listed(column: str = "val_loss") -> list[int]:
    """The epochs that the command with the log lists, as it prints them."""
    with tempfile.TemporaryDirectory() as folder:
        write_log(Path(folder))
        printed = typed(LIST_RISES.format(column), folder).stdout.splitlines()
    return [int(line.split()[0]) for line in printed if line[:1].isdigit()]


def here(source: str, saved: Callable[[], object] | None = None) -> Callable[[], str]:
    """How a source text ends in a fresh namespace of this process.

    Args:
        source: the text.
        saved: gives what stands in ``model.pth``.
    """

    def printed() -> list[str]:
        out = io.StringIO()
        with a_folder_of_its_own() as folder, contextlib.redirect_stdout(out):
            if saved is not None:
                torch.save(saved(), folder / "model.pth")
            exec(compile(source, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the study's own text
        return out.getvalue().splitlines()

    return ending(printed)


@contextmanager
def a_folder_of_its_own() -> Iterator[Path]:
    """Stand in a new folder, and go back."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def a_model() -> nn.Module:
    """What the document saves as model.pth: a network with dropout."""
    return nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))


def a_state() -> object:
    """The weights alone, as they are usually saved."""
    return a_model().state_dict()


RUNS = runs(1)
PLANTED = ending(raises)
SILENT = shell("pass")
NAMED = "names that a fresh process does not have, given beforehand"

EXPERIMENT = facts(
    "Do document D's one-line commands run when they are typed into a fresh shell?",
    Fact(
        "D-cmd-1",
        "the command with the log lists the first five epochs whose validation loss rose",
        rows_listed,
        RISING[:SHOWN],
        lambda: rows_listed("epoch"),
        reading="Typed into a fresh shell beside a log with that column, the command prints epochs "
        "whose validation loss rose, the first five as its head() has them.",
        headline=True,
    ),
    Fact(
        "D-cmd-1",
        "the command with the log lists every epoch whose validation loss rose",
        rows_listed,
        RISING,
        lambda: rows_listed("epoch"),
        beyond="more than five such epochs",
    ),
    Fact(
        "D-cmd-1",
        "the command with the log runs where the log has no such column",
        shell(LIST_RISES.format("loss")),
        runs(1 + SHOWN),
        SILENT,
        beyond="a log without that column",
    ),
    Fact(
        "D-cmd-2",
        "the command for validation accuracy runs as printed",
        shell(COUNT_HITS),
        RUNS,
        SILENT,
        reading="Typed into a fresh shell, the command prints an accuracy.",
        headline=True,
    ),
    Fact(
        "D-cmd-2",
        "the command for validation accuracy runs on lines of its own",
        here(COUNT_HITS_ON_LINES),
        RUNS,
        PLANTED,
        beyond="several lines, where the document has one",
    ),
    Fact(
        "D-cmd-2",
        "the command for validation accuracy runs on lines of its own, with data and model given",
        here(IMPORT + HELD_OUT + NET + "del torch\n" + COUNT_HITS_ON_LINES),
        RUNS,
        PLANTED,
        beyond=f"several lines, and {NAMED}",
    ),
    Fact(
        "D-cmd-2",
        "the command for validation accuracy runs on lines of its own, with torch imported too",
        here(IMPORT + HELD_OUT + NET + COUNT_HITS_ON_LINES),
        RUNS,
        PLANTED,
        beyond=f"several lines, and {NAMED}",
    ),
    Fact(
        "D-cmd-3",
        "the command for the variance of dropout runs as printed",
        shell(SPREAD.format("")),
        RUNS,
        SILENT,
        reading="Typed into a fresh shell, the command prints a variance.",
        headline=True,
    ),
    Fact(
        "D-cmd-3",
        "the command for the variance runs with torch imported, on a saved module",
        here(IMPORT + SPREAD.format(""), a_model),
        RUNS,
        PLANTED,
        beyond="an import added",
    ),
    Fact(
        "D-cmd-3",
        "the command for the variance runs with torch imported, on a saved state_dict",
        here(IMPORT + SPREAD.format(""), a_state),
        RUNS,
        PLANTED,
        beyond="an import added, and another content of the file",
    ),
    Fact(
        "D-cmd-3",
        "the command for the variance runs with torch imported and weights_only=False",
        here(IMPORT + SPREAD.format(UNSAFE), a_model),
        RUNS,
        PLANTED,
        beyond="an import and an argument added",
    ),
    Fact(
        "D-cmd-3",
        "the command for the variance runs with an input given as well",
        here(IMPORT + INPUT + SPREAD.format(UNSAFE), a_model),
        RUNS,
        PLANTED,
        beyond="an import, an argument and an input added",
    ),
    Fact(
        "D-cmd-4",
        "the command that looks for dropout layers prints a line",
        shell("# Are there any: " + DROPOUT_LAYERS),
        RUNS,
        PLANTED,
        reading="Typed into a fresh shell, the command prints what it is there to show.",
        headline=True,
    ),
    Fact(
        "D-cmd-4",
        "the command for the norms of weights prints a line",
        shell("# Compare: " + NORMS),
        RUNS,
        PLANTED,
        reading="Typed into a fresh shell, the command prints what it is there to show.",
    ),
    Fact(
        "D-cmd-4",
        "the command that looks for dropout layers prints a line without its comment sign",
        here(IMPORT + NET + DROPOUT_LAYERS),
        RUNS,
        PLANTED,
        beyond=f"no comment sign, and {NAMED}",
    ),
    Fact(
        "D-cmd-4",
        "the command for the norms of weights prints a line without its comment sign",
        here(IMPORT + NET + NORMS),
        RUNS,
        PLANTED,
        beyond=f"no comment sign, and {NAMED}",
    ),
    Fact(
        "D-cmd-5",
        "the command for AdamW runs as printed",
        shell(ADAMW),
        runs(0),
        PLANTED,
        reading="Typed into a fresh shell, the command ends without an exception.",
        headline=True,
    ),
    Fact(
        "D-cmd-5",
        "the command for AdamW runs where the model is there",
        here(IMPORT + NET + ADAMW),
        runs(0),
        PLANTED,
        beyond=f"a fragment of a longer session: {NAMED}",
    ),
)
