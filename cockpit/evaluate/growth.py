"""Evaluation sets grow: rows on which a run failed become part of the next version, so that they are tested for ever.

NothingNew    all rows chosen are there already
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from cockpit.data.versions import newest, open_version, register
from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.evaluation import Known, NotScored, answers_of, key_of, look, open_as_set
from cockpit.evaluate.prediction_files import BadPredictions
from cockpit.models.bundle import has_bundle
from cockpit.sweep.provenance.data import Hashes
from storage.annotate import say
from storage.datasets import DatasetNotFound, find_among
from storage.errors import UserError
from storage.events import DatasetGrown
from storage.frames import Frames
from storage.ids import from_text
from storage.predictions import predictions
from storage.runs import RunNotFound, find
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout


class CannotGrow(UserError):
    """The rows chosen cannot become part of the set; the message is a sentence for the user."""


class NothingNew(UserError):
    """There is no row that the set has not yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows an evaluation set is to grow by."""

    source: str
    """A dataset's version, or a run: the set that it is scored on."""
    where: str | None = None
    """A condition over the source's columns; with a run over `y_true`, `y_pred` and `y_score` too."""
    rows: tuple[str, ...] = ()
    """Keys, or numbers of rows counted from 0 where the source has no key."""
    run: str | None = None
    """Whose failures they are."""
    reason: str | None = None
    limit: int | None = None
    """Rows at most, the first ones."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What became of it."""

    version: Version
    parent: Version
    added: int
    there: int
    """Chosen rows that the set has already; they were left out."""
    comparable: tuple[str, ...]
    """Names of the runs that have answered the new rows too, where they come from."""
    others: int
    """Runs with answers on an earlier version alone."""
    models: int = 0
    """Of those, the ones that saved their model: it is asked when they are scored on the new version."""


def grow(layout: Layout, project: Project, name: str, asked: Asked) -> Grown:
    """Make the next version of an evaluation set: its rows and those asked for, kept in the store.

    Raises `NothingNew`, `CannotGrow`, `DatasetNotFound`, `RunNotFound`, `FilterError`, `DataGone`.
    """
    _register(layout, project, asked.source)
    with Store(layout).session() as session:
        known = look(session, ())
        parent = find_among(known.versions, name)
        source, run = _source(known, asked, lambda text: find(session, text).id)
        if run is not None:
            known = look(session, [run])
    if source is None:
        assert run is not None
        source = _scored_on(known, run, parent)
    before = open_version(layout, parent).collect()
    given = open_version(layout, source).collect()
    chosen = _chosen(known, project, source, given, run, asked)
    key = key_of(project, parent) or tuple(before.columns)
    new = _new_rows(before, chosen, key, parent.label, source.label)
    if asked.limit is not None:
        new = new.head(asked.limit)
    there = chosen.height - new.height if asked.limit is None else 0
    if new.is_empty():
        chosen_words = f"none of the {given.height:,} rows of {source.label} was chosen"
        there_words = f"{parent.label} has the {chosen.height:,} rows chosen already"
        raise NothingNew(f"{there_words if chosen.height else chosen_words}; nothing was changed")
    version = _keep(
        layout, project, parent, source, pl.concat([before, new]), new.height, run, asked
    )
    comparable, others = _comparable(layout, project, version, parent)
    models = sum(has_bundle(layout.bundle(run)) for run in others)
    return Grown(version, parent, new.height, there, comparable, len(others), models)


def _register(layout: Layout, project: Project, name: str) -> None:
    """Data that cockpit.toml names need not be registered by hand."""
    table = project.data.get(name)
    if table is not None:
        if table.evaluation:
            newest(layout, project, name)
        else:
            register(layout, name, project.folder / table.path, project=project)


def _source(
    known: Known, asked: Asked, run_of: Callable[[str], str]
) -> tuple[Version | None, str | None]:
    """The version that the rows come from, where it was named, and the run's id."""
    run = None if asked.run is None else run_of(asked.run)
    try:
        return find_among(known.versions, asked.source), run
    except DatasetNotFound as error:
        try:
            return None, run_of(asked.source)
        except RunNotFound:
            raise CannotGrow(f"no run answers to {asked.source!r}, and {error}") from None


