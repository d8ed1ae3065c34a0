"""`cockpit trash`: what was deleted and can still come back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from storage.care.trash import Target


@click.command("trash", short_help="List what was deleted.")
@click.option("--purge", is_flag=True, help="Empty it, and give the disk space back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@store_option
@click.pass_context
def command(ctx: click.Context, purge: bool, yes: bool, as_json: bool, store: str | None) -> None:
    """List the deleted runs and sweeps that can still come back, newest first."""
    from cockpit.cli.delete import confirmed, purge_and_say
    from storage.care.trash import in_trash
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = in_trash(session)
    if as_json and not purge:
        click.echo(to_json([_as_json(target) for target in found]))
    elif not found:
        click.echo("the trash is empty")
    elif not purge:
        for target in found:
            click.echo(_line(target))
    elif confirmed("Delete", found, "for good", yes):
        purge_and_say(layout, found)
    else:
        click.echo("nothing was deleted")


def _line(target: Target) -> str:
    from cockpit.cli.delete import described
    from cockpit.format import age

    return f"{target.id}  {described(target)}  {age(target.trashed, datetime.now(UTC))}"


def _as_json(target: Target) -> dict[str, Any]:
    return {
        "kind": target.kind,
        "id": target.id,
        "name": target.name,
        "state": target.state,
        "runs": target.runs,
        "points": target.points,
        "trashed": target.trashed and target.trashed.isoformat(),
    }
