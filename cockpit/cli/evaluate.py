"""`cockpit evaluate`: runs on an evaluation set, by every metric and KPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option
from cockpit.cli.scoring import on_option

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

    from cockpit.cli.scoring import Scored
    from cockpit.evaluate.slices import SliceRow
    from storage.layout import Layout


@click.command("evaluate", short_help="Score runs on an evaluation set.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@on_option
@click.option(
    "-m", "--metric", "metrics", metavar="NAME", multiple=True, help="Only these metrics or KPIs."
)
@click.option(
    "--predictions",
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Keep FILE (parquet, csv, ndjson, json; columns y_pred, y_score) as the run's predictions first.",
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[str, ...],
    on: str | None,
    metrics: tuple[str, ...],
    file: str | None,
    as_json: bool,
    store: str | None,
) -> None:
    """Show the metrics and KPIs of runs on an evaluation set, with their 95 % intervals.

    The runs' predictions are kept, so that any metric or KPI of cockpit.toml can be asked for at any
    time. Of several runs the first is the base of the differences: ▲ better, ▼ worse, ≈ the same in
    practice, ~ may be chance. Runs that answered different versions of the set are not compared.
    """
    from pathlib import Path

    from cockpit.cli.scoring import metrics_of, score
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    if file is not None:
        if len(runs) != 1:
            raise click.UsageError("--predictions is the file of one run")
        _attach(layout, runs[0], on, Path(file))
    found = score(layout, runs, on)
    names = metrics_of(found, metrics)
    kpis = found.project.kpis
    asked = {name: kpi for name, kpi in kpis.items() if not metrics or name in metrics}
    built_in = [name for name in names if name not in kpis]
    row = found.table({}, built_in, asked).rows[0]
    if as_json:
        click.echo(to_json(as_json_object(found, row, [*built_in, *asked])))
    else:
        _print(found, row, [*built_in, *asked])


def as_json_object(found: Scored, row: SliceRow, names: list[str]) -> dict[str, Any]:
    """The figures by run; the base's first."""
    from dataclasses import asdict

    from cockpit.cli.slice_tables import difference_as_json, figure_as_json

    return {
        "set": found.on.version.label,
        "rows": row.n,
        "task": found.on.task,
        "base": found.base,
        "runs": [
            {
                "id": run,
                "name": found.name(run),
                "figures": {
                    name: {
                        **figure_as_json(row.cells[run].figures[name]),
                        **difference_as_json(row.cells[run].differences.get(name)),
                    }
                    for name in names
                },
                "features": asdict(found.features(run)),
                "notes": list(found.loaded[run].notes),
            }
            for run in found.runs
        ],
    }


def _attach(layout: Layout, text: str, on: str | None, path: Path) -> None:
    """Take a file for a run's predictions, checked against the set first."""
    from cockpit.evaluate.attach import attach
    from cockpit.evaluate.evaluation import look, open_set
    from cockpit.evaluate.sets import brought_up
    from cockpit.project.reading import find_project
    from storage.runs import find

    project = find_project(layout)
    brought_up(layout, project, on)
    with open_session(layout) as session:
        run = find(session, text)
        known = look(session, [run.id])
    opened = open_set(layout, project, known.versions, on)
    rows = attach(layout, run.id, opened, path)
    click.echo(
        f"{rows:,} predictions of {path.name} kept with {run.name}, on {opened.version.label}",
        err=True,
    )


def _print(found: Scored, row: SliceRow, names: list[str]) -> None:
    from rich.text import Text

    from cockpit.cli.slice_tables import percent
    from cockpit.cli.tables import console, table_of
    from cockpit.format import plain

    out = console()
    positive = f", 1 is {found.on.classes[1]!r}" if found.on.task == "binary" else ""
    out.print(
        Text(
            plain(
                f"{found.on.version.label}  {row.n:,} rows  {found.on.task} by {found.on.target}{positive}  "
                f"intervals {percent(found.project.evaluation.confidence)}"
            )
        )
    )
    columns = [plain(found.name(run)) for run in found.runs]
    table = table_of("", *columns)
    for name in names:
        table.add_row(Text(plain(name)), *(_cell(found, row, run, name) for run in found.runs))
    out.print(table)
    for note in found.notes():
        out.print(Text(plain(note), style="dim"))
    for run in found.runs:
        features = found.features(run)
        if features.source != "told":
            out.print(Text(plain(f"{found.name(run)}: features {features.words}"), style="dim"))


def _cell(found: Scored, row: SliceRow, run: str, name: str) -> Text:
    from cockpit.cli.slice_tables import figure_text

    cell = row.cells[run]
    unit = kpi.unit if (kpi := found.project.kpis.get(name)) else None
    return figure_text(cell.figures[name], cell.differences.get(name), unit=unit)
