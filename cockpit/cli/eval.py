"""`cockpit eval`: the evaluation sets, what each version grew by, and growing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, names_of, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.growth import Grown
    from storage.datasets import Version
    from storage.layout import Layout


@click.group("eval", short_help="List, show and grow evaluation sets.")
def command() -> None:
    """Evaluation sets: the data that runs are scored on, [data.NAME] with evaluation = true in cockpit.toml."""


@command.command("list")
@json_option
@store_option
@click.pass_context
def list_command(ctx: click.Context, as_json: bool, store: str | None) -> None:
    """List the evaluation sets, each in its newest version."""
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    found = _newest(layout)
    scored = _scored(layout)
    if as_json:
        click.echo(to_json([_as_json(one, scored) for one in found]))
        return
    _print_versions(found, scored)


@command.command("show")
@click.argument("name", metavar="NAME[@V]")
@json_option
@store_option
@click.pass_context
def show_command(ctx: click.Context, name: str, as_json: bool, store: str | None) -> None:
    """Show an evaluation set: its question, and how each version came to be."""
    from cockpit.evaluate.evaluation import open_as_set
    from cockpit.evaluate.sets import brought_up
    from cockpit.project.reading import find_project
    from storage.datasets import find, versions
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    project = find_project(layout)
    brought_up(layout, project, name)
    with open_session(layout) as session:
        version = find(session, name)
        there = versions(session, version.name)
    on = open_as_set(layout, project, version)
    scored = _scored(layout)
    if as_json:
        each = [_as_json(one, scored) for one in there]
        click.echo(to_json({**_as_json(version, scored), **_question(on), "versions": each}))
    else:
        _show(on, there, scored)


@command.command("grow")
@click.argument("name", metavar="NAME")
@click.option(
    "--from",
    "source",
    metavar="RUN|DATASET",
    required=True,
    help="Where the rows come from; of a RUN, the other set it is scored on.",
)
@click.option(
    "-w",
    "--where",
    metavar="EXPR",
    help="Which rows; with a run also by y_true, y_pred and y_score.",
)
@click.option(
    "--rows",
    metavar="KEYS",
    callback=names_of,
    help="These rows, by key (or number where there is none), with commas.",
)
@click.option("--why", metavar="TEXT", required=True, help="Kept with the version.")
@click.option("--run", metavar="RUN", help="Whose failures they are. [default: that of --from]")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), help="So many new rows at most, the first ones."
)
@json_option
@store_option
@click.pass_context
def grow_command(
    ctx: click.Context,
    name: str,
    source: str,
    where: str | None,
    rows: tuple[str, ...],
    why: str,
    run: str | None,
    limit: int | None,
    as_json: bool,
    store: str | None,
) -> int:
    """Make a new version of an evaluation set: its rows, and those chosen from elsewhere.

    A failure once seen is tested for ever. A row whose key the set has already is skipped. Runs that
    have answered the new rows too, where they came from, stay comparable; the others are to be
    scored anew.
    """
    from cockpit.evaluate.growth import Asked, NothingNew, grow
    from cockpit.evaluate.sets import brought_up
    from cockpit.project.reading import find_project
    from storage.events import to_json

    if where is None and not rows:
        raise click.UsageError("which rows? --where EXPR or --rows KEYS")
    layout = layout_to_read(ctx, store)
    project = find_project(layout)
    brought_up(layout, project, name)
    asked = Asked(source, where, rows, run, why, limit)
    try:
        grown = grow(layout, project, name, asked)
    except NothingNew as nothing:
        click.echo(f"cockpit: {nothing}", err=True)
        ctx.exit(1)
    if as_json:
        click.echo(to_json(_grown_as_json(grown)))
    else:
        _say_grown(grown)
    return 0


def _newest(layout: Layout) -> list[Version]:
    """Of each set the newest version: those of cockpit.toml, and those that runs are scored on."""
    from cockpit.evaluate.sets import current
    from storage.datasets import versions
    from storage.predictions import predictions

    named = {version.name for version in current(layout)}
    with open_session(layout) as session:
        named |= {told.evaluation for told in predictions(session)}
        newest = {version.name: version for version in versions(session)}
    return [newest[name] for name in sorted(named) if name in newest]


def _scored(layout: Layout) -> dict[tuple[str, str], int]:
    """How many runs are scored on a version, by name and digest."""
    from collections import Counter

    from storage.predictions import predictions

    with open_session(layout) as session:
        return Counter((told.evaluation, told.dataset) for told in predictions(session))


def _as_json(version: Version, scored: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    growth = version.growth
    return {
        "name": version.name,
        "version": version.number,
        "label": version.label,
        "digest": version.digest,
        "rows": version.rows,
        "path": version.path,
        "time": version.time.isoformat(),
        "target": version.facts.get("target"),
        "key": list(version.facts.get("key") or ()),
        "runs": scored.get((version.name, version.digest), 0),
        "growth": growth
        and {
            "parent": growth.parent,
            "added": growth.added,
            "source": growth.source,
            "reason": growth.reason,
            "run": growth.run,
        },
    }


def _question(on: EvaluationSet) -> dict[str, Any]:
    return {"task": on.task, "target": on.target, "classes": list(on.classes)}


def _print_versions(found: Sequence[Version], scored: Mapping[tuple[str, str], int]) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console, table_of
    from cockpit.format import MISSING, plain

    if not found:
        console().print(
            Text(
                'no evaluation sets yet: [data.NAME] with path = "FILE", target = "COLUMN" and '
                "evaluation = true in cockpit.toml makes one"
            )
        )
        return
    table = table_of("set", "rows", "runs", "target", "grown by")
    for column in table.columns[1:3]:
        column.justify = "right"
    labels = max(len(version.label) for version in found)
    table.columns[0].min_width, table.columns[1].min_width, table.columns[2].min_width = (
        labels,
        9,
        4,
    )
    table.columns[4].no_wrap, table.columns[4].overflow = False, "fold"
    for version in found:
        rows = MISSING if version.rows is None else f"{version.rows:,}"
        table.add_row(
            Text(plain(version.label)),
            Text(rows),
            Text(str(scored.get((version.name, version.digest), 0))),
            Text(plain(str(version.facts.get("target") or MISSING))),
            Text(_growth_words(version)),
        )
    console().print(table)


def _growth_words(version: Version) -> str:
    from cockpit.format import MISSING, plain

    growth = version.growth
    if growth is None:
        return MISSING
    parts = [f"+{growth.added:,} of {growth.source}", growth.reason or ""]
    return plain(": ".join(filter(None, parts)))


def _show(
    on: EvaluationSet, there: Sequence[Version], scored: Mapping[tuple[str, str], int]
) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console
    from cockpit.format import plain

    out = console()
    key = f", key {', '.join(on.key)}" if on.key else ", no key: a row is its place"
    classes = f": {', '.join(map(repr, on.classes[:8]))}" if on.classes else ""
    positive = (
        f", 1 is {on.classes[1]!r} ({on.truth.y_true.mean():.1%} of rows)"
        if on.task == "binary"
        else ""
    )
    size = f"{on.frame.height:,} rows, {on.frame.width} columns"
    out.print(Text(plain(f"{on.version.label}  {size}{key}")))
    out.print(Text(plain(f"{on.task} by {on.target}{classes}{positive}")))
    _print_versions(there, scored)


def _grown_as_json(grown: Grown) -> dict[str, Any]:
    return {
        "version": grown.version.label,
        "digest": grown.version.digest,
        "parent": grown.parent.label,
        "rows": grown.version.rows,
        "added": grown.added,
        "there": grown.there,
        "comparable": list(grown.comparable),
        "others": grown.others,
        "models": grown.models,
    }


def _say_grown(grown: Grown) -> None:
    from cockpit.format import plain

    there = f" ({grown.there:,} of those chosen were there already)" if grown.there else ""
    click.echo(
        plain(
            f"{grown.version.label}: {grown.version.rows:,} rows, {grown.added:,} more than {grown.parent.label}"
        )
        + there
    )
    if grown.comparable:
        names = ", ".join(grown.comparable[:5]) + (" …" if len(grown.comparable) > 5 else "")
        click.echo(
            plain(
                f"comparable on it, since they have answered the new rows where they come from: {names}"
            )
        )
    if grown.models:
        click.echo(
            plain(
                f"{grown.models} {'run has' if grown.models == 1 else 'runs have'} saved a model: it is asked about "
                f"the new rows where they are scored on {grown.version.label}"
            )
        )
    if others := grown.others - grown.models:
        click.echo(
            plain(
                f"{others} {'run is' if others == 1 else 'runs are'} scored on earlier versions alone: "
                f"compare them with --on {grown.parent.label}, or score them anew"
            )
        )
