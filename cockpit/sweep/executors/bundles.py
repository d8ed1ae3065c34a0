"""Writes a model as a bundle, under the interpreter of the user's code.

One file on the standard library alone (Python 3.8 and later), as worker.py, which loads it by its path.
What it takes to make a model's files (skl2onnx and onnxruntime, skops) is imported where it is needed,
from the user's environment; where there is none of it, the sentence says what to install.

A bundle is a folder:

    manifest.json   of each other file its `sha256` and `bytes`
    model.toml      formats, task, target, classes, columns and their types, versions
    example.json    rows, and what the model answers to them
    model.onnx · model.skops · model.pkl · files/…      the model
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

KEPT = 20
"""Rows of the example that are kept; all of them are compared."""
PARTIAL = ".model-"
"""What the name of a bundle in the making begins with."""
_RENAME_EXCHANGE = _RENAME_SWAP = 2
_HERE = -100
"""AT_FDCWD: paths are seen from the working directory."""


def _beside(name: str) -> Any:
    """A module in this folder, by its path: cockpit need not be installed."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"cockpit_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_files, _rows = _beside("model_files"), _beside("model_rows")


class Saved:
    """A model that was saved. Called with rows, it answers by the very file that was kept."""

    def __init__(
        self, formats: Sequence[str], notes: Sequence[str], answer: Callable[[Any], dict[str, Any]]
    ) -> None:
        self.formats = tuple(formats)
        """`onnx`, `skops`, `pickle` or `files`; the first is the one that is used."""
        self.notes = tuple(notes)
        """Why a format is not there."""
        self._answer = answer

    def __call__(self, rows: Any) -> dict[str, Any]:
        """`y_pred`, `y_score` and `classes`, as `log_predictions(NAME, **answers)` takes them."""
        return self._answer(rows)


def save(
    folder: str,
    model: Any,
    example: Any,
    *,
    target: str | None,
    positive: Any,
    columns: Sequence[str] | None,
    classes: Sequence[Any] | None,
    files: Mapping[str, Any] | None,
    unsafe_pickle: bool,
    environment: Mapping[str, Any],
    samples: Mapping[str, str] | None = None,
) -> Saved:
    """Writes the bundle `folder`, whole or not at all; one that is there is replaced.

    `samples` are the files of evaluation sets by name: a converted model is to answer some of their rows as the
    model does, beside all rows of the example.
    Raises ValueError or TypeError, and writes nothing then.
    """
    if columns is None and _rows.kind_of(example) in ("polars", "pandas"):
        columns = [str(name) for name in getattr(model, "feature_names_in_", ())]
    shown = _rows.Example(example, target, columns)
    around = os.path.dirname(folder)
    os.makedirs(around, exist_ok=True)
    _sweep(around)
    partial = tempfile.mkdtemp(prefix=PARTIAL, dir=around)
    try:
        with _locked(partial):
            made = _model_files(partial, model, shown, classes, files, unsafe_pickle, samples or {})
            _describe(partial, made, shown, target, positive, environment)
            _manifest(partial)
            _take_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Saved(made["formats"], made["notes"], made["answer"])


def _model_files(
    folder: str,
    model: Any,
    shown: Any,
    classes: Sequence[Any] | None,
    files: Mapping[str, Any] | None,
    unsafe_pickle: bool,
    samples: Mapping[str, str],
) -> Any:
    """Writes the model; returns a dict of `formats`, `notes`, `compared`, `classes`, `expected` and `answer`."""
    known = (
        []
        if classes is None
        else [_rows.plain("classes", label) for label in _rows.listed(classes)]
    )
    if _is_onnx(model):
        return _files.own_onnx(folder, model, shown, known)
    if hasattr(model, "predict") and (files is None or unsafe_pickle):
        if shown.kind == "columns":
            raise TypeError(
                "example is a mapping; give the frame or array that the model is fit on"
            )
        told = getattr(model, "classes_", None)
        labels = (
            [] if told is None else [_rows.plain("classes_", label) for label in _rows.listed(told)]
        )
        return _files.estimator(folder, model, shown, labels, unsafe_pickle, samples)
    if not files:
        kind = type(model).__name__
        raise TypeError(
            f"save_model was given an object of type {kind}: give an estimator of scikit-learn, an ONNX model "
            "(or its path, model.onnx), or the files of another framework, files={'weights.pt': PATH}"
        )
    for name, source in files.items():
        _copy(folder, name, source)
    nothing = {"y_pred": None, "y_score": None}
    return {
        "formats": ["files"],
        "notes": [],
        "compared": [],
        "classes": known,
        "expected": nothing,
        "answer": _unanswered,
    }


