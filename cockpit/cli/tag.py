"""`cockpit tag`: a word on runs, to find them by."""

from __future__ import annotations

import click

from cockpit.cli.common import layout_to_read, open_session, store_option


@click.command("tag", short_help="Tag runs.")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.argument("tag", metavar="TAG")
@click.option("--remove", is_flag=True, help="Take the tag away.")
@store_option
@click.pass_context
def command(
    ctx: click.Context, runs: tuple[str, ...], tag: str, remove: bool, store: str | None
) -> None:
    """Give runs a tag: 1 to 100 printable characters.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest.
    """
    from cockpit.format import plain
    from storage.annotate import tag as put

    with open_session(layout_to_read(ctx, store)) as session:
        meant = put(session, runs, tag, remove)
    for run in meant:
        click.echo(f"{plain(run.name)}  {'-' if remove else '+'}{plain(tag)}")
