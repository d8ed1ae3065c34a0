"""`cockpit runs`: the runs of the store as a table or as JSON."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from storage.layout import Layout
    from storage.runs import RunsPage

SHOWN = 50


@click.command("runs", short_help="List runs.")
@click.option("--sweep", metavar="NAME", help="Only the runs of this sweep.")
@click.option(
    "--where",
    "-w",
    metavar="EXPR",
    default="",
    help="Only runs for which this holds, or that have these words in name, tags or note.",
)
@click.option(
    "--sort",
    metavar="KEY",
    help="A metric (best first), a param, or a field: name, state, started, seconds, …",
)
@click.option("--reverse", is_flag=True, help="Turn the order round.")
@click.option("--pinned-first", is_flag=True, help="Pinned runs before the others.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"How many. [default: {SHOWN}, with --json all; 0: all]",
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    sweep: str | None,
    where: str,
    sort: str | None,
    reverse: bool,
    pinned_first: bool,
    limit: int | None,
    as_json: bool,
    store: str | None,
) -> None:
    """List runs, newest first.

    EXPR is a condition in SQL over the runs' fields, metrics and params:

    \b
      cockpit runs -w "auc > 0.93 and lr < 0.05 or tag = 'keep'"
      cockpit runs -w "state in ('failed', 'lost') and started > '2026-03-01'"
      cockpit runs -w 'params."learning rate" between 0.01 and 0.1'
      cockpit runs -w baseline

    \b
    fields     id name state sweep number step started seconds reason tag note pinned
    operators  = != < <= > >= and or not in between like ilike is null + - * / %
    functions  abs ceil coalesce contains ends_with exp floor length ln log lower
               round sqrt starts_with upper

    A name is a field, else a metric, else a param; metrics.NAME and params.NAME choose. What is
    missing (or NaN) makes a comparison false. Texts stand in single quotes; times are UTC.
    """
    from cockpit.cli.tables import print_runs, run_as_json
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    most = limit if limit is not None else (0 if as_json else SHOWN)
    page = read_page(layout, sweep, sort, reverse, most or None, where, pinned_first)
    if as_json:
        click.echo(to_json([run_as_json(run) for run in page.runs] if page else []))
    elif page is None or not page.stored:
        click.echo(nothing_yet(layout))
    elif not page.runs:
        click.echo(f"none of {page.stored:,} runs matches")
    else:
        print_runs(page)


def read_page(
    layout: Layout,
    sweep: str | None = None,
    sort: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    where: str = "",
    pinned_first: bool = False,
) -> RunsPage | None:
    """The runs asked for, None where there is no store yet."""
    from storage.runs import RunQuery, page
    from storage.sweeps import find_sweep
    from storage.window import descends

    if not layout.exists():
        return None
    with open_session(layout) as session:
        if sweep is not None:
            sweep = find_sweep(session, sweep).name
        query = RunQuery(sweep, where, sort, pinned_first=pinned_first, limit=0)
        if sort is None:
            return page(session, replace(query, descending=not reverse, limit=limit))
        first = page(session, replace(query, where="", sort=None))
        _check_key(sort, first)
        down = descends(sort, first.directions)
        return page(session, replace(query, descending=down != reverse, limit=limit))


def nothing_yet(layout: Layout) -> str:
    """What a newcomer may type next."""
    return (
        f"No runs in {layout.root} yet.\n"
        "  cockpit demo               a small project with real data, and its sweep\n"
        "  cockpit sweep SPEC.toml    a sweep of your own"
    )


def _check_key(key: str, page: RunsPage) -> None:
    from storage.expressions.run_filter import FIELDS

    known = [*page.metrics, *page.params, *FIELDS]
    scoped = {f"metrics.{name}" for name in page.metrics} | {f"params.{n}" for n in page.params}
    if key not in known and key not in scoped:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise click.BadParameter(f"there is no {key!r} to sort by; {hint}", param_hint="--sort")
