"""Evaluation sets, and the answers of runs on them: found in the store, checked, laid row beside row.

NotScored    a run has no answers on the set's version
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from cockpit.data.versions import open_version
from cockpit.evaluate.features import Features, data_features, model_features, told_features
from cockpit.evaluate.prediction_files import BadPredictions, kept
from cockpit.evaluate.predictions import Loaded, load
from cockpit.evaluate.sets import evaluation_sets
from cockpit.evaluate.truth import Truth, truth_of
from cockpit.project.reading import find_project
from cockpit.sweep.spec.errors import nearest
from storage.datasets import DatasetNotFound, find_among, versions
from storage.errors import UserError
from storage.predictions import predictions
from storage.runs import details

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.evaluate.answers import Task
    from cockpit.project.model import Project
    from storage.datasets import Growth, Version
    from storage.layout import Layout
    from storage.predictions import Predictions
    from storage.session import Session


class NotScored(UserError):
    """A run has no answers on this version of the evaluation set; says which it has, and what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store says of datasets and of some runs, read at once: the lock is held for that alone."""

    layout: Layout
    versions: tuple[Version, ...]
    predictions: tuple[Predictions, ...]
    """Of the runs."""
    names: Mapping[str, str]
    """The runs' names by id, in the order asked for."""
    features: Mapping[str, tuple[str, ...]]
    """By run, where its code said what its model needs."""
    used: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """By run, what its provenance says of the data it used, by name."""

    def of(self, run: str, evaluation: str) -> Predictions | None:
        """A run's last answers on any version of the set."""
        mine = (p for p in self.predictions if p.run == run and p.evaluation == evaluation)
        return next(mine, None)

    def version(self, told: Predictions) -> Version | None:
        """The version that was answered."""
        found = (v for v in self.versions if v.digest == told.dataset and v.name == told.evaluation)
        return next(found, None)

    def labelled(self, digest: str, name: str) -> str:
        """The version of a content under a name, as `adult-eval@v3`."""
        found = (v.label for v in self.versions if v.digest == digest and v.name == name)
        return next(found, f"{name}@{digest.rpartition(':')[2][:8] or '?'}")


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """A version of an evaluation set, opened."""

    version: Version
    frame: pl.DataFrame
    key: tuple[str, ...]
    truth: Truth

    @property
    def target(self) -> str:
        return self.truth.target

    @property
    def task(self) -> Task:
        return self.truth.task

    @property
    def classes(self) -> tuple[Any, ...]:
        return self.truth.classes


def look(session: Session, runs: Sequence[str]) -> Known:
    """Ask the store for all that scoring these runs (ids) needs."""
    found = {each.run.id: each for each in details(session, runs)}
    features = {
        run: said
        for run, each in found.items()
        if (said := told_features(each.user_attrs)) is not None
    }
    used = {run: each.provenance.get("data") or {} for run, each in found.items()}
    return Known(
        session.layout,
        versions(session),
        predictions(session, list(runs)) if runs else (),
        {run: found[run].run.name for run in runs},
        features,
        used,
    )


def choose(project: Project, there: Sequence[Version], text: str | None) -> Version:
    """The version meant: as `find` takes it, else the one that cockpit.toml says, else the only one.

    Raises `DatasetNotFound`.
    """
    if text is None:
        names = evaluation_sets(project)
        if project.evaluation.on is not None:
            text = project.evaluation.on
        elif len(names) == 1:
            text = names[0]
        elif names:
            raise DatasetNotFound(
                f'which evaluation set? there is {", ".join(names)}; --on NAME, or on = "{names[0]}" '
                "in [evaluation] of cockpit.toml"
            )
        else:
            raise DatasetNotFound(
                "there is no evaluation set; cockpit.toml names one as [data.NAME] with "
                'path = "FILE", target = "COLUMN" and evaluation = true'
            )
    return find_among(there, text)


def open_set(
    layout: Layout, project: Project, there: Sequence[Version], text: str | None = None
) -> EvaluationSet:
    """Open the version meant (see `choose`), its target read as cockpit.toml says.

    Raises `DatasetNotFound`, `BadTruth`, `DataGone`.
    """
    return open_as_set(layout, project, choose(project, there, text))


