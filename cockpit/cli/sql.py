"""`cockpit sql`: a SELECT over the store, read-only, as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import layout_to_read, store_option
from storage.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from storage.sandbox import Answer

SHOWN = 1_000
"""Rows of a table; more than that nobody reads in a terminal."""
WRITTEN = 1_000_000
"""Rows of the other formats: what fits into the memory of a small machine, whatever the columns."""
WIDEST = 40
"""Cells of a table's column; a cell that needs more is cut."""
FORMATS = ("table", "csv", "json", "parquet")


@click.command("sql", short_help="Ask the store in SQL, read-only.")
@click.argument("query")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="[default: what FILE's name ends in, else table]",
)
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to stdout.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Most rows. [default: {SHOWN:,} in a table, else {WRITTEN:,}; 0: all]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds after which the query is ended.",
)
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    query: str,
    form: str | None,
    output: str | None,
    limit: int | None,
    timeout: float,
    store: str | None,
) -> None:
    """Answer one SELECT of DuckDB's SQL over the store.

    It can read these views and nothing else: no file, no setting, no change. Times are UTC.

    \b
      runs     id name sweep number state reason params metrics step started ended
               seconds tags note pinned
      params   run name value number
      metrics  run name step time value
      sweeps   id name state reason directions metrics trials workers sampler
               pruner seed started ended seconds

    \b
      cockpit sql "select name, metrics['auc'] as auc, params->>'lr' as lr
                   from runs order by auc desc nulls last limit 10"
      cockpit sql "from metrics where name = 'loss'" -o loss.parquet
    """
    from storage.sandbox import ask

    form = form or _form_of(output)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal; name a file with -o FILE")
    most = limit if limit is not None else (SHOWN if form == "table" else WRITTEN)
    answer = ask(layout_to_read(ctx, store), query, limit=most or None, timeout=timeout)
    _write(answer, form, output)
    if answer.cut:
        click.echo(f"cut after {most:,} rows; --limit N allows more, --limit 0 all", err=True)


def _form_of(output: str | None) -> str:
    ending = Path(output).suffix.lstrip(".").lower() if output else ""
    return ending if ending in FORMATS else "table"


def _write(answer: Answer, form: str, output: str | None) -> None:
    if form == "table" and output is None:
        _print(answer.frame)
        return
    content = _content(answer, form)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror}") from error


def _content(answer: Answer, form: str) -> bytes:
    from io import BytesIO, StringIO

    from storage.events import to_json

    if form == "json":
        return (to_json(_objects(answer)) + "\n").encode()
    if form == "table":
        text = StringIO()
        _print(answer.frame, text)
        return text.getvalue().encode()
    into = BytesIO()
    if form == "csv":
        _flat(answer.frame).write_csv(into)
    else:
        answer.frame.write_parquet(into)
    return into.getvalue()


def _objects(answer: Answer) -> list[dict[str, Any]]:
    import json

    rows = [
        {name: _as_json(value) for name, value in row.items()}
        for row in answer.frame.iter_rows(named=True)
    ]
    for name in answer.json:
        for row in rows:
            row[name] = None if row[name] is None else json.loads(row[name])
    return rows


def _as_json(value: Any) -> Any:
    """A value as JSON can say it; what it cannot becomes a text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Without nested columns, which CSV does not have: JSON stands in their cells."""
    import polars as pl

    from storage.events import to_json

    nested = [name for name, kind in frame.schema.items() if kind.is_nested() or kind == pl.Binary]
    return frame.with_columns(
        pl.Series(
            name,
            [None if cell is None else to_json(_as_json(cell)) for cell in frame[name].to_list()],
            dtype=pl.String,
        )
        for name in nested
    )


def _print(frame: pl.DataFrame, file: Any = None) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from cockpit.cli.tables import console
    from cockpit.format import MISSING, cut, plain

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name, kind in frame.schema.items():
        justify: Any = "right" if kind.is_numeric() else "left"
        table.add_column(Text(plain(name)), no_wrap=True, overflow="ellipsis", justify=justify)
    for row in _flat(frame).iter_rows():
        shown = (MISSING if cell is None else cut(plain(str(cell)), WIDEST) for cell in row)
        table.add_row(*map(Text, shown))
    screen = console()
    if file is not None:
        screen.file = file
    if file is not None or not sys.stdout.isatty():
        screen.width = (WIDEST + 3) * max(1, frame.width)
    screen.print(table)
