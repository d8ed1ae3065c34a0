"""Finds the slices that a run answers worst, for the screens: in whatever thread it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.tui.slice_book import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.layout import Layout

WEAKEST, PREDICATES = 10, 2
"""So many weak slices are looked for, of so many predicates at most: as `cockpit slices --find` does."""


def weak_slices(
    layout: Layout,
    run: str,
    label: str,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> Found:
    """Find the slices that a run answers worst. Raises `UserError`."""
    from cockpit.evaluate.evaluation import answers_of, choose, look, open_as_set
    from cockpit.evaluate.features import set_features
    from cockpit.evaluate.search import find_slices
    from cockpit.evaluate.worst import loss_words, losses_of
    from cockpit.project.reading import find_project
    from storage.store import Store

    project = find_project(layout)
    with Store(layout).session() as session:
        known = look(session, [run])
    on = open_as_set(layout, project, choose(project, known.versions, label))
    answers = answers_of(known, on, run, rescore=True).answers
    search = find_slices(
        on.frame,
        losses_of(answers),
        columns=set_features(project, on),
        k=WEAKEST,
        level=PREDICATES,
        progress=progress,
        cancelled=cancelled,
    )
    return Found(
        run=known.names.get(run, run),
        set=label,
        loss=loss_words(answers),
        searched=search.searched,
        rows=search.rows,
        slices=search.found,
        capped=search.capped,
        complete=search.complete,
    )
