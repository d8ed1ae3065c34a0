"""Runs as a table that other programs read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How the store writes what JSON lacks."""
_OWN: Mapping[str, Any] = {
    "id": pl.String,
    "name": pl.String,
    "sweep": pl.String,
    "number": pl.Int64,
    "state": pl.String,
    "reason": pl.String,
    "started": pl.Datetime("us"),
    "ended": pl.Datetime("us"),
    "seconds": pl.Float64,
    "tags": pl.List(pl.String),
    "note": pl.String,
}


def as_table(found: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One row a run: the fields of `storage.export.OWN`, then a column `metrics.NAME` and `params.NAME` each.

    A param's column is of booleans, whole numbers or floats where all its values are; else of texts, in which
    what is no text is JSON.
    """
    own = pl.DataFrame([{name: run[name] for name in _OWN} for run in found], schema=dict(_OWN))
    metrics = dict.fromkeys(name for run in found for name in run["metrics"])
    params = dict.fromkeys(name for run in found for name in run["params"])
    return own.with_columns(
        *(
            pl.Series(f"metrics.{name}", [run["metrics"].get(name) for run in found], pl.Float64)
            for name in metrics
        ),
        *(_column(f"params.{name}", [run["params"].get(name) for run in found]) for name in params),
    )


def _column(name: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pl.Series(name, values, pl.Int64)
    odd = {value for value in values if isinstance(value, str)}
    if kinds <= {int, float, str} and odd <= _NOT_FINITE.keys() and kinds & {int, float, str}:
        numbers = [None if v is None else float(_NOT_FINITE.get(v, v)) for v in values]
        return pl.Series(name, numbers, pl.Float64)
    texts = [v if v is None or isinstance(v, str) else to_json(v) for v in values]
    return pl.Series(name, texts, pl.String)
