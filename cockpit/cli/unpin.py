"""`cockpit unpin`: the way back of `cockpit pin`."""

from __future__ import annotations

import click

from cockpit.cli.common import store_option
from cockpit.cli.pin import set_pins


@click.command("unpin", short_help="Unpin runs.")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@store_option
@click.pass_context
def command(ctx: click.Context, runs: tuple[str, ...], store: str | None) -> None:
    """Let pinned runs go.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest.
    """
    set_pins(ctx, runs, False, store)
