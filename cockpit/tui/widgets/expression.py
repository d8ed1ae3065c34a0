"""A line to write a slice in: what may come next stands above it, how many rows it holds beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from cockpit import format as fmt
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.typed import Typed
from storage.expressions.complete import suggestions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style
    from textual.app import ComposeResult

    from cockpit.tui.screens.slices_data import Matching
    from storage.expressions.complete import Suggestion
    from storage.expressions.terms import Kind

PAUSE = 0.12
"""Seconds without a key until the rows are counted."""
SHOWN = 6
"""Suggestions at a time."""


class Suggestions(Widget):
    """What may come next, one of it chosen."""

    DEFAULT_CSS = """
    Suggestions {
        height: auto; width: 1fr; background: $surface;
        & > .suggestions--chosen { background: $cursor; }
        & > .suggestions--quiet { color: $quiet; }
        & > .suggestions--mark { color: $tone; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "suggestions--chosen",
        "suggestions--quiet",
        "suggestions--mark",
    }

    def __init__(self) -> None:
        super().__init__()
        self.all: tuple[Suggestion, ...] = ()
        self.chosen = 0

    def show(self, found: tuple[Suggestion, ...]) -> None:
        """Show others; the first is chosen."""
        same = found == self.all
        lines = min(SHOWN, len(self.all)) != min(SHOWN, len(found))
        self.all, self.chosen = found, self.chosen if same else 0
        self.refresh(layout=lines)

    def move(self, by: int) -> None:
        """Choose another."""
        if self.all:
            self.chosen = (self.chosen + by) % len(self.all)
            self.refresh()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return min(SHOWN, len(self.all))

    def render_line(self, y: int) -> Strip:
        first = max(0, min(self.chosen - SHOWN // 2, len(self.all) - SHOWN))
        place, width, base = first + y, self.size.width, self.rich_style
        if place >= len(self.all):
            return Strip.blank(width, base)
        one = self.all[place]
        here = place == self.chosen
        base += self._part("chosen") if here else base
        note = fmt.plain(one.note or one.kind * (one.kind in ("value", "function")))
        text = fmt.fit(fmt.plain(one.text), max(8, min(40, width - 24)))
        segments = [
            Segment("  ▌ " if here else "    ", base + self._part("mark")),
            Segment(text, base),
            Segment(f"  {note}", base + self._part("quiet")),
        ]
        if here and len(self.all) > SHOWN:
            segments.append(
                Segment(f"   {place + 1} of {len(self.all)}", base + self._part("quiet"))
            )
        return Strip(segments).adjust_cell_length(width, base)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"suggestions--{name}", partial=True)


class ExpressionInput(Typed):
    """Where it is typed; its keys come after whatever was typed before them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "screen.complete", "complete", id="expression.complete",
                tooltip="Take the chosen suggestion"),
        Binding("enter", "submit", "add", key_display="enter", id="expression.add",
                tooltip="Add the slice to the table, for this visit"),
        Binding("ctrl+s", "screen.keep_typed", "name and save", key_display="ctrl+s",
                id="expression.save", tooltip="Name the slice and write it into cockpit.toml"),
        Binding("down", "screen.suggestion(1)", "next suggestion", show=False,
                id="expression.next", tooltip="The next suggestion"),
        Binding("up", "screen.suggestion(-1)", "suggestion before", show=False,
                id="expression.previous", tooltip="The suggestion before"),
    ]  # fmt: skip


class ExpressionEditor(Vertical):
    """Shown while a slice is being written."""

    DEFAULT_CSS = """
    ExpressionEditor { display: none; height: auto; padding: 0; }
    ExpressionEditor #expression-line { height: 1; padding: 0 1; }
    ExpressionEditor #expression-label { width: 8; padding: 0; }
    ExpressionEditor Input {
        width: 1fr; height: 1; border: none; padding: 0; background: $background;
    }
    ExpressionEditor #expression-count { width: auto; min-width: 18; padding: 0 0 0 2; }
    ExpressionEditor #expression-fault { display: none; }
    """

    @dataclass
    class Changed(Message):
        """Something else stands there for a moment now."""

        text: str

    @dataclass
    class Submitted(Message):
        """Enter."""

    def __init__(self) -> None:
        super().__init__(id="expression")
        self._columns: Mapping[str, Kind] = {}
        self._values: Mapping[str, tuple[str, ...]] = {}
        self._settling = 0
        self.matching: Matching | None = None

    def compose(self) -> ComposeResult:
        yield Suggestions()
        yield Line(id="expression-fault")
        with Horizontal(id="expression-line"):
            yield Line(id="expression-label")
            yield ExpressionInput(compact=True, select_on_focus=False)
            yield Line(id="expression-count")

    def on_mount(self) -> None:
        label = Words((Piece("/", "bold accent"), Piece("slice", "quiet", gap=1)))
        self.query_one("#expression-label", Line).words = label

    # Of the screen

    @property
    def text(self) -> str:
        """What is typed, without the blanks around it."""
        return self.query_one(Input).value.strip()

    @property
    def sound(self) -> bool:
        """Whether what stands there is known to be a slice."""
        found = self.matching
        return found is not None and found.text == self.text and not found.complaint

    def open(self, text: str = "") -> None:
        """Show the line and give it the keys."""
        typed = self.query_one(Input)
        self.display = True
        typed.value, typed.cursor_position = text, len(text)
        typed.focus()
        self._suggest()

    def close(self) -> None:
        """Put it away, empty."""
        self.query_one(Input).value = ""
        self.display = False

    def know(self, columns: Mapping[str, Kind], values: Mapping[str, tuple[str, ...]]) -> None:
        """The columns that a slice may speak of, and the texts that are often in them."""
        if columns is not self._columns:
            self._columns, self._values = columns, values
            self._suggest()

    def show(self, matching: Matching | None) -> None:
        """Say how many rows there are, or what is wrong."""
        self.matching = matching
        self._say()

    def complete(self) -> None:
        """Put in the chosen suggestion."""
        listed, typed = self.query_one(Suggestions), self.query_one(Input)
        if not listed.all:
            return
        one = listed.all[listed.chosen]
        text = one.text if one.text.endswith("(") else f"{one.text} "
        if typed.value[: one.start].endswith(("=", "<", ">")):
            text = f" {text}"
        after = typed.value[one.end :]
        if text.endswith(" ") and after.startswith(" "):
            after = after[1:]
        typed.value = typed.value[: one.start] + text + after
        typed.cursor_position = one.start + len(text)

    def move(self, by: int) -> None:
        """Choose another suggestion."""
        self.query_one(Suggestions).move(by)

    # Typing

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._suggest()
        self._say()
        self._settling += 1
        mine = self._settling

        def settled() -> None:
            if mine == self._settling:
                self.post_message(self.Changed(self.text))

        self.set_timer(PAUSE, settled)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())

    def _suggest(self) -> None:
        typed = self.query_one(Input)
        found = suggestions(
            typed.value,
            typed.cursor_position,
            self._columns,
            lambda column: self._values.get(column, ()),
        )
        self.query_one(Suggestions).show(found if self.display else ())

    def _say(self) -> None:
        found, text = self.matching, self.text
        known = found is not None and found.text == text
        fault = found.complaint if known and found else ""
        line = self.query_one("#expression-fault", Line)
        # Where something can still come, it is not wrong but unfinished.
        open_ended = bool(self.query_one(Suggestions).all)
        sign, tone = (fmt.ELLIPSIS, "quiet") if open_ended else ("✗", "failed")
        line.words = Words((Piece(f"{sign} {fault}", tone),))
        line.display = bool(fault)
        if not text or fault:
            count = Piece("")
        elif not known or found is None or found.rows is None:
            count = Piece(fmt.ELLIPSIS, "faint")
        else:
            rows = f"{found.rows:,} row{'s' * (found.rows != 1)} match{'es' * (found.rows == 1)}"
            count = Piece(rows, "accent" if found.rows else "stopped")
        self.query_one("#expression-count", Line).words = Words((), (count,))
