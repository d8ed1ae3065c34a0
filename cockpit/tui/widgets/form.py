"""The form of a spec beside the spec as it would be run, and the command line that does the same."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from cockpit import format as fmt
from cockpit.tui import launch_form
from cockpit.tui.theme import css
from cockpit.tui.widgets.entry import Entry, FormRow
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from textual.app import ComposeResult
    from textual.geometry import Size
    from textual.widgets import Input

    from cockpit.sweep.spec.draft import Draft
    from cockpit.tui.launch_form import Row

BESIDE = 112
"""Cells from which on the form and the spec have room side by side."""
NAMES = (12, 32)
"""Fewest and most cells of the names before the values."""
PROBLEMS = 3
"""That are said at a time; the others follow as these are mended."""


class SpecEntry(Entry):
    """A value of the spec."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Here, not on the screen, so that it comes after whatever was typed before it.
        Binding("enter", "screen.start", "start detached", key_display="enter",
                id="launch.enter",
                tooltip="Start the sweep, detached: it goes on without this screen"),
    ]  # fmt: skip


class SpecText(Widget):
    """The spec as it would be run; a line too long for it goes on below, further in."""

    DEFAULT_CSS = """
    SpecText { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    lines: reactive[tuple[launch_form.Line, ...]] = reactive((), layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(len(_wrapped(line, width)) for line in self.lines)

    def render(self) -> Content:
        parts: list[str | tuple[str, str]] = []
        for line in self.lines:
            sign, tone = "  ", "quiet"
            if line.wrong:
                sign, tone = f"{fmt.look('failed').glyph} ", "failed"
            elif line.changed:
                sign, tone = "▸ ", "accent"
            text = "\n".join(_wrapped(line, self.content_size.width))
            parts.append((f"{sign}{text}\n", css(tone)))
        return Content.assemble(*parts)


def _wrapped(line: launch_form.Line, width: int) -> list[str]:
    """The lines of a line, without the two cells of its sign in the first."""
    text = wrap(fmt.plain(line.text), max(width - 2, 20), subsequent_indent=" " * 6)
    return text or [""]


class SpecForm(Horizontal):
    """Tells when a value was changed; paints what a check of it found."""

    DEFAULT_CSS = """
    SpecForm { height: 1fr; }
    SpecForm #fields { width: 4fr; max-width: 90; height: 1fr; }
    SpecForm #fields .heading { margin-top: 1; }
    SpecForm #preview { width: 3fr; height: 1fr; padding: 0 1 0 2; }
    """

    class Changed(Message):
        """Something else is typed now."""

    @dataclass
    class Noted(Message):
        """The keys are on a row, about which there may be more to say than it has room for."""

        text: str

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        names = max((cell_len(fmt.plain(row.label)) for row in self._rows), default=0)
        width = max(NAMES[0], min(names + 5, NAMES[1]))
        with VerticalScroll(id="fields", can_focus=False):
            searched = False
            for row in self._rows:
                if not searched and any(f.place.startswith("params.") for f in row.fields):
                    searched = True
                    yield Line(classes="heading")
                yield FormRow(
                    row.label,
                    [SpecEntry(f.place, f.given, f.otherwise, f.choices) for f in row.fields],
                    row.note,
                    width,
                )
        with VerticalScroll(id="preview", can_focus=False):
            yield SpecText()

    def on_mount(self) -> None:
        for heading in self.query(".heading").results(Line):
            heading.words = Words((Piece("  params: from, to, or the choices", "faint"),))

    @property
    def overrides(self) -> dict[str, Any]:
        """What was changed, by dotted place."""
        texts = {entry.place: entry.value for entry in self.query(Entry)}
        return launch_form.overrides(self._rows, texts)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def show(self, draft: Draft, changed: Mapping[str, Any]) -> None:
        """Mark what is wrong, and show the spec as it would be run."""
        wrong = [launch_form.place_of(problem.path, self._rows) for problem in draft.problems]
        places = frozenset(filter(None, wrong))
        for row in self.query(FormRow):
            row.mark(places)
        self.query_one(SpecText).lines = launch_form.preview(draft, changed)

    def on_resize(self) -> None:
        self.set_class(self.size.width < BESIDE, "-close")
        self._note()

    def on_descendant_focus(self) -> None:
        self._note()

    def _note(self) -> None:
        rows = [row for row in self.query(FormRow) if row.has_focus_within]
        self.post_message(self.Noted(rows[0].about if rows else ""))

    @property
    def yields(self) -> bool:
        """Whether there is no room for the form and the spec side by side."""
        return not all(side.display for side in self.query("#fields, #preview"))

    def read_spec(self, large: bool) -> None:
        """Give the keys to the spec, or back to the form."""
        preview = self.query_one("#preview", VerticalScroll)
        preview.can_focus = large
        (preview if large else self.query(Entry).first()).focus()

    def focus_wrong(self) -> bool:
        """Put the cursor where something is wrong; False where it is nowhere in the form."""
        entry = next((one for one in self.query(Entry) if one.has_class("-wrong")), None)
        if entry is not None:
            entry.focus()
        return entry is not None


def sentences(draft: Draft, taken: Collection[str]) -> Content:
    """What is wrong, each with its line; or what will be started, where its name is not `taken`."""
    if not draft.problems:
        names = ", ".join(map(fmt.plain, draft.names[:5])) + ", …" * (len(draft.names) > 5)
        several = f"{len(draft.names)} sweeps, one after the other: " * (len(draft.names) > 1)
        there = "   (there is one already: it gets a number)"
        return Content.assemble(
            (f"{fmt.look('complete').glyph} ready to start: ", css("complete")),
            several,
            names,
            (there * bool(set(draft.names) & set(taken)), css("quiet")),
        )
    glyph = fmt.look("failed").glyph
    lines = [
        fmt.plain(f"line {problem.line}: {problem.text}" if problem.line else problem.text)
        for problem in draft.problems[:PROBLEMS]
    ]
    if (more := len(draft.problems) - PROBLEMS) > 0:
        lines.append(f"and {more} more")
    return Content.assemble(("\n".join(f"{glyph} {line}" for line in lines), css("failed")))
