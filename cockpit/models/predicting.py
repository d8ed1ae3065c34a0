"""Asks a model about rows: files in batches, evaluation sets, and how long one row takes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from cockpit.models.signature import BadRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.predictions import Loaded
    from cockpit.models.bundle import Bundle

BATCH = 50_000
"""Rows that are in memory at a time."""
SUFFIXES = (".parquet", ".csv", ".ndjson", ".jsonl")
_KINDS = {"int": "Int64", "float": "Float64", "bool": "Boolean"}


@dataclass(frozen=True, slots=True)
class Predicted:
    """A file of predictions that was written."""

    path: Path
    rows: int
    seconds: float
    unused: tuple[str, ...]
    """Columns of the rows that the model does not take."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a model takes for one row, asked for it alone; milliseconds."""

    p50_ms: float
    p99_ms: float
    rows: int


def predict(bundle: Bundle, frame: pl.DataFrame, rules: Sequence[str] = ()) -> pl.DataFrame:
    """`Bundle.predict`, and what the rules of its version say before it. Raises `BadRows`, `BundleError`, `BadRule`."""
    found = bundle.predict(frame)
    if not rules:
        return found
    from cockpit.models.rules import apply_rules

    signature = bundle.signature
    classes = signature.classes
    if signature.task == "binary":
        other = next(label for label in classes if label != signature.positive)
        classes = (other, signature.positive)
    seen = signature.fitted(frame)
    ruled = apply_rules(rules, seen, found, signature.task, classes)
    return ruled.select(pl.col(name).cast(kind) for name, kind in bundle.schema().items())


def predict_file(
    bundle: Bundle,
    source: Path | str,
    target: Path,
    *,
    keep: Sequence[str] | None = None,
    rules: Sequence[str] = (),
    batch: int = BATCH,
) -> Predicted:
    """Predict the rows of a file or a pattern into a file, batch after batch, whole or not at all.

    It holds the columns `keep` of the rows (None: all), then those of `Bundle.predict`. Raises `BadRows`,
    `BundleError`, `DataError`.
    """
    from polars.io.plugins import register_io_source

    from cockpit.data.reading import reading, scan

    started = time.perf_counter()
    types = {column.name: _KINDS.get(column.type, "String") for column in bundle.signature.columns}
    rows = scan(source, types)
    with reading(source):
        schema = dict(rows.collect_schema())
    there = list(schema)
    bundle.signature.check_names(there)
    kept = _kept(there, keep, bundle)
    count = 0

    def batches(*_: Any) -> Iterator[pl.DataFrame]:
        nonlocal count
        with reading(source):
            parts = rows.collect_batches(chunk_size=batch, maintain_order=True)
            for part in parts:
                if part.is_empty():
                    continue
                try:
                    found = predict(bundle, part, rules)
                except BadRows as error:
                    raise BadRows(f"{source}, rows from {count + 1:,} on: {error}") from None
                count += part.height
                yield part.select(kept).hstack(found)

    said = {**{name: schema[name] for name in kept}, **bundle.schema()}
    _sink(register_io_source(batches, schema=said), target)
    unused = tuple(name for name in there if name not in bundle.signature.names)
    return Predicted(target, count, time.perf_counter() - started, unused)


def score_with(bundle: Bundle, on: EvaluationSet) -> Loaded:
    """A model's answers on an evaluation set, as it gives them to anybody. Raises `BadRows`, `BundleError`."""
    from cockpit.evaluate.predictions import load

    return load(bundle.by_class(on.frame), on.frame, (), on.truth)


def latency(bundle: Bundle, rows: pl.DataFrame | None = None, times: int = 200) -> Latency:
    """How long a row takes, asked for `times` times one by one; of the example where no rows are given.

    Raises `BadRows`, `BundleError`.
    """
    import numpy as np

    rows = bundle.signature.fitted(bundle.signature.example_frame() if rows is None else rows)
    taken = bundle.model.seconds(rows.head(times), times)
    p50, p99 = np.percentile(1000 * taken, [50, 99])
    return Latency(float(p50), float(p99), times)


def _kept(there: Sequence[str], keep: Sequence[str] | None, bundle: Bundle) -> list[str]:
    kept = list(there if keep is None else dict.fromkeys(keep))
    for name in kept:
        if name not in there:
            raise BadRows(f"the rows have no column {name!r} to keep; they have {', '.join(there)}")
        if name in bundle.schema():
            raise BadRows(
                f"the rows have a column {name!r} already: name those to keep, --keep COLUMN,…"
            )
    return kept


def _sink(frame: pl.LazyFrame, target: Path) -> None:
    sinks: Mapping[str, Callable[[Path], Any]] = {
        ".parquet": frame.sink_parquet,
        ".csv": frame.sink_csv,
        ".ndjson": frame.sink_ndjson,
        ".jsonl": frame.sink_ndjson,
    }
    if target.suffix not in sinks:
        raise BadRows(f"{target.name} ends in none of {', '.join(SUFFIXES)}")
    if not target.parent.is_dir():
        raise BadRows(f"{target} cannot be written: there is no folder {target.parent}")
    partial = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        sinks[target.suffix](partial)
        partial.replace(target)
    except OSError as error:
        raise BadRows(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
