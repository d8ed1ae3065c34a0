"""Which runs a query means, by their ids alone: for whoever wants all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import window
from storage.expressions.run_filter import run_names

if TYPE_CHECKING:
    from storage.runs import RunQuery
    from storage.session import Session


def ids(session: Session, query: RunQuery) -> tuple[str, ...]:
    """The ids of the runs in the query's window, in its order.

    Raises `FilterError` where the query's filter cannot be understood, and `NothingToSortBy`.
    """
    with window.matching(session, query, run_names(session)) as matching:
        rows = matching.rows(query)
    found = dict(
        session.rows("select rowid, key from runs where rowid in (select unnest($rows))", rows=rows)
    )
    return tuple(found[row] for row in rows if row in found)
