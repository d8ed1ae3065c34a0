"""`cockpit models`: all models, and what their aliases mean."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option


@click.command("models", short_help="List models, and what their aliases mean.")
@json_option
@store_option
@click.pass_context
def command(ctx: click.Context, as_json: bool, store: str | None) -> None:
    """List the models that have versions, with what each of their aliases means now."""
    from cockpit.cli.model_tables import HOWS, labelled, moment, move_as_json
    from cockpit.format import plain
    from storage.events import to_json
    from storage.models import models

    with open_session(layout_to_read(ctx, store)) as session:
        found = models(session)
    if as_json:
        told = [
            {
                "name": one.name,
                "versions": one.versions,
                "moves": one.moves,
                "newest": one.newest.isoformat(),
                "aliases": {m.alias: move_as_json(m, evidence=False) for m in one.aliases},
            }
            for one in found
        ]
        click.echo(to_json(told))
        return
    if not found:
        click.echo("no models yet: cockpit promote RUN --model NAME --to candidate makes the first")
        return
    from rich.text import Text

    from cockpit.cli.tables import console, table_of

    table = table_of("model", "versions", "alias", "is", "since", "", "by")
    table.columns[1].justify = "right"
    for one in found:
        first = [plain(one.name), f"{one.versions:,}"]
        for move in one.aliases:
            cells = [plain(move.alias), labelled(one.name, move.target), moment(move.time)]
            cells += [HOWS.get(move.how, plain(move.how)), plain(move.who)]
            table.add_row(*map(Text, [*first, *cells]))
            first = ["", ""]
        if not one.aliases:
            table.add_row(*map(Text, [*first, *[""] * 5]))
    console().print(table)
