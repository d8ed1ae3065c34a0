"""Which columns a table of runs has, and how wide they are. Pure.

A column goes by its id: a field's name, `metrics.NAME`, `params.NAME` or `curves.NAME`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit.tui.measure import Extent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.tui.measure import Measure
    from storage.runs import RunsPage

GAP = 2
EDGE = 3
"""Cells before the first column, for the cursor's bar and the mark."""
NAME_WIDTH = 30
NAME_LEAST = 12
TEXT_WIDTH = 16
TITLE_WIDTH = 14
REASON_LEAST = 24
CURVE_WIDTH = 12
LEAST = 3
METRICS_WITHOUT_OBJECTIVE = 3
STATE_WIDTH = max(len(f"x {look.word}") for look in fmt.LOOKS.values())

FIELDS = {
    "name": ("run", NAME_WIDTH, False),
    "state": ("state", STATE_WIDTH, False),
    "seconds": ("time", 7, True),
    "age": ("age", 7, True),
    "reason": ("reason", REASON_LEAST, False),
    "sweep": ("sweep", TEXT_WIDTH, False),
    "number": ("number", 6, True),
    "step": ("step", 7, True),
    "attempt": ("attempt", 7, True),
    "tags": ("tags", TEXT_WIDTH, False),
    "note": ("note", 24, False),
    "id": ("id", 12, False),
}
"""By id: title, width, and whether it stands to the right."""
SORTED_AS = {"age": "started", "tags": "tag", "attempt": ""}
"""What `RunQuery.sort` calls a field, where that is another name or nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, laid out."""

    key: str
    """A field's id, or `metric`, `param` or `curve`."""
    name: str
    """The metric's or param's; nothing for a field."""
    title: str
    width: int
    head: int = 0
    """Cells before the decimal point; 0 for columns of text."""
    tail: int = 0
    numeric: bool = False
    field: str = ""
    """What `RunQuery.sort` takes for it; nothing where it cannot be sorted by."""

    @property
    def id(self) -> str:
        return f"{self.key}s.{self.name}" if self.key in SCOPES else self.key


SCOPES = ("metric", "param", "curve")
_SORTABLE = {"tag", "started", "pinned", *FIELDS} - {"age", "tags", "attempt"}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the reader chose beyond what a table shows by itself; remembered for each store."""

    shown: tuple[str, ...] = ()
    """Ids of columns that would not be there by themselves, or would yield to others."""
    hidden: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    """The others stay behind the one that they follow by themselves."""
    pinned: tuple[str, ...] = ("name",)
    """At the left, whatever is beside them."""
    widths: tuple[tuple[str, int], ...] = ()

    def show(self, column: str, shown: bool = True) -> Columns:
        """Show or hide a column."""
        return replace(
            self,
            shown=(*_but(self.shown, column), *[column] * shown),
            hidden=(*_but(self.hidden, column), *[column] * (not shown)),
        )

    def pin(self, column: str) -> Columns:
        """Pin a column to the left, or let it go again."""
        there = column in self.pinned
        return replace(self, pinned=(*_but(self.pinned, column), *[column] * (not there)))

    def resize(self, column: str, width: int) -> Columns:
        """Give a column so many cells."""
        others = tuple(pair for pair in self.widths if pair[0] != column)
        return replace(self, widths=(*others, (column, max(LEAST, width))))

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Columns:
        """What `dataclasses.asdict` made of one, as JSON gives it back; the defaults where it is no such thing."""
        try:
            found = cls(
                **{
                    key: _texts(raw[key])
                    for key in ("shown", "hidden", "order", "pinned")
                    if key in raw
                },
                widths=tuple((str(column), int(width)) for column, width in raw.get("widths", ())),
            )
        except (TypeError, ValueError):
            return cls()
        return found


def _texts(raw: Any) -> tuple[str, ...]:
    if not all(isinstance(one, str) for one in raw):
        raise TypeError(f"no names of columns: {raw!r}")
    return tuple(raw)


def _but(columns: tuple[str, ...], column: str) -> tuple[str, ...]:
    return tuple(one for one in columns if one != column)


def known(page: RunsPage) -> tuple[str, ...]:
    """All columns that there can be."""
    names = [f"metrics.{name}" for name in page.metrics]
    names += [f"params.{name}" for name in page.params]
    return (*FIELDS, *names, *(f"curves.{name}" for name in page.metrics))


def arranged(measure: Measure, page: RunsPage, chosen: Columns) -> tuple[str, ...]:
    """The columns to show, in order, whether they fit or not."""
    there = set(known(page))
    own = _by_themselves(measure, page)
    ids = [one for one in own if one not in chosen.hidden]
    ids += [one for one in chosen.shown if one not in ids and one in there]
    ids = _ordered(ids, chosen.order)
    return tuple(sorted(ids, key=lambda one: one not in chosen.pinned))


def _by_themselves(measure: Measure, page: RunsPage) -> list[str]:
    constant = measure.constants(page)
    objectives = [key for key in page.directions if key in measure.metrics]
    objectives = objectives or list(page.directions or page.metrics[:METRICS_WITHOUT_OBJECTIVE])
    reported = [
        key for key in objectives if key in measure.metrics and any(measure.longest.values())
    ]
    return [
        "name",
        "state",
        *(f"metrics.{key}" for key in objectives),
        *(f"curves.{key}" for key in reported[:1]),
        *(f"params.{key}" for key in page.params if key in measure.params and key not in constant),
        "seconds",
        "age",
        *["reason"] * measure.reason,
    ]  # fmt: skip


def _ordered(ids: list[str], order: tuple[str, ...]) -> list[str]:
    """As in `order`; one that is not in it stays behind its neighbour."""
    found = sorted((one for one in ids if one in order), key=order.index)
    before = None
    for one in ids:
        if one not in order:
            found.insert(found.index(before) + 1 if before else 0, one)
        before = one
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that fit, and how many do not."""

    columns: tuple[Column, ...] = ()
    left_out: int = 0


