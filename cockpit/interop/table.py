"""Reads a CSV file in which every row is a run.

Which column is what:
- what `--metrics` and `--params` name is that; so are columns called `metrics.NAME` and `params.NAME`;
- `id`, `name`, `state`, `reason`, `started`, `ended`, `tags`, `note` and `experiment` are the run's own;
- of the others, a column of numbers whose name says that it measures something (`val_loss`, `auc`) is a metric;
- the rest are params.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cockpit.interop.errors import NothingToImport
from cockpit.interop.files import opened
from cockpit.interop.foreign import Damaged, ForeignRun
from cockpit.interop.values import typed
from storage.errors import UserError
from storage.runs import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_OWN = ("id", "name", "state", "reason", "started", "ended", "tags", "note", "experiment")
_KEPT = ("sweep", "number", "seconds", "step", "pinned", "attempt", "baseline")
"""Columns of our own exports that say nothing here; kept as attributes where they have a value."""
_MEASURES = """
    loss acc accuracy auc auroc auprc ap f1 fbeta precision recall sensitivity specificity score error err rmse mse
    mae mape msle r2 logloss nll ppl perplexity bleu rouge wer cer iou dice map mrr ndcg brier ece kappa mcc
    latency throughput reward
"""
_KNOWN = frozenset(_MEASURES.split())
_WORDS = re.compile(r"[A-Za-z]+\d?|\d+")
_LONGEST = 16 << 20
"""Characters of a cell."""
_ABSENT = frozenset(("", "-", "NA", "N/A", "n/a", "null", "None"))
"""What stands in a metric's column where there is no number."""
_STATES = {
    "finished": "complete",
    "completed": "complete",
    "crashed": "failed",
    "killed": "stopped",
}
"""What other trackers call ours."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column is; see the module."""

    metrics: Mapping[str, str]
    """By column, the name of the metric."""
    params: Mapping[str, str]
    own: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def words(self) -> str:
        """For people."""
        parts = [
            f"{what}: {', '.join(names) or 'none'}"
            for what, names in (
                ("metrics", self.metrics.values()),
                ("params", self.params.values()),
            )
        ]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file, and what was said of its columns."""

    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    name: str | None = None
    """The column of the run's name."""
    key: str | None = None
    """The column that tells runs apart for ever; without it `id`, else all that stands in the row."""
    live: bool = False
    """The file is being written: a last line without an end is not read yet."""

    def read(self, path: Path) -> Iterator[ForeignRun | Damaged]:
        """The rows in their order. Raises `NothingToImport`, or `UserError` for a column that is not there."""
        header, rows, damaged = _rows(path, self.live)
        yield from damaged
        self._check(path, header)
        columns = self._columns(header, rows)
        seen: Counter[str] = Counter()
        for line, row in rows:
            values = {name: text for name, text in zip(header, row, strict=True) if text != ""}
            key = first = self._key(values)
            if self.key is not None and key in seen:
                yield Damaged(f"{path}:{line}", f"{self.key} {key} stands in an earlier row")
                continue
            while key in seen:
                seen[first] += 1
                key = f"{first}-{seen[first]}"
            seen[key] += 1
            yield self._run(path, line, key, values, columns)

    def count(self, path: Path) -> int:
        """How many rows there are."""
        return len(_rows(path, self.live)[1])

    def newest(self, path: Path) -> tuple[float, ...]:
        """A stamp that differs once something was written."""
        try:
            about = path.stat()
        except OSError as error:
            raise NothingToImport(f"{path} cannot be read: {error.strerror}") from error
        return about.st_mtime_ns, about.st_size

    def columns(self, path: Path) -> Columns:
        """What is taken for what."""
        header, rows, _ = _rows(path, self.live)
        self._check(path, header)
        return self._columns(header, rows)

    def _check(self, path: Path, header: Sequence[str]) -> None:
        for column in (*self.metrics, *self.params, self.name, self.key):
            if column is not None and column not in header:
                raise UserError(
                    f"{path} has no column {column!r}; it has: {', '.join(map(repr, header))}"
                )

    def _columns(self, header: Sequence[str], rows: list[tuple[int, list[str]]]) -> Columns:
        metrics: dict[str, str] = {}
        params: dict[str, str] = {}
        own: list[str] = []
        kept: list[str] = []
        for place, column in enumerate(header):
            scope, _, inner = column.partition(".")
            if column in self.metrics:
                metrics[column] = column
            elif column in self.params:
                params[column] = column
            elif scope in ("metrics", "params") and inner:
                (metrics if scope == "metrics" else params)[column] = inner
            elif column in _OWN or column == self.name:
                own.append(column)
            elif column in _KEPT and "id" in header:
                kept.append(column)
            elif measures(column) and all(_is_number(row[place]) for _, row in rows):
                metrics[column] = column
            else:
                params[column] = column
        return Columns(metrics, params, tuple(own), tuple(kept))

    def _key(self, values: Mapping[str, str]) -> str:
        column = self.key or "id"
        if column in values:
            return values[column]
        return hashlib.sha256(json.dumps(sorted(values.items())).encode()).hexdigest()[:16]

    def _run(
        self,
        path: Path,
        line: int,
        key: str,
        values: Mapping[str, str],
        columns: Columns,
    ) -> ForeignRun:
        own = {name: values[name] for name in columns.own if name in values}
        summary: dict[str, float] = {}
        damage: list[str] = []

        def odd(column: str, what: str) -> None:
            damage.append(f"line {line}: {column} is {values[column][:40]!r}, {what}")

        for column, name in columns.metrics.items():
            if (text := values.get(column, "")) not in _ABSENT:
                number = typed(text)
                if isinstance(number, int | float):
                    summary[name] = float(number)
                else:
                    odd(column, "no number")
        times = {name: _time(own.get(name)) for name in ("started", "ended")}
        for column in times:
            if column in own and times[column] is None:
                odd(column, "no time")
        word = own.get("state", "complete").lower()
        state = _STATES.get(word, word)
        if state not in (*SETTLED, "running"):
            odd("state", "which is none that is known here")
            state = "lost"
        params = {n: typed(values[c]) for c, n in columns.params.items() if c in values}
        if self.key is not None and self.key in columns.params:
            params.pop(columns.params[self.key], None)
        return ForeignRun(
            key=key,
            name=values.get(self.name or "name") or f"{path.stem}-{line - 1}",
            state=state,
            reason=own.get("reason"),
            group=own.get("experiment"),
            started=times["started"],
            ended=times["ended"],
            params=params,
            summary=summary,
            tags=tuple(_tags(own.get("tags", ""))),
            note=own.get("note"),
            attrs={name: typed(values[name]) for name in columns.kept if name in values},
            damage=tuple(damage),
        )