def open_as_set(layout: Layout, project: Project, version: Version) -> EvaluationSet:
    """Open a version of any dataset with a target. Raises `BadTruth`, `DataGone`."""
    table = project.data.get(version.name)
    target = (table and table.target) or version.facts.get("target")
    positive = version.facts.get("positive") if table is None else table.positive
    frame = open_version(layout, version).collect()
    truth = truth_of(version.label, frame, target, positive)
    return EvaluationSet(version, frame, key_of(project, version), truth)


def key_of(project: Project, version: Version) -> tuple[str, ...]:
    """The columns that name a row."""
    table = project.data.get(version.name)
    return (table.key if table else ()) or tuple(version.facts.get("key") or ())


def answers_of(known: Known, on: EvaluationSet, run: str, *, rescore: bool = False) -> Loaded:
    """A run's answers on the set's version, in the order of its rows.

    With `rescore` the model that the run saved answers where the run has not.

    Answers on an earlier version count where the set has grown from it and the run has answered every new
    row too, where it came from; those on a later one, grown from this one, hold these rows as well.
    Raises `NotScored`, `BadPredictions`.
    """
    _check_features(known, on, run)
    try:
        return _told(known, on, run)
    except NotScored as why:
        if not rescore:
            raise
        return _by_its_model(known, on, run, why)


def _by_its_model(known: Known, on: EvaluationSet, run: str, why: NotScored) -> Loaded:
    from cockpit.models.bundle import BadRows, BundleError, has_bundle, load_bundle
    from cockpit.models.predicting import score_with

    folder = known.layout.bundle(run)
    if not has_bundle(folder):
        raise why
    try:
        loaded = score_with(load_bundle(folder), on)
    except (BadRows, BundleError) as error:
        raise NotScored(f"{why}; the model it saved does not answer either: {error}") from None
    note = f"the saved model answers {on.version.label} now, for the run itself had not"
    return Loaded(loaded.answers, (*loaded.notes, note))


def _told(known: Known, on: EvaluationSet, run: str) -> Loaded:
    """What the run itself has answered."""
    told = known.of(run, on.version.name)
    label, name = on.version.label, known.names.get(run, run)
    if told is None:
        raise NotScored(
            f"{name} has no predictions on {on.version.name}: its code calls trial.log_predictions"
            f"({on.version.name!r}, …), or cockpit evaluate {run} --predictions FILE takes them"
        )
    if told.dataset == on.version.digest:
        return load(kept(known.layout, told), on.frame, on.key, on.truth)
    try:
        pooled, ways = _carried(known, on, told)
    except _NotGrown as why:
        scored = known.labelled(told.dataset, told.evaluation)
        raise NotScored(
            f"{name} is scored on {scored}, not on {label}{why}: cockpit evaluate {run} --on {scored}, "
            "or score it anew"
        ) from None
    loaded = load(pooled, on.frame, on.key, on.truth)
    note = f"its answers are those on {', '.join(ways)}, row by row"
    return Loaded(loaded.answers, (*loaded.notes, note))


def scored(
    known: Known, on: EvaluationSet, runs: Sequence[str], *, rescore: bool = False
) -> dict[str, Loaded]:
    """The answers of several runs on one version: figures on different rows are never put side by side.

    Raises `NotScored` with a sentence for each run that has none, and which version all of them have.
    """
    found: dict[str, Loaded] = {}
    problems: list[str] = []
    for run in runs:
        try:
            found[run] = answers_of(known, on, run, rescore=rescore)
        except NotScored as error:
            problems.append(str(error))
    if problems:
        told = {each.dataset if (each := known.of(run, on.version.name)) else "" for run in runs}
        if len(runs) > 1 and len(told) == 1 and "" not in told:
            same = known.labelled(told.pop(), on.version.name)
            problems.append(f"all of them are scored on {same}: --on {same}")
        raise NotScored("\n".join(problems))
    return found


