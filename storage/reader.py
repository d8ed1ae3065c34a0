"""The store as polars frames, for notebooks and scripts: `storage.open_store()`."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from storage import window
from storage.errors import UserError
from storage.expressions.run_filter import FIELDS, is_condition, pointer, run_names
from storage.runs import RunQuery, find
from storage.store import Store, StoreMissing
from storage.sweeps import all_sweeps, find_sweep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.layout import Layout
    from storage.session import Session

_FIXED = ("id", "name", "sweep", "number", "state", "started", "seconds", "tags", "note")
_RUNS = f"""
select runs.rowid as row, runs.key as id, runs.name, {FIELDS["sweep"][1]} as sweep, runs.number, runs.state,
    runs.started, {FIELDS["seconds"][1]} as seconds, runs.tags, runs.note,
    list_transform($metrics::varchar[], lambda name: runs.metrics[name]) as metrics,
    json_extract_string(runs.params, $params::varchar[]) as params,
    json_type(runs.params, $params::varchar[]) as kinds
from runs where runs.rowid in (select unnest($rows::bigint[]))
"""
_POINTS = """
select runs.key as run, metrics.step, metrics.time, metrics.value
from metrics join runs on metrics.run = runs.id
where metrics.name = $name and runs.rowid in (select unnest($rows::bigint[]))
order by runs.id, metrics.step, metrics.time
"""
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_WHOLE, _NUMBER = {"UBIGINT", "BIGINT"}, {"UBIGINT", "BIGINT", "DOUBLE", "HUGEINT", "UHUGEINT"}


class NoSuchMetric(UserError):
    """No run of the store has reported the metric."""


class Reader:
    """Reads one store. Each call opens it, folds in what is new, asks, and closes it again.

    Runs and sweeps in the trash are left out. Every call may raise `storage.store.StoreError`.
    """

    def __init__(self, layout: Layout) -> None:
        if not layout.exists():
            raise StoreMissing(f"there is no run store at {layout.root}")
        self._layout = layout

    def runs(
        self,
        where: str = "",
        sort: str | None = None,
        limit: int | None = None,
        *,
        sweep: str | None = None,
        descending: bool | None = None,
    ) -> pl.DataFrame:
        """Runs, one a row: id, name, sweep, number, state, started (UTC), seconds, tags, note, and a column
        for each metric (its last value) and each param.

        `where` is a condition as in `cockpit runs --where` (see storage.expressions.run_filter), `sort` a
        field, a metric or a param; without it the newest come first. `descending` says which way; None
        means best first for an objective, names from A to Z, numbers from the largest. A param that
        shares its name with a metric
        is called `params.NAME`; what shares it with one of the columns above, `metrics.NAME` or
        `params.NAME`. A param is a column of whole numbers, of floats or of booleans where all its values
        are such, else of texts. Raises `FilterError`, `NothingToSortBy` or `SweepNotFound`.
        """
        with Store(self._layout).session() as session:
            if sweep is not None:
                sweep = find_sweep(session, sweep).name
            query = RunQuery(sweep, where, sort, limit=limit)
            return _runs(session, query, descending)

    def metrics(self, runs: str | Iterable[str], name: str) -> pl.DataFrame:
        """A metric's points: run (its id), step, time (UTC), value; by run, then by step.

        `runs` is a run as `cockpit show` takes one (an id, `SWEEP#NUMBER`, `@latest`), a condition
        (`sweep = 'income' and auc > 0.9`), or ids, as in `store.metrics(store.runs(limit=5)["id"], "loss")`.
        Raises `RunNotFound`, `FilterError` or `NoSuchMetric`.
        """
        with Store(self._layout).session() as session:
            _check_metric(session, name)
            found = session.frame(_POINTS, name=name, rows=_rows_of(session, runs))
        return found.with_columns(pl.col("time").dt.replace_time_zone("UTC"))

    def sweeps(self) -> pl.DataFrame:
        """Sweeps, newest first, one a row; `settled` counts runs that ended, `best` is a run's id."""
        with Store(self._layout).session() as session:
            found = all_sweeps(session)
        rows = [
            {**{name: getattr(one, name) for name in _SWEEPS}, "best": one.best and one.best.id}
            for one in found
        ]
        return pl.DataFrame(rows, schema=_SWEEPS, orient="row")

    def sql(self, query: str, limit: int | None = None, timeout: float = 60.0) -> pl.DataFrame:
        """Answer a SELECT over the views of storage.sandbox, read-only, within `timeout` seconds.

        Raises `storage.sandbox.QueryError`.
        """
        from storage.sandbox import ask

        return ask(self._layout, query, limit=limit, timeout=timeout).frame


