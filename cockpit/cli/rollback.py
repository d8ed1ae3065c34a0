"""`cockpit rollback`: put a model's alias back onto the version it was on before."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, store_option


@click.command("rollback", short_help="Go back to the version before.")
@click.argument("model", metavar="MODEL")
@click.option(
    "--alias", metavar="ALIAS", default="production", show_default=True, help="Which alias."
)
@click.option("--reason", metavar="TEXT", help="Why; kept with it.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context, model: str, alias: str, reason: str | None, as_json: bool, store: str | None
) -> None:
    """Put an alias of MODEL back onto the version it was on before; once more, and it is the one before that.

    Nothing of the history is taken away: going back is one more entry in it.
    """
    from cockpit.cli.model_tables import labelled, move_as_json
    from cockpit.format import plain
    from cockpit.models.promotion import rollback
    from storage.events import to_json

    move = rollback(layout_to_read(ctx, store), model, alias, reason)
    if as_json:
        click.echo(to_json(move_as_json(move)))
        return
    before, now = labelled(model, move.origin), labelled(model, move.target)
    click.echo(f"{plain(alias)} of {plain(model)} is {now} again; it was {before}")
