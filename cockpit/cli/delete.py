"""`cockpit delete`: into the trash, or for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cockpit.cli.common import layout_to_read, open_session, store_option
from cockpit.cli.open import has_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.care.trash import Target
    from storage.layout import Layout


@click.command("delete", short_help="Delete runs or sweeps.")
@click.argument("names", metavar="RUN|SWEEP...", nargs=-1, required=True)
@click.option("--purge", is_flag=True, help="For good, and give the disk space back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], purge: bool, yes: bool, store: str | None
) -> None:
    """Move runs, or sweeps with all their runs, to the trash; --purge deletes them for good.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best or @latest. What runs cannot be deleted.
    """
    from storage.care.trash import anywhere, outside, throw

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        meant = (anywhere if purge else outside)(session, names)
    if not confirmed("Delete", meant, "for good" if purge else "into the trash", yes):
        click.echo("nothing was deleted")
        return
    if purge:
        purge_and_say(layout, meant)
        return
    with open_session(layout) as session:
        throw(session, meant)
    for target in meant:
        click.echo(
            f"{described(target)} is in the trash; cockpit undelete {target.id} brings it back"
        )


def confirmed(verb: str, meant: Sequence[Target], how: str, yes: bool) -> bool:
    """Ask on a terminal, naming what it is about; elsewhere only `--yes` will do."""
    if yes:
        return True
    if not has_terminal():
        raise click.UsageError(f"there is no terminal to ask on: say --yes to delete {how}")
    for target in meant:
        click.echo(f"  {described(target)}")
    return click.confirm(f"{verb} {'it' if len(meant) == 1 else 'them'} {how}?")


def described(target: Target) -> str:
    """A run or a sweep in a few words, fit to be confirmed."""
    from cockpit.format import count, plain

    of = f"{count(target.runs)} runs, " if target.kind == "sweep" else ""
    return f"{target.kind} {plain(target.name)} ({of}{count(target.points)} points)"


def purge_and_say(layout: Layout, meant: Sequence[Target]) -> None:
    """Delete for good, and say what that gave back."""
    from cockpit.format import size
    from storage.care.trash import purge
    from storage.store import Store

    done = purge(Store(layout), meant)
    for target in meant:
        click.echo(f"{described(target)} is gone")
    click.echo(f"{size(done.before)} before, {size(done.after)} now")
    if not done.proven:
        click.echo(
            "cockpit: the spools stay, because cockpit store check finds differences", err=True
        )
