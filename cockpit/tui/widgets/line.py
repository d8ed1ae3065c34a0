"""One line of text with a left and a right end, whose pieces yield when it gets narrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from cockpit.format import cut
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Piece:
    """A few words that stay together."""

    text: str
    tone: str = ""
    """A colour's name, `bold` before it where it is the answer."""
    rank: int = 0
    """The highest rank yields first, all of it at once; 0 is cut rather than left out."""
    gap: int = 3
    """Blank cells before it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a line says: pieces from the left and pieces against the right end."""

    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()

    def fitting(self, width: int) -> Words:
        """The same without what does not fit into `width` cells."""
        words = self
        while _width(words.left) + _width(words.right) + 2 * bool(words.right) > width:
            worst = max((piece.rank for piece in (*words.left, *words.right)), default=0)
            if not worst:
                break
            words = Words(_below(words.left, worst), _below(words.right, worst))
        return words

    def content(self, width: int) -> Content:
        """Exactly one line of at most `width` cells."""
        words = self.fitting(width)
        room = width - (_width(words.right) + 2 if words.right else 0)
        parts: list[str | tuple[str, str]] = []
        used = _put(parts, words.left, max(0, room))
        if words.right:
            blank = width - used - _width(words.right)
            parts.append(" " * max(0, blank))
            _put(parts, words.right, width - used - max(0, blank))
        return Content.assemble(*parts)


def _below(pieces: Sequence[Piece], rank: int) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.rank < rank)


def _width(pieces: Sequence[Piece]) -> int:
    gaps = sum(piece.gap for piece in pieces[1:])
    return gaps + sum(cell_len(piece.text) for piece in pieces)


def _put(parts: list[str | tuple[str, str]], pieces: Sequence[Piece], room: int) -> int:
    used = 0
    for index, piece in enumerate(pieces):
        gap = min(piece.gap if index else 0, room - used)
        text = cut(piece.text, room - used - gap)
        parts += [" " * gap, (text, css(piece.tone))] if piece.tone else [" " * gap, text]
        used += gap + cell_len(text)
    return used


class Line(Widget):
    """Paints `words`, and paints again only when they change."""

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; padding: 0 1; }
    """

    words: reactive[Words] = reactive(Words())

    def render(self) -> Content:
        return self.words.content(self.content_size.width)
