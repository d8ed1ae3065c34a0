"""Reads MLflow's `mlruns` folders: a folder a run, a file a param, a tag and a metric.

A line of a metric's file is `TIME VALUE [STEP [DATASET DIGEST]]`, the time in milliseconds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from cockpit.interop.files import listed, opened
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.mlflow_facts import Facts, as_run, curve, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""A safe one, in C where there is one."""
_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_META, _TRASH = "meta.yaml", ".trash"
_LONGEST = 1 << 20
"""Bytes of a file other than a metric's; MLflow writes at most 8000 characters."""


class _Unreadable(Exception):
    """A file that is not what it should be; the message says where and why."""


def runs(place: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs that were not deleted, by their start."""
    found: list[tuple[float, Path, dict[str, Any], dict[str, Any]]] = []
    deleted = 0
    for home, experiment in _experiments(place):
        if isinstance(experiment, Damaged):
            yield experiment
            continue
        for meta in sorted(home.glob(f"*/{_META}")):
            try:
                about = _meta(meta)
            except _Unreadable as error:
                yield Damaged(str(meta.parent), str(error))
                continue
            if "run_id" not in about:
                continue  # not a run: what else lies in the folder of an experiment
            if about.get("lifecycle_stage") == "deleted" or home.parent.name == _TRASH:
                deleted += 1
                continue
            began = milliseconds(about.get("start_time")) or 0.0
            found.append((began, meta.parent, about, experiment))
    models, homeless = _models(place, {home.name for _, home, *_ in found})
    for _, home, about, experiment in sorted(found, key=lambda one: (one[0], one[1].name)):
        yield _run(place, home, about, experiment, models)
    yield Skipped("deleted run", deleted)
    yield Skipped("version of a model whose run is not there", homeless)


def count_runs(place: Path) -> int:
    """How many there are, deleted ones too."""
    return sum(1 for _ in place.glob("*/*/metrics")) + sum(
        1 for _ in place.glob(f"{_TRASH}/*/*/metrics")
    )


def stamp(folder: Path) -> tuple[float, ...]:
    """How many files there are, how long they are together, and when one of them changed last."""
    files = size = newest = 0
    for place, folders, names in os.walk(folder):
        if "artifacts" in folders:
            folders.remove("artifacts")
        for name in names:
            try:
                about = os.lstat(os.path.join(place, name))
            except OSError:  # taken away meanwhile
                continue
            files, size, newest = files + 1, size + about.st_size, max(newest, about.st_mtime_ns)
    return files, size, newest


def _experiments(folder: Path) -> Iterator[tuple[Path, Any]]:
    for meta in sorted([*folder.glob(f"*/{_META}"), *folder.glob(f"{_TRASH}/*/{_META}")]):
        try:
            about = _meta(meta)
        except _Unreadable as error:
            # Its runs can still be read: the folder's name is what MLflow calls it by, too.
            yield meta.parent, Damaged(str(meta), str(error))
            about = {"experiment_id": meta.parent.name, "name": meta.parent.name}
        if "experiment_id" in about:
            tags = dict(_texts(meta.parent / "tags", []))
            name = str(about.get("name", meta.parent.name))
            yield meta.parent, {"id": about["experiment_id"], "name": name, "tags": tags}


def _run(
    root: Path,
    place: Path,
    about: dict[str, Any],
    experiment: dict[str, Any],
    models: dict[str, list[dict[str, Any]]],
) -> ForeignRun:
    damage: list[str] = []
    key = place.name  # which is what MLflow calls the run
    status = _STATUS.get(_whole(about.get("status")), str(about.get("status")))
    curves = tuple(_curves(place / "metrics", damage, goes_on=status == "RUNNING"))
    artifacts = _text(about.get("artifact_uri"))
    if next(listed(place / "artifacts"), None) is not None:
        artifacts = str(place / "artifacts")  # wherever the folder was moved to since
    return as_run(
        Facts(
            key=key,
            name=_text(about.get("run_name")) or _text(about.get("name")),
            status=status,
            started=milliseconds(about.get("start_time")),
            ended=milliseconds(about.get("end_time")),
            user=_text(about.get("user_id")),
            experiment=experiment,
            artifacts=artifacts,
            params=dict(_texts(place / "params", damage)),
            tags=dict(_texts(place / "tags", damage)),
            curves=curves,
            models=models.get(key, ()),
            datasets=tuple(_datasets(place)),
            damage=tuple(damage),
        ),
        [root.parent, root],
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _meta(file: Path) -> dict[str, Any]:
    """What stands there, but for what is nested deeper than MLflow does it: aliases in YAML can make much of little."""
    try:
        with opened(file) as stream:
            found = yaml.load(stream.read(_LONGEST), Loader=_LOADER)  # noqa: S506
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise _Unreadable(f"{file.name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise _Unreadable(f"{file.name} does not say what it is")
    kept = {n: _flat(v) if isinstance(v, dict) else v for n, v in found.items()}
    return {str(name): value for name, value in kept.items() if not isinstance(value, list)}


def _flat(table: dict[Any, Any]) -> dict[str, Any]:
    return {str(n): v for n, v in table.items() if not isinstance(v, dict | list)}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """By name, with slashes where MLflow made folders of them."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            yield path.relative_to(folder).as_posix(), path


def _texts(folder: Path, damage: list[str]) -> Iterator[tuple[str, str]]:
    for name, path in _files(folder):
        try:
            with opened(path) as stream:
                text = stream.read(_LONGEST).decode("utf-8", "replace")
        except FileNotFoundError:  # taken away meanwhile
            continue
        except OSError as error:
            damage.append(f"{folder.name}/{name} cannot be read: {error.strerror}")
        else:
            yield name, text


def _curves(folder: Path, damage: list[str], goes_on: bool) -> Iterator[Curve]:
    for name, path in _files(folder):
        points: list[tuple[int, int, float]] = []
        try:
            with opened(path) as stream:
                *lines, rest = stream.read().split(b"\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            damage.append(f"metric {name!r} cannot be read: {error.strerror}")
            continue
        for number, line in enumerate(lines, 1):
            try:
                points.append(_point(line.split()))
            except (ValueError, IndexError, OverflowError):
                damage.append(f"metric {name!r}: line {number} is no point")
        if rest and not goes_on:  # of a run that goes on, it is told once it is whole
            damage.append(f"metric {name!r}: line {len(lines) + 1} is cut off")
        steps, times, values = zip(*points, strict=True) if points else ((), (), ())
        yield curve(
            name,
            np.array(steps, dtype=np.int64),
            np.array(times, dtype=np.int64),
            np.array(values, dtype=np.float64),
        )


def _point(words: list[bytes]) -> tuple[int, int, float]:
    if len(words) not in (2, 3, 5):
        raise ValueError(words)
    step, time = int(words[2]) if len(words) > 2 else 0, int(words[0])
    if max(abs(step), abs(time)) >> 62:
        raise ValueError(words)
    return step, time, float(words[1])


def _datasets(place: Path) -> Iterator[dict[str, Any]]:
    for meta in sorted((place / "inputs").glob(f"*/{_META}")):
        try:
            told = _meta(meta)
            data = _meta(place.parent / "datasets" / str(told.get("source_id")) / _META)
        except _Unreadable:
            continue
        tags = told.get("tags")
        yield {
            "name": data.get("name"),
            "digest": data.get("digest"),
            "context": tags.get("mlflow.data.context") if isinstance(tags, dict) else None,
            "source_type": data.get("source_type"),
            "source": data.get("source"),
        }


def _models(folder: Path, runs: set[str]) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Versions of registered models by run, and how many belong to none."""
    found: dict[str, list[dict[str, Any]]] = {}
    homeless = 0
    for meta in sorted((folder / "models").glob(f"*/version-*/{_META}")):
        try:
            about = _meta(meta)
        except _Unreadable:
            homeless += 1
            continue
        if about.get("current_stage") == "Deleted_Internal":
            continue
        every = _texts(meta.parent.parent / "aliases", [])
        aliases = [alias for alias, text in every if text.strip() == str(about.get("version"))]
        homeless += str(about.get("run_id")) not in runs
        found.setdefault(str(about.get("run_id")), []).append(
            {
                "name": about.get("name"),
                "version": about.get("version"),
                "aliases": aliases,
                "stage": about.get("current_stage"),
                "source": about.get("source"),
                "description": about.get("description"),
                "tags": dict(_texts(meta.parent / "tags", [])),
            }
        )
    return found, homeless
