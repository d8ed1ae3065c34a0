"""`cockpit history`: what was live when, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from storage.models import Move


@click.command("history", short_help="What was live when, and why?")
@click.argument("model", metavar="MODEL")
@click.option("--alias", metavar="ALIAS", help="Only this alias.")
@click.option(
    "--at",
    "when",
    metavar="DATE",
    help="What each alias meant then, and why: 2026-03-01T12:00, 2026-03-01 (its first moment); UTC where no zone "
    "is named.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="The newest N.",
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    alias: str | None,
    when: str | None,
    limit: int,
    as_json: bool,
    store: str | None,
) -> None:
    """List every move of the aliases of MODEL, the newest first; or say what they meant at a time."""
    from cockpit.cli.model_tables import moment, move_as_json, move_line, why_lines
    from cockpit.format import plain
    from storage.events import to_json
    from storage.models import aliases, grounds, history

    at = None if when is None else _time(when)
    layout = layout_to_read(ctx, store)
    moves: tuple[Move, ...]
    with open_session(layout) as session:
        moves, total = history(session, model, alias, 1 if at else limit)
        if at is not None:
            moves = tuple(m for m in aliases(session, model, at) if alias in (None, m.alias))
        back = {m.number: grounds(session, model, m.digest, m) for m in moves if _is_back(m, at)}
    if as_json:
        click.echo(to_json([move_as_json(move) for move in moves]))
        return
    for move in moves:
        click.echo(move_line(move))
        for line in why_lines(move) if at is not None else ():
            click.echo(line)
        if (judged := back.get(move.number)) is not None:
            click.echo(f"  as it was judged: {move_line(judged)}")
            for line in why_lines(judged):
                click.echo(f"  {line}")
    if not moves and at is not None:
        click.echo(f"nothing of {plain(model)} was live at {moment(at)}")
    elif not moves:
        click.echo(f"{plain(alias or 'no alias')} of {plain(model)} was never moved")
    if at is None and total > len(moves):
        click.echo(f"{len(moves)} of {total:,} moves; --limit N shows more")


def _is_back(move: Move, at: datetime | None) -> bool:
    """Whether it is asked why, and what says why is an earlier move."""
    return at is not None and move.how == "rollback"


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"--at takes a date or a time as in 2026-03-01T12:00, not {text!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
