"""Tiny experiments with planted values: helpers, no tests. Nothing here needs torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from harness.design.claims import Beyond, Claim, Control, Unmeasurable
from harness.design.contrasts import Contrast
from harness.design.experiment import Experiment, Responses, Study
from harness.design.factors import Arm, Block, Factor, Level, PerProfile, Profile, cross
from harness.design.responses import Response
from harness.judging.effects import Effect, Rows, compute_effect
from harness.protocol.protocol import Protocol, new_protocol, write_protocol
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun, identity
from harness.store.parquet import empty_row, frame_of, write_table

MODE = Factor("mode", ("eval", "train"), control="eval")
DROPOUT = Factor("p", (0.0, 0.1, 0.5), control=0.0)
MACHINE = {"cpu": "planted"}
BLOCKS = PerProfile(8, 16, 32)

#: Values by arm: a level (or a tuple of levels), then one value a block, or one a block and round.
Planted = Mapping[Any, ArrayLike]


def measure(cell: Block, arm: Arm) -> Responses:
    """Nothing is measured here: the tests write the rows themselves."""
    raise NotImplementedError


def experiment(
    *claims: Claim | Beyond | Control | Unmeasurable,
    factors: tuple[Factor[Any], ...] = (MODE,),
    blocks: PerProfile[int] = BLOCKS,
    **settings: Any,  # noqa: ANN401 - whatever else an experiment takes
) -> Experiment[Any]:
    """An experiment with one response, ``x`` in metres, unless settings say otherwise."""
    return Experiment(
        **{
            "question": "Is it so?",
            "measure": measure,
            "responses": (Response("x", "m", "the length"),),
            "blocks": blocks,
            "claims": claims,
            "factors": factors,
            **settings,
        }
    )


def study(**experiments: Experiment[Any]) -> Study:
    """A study of these experiments, which no folder holds."""
    return Study("planted", "Is it so?", experiments, ())


def freeze(planted: Study, *, profile: Profile = "quick", device: str = "cpu") -> Protocol:
    """The protocol of a run with seed 0."""
    return new_protocol(
        planted,
        profile,
        device,
        0,
        started="2026-01-01T00:00:00+00:00",
        commit="0000000",
        source_sha256="source",
        machine=MACHINE,
    )


def observations(
    values: Planted, factors: tuple[Factor[Any], ...] = (MODE,), **columns: object
) -> pd.DataFrame:
    """A table of rows that hold the planted values.

    Args:
        values: by arm; ``{(): [...]}`` where there is no factor.
        factors: of the experiment.
        columns: other values for the columns that all rows share (``response``, ``status``, ...).
    """
    rows: list[dict[str, Any]] = []
    for order, (levels, planted) in enumerate(values.items()):
        by_round = np.atleast_2d(np.asarray(planted, np.float64).T).T
        arm = dict(zip((f.name for f in factors), _tuple(levels), strict=True))
        rows += [
            {**empty_row(), **arm, "response": "x", "unit": "m", **columns}
            | {"block": block, "seed": block, "order": order, "round": number, "value": value}
            for block, rounds in enumerate(by_round.tolist())
            for number, value in enumerate(rounds)
        ]
    return frame_of(rows, factors)


def fail(table: pd.DataFrame, cells: pd.Series[bool], message: str) -> pd.DataFrame:
    """The table in which these cells failed, as the runner writes them."""
    table = table.copy()
    table.loc[cells, "status"] = "failed"
    table.loc[cells, "message"] = message
    table.loc[cells, "value"] = math.nan
    return table


def effect_of(
    contrast: Contrast,
    table: pd.DataFrame,
    planned: int,
    factors: tuple[Factor[Any], ...] = (MODE,),
) -> Effect:
    """What the harness makes of the only comparison of a contrast."""
    (comparison,) = contrast.comparisons(cross(factors))
    return compute_effect(comparison, Rows(table, [f.name for f in factors], planned))


def stored_run(
    path: Path, planted: Study, tables: Mapping[str, pd.DataFrame], *, device: str = "cpu"
) -> StoredRun:
    """A run folder with its protocol and finished tables, as the runner leaves them."""
    protocol = freeze(planted, device=device)
    folder = RunFolder(path)
    write_protocol(path, protocol, MACHINE)
    for name, table in tables.items():
        write_table(folder.table(name), table, identity(protocol, name))
    return StoredRun(folder, protocol)


def _tuple(levels: Level | tuple[Level, ...]) -> tuple[Level, ...]:
    return levels if isinstance(levels, tuple) else (levels,)
