"""`cockpit runs`: the runs of the store as a table or as JSON."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, store_option

if TYPE_CHECKING:
    from storage.layout import Layout
    from storage.runs import RunsPage

SHOWN = 50


@click.command("runs", short_help="List runs.")
@click.option("--sweep", metavar="NAME", help="Only the runs of this sweep.")
@click.option(
    "--sort",
    metavar="KEY",
    help="A metric (best first), a param, or name, state, number, started, seconds.",
)
@click.option("--reverse", is_flag=True, help="Turn the order round.")
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
    sort: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
    store: str | None,
) -> None:
    """List runs, newest first."""
    from cockpit.cli.tables import print_runs, run_as_json
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    most = limit if limit is not None else (0 if as_json else SHOWN)
    page = read_page(layout, sweep, sort, reverse, most or None)
    if as_json:
        click.echo(to_json([run_as_json(run) for run in page.runs] if page else []))
    elif page is None or not page.runs:
        click.echo(nothing_yet(layout))
    else:
        print_runs(page)


def read_page(
    layout: Layout, sweep: str | None, sort: str | None, reverse: bool, limit: int | None
) -> RunsPage | None:
    """The runs asked for, None where there is no store yet."""
    from storage.runs import RunQuery, page
    from storage.store import Store
    from storage.sweeps import find_sweep

    if not layout.exists():
        return None
    with Store(layout).session() as session:
        if sweep is not None:
            sweep = find_sweep(session, sweep).name
        first = page(session, RunQuery(sweep=sweep, sort=sort, limit=0))
        if sort is not None:
            _check_key(sort, first)
        ascending = first.directions.get(sort or "") == "minimize" or sort in (
            "name",
            "state",
            "number",
        )
        return page(
            session, RunQuery(sweep=sweep, sort=sort, descending=ascending == reverse, limit=limit)
        )


def nothing_yet(layout: Layout) -> str:
    """What a newcomer may type next."""
    return (
        f"No runs in {layout.root} yet.\n"
        "  cockpit demo               a small project with real data, and its sweep\n"
        "  cockpit sweep SPEC.toml    a sweep of your own"
    )


def _check_key(key: str, page: RunsPage) -> None:
    from storage.runs import FIELDS

    known = [*page.metrics, *page.params, *FIELDS]
    if key not in known:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise click.BadParameter(f"there is no {key!r} to sort by; {hint}", param_hint="--sort")
