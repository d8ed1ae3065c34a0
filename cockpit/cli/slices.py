"""`cockpit slices`: where a run fails, slice by slice; and the rows it fails on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, store_option
from cockpit.cli.drawing import resamples_option
from cockpit.cli.scoring import on_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

    from cockpit.cli.scoring import Scored
    from cockpit.evaluate.slices import SliceRow, SliceTable
    from cockpit.evaluate.worst import WorstRows

_GAP = 3
"""Cells between the columns of a table."""


@click.command("slices", short_help="Where does a run fail? Metrics by slice, weak slices found.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@on_option
@click.option(
    "-w",
    "--where",
    "conditions",
    metavar="EXPR",
    multiple=True,
    help="This slice, not those of cockpit.toml.",
)
@click.option("-m", "--metric", metavar="NAME", help="By which metric or KPI. [default: the first]")
@click.option(
    "--base",
    metavar="RUN",
    help="What the others are measured against. [default: the first of several]",
)
@click.option(
    "--save", "name", metavar="NAME", help="Write the slice of --where into cockpit.toml."
)
@click.option(
    "--find", "search", is_flag=True, help="Find the slices where the first run is weakest."
)
@click.option(
    "--top",
    metavar="K",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="So many of them.",
)
@click.option("--all", "everything", is_flag=True, help="With --find: the variants of those, too.")
@click.option(
    "--level",
    metavar="L",
    type=click.IntRange(1, 3),
    default=2,
    show_default=True,
    help="Of so many conditions at most.",
)
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(1),
    help="The N rows of the slice that the first run answers worst.",
)
@resamples_option
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[str, ...],
    on: str | None,
    conditions: tuple[str, ...],
    metric: str | None,
    base: str | None,
    name: str | None,
    search: bool,
    top: int,
    everything: bool,
    level: int,
    rows: int | None,
    resamples: int,
    as_json: bool,
    store: str | None,
) -> None:
    """Show a metric of runs on slices of an evaluation set, the worst slice first.

    A slice is a condition over the set's columns: -w "age < 25 and sex = 'Female'", or the name of one
    in cockpit.toml. With several runs, ▲ is better and ▼ worse than the base after
    Benjamini-Hochberg's correction for the number of slices, ≈ the same in practice,
    ~ may be chance, · not judged (too few rows, or a KPI that has no interval). KPIs are judged as metrics are.
    """
    from cockpit.cli.scoring import score

    if name is not None and len(conditions) != 1:
        raise click.UsageError("--save needs the slice: one --where EXPR")
    if rows is not None and (search or len(conditions) > 1):
        raise click.UsageError(
            "--rows shows those of one slice: one --where EXPR, or none for all rows"
        )
    if everything and not search:
        raise click.UsageError("--all shows the variants of weak slices: it goes with --find")
    found = score(layout_to_read(ctx, store), runs, on, base)
    slices = _slices(found, conditions)
    if name is not None:
        _save(found, name, slices)
    if rows is not None:
        _rows(found, slices if conditions else {}, rows, as_json)
    elif search:
        from cockpit.cli.weak_slices import find

        find(found, top, level, metric, everything=everything, as_json=as_json)
    else:
        _table(found, slices, metric, resamples, as_json)


def _slices(found: Scored, conditions: Sequence[str]) -> dict[str, str]:
    known = found.project.slices
    return {text: known.get(text, text) for text in conditions} if conditions else dict(known)


def _save(found: Scored, name: str, slices: Mapping[str, str]) -> None:
    from cockpit.project.reading import save_slice
    from storage.frames import Frames

    expression = next(iter(slices.values()))
    with Frames(found.on.frame) as frames:
        count = frames.count(expression)
    path = save_slice(found.project.folder, name, expression)
    click.echo(f"the slice {name!r} ({count:,} rows) was written into {path}", err=True)


def _table(
    found: Scored,
    slices: Mapping[str, str],
    metric: str | None,
    resamples: int,
    as_json: bool,
) -> None:
    from cockpit.cli.drawing import told
    from cockpit.cli.scoring import directions, metrics_of
    from cockpit.evaluate.refining import refined
    from storage.events import to_json

    shown = metrics_of(found, [metric] if metric else [])[0]
    kpis = {name: kpi for name, kpi in found.project.kpis.items() if name == shown}
    table = found.table(slices, [] if kpis else [shown], kpis)
    if resamples:
        with told() as progress:
            table = refined(table, resamples, progress)
    rows = _worst_first(table, shown, directions(found, [shown])[shown])
    if as_json:
        click.echo(to_json(as_json_object(found, table, rows, shown)))
    else:
        _print(found, table, rows, shown)


def _worst_first(table: SliceTable, metric: str, direction: str) -> list[SliceRow]:
    """All rows first; then by the difference from the base where there is one, else by the metric."""
    run = table.runs[-1]
    sign = 1 if direction == "maximize" else -1

    def badness(row: SliceRow) -> float:
        cell = row.cells[run]
        difference = cell.differences.get(metric)
        value = difference.value if difference else cell.figures[metric].value
        return float("inf") if value is None else sign * value

    return [table.rows[0], *sorted(table.rows[1:], key=badness)]


def as_json_object(
    found: Scored, table: SliceTable, rows: Sequence[SliceRow], metric: str
) -> dict[str, Any]:
    """Slices × runs, the worst slice first."""
    from cockpit.cli.slice_tables import difference_as_json, figure_as_json

    return {
        "set": table.set,
        "metric": metric,
        "base": table.base,
        "confidence": table.confidence,
        "fewest": table.fewest,
        "resamples": table.resamples,
        "runs": [{"id": run, "name": found.name(run)} for run in table.runs],
        "slices": [
            {
                "name": row.name,
                "expression": row.expression,
                "n": row.n,
                "runs": {
                    run: {
                        **figure_as_json(cell.figures[metric]),
                        **difference_as_json(cell.differences.get(metric)),
                    }
                    for run, cell in row.cells.items()
                },
            }
            for row in rows
        ],
        "notes": found.notes(),
    }


def _print(found: Scored, table: SliceTable, rows: Sequence[SliceRow], metric: str) -> None:
    from rich.text import Text

    from cockpit.cli.slice_tables import percent
    from cockpit.cli.tables import console, table_of
    from cockpit.format import plain
    from cockpit.interval_words import by_what

    out = console()
    against = f" against {found.name(table.base)}" if table.base else ""
    alpha = percent(1 - table.confidence)
    there = [row.cells[run].differences.get(metric) for row in rows for run in table.runs]
    how = by_what([one for one in there if one is not None], table.resamples)
    how = f"   {percent(table.confidence)} intervals: {how}" if how else ""
    out.print(
        Text(plain(f"{metric} on {table.set}{against}   min n {table.fewest}   BH {alpha}{how}"))
    )
    few = len(table.runs) <= 2 and out.width >= 100
    shown = table_of("slice", "n", *(found.name(run) for run in table.runs))
    shown.columns[1].justify = "right"
    shown.columns[0].no_wrap, shown.columns[0].overflow = False, "fold"
    for row in rows:
        cells = [_cell(found, row, run, metric, few) for run in table.runs]
        shown.add_row(Text(plain(row.name)), Text(f"{row.n:,}"), *cells)
    out.print(shown)
    if len(rows) == 1:
        out.print(
            Text(
                "no slices yet: -w EXPR shows one, --save NAME keeps it, --find looks for weak ones"
            )
        )
    whole = [one for one in there[: len(table.runs)] if one is not None and one.value is not None]
    why = {one.reason for one in whole if one.reason}
    for note in (*(f"{metric}: {reason}" for reason in sorted(why)), *found.notes()):
        out.print(Text(plain(note), style="dim"))


def _cell(found: Scored, row: SliceRow, run: str, metric: str, few: bool) -> Text:
    from cockpit.cli.slice_tables import figure_text

    cell = row.cells[run]
    difference = cell.differences.get(metric)
    kpi = found.project.kpis.get(metric)
    return figure_text(
        cell.figures[metric], difference, interval=few, unit=kpi.unit if kpi else None
    )


def _rows(found: Scored, slices: Mapping[str, str], count: int, as_json: bool) -> None:
    """The rows of a slice that the first run answers worst."""
    from cockpit.evaluate.worst import worst_rows
    from storage.events import to_json

    run = found.runs[0]
    condition = next(iter(slices.values()), None)
    rows = worst_rows(found.on, found.loaded[run].answers, condition, count)
    if as_json:
        told = {"set": found.on.version.label, "run": run, "where": condition, "loss": rows.loss}
        click.echo(to_json({**told, "of": rows.of, "rows": rows.frame.to_dicts()}))
        return
    _print_rows(found, rows, run)


def _print_rows(found: Scored, rows: WorstRows, run: str) -> None:
    from rich.cells import cell_len
    from rich.text import Text

    from cockpit.cli.tables import console, table_of
    from cockpit.format import plain

    out = console()
    of = f"{rows.frame.height} of {rows.of:,} rows of {found.on.version.label}"
    out.print(Text(plain(f"{of}, those first that {found.name(run)} answers worst: {rows.loss}")))
    frame = rows.frame
    cells = [[_value(each) for each in row] for row in frame.rows()]
    widths = [
        max(cell_len(text) for text in column) for column in zip(frame.columns, *cells, strict=True)
    ]
    fits, room = 0, out.width
    while fits < len(widths) and (room := room - widths[fits] - _GAP) >= -_GAP:
        fits += 1
    table = table_of(*frame.columns[:fits])
    for row in cells:
        table.add_row(*map(Text, row[:fits]))
    out.print(table)
    if fits < len(widths):
        more = ", ".join(frame.columns[fits:])
        out.print(Text(plain(f"no room for {more}: --json has them"), style="dim"))


def _value(raw: Any) -> str:
    """Whole numbers, which may be keys, in full."""
    from cockpit.format import MISSING, exact, value

    if raw is None:
        return MISSING
    return exact(raw) if isinstance(raw, int) else value(raw)
