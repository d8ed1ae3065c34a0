"""Which runs are meant: a filter as people type it, over the fields, metrics and params of runs.

A name is a field of the run, else a metric, else a param; `metrics.NAME` and `params.NAME` choose. Names
that are no plain words stand in double quotes (`"learning rate"`), texts in single ones. A param beside a
number is read as a number, beside a text as a text, beside `true` or `false` as that. Text without an
operator, or one text in quotes, is words: each must be part of the run's name, a tag or its note, case ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.expressions.terms import Condition, Kind, Term, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.session import Session

FIELDS: dict[str, tuple[Kind, str]] = {
    "id": (Kind.TEXT, "runs.key"),
    "name": (Kind.TEXT, "runs.name"),
    "sweep": (Kind.TEXT, "sweeps.name"),
    "number": (Kind.NUMBER, "runs.number::double"),
    "state": (Kind.TEXT, "runs.state"),
    "reason": (Kind.TEXT, "runs.reason"),
    "step": (Kind.NUMBER, "runs.step::double"),
    "started": (Kind.TIME, "runs.started"),
    "seconds": (
        Kind.NUMBER,
        "greatest(0, date_diff('microseconds', runs.started,"
        " coalesce(runs.ended, now() at time zone 'UTC')) / 1e6)",
    ),
    "tag": (Kind.SET, "coalesce(runs.tags, [])"),
    "note": (Kind.TEXT, "runs.note"),
    "pinned": (Kind.TRUTH, "runs.pinned"),
}
"""By name: what it gives and its SQL, over `runs left join sweeps`."""

_OPERATORS = re.compile(
    r"[=<>()'\";$,]|(?<!\S)(?:and|or|not|in|is|like|ilike|between)(?!\S)", re.IGNORECASE
)
_WORD = """
    (contains(lower(runs.name), lower({word})) or contains(lower(runs.note), lower({word}))
    or contains(lower(array_to_string(runs.tags, chr(10))), lower({word})))
"""


@dataclass(frozen=True, slots=True)
class RunNames:
    """Resolves the names of runs' columns."""

    metrics: frozenset[str]
    params: frozenset[str]

    def find(self, path: Sequence[str], values: Values) -> Term | None:
        scope, rest, name = path[0], ".".join(path[1:]), ".".join(path)
        if scope == "params" and rest in self.params:
            return param(rest, values)
        if scope == "metrics" and rest in self.metrics:
            return metric(rest, values)
        if name in FIELDS:
            kind, sql = FIELDS[name]
            return Term({kind: sql})
        if name in self.metrics:
            return metric(name, values)
        return param(name, values) if name in self.params else None

    def names(self) -> Iterable[str]:
        scoped = (f"metrics.{name}" for name in self.metrics)
        yield from (f"params.{name}" for name in self.params)
        yield from (*scoped, *self.params, *self.metrics, *FIELDS)


def is_condition(text: str) -> bool:
    """Whether a text has an operator in it; else it is words."""
    return _OPERATORS.search(text) is not None


def run_filter(session: Session, text: str) -> Condition:
    """Understand a filter over `runs left join sweeps`; raises `FilterError`."""
    if not is_condition(text):
        return _words(text.split())
    # Here, because the parser takes a while to import and words do without it.
    from storage.expressions.conditions import condition
    from storage.expressions.syntax import parse

    tree = parse(text)
    return _words([tree.name]) if tree.is_string else condition(tree, run_names(session))


def run_names(session: Session) -> RunNames:
    """What the runs of a store have, objectives that nobody has reported yet included."""
    found: dict[str, set[str]] = {"metric": set(), "param": set()}
    for kind, name in session.rows(
        "select distinct kind, name from names union select 'metric', unnest(metrics) from sweeps"
    ):
        found[kind].add(name)
    return RunNames(frozenset(found["metric"]), frozenset(found["param"]))


def metric(name: str, values: Values) -> Term:
    """A metric's last value."""
    return Term({Kind.NUMBER: f"nullif(runs.metrics[{values.bind(name)}], 'nan'::double)"})


def param(name: str, values: Values) -> Term:
    """A param, which may be anything."""
    text = f"json_extract_string(runs.params, {values.bind(pointer(name))})"
    # Each reading names the text once, for DuckDB would read the JSON again for every mention. NaN is
    # stored as a text, and the only one with an `a` that would become a number.
    return Term(
        {
            Kind.NUMBER: f"try_cast(translate({text}, 'aA', '??') as double)",
            Kind.TEXT: text,
            Kind.TRUTH: f"map {{'true': true, 'false': false}}[{text}]",
        },
        missing=f"coalesce({text} = 'NaN', true)",
    )


def pointer(name: str) -> str:
    """Where a param lies in the JSON of a run's params."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _words(words: Sequence[str]) -> Condition:
    values = Values()
    found = [_WORD.format(word=values.bind(word)) for word in words]
    return Condition(" and ".join(found) or "true", values.bound)
