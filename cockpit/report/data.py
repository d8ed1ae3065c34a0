"""All that a report of a dataset's version says: what is in it, whether it keeps its contract, what changed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import difference_words as words
from cockpit import format as fmt
from cockpit.report.charts import Bars
from cockpit.report.markdown import Markdown, Table, code, escape, joined, say, strong
from cockpit.report.used_data import profile_table
from cockpit.report.words import many, moment, pairs, short
from storage.errors import UserError
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.data.contract import Report
    from cockpit.data.drift import Drift
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

MEASURES = ("psi", "js", "ks", "v", "missing")
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class DataReport:
    """What a report of a dataset's version is made of."""

    name: str
    version: Version
    """name, number, digest, path, bytes, time, facts, growth."""
    summary: tuple[Markdown, ...]
    remarks: tuple[Markdown, ...]
    """What is odd about it."""
    profile: Table
    """A line a column."""
    broken: Table
    """The contract's rules that are broken, with how many rows break them."""
    kept: Table
    """Those that hold, by column; both are empty where there is no contract."""
    contract_note: Markdown
    drift: Table
    """The columns that are distributed otherwise than in the version before, the worst first."""
    drift_chart: Bars | None
    """How far they drifted, by the population stability index."""
    drift_note: Markdown
    versions: Table
    """All versions, the newest first, with why each came to be."""
    facts: Table
    commands: tuple[str, ...]


def gather(layout: Layout, text: str, on: str | None = None) -> DataReport:
    """Read what is known of NAME (its newest version), NAME@vN or NAME@DIGEST.

    A version that nobody looked at yet is looked at now. Raises `DatasetNotFound`, `DataGone`, `ProjectError`.
    """
    from cockpit.data.columns import from_facts, remarks
    from cockpit.data.versions import looked_at
    from cockpit.project.reading import find_project
    from storage.datasets import find, versions

    project = find_project(layout)
    with Store(layout).session() as session:
        version = find(session, text)
        others = versions(session, version.name)
    version = looked_at(layout, version)
    odd = remarks(from_facts(version.facts), version.time, version.facts.get("key") or ())
    before = _before(version, others)
    checked, contract_note = _contract(layout, project, version)
    drifted, drift_note = _drift(layout, project, before, version)
    return DataReport(
        name=version.label,
        version=version,
        summary=tuple(_summary(version, checked)),
        remarks=tuple(
            say("{column}: {text}", column=code(one.column), text=one.text) for one in odd
        ),
        profile=profile_table(version),
        broken=_broken(checked),
        kept=_kept(checked),
        contract_note=contract_note,
        drift=_drift_table(drifted),
        drift_chart=_drift_chart(drifted),
        drift_note=drift_note,
        versions=_versions(others),
        facts=_facts(version),
        commands=(
            f"cockpit data show {shlex.quote(version.label)}",
            *([f"cockpit data check {shlex.quote(version.label)}"] if checked else []),
            *(
                [shlex.join(["cockpit", "data", "drift", before.label, version.label])]
                if before
                else []
            ),
        ),
    )


def _before(version: Version, others: Sequence[Version]) -> Version | None:
    """The version that it grew from, else the one before it."""
    parent = version.growth.parent if version.growth else None
    grown = [one for one in others if one.digest == parent]
    earlier = [one for one in others if one.number < version.number]
    return grown[-1] if grown else earlier[-1] if earlier else None


def _summary(version: Version, checked: Report | None) -> list[Markdown]:
    facts = version.facts
    said = [
        say(
            "{label} has {rows} and {columns}, {size} of {form}, first seen {when}.",
            label=code(version.label),
            rows=strong(many(facts["rows"], "row")),
            columns=many(len(facts["columns"]), "column"),
            size=fmt.size(version.bytes),
            form=facts["format"],
            when=moment(version.time),
        )
    ]
    if checked is not None:
        broken = len(checked.broken)
        kept = (
            "It keeps its contract"
            if not broken
            else f"**It breaks {broken} of {many(len(checked.rules), 'rule')}**"
        )
        of = f" ({many(len(checked.rules), 'rule')})" if not broken else " of its contract"
        said.append(Markdown(f"{kept}{of}."))
    if version.growth is not None:
        growth = version.growth
        said.append(
            say(
                "It grew by {added}: {why}.",
                added=many(growth.added, "row"),
                why=(growth.reason or growth.source or "no reason was given").rstrip("."),
            )
        )
    if facts.get("duplicates"):
        said.append(
            say("{n} have a key that an earlier row has.", n=many(facts["duplicates"], "row"))
        )
    return said


