"""All that a report of several runs side by side says, found as `cockpit compare` finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.compare import clashes, compare, shown
from cockpit.report.charts import Chart, Series
from cockpit.report.markdown import Markdown, Table, code, escape, joined, say, strong
from cockpit.report.scoring import scores_of
from cockpit.report.words import BEST
from cockpit.scored_rows import legend, scored_rows
from cockpit.seeds import seed_lines, seeded
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.compare import Comparison, Row
    from storage.history import History
    from storage.layout import Layout
    from storage.runs import Run

CURVES = 2
"""Metrics that are drawn, those first that a sweep is after."""
POINTS = 300


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a kind: metrics, slices, params, code…"""

    title: Markdown
    table: Table
    """A row a thing, a column a run; the base first."""


@dataclass(frozen=True, slots=True)
class CompareReport:
    """What a report of a comparison is made of."""

    name: str
    runs: tuple[Run, ...]
    """The base first."""
    base: str
    """The name of the run that the others are measured against."""
    summary: tuple[Markdown, ...]
    warnings: tuple[Markdown, ...]
    """What cannot be compared, and why."""
    groups: tuple[Group, ...]
    """Only what differs."""
    legend: Markdown
    """What the marks beside the differences mean."""
    notes: tuple[Markdown, ...]
    charts: tuple[Chart, ...]
    """Curves over each other."""
    commands: tuple[str, ...]


def gather(layout: Layout, texts: Sequence[str], on: str | None = None) -> CompareReport:
    """Compare runs, the first of them the base. Raises `RunNotFound`, `NotToCompare`, `DatasetNotFound`."""
    from cockpit.project.reading import find_project
    from storage.curves import curve_names
    from storage.history import history
    from storage.runs import detail
    from storage.sweeps import all_sweeps

    with Store(layout).session() as session:
        asked = [detail(session, text) for text in texts]
        details = list({one.run.id: one for one in asked}.values())
        found, sweeps = compare(details), all_sweeps(session)
        ids = [run.id for run in found.runs]
        of = {run.sweep for run in found.runs}
        goals = [metric for sweep in sweeps if sweep.name in of for metric in sweep.metrics]
        names = [name for name in curve_names(session, ids) if not name.startswith("system.")]
        names.sort(key=lambda name: name not in goals)
        curves = {name: history(session, ids, name, POINTS) for name in names[:CURVES]}
    scores = scores_of(layout, find_project(layout), ids, on, ids[0])
    found = compare(details, sweeps, scored_rows(scores, ids) if scores else ())
    base = found.runs[0].name
    told = [*seed_lines(seeded(found, details), [run.name for run in found.runs])]
    return CompareReport(
        name=fmt.listed([run.name for run in found.runs]),
        runs=found.runs,
        base=base,
        summary=tuple(_summary(found)),
        warnings=tuple(map(escape, (*clashes(found, 0), *(scores.problems if scores else ())))),
        groups=tuple(_groups(found)),
        legend=escape(legend(scores, base)) if scores else Markdown(),
        notes=tuple(map(escape, (*told, *(scores.notes if scores else ())))),
        charts=tuple(
            _overlay(found, name, lines, place)
            for place, (name, lines) in enumerate(curves.items())
        ),
        commands=(
            f"cockpit compare {' '.join(ids)}",
            f"cockpit compare {' '.join(ids)} --diff",
        ),
    )


def _summary(found: Comparison) -> list[Markdown]:
    base, *others = found.runs
    differ = len(found.differing)
    said = [
        say(
            "{others} against {base}: {differ} of {of} things differ.",
            others=joined([code(run.name) for run in others], ", "),
            base=code(base.name),
            differ=differ,
            of=len(found.rows),
        )
    ]
    judged = [row for row in found.rows if row.group == "evaluation"]
    scored = judged or [row for row in found.rows if row.group == "metrics" and row.direction]
    for row in scored[:1]:
        for place in range(1, len(found.runs)):
            said += _outcome(found, row, place)
    return said


_WORDS = {
    "better": "better",
    "worse": "worse",
    "equivalent": "the same in practice",
    "unclear": "not told apart from chance",
    "not judged": "not judged, of too few rows",
}


def _outcome(found: Comparison, row: Row, place: int) -> list[Markdown]:
    beside = found.difference(row, place, 0)
    if not beside:
        return []
    verdict = _WORDS.get(found.verdict(row, place, 0), "")
    within = _interval(found, row, place)
    return [
        say(
            "{run}: {name} {value}, {by}{within}{verdict}.",
            run=code(found.runs[place].name),
            name=row.name,
            value=strong(shown(row, place)),
            by=beside.rstrip(" ▲▼≈~·") or "no difference",
            within=f" ({within})" if within else "",
            verdict=f", {verdict}" if verdict else "",
        )
    ]


def _groups(found: Comparison) -> list[Group]:
    named: dict[str, list[Row]] = {}
    for row in found.differing:
        named.setdefault(row.title or row.group, []).append(row)
    return [Group(_title(title), _table(found, rows)) for title, rows in named.items()]


def _table(found: Comparison, rows: Sequence[Row]) -> Table:
    """A column a run; of slices how many rows they have, too."""
    sliced = any(row.count is not None for row in rows)
    titles = ("slice", "n") if sliced else ("",)
    lines = []
    for row in rows:
        named = (row.name, f"{row.count or 0:,}") if sliced else (row.name,)
        lines.append((*named, *_cells(found, row)))
    return Table(
        (*titles, *(code(run.name) for run in found.runs)), tuple(lines), len(found.runs) + sliced
    )


def _title(title: str) -> Markdown:
    metric, slices, _ = title.partition(" by slice")
    if slices:
        return say("{metric} by slice", metric=code(metric))
    return escape("KPIs" if title == "kpis" else title[:1].upper() + title[1:])


def _cells(found: Comparison, row: Row) -> tuple[str, ...]:
    best = found.best(row, 0)
    cells = []
    for place in range(len(found.runs)):
        value = escape(shown(row, place))
        first = Markdown(f"{strong(value)}{BEST}") if place in best else value
        beside = [found.difference(row, place, 0)]
        if len(found.runs) <= 3:
            beside.append(_interval(found, row, place))
        told = ", ".join(filter(None, beside))
        # Figures and marks of our own, of which none is markup there.
        cells.append(joined([first, Markdown(f"({told})") if told else ""]))
    return tuple(cells)


def _interval(found: Comparison, row: Row, place: int) -> str:
    """`-0.0019 to +0.0011`: without brackets, which are links in markdown."""
    return found.interval(row, place, 0).strip("[]").replace(", ", " to ")


def _overlay(found: Comparison, name: str, lines: Sequence[History], place: int) -> Chart:
    series = tuple(
        Series(run.name, one.steps, one.values)
        for run, one in zip(found.runs, lines, strict=True)
        if one.steps
    )
    ends = ", ".join(f"{one.name} ends at {fmt.number(one.ys[-1])}" for one in series)
    about = f"{name} by step: {ends}"
    return Chart(f"curve-{place + 1}", f"{name} by step", about, "step", name, series)
