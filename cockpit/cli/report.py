"""`cockpit report`: results as markdown, to take elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from cockpit.cli.common import json_option, layout_to_read, store_option
from cockpit.cli.scoring import on_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown, MarkdownElement, TableElement
    from rich.text import Text

    from cockpit.report.render import Charts

    Command = Callable[..., Any]


@click.group("report", invoke_without_command=True, short_help="Markdown of what was found.")
@click.option(
    "--context", metavar="SUBJECT", help="List what a template of run, sweep, … is given."
)
@click.pass_context
def command(ctx: click.Context, context: str | None) -> None:
    """Write a report in GitHub's markdown, with charts: for a pull request, a wiki, a mail.

    The same input gives the same bytes. With -o the charts are SVG files beside the report, light and dark; on
    stdout they are text. A template is Jinja2 and runs in a sandbox; {% extends "run.md.j2" %} changes a part of
    what comes with cockpit, and --context SUBJECT lists what a template is given.
    """
    if context is not None:
        from cockpit.report.subjects import context as documented

        for line in documented(context):
            click.echo(line)
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


_FIGURE = 12
"""Cells of a figure at most, which is not broken in two; names are."""
_OPTIONS = (
    click.option(
        "-o", "output", metavar="FILE.md", type=click.Path(path_type=Path), help="Into this file."
    ),
    click.option(
        "--charts",
        type=click.Choice(["svg", "text", "none"]),
        help="How charts are drawn. [default: svg with -o, else text]",
    ),
    click.option(
        "--template",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A Jinja2 template of your own.",
    ),
    click.option("--view", is_flag=True, help="Show it in the terminal."),
    json_option,
    store_option,
    click.pass_context,
)


def _options(function: Command) -> Command:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@command.command("run", short_help="A run.")
@click.argument("run", metavar="RUN")
@on_option
@_options
def run(ctx: click.Context, run: str, on: str | None, **options: Any) -> None:
    """A run: its metrics, scores, slices, curves, params, and where it comes from.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best, SWEEP#baseline or @latest.
    """
    _report(ctx, "run", [run], on, **options)


@command.command("sweep", short_help="A sweep.")
@click.argument("sweep", metavar="SWEEP")
@_options
def sweep(ctx: click.Context, sweep: str, **options: Any) -> None:
    """A sweep: the best trials, the gain, the convergence, the importance of its params, its failures."""
    _report(ctx, "sweep", [sweep], None, **options)


@command.command("compare", short_help="Runs side by side.")
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True)
@on_option
@_options
def compare(ctx: click.Context, runs: tuple[str, ...], on: str | None, **options: Any) -> None:
    """Runs side by side, only what differs; the first is what the others are measured against."""
    _report(ctx, "compare", runs, on, **options)


@command.command("model", short_help="A model's card.")
@click.argument("model", metavar="MODEL[@ALIAS|@vN]")
@on_option
@_options
def model(ctx: click.Context, model: str, on: str | None, **options: Any) -> None:
    """A model card: what it takes, how well it does and where not, its data, its history.

    MODEL alone means its production, or its newest version.
    """
    _report(ctx, "model", [model], on, **options)


@command.command("promotion", short_help="A promotion, from its evidence.")
@click.argument("model", metavar="MODEL")
@click.argument("number", metavar="[NUMBER]", required=False)
@_options
def promotion(ctx: click.Context, model: str, number: str | None, **options: Any) -> None:
    """A promotion of MODEL as it was judged then: the last one, or the move of that NUMBER."""
    _report(ctx, "promotion", [model, *([number] if number else [])], None, **options)


@command.command("data", short_help="A dataset's version.")
@click.argument("dataset", metavar="NAME[@V]")
@_options
def data(ctx: click.Context, dataset: str, **options: Any) -> None:
    """A dataset's version: its columns, its contract, how it grew, its drift from the version before."""
    _report(ctx, "data", [dataset], None, **options)


