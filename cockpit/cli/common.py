"""What the commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from storage.layout import Layout, find_store

if TYPE_CHECKING:
    from pathlib import Path

store_option = click.option(
    "--store", metavar="DIR", help="The store folder. [default: .cockpit, looked for upwards]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def layout_of(ctx: click.Context, store: str | None, start: Path | None = None) -> Layout:
    """The store that is meant: `--store` of the command or before it, else found upwards from `start`."""
    before = ctx.find_root().obj
    return find_store(store or (before and before.store), start)