def lay_out(
    measure: Measure,
    page: RunsPage,
    width: int,
    trials: bool,
    chosen: Columns | None = None,
    at: str | None = None,
) -> Layout:
    """The columns that fit into `width` cells; the least telling ones yield first, but never the one `at`."""
    chosen = chosen or Columns()
    ids = arranged(measure, page, chosen)
    whole = [_column(one, measure, page, trials, chosen) for one in ids]
    columns = _fitting(whole, width, {*chosen.shown, *chosen.pinned})
    if at in ids and at not in [column.id for column in columns]:
        columns = _scrolled(whole, width, chosen.pinned, at)
    left_out = len(whole) - len(columns)
    if columns and columns[-1].key == "reason":
        spare = max(0, width - _width(columns))
        columns = [*columns[:-1], replace(columns[-1], width=columns[-1].width + spare)]
    return Layout(tuple(columns), left_out)


def width_of(measure: Measure, page: RunsPage, trials: bool, chosen: Columns, column: str) -> int:
    """The cells that a column has, where it has them."""
    return _column(column, measure, page, trials, chosen).width


def _column(one: str, measure: Measure, page: RunsPage, trials: bool, chosen: Columns) -> Column:
    scope, _, name = one.partition(".")
    if one in FIELDS:
        column = _field(one, measure, trials)
    elif scope == "curves":
        first = next(iter(page.directions or page.metrics), None)
        title = "curve" if name == first else fmt.cut(f"curve {fmt.plain(name)}", TITLE_WIDTH)
        column = Column("curve", name, title, max(CURVE_WIDTH, cell_len(title)))
    elif scope == "metrics":
        column = _metric(name, measure.metrics.get(name, Extent()), page)
    else:
        column = _param(name, measure.params.get(name, Extent()))
    column = replace(column, field=_sorted_as(column, page, trials))
    return _resized(column, dict(chosen.widths).get(one))


def _sorted_as(column: Column, page: RunsPage, trials: bool) -> str:
    if column.key == "curve":
        return ""
    if column.key not in SCOPES:
        return (
            "number" if trials and column.key == "name" else SORTED_AS.get(column.key, column.key)
        )
    # The bare name, where that means nothing else.
    taken = column.name in _SORTABLE or (column.key == "param" and column.name in page.metrics)
    return column.id if taken else column.name


def _field(one: str, measure: Measure, trials: bool) -> Column:
    title, width, right = FIELDS[one]
    if one == "name":
        width = max(min(measure.name, NAME_WIDTH), 5 if trials else NAME_LEAST)
        title = "#" if trials else title
    return Column(one, "", title, width, numeric=right)


def _resized(column: Column, width: int | None) -> Column:
    if width is None:
        return column
    # A number cut in the middle would be another number.
    width = max(width, column.head + column.tail, LEAST)
    return replace(column, width=width, head=width - column.tail if column.head else 0)


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


def _fitting(columns: list[Column], width: int, wanted: set[str]) -> list[Column]:
    for step in _yields(columns, wanted):
        if _width(columns) <= width:
            break
        columns = step(columns)
    return columns


def _scrolled(columns: list[Column], width: int, pinned: tuple[str, ...], at: str) -> list[Column]:
    """The pinned ones, and of the others those up to the one `at`."""
    fixed = [column for column in columns if column.id in pinned and column.id != at]
    others = [column for column in columns if column not in fixed]
    end = next(place for place, column in enumerate(others) if column.id == at)
    start = end
    while start and _width([*fixed, *others[start - 1 : end + 1]]) <= width:
        start -= 1
    return [*fixed, *others[start : end + 1]]


def _yields(columns: list[Column], wanted: set[str]) -> list[Any]:
    """Steps that save width, the least missed first; what was asked for by name comes last."""
    free = [column for column in columns if column.id not in wanted]
    params = [column.id for column in free if column.key == "param"]
    metrics = [column.id for column in free if column.key == "metric"]
    curves = [column.id for column in free if column.key == "curve"]
    asked = [column.id for column in columns if column.id in wanted and column.key != "name"]
    steps = [
        *(_without(one) for one in ("reason", "age") if one not in wanted),
        _narrow("name", 20),
        *(_without(one) for one in ("seconds",) if one not in wanted),
        *(_without(one) for one in reversed(params[4:])),
        *(_without(one) for one in curves),
        _narrow("state", 1),
        *(_without(one) for one in reversed(params[2:4])),
        _narrow("name", NAME_LEAST),
        *(_without(one) for one in reversed(params[:2])),
        *(_without(one) for one in reversed(metrics[1:])),
    ]
    return [*steps, *(_without(one) for one in reversed(asked))]


def _without(one: str) -> Any:
    return lambda columns: [column for column in columns if column.id != one]


def _narrow(key: str, width: int) -> Any:
    return lambda columns: [
        replace(column, width=min(column.width, width), title=column.title if width > 1 else "")
        if column.key == key
        else column
        for column in columns
    ]
