"""`cockpit note`: some sentences on a run."""

from __future__ import annotations

import sys

import click

from cockpit.cli.common import layout_to_read, open_session, store_option
from cockpit.cli.open import has_terminal


@click.command("note", short_help="Write a note on a run.")
@click.argument("run", metavar="RUN")
@click.argument("text", metavar="[TEXT]", required=False)
@store_option
@click.pass_context
def command(ctx: click.Context, run: str, text: str | None, store: str | None) -> None:
    """Write a note on a run, in $EDITOR where TEXT is not given; an empty TEXT takes the note away.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest.
    """
    from cockpit.format import plain
    from storage.annotate import note
    from storage.runs import find

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = find(session, run)
    if text is None:
        text = _edited(found.note or "")
        if text is None:
            click.echo("nothing was written")
            return
    with open_session(layout) as session:
        note(session, found.id, text)
    click.echo(f"{plain(found.name)}  {'noted' if text.strip() else 'note taken away'}")


def _edited(before: str) -> str | None:
    """What the user's editor leaves; None where nothing was saved. Without a terminal, what comes in."""
    if not has_terminal():
        return sys.stdin.read()
    return click.edit(before, extension=".md")