_SWEEPS: dict[str, Any] = {
    "id": pl.String,
    "name": pl.String,
    "state": pl.String,
    "reason": pl.String,
    "metrics": pl.List(pl.String),
    "directions": pl.List(pl.String),
    "trials": pl.Int64,
    "settled": pl.Int64,
    "best": pl.String,
    "sampler": pl.String,
    "pruner": pl.String,
    "seed": pl.Int64,
    "started": pl.Datetime("us", "UTC"),
    "seconds": pl.Float64,
}


def _runs(session: Session, query: RunQuery, descending: bool | None) -> pl.DataFrame:
    known = run_names(session)
    with window.matching(session, query, known) as matching:
        there = {group.sweep for group in matching.groups()}
    if descending is None:
        sweeps = [one for one in window.objectives(session) if one.sweep in there]
        descending = window.descends(query.sort, window.directions(sweeps))
    query = replace(query, descending=descending)
    with window.matching(session, query, known) as matching:
        rows = matching.rows(query)
    names = known.among(there)
    metrics, params = list(names.metrics), list(names.params)
    found = session.frame(_RUNS, rows=rows, metrics=metrics, params=list(map(pointer, params)))
    order = pl.DataFrame({"row": rows}, schema={"row": pl.Int64})
    frame = order.join(found, on="row", how="left", maintain_order="left")
    return frame.select(
        *(pl.col(name) for name in _FIXED if name != "started"),
        *_columns(frame, metrics, params),
    ).insert_column(5, frame["started"].dt.replace_time_zone("UTC"))


def _columns(frame: pl.DataFrame, metrics: list[str], params: list[str]) -> Iterable[pl.Series]:
    taken = set(_FIXED)
    for place, name in enumerate(metrics):
        label = _label("metrics", name, taken)
        yield frame["metrics"].list.get(place, null_on_oob=True).cast(pl.Float64).alias(label)
    for place, name in enumerate(params):
        texts = frame["params"].list.get(place, null_on_oob=True).cast(pl.String)
        kinds = frame["kinds"].list.get(place, null_on_oob=True).cast(pl.String)
        yield _typed(texts, kinds).alias(_label("params", name, taken))


def _label(scope: str, name: str, taken: set[str]) -> str:
    label = name
    while label in taken:
        label = f"{scope}.{label}"
    taken.add(label)
    return label


def _typed(texts: pl.Series, kinds: pl.Series) -> pl.Series:
    # What is not finite has no number in JSON and stands there as a text.
    odd = texts.is_in(_NOT_FINITE).fill_null(value=False)
    found = set(kinds.filter(~odd).drop_nulls()) - {"NULL"}
    if odd.any():
        return texts.cast(pl.Float64) if found <= _NUMBER else texts
    if found and found <= _WHOLE and (numbers := _whole(texts)) is not None:
        return numbers
    if found and found <= _NUMBER:
        return texts.cast(pl.Float64)
    return texts == "true" if found == {"BOOLEAN"} else texts


def _whole(texts: pl.Series) -> pl.Series | None:
    try:
        return texts.cast(pl.Int64)
    except pl.exceptions.InvalidOperationError:  # beyond 64 bits
        return None


def _rows_of(session: Session, runs: str | Iterable[str]) -> list[int]:
    if isinstance(runs, str) and is_condition(runs):
        query = RunQuery(where=runs, limit=None)
        with window.matching(session, query, run_names(session)) as matching:
            return matching.rows(query)
    ids = [find(session, runs).id] if isinstance(runs, str) else list(runs)
    found = session.rows(
        "select rowid from runs where key in (select unnest($ids::varchar[]))", ids=ids
    )
    return [row for (row,) in found]


def _check_metric(session: Session, name: str) -> None:
    known = run_names(session).metrics
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}"
        raise NoSuchMetric(f"no run has a metric {name!r}; {hint}")
