"""`cockpit runs`: the runs of the store as a table or as JSON."""

from __future__ import annotations

import difflib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.layout import Layout
    from storage.runs import RunsPage, SortKey

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
    multiple=True,
    help="A metric (best first), a param, or a field: name, state, started, seconds, …; more than once for"
    " runs that are alike in the first. 'KEY asc' and 'KEY desc' say which way.",
)
@click.option("--reverse", is_flag=True, help="Turn the order round.")
@click.option("--pinned-first", is_flag=True, help="Pinned runs before the others.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"How many. [default: {SHOWN}, with --json all; 0: all]",
)
@click.option(
    "--group-by",
    "by",
    metavar="KEY",
    help="Not the runs but their groups by sweep, a param or a field: how many, the best, the mean.",
)
@click.option("--metric", metavar="NAME", help="Of what --group-by tells; the first without.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    sweep: str | None,
    where: str,
    sort: tuple[str, ...],
    reverse: bool,
    pinned_first: bool,
    limit: int | None,
    by: str | None,
    metric: str | None,
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
      cockpit runs --sort state --sort "auc desc"

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
    if by is not None:
        print_groups(layout, sweep, where, by, metric, as_json)
        return
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
    sort: Sequence[str] | None = None,
    reverse: bool = False,
    limit: int | None = None,
    where: str = "",
    pinned_first: bool = False,
) -> RunsPage | None:
    """The runs asked for, None where there is no store yet."""
    from storage.runs import RunQuery, page
    from storage.sweeps import find_sweep

    if not layout.exists():
        return None
    with open_session(layout) as session:
        if sweep is not None:
            sweep = find_sweep(session, sweep).name
        query = RunQuery(sweep, where, pinned_first=pinned_first, limit=0)
        if not sort:
            return page(session, replace(query, descending=not reverse, limit=limit))
        known = page(session, replace(query, where=""))
        first, *then = (_sort_key(text, known, reverse) for text in sort)
        query = replace(query, sort=first.name, descending=first.descending, then=tuple(then))
        return page(session, replace(query, limit=limit))


def print_groups(
    layout: Layout, sweep: str | None, where: str, by: str, metric: str | None, as_json: bool
) -> None:
    """The groups of the runs asked for, as a table or as JSON."""
    from cockpit.cli.tables import print_run_groups
    from storage.events import to_json
    from storage.groups import groups
    from storage.runs import RunQuery

    page = read_page(layout, sweep, limit=1)
    if page is None or not page.stored:
        click.echo("[]" if as_json else nothing_yet(layout))
        return
    _check_key(by, page, "group by", "--group-by")
    name = metric or next(iter(page.metrics), None)
    if name is None:
        raise click.BadParameter("no run has a metric to tell the groups by", param_hint="--metric")
    _check_key(name, page, "tell the groups by", "--metric")
    with open_session(layout) as session:
        found = groups(session, RunQuery(sweep, where), by, name)
    if as_json:
        click.echo(to_json([asdict(group) for group in found]))
    else:
        print_run_groups(found, by, name)


def nothing_yet(layout: Layout) -> str:
    """What a newcomer may type next."""
    return (
        f"No runs in {layout.root} yet.\n"
        "  cockpit demo               a small project with real data, and its sweep\n"
        "  cockpit sweep SPEC.toml    a sweep of your own"
    )


def _sort_key(text: str, page: RunsPage, reverse: bool) -> SortKey:
    from storage.runs import SortKey
    from storage.window import descends

    name, _, way = text.rpartition(" ")
    if way in ("asc", "desc") and text not in (*page.metrics, *page.params):
        down = way == "desc"
    else:
        name, down = text, descends(text, page.directions)
    _check_key(name, page)
    return SortKey(name, down != reverse)


def _check_key(key: str, page: RunsPage, purpose: str = "sort by", option: str = "--sort") -> None:
    from storage.expressions.run_filter import FIELDS

    known = [*page.metrics, *page.params, *FIELDS]
    scoped = {f"metrics.{name}" for name in page.metrics} | {f"params.{n}" for n in page.params}
    if key not in known and key not in scoped:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise click.BadParameter(f"there is no {key!r} to {purpose}; {hint}", param_hint=option)