read, count, newest = CsvFile().read, CsvFile().count, CsvFile().newest
"""As every peer's module has them."""


def measures(column: str) -> bool:
    """Whether the name of a column says that it measures something: `val_loss`, `AUC`, `top5-accuracy`."""
    return any(word.lower() in _KNOWN for word in _WORDS.findall(column))


def _rows(path: Path, live: bool) -> tuple[list[str], list[tuple[int, list[str]]], list[Damaged]]:
    """The header, the rows with their lines, and the rows that do not fit the header."""
    csv.field_size_limit(_LONGEST)
    text = _text(path)
    stream = io.StringIO(text[: text.rfind("\n") + 1] if live else text, newline="")
    split = max(",;\t", key=stream.readline().count)
    stream.seek(0)
    lines = csv.reader(stream, delimiter=split)
    try:
        header = next(lines, [])
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise NothingToImport(f"{path} is no CSV: {error}") from error
    if len(header) != len(set(header)) or not header:
        twice = [name for name, times in Counter(header).items() if times > 1]
        raise NothingToImport(
            f"{path} has {'the column ' + repr(twice[0]) + ' twice' if twice else 'no header'}"
        )
    damaged = [
        Damaged(f"{path}:{line}", f"{len(row)} cells under {len(header)} headings")
        for line, row in rows
        if len(row) != len(header)
    ]
    return header, [(line, row) for line, row in rows if len(row) == len(header)], damaged


def _text(path: Path) -> str:
    try:
        with opened(path) as stream:
            data = stream.read()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise NothingToImport(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NothingToImport(
            f"{path} is not written in UTF-8 (its byte {error.start:,}); convert it first:"
            " iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def _is_number(text: str) -> bool:
    value = typed(text)
    return text in _ABSENT or (isinstance(value, int | float) and not isinstance(value, bool))


def _time(text: str | None) -> float | None:
    """Seconds since 1970: a number of them, or a time as ISO writes it (UTC where it does not say)."""
    if not text:
        return None
    number = typed(text)
    if isinstance(number, int | float):
        return float(number) if math.isfinite(number) else None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _tags(text: str) -> list[str]:
    """`a,b`, or a list in JSON as our exports write it."""
    if text.startswith("["):
        try:
            found: Any = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [str(tag) for tag in found]
    return [tag.strip() for tag in text.split(",")]
