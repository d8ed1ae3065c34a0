"""Runs side by side: what they have, what differs, and what of it can be compared at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from cockpit import about
from cockpit import format as fmt
from cockpit.gain import figure
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cockpit.evaluate.significance import Difference
    from storage.runs import Run, RunDetail
    from storage.sweeps import Sweep

MOST = 12
"""Runs at a time: more are no comparison, and there are no more colours that can be told apart."""
DIGEST = 8
"""Characters of a digest that are shown; all of it is compared."""
SCORED = ("evaluation", "kpis", "slices")
"""The groups whose values are all of the same rows of an evaluation set."""
MARKS = {"better": "▲", "worse": "▼", "equivalent": "≈", "unclear": "~", "not judged": fmt.MISSING}
"""What a verdict on a difference looks like."""
LAST_STEP = "last step"
"""The row among the metrics that is none."""


class NotToCompare(UserError):
    """Fewer than two runs, or too many; the message is a sentence for the user."""


class Absent(Enum):
    """In the place of a value that a run has not."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Row:
    """One thing the runs have in common, or not."""

    group: str
    """`metrics`, `params`, `data`, `code`, `resources`, …"""
    name: str
    values: tuple[Any, ...]
    """What is compared, in the runs' order; `ABSENT` where a run has none."""
    words: tuple[str, ...] = ()
    """What is shown instead of the values."""
    unit: str = ""
    """`number`, `seconds` or `bytes`: a difference can be taken; nothing where it cannot."""
    direction: str = ""
    """`maximize` or `minimize`, where one value is better than another."""
    title: str = ""
    """What the group is called where it is shown; nothing where its own name does."""
    against: int | None = None
    """The run that `judged` measures the others against."""
    judged: tuple[Difference | None, ...] = ()
    """Of each run the difference on the same rows, with its interval, where there is one."""
    margin: float | None = None
    """The difference that does not matter."""
    count: int | None = None
    """Rows of the slice, where it is one."""

    @property
    def label(self) -> str:
        """Its name, and how many rows that is."""
        return self.name if self.count is None else f"{self.name}  {self.count:,}"

    @property
    def differs(self) -> bool:
        return any(not same(value, self.values[0]) for value in self.values[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs and all that can be said of them, a row a thing."""

    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    data: tuple[Mapping[str, str], ...]
    """Of each run, the digests of its data by name."""

    @property
    def differing(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.differs)

    def clash(self, one: int, other: int) -> tuple[str, ...]:
        """The data both have in different versions: what was scored on it is not comparable."""
        mine, theirs = self.data[one], self.data[other]
        return tuple(name for name in mine if name in theirs and mine[name] != theirs[name])

    def comparable(self, row: Row, one: int, other: int) -> bool:
        """Whether values are of the same data; scores are, or they are not there."""
        return row.group in SCORED or not self.clash(one, other)

    def best(self, row: Row, base: int) -> frozenset[int]:
        """The runs with the best value among those that can be compared with the base; none where all are alike.

        Nor where differences are judged: the greatest value may be so by chance.
        """
        found = {
            place: value
            for place, value in enumerate(row.values)
            if is_number(value) and isfinite(value) and self.comparable(row, base, place)
        }
        if row.judged or not row.direction or len(set(found.values())) < 2:
            return frozenset()
        top = (max if row.direction == "maximize" else min)(found.values())
        return frozenset(place for place, value in found.items() if value == top)

    def difference(self, row: Row, place: int, base: int) -> str:
        """`+0.0121` against the base; empty where nothing can be taken away or may be compared."""
        value, beside = row.values[place], row.values[base]
        if not row.unit or place == base or not (is_number(value) and is_number(beside)):
            return ""
        if not (isfinite(value) and isfinite(beside)):
            return ""
        if row.group == "metrics" and self.clash(base, place):
            return "≠ data"
        verdict = self.verdict(row, place, base)
        if value == beside:
            return MARKS[verdict] if verdict else ""
        mark = f" {MARKS[verdict]}" if verdict else ""
        return _difference(value - beside, row.unit) + mark

    def verdict(self, row: Row, place: int, base: int) -> str:
        """`better`, `worse`, `equivalent`, `unclear` or `not judged` against the base; nothing where nobody judged."""
        if place == base or row.group not in SCORED:
            return ""
        if row.judged:
            found = row.judged[place] if row.against == base else None
            return found.verdict if found else ""
        value, beside = row.values[place], row.values[base]
        if row.margin is None or not (is_number(value) and is_number(beside)):
            return ""
        return "equivalent" if abs(value - beside) <= row.margin else ""

    def interval(self, row: Row, place: int, base: int) -> str:
        """`[-0.0019, +0.0011]`, what the difference from the base lies in; empty where nobody knows."""
        found = row.judged[place] if row.judged and row.against == base else None
        if place == base or found is None or found.low is None or found.high is None:
            return ""
        return f"[{figure(found.low)}, {figure(found.high)}]"


def compare(
    found: Sequence[RunDetail], sweeps: Iterable[Sweep] = (), scored: Iterable[Row] = ()
) -> Comparison:
    """All rows there are; `sweeps` say which way a metric is better, `scored` are those of an evaluation set.

    Raises `NotToCompare`.
    """
    if problem := not_to_compare(len(found)):
        raise NotToCompare(problem)
    directions = _directions(found, sweeps)
    rows = (*_metrics(found, directions), *scored, *_inputs(found), *_code(found), *_rest(found))
    data = tuple(
        {name: str(file["digest"]) for name, file in (_known(one, "data") or {}).items()}
        for one in found
    )
    known = tuple(row for row in rows if any(value is not ABSENT for value in row.values))
    return Comparison(tuple(one.run for one in found), known, data)


def not_to_compare(count: int) -> str:
    """What is the matter with so many runs; empty where nothing is."""
    if count < 2:
        return "a comparison takes two runs or more"
    if count > MOST:
        return f"{count} runs are more than can be compared at once; name up to {MOST}"
    return ""


def counted(found: Comparison, everything: bool, how: str) -> str:
    """`showing 7 that differ of 31 (a: all)`; `how` is what shows the others."""
    differ, of = len(found.differing), len(found.rows)
    if everything:
        return f"showing all {of}, of which {differ} differ"
    return f"showing {differ} that differ{'s' * (differ == 1)} of {of} ({how}: all)"


def clashes(found: Comparison, base: int) -> list[str]:
    """A sentence for the runs that were made on other data than the base, and so cannot be compared on it."""
    by_data: dict[tuple[str, ...], list[str]] = {}
    for place, run in enumerate(found.runs):
        if place != base and (names := found.clash(base, place)):
            by_data.setdefault(names, []).append(fmt.plain(run.name))
    beside = fmt.plain(found.runs[base].name)
    return [
        f"{fmt.listed(runs)} {'is' if len(runs) == 1 else 'are'} not comparable with {beside}:"
        f" other data ({', '.join(map(fmt.plain, names))})"
        for names, runs in by_data.items()
    ]


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike; NaN is like NaN, and True is not 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other or (one != one and other != other))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(row: Row, place: int) -> str:
    """A run's value in the words of people, safe to paint."""
    value = row.values[place]
    if value is ABSENT:
        return fmt.MISSING
    if row.words:
        return fmt.plain(row.words[place])
    if is_number(value) and isfinite(value) and row.unit in _UNITS:
        return _UNITS[row.unit](value)
    keep = row.group == "metrics" and is_number(value)
    return fmt.number(value, keep_zeros=True) if keep else fmt.value(value)


_UNITS: dict[str, Callable[[float], str]] = {
    "seconds": about.cpu_time,
    "bytes": lambda count: fmt.size(round(count)),
}


def _difference(by: float, unit: str) -> str:
    if unit == "number":
        return figure(by)
    return ("+" if by > 0 else "-") + _UNITS[unit](abs(by))


def _directions(found: Sequence[RunDetail], sweeps: Iterable[Sweep]) -> dict[str, str]:
    """Which way the sweeps' objectives are better; a metric they do not agree on is left out."""
    of = {one.run.sweep for one in found}
    said: dict[str, set[str]] = {}
    for sweep in sweeps:
        if sweep.name in of:
            for name, direction in zip(sweep.metrics, sweep.directions, strict=False):
                said.setdefault(name, set()).add(direction)
    return {name: next(iter(ways)) for name, ways in said.items() if len(ways) == 1}


# The rows, group by group


def _metrics(found: Sequence[RunDetail], directions: Mapping[str, str]) -> Iterator[Row]:
    metrics = [one.run.metrics for one in found]
    names = dict.fromkeys([*(name for name in directions if _any(metrics, name)), *_names(metrics)])
    for name in names:
        yield _mapped("metrics", name, metrics, "number", directions.get(name, ""))
    yield _row("metrics", LAST_STEP, [_or(one.run.step) for one in found], "number")


def _inputs(found: Sequence[RunDetail]) -> Iterator[Row]:
    params = [one.run.params for one in found]
    yield from (_mapped("params", name, params, "number") for name in _names(params))
    attrs = [one.user_attrs for one in found]
    yield from (_mapped("attributes", name, attrs) for name in _names(attrs))
    data = [_known(one, "data") or {} for one in found]
    for name in _names(data):
        files = [files.get(name) for files in data]
        yield Row(
            "data",
            name,
            tuple(ABSENT if file is None else file["digest"] for file in files),
            tuple("" if file is None else _file(file) for file in files),
        )


def _code(found: Sequence[RunDetail]) -> Iterator[Row]:
    git = [_known(one, "git") or {} for one in found]
    yield _row("code", "git commit", [_or(one.get("commit")) for one in git], words=_short)
    yield _row("code", "git branch", [_or(one.get("branch")) for one in git])
    yield Row("code", "changes", tuple(map(_changes, git)), tuple(map(_changes_words, git)))
    yield _row("code", "spec", [_or(_known(one, "spec_digest")) for one in found], words=_short)
    yield _row("code", "matrix", [_or(_known(one, "cell")) for one in found])
    yield _row("code", "seed", [_or(_known(one, "seed")) for one in found])
    over = [_known(one, "overrides") or {} for one in found]
    yield from (_mapped("code", f"instead {name}", over, key=name) for name in _names(over))
    command = [_known(one, "command") for one in found]
    yield _row("code", "command", [" ".join(words) if words else ABSENT for words in command])


def _rest(found: Sequence[RunDetail]) -> Iterator[Row]:
    runs = [one.run for one in found]
    yield _row("run", "state", [run.state for run in runs])
    yield _row("run", "reason", [run.reason or ABSENT for run in runs])
    yield _row("run", "sweep", [run.sweep or ABSENT for run in runs])
    yield _row("run", "attempt", [run.attempt + 1 for run in runs])
    yield _row("run", "tags", [", ".join(run.tags) or ABSENT for run in runs])
    yield _row("run", "note", [run.note or ABSENT for run in runs])
    measured = [{**one.resources, "seconds": one.run.seconds} for one in found]
    for key, unit in (("seconds", "seconds"), (about.CPU, "seconds"), (about.MEMORY, "bytes")):
        name = {"seconds": "time"}.get(key) or about.NAMES[key]
        yield _row("resources", name, [_or(one.get(key)) for one in measured], unit)
    yield from _environment(found)


def _environment(found: Sequence[RunDetail]) -> Iterator[Row]:
    environment = [_known(one, "environment") or {} for one in found]
    for name in ("python", "interpreter", "platform"):
        yield _mapped("environment", name, environment)
    machines = [_known(one, "machine") or {} for one in found]
    yield _mapped("environment", "host", machines)
    yield _mapped("environment", "cores", machines)
    for name in ("cockpit", "optuna"):
        yield _row("environment", name, [_or(_known(one, name)) for one in found])
    packages = [one.get("packages") or {} for one in environment]
    differing = [_mapped("packages", name, packages) for name in sorted(_names(packages))]
    differing = [row for row in differing if row.differs]
    # All seventy of them, alike in all runs, would bury the rest.
    yield from differing or [_row("packages", "all", [len(one) or ABSENT for one in packages])]


def _row(
    group: str,
    name: str,
    values: Sequence[Any],
    unit: str = "",
    words: Callable[[str], str] | None = None,
) -> Row:
    said = tuple("" if value is ABSENT else words(value) for value in values) if words else ()
    return Row(group, name, tuple(values), said, unit)


def _mapped(
    group: str,
    name: str,
    of: Sequence[Mapping[str, Any]],
    unit: str = "",
    direction: str = "",
    key: str | None = None,
) -> Row:
    values = tuple(one.get(name if key is None else key, ABSENT) for one in of)
    return Row(group, name, values, (), unit, direction)


def _names(of: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of all keys, in the order first seen."""
    return list(dict.fromkeys(name for one in of for name in one))


def _any(of: Iterable[Mapping[str, Any]], name: str) -> bool:
    return any(name in one for one in of)


def _known(one: RunDetail, part: str) -> Any:
    return one.provenance.get(part)


def _or(value: Any) -> Any:
    return ABSENT if value is None or value == "" else value


def _short(digest: str) -> str:
    """Of a content's digest its first characters; of a git commit as many as git shows."""
    return digest.rpartition(":")[2][:DIGEST] if ":" in digest else digest[:12]


def _file(entry: Mapping[str, Any]) -> str:
    return f"{_short(entry['digest'])} {fmt.size(entry['bytes'])}"


def _changes(git: Mapping[str, Any]) -> Any:
    """What tells one changed tree from another: its diff's digest, else the names."""
    if not git:
        return ABSENT
    diff = git.get("diff")
    return diff["digest"] if diff else (git.get("dirty"), *(git.get("changed") or ()))


def _changes_words(git: Mapping[str, Any]) -> str:
    if not git:
        return ""
    if not git.get("dirty"):
        return "none" if git.get("dirty") is False else "not looked at whole"
    names = git.get("changed") or git.get("untracked") or ()
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else "some"
