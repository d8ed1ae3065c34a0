"""`cockpit dump`: runs and metrics as files, or in an MLflow store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl

FORMATS = ("csv", "json", "parquet")


@click.group("dump", short_help="Write runs or metrics as CSV, JSON or Parquet, or into MLflow.")
def command() -> None:
    """Take runs out: as a file that other programs read, or into an MLflow store."""


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
    _write(_json(found) if form == "json" else _bytes(as_table(found), form), output)


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
    _write(_json(found.iter_rows(named=True)) if form == "json" else _bytes(found, form), output)


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


def _json(rows: Iterable[Any]) -> bytes:
    from storage.events import to_json

    lines = ",\n".join(to_json({k: _plain(v) for k, v in row.items()}) for row in rows)
    return f"[\n{lines}\n]\n".encode()


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if hasattr(value, "isoformat") else value


def _bytes(frame: pl.DataFrame, form: str) -> bytes:
    from io import BytesIO

    import polars as pl

    from storage.events import to_json

    into = BytesIO()
    if form == "parquet":
        frame.write_parquet(into)
        return into.getvalue()
    texts = [
        pl.Series(
            name, [to_json(cell) if cell else None for cell in frame[name].to_list()], pl.String
        )
        for name, kind in frame.schema.items()
        if kind.is_nested()
    ]
    times = [
        pl.col(n).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        for n, k in frame.schema.items()
        if k.is_temporal()
    ]
    frame.with_columns(*texts, *times).write_csv(into)
    return into.getvalue()


def _write(content: bytes, output: str | None) -> None:
    from storage.errors import UserError

    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    target = Path(output)
    partial = target.with_name(f".{target.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserError(f"{output} cannot be written: {error.strerror}") from error
