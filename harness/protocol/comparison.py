"""What is decided of a comparison of two sides before its first row, and never changed after.

Three processes make a trio: base, base again (the control) and head. A block is one fresh trio.
There are as many blocks as it takes for intervals that hold for all benchmarks together, and would
do so without the lowest and the highest block.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import comb
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from harness.catalogue.benchmarks import UNITS, Benchmark, checked_margin
from harness.design.claims import CONFIDENCE
from harness.design.factors import Factor
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.protocol.checksum import json_sha256

Side: TypeAlias = Literal["base", "base again", "head"]
BASE: Side = "base"
AGAIN: Side = "base again"
HEAD: Side = "head"
SIDES = (BASE, AGAIN, HEAD)
SIDE = Factor("side", SIDES, control=BASE)

NAME = "comparison.json"
FORMAT = 1
#: Seconds of measuring that a benchmark gets, over all blocks and sides. With its share of starting
#: processes, building its work and handing over it stays within 15 s, beside other work too.
SECONDS = 5.0
#: A side may be compared after so many blocks at least, however few benchmarks there are.
FEWEST_BLOCKS = 8
#: No stored comparison is larger, in bytes.
LARGEST_FILE = 5_000_000


@dataclass(frozen=True)
class Asked:
    """One side as it was asked for.

    Attributes:
        source: requirements, a wheel, a commit or an interpreter.
        environment: variables that its processes get; None for one that they must not have.
        settings: defaults of torch that its processes set first.
    """

    source: str
    environment: Mapping[str, str | None] = field(default_factory=dict)
    settings: Mapping[str, str | bool | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        """The source with the variables and defaults that were asked for."""
        given = {**self.environment, **self.settings}
        return " ".join([self.source, *(f"{name}={value}" for name, value in given.items())])


@dataclass(frozen=True)
class Comparison:
    """The plan of a comparison.

    Attributes:
        base: the side that is known.
        head: the side that is asked about.
        benchmarks: what is measured.
        file: where they stand, below "~" where that is someone's home; empty for tests of a suite.
        file_sha256: of that file, or of the files of the suite.
        suite: folders or files of a suite of tests; empty otherwise.
        device: "cpu" or "cuda".
        threads: of torch in each process.
        seed: every order and every random number starts from it.
        blocks: fresh trios.
        seconds: of measuring a benchmark, over all blocks and sides.
        started: when it was decided, ISO 8601.
        commit: of the harness.
        machine: what it is measured on; no host name.
    """

    base: Asked
    head: Asked
    benchmarks: tuple[Benchmark, ...]
    file: str
    file_sha256: str
    suite: tuple[str, ...]
    device: str
    threads: int
    seed: int
    blocks: int
    seconds: float
    started: str
    commit: str
    machine: Mapping[str, Any]

    def asked(self, side: Side) -> Asked:
        """What one of the three processes runs."""
        return self.head if side == HEAD else self.base

    @property
    def path(self) -> Path:
        """Where the file of benchmarks lies here."""
        return Path(self.file).expanduser()

    @property
    def confidence(self) -> float:
        """Of each interval, so that all of them hold together with 99 % (Bonferroni)."""
        return confidence_of_each(len(self.benchmarks))

    @property
    def factor(self) -> Factor[str]:
        """The benchmarks as a factor of the table."""
        return Factor("benchmark", tuple(each.name for each in self.benchmarks))

    @property
    def sha256(self) -> str:
        """Of all that was decided."""
        return json_sha256(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """As stored, less the checksum."""
        return json.loads(json.dumps({"format": FORMAT, **asdict(self)}))  # type: ignore[no-any-return]

    @classmethod
    def of_dict(cls, stored: Mapping[str, Any]) -> Self:
        """From what was stored.

        Raises:
            KeyError, TypeError, ValueError, HarnessError: it does not fit.
        """
        fields = dict(stored)
        if fields.pop("format") != FORMAT:
            raise ValueError("it has another format")
        fields["base"], fields["head"] = Asked(**fields["base"]), Asked(**fields["head"])
        fields["benchmarks"] = tuple(Benchmark(**each) for each in fields["benchmarks"])
        fields["suite"] = tuple(fields["suite"])
        comparison = cls(**fields)
        for each in comparison.benchmarks:
            checked_margin(each.margin, each.name)
            if each.unit not in UNITS:
                raise ValueError(f"{each.name} has the unit {each.unit!r}")
        if comparison.blocks < 1 or not comparison.benchmarks:
            raise ValueError("it compares nothing")
        return comparison


def confidence_of_each(benchmarks: int) -> float:
    """The confidence of each of some intervals that hold together with the project's own."""
    return 1 - (1 - CONFIDENCE) / max(benchmarks, 1)


def blocks_for(benchmarks: int) -> int:
    """The fewest blocks whose simultaneous intervals would hold without the lowest and highest."""
    error = 1 - confidence_of_each(benchmarks)
    blocks = FEWEST_BLOCKS
    # The interval from the second to the last but one misses the median with this probability.
    while 2 * (comb(blocks, 0) + comb(blocks, 1)) / 2**blocks > error:
        blocks += 1
    return blocks


def file_sha256(path: Path) -> str:
    """The checksum of a file of benchmarks.

    Raises:
        HarnessError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error


def suite_sha256(paths: Sequence[str]) -> str:
    """The checksum of a suite: of all Python files in its folders, names and contents.

    Raises:
        HarnessError: one cannot be read, or is not there.
    """
    digest = hashlib.sha256()
    for given in map(Path, paths):
        inside = given.rglob("*.py") if given.is_dir() else [given]
        for path in sorted(inside):
            if not any(part.startswith(".") for part in path.relative_to(given).parts):
                digest.update(f"{path} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write what was decided, before the first row.

    Raises:
        HarnessError: it cannot be written.
    """
    stored = {**comparison.as_dict(), "sha256": comparison.sha256}
    write_bytes(folder / NAME, (json.dumps(stored, indent=2) + "\n").encode())


def read_comparison(folder: Path) -> Comparison:
    """What was decided of a stored comparison.

    Raises:
        HarnessError: it is missing, broken, or was edited after it had been decided.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise HarnessError(f"{path}: this is too large to be a comparison.")
        stored = json.loads(path.read_bytes())
        checksum = stored.pop("sha256")
        comparison = Comparison.of_dict(stored)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{path}: this is no whole comparison ({error}).") from error
    if checksum != comparison.sha256:
        raise HarnessError(f"{path}: it was edited after the first row (its checksum differs).")
    return comparison