def _describe(
    folder: str,
    made: Mapping[str, Any],
    shown: Any,
    target: str | None,
    positive: Any,
    environment: Mapping[str, Any],
) -> None:
    classes = made["classes"]
    if positive is None and len(classes) == 2:
        positive = classes[1]
    if positive is not None and positive not in classes:
        raise ValueError(f"positive is {positive!r}, and the model's classes are {classes}")
    task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    lines = [
        "bundle = 1",
        f"formats = {_toml(made['formats'])}",
        f"task = {_toml(task)}",
        *([f"target = {_toml(target)}"] if target else []),
        f"classes = {_toml(classes)}",
        *([f"positive = {_toml(positive)}"] if positive is not None else []),
        f"rows = {_toml(shown.kind)}",
        f"created = {_toml(_now())}",
        f"python = {_toml(environment['python'])}",
        f"notes = {_toml(made['notes'])}",
        f"compared = {_toml(made['compared'])}",
    ]
    for column in shown.signature():
        lines += ["", "[[columns]]", *(f"{key} = {_toml(value)}" for key, value in column.items())]
    packages = environment["packages"]
    lines += ["", "[packages]", *(f"{_toml(n)} = {_toml(v)}" for n, v in packages.items())]
    _files.write(folder, "model.toml", ("\n".join(lines) + "\n").encode())
    expected = made["expected"]
    example = {
        "columns": {name: values[:KEPT] for name, values in shown.columns.items()},
        "classes": classes,
        "expected": {name: _head(expected[name]) for name in ("y_pred", "y_score")},
    }
    try:
        text = json.dumps(example, ensure_ascii=False, allow_nan=False, indent=1)
    except ValueError:
        raise ValueError("example, or what the model answers to it, has infinite values") from None
    _files.write(folder, "example.json", text.encode())


def _manifest(folder: str) -> None:
    files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            below = os.path.relpath(path, folder).replace(os.sep, "/")
            files[below] = {"sha256": digest, "bytes": os.path.getsize(path)}
    text = json.dumps({"bundle": 1, "files": dict(sorted(files.items()))}, indent=1)
    _files.write(folder, "manifest.json", text.encode())


def _take_place(partial: str, folder: str) -> None:
    """Puts the folder `partial` at `folder`; what was there before is at `partial` then, or gone.

    In one step where the file system can swap two folders; else there is a moment in which none is there.
    """
    os.chmod(partial, 0o755)  # noqa: S103 - mkdtemp makes it the owner's alone
    if os.path.lexists(folder):
        if _swapped(partial, folder):
            return
        os.rename(folder, f"{partial}-old")
    os.rename(partial, folder)
    shutil.rmtree(f"{partial}-old", ignore_errors=True)


def _swapped(one: str, other: str) -> bool:
    """Gives each of two paths what lies at the other, by Linux's renameat2 or macOS' renamex_np, if they can."""
    try:
        import ctypes

        system, names = ctypes.CDLL(None), (os.fsencode(one), os.fsencode(other))
        if hasattr(system, "renamex_np"):
            return bool(system.renamex_np(*names, _RENAME_SWAP) == 0)
        return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _RENAME_EXCHANGE) == 0)
    except (ImportError, AttributeError, OSError):
        return False


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[bool]:
    """Whether nobody else holds the folder's lock; it is held while this lasts then."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except OSError:  # somebody has it, or there are no locks here
        free = False
    try:
        yield free
    finally:
        os.close(descriptor)


def _sweep(folder: str) -> None:
    """Takes away what somebody left in a run's folder who was killed while he saved a model."""
    for name in os.listdir(folder):
        if name.startswith(PARTIAL):
            with _locked(os.path.join(folder, name)) as free:
                if free:
                    shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _copy(folder: str, name: str, source: Any) -> None:
    parts = str(name).split("/")
    if not all(parts) or any(part in (".", "..") or "\\" in part for part in parts):
        raise ValueError(f"files: {name!r} is no name of a file in a folder")
    place = os.path.join(folder, "files", *parts)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    shutil.copyfile(os.fspath(source), place)


def _is_onnx(model: Any) -> bool:
    if type(model).__name__ == "ModelProto" and hasattr(model, "SerializeToString"):
        return True
    return isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".onnx")


def _head(values: Any) -> Any:
    return None if values is None else _rows.listed(values)[:KEPT]


def _unanswered(rows: Any) -> dict[str, Any]:
    raise TypeError("a bundle of files is answered by its own framework")


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()  # noqa: UP017 - Python 3.8


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    escaped = json.dumps(text, ensure_ascii=False)
    return escaped.replace("\x7f", "\\u007f")
