"""What MLflow's database and its folders say alike, made into a run. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cockpit.interop.files import listed, local
from cockpit.interop.foreign import Artifact, Curve, ForeignRun
from cockpit.interop.values import typed
from storage.events import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

STATES = {
    "FINISHED": "complete",
    "FAILED": "failed",
    "KILLED": "stopped",
    "RUNNING": "running",
    "SCHEDULED": "running",
}
NOTE, NAME = "mlflow.note.content", "mlflow.runName"
COMMIT, BRANCH, SOURCE = (
    "mlflow.source.git.commit",
    "mlflow.source.git.branch",
    "mlflow.source.name",
)
LARGEST = 1.7976931348623157e308
"""How MLflow writes an infinity into its database."""
_SYSTEM = "system/"
_LONGEST = 60
"""Characters of a tag of theirs that becomes one of ours."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A run as MLflow keeps it."""

    key: str
    name: str | None
    status: str
    started: float | None
    """Milliseconds since 1970, as everywhere in MLflow."""
    ended: float | None
    user: str | None
    experiment: Mapping[str, Any]
    """`id`, `name`, `tags`."""
    artifacts: str | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    curves: tuple[Curve, ...]
    models: Sequence[Mapping[str, Any]] = ()
    """Versions of registered models: `name`, `version`, `aliases`, `stage`…"""
    logged: Sequence[Mapping[str, Any]] = ()
    """Models that the run logged: `name`, `artifact_location`…"""
    datasets: Sequence[Mapping[str, Any]] = ()
    """`name`, `digest`, `context`…"""
    damage: tuple[str, ...] = field(default=())


def as_run(facts: Facts, below: Sequence[Path]) -> ForeignRun:
    """The run; its files are looked for where MLflow says, relative places in the folders `below`."""
    return ForeignRun(
        key=facts.key,
        name=facts.tags.get(NAME) or facts.name or facts.key[:8],
        state=STATES.get(facts.status, "lost"),
        group=facts.experiment["name"],
        started=_seconds(facts.started),
        ended=_seconds(facts.ended),
        params={name: typed(text) for name, text in facts.params.items()},
        summary=dict(_last(facts.curves)),
        curves=facts.curves,
        tags=tuple(_tags(facts)),
        attrs=dict(_attrs(facts)),
        note=facts.tags.get(NOTE),
        provenance=_provenance(facts.tags),
        artifacts=tuple(_artifacts(facts, below)),
        damage=facts.damage,
    )


def curve(
    name: str,
    steps: NDArray[np.int64],
    milliseconds: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Curve:
    """A metric's history by our names and units."""
    called = SYSTEM + name.removeprefix(_SYSTEM) if name.startswith(_SYSTEM) else name
    return Curve(called, steps, milliseconds / 1000, values)


def _last(curves: tuple[Curve, ...]) -> Iterator[tuple[str, float]]:
    """Where MLflow's last value, the one of the highest step, was not written last."""
    for one in curves:
        if len(one.steps) < 2 or one.name.startswith(SYSTEM):
            continue
        at = np.flatnonzero(one.steps == one.steps.max())
        at = at[one.times[at] == one.times[at].max()]
        value = float(one.values[at].max())
        if value != one.values[-1] and value == value:
            yield one.name, value


def milliseconds(value: Any) -> float | None:
    """A time as MLflow has it; None of what is no number."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def _seconds(at: float | None) -> float | None:
    return None if at is None else at / 1000


def _tags(facts: Facts) -> Iterator[str]:
    for key, value in facts.tags.items():
        tag = f"{key}={value}" if value else key
        if not key.startswith("mlflow.") and len(tag) <= _LONGEST and "\n" not in tag:
            yield tag
    for version in facts.models:
        yield f"{version['name']}@{version['version']}"
        yield from (f"{version['name']}@{alias}" for alias in version["aliases"])


def _attrs(facts: Facts) -> Iterator[tuple[str, Any]]:
    yield from ((key, value) for key, value in facts.tags.items() if key not in (NOTE, NAME))
    if facts.user and facts.user != "unknown" and "mlflow.user" not in facts.tags:
        yield "mlflow.user", facts.user
    if facts.experiment["tags"]:
        yield "mlflow.experiment", dict(facts.experiment)
    if facts.models:
        yield "registered_models", [dict(version) for version in facts.models]
    if facts.logged:
        yield "logged_models", [dict(model) for model in facts.logged]
    if facts.datasets:
        yield "datasets", [dict(one) for one in facts.datasets]


def _provenance(tags: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if tags.get(COMMIT):
        found["git"] = {"commit": tags[COMMIT], "branch": tags.get(BRANCH)}
    if tags.get(SOURCE):
        found["command"] = [tags[SOURCE]]
    return found


def _artifacts(facts: Facts, below: Sequence[Path]) -> Iterator[Artifact]:
    if facts.artifacts:
        yield from _folder(facts.artifacts, below, "")
    for model in facts.logged:
        if place := model.get("artifact_location"):
            yield from _folder(place, below, f"models/{model['name']}/")


def _folder(place: str, below: Sequence[Path], prefix: str) -> Iterator[Artifact]:
    """The files there; the place itself where it cannot be looked into from here."""
    # A server keeps what it was sent in a folder of its own, beside its database as a rule.
    served = place.removeprefix("mlflow-artifacts:/").lstrip("/")
    inside = local(
        f"mlartifacts/{served}" if place.startswith("mlflow-artifacts:") else place, below
    )
    if inside is not None:
        for file in listed(inside):
            yield Artifact(prefix + file.name, file.source, file.bytes)
    elif "://" in place and not place.startswith("file:"):
        yield Artifact(prefix, place, None)
