"""The run store: writers append events to a spool, readers fold them into DuckDB and ask.

In a notebook or a script:

    import storage

    store = storage.open_store()                # .cockpit, looked for upwards; or open_store("path")
    runs = store.runs(where="auc > 0.9 and lr < 0.05", sort="auc", limit=20)
    curve = store.metrics(runs["id"][0], "auc")

Everything comes back as a polars frame. Nothing stays open between two calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from storage.reader import Reader

__all__ = ["open_store"]


def open_store(path: str | os.PathLike[str] | None = None) -> Reader:
    """The store to read: `path`, else `COCKPIT_STORE`, else `.cockpit` looked for upwards like `.git`.

    Raises `storage.store.StoreMissing` where there is none.
    """
    # Here, because the screens import this package before they paint anything.
    from storage.layout import find_store
    from storage.reader import Reader

    return Reader(find_store(None if path is None else str(path)))
