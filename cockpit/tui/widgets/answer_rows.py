"""Rows with what was answered and how wrong that is; holds only those around the viewport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cockpit import format as fmt
from cockpit.tui.widgets.cursor_list import CursorList
from cockpit.tui.widgets.rows import MARK

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

    from cockpit.tui.judged import Rows

EDGE, GAP = 4, 2
WIDEST = 24
"""Cells of a column."""
AHEAD = 100
"""Rows that are asked for before the first one that is seen."""
Key = tuple[str, ...]


class AnswerRows(CursorList):
    """A cursor on a row, marks on some; the features scroll under the answers, which stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="rows.mark", tooltip="Mark the row, or no longer"),
        Binding("right,l", "across(1)", "columns", key_display="← →", id="rows.right",
                tooltip="The columns further right"),
        Binding("left,h", "across(-1)", "columns to the left", show=False, id="rows.left",
                tooltip="The columns further left"),
        Binding("home", "go(0)", "first", show=False, id="rows.first", tooltip="First line"),
    ]  # fmt: skip

    @dataclass
    class NeedRows(Message):
        """Rows come into sight that are not there."""

        offset: int

    @dataclass
    class Moved(Message):
        """The cursor is on another row, or a mark was set or taken away."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Rows | None = None
        self.marks: dict[Key, None] = {}
        """Keys of the marked rows, in the order of marking."""
        self._first = 0
        """The first of the columns that scroll."""
        self._widths: dict[int, int] = {}
        self._cells: dict[int, tuple[str, ...]] = {}

    def show(self, rows: Rows) -> None:
        """Take a window; columns only get wider by it."""
        if rows is self.rows:
            return
        self.rows = rows
        self._cells = {
            rows.offset + place: tuple(map(shown, values))
            for place, values in enumerate(rows.values)
        }
        for place, name in enumerate(rows.columns):
            texts = (cells[place] for cells in self._cells.values())
            most = max((cell_len(text) for text in texts), default=0) + (name == "y_pred") * 2
            known = max(self._widths.get(place, 0), most, cell_len(fmt.plain(name)))
            self._widths[place] = min(WIDEST, known)
        self.virtual_size = Size(self.size.width, 1 + rows.of)
        self.cursor = max(0, min(self.cursor, rows.of - 1))
        self.refresh()

    # Moving

    @property
    def header(self) -> int:
        return 1

    def action_go(self, place: int) -> None:
        """Put the cursor on a row; a negative place counts from the end."""
        if self.rows is None or not self.rows.of:
            return
        before = self.cursor
        self.cursor = max(0, min(place if place >= 0 else self.rows.of + place, self.rows.of - 1))
        self.reach(self.cursor)
        self.refresh_lines(before, self.cursor)
        self._need()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        self.action_go(max(0, self.cursor + by))

    def action_last(self) -> None:
        self.action_go(-1)

    def action_across(self, way: int) -> None:
        if self.rows is None:
            return
        there = len(self.rows.columns) - self.rows.fixed
        last = next(
            (
                first
                for first in range(there)
                if self._columns(first)[-1][0] == len(self.rows.columns) - 1
            ),
            max(0, there - 1),
        )
        self._first = max(0, min(self._first + way, last))
        self.refresh()

    def action_mark(self) -> None:
        if (key := self.key_of(self.cursor)) is None:
            return
        if key in self.marks:
            del self.marks[key]
        else:
            self.marks[key] = None
        self.refresh_lines(self.cursor)
        self.action_move(1)
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        if event.y >= 1:
            self.action_go(event.y - 1 + self.scroll_offset.y)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self._need()

    def on_resize(self) -> None:
        self._need()

    def _need(self) -> None:
        """Ask for the rows in sight, where they are not there."""
        rows = self.rows
        if rows is None or not rows.of:
            return
        first = min(self.scroll_offset.y, rows.of - 1)
        last = min(rows.of - 1, first + self.room - 1)
        if first not in self._cells or last not in self._cells:
            self.post_message(self.NeedRows(max(0, first - AHEAD)))

    def key_of(self, row: int) -> Key | None:
        """What names a row, where it is there."""
        rows = self.rows
        if rows is None or not 0 <= row - rows.offset < len(rows.values):
            return None
        return tuple(str(value) for value in rows.values[row - rows.offset][: rows.key])

    # Painting

    def _columns(self, first: int) -> list[tuple[int, int]]:
        """The columns that have room, and their cells; those that scroll from the `first` on."""
        assert self.rows is not None
        fixed, room = self.rows.fixed, self.size.width - EDGE
        found: list[tuple[int, int]] = []
        for place in (*range(fixed), *range(fixed + first, len(self.rows.columns))):
            width = self._widths[place]
            if width > room and (found and (place >= fixed or room < 4)):
                break
            found.append((place, min(width, room)))
            room -= width + GAP
        return found

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if self.rows is None:
            return Strip.blank(width, base)
        segments = self._titles(base) if y == 0 else self._row(y - 1 + self.scroll_offset.y, base)
        return Strip(segments).adjust_cell_length(width, segments[-1].style if segments else base)

    def _titles(self, base: Style) -> list[Segment]:
        assert self.rows is not None
        quiet = base + self.tone("quiet")
        segments = [Segment(" " * EDGE, base)]
        columns = self._columns(self._first)
        for place, width in columns:
            text = fmt.fit(
                fmt.plain(self.rows.columns[place]), width, right=self.rows.numeric[place]
            )
            segments += [Segment(text, quiet), Segment(" " * GAP, base)]
        used = EDGE + sum(width + GAP for _, width in columns)
        hidden = len(self.rows.columns) - len(columns)
        more = f"+{hidden}"
        if hidden and used + len(more) + 1 <= self.size.width:
            blank = self.size.width - used - len(more) - 1
            segments += [Segment(" " * blank, base), Segment(more, base + self.tone("faint"))]
        return segments

    def _row(self, row: int, base: Style) -> list[Segment]:
        rows = self.rows
        if rows is None or row >= rows.of:
            return [Segment(" ", base)]
        here = row == self.cursor
        base += self.tone("cursor") if here else base
        cells = self._cells.get(row)
        if cells is None:
            return [Segment(f"  {fmt.ELLIPSIS}", base + self.tone("faint"))]
        mark = MARK if self.key_of(row) in self.marks else " "
        segments = [
            self.bar(base, here, 1),
            Segment(f" {mark} ", base + self.tone("accent")),
        ]
        wrong = _wrong(rows, row - rows.offset)
        for place, width in self._columns(self._first):
            text, tone = cells[place], "quiet" if place < rows.key else ""
            if rows.columns[place] == "y_pred" and place < rows.fixed:
                text, tone = (f"{text} ✗", "failed") if wrong else (f"{text}  ", "")
            text = fmt.fit(text, width, right=rows.numeric[place])
            style = base + self.tone(tone) if tone else base
            segments += [Segment(text, style), Segment(" " * GAP, base)]
        return segments


def _wrong(rows: Rows, place: int) -> bool:
    """Whether a label was answered that is not the right one; of figures nobody can say so."""
    told = dict(zip(rows.columns[: rows.fixed], rows.values[place], strict=False))
    right, answered = told.get("y_true"), told.get("y_pred")
    return not isinstance(answered, float) and answered is not None and answered != right


def shown(value: Any) -> str:
    """Whole numbers, which may be keys, in full; what is missing as a dot."""
    if value is None:
        return fmt.MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return fmt.number(value, keep_zeros=True) if isinstance(value, float) else fmt.plain(str(value))
