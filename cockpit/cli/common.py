"""What the commands share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from storage.layout import Layout, find_store, stores_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.session import Session

store_option = click.option(
    "--store", metavar="DIR", help="The store folder. [default: .cockpit, looked for upwards]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def names_of(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The value of an option that takes several names: `A,B`."""
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


def layout_of(ctx: click.Context, store: str | None) -> Layout:
    """The store that is meant: `--store` of the command or before it, else found upwards from here."""
    before = ctx.find_root().obj
    return find_store(store or (before and before.store))


def layout_to_read(ctx: click.Context, store: str | None) -> Layout:
    """As `layout_of`; where there is none, the only one in a folder directly below, and says so."""
    layout = layout_of(ctx, store)
    below = [] if layout.exists() else stores_below(layout.project)
    if len(below) != 1:
        return layout
    click.echo(f"(the store in {below[0].project.name}; there is none here)", err=True)
    return below[0]


@contextmanager
def open_session(layout: Layout) -> Iterator[Session]:
    """Open the store; what it has to say about itself goes to stderr."""
    from cockpit.format import plain
    from storage.store import Store

    with Store(layout).session() as session:
        for notice in session.notices:
            click.echo(f"cockpit: {plain(notice)}", err=True)
        yield session
