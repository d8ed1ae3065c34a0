"""Versions of datasets: a content under a name, what is true of it, and where it lies.

The facts of a content (`storage.datasets.Version.facts`) are

    rows, bytes, format (parquet, csv, tsv, ndjson), files (their names), columns (each as `columns.to_facts`
    gives it), sampled (rows, where not all were looked at), key, duplicates (rows whose key another has too),
    target, positive

They are found when a dataset is registered. Data that a sweep merely used is a version too, and its facts are
found when somebody first asks for them (`looked_at`): no sweep waits for that.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Any

import polars as pl

from cockpit.data.columns import TOP, from_facts, to_facts
from cockpit.data.files import (
    DataError,
    DataGone,
    base_of,
    content_of,
    files_of,
    format_of,
    suffix_of,
)
from cockpit.data.keeping import keep_copy, kept_at
from cockpit.data.profile import profile
from cockpit.data.reading import on_rows, reading, scan
from cockpit.data.watching import UNWATCHED
from cockpit.project.checks import name_problem
from cockpit.sweep.provenance.data import Hashes
from cockpit.sweep.spec.errors import hint, printable, show
from storage import datasets
from storage.annotate import say
from storage.events import DatasetFacts, DatasetSeen
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cockpit.data.files import Content
    from cockpit.data.watching import Watch
    from cockpit.project.model import DataTable, Project, Scalar
    from storage.datasets import Version
    from storage.events import Event
    from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration."""

    version: Version
    new: bool
    """Whether the name has not had this content before."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of a dataset are for."""

    key: tuple[str, ...] = ()
    target: str | None = None
    positive: Scalar | None = None

    def over(self, other: Roles) -> Roles:
        """These where they say something, else the others."""
        return Roles(
            self.key or other.key,
            other.target if self.target is None else self.target,
            other.positive if self.positive is None else self.positive,
        )


def register(
    layout: Layout,
    name: str,
    path: Path | str,
    *,
    key: Sequence[str] = (),
    target: str | None = None,
    positive: Scalar | None = None,
    keep: bool = False,
    project: Project | None = None,
    watch: Watch = UNWATCHED,
) -> Registered:
    """Make what a path or a pattern holds a version of the dataset `name`; it may be one already.

    Its facts are found where its content is new. `keep` has the store keep a copy, as it does of the
    evaluation sets of `project`, whose `[data.NAME]` says what is not said here. Raises `DataError`.
    """
    if problem := name_problem(name, versioned=True):
        raise DataError(f"{show(name)} cannot be the name of a dataset: it {problem}")
    table = None if project is None else project.data.get(name)
    said = Roles(tuple(key), target, positive).over(_roles(table))
    hashes = Hashes(layout.hashes)
    content = content_of(path, hashes)
    format_of(content.files[0][0])
    layout.create()
    hashes.save()
    keep = keep or (table is not None and table.evaluation)
    return _settled(layout, name, content, said, keep, watch)


def _settled(
    layout: Layout,
    name: str,
    content: Content,
    said: Roles,
    keep: bool,
    watch: Watch = UNWATCHED,
) -> Registered:
    """Write down what is not known yet of a content under a name, and keep a copy where that is asked for."""
    with Store(layout).session() as session:
        before = next(
            (one for one in datasets.versions(session, name) if one.digest == content.digest), None
        )
        known = before or datasets.by_digest(session, [content.digest]).get(content.digest)
    facts = _facts(layout, content, known, said, watch)
    if keep:
        keep_copy(layout, content)
    events: list[Event] = []
    kept = before and kept_at(layout, before)
    if before is None or content.path not in (before.path, kept):
        events.append(DatasetSeen(content.digest, name, content.path, content.bytes, time()))
    if known is None or known.facts != facts:
        events.append(DatasetFacts(content.digest, facts))
    if before is not None and not events:
        return Registered(before, False)
    with Store(layout).session() as session:
        say(session, events)
        version = datasets.find(session, f"{name}@{content.digest}")
    return Registered(version, before is None)


def newest(layout: Layout, project: Project, name: str) -> Version:
    """The version of an evaluation set that counts now: the one last registered or grown, kept and looked at.

    The file that cockpit.toml names is a new one where its content is none of those known: an older one that
    lies there still does not take the place of what grew from it. Raises `DataError`, `DataGone`.
    """
    table = project.data[name]
    path = project.folder / table.path
    with Store(layout).session() as session:
        known = datasets.versions(session, name)
    try:
        hashes = Hashes(layout.hashes)
        content = content_of(path, hashes)
        hashes.save()
    except DataError:
        if not known:
            raise
        content = None
    if not known or (content is not None and content.digest not in {one.digest for one in known}):
        return register(layout, name, path, project=project).version
    last = known[-1]
    if content is None or content.digest != last.digest:
        content = content_of(located(layout, last), Hashes(layout.hashes))
    return _settled(layout, name, content, _roles(table), keep=True).version


def counted(layout: Layout, project: Project, name: str) -> tuple[str, str]:
    """What `newest` would take, as a label and where it lies, and nothing is registered.

    The label is the set's name alone where that is a file nobody has registered yet. Raises `DataError`.
    """
    path = os.path.join(project.folder, project.data[name].path)
    known: tuple[Version, ...] = ()
    if layout.exists():
        with Store(layout).session() as session:
            known = datasets.versions(session, name)
    if known:
        try:
            new = content_of(path, Hashes(layout.hashes)).digest not in {
                one.digest for one in known
            }
        except DataError:
            new = False
        if not new:
            return known[-1].label, located(layout, known[-1])
    files_of(path)
    return name, path


