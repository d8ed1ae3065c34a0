"""Which columns a table of runs has, how wide they are, and what stands in a cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import format as fmt

if TYPE_CHECKING:
    from datetime import datetime

    from storage.runs import Run, RunsPage

GAP = 2
EDGE = 2
"""Cells before the first column, for the cursor's mark."""
NAME_WIDTH = 30
NAME_LEAST = 12
TEXT_WIDTH = 16
TITLE_WIDTH = 14
REASON_LEAST = 24
METRICS_WITHOUT_OBJECTIVE = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column, laid out."""

    key: str
    """`name`, `state`, `metric`, `param`, `seconds`, `age` or `reason`."""
    field: str
    """The metric's or param's name; for the others what `RunQuery.sort` calls it, or nothing."""
    title: str
    width: int
    head: int = 0
    """Cells before the decimal point; 0 for columns of text."""
    tail: int = 0
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of exactly the column's width, and its tone."""

    text: str
    tone: str


@dataclass
class Extent:
    """The room the values of one column need."""

    head: int = 0
    tail: int = 0
    text: int = 0
    numeric: bool = True

    def take(self, raw: Any, text: str) -> None:
        self.text = max(self.text, cell_len(text))
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            self.numeric = False
            return
        head, tail = fmt.halves(text)
        self.head, self.tail = max(self.head, head), max(self.tail, tail)


@dataclass
class Measure:
    """What the rows seen so far need. It only grows, so columns do not jump while one scrolls."""

    rows: int = 0
    name: int = 0
    reason: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    varying: set[str] = field(default_factory=set)
    params: dict[str, Extent] = field(default_factory=dict)
    metrics: dict[str, Extent] = field(default_factory=dict)

    def take(self, page: RunsPage, names: dict[str, str]) -> None:
        """Take in a page; `names` are the runs' names as shown, by id."""
        for run in page.runs:
            self._take_run(run, page, names[run.id])
        self.rows = max(self.rows, page.total)

    def _take_run(self, run: Run, page: RunsPage, name: str) -> None:
        self.name = max(self.name, cell_len(name))
        self.reason = self.reason or bool(run.reason)
        for key in page.params:
            value = run.params.get(key, _ABSENT)
            if key in self.values and not _same(self.values[key], value):
                self.varying.add(key)
            self.values.setdefault(key, value)
            if value is not _ABSENT:
                self.params.setdefault(key, Extent()).take(value, fmt.value(value))
        for key, metric in run.metrics.items():
            text = fmt.number(metric, keep_zeros=True)
            self.metrics.setdefault(key, Extent()).take(metric, text)

    def constants(self, page: RunsPage) -> tuple[str, ...]:
        """Params with one value in all rows; a lone run has none to compare with."""
        if self.rows < 2:
            return ()
        return tuple(key for key in page.params if key not in self.varying and key in self.params)


_ABSENT = object()


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))


def lay_out(measure: Measure, page: RunsPage, width: int, trials: bool) -> tuple[Column, ...]:
    """The columns that fit into `width` cells, in order; the least telling ones yield first."""
    columns = _all(measure, page, trials)
    for step in _yields(columns):
        if _width(columns) <= width:
            break
        columns = step(columns)
    return _with_reason(columns, measure, width)


def _all(measure: Measure, page: RunsPage, trials: bool) -> list[Column]:
    constant = measure.constants(page)
    name = max(min(measure.name, NAME_WIDTH), 5 if trials else NAME_LEAST)
    columns = [
        Column("name", "number" if trials else "name", "#" if trials else "run", name),
        Column("state", "state", "state", max(len(f"x {s.word}") for s in fmt.LOOKS.values())),
    ]
    objectives = [key for key in page.directions if key in measure.metrics]
    objectives = objectives or list(page.directions or page.metrics[:METRICS_WITHOUT_OBJECTIVE])
    columns += [_metric(key, measure.metrics.get(key, Extent()), page) for key in objectives]
    for key in page.params:
        if key not in constant and key in measure.params:
            columns.append(_param(key, measure.params[key]))
    return [
        *columns,
        Column("seconds", "seconds", "time", 7, numeric=True),
        Column("age", "started", "age", 7, numeric=True),
    ]


def _metric(key: str, extent: Extent, page: RunsPage) -> Column:
    # One cell more for the mark of the best, and one for the arrow in the title.
    mark = int(key in page.directions)
    return _numbers("metric", key, replace(extent, tail=extent.tail + mark))


