"""What the commands share."""

from __future__ import annotations

import click

from storage.layout import Layout, find_store, stores_below

store_option = click.option(
    "--store", metavar="DIR", help="The store folder. [default: .cockpit, looked for upwards]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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