class _NotGrown(Exception):
    """Answers cannot be carried over; why, if there is more to say than that."""


def _carried(known: Known, on: EvaluationSet, told: Predictions) -> tuple[pl.DataFrame, list[str]]:
    """The answers on another version that has these rows too, and those on what was added; by key."""
    version = known.version(told)
    since = None if version is None else _grown(known, on.version, version)
    if version is None or (since is None and _grown(known, version, on.version) is None):
        raise _NotGrown("")
    if not on.key:
        raise _NotGrown(", and without a key its rows cannot be told")
    parts, ways = [_with_key(known, on, told, version)], [version.label]
    for growth in since or ():
        label = (growth.source or "").partition(" where ")[0]
        source = next((one for one in known.versions if one.label == label), None)
        other = None if source is None else known.of(told.run, source.name)
        if source is None or other is None or other.dataset != source.digest or label in ways:
            continue
        parts.append(_with_key(known, on, other, source))
        ways.append(label)
    try:
        pooled = pl.concat(parts, how="diagonal").unique(on.key, keep="first", maintain_order=True)
    except pl.exceptions.PolarsError:
        raise _NotGrown(", and its answers to the new rows are of another kind") from None
    pooled = pooled.join(on.frame.select(on.key), on=on.key, how="semi")
    if missing := on.frame.height - pooled.height:
        raise _NotGrown(f", of which {missing:,} rows are new to it")
    return pooled, ways


def _grown(known: Known, version: Version, origin: Version) -> list[Growth] | None:
    """What a version grew by since `origin`, which is of the same name; None where it did not grow from it."""
    by_digest = {one.digest: one for one in known.versions if one.name == origin.name}
    steps: list[Growth] = []
    while version.digest != origin.digest:
        growth = version.growth
        if growth is None or growth.parent not in by_digest or len(steps) > len(by_digest):
            return None
        steps.append(growth)
        version = by_digest[growth.parent]
    return steps


def _with_key(known: Known, on: EvaluationSet, told: Predictions, version: Version) -> pl.DataFrame:
    """A run's answers on a version, with the key of each row in the types of the set's own."""
    found = kept(known.layout, told)
    if not set(on.key) <= set(found.columns):
        frame = open_version(known.layout, version).select(on.key).collect()
        if frame.height != found.height:
            raise BadPredictions(
                f"there are {found.height:,} predictions for the {frame.height:,} rows of {version.label}"
            )
        found = found.hstack(frame)
    return found.cast({column: on.frame.schema[column] for column in on.key})


def run_features(known: Known, run: str, target: str | None = None) -> Features:
    """The columns that a run's model takes, of training data those for the target. Raises `ProjectError`."""
    if (told := known.features.get(run)) is not None:
        return Features(told, "told")
    if (saved := model_features(known.layout.bundle(run))) is not None:
        return Features(saved, "model")
    if not (used := known.used.get(run)):
        return Features()
    return data_features(known.layout, find_project(known.layout), known.versions, used, target)


def _check_features(known: Known, on: EvaluationSet, run: str) -> None:
    features = run_features(known, run, on.target)
    there = on.frame.columns
    lacking = [name for name in features.columns if name not in there]
    if not lacking:
        return
    near = nearest(lacking[0], there)
    meant = f" (it has {near!r})" if near else ""
    named = ", ".join(map(repr, lacking[:_NAMED]))
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    columns = f"the column{'s' * (len(lacking) > 1)} {named}{more}"
    name, label = known.names.get(run, run), on.version.label
    if features.source == "data":
        training = features.label.partition("@")[0]
        raise NotScored(
            f"{name} was trained on {features.label} with {columns}, which {label} has not{meant}: its figures "
            f"there would mean nothing. What is no feature stands in ignore of [data.{training}] in cockpit.toml, "
            "or log_predictions(…, features=…) says what the model takes"
        )
    raise NotScored(
        f"the model of {name} needs {columns}, which {label} has not{meant}: its figures there would mean nothing"
    )


_NAMED = 3
"""Columns that a sentence names."""