def _scored_on(known: Known, run: str, parent: Version) -> Version:
    """The other set that a run is scored on."""
    by_digest = {(one.name, one.digest): one for one in known.versions}
    found = [
        by_digest[told.evaluation, told.dataset]
        for told in known.predictions
        if told.evaluation != parent.name and (told.evaluation, told.dataset) in by_digest
    ]
    if len(found) == 1:
        return found[0]
    scored = ", ".join(one.label for one in found) or "no other set"
    raise CannotGrow(
        f"{known.names[run]} is scored on {scored}: say which rows are meant, "
        f"--from DATASET --run {run}"
    )


def _chosen(
    known: Known,
    project: Project,
    source: Version,
    given: pl.DataFrame,
    run: str | None,
    asked: Asked,
) -> pl.DataFrame:
    """The rows of the source that are meant."""
    whole = given
    if run is not None and known.of(run, source.name) is not None:
        on = open_as_set(known.layout, project, source)
        whole = with_answers(given, answers_of(known, on, run).answers)
    mask = pl.repeat(True, given.height, eager=True)
    if asked.where is not None:
        with Frames(whole) as frames:
            mask = frames.masks([asked.where]).to_series()
    if asked.rows:
        mask &= _named(given, key_of(project, source), asked.rows, source.label)
    return given.filter(mask)


def _named(given: pl.DataFrame, key: Sequence[str], rows: Sequence[str], label: str) -> pl.Series:
    if len(key) > 1:
        raise CannotGrow(f"a row of {label} has a key of {len(key)} columns: choose by --where")
    names = given[key[0]].cast(pl.String) if key else pl.Series(map(str, range(given.height)))
    if unknown := set(rows) - set(names):
        what = f"{key[0]} = {min(unknown)}" if key else f"number {min(unknown)}"
        raise CannotGrow(f"{label} has no row {what}")
    return names.is_in(list(rows))


def _new_rows(
    before: pl.DataFrame, chosen: pl.DataFrame, key: Sequence[str], label: str, source: str
) -> pl.DataFrame:
    """Those that the set has not yet, each once, in its columns and types."""
    if lacking := [name for name in before.columns if name not in chosen.columns]:
        raise CannotGrow(f"{source} has no column {lacking[0]!r}, which {label} has")
    try:
        fitting = chosen.select(before.columns).cast(before.schema)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        raise CannotGrow(
            f"the rows of {source} do not fit the columns of {label}: {first}"
        ) from None
    new = fitting.join(before.select(key), on=list(key), how="anti", nulls_equal=True)
    return new.unique(key, keep="first", maintain_order=True)


def _keep(
    layout: Layout,
    project: Project,
    parent: Version,
    source: Version,
    frame: pl.DataFrame,
    added: int,
    run: str | None,
    asked: Asked,
) -> Version:
    """Write the version into the store, whole or not at all, and say what it grew from."""
    place = layout.dataset(parent.digest, ".parquet")
    partial = place.with_name(f".grown-{secrets.token_hex(4)}.parquet")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        frame.write_parquet(partial)
        digest = Hashes(None).data_file(partial).digest
        target = layout.dataset(digest, ".parquet")
        partial.replace(target)
    except OSError as error:
        raise CannotGrow(f"{place.parent} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    grown = DatasetGrown(
        name=parent.name,
        digest=digest,
        parent=parent.digest,
        reason=asked.reason,
        run=None if run is None else from_text(run),
        added=added,
        source=_words(source, asked),
        time=time.time(),
    )
    with Store(layout).session() as session:
        say(session, [grown])  # before it is registered: a version is never there without its story
    facts = parent.facts
    return register(
        layout,
        parent.name,
        target,
        key=tuple(facts.get("key") or ()),
        target=facts.get("target"),
        positive=facts.get("positive"),
        keep=True,
        project=project,
    ).version


def _words(source: Version, asked: Asked) -> str:
    """`adult-train@v2 where age < 25`."""
    parts = [source.label]
    if asked.where:
        parts.append(f"where {asked.where}")
    if asked.rows:
        parts.append(f"{'and' if asked.where else 'where'} {len(asked.rows)} rows named")
    return " ".join(parts)


def _comparable(
    layout: Layout, project: Project, version: Version, parent: Version
) -> tuple[tuple[str, ...], list[str]]:
    """Names of the runs that have answered the version, ids of those that have not."""
    with Store(layout).session() as session:
        runs = [told.run for told in predictions(session, None, parent.name)]
        known = look(session, runs)
    on = open_as_set(layout, project, version)
    comparable, others = [], []
    for run in runs:
        try:
            answers_of(known, on, run)
        except (NotScored, BadPredictions):
            others.append(run)
        else:
            comparable.append(known.names[run])
    return tuple(comparable), others
