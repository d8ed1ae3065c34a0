"""Lines to go through with a cursor, some of which unfold; only lines that changed are painted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cockpit.tui.data.page import Page
from cockpit.tui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from rich.style import Style
    from textual import events

    from cockpit.tui.data.page import Item, Parts

EDGE = 2
"""Cells before every line, for the cursor's bar."""


@dataclass(frozen=True, slots=True)
class _Line:
    parts: Parts
    item: int | None = None
    """The place of the item whose first line it is."""


class Folds(CursorList):
    """Paints a `Page`; says what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "unfold", key_display="enter", id="folds.unfold",
                tooltip="More on the line under the cursor, and less again"),
        Binding("g,home", "first", "first", show=False, id="pane.row-first",
                tooltip="First line"),
    ]  # fmt: skip

    @dataclass
    class Moved(Message):
        """The cursor is on another line."""

        folds: Folds
        key: str

    @dataclass
    class Opened(Message):
        """Enter on a line that does not unfold."""

        folds: Folds
        key: str

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.key: str | None = None
        """Of the item under the cursor."""
        self._unfolded: frozenset[str] = frozenset()
        self._build: Callable[[int, Collection[str]], Page] = lambda width, unfolded: Page()
        self._known: Hashable = None
        self._subject: Hashable = None
        self._page = Page()
        self._lines: tuple[_Line, ...] = ()
        self._painted: tuple[int | None, int] = (None, 0)

    # What is shown

    def show(
        self,
        subject: Hashable,
        known: Hashable,
        build: Callable[[int, Collection[str]], Page],
    ) -> None:
        """Show what `build` makes for (width, keys of what is unfolded), which depends on `known` alone.

        Of another `subject` than before it begins at the top.
        """
        if known == self._known:
            return
        self._known, self._build = known, build
        if subject != self._subject:
            self._subject = subject
            self.scroll_to(y=0, animate=False)
        self.build()

    def build(self) -> None:
        """Lay the lines out for the width there is."""
        width = self.size.width - EDGE - 1
        if width < 1:
            return
        self._page = self._build(width, self._unfolded)
        keys = [item.key for item in self._page.items]
        if self.key not in keys:
            self.key = keys[0] if keys else None
        before, frame = self._lines, (self._titles_at, width)
        self._lines = tuple(_flat(self._page))
        self.virtual_size = Size(self.size.width, len(self._lines))
        if frame != self._painted or len(before) != len(self._lines):
            self._painted = frame
            self.refresh()
            return
        pairs = enumerate(zip(before, self._lines, strict=True))
        self.refresh_lines(*(place for place, (old, new) in pairs if old != new))

    def select(self, key: str) -> None:
        """Put the cursor on an item, now or when it is there."""
        before = self.here
        self.key = key
        self.refresh_lines(*(place for place in (before, self.here) if place is not None))
        self._reveal()

    @property
    def item(self) -> Item | None:
        """What the cursor is on."""
        return next((item for item in self._page.items if item.key == self.key), None)

    @property
    def _titles_at(self) -> int | None:
        """The line of the titles; scrolled beyond it they stay at the top."""
        return len(self._page.above) if self._page.titles else None

    @property
    def _covered(self) -> int:
        """Lines at the top that the titles take from what is scrolled beneath them."""
        at = self._titles_at
        return int(at is not None and self.scroll_offset.y > at)

    @property
    def here(self) -> int | None:
        """The line of the item under the cursor."""
        items = self._page.items
        for place, line in enumerate(self._lines):
            if line.item is not None and items[line.item].key == self.key:
                return place
        return None

    # Moving

    def action_move(self, by: int) -> None:
        keys = [item.key for item in self._page.items]
        if not keys:
            self.scroll_relative(y=by, animate=False)
            return
        place = keys.index(self.key) + by if self.key in keys else 0
        self._go(keys[max(0, min(place, len(keys) - 1))], up=by < 0)

    def _go(self, key: str, up: bool = False) -> None:
        if key == self.key:
            self._reveal(up)
            return
        self.select(key)
        self._reveal(up)
        self.refresh_bindings()
        self.post_message(self.Moved(self, key))

    def action_page(self, way: int) -> None:
        """A screenful, the cursor going to what is in sight then."""
        top = max(0, min(self.scroll_offset.y + way * self.room, len(self._lines) - 1))
        self.scroll_to(y=top, animate=False)
        seen = range(top, top + self.room) if way > 0 else range(top + self.room - 1, top - 1, -1)
        within = [self._lines[place].item for place in seen if place < len(self._lines)]
        item = next((item for item in within if item is not None), None)
        if item is not None:
            last = way * self.room + self.scroll_offset.y >= len(self._lines) and way > 0
            item = len(self._page.items) - 1 if last else item
            self._go(self._page.items[item].key, up=way < 0)

    def action_first(self) -> None:
        self._end(0, 0)

    def action_last(self) -> None:
        self._end(-1, len(self._lines))

    def _end(self, item: int, line: int) -> None:
        if items := self._page.items:
            self._go(items[item].key)
        self.scroll_to(y=line, animate=False)

    def action_unfold(self) -> None:
        item = self.item
        if item is None:
            return
        if not item.folds:
            self.post_message(self.Opened(self, item.key))
            return
        self._unfolded ^= {item.key}
        self.build()
        self._reveal()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "unfold" or self.item is not None

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y
        if event.y >= self._covered and place < len(self._lines):
            item = self._lines[place].item
            if item is not None:
                self._go(self._page.items[item].key)
                if event.chain > 1:
                    self.action_unfold()

    def _reveal(self, up: bool = False) -> None:
        """Bring the cursor's line into sight, and as much of what stands beneath it as there is room for."""
        place = self.here
        if place is None:
            return
        under = len(self._page.items[self._lines[place].item or 0].under)
        first = self._lines[place].item == 0
        # Room for the titles above it; the first brings along what is said above all.
        top = 0 if first and place < self.room else place - (self._titles_at is not None)
        end = place if up else place + under
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif end >= self.scroll_offset.y + self.room:
            self.scroll_to(y=min(max(0, place - 1), end - self.room + 1), animate=False)

    # Painting

    def on_resize(self) -> None:
        self.build()
        self._reveal()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y < self._covered:
            return self._strip(self._page.titles, base, width)
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[place]
        here = line.item is not None and self._page.items[line.item].key == self.key
        return self._strip(line.parts, base, width, here)

    def _strip(self, parts: Parts, base: Style, width: int, here: bool = False) -> Strip:
        base += self.tone("cursor") if here else base
        bar = self.bar(base, here, EDGE)
        segments = [bar, *self.painted(parts, base)]
        strip = Strip(segments)
        if strip.cell_length > width:
            strip = Strip([*strip.crop(0, width - 1), Segment("…", base)])
        return strip.adjust_cell_length(width, base)


def _flat(page: Page) -> list[_Line]:
    lines = [_Line(parts) for parts in page.above]
    if page.titles:
        lines.append(_Line(page.titles))
    for place, item in enumerate(page.items):
        lines.append(_Line(item.parts, place))
        lines += [_Line(parts) for parts in item.under]
    return [*lines, *(_Line(parts) for parts in page.below)]
