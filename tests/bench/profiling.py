"""How long it takes to look into a table: its profile, and what registering it costs beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.data import profile as profiling
from cockpit.data.reading import scan
from cockpit.data.versions import register
from tests.bench.measure import Figure, median
from tests.bench.stores import empty, folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1_000_000


def profile() -> Iterator[Figure]:
    """The profile of 1,000,000 rows × 20 columns: 8 floats, 5 ints, 5 texts, a truth, a time"""
    place = folder("profile")
    parquet, csv = place / "rows.parquet", place / "rows.csv"
    _write(parquet, csv)
    size = parquet.stat().st_size
    whole = median(lambda: profiling.profile(scan(parquet), size, packed=True), 5)
    yield Figure("Parquet, exact", whole, "s", 2.0)
    text = median(lambda: profiling.profile(scan(csv), csv.stat().st_size), 3)
    yield Figure("CSV, exact", text, "s")
    # As of a table that is many times larger than memory: streamed, the rest of a sample.
    streamed = median(
        lambda: profiling.profile(scan(parquet), 4 * profiling.MOST_BYTES, packed=True), 5
    )
    yield Figure("Parquet, streamed and sampled", streamed, "s")
    layout = empty("profile-store")
    yield Figure(
        "registered and kept, new",
        median(lambda: register(layout, "x", parquet, keep=True), 1),
        "s",
    )
    yield Figure("registered, known", median(lambda: register(layout, "x", parquet), 5), "s")


def _write(parquet: Path, csv: Path) -> None:
    numbers = np.random.default_rng(0)
    codes = {f"t{n}": numbers.integers(0, 10 ** (n + 1), ROWS) for n in range(5)}
    frame = pl.DataFrame(
        {
            **{f"f{n}": numbers.normal(size=ROWS) for n in range(8)},
            **{f"i{n}": numbers.integers(0, 10 ** (n + 1), ROWS) for n in range(5)},
            **{name: pl.Series(code).cast(pl.String) + "-code" for name, code in codes.items()},
            "b": numbers.integers(0, 2, ROWS).astype(bool),
            "d": pl.Series(numbers.integers(15 * 10**14, 17 * 10**14, ROWS)).cast(
                pl.Datetime("us")
            ),
        }
    )
    frame.write_parquet(parquet)
    frame.write_csv(csv)
