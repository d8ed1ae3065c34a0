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
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from storage.session import Session

SECONDS = """
greatest(0, date_diff('microseconds', {0}.started, coalesce({0}.ended, now() at time zone 'UTC')) / 1e6)
"""
"""From a run's or a sweep's start to its end, or to now."""
FIELDS: dict[str, tuple[Kind, str]] = {
    "id": (Kind.TEXT, "runs.key"),
    "name": (Kind.TEXT, "runs.name"),
    "sweep": (Kind.TEXT, "(select sweeps.name from sweeps where sweeps.id = runs.sweep)"),
    "number": (Kind.NUMBER, "runs.number::double"),
    "state": (Kind.TEXT, "runs.state"),
    "reason": (Kind.TEXT, "runs.reason"),
    "step": (Kind.NUMBER, "runs.step::double"),
    "started": (Kind.TIME, "runs.started"),
    "seconds": (Kind.NUMBER, SECONDS.format("runs")),
    "tag": (Kind.SET, "coalesce(runs.tags, [])"),
    "note": (Kind.TEXT, "runs.note"),
    "pinned": (Kind.TRUTH, "runs.pinned"),
}
"""By name: what it gives and its SQL, over `runs`."""

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

    metrics: Mapping[str, frozenset[int | None]]
    """By name, in the order first seen, the sweeps whose runs have it (None: runs of none)."""
    params: Mapping[str, frozenset[int | None]]

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

    def among(self, sweeps: Collection[int | None]) -> RunNames:
        """Those of them that the runs of these sweeps have."""
        metrics = {name: of for name, of in self.metrics.items() if not of.isdisjoint(sweeps)}
        params = {name: of for name, of in self.params.items() if not of.isdisjoint(sweeps)}
        return RunNames(metrics, params)

    def names(self) -> Iterable[str]:
        scoped = (f"metrics.{name}" for name in self.metrics)
        yield from (f"params.{name}" for name in self.params)
        yield from (*scoped, *self.params, *self.metrics, *FIELDS)


def is_condition(text: str) -> bool:
    """Whether a text has an operator in it; else it is words."""
    return _OPERATORS.search(text) is not None


def run_filter(names: RunNames, text: str) -> Condition:
    """Understand a filter over `runs`; raises `FilterError`."""
    if not is_condition(text):
        return _words(text.split())
    # Here, because the parser takes a while to import and words do without it.
    from storage.expressions.conditions import condition
    from storage.expressions.syntax import parse

    tree = parse(text)
    return _words([tree.name]) if tree.is_string else condition(tree, names)


def run_names(session: Session) -> RunNames:
    """What the runs of a store have, objectives that nobody has reported yet included."""
    found: dict[str, dict[str, frozenset[int | None]]] = {"metric": {}, "param": {}}
    for kind, name, sweeps, _ in session.rows(_NAMES):
        found[kind].setdefault(name, frozenset(sweeps))
    return RunNames(found["metric"], found["param"])


_NAMES = """
select kind, name, list(sweep), min(position) as place from names where kind <> 'system' group by kind, name
union all
select 'metric', unnest(metrics), [], null from sweeps
order by place nulls last
"""


def metric(name: str, values: Values) -> Term:
    """A metric's last value."""
    return Term({Kind.NUMBER: f"nullif(runs.metrics[{values.bind(name)}], 'nan'::double)"})


def param(name: str, values: Values) -> Term:
    """A param, which may be anything."""
    text = f"json_extract_string(runs.params, {values.bind(pointer(name))})"
    # Each reading names the text once, for DuckDB would read the JSON again for every mention.
    number = f"try_cast({text} as double)"
    return Term(
        {
            Kind.NUMBER: f"list_filter([{number}], lambda one: not isnan(one))[1]",
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