def _param(key: str, extent: Extent) -> Column:
    if extent.numeric:
        return _numbers("param", key, extent)
    title = fmt.cut(fmt.plain(key), TITLE_WIDTH)
    width = max(min(extent.text, TEXT_WIDTH), cell_len(title) + 1)
    return Column("param", key, title, width)


def _numbers(kind: str, key: str, extent: Extent) -> Column:
    title = fmt.cut(fmt.plain(key), TITLE_WIDTH)
    width = max(extent.head + extent.tail, cell_len(title) + 2 * (kind == "metric"), 3)
    return Column(kind, key, title, width, width - extent.tail, extent.tail, True)


def _width(columns: list[Column]) -> int:
    return EDGE + sum(column.width for column in columns) + GAP * (len(columns) - 1) + 1


def _yields(columns: list[Column]) -> list[Any]:
    """Steps that save width, the least missed first."""
    params = [column for column in columns if column.key == "param"]
    metrics = [column for column in columns if column.key == "metric"]
    return [
        _without("age"),
        _narrow("name", 20),
        _without("seconds"),
        _narrow("state", 1),
        *(_without("param", column.field) for column in reversed(params[2:])),
        _narrow("name", NAME_LEAST),
        *(_without("param", column.field) for column in reversed(params[:2])),
        *(_without("metric", column.field) for column in reversed(metrics[1:])),
    ]


def _without(key: str, name: str | None = None) -> Any:
    return lambda columns: [
        column
        for column in columns
        if column.key != key or (name is not None and column.field != name)
    ]


def _narrow(key: str, width: int) -> Any:
    return lambda columns: [
        replace(column, width=min(column.width, width), title=column.title if width > 1 else "")
        if column.key == key
        else column
        for column in columns
    ]


def _with_reason(columns: list[Column], measure: Measure, width: int) -> tuple[Column, ...]:
    spare = width - _width(columns) - GAP
    if measure.reason and spare >= REASON_LEAST:
        columns = [*columns, Column("reason", "", "reason", spare)]
    return tuple(columns)


def cell(run: Run, column: Column, page: RunsPage, now: datetime, elapsed: float) -> Cell:
    """What stands in a column for a run; a running one is `elapsed` seconds older by now."""
    dim = "quiet" if run.state in ("pruned", "waiting") else ""
    match column.key:
        case "name":
            text, tone = shown_name(run, column.field == "number"), dim
        case "state":
            look = fmt.look(run.state)
            text = look.glyph if column.width == 1 else f"{look.glyph} {look.word}"
            tone = look.tone
        case "metric":
            return _metric_cell(run, column, page, dim)
        case "param":
            return _param_cell(run, column, dim)
        case "seconds":
            more = elapsed if run.state == "running" and run.seconds is not None else 0.0
            seconds = None if run.seconds is None else run.seconds + more
            text, tone = fmt.duration(seconds), "quiet"
        case "age":
            text, tone = fmt.age(run.started, now), "quiet"
        case _:
            blamed = run.state in ("failed", "timeout", "oom")
            text, tone = (
                fmt.plain(run.reason or ""),
                fmt.look(run.state).tone if blamed else "quiet",
            )
    return Cell(fmt.fit(text, column.width, right=column.numeric), tone)


def shown_name(run: Run, trial: bool) -> str:
    """`#17` among the trials of one sweep, else the whole name; `◇` after it is the baseline's mark."""
    if trial and run.number is not None:
        name = f"#{run.number}"
    else:
        name = "base" if trial and run.baseline else fmt.plain(run.name)
    return f"{name} {fmt.BASELINE}" if run.baseline else name


def _metric_cell(run: Run, column: Column, page: RunsPage, dim: str) -> Cell:
    value = run.metrics.get(column.field)
    if value is None:
        return Cell(_decimal(fmt.MISSING, column), "faint")
    text = fmt.number(value, keep_zeros=True)
    if page.best.get(column.field) == run.id:
        return Cell(_decimal(f"{text}▲", column), "best")
    return Cell(_decimal(text, column), dim)


def _param_cell(run: Run, column: Column, dim: str) -> Cell:
    if column.field not in run.params:
        text = fmt.MISSING
        shown = _decimal(text, column) if column.numeric else fmt.fit(text, column.width)
        return Cell(shown, "faint")
    text = fmt.value(run.params[column.field])
    return Cell(_decimal(text, column) if column.numeric else fmt.fit(text, column.width), dim)


def _decimal(text: str, column: Column) -> str:
    aligned = fmt.align([text], column.head, column.tail)[0]
    return fmt.fit(aligned, column.width, right=True)
