"""`cockpit dump`: runs and metrics as files, or in an MLflow store; sweeps in an Optuna storage."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl

FORMATS = ("csv", "json", "parquet")


@click.group(
    "dump", short_help="Write runs or metrics as files, or into MLflow; sweeps as Optuna's."
)
def command() -> None:
    """Take runs out: as a file that other programs read, into an MLflow store, or sweeps as Optuna studies."""


def _chosen(body: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--sweep", metavar="NAME", help="Only the runs of this sweep."),
        click.option(
            "--where", "-w", metavar="EXPR", default="", help="As in cockpit runs --where."
        ),
    ):
        body = option(body)
    return body


def _file(body: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--output", "-o", metavar="FILE", help="Write there instead of to stdout."),
        click.option(
            "--format",
            "form",
            type=click.Choice(FORMATS),
            help="[default: what FILE's name ends in, else csv]",
        ),
    ):
        body = option(body)
    return body


@command.command("runs")
@_chosen
@_file
@store_option
@click.pass_context
def runs(
    ctx: click.Context,
    sweep: str | None,
    where: str,
    output: str | None,
    form: str | None,
    store: str | None,
) -> None:
    """Write runs, one a row, newest first: their own fields, then metrics.NAME and params.NAME.

    cockpit import csv reads it back. JSON has their attributes too. Times are UTC.
    """
    from cockpit.interop.exporting import as_table
    from storage.export import runs as read

    form = _form(form, output)
    with open_session(layout_to_read(ctx, store)) as session:
        found = read(session, _query(session, sweep, where))
    rows = found if form == "json" else as_table(found)
    _write(rows, form, output)


@command.command("metrics")
@_chosen
@_file
@store_option
@click.pass_context
def metrics(
    ctx: click.Context,
    sweep: str | None,
    where: str,
    output: str | None,
    form: str | None,
    store: str | None,
) -> None:
    """Write every point of every metric: run, run_name, metric, step, time (UTC), value."""
    from storage.export import points

    form = _form(form, output)
    with open_session(layout_to_read(ctx, store)) as session:
        found = points(session, _query(session, sweep, where))
    _write(found.iter_rows(named=True) if form == "json" else found, form, output)


@command.command("mlflow")
@click.argument("uri", metavar="URI")
@click.option("--experiment", metavar="NAME", default="cockpit", show_default=True)
@_chosen
@json_option
@store_option
@click.pass_context
def mlflow(
    ctx: click.Context,
    uri: str,
    experiment: str,
    sweep: str | None,
    where: str,
    as_json: bool,
    store: str | None,
) -> None:
    """Write runs into the MLflow tracking store at URI (sqlite:///mlflow.db, http://…).

    Params, whole metric curves, tags, notes and states; runs that are there from an earlier time are left as
    they are. Characters that MLflow does not allow in a name become _. MLflow must be installed.
    """
    from dataclasses import asdict

    from cockpit.interop.mlflow_dump import dump
    from storage.events import to_json
    from storage.export import points
    from storage.export import runs as read
    from storage.runs import RunQuery

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = read(session, _query(session, sweep, where))

    def curves(run: str) -> Iterable[tuple[Any, ...]]:
        with open_session(layout) as session:
            frame = points(session, RunQuery(where=f"id = '{run}'", limit=None))
        return frame.select("metric", "step", "time", "value").iter_rows()

    done = dump(uri, experiment, found, curves)
    if as_json:
        click.echo(to_json(asdict(done)))
    else:
        known = f", {done.known:,} were there" if done.known else ""
        click.echo(f"{done.runs:,} runs with {done.points:,} points written{known}")


@command.command("optuna")
@click.argument("sweeps", metavar="SWEEP…", nargs=-1, required=True)
@click.option(
    "--output", "-o", required=True, metavar="STORAGE", help="sqlite:///FILE, FILE.db, or FILE.log."
)
@click.option("--replace", is_flag=True, help="Write in the place of a file that is there.")
@json_option
@store_option
@click.pass_context
def optuna(
    ctx: click.Context,
    sweeps: tuple[str, ...],
    output: str,
    replace: bool,
    as_json: bool,
    store: str | None,
) -> None:
    """Write sweeps as the studies of a new Optuna storage, which optuna-dashboard opens.

    Params with their distributions, intermediate values, values, attributes, states and times are kept. FILE.db
    is a sqlite database, FILE.log a journal. What Optuna has no state for (stopped, lost, out of time) is FAIL.
    """
    from dataclasses import asdict

    from cockpit.format import plain
    from cockpit.interop.optuna_dump import dump, target_of
    from storage.events import to_json

    target = target_of(output)
    done = dump(layout_to_read(ctx, store), sweeps, target, replace)
    if as_json:
        click.echo(to_json({"storage": target.url, **asdict(done)}))
        return
    studies = f"{len(done.studies)} stud{'y' if len(done.studies) == 1 else 'ies'}"
    click.echo(f"{studies}, {done.trials:,} trials with {done.reports:,} reports written")
    if done.left:
        click.echo(f"  left out, as they are no trials: {done.left:,} baselines")
    click.echo(plain(f"  look: optuna-dashboard {target.url}"))


def _query(session: Any, sweep: str | None, where: str) -> Any:
    from storage.runs import RunQuery
    from storage.sweeps import find_sweep

    name = None if sweep is None else find_sweep(session, sweep).name
    return RunQuery(name, where, limit=None)


def _form(form: str | None, output: str | None) -> str:
    ending = Path(output).suffix.lstrip(".").lower() if output else ""
    form = form or (ending if ending in FORMATS else "csv")
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal; name a file with -o FILE")
    return form


def _write(rows: Iterable[Any] | pl.DataFrame, form: str, output: str | None) -> None:
    """To stdout, or into a file that is whole or not there."""
    if output is None:
        _put(rows, form, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    target = Path(output).expanduser()
    if target.is_dir() or not target.name:
        raise UserError(f"{output} is a folder; name a file in it")
    try:
        if target.exists() and not target.is_file():  # a pipe or a device is not put in place anew
            with target.open("wb") as into:
                _put(rows, form, into)
        else:
            _put_in_place(rows, form, target.resolve())
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror or error}") from error


def _put_in_place(rows: Iterable[Any] | pl.DataFrame, form: str, target: Path) -> None:
    partial = target.with_name(f".{target.name[:100]}-{secrets.token_hex(4)}")
    with partial.open("xb") as into:
        try:
            _put(rows, form, into)
            partial.replace(target)
        except BaseException:
            partial.unlink()
            raise


def _put(rows: Iterable[Any] | pl.DataFrame, form: str, into: BinaryIO) -> None:
    import polars as pl

    if not isinstance(rows, pl.DataFrame):
        _put_json(rows, into)
    elif form == "parquet":
        rows.write_parquet(into)
    else:
        _as_text(rows).write_csv(into)


def _put_json(rows: Iterable[Any], into: BinaryIO) -> None:
    from storage.events import to_json

    into.write(b"[")
    for number, row in enumerate(rows):
        text = to_json({name: _as_utc(value) for name, value in row.items()})
        into.write(f"{',' if number else ''}\n{text}".encode())
    into.write(b"\n]\n")


def _as_utc(value: Any) -> Any:
    return f"{value.isoformat()}Z" if hasattr(value, "isoformat") else value


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """As CSV can hold it: lists as JSON, times as ISO."""
    import polars as pl

    from storage.events import to_json

    lists = [
        pl.Series(
            name, [to_json(cell) if cell else None for cell in frame[name].to_list()], pl.String
        )
        for name, kind in frame.schema.items()
        if kind.is_nested()
    ]
    times = [
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        for name, kind in frame.schema.items()
        if kind.is_temporal()
    ]
    return frame.with_columns(*lists, *times)
