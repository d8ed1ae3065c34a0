"""Reads tables from files: CSV, TSV, Parquet and JSON lines, one file or a pattern of them, lazily."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import polars as pl
from polars.exceptions import PolarsError, SchemaError

from cockpit.data.files import DataError, files_of, format_of
from cockpit.sweep.spec.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_Found = TypeVar("_Found")

SAMPLE = 10_000
"""Rows of a text file that tell the types of its columns."""
TEXT_TYPES: Mapping[str, pl.DataType] = {
    str(kind): kind
    for kind in (pl.Boolean(), pl.Int64(), pl.Float64(), pl.Date(), pl.Datetime("us"), pl.String())
}
"""What a column of a text file can be, by polars' name of it."""

_NOT_TEXT = ("\0", "\ufffd")
"""In the names of columns: what polars makes of bytes that are no text."""
_NOT_UTF8 = "is not UTF-8 text; save it as UTF-8"
_DATETIME = str(pl.Datetime("us"))
_WIDER: Mapping[str, tuple[str, ...]] = {
    "Boolean": ("Boolean", "String"),
    "Int64": ("Int64", "Float64", "String"),
    "Float64": ("Float64", "String"),
    "Date": ("Date", _DATETIME, "String"),
    _DATETIME: (_DATETIME, "String"),
}
"""What a column may turn out to be that looked so at first."""


def scan(path: str | Path, types: Mapping[str, str] | None = None) -> pl.LazyFrame:
    """The rows of a file, or of all files of a pattern one after the other; nothing is read yet.

    The types of a text file's columns are told from its first rows, or are `types` (polars' names of them, by
    column). What is wrong with a value shows when the rows are collected: within `reading`. Raises `DataError`.
    """
    files = files_of(path)
    formats = {format_of(file) for file in files}
    if len(formats) > 1:
        several = " and ".join(sorted(formats))
        raise DataError(
            f"{printable(os.fspath(path))} names files of {several}; name one kind at a time"
        )
    (kind,) = formats
    with reading(path):
        frame = _scan(files, kind, types)
        names = frame.collect_schema().names()
    if kind in ("csv", "tsv") and any(mark in name for name in names for mark in _NOT_TEXT):
        raise DataError(f"{printable(os.fspath(path))} {_NOT_UTF8}")
    return frame


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Say what polars finds wrong with a file in one sentence, as a `DataError`."""
    try:
        yield
    except (PolarsError, OSError) as error:
        raise DataError(f"{printable(os.fspath(path))}: {_words(error)}") from error


def on_rows(work: Callable[..., _Found], *paths: str) -> _Found:
    """What `work` makes of the rows of some files; again where the first rows of a text misled as to its types.

    Raises `DataError`.
    """
    named = " or ".join(paths)
    try:
        with reading(named):
            return work(*map(scan, paths))
    except DataError:
        texts = [path for path in paths if format_of(files_of(path)[0]) != "parquet"]
        if not texts:
            raise
    types = {path: whole_types(path) for path in texts}
    with reading(named):
        return work(*(scan(path, types.get(path)) for path in paths))


def whole_types(path: str | Path) -> Mapping[str, str]:
    """The types of a text file's columns that all of its values go with, by column; reads all of it.

    For a file whose first rows say something else than later ones. Raises `DataError`.
    """
    files = files_of(path)
    name = format_of(files[0])
    if name not in ("csv", "tsv"):
        with reading(path):
            schema = pl.scan_ndjson(list(files), infer_schema_length=None).collect_schema()
        return {column: str(kind) for column, kind in schema.items()}
    with reading(path):
        first = _csv(files, name, SAMPLE, try_parse_dates=True).collect_schema()
        wider = {column: _WIDER.get(str(kind), ("String",)) for column, kind in first.items()}
        checks = [
            _fits(column, TEXT_TYPES[kind]).alias(f"{place} {kind}")
            for place, (column, kinds) in enumerate(wider.items())
            for kind in kinds
        ]
        found = _csv(files, name).select(checks).collect(engine="streaming").row(0, named=True)
    return {
        column: next(kind for kind in kinds if found[f"{place} {kind}"])
        for place, (column, kinds) in enumerate(wider.items())
    }


def _fits(column: str, kind: pl.DataType) -> pl.Expr:
    """Whether every value of a column of texts can be read as this type."""
    texts = pl.col(column)
    if kind == pl.String:
        return pl.lit(True)
    if kind == pl.Boolean:
        return texts.is_in(["true", "false"]).all()
    if kind == pl.Date:
        read = texts.str.to_date("%Y-%m-%d", strict=False)
    elif kind == pl.Datetime:
        read = texts.str.to_datetime(strict=False, time_unit="us")
    else:
        read = texts.cast(kind, strict=False)
    return (read.is_not_null() | texts.is_null()).all()


def _scan(files: Sequence[Path], name: str, types: Mapping[str, str] | None) -> pl.LazyFrame:
    if name == "parquet":
        return pl.scan_parquet(list(files), hive_partitioning=False, glob=False)
    if name == "ndjson":
        return pl.scan_ndjson(list(files), infer_schema_length=None if types else SAMPLE)
    if types is None:
        return _csv(files, name, infer_schema_length=SAMPLE, try_parse_dates=True)
    texts = _csv(files, name)
    known = set(texts.collect_schema())
    return texts.with_columns(
        _read_as(column, TEXT_TYPES[kind])
        for column, kind in types.items()
        if column in known and kind in TEXT_TYPES and kind != "String"
    )


def _read_as(column: str, kind: pl.DataType) -> pl.Expr:
    texts = pl.col(column)
    if kind == pl.Boolean:
        return texts == "true"
    if kind == pl.Date:
        return texts.str.to_date("%Y-%m-%d")
    if kind == pl.Datetime:
        return texts.str.to_datetime(time_unit="us")
    return texts.cast(kind)


def _csv(
    files: Sequence[Path],
    name: str,
    infer_schema_length: int = 0,
    try_parse_dates: bool = False,
) -> pl.LazyFrame:
    return pl.scan_csv(
        list(files),
        separator="\t" if name == "tsv" else ",",
        infer_schema_length=infer_schema_length,
        try_parse_dates=try_parse_dates,
        glob=False,
    )


_AT = re.compile(
    r"could not parse `(?P<value>.*?)` as dtype `(?P<kind>\w+)` at column '(?P<column>.*?)'"
)


def _words(error: PolarsError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    text = str(error)
    found = _AT.search(text)
    if found:
        return printable(
            f"{found['value']!r} in column {found['column']} is not of type {found['kind']}, as the"
            f" first {SAMPLE:,} rows are"
        )
    if "utf" in text.lower():
        return _NOT_UTF8
    if "more fields than" in text:
        return "a row has more values than there are columns"
    if "outside of expected schema" in text or isinstance(error, SchemaError):
        return f"its files do not have the same columns: {_first(text)}"
    return f"cannot be read: {_first(text)}"


def _first(text: str) -> str:
    return printable(next(filter(None, map(str.strip, text.splitlines())), "")[:200])
