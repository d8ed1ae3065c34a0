"""What is found out about data for the screen, and how: as `cockpit data` does it. The heavy libraries are imported
by the first study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cockpit.data.contract import Report
    from cockpit.data.diff import Difference
    from cockpit.data.drift import Drift
    from cockpit.data.leaks import Leak
    from cockpit.data.watching import Watch
    from cockpit.project.model import DataTable, Project
    from storage.datasets import Version
    from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class Profiled:
    """A version that was looked at."""

    facts: Mapping[str, Any]
    gone: str = ""
    """A sentence on what became of its content where that lies nowhere any more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A version that was held against its contract."""

    report: Report
    leaks: tuple[Leak, ...]
    table: DataTable

    @property
    def is_held(self) -> bool:
        """Whether there is a contract; without one there may be a key and a target to check."""
        return self.table.contract is not None


@dataclass(frozen=True, slots=True)
class Unheld:
    """A version that there is nothing to hold against: no contract, no key, no target."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Two versions whose columns were compared."""

    drift: Drift
    labels: frozenset[str]
    """The columns of right answers."""


def profiled(layout: Layout, version: Version, watch: Watch) -> Profiled:
    from cockpit.data.files import DataGone
    from cockpit.data.versions import located, looked_at

    try:
        located(layout, version)
    except DataGone as error:
        if "columns" not in version.facts:
            raise
        return Profiled(version.facts, str(error))
    return Profiled(looked_at(layout, version, watch).facts)


def checked(layout: Layout, project: Project, version: Version, watch: Watch) -> Checked:
    from cockpit.data.contract import check
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.leaks import leaks_of

    data = find_data(layout, project, version.label)
    table = data.table
    report = on_rows(lambda frame: check(frame, table, watch=watch), data)
    return Checked(report, on_rows(lambda frame: leaks_of(frame, table, watch), data), table)


def compared(
    layout: Layout, project: Project, old: Version, new: Version, watch: Watch
) -> Difference:
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.diff import diff

    before, after = (find_data(layout, project, each.label) for each in (old, new))
    key = before.table.key or after.table.key
    return on_rows(lambda a, b: diff(a, b, key, watch), before, after)


def drifted(layout: Layout, project: Project, old: Version, new: Version, watch: Watch) -> Drifted:
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.drift import drift

    both = [find_data(layout, project, each.label) for each in (old, new)]
    names = {name for data in both for name in (*data.table.key, *data.table.ignore)}
    found = on_rows(lambda a, b: drift(a, b, None, names, watch), *both)
    return Drifted(found, frozenset(_targets(data.table for data in both)))


def _targets(tables: Iterable[DataTable]) -> Iterable[str]:
    return (table.target for table in tables if table.target is not None)
