"""The versions of datasets as lines, and what there is to say of the one under the cursor. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.data.page import Column, Item, Page, fields, laid_out
from cockpit.tui.data.studies import Checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cockpit.tui.background import Finding
    from cockpit.tui.data.desk import Listed
    from cockpit.tui.data.page import Cell, Parts
    from storage.datasets import Version

BASE = "◆"
"""Marks the version that the others are compared with."""
COLUMNS = (
    Column("version", most=30),
    Column("base"),
    Column("rows", right=True),
    Column("size", right=True, rank=3),
    Column("seen", right=True, rank=2),
    Column("kept", rank=4),
    Column("contract"),
    Column("grown", rank=1, least=14),
)
LISTED = COLUMNS[:-1]
"""Where the list has the screen with others, or no version grew."""


def in_order(listed: Sequence[Listed]) -> list[Listed]:
    """By name, the newest of each first."""
    return sorted(listed, key=lambda one: (one.version.name, -one.version.number))


def versions_page(listed: Sequence[Listed], base: str | None, now: datetime, width: int) -> Page:
    """A line a version; `base` is the label of the one that is compared with."""
    ordered = in_order(listed)
    grown = any(one.version.growth for one in ordered) and width > 80
    columns = COLUMNS if grown else LISTED
    rows = [_row(one, base, now)[: len(columns)] for one in ordered]
    titles, lines = laid_out(columns, rows, width)
    labels = [one.version.label for one in ordered]
    items = tuple(Item(label, line) for label, line in zip(labels, lines, strict=True))
    return Page(titles=titles, items=items)


def _row(one: Listed, base: str | None, now: datetime) -> list[Cell]:
    version = one.version
    held, tone = contract_word(one.contract)
    return [
        (fmt.plain(version.label), ""),
        (BASE if version.label == base else "", "accent"),
        (fmt.MISSING if version.rows is None else fmt.count(version.rows), ""),
        (fmt.size(version.bytes), "quiet"),
        (fmt.age(version.time, now), "quiet"),
        ("✓" if one.kept else fmt.MISSING, "complete" if one.kept else "faint"),
        (held, tone),
        (why(version), "quiet"),
    ]


def contract_word(finding: Finding | None) -> tuple[str, str]:
    """Whether a version keeps its contract, and the word's tone; a dot where nobody knows."""
    if finding is None or not finding.ended or finding.stopped:
        return fmt.MISSING, "faint"
    if not isinstance(finding.found, Checked):
        return ("? gone" if finding.gone else "? not read"), "lost"
    broken = len(finding.found.report.broken)
    if not broken and not finding.found.is_held:
        return "· none", "faint"
    return ("✓ holds", "complete") if not broken else (f"✗ {broken} broken", "failed")


def why(version: Version) -> str:
    """`+30 rows: the young were missing`."""
    growth = version.growth
    if growth is None:
        return ""
    return fmt.plain(f"+{growth.added:,} rows: {growth.reason or growth.source or ''}")


def about(one: Listed, project: str, now: datetime, width: int) -> tuple[Parts, ...]:
    """Where a version lies and what its columns are for; `project` is the folder that paths begin at."""
    return fields(tuple(_about(one, project, now)), width)


def _about(one: Listed, project: str, now: datetime) -> Iterator[tuple[str, str]]:
    version = one.version
    facts, growth = version.facts, version.growth
    kept = ", kept in the store" if one.kept else ""
    yield "content", f"{version.digest.rpartition(':')[2][:12]}{kept}"
    yield "first seen", fmt.age(version.time, now)
    yield "file", version.path.removeprefix(f"{project}/")
    if facts.get("key"):
        yield "key", ", ".join(facts["key"])
    if facts.get("target") is not None:
        positive = facts.get("positive")
        yield "target", f"{facts['target']}" + f" ({positive} is 1)" * (positive is not None)
    if growth is not None:
        yield "grown", why(version)
        yield (
            "from",
            f"{growth.parent.rpartition(':')[2][:12]}"
            + (f", shown by run {growth.run}" if growth.run else ""),
        )
