"""The files of what runs predicted: looked at as they are handed in, kept as Parquet, read back."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import numpy as np
import polars as pl

from cockpit.sweep.executors.worker import PREDICTIONS
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from storage.datasets import Version
    from storage.layout import Layout
    from storage.predictions import Predictions

SUFFIXES = (PREDICTIONS, ".parquet", ".csv", ".ndjson", ".jsonl", ".json")
_SOURCE = "cockpit.source"
"""In a kept Parquet file, the digest of what it was made from."""
SCORE = "y_score."
"""How the names of the columns begin that hold a score a class."""
_TYPES = {
    "bool": "?",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float64": "<f8",
}


class BadPredictions(UserError):
    """Predictions that cannot be read, or do not fit the evaluation set; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file of predictions, looked at."""

    evaluation: str
    """The evaluation set's name: the file's own."""
    dataset: str
    """The digest of the set's version."""
    digest: str
    rows: int
    columns: tuple[str, ...]
    """Those that count: answers, scores, keys."""


def inspect(path: Path, sets: Mapping[str, Version]) -> Inspected:
    """Look at a file that is named after an evaluation set; raises `BadPredictions`."""
    name = path.stem if path.stem in sets else unquote(path.stem)
    if path.suffix not in SUFFIXES:
        raise BadPredictions(f"its name ends in none of {', '.join(SUFFIXES[1:])}")
    if name not in sets:
        known = f"there is {', '.join(sorted(sets))}" if sets else "cockpit.toml names none"
        raise BadPredictions(f"no evaluation set is called {name!r} ({known})")
    return inspect_as(path, sets[name])


def inspect_as(path: Path, version: Version) -> Inspected:
    """Look at a file of predictions for this version; raises `BadPredictions`."""
    from cockpit.sweep.provenance.data import Hashes

    key = tuple(version.facts.get("key") or ())
    found = read(path, key)
    by_key = bool(key) and set(key) <= set(found.columns)
    if not by_key and version.rows is not None and found.height != version.rows:
        raise BadPredictions(
            f"it has {found.height:,} rows and {version.label} {version.rows:,}: there must be one a row, "
            + (f"or the columns of its key ({', '.join(key)})" if key else "in the same order")
        )
    try:
        digest = Hashes(None).data_file(path).digest
    except OSError as error:
        raise BadPredictions(f"it cannot be read: {error.strerror}") from error
    return Inspected(version.name, version.digest, digest, found.height, tuple(found.columns))


def read(path: Path, key: Sequence[str] = ()) -> pl.DataFrame:
    """The columns of a file that count: `y_pred`, `y_score`, `y_score.CLASS`, and those of the key.

    Raises `BadPredictions`.
    """
    try:
        found = _read(path, key)
    except OSError as error:
        raise BadPredictions(f"{path} cannot be read: {error.strerror or error}") from error
    except (pl.exceptions.PolarsError, ValueError, KeyError, TypeError) as error:
        first = (str(error).splitlines() or ["?"])[0]
        raise BadPredictions(f"{path} is no whole {path.suffix[1:]} file: {first}") from error
    answers = [name for name in found.columns if _is_answer(name)]
    if not answers:
        there = ", ".join(map(repr, found.columns[:8])) or "none"
        raise BadPredictions(f"{path} has no column y_pred or y_score; its columns: {there}")
    return found.select([*answers, *(name for name in key if name in found.columns)])


def kept(layout: Layout, told: Predictions) -> pl.DataFrame:
    """What a run predicted, as it was handed in; the first time it is written down as Parquet.

    Raises `BadPredictions` where the file has gone, or is not the one that was handed in.
    """
    folder = layout.predictions(told.run)
    own = folder / f"{quote(told.evaluation, safe=' ')[:200]}.parquet"
    if _source(own) == told.digest:
        return read(own, _key(told))
    try:
        found = _handed_in(told)
    except BadPredictions:
        if _source(own) == told.digest:  # somebody has just made it
            return read(own, _key(told))
        raise
    if told.path.parent != folder or told.path.suffix != ".parquet":
        written = _write(found, own, told.digest)
        if written and told.path.parent == folder:
            told.path.unlink(missing_ok=True)
    return found


def _handed_in(told: Predictions) -> pl.DataFrame:
    try:
        digest = _digest(told.path, told.digest)
    except OSError as error:
        raise BadPredictions(f"{told.path} cannot be read: {error.strerror}") from error
    if digest != told.digest:
        raise BadPredictions(
            f"{told.path} is not what the run handed in: it was changed since; "
            f"cockpit evaluate {told.run} --predictions FILE takes another file"
        )
    return read(told.path, _key(told))


def _key(told: Predictions) -> list[str]:
    return [name for name in told.columns if not _is_answer(name)]


def keep(layout: Layout, run: str, name: str, found: pl.DataFrame) -> tuple[str, str]:
    """Keep answers with a run that has ended; returns the file below the run's folder and its digest.

    Raises OSError.
    """
    from cockpit.sweep.provenance.data import Hashes

    folder = layout.predictions(run)
    path = folder / f"{quote(name, safe=' ')[:200]}-{secrets.token_hex(4)}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    found.write_parquet(path)
    below = path.relative_to(layout.run_folder(run)).as_posix()
    return below, Hashes(None).data_file(path).digest


def _is_answer(name: str) -> bool:
    return name in ("y_pred", "y_score") or name.startswith(SCORE)


def _read(path: Path, key: Sequence[str]) -> pl.DataFrame:
    match path.suffix:
        case ".parquet":
            return pl.read_parquet(path)
        case ".csv":
            # A key such as 007 is no number.
            texts = dict.fromkeys(key, pl.String)
            header = pl.scan_csv(path, infer_schema=False).collect_schema().names()
            there = {name: kind for name, kind in texts.items() if name in header}
            return pl.read_csv(path, schema_overrides=there, infer_schema_length=None)
        case ".ndjson" | ".jsonl":
            return pl.read_ndjson(path, infer_schema_length=None)
        case ".json":
            return pl.DataFrame(json.loads(path.read_bytes()), infer_schema_length=None)
        case _:
            return _unpacked(path.read_bytes())


def _unpacked(content: bytes) -> pl.DataFrame:
    """What `worker.keep_predictions` wrote."""
    end = content.index(b"\n")
    head = json.loads(content[:end])
    place = end + 1
    columns: list[pl.Series] = []
    for column in head["columns"]:
        kind = np.dtype(_TYPES[column["type"]])
        values = np.frombuffer(content, kind, column["bytes"] // kind.itemsize, place)
        place += column["bytes"]
        series = pl.Series(column["name"], values)
        if "labels" in column:
            labels = pl.Series(column["name"], column["labels"], dtype=pl.String)
            series = labels.gather(series)
        columns.append(series)
    return pl.DataFrame(columns)


def _digest(path: Path, like: str) -> str:
    from cockpit.sweep.provenance.data import Hashes

    if like.startswith("blake2b:"):
        return "blake2b:" + hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()
    return Hashes(None).data_file(path).digest


def _source(path: Path) -> str | None:
    try:
        return pl.read_parquet_metadata(path).get(_SOURCE)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _write(found: pl.DataFrame, path: Path, digest: str) -> bool:
    """Whole or not at all, and to be read alone; False where the store cannot be written."""
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found.write_parquet(partial, metadata={_SOURCE: digest})
        partial.chmod(0o444)
        partial.replace(path)
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return True
