"""Differences and drift between two tables of a million rows: Adult, drawn again and again."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.data.diff import diff as compare
from cockpit.data.drift import drift as judge
from tests.bench.measure import Figure, median
from tests.bench.stores import folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 1_000_000
_CHANGED = 1_000
"""Of so many rows, one."""


def diff() -> Iterator[Figure]:
    """The difference of two tables by key, 1M rows × 15 columns each, in another order"""
    old = _adult(1).with_columns(id=pl.Series(np.random.default_rng(1).permutation(ROWS)))
    older = pl.when(pl.col("id") % _CHANGED == 0).then(pl.col("age") + 1).otherwise("age")
    new = old.sample(fraction=1, shuffle=True, seed=2).with_columns(age=older).head(ROWS - 500)
    for kind, key in (("whole numbers", pl.Int64), ("texts", pl.String)):
        before, after = (_stored(side.with_columns(pl.col("id").cast(key))) for side in (old, new))
        assert compare(before, after, ["id"]).removed == 500
        time = median(partial(compare, before, after, ["id"]), 5)
        yield Figure(f"cockpit, keys that are {kind}", time, "s", 4.0)
    yield Figure("cockpit, by the rows' places", median(partial(compare, before, after), 5), "s")


def drift() -> Iterator[Figure]:
    """Drift of 14 columns between two samples of 1M rows each"""
    old, new = (_stored(_adult(seed)) for seed in (1, 2))
    assert not judge(old, new).drifted
    yield Figure("cockpit", median(partial(judge, old, new), 5), "s", 5.0)


def _adult(seed: int) -> pl.DataFrame:
    """14 columns; two of the numbers with as many values as rows."""
    found = importlib.util.find_spec("cockpit")
    assert found is not None
    assert found.origin is not None
    adult = pl.read_parquet(Path(found.origin).parent / "demo/project/adult_train.parquet")
    rng = np.random.default_rng(seed)
    drawn = adult.drop("income").sample(ROWS, with_replacement=True, seed=seed)
    return drawn.with_columns(
        age=pl.col("age") + pl.Series(rng.random(ROWS)),
        fnlwgt=pl.col("fnlwgt") + pl.Series(rng.normal(size=ROWS)),
    )


def _stored(frame: pl.DataFrame) -> pl.LazyFrame:
    path = folder("data") / "rows.parquet"
    frame.write_parquet(path)
    return pl.scan_parquet(path)