def open_version(layout: Layout, version: Version) -> pl.LazyFrame:
    """The rows of a version: of the copy that is kept, else of what lies at its path if that is still it.

    Raises `DataGone`, which names what lies there now.
    """
    return scan(located(layout, version), _types(version.facts))


def located(layout: Layout, version: Version) -> str:
    """As `place_of`; raises `DataGone` where the content lies nowhere any more."""
    place = place_of(layout, version)
    if place is None:
        raise _gone(layout, version)
    return place


def place_of(layout: Layout, version: Version) -> str | None:
    """A path, or a pattern, where the content of a version lies; None where it lies nowhere any more."""
    hashes = Hashes(layout.hashes)
    for place in (kept_at(layout, version), version.path):
        if place is None:
            continue
        try:
            found = content_of(place, hashes)
        except DataError:
            continue
        hashes.save()
        if found.digest == version.digest:
            return place
    return None


def looked_at(layout: Layout, version: Version, watch: Watch = UNWATCHED) -> Version:
    """The version with its facts, found now where nobody looked before. Raises `DataGone`, `DataError`, `Ended`."""
    if "columns" in version.facts:
        return version
    content = content_of(located(layout, version), Hashes(layout.hashes))
    facts = _facts(layout, content, None, Roles(), watch)
    with Store(layout).session() as session:
        say(session, [DatasetFacts(version.digest, facts)])
        return datasets.find(session, f"{version.name}@{version.digest}")


def _facts(
    layout: Layout,
    content: Content,
    known: Version | None,
    said: Roles,
    watch: Watch = UNWATCHED,
) -> dict[str, Any]:
    """What is true of a content; only what is not known yet is looked for."""
    facts = dict(known.facts) if known is not None else {}
    if "columns" not in facts:
        facts = _looked(layout, content, watch)
    roles = said.over(_roles_of(known)) if known is not None else said
    _check(content.path, facts, roles)
    if "duplicates" not in facts or list(roles.key) != facts.get("key"):
        facts["duplicates"] = _duplicates(content.path, _types(facts), roles.key)
    return facts | {"key": list(roles.key), "target": roles.target, "positive": roles.positive}


def _looked(layout: Layout, content: Content, watch: Watch) -> dict[str, Any]:
    """The facts of a content nobody looked at."""
    name = format_of(content.files[0][0])
    packed = name == "parquet" or suffix_of(content.files[0][0]).count(".") > 1
    found = on_rows(lambda frame: profile(frame, content.bytes, packed, watch), content.path)
    if content_of(content.path, Hashes(layout.hashes)).digest != content.digest:
        raise DataError(f"{printable(content.path)} was changed while it was read; try again")
    facts = {
        "rows": found.rows,
        "bytes": content.bytes,
        "format": name,
        "files": [file for file, _ in content.files],
        "columns": [to_facts(column) for column in found.columns],
    }
    return facts | ({} if found.sampled is None else {"sampled": found.sampled})


def _check(path: str, facts: Mapping[str, Any], roles: Roles) -> None:
    """The columns that have a role must be there, and the label that counts as 1 among the labels."""
    columns = {column.name: column for column in from_facts(facts)}
    for role, name in [*(("key", name) for name in roles.key), ("target", roles.target)]:
        if name is not None and name not in columns:
            near = hint(name, list(columns)[:30])
            raise DataError(f"{path} has no column {show(name)}, which is to be its {role}{near}")
    if roles.positive is None:
        return
    if roles.target is None:
        raise DataError(f"positive = {show(roles.positive)} needs a target, the column it is in")
    labels = [value for value, _ in columns[roles.target].top]
    if len(labels) < TOP and roles.positive not in labels:
        known = ", ".join(map(show, labels)) or "none"
        raise DataError(
            f"no row of {path} has {roles.target} = {show(roles.positive)}; its labels are {known}"
        )


def _duplicates(path: str, types: Mapping[str, str] | None, key: Sequence[str]) -> int:
    """Rows whose key an earlier row has already."""
    if not key:
        return 0
    with reading(path):
        keys = scan(path, types).select(key)
        rows, distinct = (
            keys.select(pl.len(), pl.struct(pl.all()).n_unique().alias("distinct"))
            .collect(engine="streaming")
            .row(0)
        )
    return int(rows - distinct)


def _types(facts: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The types that the columns of a text file were found to have; None where that says nothing."""
    if facts.get("format") in (None, "parquet"):
        return None
    return {column["name"]: column["dtype"] for column in facts.get("columns", ())}


def _roles(table: DataTable | None) -> Roles:
    return Roles() if table is None else Roles(table.key, table.target, table.positive)


def _roles_of(version: Version) -> Roles:
    facts = version.facts
    return Roles(tuple(facts.get("key") or ()), facts.get("target"), facts.get("positive"))


def _gone(layout: Layout, version: Version) -> DataGone:
    start = f"the content of {version.label} is not kept, and"
    try:
        now = content_of(version.path, Hashes(layout.hashes))
    except DataError:
        base = base_of(version.path)
        where = version.path if base.is_dir() else f"{version.path} (there is no folder {base})"
        return DataGone(f"{start} nothing lies at {where} any more")
    digest = now.digest.rpartition(":")[2][:12]
    several = "" if now.is_one else f" in {len(files_of(version.path))} files"
    return DataGone(
        f"{start} {version.path} holds another content now ({digest}…{several});"
        f" cockpit data register {version.name} PATH --keep takes it back from where you have it"
    )
