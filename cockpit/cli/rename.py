"""`cockpit rename`: a name of your own for a run."""

from __future__ import annotations

import click

from cockpit.cli.common import layout_to_read, open_session, store_option


@click.command("rename", short_help="Rename a run.")
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="NAME")
@store_option
@click.pass_context
def command(ctx: click.Context, run: str, name: str, store: str | None) -> None:
    """Give a run a name that no other run and no sweep of the store has.

    1 to 100 printable characters, without # and not beginning with @. RUN is an id, the start of one,
    SWEEP#NUMBER, SWEEP#best or @latest.
    """
    from cockpit.format import plain
    from storage.annotate import cleaned
    from storage.annotate import rename as give

    with open_session(layout_to_read(ctx, store)) as session:
        before = give(session, run, name)
    click.echo(f"{plain(before.name)}  is now  {plain(cleaned(name, 'a name'))}  (id {before.id})")
