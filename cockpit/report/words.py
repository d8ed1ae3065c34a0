"""What the reports of all subjects share: where a run comes from, its scores, and how figures are written."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.report.markdown import Markdown, Table, code, escape, joined, strong

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cockpit.evaluate.compare import Score, Scores
    from cockpit.evaluate.metrics import Figure
    from storage.datasets import Version
    from storage.layout import Layout

BEST = " ▲"
"""Beside the best of a column, which is bold too."""
DIGEST = 12
"""Characters of a digest that are shown."""


def moment(time: datetime | None) -> str:
    """`2026-03-01 12:04 UTC`."""
    return fmt.MISSING if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def figure(value: float | None, keep_zeros: bool = True) -> str:
    """Four significant digits, or that there is nothing."""
    return fmt.MISSING if value is None else fmt.number(value, keep_zeros=keep_zeros)


def best(text: str) -> Markdown:
    """A figure that is the best of its column."""
    return Markdown(f"{strong(text)}{BEST}")


def within(low: float | None, high: float | None) -> str:
    """`0.9271 to 0.9353`; nothing where nobody knows."""
    return "" if low is None or high is None else f"{figure(low)} to {figure(high)}"


def better(direction: str) -> str:
    """Which way is better: `higher`, or `lower`."""
    return "higher" if direction == "maximize" else "lower"


def percent(share: float) -> str:
    """`95 %`."""
    return f"{100 * share:g} %"


def many(number: int, what: str) -> str:
    """`1 trial`, `1,204 trials`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def pairs(title: str, entries: Mapping[str, Any], heading: str = "value") -> Table:
    """Names and values in two columns; a value that is missing has no row."""
    rows = [
        (escape(name), value if isinstance(value, Markdown) else escape(str(value)))
        for name, value in entries.items()
        if value not in (None, "")
    ]
    return Table((title, heading), tuple(rows))


# Where it comes from


def provenance(known: Mapping[str, Any], layout: Layout, versions: Sequence[Version] = ()) -> Table:
    """What identifies how a run was made, a line each; paths are those from the project's folder."""
    environment, machine = known.get("environment") or {}, known.get("machine") or {}
    git, packages = known.get("git") or {}, environment.get("packages") or {}
    told: dict[str, Any] = {
        "git commit": git.get("commit") and code(git["commit"][:DIGEST]),
        "git branch": git.get("branch") and code(git["branch"]),
        "work tree": _tree(git),
        "spec": _spec(known, layout),
        "matrix": known.get("cell"),
        **{
            f"instead of the spec's {name}": code(value)
            for name, value in (known.get("overrides") or {}).items()
        },
        "seed": known.get("seed"),
        **{
            f"data {name}": data_words(entry["digest"], entry.get("bytes"), name, versions)
            for name, entry in (known.get("data") or {}).items()
        },
        "python": environment.get("python"),
        "packages": f"{len(packages)} recorded" if packages else None,
        "machine": f"{machine['host']}, {many(machine['cores'], 'core')}" if machine else None,
    }
    return pairs("from", told, "what")


def data_words(digest: str, size: int | None, name: str, versions: Sequence[Version]) -> Markdown:
    """A version of data: its label, size and digest."""
    found = [one for one in versions if one.digest == digest]
    named = next((one for one in found if one.name == name), found[0] if found else None)
    parts = [
        code(named.label) if named else "",
        f"{named.rows:,} rows" if named and named.rows is not None else "",
        fmt.size(size) if size is not None else "",
        code(short(digest)),
    ]
    return joined(parts, ", ")


def short(digest: str) -> str:
    """The first characters of a digest."""
    return digest.rpartition(":")[2][:DIGEST]


def _tree(git: Mapping[str, Any]) -> str:
    if not git:
        return ""
    if not git.get("dirty"):
        return "clean" if git.get("dirty") is False else "not looked at whole"
    changed = git.get("changed") or git.get("untracked") or ()
    return f"with changes in {many(len(changed), 'file')}" if changed else "with changes"


def _spec(known: Mapping[str, Any], layout: Layout) -> Markdown | None:
    path = known.get("spec_path")
    if not path:
        return None
    found = Path(path)
    below = found.is_relative_to(layout.project)
    shown = code(os.fspath(found.relative_to(layout.project)) if below else found.name)
    digest = known.get("spec_digest")
    return joined([shown, code(short(digest)) if digest else ""], ", ")


# Scores


def score_tables(found: Scores | None, run: str) -> tuple[Table, Table, Table]:
    """Of one run the metrics of all rows, the KPIs, and the first metric by slice, the worst slice first."""
    scores = found.scores if found else ()
    parted = {
        group: [one for one in scores if one.group == group and run in one.figures]
        for group in ("evaluation", "kpis", "slices")
    }
    level = f"{percent(found.confidence)} interval" if found else ""
    metrics = _scored(parted["evaluation"], run, "metric", level)
    kpis = _scored(parted["kpis"], run, "KPI", level)
    return metrics, kpis, _sliced(parted["slices"], parted["evaluation"], run, level)


def _scored(scores: Sequence[Score], run: str, title: str, level: str) -> Table:
    rows = [_score_row(escape(one.name), one, one.figures[run]) for one in scores]
    return _without_blank(Table((title, "better", "n", "value", level), tuple(rows), right=3))


def _score_row(name: Markdown, score: Score, found: Figure) -> tuple[str, ...]:
    value = found.reason or fmt.MISSING if found.value is None else _with_unit(found.value, score)
    interval = within(found.low, found.high)
    return name, better(score.direction), f"{found.n:,}", value, interval


def _with_unit(value: float, score: Score) -> str:
    return f"{figure(value)} {score.unit}".strip()


def _sliced(slices: Sequence[Score], whole: Sequence[Score], run: str, level: str) -> Table:
    if not slices:
        return Table((), ())
    sign = 1 if slices[0].direction == "maximize" else -1

    def key(one: Score) -> tuple[bool, float]:
        value = one.figures[run].value
        return value is None, sign * (value or 0.0)

    total = [one for one in whole if one.name == slices[0].metric][:1]
    named = [(strong("all rows"), one) for one in total]
    named += [(escape(one.name), one) for one in sorted(slices, key=key)]
    rows = []
    for name, one in named:
        cells = _score_row(name, one, one.figures[run])
        rows.append((cells[0], *cells[2:]))
    titles = ("slice", "n", slices[0].metric, level)
    return _without_blank(Table(titles, tuple(rows), right=3))


def _without_blank(given: Table) -> Table:
    """Without the last column where nothing stands in it."""
    if not given.rows or any(row[-1] for row in given.rows):
        return given
    rows = tuple(row[:-1] for row in given.rows)
    return Table(given.titles[:-1], rows, given.right - 1)


def score_notes(found: Scores | None) -> tuple[Markdown, ...]:
    """What has to be said of how scores came about, a sentence each."""
    return tuple(map(escape, (*found.problems, *found.notes))) if found else ()
