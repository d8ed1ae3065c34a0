"""The scores of runs for a report, as `cockpit compare` and `cockpit slices` find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit.report.markdown import Table, code
from cockpit.report.words import figure, within
from storage.errors import UserError
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.evaluate.answers import Answers
    from cockpit.evaluate.compare import Scores
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.search import WeakSlice
    from cockpit.models.bundle import Bundle
    from cockpit.project.model import Project
    from storage.layout import Layout
    from storage.models import Version
    from storage.session import Session

WEAK = 5
"""Weak slices that a report names."""


def scores_of(
    layout: Layout,
    project: Project,
    runs: Sequence[str],
    on: str | None = None,
    base: str | None = None,
) -> Scores | None:
    """What the answers of runs (ids) say; None where there are none. Raises `DatasetNotFound`."""
    from cockpit.evaluate.evaluation import look

    with Store(layout).session() as session:
        known = look(session, runs)
    if on is None and not known.predictions:
        return None
    from cockpit.evaluate.compare import Comparer

    return Comparer().scores(project, known, runs, base, on)


@dataclass(frozen=True, slots=True)
class Card:
    """How a version of a model does: its own answers, its rules gone before them."""

    scores: Scores | None = None
    weak: Table = field(default_factory=lambda: Table((), ()))
    """The slices on which it is weakest, found on one half of the rows and confirmed on the other."""
    weak_note: str = ""
    notes: tuple[str, ...] = ()
    """Sentences: what its answers are, or why there are none."""


def card(
    layout: Layout, project: Project, version: Version, bundle: Bundle | str, on: str | None
) -> Card:
    """Ask a version's model about an evaluation set; `bundle` may be why it cannot be asked."""
    from cockpit.evaluate.compare import scores_on
    from cockpit.evaluate.evaluation import look, open_set
    from cockpit.models.gates.sides import side
    from cockpit.models.plain_rules import rules_of

    with Store(layout).session() as session:
        known = look(session, [version.run] if run_exists(session, version.run) else [])
    notes: list[str] = []
    rules = rules_of(version)
    try:
        opened = open_set(layout, project, known.versions, on)
        found = side(known, opened, version.label, version.run, rules, bundle, notes)
        if found.answers is None:
            return Card(notes=(*notes, found.why))
        scores = scores_on(project, opened, {version.run: found.answers})
        takes = () if isinstance(bundle, str) else bundle.signature.names
        weak, weak_note = _weak(project, opened, found.answers, takes)
    except UserError as why:
        return Card(notes=(*notes, str(why)))
    return Card(scores, weak, weak_note, tuple(notes))


def run_exists(session: Session, run: str) -> bool:
    """Whether a run is neither gone nor in the trash."""
    return bool(session.rows("select 1 from runs where key = $run and trashed is null", run=run))


def _weak(
    project: Project, on: EvaluationSet, answers: Answers, takes: Sequence[str]
) -> tuple[Table, str]:
    """Slices over the columns that the model takes, or where nobody knows them over the set's features."""
    from cockpit.evaluate.features import set_features
    from cockpit.evaluate.search import find_slices
    from cockpit.evaluate.worst import NoLoss, loss_words, losses_of

    try:
        losses = losses_of(answers)
    except NoLoss as why:
        return Table((), ()), str(why)
    there = {*on.frame.columns} - {*on.key, on.target}
    features = [name for name in takes if name in there] or set_features(project, on)
    search = find_slices(on.frame, losses, columns=features, k=WEAK, level=2)
    found = [one for one in search.own if one.confirmed]
    said = f"{search.searched:,} slices were searched on one half of the rows; "
    if search.own:
        be = "is" if len(found) == 1 else "are"
        said += f"{len(found)} of the {len(search.own)} weakest {be} confirmed on the other half"
    else:
        said += "none is weaker than the rest"
    return _weak_table(found, loss_words(answers)), said


def _weak_table(found: Sequence[WeakSlice], loss: str) -> Table:
    rows = [
        (
            code(one.expression),
            f"{one.n:,}",
            figure(one.loss),
            figure(one.rest),
            f"+{figure(one.difference)}" if one.difference is not None else "",
            within(one.low, one.high),
        )
        for one in found
    ]
    titles = ("slice", "n", f"{loss} in it", "elsewhere", "worse by", "95 % interval")
    return Table(titles, tuple(rows), right=5)
