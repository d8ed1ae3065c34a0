"""Which data have a contract, and whether those that a sweep would start on keep theirs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cockpit.data.files import FORMATS, DataError, files_of, format_of
from cockpit.project.model import DataTable
from cockpit.project.reading import find_project, load_contract
from storage.datasets import DatasetNotFound, find
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cockpit.data.contract import Report
    from cockpit.project.model import Project
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

_Found = TypeVar("_Found")

SENTENCES = 10
"""Broken rules named before a sweep."""


class NoContract(UserError):
    """There is nothing to check data against."""


class ContractBroken(UserError):
    """A sweep does not start on data that break their contract."""


@dataclass(frozen=True, slots=True)
class Data:
    """Data that somebody asks about."""

    label: str
    """As it is named: `adult`, `adult@v3`, `rows/*.parquet`."""
    path: str
    """A file or a pattern."""
    table: DataTable
    """What cockpit.toml says of it."""
    name: str | None = None
    """Of the dataset; None for a file that is none."""


def on_rows(work: Callable[..., _Found], *several: Data) -> _Found:
    """As `cockpit.data.reading.on_rows`, of data."""
    from cockpit.data import reading

    return reading.on_rows(work, *(data.path for data in several))


def find_data(layout: Layout, project: Project, text: str) -> Data:
    """The data people mean: a dataset of cockpit.toml, a file or a pattern, or a registered version.

    The name of a dataset of cockpit.toml alone means what lies at its path now. Raises `DataError`,
    `DatasetNotFound`.
    """
    if text in project.data:
        table = project.data[text]
        return Data(text, os.path.join(project.folder, table.path), table, text)
    path = os.path.abspath(text)
    if os.path.exists(path) or _is_pattern(text):
        format_of(files_of(path)[0])
        name = name_at(project, path)
        table = project.data[name] if name else DataTable(path=path)
        return Data(text, path, table, name)
    try:
        return _version(layout, project, text)
    except DatasetNotFound:
        if os.sep in text or Path(text).suffix.lower() in FORMATS:
            files_of(path)  # which says where it was looked for
        raise


def with_contract(data: Data, contract: str | None) -> Data:
    """The same data with what it is to be checked against: a file, or that beside it, or its own.

    The contract of `rows.csv` may lie beside it as `rows.contract.toml`. Raises `NoContract`, `ProjectError`.
    """
    beside = Path(data.path).with_suffix(".contract.toml")
    if contract is None and data.table.contract is None and not _is_pattern(data.path):
        contract = os.fspath(beside) if beside.exists() else None
    if contract is not None:
        found = load_contract(Path(contract))
        table = data.table.model_copy(update={"contract": found})
        return Data(data.label, data.path, table, data.name)
    if data.table.contract is None and not data.table.key and data.table.target is None:
        name = data.name or "NAME"
        raise NoContract(
            f"{data.label} has no contract: write [data.{name}.contract] into cockpit.toml, or a file "
            f"{beside.name} beside it, or name one with --contract"
        )
    return data


def check_before(specs: Sequence[Spec], layout: Layout) -> tuple[str, ...]:
    """Check the data of sweeps that are about to start; what their contracts have to say as a warning.

    Raises `ContractBroken` where a contract says that nothing is to start; whatever cannot be read too.
    """
    warnings: list[str] = []
    stops: list[str] = []
    seen: set[tuple[str, str]] = set()
    for spec in specs:
        project = find_project(layout, spec.folder)
        for data in _of_sweep(spec, project, layout):
            contract = data.table.contract
            if contract is None or contract.check == "off" or (data.label, data.path) in seen:
                continue
            seen.add((data.label, data.path))
            broken = _checked(data)
            (stops if contract.check == "stop" else warnings).extend(broken)
    if stops:
        raise ContractBroken("\n".join([*warnings, *stops, "nothing was started"]))
    return tuple(warnings)


def sentences(data: Data, report: Report) -> tuple[str, ...]:
    """What is broken, the data first, then a line a rule."""
    broken = report.broken
    if not broken:
        return ()
    many = f"{len(broken)} of {len(report.rules)} rules"
    more = len(broken) - SENTENCES
    return (
        f"{data.label} breaks its contract: {many}, over {report.rows:,} rows",
        *(f"  {rule.sentence}" for rule in broken[:SENTENCES]),
        *([f"  and {more} more: cockpit data check {data.label}"] if more > 0 else []),
    )


def _checked(data: Data) -> tuple[str, ...]:
    from cockpit.data.contract import check

    return sentences(data, on_rows(lambda frame: check(frame, data.table), data))


def _of_sweep(spec: Spec, project: Project, layout: Layout) -> Iterator[Data]:
    """The sweep's data that cockpit.toml knows, by name or by path, and the project's evaluation sets: each in the
    version that the runs get.
    """
    from cockpit.data.versions import counted

    for text in spec.versions.values():
        if text.partition("@")[0] in project.data:
            with suppress(
                UserError
            ):  # the sweep itself says where its spec names what is not there
                yield _version(layout, project, text)
    named = {text.partition("@")[0] for text in spec.versions.values()}
    for name, path in spec.data.items():
        known = name if name in project.data else name_at(project, os.fspath(path))
        if known is not None:
            named.add(name)
            yield Data(name, os.fspath(path), project.data[known], known)
    for name, table in project.data.items():
        if table.evaluation and name not in named:
            try:
                label, place = counted(layout, project, name)
            except DataError:
                continue  # the start itself says that it is not there
            yield Data(label, place, table, name)


def name_at(project: Project, path: str) -> str | None:
    """The dataset of cockpit.toml that lies there."""
    wanted = os.path.realpath(path)
    for name, table in project.data.items():
        if os.path.realpath(project.folder / table.path) == wanted:
            return name
    return None


def _version(layout: Layout, project: Project, text: str) -> Data:
    from cockpit.data.versions import located
    from storage.store import Store

    if not layout.exists():
        known = f"; cockpit.toml has {', '.join(project.data)}" if project.data else ""
        raise DataError(f"there is no file {text!r}, and no store that knows a dataset{known}")
    with Store(layout).session() as session:
        version = find(session, text)
    path = located(layout, version)
    table = project.data.get(version.name)
    if table is None:
        facts = version.facts
        table = DataTable(path=path, key=tuple(facts.get("key") or ()), target=facts.get("target"))
    return Data(version.label, path, table, version.name)


def _is_pattern(text: str) -> bool:
    from glob import has_magic

    return has_magic(text)
