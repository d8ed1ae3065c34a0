"""Lines of a form: a name, one or two values to type, and what there is to know about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult


class Entry(Typed):
    """One value; the arrows lead to the next."""

    DEFAULT_CSS = """
    Entry {
        width: 24; height: 1; border: none; padding: 0 1; margin-right: 2;
        background: $surface;
        &:focus { background: $panel; }
        &.-wrong { color: $failed; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", "up", show=False, id="entry.up",
                tooltip="The value before"),
        Binding("down", "app.focus_next", "down", show=False, id="entry.down",
                tooltip="The next value"),
    ]  # fmt: skip

    def __init__(
        self, place: str, text: str, otherwise: str = "", choices: Iterable[str] = ()
    ) -> None:
        """`place` says which value it is; `otherwise` is shown where nothing is typed."""
        known = tuple(choices)
        super().__init__(
            text,
            placeholder=otherwise,
            compact=True,
            suggester=SuggestFromList(known) if known else None,
        )
        self.place = place


VALUES = 24
"""Cells of a row's values, so that the notes stand below each other."""


class FormRow(Horizontal):
    """A name, its entries, a note; `✗` before it where a value cannot be."""

    DEFAULT_CSS = """
    FormRow { height: 1; }
    FormRow .name { width: 24; }
    FormRow .note {
        width: 1fr; color: $quiet; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
        &.-first { padding: 0; }
    }
    """

    def __init__(
        self, label: str, entries: Iterable[Entry], note: str = "", width: int = 24
    ) -> None:
        """`width` cells are the name's."""
        super().__init__()
        self._label, self._note, self._width = fmt.plain(label), fmt.plain(note), width
        self.entries = tuple(entries)

    @property
    def about(self) -> str:
        """The whole note with its name before it, where the row has no room for it; else nothing."""
        room = self.query_one(".note").content_size.width
        return f"{self._label}: {self._note}" if cell_len(self._note) > room else ""

    def compose(self) -> ComposeResult:
        yield Line(classes="name")
        yield from self.entries
        yield Static(self._note, classes="note" if self.entries else "note -first", markup=False)

    def on_mount(self) -> None:
        self.query_one(".name", Line).styles.width = self._width
        gaps = 2 * (len(self.entries) - 1)
        for entry in self.entries:
            entry.styles.width = (VALUES - gaps) // len(self.entries)
        self.mark(frozenset())

    def mark(self, wrong: frozenset[str]) -> None:
        """Show which places are wrong; those that are not of this row change nothing."""
        bad = False
        for entry in self.entries:
            entry.set_class(entry.place in wrong, "-wrong")
            bad = bad or entry.place in wrong
        sign = Piece(f"{fmt.look('failed').glyph} {self._label}", "failed")
        label = sign if bad else Piece(f"  {self._label}", "quiet")
        self.query_one(".name", Line).words = Words((label,))
