"""`cockpit undelete`: out of the trash again."""

from __future__ import annotations

import click

from cockpit.cli.common import layout_to_read, open_session, store_option


@click.command("undelete", short_help="Bring runs or sweeps back from the trash.")
@click.argument("names", metavar="RUN|SWEEP...", nargs=-1, required=True)
@store_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], store: str | None) -> None:
    """Bring runs, or sweeps with the runs that went with them, back from the trash.

    RUN and SWEEP are a name, an id or the start of one; cockpit trash lists them.
    """
    from cockpit.cli.delete import described
    from storage.care.trash import inside, take_back

    with open_session(layout_to_read(ctx, store)) as session:
        meant = inside(session, names)
        take_back(session, meant)
    for target in meant:
        click.echo(f"{described(target)} is back")
