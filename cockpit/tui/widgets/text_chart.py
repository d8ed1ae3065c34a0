"""A chart that is lines of text, with a title line above it; painted again only when it says something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from cockpit import format as fmt
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class TextChart(Widget):
    """Shows what is built for its width and height."""

    DEFAULT_CSS = """
    TextChart { height: 1fr; width: 1fr; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._known: Hashable = None
        self._heading: tuple[str, str] = ("", "")
        self._build: Callable[[int, int], Content] = lambda width, rows: Content()
        self._otherwise = ""

    def show(
        self,
        title: str,
        note: str,
        known: Hashable,
        build: Callable[[int, int], Content],
        otherwise: str = "",
    ) -> None:
        """Show what `build` makes for (width, rows), which depends on `known` alone.

        `otherwise` is said where that is nothing. All texts are painted as they are.
        """
        if (title, note, known, otherwise) == (*self._heading, self._known, self._otherwise):
            return
        self._heading, self._known, self._otherwise = (title, note), known, otherwise
        self._build = build
        self.refresh()

    def render(self) -> Content:
        width, height = self.content_size
        title, note = self._heading
        head: list[str | tuple[str, str]] = [fmt.cut(title, width)]
        if note and len(title) + len(note) + 3 <= width:
            head.append((f"   {note}", css("quiet")))
        body = self._build(width, height - 1)
        if not body.plain:
            body = Content.assemble((self._otherwise, css("faint")))
        return Content.assemble(*head, "\n", body)
