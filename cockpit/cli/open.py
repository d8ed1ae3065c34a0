"""`cockpit` alone: the app where there is a terminal, the runs table where there is none."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from storage.layout import find_store

if TYPE_CHECKING:
    from storage.layout import Layout


def has_terminal() -> bool:
    """Whether a full-screen app can be shown."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def open_cockpit(layout: Layout) -> None:
    """Open the app on the store, or print its newest runs."""
    if has_terminal():
        open_app(layout)
        return
    from cockpit.cli.runs import SHOWN, nothing_yet, read_page
    from cockpit.cli.tables import print_runs

    page = read_page(layout, None, None, False, SHOWN)
    if page is None or not page.runs:
        click.echo(nothing_yet(layout))
    else:
        print_runs(page)


def open_app(layout: Layout, sweep: str | None = None) -> None:
    """Open the app, on a sweep's screen where one is named."""
    from cockpit.tui.app import CockpitApp
    from cockpit.tui.canvas import default_glyphs
    from cockpit.tui.control import StoreControl
    from cockpit.tui.deeds import StoreDeeds
    from cockpit.tui.keymap import settings
    from cockpit.tui.source import StoreSource

    wishes = settings()
    if wishes.glyphs == "auto":
        wishes = replace(wishes, glyphs=default_glyphs(os.environ.get("TERM", "")))
    # What `o` shows must find the same store when it is typed here.
    store = None if find_store() == layout else str(layout.root)
    app = CockpitApp(
        StoreSource(layout),
        sweep,
        StoreControl(layout),
        deeds=StoreDeeds(layout),
        settings=wishes,
        store=store,
    )
    app.run(mouse=wishes.mouse)
