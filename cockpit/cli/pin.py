"""`cockpit pin` and `cockpit unpin`: runs to keep an eye on."""

from __future__ import annotations

import click

from cockpit.cli.common import layout_to_read, open_session, store_option


@click.command("pin", short_help="Pin runs.")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@store_option
@click.pass_context
def command(ctx: click.Context, runs: tuple[str, ...], store: str | None) -> None:
    """Pin runs, to keep an eye on them.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest.
    """
    set_pins(ctx, runs, True, store)


def set_pins(ctx: click.Context, runs: tuple[str, ...], pinned: bool, store: str | None) -> None:
    """Pin or unpin, and say which runs that were."""
    from cockpit.format import plain
    from storage.annotate import pin

    with open_session(layout_to_read(ctx, store)) as session:
        meant = pin(session, runs, pinned)
    for run in meant:
        click.echo(f"{plain(run.name)}  {'pinned' if pinned else 'unpinned'}")
