"""What could be typed next in an expression, for an editor: a guess from the words before the cursor.

It neither parses nor checks, for what is typed is nearly always unfinished; and it stands on the standard
library, so that a screen can ask at every key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from storage.expressions.names import quoted, typed
from storage.expressions.terms import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MOST = 50
"""Suggestions at once."""
_TELLING = 2
"""Characters that are looked for within a name too; fewer at its beginning only."""

_TOKEN = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*(?:'|$)) | (?P<name>"(?:[^"]|"")*(?:"|$)) | (?P<number>[0-9][\w.]*)
    | (?P<word>[^\W\d][\w.]*) | (?P<sign><=|>=|<>|!=|==|[^\s\w])
    """,
    re.VERBOSE,
)
_REST = {
    "word": re.compile(r"[\w.]*"),
    "text": re.compile(r"(?:\w*')?"),
    "name": re.compile(r'(?:\w*")?'),
}
"""What behind the cursor belongs to what is begun before it."""
_EQUAL = ("=", "==", "!=", "<>")
_COMPARING = (*_EQUAL, "<", "<=", ">", ">=", "like", "ilike")
_STARTING = ("and", "or", "not", "(", ",", "when", "then", "else", "where", "distinct")
_WITHIN = (*_COMPARING, "+", "-", "*", "/", "%", "between")
_FUNCTIONS = (
    *("abs", "ceil", "coalesce", "contains", "ends_with", "exp", "floor", "length", "ln", "log"),
    *("lower", "round", "sqrt", "starts_with", "upper"),
)
_AGGREGATES = (
    *("sum", "avg", "count", "count_if", "min", "max", "median", "quantile", "stddev"),
    "stddev_pop",
)
_ORDER = ("<", "<=", "=", "!=", ">=", ">", "between")
_AFTER: Mapping[Kind, Sequence[str]] = {
    Kind.NUMBER: (*_ORDER, "in (", "is null", "is not null"),
    Kind.TIME: (*_ORDER, "is null", "is not null"),
    Kind.TEXT: ("=", "!=", "in (", "not in (", "like", "is null", "is not null"),
    Kind.TRUTH: ("and", "or", "is null"),
}
_JOINING = ("and", "or")
_FORCED = {"in": "(", "case": "when"}
_OF_CASE = ("then", "when", "else", "end")
_AFTER_A_CALL = (*_ORDER, "+", "-", "*", "/")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to go on."""

    text: str
    """What is put in, spelt and quoted as the expression needs it."""
    start: int
    end: int
    """What it replaces: `typed[start:end]`, in characters from 0."""
    kind: Literal["column", "value", "function", "word"]
    note: str = ""
    """What a column holds: `a number`."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def open(self) -> bool:
        """Whether more can be typed onto it."""
        return self.kind == "word" or (
            self.kind in ("text", "name") and self.text.count(self.text[0]) % 2 == 1
        )

    @property
    def word(self) -> str:
        """As keywords are compared; what stands in quotes is none."""
        return self.text.lower() if self.kind in ("word", "sign") else ""

    @property
    def named(self) -> str:
        """The column that it would name."""
        return self.text[1:-1].replace('""', '"') if self.kind == "name" else self.text


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    kind: Literal["column", "value", "function", "word"]
    plain: str
    """What is matched with what is typed: a name or a text without its quotes."""
    note: str = ""


def no_values(column: str) -> Iterable[str]:
    """For whoever does not know the texts of a column."""
    return ()


def suggestions(
    text: str,
    cursor: int,
    columns: Mapping[str, Kind],
    values_of: Callable[[str], Iterable[str]] = no_values,
    *,
    aggregates: bool = False,
) -> tuple[Suggestion, ...]:
    """What may stand at the cursor, the likeliest first, as far as it goes with what is begun there.

    `columns` are the names in the order to show them (`Columns.kinds`); `values_of` gives the most frequent
    texts of a column of texts; `aggregates` where a KPI is typed.
    """
    before = [_Token(str(m.lastgroup), m[0], m.start()) for m in _TOKEN.finditer(text[:cursor])]
    begun: _Token | None = None
    if before and before[-1].start + len(before[-1].text) == cursor and before[-1].kind != "sign":
        begun = before.pop()
        if not begun.open:
            return ()
    found = _Guess(before, columns, values_of, aggregates).candidates()
    start, end, so_far = cursor, cursor, ""
    if begun is not None:
        start, so_far = begun.start, begun.text
        rest = _REST[begun.kind].match(text, cursor)
        end = rest.end() if rest else cursor
        wanted = {"text": ("value",), "name": ("column",)}.get(begun.kind)
        found = (one for one in found if wanted is None or one.kind in wanted)
    matching = _matching(found, so_far)
    return tuple(Suggestion(one.text, start, end, one.kind, one.note) for one in matching[:MOST])


