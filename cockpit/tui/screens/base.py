"""What the screens have in common: the frame, the question they ask, the snapshot they paint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import clock, phrases
from cockpit.tui.config import Settings
from cockpit.tui.deeds import Deeds, Done, NoDeeds
from cockpit.tui.feed import Question, Snapshot, Trouble
from cockpit.tui.marks import Held
from cockpit.tui.screens.ways import WaysScreen
from cockpit.tui.seam import gist
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from textual.app import ComposeResult

    from cockpit.tui.control import Control

FRESHEN = 1.0
"""Seconds between two looks at whether an age or a time left reads differently by now."""

Q = TypeVar("Q", bound=Question)
S = TypeVar("S", bound=Snapshot)


@dataclass
class Shared:
    """What the screens of one app have in common."""

    project: str
    """Name of the project's folder."""
    tabs: tuple[tuple[str, str], ...]
    """(digit, name) of the screens that a digit leads to."""
    heard: set[str] = field(default_factory=set)
    """The store's notices that need not be shown any more."""
    held: Held = field(default_factory=Held)
    """The runs that are marked and the columns that were chosen."""
    control: Control | None = None
    """Of what runs; None where nothing can be started or asked."""
    deeds: Deeds = field(default_factory=NoDeeds)
    """What changes runs."""
    done: list[Callable[[], Done]] = field(default_factory=list)
    """How to undo what was done, the newest last."""
    settings: Settings = field(default_factory=Settings)
    """What the user's config file says."""
    store: str | None = None
    """What `--store` has to say so that a command finds this store from here; None: nothing."""


