"""`cockpit compare`: runs side by side, only what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from rich.text import Text

    from cockpit.compare import Comparison, Row


@click.command("compare", short_help="Compare runs: only what differs.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="What does not differ too.")
@click.option(
    "--base", metavar="RUN", help="What the others are measured against. [default: the first]"
)
@click.option("--diff", is_flag=True, help="The code's difference from the base's instead.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[str, ...],
    everything: bool,
    base: str | None,
    diff: bool,
    as_json: bool,
    store: str | None,
) -> None:
    """Show up to 12 runs side by side: metrics, params, data, code, resources, environment.

    Only what differs is shown. RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best,
    SWEEP#baseline or @latest. The base need not be among them.
    """
    from cockpit.code_diff import code_diff
    from cockpit.compare import compare
    from storage.events import to_json
    from storage.runs import detail
    from storage.sweeps import all_sweeps

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        asked = [detail(session, text) for text in ((base, *runs) if base else runs)]
        details = list({one.run.id: one for one in asked}.values())
        found = compare(details, all_sweeps(session))
    if diff:
        for other in details[1:]:
            for line in code_diff(layout, details[0], other):
                click.echo(line)
    elif as_json:
        click.echo(to_json(as_json_object(found)))
    else:
        _print(found, everything)


def as_json_object(found: Comparison) -> dict[str, Any]:
    """The comparison, the first run its base."""
    from cockpit.cli.tables import run_as_json
    from cockpit.compare import ABSENT

    ids = [run.id for run in found.runs]
    return {
        "runs": [run_as_json(run) for run in found.runs],
        "base": ids[0],
        "differ": len(found.differing),
        "of": len(found.rows),
        "rows": [
            {
                "group": row.group,
                "name": row.name,
                "differs": row.differs,
                "values": {
                    identity: value
                    for identity, value in zip(ids, row.values, strict=True)
                    if value is not ABSENT
                },
                "best": [ids[place] for place in sorted(found.best(row, 0))],
            }
            for row in found.rows
        ],
        "not_comparable": {
            ids[place]: list(names)
            for place in range(1, len(ids))
            if (names := found.clash(0, place))
        },
    }


def _print(found: Comparison, everything: bool) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console, name, table_of
    from cockpit.compare import clashes, counted

    out = console()
    out.print(Text(counted(found, everything, "--all")))
    for sentence in clashes(found, 0):
        out.print(Text(sentence))
    table = table_of("", *(name(run) for run in found.runs))
    group = ""
    for row in found.rows if everything else found.differing:
        if row.group != group:
            group = row.group
            table.add_row(Text(group, style="dim"))
        table.add_row(*_cells(found, row))
    out.print(table)


def _cells(found: Comparison, row: Row) -> list[Text]:
    from rich.text import Text

    from cockpit.compare import shown
    from cockpit.format import plain

    best = found.best(row, 0)
    cells = [Text(f"  {plain(row.name)}")]
    for place in range(len(found.runs)):
        mark = "▲" if place in best else ""
        beside = found.difference(row, place, 0)
        text = f"{shown(row, place)}{mark}" + f"  {beside}" * bool(beside)
        cells.append(Text(text, style="bold" if mark else ""))
    return cells
