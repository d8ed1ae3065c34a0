"""`cockpit sweeps`: the sweeps of the store as a table or as JSON."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option


@click.command("sweeps", short_help="List sweeps.")
@json_option
@store_option
@click.pass_context
def command(ctx: click.Context, as_json: bool, store: str | None) -> None:
    """List sweeps, newest first."""
    from cockpit.cli.runs import nothing_yet
    from cockpit.cli.tables import print_sweeps, sweep_as_json
    from storage.events import to_json
    from storage.sweeps import Sweep, all_sweeps

    layout = layout_to_read(ctx, store)
    found: tuple[Sweep, ...] = ()
    if layout.exists():
        with open_session(layout) as session:
            found = all_sweeps(session)
    if as_json:
        click.echo(to_json([sweep_as_json(sweep) for sweep in found]))
    elif found:
        print_sweeps(found)
    else:
        click.echo(nothing_yet(layout))