def _contract(layout: Layout, project: Project, version: Version) -> tuple[Report | None, Markdown]:
    from cockpit.data.contract import check
    from cockpit.data.contracts import find_data, on_rows

    table = project.data.get(version.name)
    if table is None or table.contract is None:
        return None, say(
            "There is no contract: {key} in cockpit.toml writes one.",
            key=code(f"[data.{version.name}.contract]"),
        )
    try:
        data = find_data(layout, project, version.label)
        # How old its rows may be counts from when it was first seen, or no two reports would be alike.
        found: Report = on_rows(lambda frame: check(frame, data.table, now=version.time), data)
    except UserError as why:
        return None, say("The contract was not checked: {why}", why=str(why))
    return found, Markdown()


def _broken(found: Report | None) -> Table:
    """The rules that are broken."""
    from cockpit.data.contract import example_words

    rows = []
    for rule in found.broken if found else ():
        example = rule.note or "; ".join(example_words(row) for row in rule.examples[:EXAMPLES])
        column = code(rule.column) if rule.column else ""
        rows.append(("✗ FAIL", column, rule.name, f"{rule.failed:,}", example))
    titles = ("", "column", "rule", "rows that break it", "for example")
    return Table(titles, tuple(rows), right=1, left=1)


def _kept(found: Report | None) -> Table:
    """The rules that hold, by column."""
    kept: dict[str | None, list[str]] = {}
    for rule in found.rules if found else ():
        if rule.passed:
            kept.setdefault(rule.column, []).append(rule.name)
    rows = [
        ("✓ pass", code(column) if column else Markdown("all"), "; ".join(names))
        for column, names in kept.items()
    ]
    return Table(("", "column", "rules that hold"), tuple(rows))


def _drift(
    layout: Layout, project: Project, before: Version | None, version: Version
) -> tuple[Drift | None, Markdown]:
    from cockpit.data.drift import drift
    from cockpit.data.versions import open_version

    if before is None:
        return None, Markdown("It is the first version: there is nothing to compare it with.")
    table = project.data.get(version.name)
    names = {*table.key, *table.ignore} if table else set(version.facts.get("key") or ())
    try:
        found = drift(open_version(layout, before), open_version(layout, version), None, names)
    except UserError as why:
        return None, say(
            "It was not compared with {before}: {why}", before=code(before.label), why=str(why)
        )
    old, new = found.rows
    return found, say(
        "{drifted} of {of} columns are distributed otherwise than in {before} ({old} rows; here {new} rows).",
        drifted=len(found.drifted),
        of=len(found.columns),
        before=code(before.label),
        old=f"{old:,}",
        new=f"{new:,}",
    )


def _drift_table(found: Drift | None) -> Table:
    rows = []
    for column in found.drifted if found else ():
        figures = [column.effect(name) for name in MEASURES]
        shown = [fmt.MISSING if one is None else f"{one.value:.3f}" for one in figures]
        rows.append(
            (code(column.name), words.verdict(column), *shown, "; ".join(words.drift_notes(column)))
        )
    return Table(("column", "drift", *MEASURES, "what"), tuple(rows), right=len(MEASURES), left=1)


def _drift_chart(found: Drift | None) -> Bars | None:
    told = [
        (column.name, one.value)
        for column in (found.drifted if found else ())
        if (one := column.effect("psi"))
    ]
    if len(told) < 2:
        return None
    told.sort(key=lambda pair: (-pair[1], pair[0]))
    about = ", ".join(f"{name} {value:.3f}" for name, value in told)
    return Bars(
        "drift", "Drift by column (PSI)", f"Population stability index: {about}", tuple(told)
    )


def _versions(others: Sequence[Version]) -> Table:
    rows = []
    for one in reversed(others):
        growth = one.growth
        why = f"+{growth.added:,} rows: {growth.reason or growth.source or ''}" if growth else ""
        run = f" ({growth.run})" if growth and growth.run else ""
        rows.append(
            (
                code(one.label),
                fmt.MISSING if one.rows is None else f"{one.rows:,}",
                fmt.size(one.bytes),
                moment(one.time),
                code(short(one.digest)),
                f"{why}{run}",
            )
        )
    return Table(("version", "rows", "size", "first seen", "digest", "grown by"), tuple(rows))


def _facts(version: Version) -> Table:
    facts = version.facts
    positive = facts.get("positive")
    told = {
        "digest": code(version.digest),
        "files": joined([code(name) for name in (facts.get("files") or ())[:EXAMPLES]], ", "),
        "key": joined([code(name) for name in facts.get("key") or ()], ", "),
        "target": code(facts["target"]) if facts.get("target") is not None else None,
        "the label that counts as 1": code(positive) if positive is not None else None,
        "quantiles and counts are of": escape(f"{facts['sampled']:,} rows, evenly spaced")
        if facts.get("sampled")
        else None,
    }
    return pairs("", told, "what")