def _matching(found: Iterable[_Candidate], so_far: str) -> list[_Candidate]:
    sought = so_far.lstrip("'\"").lower()
    fresh = [one for one in found if one.text != so_far]
    first = [one for one in fresh if one.plain.lower().startswith(sought)]
    if len(sought) < _TELLING:
        return first
    return first + [one for one in fresh if one not in first and sought in one.plain.lower()]


@dataclass(frozen=True, slots=True)
class _Guess:
    """What may follow some tokens."""

    before: Sequence[_Token]
    columns: Mapping[str, Kind]
    values_of: Callable[[str], Iterable[str]]
    aggregates: bool

    def candidates(self) -> Iterator[_Candidate]:
        last = self._word(1)
        if last == "is":
            known = self.columns.get(self._column(2) or "")
            yield from _words(
                "null", "not null", *(("true", "false") if known is Kind.TRUTH else ())
            )
        elif last == "not" and self._is_operand(2):
            yield from _words("in (", "like", "ilike", "between")
        elif last in _FORCED:
            yield from _words(_FORCED[last])
            if last == "case":
                yield from self._operands()
        elif (column := self._listed_for()) is not None:
            yield from self._values(column)
            yield from self._operands()
        elif not self.before or last in _STARTING:
            yield from self._operands()
            yield from _words("not", "case when")
        elif last in _WITHIN:
            yield from self._operands()
        else:
            yield from self._after_an_operand()

    def _word(self, back: int) -> str:
        return self.before[-back].word if len(self.before) >= back else ""

    def _is_operand(self, back: int) -> bool:
        if len(self.before) < back:
            return False
        return self._word(back) not in (*_STARTING, *_WITHIN, "is", "in")

    def _column(self, back: int) -> str | None:
        if len(self.before) < back or self.before[-back].kind not in ("word", "name"):
            return None
        name = self.before[-back].named
        return name if name in self.columns else None

    def _listed_for(self) -> str | None:
        """The column that a value at the cursor is compared with, by `=` or within `in (…`."""
        if self._word(1) in _EQUAL:
            return self._column(2)
        back = 1
        while self._word(back) == "," or (back <= len(self.before) and self._is_value(back)):
            back += 1
        if self._word(back) != "(" or self._word(back + 1) != "in":
            return None
        return self._column(back + 3 if self._word(back + 2) == "not" else back + 2)

    def _is_value(self, back: int) -> bool:
        # A value right before the cursor wants a comma first.
        return back > 1 and self.before[-back].kind in ("text", "number")

    def _values(self, column: str) -> Iterator[_Candidate]:
        kind = self.columns[column]
        if kind is Kind.TRUTH:
            yield from _words("true", "false")
        if kind is Kind.TEXT:
            for text in self.values_of(column):
                if text.isprintable():
                    yield _Candidate(quoted(text), "value", text)

    def _operands(self) -> Iterator[_Candidate]:
        depth = sum((t.word == "(") - (t.word == ")") for t in self.before)
        if self.aggregates and depth == 0:  # a column can stand in an aggregate only
            yield from _calls(_AGGREGATES)
        else:
            for name, kind in self.columns.items():
                yield _Candidate(typed(name), "column", name, str(kind))
        yield from _calls(_FUNCTIONS)
        if self.aggregates and depth > 0:
            yield from _calls(_AGGREGATES)

    def _after_an_operand(self) -> Iterator[_Candidate]:
        column = self._column(1)
        compared = self._word(2) in _WITHIN or self._word(3) == "between"
        if column is not None and not compared:
            yield from _words(*_AFTER[self.columns[column]])
        elif self._word(1) == ")":
            yield from _words(*(("filter (where ",) if self.aggregates else ()), *_AFTER_A_CALL)
        yield from _words(*_JOINING)
        words = [token.word for token in self.before]
        if words.count("case") > words.count("end"):
            yield from _words(*_OF_CASE)


def _words(*words: str) -> Iterator[_Candidate]:
    for word in words:
        yield _Candidate(word, "word", word)


def _calls(names: Iterable[str]) -> Iterator[_Candidate]:
    for name in names:
        yield _Candidate(f"{name}(", "function", name)