class DataScreen(WaysScreen, Generic[Q, S]):
    """Paints one frozen snapshot; asks for another when the reader wants to see something else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next pane", show=False, id="pane.next",
                tooltip="Next pane"),
        Binding("shift+tab", "app.focus_previous", "previous pane", show=False,
                id="pane.previous", tooltip="Previous pane"),
    ]  # fmt: skip
    """A screen binds `escape` to `back` itself, after its own keys: that is where the eye looks for it."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-vast")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-mid"), (30, "-high")]  # noqa: RUF012
    TITLE = ""
    DIGIT = ""
    """The digit of `Shared.tabs` that leads here."""
    PLACE = ""
    """What the screen is remembered by where no digit leads here; empty: not at all."""

    snapshot: reactive[S | None] = reactive(None)
    trouble: reactive[Trouble | None] = reactive(None)

    class Asks(Message):
        """The screen shows something else now and wants the data for it."""

    def __init__(self, shared: Shared, question: Q) -> None:
        super().__init__()
        self.shared = shared
        self._question = question

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        """The screen as its digit opens it, over `before`; only those with a digit have to answer."""
        raise NotImplementedError

    @classmethod
    def place(cls) -> str:
        """What the screen is remembered by when the cockpit is left."""
        return cls.DIGIT or cls.PLACE

    @classmethod
    def again(
        cls, shared: Shared, before: DataScreen[Any, Any] | None, found: Mapping[str, Any]
    ) -> Self | None:
        """The screen as `remembered` told of it; None where that is not enough to open it."""
        screen = cls.opened(shared, before)
        screen.recall(found)
        return screen

    @classmethod
    def hindered(cls, shared: Shared) -> str:
        """A sentence on what has to be done before the screen can be opened; empty where nothing has."""
        return ""

    def compose(self) -> ComposeResult:
        yield Line(id="top")
        yield Line(id="tabs")
        yield Static(id="trouble", markup=False)
        yield Static(id="notice", markup=False)
        yield from self.compose_body()
        yield from self.compose_foot()
        yield from self.compose_ways()
        yield KeyBar(id="keys")

    def compose_body(self) -> ComposeResult:
        """What stands between the top lines and the bottom line."""
        raise NotImplementedError

    def compose_foot(self) -> ComposeResult:
        """What stands right above the bottom line, at times."""
        yield from ()

    def on_mount(self) -> None:
        self.freshen()
        self.set_interval(FRESHEN, self.freshen)

    @property
    def elapsed(self) -> float:
        """Seconds since the snapshot was read."""
        return (clock.now() - self.snapshot.at).total_seconds() if self.snapshot else 0.0

    # Asking

    @property
    def question(self) -> Q:
        """What the screen wants to know; another one is asked at once."""
        return self._question

    @question.setter
    def question(self, asked: Q) -> None:
        if asked != self._question:
            self._question = asked
            self.post_message(self.Asks())

    def ask(self, **changes: Any) -> None:
        """Change fields of the question."""
        self.question = replace(self.question, **changes)  # type: ignore[type-var]

    def takes(self, snapshot: Snapshot) -> bool:
        """Whether it answers a question of this screen, be it an earlier one."""
        return type(snapshot.question) is type(self.question)

    def on_screen_resume(self) -> None:
        self.post_message(self.Asks())

    # Painting

    def watch_snapshot(self, snapshot: S | None) -> None:
        if snapshot is None:
            return
        self.paint(snapshot)
        self.freshen()
        self.refresh_bindings()

    def watch_trouble(self) -> None:
        self.freshen()

    def paint(self, snapshot: S) -> None:
        """Hand a new snapshot to the widgets."""

    def freshen(self) -> None:
        """Say again what depends on the time; what reads the same is not painted again."""
        if not self.children:
            return
        self.query_one("#top", Line).words = self.top()
        self.query_one("#tabs", Line).words = self.tabs()
        self._say("#trouble", self._trouble(self.trouble) if self.trouble else "")
        notice = self.notice
        self._say("#notice", f"{_sentence(notice)} (esc hides this)" if notice else "")

    @property
    def notice(self) -> str | None:
        """What the store says about itself and nobody has put away yet."""
        said = self.shared.settings.problems
        said += self.snapshot.notices if self.snapshot else ()
        return next((notice for notice in said if gist(notice) not in self.shared.heard), None)

    def _say(self, where: str, text: str) -> None:
        line = self.query_one(where, Static)
        if text != str(line.content):
            line.update(text)
            line.display = bool(text)

    def _trouble(self, trouble: Trouble) -> str:
        sentence = _sentence(trouble.sentence)
        if self.snapshot is None:
            return sentence
        at = self.snapshot.at.astimezone().strftime("%H:%M:%S")
        return f"{sentence} Showing what was there at {at}."

    def top(self) -> Words:
        """Where am I, and what is alive."""
        place = [
            Piece("cockpit", "bold"),
            Piece(f"· {fmt.plain(self.shared.project)}", "quiet", rank=2, gap=1),
        ]
        place.append(Piece(f"· {self.title_words()}", "", gap=1))
        right: tuple[Piece, ...] = ()
        if self.snapshot:
            right = self.alive(self.snapshot)
            right += (Piece(f"store {fmt.size(self.snapshot.size)}", "faint", rank=5),)
        return Words(tuple(place), right)

    def alive(self, snapshot: S) -> tuple[Piece, ...]:
        """The right end of the top line: what runs now."""
        return phrases.alive(snapshot.sweeps, self.elapsed)

    def title_words(self) -> str:
        """The screen's name in the top line."""
        return self.TITLE

    def tabs(self) -> Words:
        """The screens by their digits, and what there is to say of this one."""
        left = []
        for digit, name in self.shared.tabs:
            here = digit == self.DIGIT
            left.append(Piece(digit, "bold accent" if here else "faint", gap=3))
            left.append(
                Piece(self._tab(name), "bold" if here else "quiet", 0 if here else 1, gap=1)
            )
        return Words(tuple(left), self.beside_tabs())

    def _tab(self, name: str) -> str:
        marked = len(self.shared.held.marks) if name == "Compare" else 0
        return f"{name}({marked})" if marked else name

    def beside_tabs(self) -> tuple[Piece, ...]:
        """The right end of the line of tabs."""
        return ()

    # Actions

    def action_back(self) -> None:
        if self.notice:
            self.shared.heard.add(gist(self.notice))
            self.freshen()
        else:
            self.leave()

    def leave(self) -> None:
        """Where Esc leads when there is nothing to clear."""


def _sentence(text: str) -> str:
    """With a capital letter and a full stop, safe to paint."""
    text = fmt.plain(text).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}"