def _report(
    ctx: click.Context,
    subject: str,
    ids: Sequence[str],
    on: str | None,
    *,
    output: Path | None,
    charts: Charts | None,
    template: Path | None,
    view: bool,
    as_json: bool,
    store: str | None,
) -> None:
    from cockpit.report.subjects import gather

    if charts == "svg" and output is None:
        raise click.UsageError(
            "--charts svg writes files beside the report: name it with -o FILE.md"
        )
    if as_json and (output or view or template):
        raise click.UsageError(
            "--json prints what a template is given; it goes with none of -o, --view, --template"
        )
    layout = layout_to_read(ctx, store)
    report = gather(layout, subject, ids, on)
    if as_json:
        _print_json(report)
        return
    if output is not None:
        _write(output, subject, ids, report, charts or "svg", template)
    if view or output is None:
        _show(subject, report, "text" if charts in (None, "svg") else charts, template, view)


def _write(
    path: Path, subject: str, ids: Sequence[str], report: Any, charts: Charts, template: Path | None
) -> None:
    from cockpit.format import plain
    from cockpit.report.write import write

    saved = write(path, subject, ids, report, charts, template)
    files = len(saved.pictures)
    beside = f", and {files} files in {saved.pictures[0].parent}" if files else ""
    click.echo(plain(f"wrote {saved.path}{beside}"), err=True)


def _show(subject: str, report: Any, charts: Charts, template: Path | None, view: bool) -> None:
    from cockpit.report.render import render

    text = render(subject, report, charts, template=template).text
    if not view:
        click.echo(text, nl=False)
        return
    from rich.console import Console

    Console().print(_viewed(text))


def _viewed(text: str) -> Markdown:
    """As rich paints markdown, but with no figure cut: what is too wide for its column goes on below."""
    from rich.markdown import Markdown, TableElement
    from rich.table import Table
    from rich.text import Text

    class Whole(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                assert isinstance(table, Table)
                columns = _cells(self)
                widths = _widths(columns, options.max_width)
                for place, (column, cells) in enumerate(zip(table.columns, columns, strict=True)):
                    column.width = widths[place] if widths else None
                    for cell in cells:
                        cell.overflow = "fold"
                    if isinstance(column.header, Text):
                        column.header.overflow = "fold"
                yield table

    class Viewed(Markdown):
        elements: ClassVar[dict[str, type[MarkdownElement]]] = {
            **Markdown.elements,
            "table_open": Whole,
        }

    return Viewed(text, hyperlinks=False)


def _cells(table: TableElement) -> list[list[Text]]:
    """The title and what stands below it, column by column."""
    if table.header is None or table.header.row is None or table.body is None:
        return []
    rows = [table.header.row, *table.body.rows]
    return [[row.cells[place].content for row in rows] for place in range(len(rows[0].cells))]


def _widths(columns: Sequence[Sequence[Text]], room: int) -> list[int]:
    """Where a table of figures is too wide, of each column its figures' width, or more of its title as far as it goes.

    Nothing where rich can part the room better: there is enough of it, or a column is of prose.
    """
    figures = [max((cell.cell_len for cell in cells[1:]), default=1) for cells in columns]
    titles = [cells[0].cell_len for cells in columns]
    room -= 2 * len(columns) + 1
    if sum(map(max, figures, titles)) <= room or max(figures, default=0) > _FIGURE:
        return []
    for most in range(max(titles), 0, -1):
        widths = [
            max(figure, min(title, most)) for figure, title in zip(figures, titles, strict=True)
        ]
        if sum(widths) <= room:
            return widths
    return []


def _print_json(report: Any) -> None:
    from dataclasses import asdict

    from storage.events import to_json

    click.echo(to_json(_writable(asdict(report))))


def _writable(value: Any) -> Any:
    """Times as text, in what is to be JSON."""
    from datetime import date

    if isinstance(value, dict):
        return {str(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
