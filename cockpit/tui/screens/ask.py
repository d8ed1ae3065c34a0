"""Small questions over the bottom lines of a screen: which point, really?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from cockpit import format as fmt
from cockpit.sweep.given import scalar, typed
from cockpit.tui.control import Refused
from cockpit.tui.widgets.entry import Entry, FormRow
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import ComposeResult

T = TypeVar("T")


class AskScreen(ModalScreen[T]):
    """Lies over the bottom of a screen, which goes on above it."""

    DEFAULT_CSS = """
    AskScreen { align: left bottom; }
    AskScreen #sheet {
        height: auto; max-height: 100%; background: $background; border-top: solid $faint;
        padding-bottom: 1;
    }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield from self.compose_sheet()
        yield KeyBar()

    def compose_sheet(self) -> ComposeResult:
        """The lines above the keys."""
        raise NotImplementedError


class Confirm(AskScreen[bool]):
    """Names what cannot be undone; True where it shall be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "yes", id="ask.yes", tooltip="Do it"),
        Binding("n,escape", "dismiss", "no", key_display="n", id="ask.no",
                tooltip="Leave it as it is"),
    ]  # fmt: skip

    def __init__(self, question: str, more: str = "") -> None:
        super().__init__()
        self._words = Words((Piece(question, "bold"), Piece(more, "quiet")))

    def compose_sheet(self) -> ComposeResult:
        yield said(self._words, "question")


class ConfirmStop(Confirm, inherit_bindings=False):
    """How a sweep shall stop: True where its running trials are to be ended too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "dismiss(False)", "let trials end", id="stop.let",
                tooltip="No further trial starts; those that run come to their end"),
        Binding("e", "dismiss(True)", "end them now", id="stop.now",
                tooltip="End the running trials too"),
        Binding("n,escape", "dismiss", "no", key_display="n", id="stop.not",
                tooltip="Leave it as it is"),
    ]  # fmt: skip


class PointEntry(Entry):
    """A param's value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Here, not on the screen, so that it comes after whatever was typed before it.
        Binding("enter", "screen.answer", "put in line", key_display="enter", id="ask.do",
                tooltip="Try this point next"),
    ]  # fmt: skip


class AskPoint(AskScreen[str]):
    """A point to be tried next; gives what the sweep says to it."""

    DEFAULT_CSS = """
    AskPoint VerticalScroll { height: auto; max-height: 12; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "no", id="ask.leave", tooltip="Leave it as it is"),
    ]  # fmt: skip

    def __init__(
        self, question: str, point: Mapping[str, Any], send: Callable[[dict[str, Any]], str]
    ) -> None:
        """`send` asks the sweep, in a thread; where it raises `Refused` the sheet stays open."""
        super().__init__()
        more = Piece("an empty value is the sampler's choice", "quiet")
        self._words = Words((Piece(question, "bold"), more))
        self._point, self._send = point, send

    def compose_sheet(self) -> ComposeResult:
        yield said(self._words, "question")
        with VerticalScroll(can_focus=False):
            for name, value in self._point.items():
                text = typed(value) if isinstance(value, str) else fmt.exact(value)
                yield FormRow(name, [PointEntry(name, text, "the sampler's choice")])
        yield Line(id="refusal")

    def on_mount(self) -> None:
        self.query(Entry).first().focus()

    def on_input_changed(self) -> None:
        self._complain("")

    def action_answer(self) -> None:
        typed_in = {entry.place: entry.value.strip() for entry in self.query(Entry)}
        point = {name: scalar(text) for name, text in typed_in.items() if text}
        if point:
            self._ask(point)
        else:
            self._complain("give at least one value")

    @work(thread=True, group="ask", exit_on_error=False)
    def _ask(self, point: dict[str, Any]) -> None:
        try:
            answer = self._send(point)
        except Refused as error:
            self.app.call_from_thread(self._complain, str(error))
        else:
            self.app.call_from_thread(self.dismiss, answer)

    def _complain(self, text: str) -> None:
        self.query_one("#refusal", Line).words = Words((Piece(fmt.plain(text), "stopped"),))


def said(words: Words, name: str) -> Line:
    """A line that says this from the start."""
    line = Line(id=name)
    line.words = words
    return line
