"""Runs a training function trial after trial, under the interpreter of the user's code.

One file on the standard library alone (Python 3.8 and later), since neither cockpit nor Optuna need
be installed there: `python worker.py DESCRIPTOR FOLDER FUNCTION DESCRIBE BASELINE`. It speaks JSON
lines over the inherited socket DESCRIPTOR, never stdout (`python worker.py --describe` alone prints
what `environment` says, and ends). What it hears:

    {"number", "params", "log", "folder", "environment", "baseline"}      run a trial
    {"value"} · {"prune"} · {"refused": [error, text]}, each with "ask"   the answer to that question

What it says, by "say": `ready`, `broken`, `suggest`, `report`, `logged`, `prune`, `attr`,
`constraint`, `predictions`, `finished`; the rest of such an object are the fields of the event in seam.py.
A question has its number in "ask". DESCRIBE is 1 where `ready` is to list the installed packages, 0
where they are known. BASELINE is the function of a task with "baseline", or empty.
"""

from __future__ import annotations

import array
import builtins
import contextlib
import datetime
import faulthandler
import importlib
import importlib.util
import json
import math
import os
import re
import resource
import select
import signal
import stat
import sys
import threading
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PRUNE_SECONDS = 10.0
"""A trial waits so long to hear whether it is pruned, then goes on; an answer that comes later counts
for nothing."""
PREDICTIONS = ".answers"
"""How the names of the files end that `keep_predictions` writes."""
_KINDS = frozenset((bool, int, float, str, type(None)))
_WHOLE = (("b", 7), ("h", 15), ("i", 31), ("q", 63))


class TrialPruned(Exception):
    """Raise it to end a trial that is not worth going on with; Optuna's own does as well."""


class Cancelled(BaseException):
    """The sweep stops this trial. No `Exception`, so that `finally` runs and `except` does not."""


class Broken(Exception):
    """There is no function to run. `kind` is `import` or `function`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Stop:
    """SIGTERM's handler: raises Cancelled once, in a trial, and never halfway through a message.

    One that comes just before a trial is kept for it; the sweep ends the worker afterwards.
    """

    def __init__(self) -> None:
        self.armed = self.fired = self._holding = self._due = False

    def install(self) -> None:
        signal.signal(signal.SIGTERM, self._handle)

    def arm(self) -> None:
        self.install()  # again for each trial: training code may have set a handler of its own
        self.armed = True
        if self.fired:
            raise Cancelled

    def hold(self) -> bool:
        """Puts the exception off; True where this call did, and so `release` is to be called."""
        main = threading.current_thread() is threading.main_thread()
        if self._holding or not main:
            return False
        self._holding = True
        return True

    def release(self) -> None:
        self._holding = False
        if self._due:
            self._due = False
            raise Cancelled

    def _handle(self, number: int, frame: Any) -> None:
        if self.fired:
            return
        self.fired = True
        if self._holding:
            self._due = self.armed
        elif self.armed:
            raise Cancelled


class Channel:
    """The socket to the sweep. Only the trial that runs may speak, from any of its threads."""

    def __init__(self, descriptor: int, stop: Stop) -> None:
        os.set_inheritable(descriptor, False)
        os.register_at_fork(after_in_child=self._leave)
        self._descriptor = descriptor
        self._stop = stop
        self._lock = threading.RLock()
        self._heard = b""
        self._asked = 0
        self.trial: Trial | None = None

    def say(self, message: dict[str, Any], trial: Trial | None = None) -> None:
        data = json.dumps(message, default=_plain).encode() + b"\n"
        with self._lock:
            self.check(trial)
            held = self._stop.hold()
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            finally:
                if held:
                    self._stop.release()

    def check(self, trial: Trial | None) -> None:
        """Raises RuntimeError where the trial may not speak."""
        self._check_process()
        if trial is not self.trial:
            raise RuntimeError("this trial has ended; nothing can be told about it any more")

    def ask(self, message: dict[str, Any], trial: Trial, patience: float | None = None) -> Any:
        """Says and waits; raises what the sweep refuses with; None where patience (seconds) ended."""
        self._check_process()
        with self._lock:
            if self._stop.fired:
                raise RuntimeError("this trial was cancelled; it gets no more answers")
            self._asked += 1
            self.say({**message, "ask": self._asked}, trial)
            answer = self._answer(patience)
        if answer is None:
            return None
        if "refused" in answer:
            name, text = answer["refused"]
            kind = getattr(builtins, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                raise kind(text)
            raise RuntimeError(f"{name}: {text}")
        return answer.get("value", answer.get("prune"))

    def task(self) -> dict[str, Any] | None:
        """The next trial; None when the sweep is gone. Answers that came too late are passed over."""
        while True:
            message = self._hear(None)
            if message is None or "number" in message:
                return message

    def _answer(self, patience: float | None) -> dict[str, Any] | None:
        end = None if patience is None else time.monotonic() + patience
        while True:
            try:
                answer = self._hear(end)
            except TimeoutError:
                return None
            if answer is None:
                raise Cancelled
            if answer.get("ask") == self._asked:
                return answer

    def _hear(self, end: float | None) -> dict[str, Any] | None:
        """The next message; None when the sweep is gone. Raises TimeoutError at `end`."""
        while b"\n" not in self._heard:
            if end is not None:
                self._await(end)
            data = os.read(self._descriptor, 1 << 16)
            if not data:
                return None
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _await(self, end: float) -> None:
        poll = select.poll()  # select() knows no descriptor above 1023
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(1000 * max(0.0, end - time.monotonic())):
            raise TimeoutError

    def _leave(self) -> None:
        """A forked child's own first step, and its children's."""
        if self._descriptor >= 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.close(self._descriptor)
            self._descriptor = -1
            self._lock = threading.RLock()  # another thread may have held it, and is not here

    def _check_process(self) -> None:
        if self._descriptor < 0:
            raise RuntimeError("a trial cannot be used in a forked child process")


class Trial:
    """Optuna's Trial, as far as an objective needs it; the sampler is at the other end."""

    TrialPruned = TrialPruned

    def __init__(
        self, channel: Channel, number: int, params: Mapping[str, Any], folder: str
    ) -> None:
        self.number = number
        self._folder = folder
        self.datetime_start = datetime.datetime.now()  # noqa: DTZ005 - naive, as Optuna's
        self._channel = channel
        self._params = dict(params)
        self._user_attrs: dict[str, Any] = {}
        self._constraints: dict[str, float] = {}
        self._steps: set[int] = set()
        self._logged: dict[str, int] = {}

    @property
    def folder(self) -> Path:
        """Where this run's files belong; made when it is first asked for."""
        from pathlib import Path

        os.makedirs(self._folder, exist_ok=True)
        return Path(self._folder)

    @property
    def data(self) -> dict[str, str]:
        """Paths of the files in the spec's [data] and of the project's evaluation sets, by name."""
        found: dict[str, str] = json.loads(os.environ.get("COCKPIT_DATA", "{}"))
        return found

    @property
    def params(self) -> dict[str, Any]:
        """The parameters known so far, by name."""
        return dict(self._params)

    @property
    def user_attrs(self) -> dict[str, Any]:
        return dict(self._user_attrs)

    @property
    def constraints(self) -> dict[str, float]:
        return dict(self._constraints)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        step = None if step is None else float(step)
        options = {"low": float(low), "high": float(high), "step": step, "log": bool(log)}
        return float(self._suggest("float", name, options))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        options = {"low": int(low), "high": int(high), "step": int(step), "log": bool(log)}
        value = self._suggest("int", name, options)
        if int(value) != value:
            raise ValueError(f"{name} is {value!r} in this sweep, which is no whole number")
        return int(value)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices, the very same object, whatever it is."""
        choices = list(choices)
        said = _sayable(choices)
        value = self._suggest("categorical", name, {"choices": said})
        for choice, word in zip(choices, said):  # noqa: B905 - Python 3.8
            same_nan = word != word and value != value
            if type(word) is type(value) and (word == value or same_nan):
                self._params[name] = choice
                break
        return self._params[name]

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        return self.suggest_float(name, low, high, step=q)

    def _suggest(self, kind: str, name: str, options: dict[str, Any]) -> Any:
        if name not in self._params:
            message = {"say": "suggest", "name": name, "kind": kind, "options": options}
            self._params[name] = self._channel.ask(message, self)
        return self._params[name]

    def report(self, value: float, step: int) -> None:
        """Sends and goes on. Of several values at one step the first counts, as in Optuna."""
        value = _number(value, "value", float)
        step = _step(step)
        if step in self._steps:
            warnings.warn(f"step {step} was reported already; this value is ignored", stacklevel=2)
            return
        self._channel.say({"say": "report", "value": value, "step": step}, self)
        self._steps.add(step)

    def log(self, step: int | None = None, **metrics: float) -> None:
        """Keeps any metrics by name, each a curve; without a step each one's calls are counted, from 0.

        What the pruner judges by is `report`ed, which is Optuna's.
        """
        by_step: dict[int, dict[str, float]] = {}
        for name, value in metrics.items():
            at = self._logged.get(name, 0) if step is None else _step(step)
            by_step.setdefault(at, {})[name] = _number(value, name, float)
            self._logged[name] = max(self._logged.get(name, 0), at + 1)
        for at, group in by_step.items():
            self._channel.say({"say": "logged", "metrics": group, "step": at}, self)

    def should_prune(self) -> bool:
        return bool(self._channel.ask({"say": "prune"}, self, PRUNE_SECONDS))

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keeps a JSON value (or a numpy one) with the run."""
        self._channel.say({"say": "attr", "key": str(key), "value": value}, self)
        self._user_attrs[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """Feasible at or below 0."""
        value = _number(value, "value", float)
        if math.isnan(value):
            raise ValueError(f"the constraint {key!r} cannot be NaN")
        if key in self._constraints:
            warnings.warn(f"constraint {key!r} was set already; ignored", stacklevel=2)
            return
        self._channel.say({"say": "constraint", "key": key, "value": value}, self)
        self._constraints[key] = value

    def log_predictions(
        self,
        evaluation_set: str,
        y_pred: Any = None,
        y_score: Any = None,
        key: Any = None,
        *,
        classes: Any = None,
        features: Sequence[str] | None = None,
    ) -> None:
        """Keeps the run's answers on an evaluation set of cockpit.toml; told again, the last ones count.

        `y_pred` is a label or a number a row, `y_score` a score a row (of the positive label) or a column
        a class, which `classes` names. They stand in the order of the set's rows, or `key` says which row
        each is for: a mapping of the key's columns, or the only one itself. Anything with `tolist` or
        `to_list` will do. `features` are the columns the model needs, kept with the run.
        Raises ValueError or TypeError, and keeps nothing then.
        """
        known = json.loads(os.environ.get("COCKPIT_EVALUATIONS", "{}"))
        columns = predictions(known, evaluation_set, y_pred, y_score, key, classes)
        self._channel.check(self)
        said = keep_predictions(os.environ["COCKPIT_PREDICTIONS"], evaluation_set, columns)
        self._channel.say({"say": "predictions", "evaluation": evaluation_set, **said}, self)
        if features is not None:
            self.set_user_attr("features", [str(name) for name in features])

    def save_model(
        self,
        model: Any,
        example: Any,
        *,
        target: str | None = None,
        positive: Any = None,
        columns: Sequence[str] | None = None,
        classes: Any = None,
        files: Mapping[str, Any] | None = None,
        unsafe_pickle: bool = False,
    ) -> Any:
        """Keeps the trained model with the run, as a bundle that can be deployed; told again, the last one counts.

        `model` is an estimator of scikit-learn with its preprocessing, an ONNX model (or its path), or None
        where `files` names those of another framework. `example` is a frame or an array of raw rows as the
        model is to get them: all are compared, and some of each evaluation set; the first are kept. Returns the
        saved model: called with rows it answers by the very file that was kept,
        `trial.log_predictions(NAME, **saved(rows))`.
        Raises ValueError or TypeError, and keeps nothing then.
        """
        self._channel.check(self)
        known = json.loads(os.environ.get("COCKPIT_EVALUATIONS", "{}"))
        return bundles().save(
            os.environ["COCKPIT_MODEL"],
            model,
            example,
            target=target,
            positive=positive,
            columns=columns,
            classes=classes,
            files=files,
            unsafe_pickle=unsafe_pickle,
            environment=environment(),
            samples={name: each["path"] for name, each in known.items() if "path" in each},
        )

    def __getattr__(self, name: str) -> Any:
        there = ", ".join(sorted(key for key in dir(type(self)) if not key.startswith("_")))
        raise AttributeError(
            f"this trial has no {name!r}: the study lives in the sweep's own process. "
            f"There is: datetime_start, number, {there}"
        )


def bundles() -> Any:
    """The module beside this file that writes models; loaded by its path, since cockpit need not be installed."""
    name = "cockpit_bundles"
    if name not in sys.modules:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundles.py")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


def predictions(
    known: Mapping[str, Mapping[str, Any]] | None,
    name: str,
    y_pred: Any,
    y_score: Any,
    key: Any,
    classes: Any,
) -> dict[str, list[Any]]:
    """What `log_predictions` was given, checked, as columns by name.

    `known` has `rows` (or None) and `key` (names) of each evaluation set; None where nobody knows them.
    A score a class is the column `y_score.CLASS`. Raises ValueError or TypeError.
    """
    table = _known_set(known, name)
    columns: dict[str, list[Any]] = {}
    if y_pred is not None:
        columns["y_pred"] = _only(_lists(y_pred, "y_pred"), "y_pred")
    if y_score is not None:
        columns.update(_scores(_lists(y_score, "y_score"), classes))
    if not columns:
        raise ValueError("log_predictions was given neither y_pred nor y_score")
    columns.update(_key_columns(key, table.get("key") or []))
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column} {count:,}" for column, count in lengths.items())
        raise ValueError(f"the columns are of different lengths: {told} rows")
    rows, given = table.get("rows"), next(iter(lengths.values()))
    if key is None and rows is not None and given != rows:
        raise ValueError(
            f"{given:,} predictions for the {rows:,} rows of {name}: there must be one a row, "
            "in the order of its file, or a key that says which rows they are for"
        )
    return columns


def keep_predictions(
    folder: str, name: str, columns: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """Writes columns of one length into a file of the folder, whole or not at all.

    A line of JSON (`rows`; of each column `name`, `type`, `bytes`, and `labels` where its numbers are
    places in that list), then the columns' bytes, one after the other: little-endian numbers or one-byte
    booleans. Returns `file` (its name), `digest`, `rows` and `columns`.
    """
    import hashlib
    from urllib.parse import quote

    head, parts = [], []
    for column, values in columns.items():
        kind, data = _packed(column, values)
        head.append({"name": column, "bytes": len(data), **kind})
        parts.append(data)
    rows = len(next(iter(columns.values())))
    first = json.dumps({"cockpit": "predictions", "rows": rows, "columns": head}) + "\n"
    content = b"".join([first.encode(), *parts])
    file = quote(name, safe=" ")[:200] + PREDICTIONS
    os.makedirs(folder, exist_ok=True)
    partial = os.path.join(folder, f".{file}-{threading.get_ident()}")
    try:
        with open(partial, "wb") as out:
            out.write(content)
        os.replace(partial, os.path.join(folder, file))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
    digest = "blake2b:" + hashlib.blake2b(content, digest_size=32).hexdigest()
    return {"file": file, "digest": digest, "rows": rows, "columns": list(columns)}


def _known_set(known: Mapping[str, Mapping[str, Any]] | None, name: str) -> Mapping[str, Any]:
    if known is None:
        return {}
    if name in known:
        return known[name]
    if not known:
        raise ValueError(
            f"there is no evaluation set {name!r}, nor any other: cockpit.toml beside the store names "
            f'them, as [data.{name}] with path = "FILE", target = "COLUMN" and evaluation = true'
        )
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"there is no evaluation set {name!r}{meant} (there is {', '.join(sorted(known))})"
    )


def _lists(values: Any, what: str) -> list[list[Any]]:
    """The columns of what numpy, polars, pandas or torch made, or of a list; one where it has one dimension."""
    if isinstance(values, (str, bytes, dict)):
        raise TypeError(f"{what} is {_show(values)}; expected a value a row")
    if hasattr(values, "get_columns"):  # a frame of polars
        return [column.to_list() for column in values.get_columns()]
    if hasattr(values, "iloc") and values.ndim == 2:  # one of pandas
        return [values.iloc[:, place].tolist() for place in range(values.shape[1])]
    dimensions = int(getattr(values, "ndim", 1))
    if dimensions not in (1, 2):
        raise ValueError(f"{what} has {dimensions} dimensions; expected a value a row")
    if dimensions == 2:
        columns: list[list[Any]] = values.T.tolist()
        return columns
    for method in ("tolist", "to_list", "to_pylist"):
        if hasattr(values, method):
            return [getattr(values, method)()]
    rows = list(values)
    if not rows or not (isinstance(rows[0], (list, tuple)) or bool(getattr(rows[0], "ndim", 0))):
        return [rows]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError(f"the rows of {what} have between {min(widths)} and {max(widths)} values")
    return [list(column) for column in zip(*rows)]  # noqa: B905 - Python 3.8


def _only(columns: list[list[Any]], what: str) -> list[Any]:
    if len(columns) != 1:
        raise ValueError(f"{what} has {len(columns)} columns; expected one value a row")
    return columns[0]


def _scores(columns: list[list[Any]], classes: Any) -> dict[str, list[Any]]:
    labels = [] if classes is None else _only(_lists(classes, "classes"), "classes")
    if len(columns) == 1 and not labels:
        names = ["y_score"]
    elif not labels:
        raise ValueError(
            f"y_score has {len(columns)} columns; say classes=…, a label a column (model.classes_)"
        )
    elif len(labels) != len(columns):
        raise ValueError(f"y_score has {len(columns)} columns, and classes {len(labels)} labels")
    else:
        names = [f"y_score.{_word(label)}" for label in labels]
    if len(set(names)) < len(names):
        raise ValueError(f"classes has a label twice: {labels}")
    return {
        name: values if set(map(type, values)) <= {float} else [_score(value) for value in values]
        for name, values in zip(names, columns)  # noqa: B905 - Python 3.8
    }


def _score(value: Any) -> float:
    if type(value) is float:
        return value
    if value is None or type(value).__name__ == "NAType":
        return math.nan
    if isinstance(value, (str, bytes)):
        raise TypeError(f"y_score holds {_show(value)}; expected numbers")
    return float(value)


def _key_columns(key: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    if key is None:
        return {}
    if hasattr(key, "items") and not hasattr(key, "tolist"):
        tables = {str(name): _only(_lists(values, "key"), "key") for name, values in key.items()}
    elif len(names) == 1:
        tables = {names[0]: _only(_lists(key, "key"), "key")}
    else:
        raise ValueError(
            "key says which column it is: key={'id': ids}"
            + (f"; the set's key is {', '.join(names)}" if names else "")
        )
    if names and set(tables) != set(names):
        raise ValueError(f"the set's key is {', '.join(names)}, not {', '.join(tables)}")
    return tables


def _packed(column: str, values: Sequence[Any]) -> tuple[dict[str, Any], bytes]:
    """What a file's first line says of a column, and its bytes."""
    kinds = set(map(type, values))
    if kinds - _KINDS:
        values = [_plain_answer(column, value) for value in values]
        kinds = set(map(type, values))
    if kinds == {bool}:
        return {"type": "bool"}, bytes(values)
    if str in kinds or (kinds == {int} and not _code(min(values), max(values))):
        values = [None if value is None else str(value) for value in values]
        labels = list(dict.fromkeys(values))
        places = {label: place for place, label in enumerate(labels)}
        kind, data = _packed(column, [places[value] for value in values])
        return {**kind, "labels": labels}, data
    whole = kinds == {int}
    if type(None) in kinds:
        values = [math.nan if value is None else value for value in values]
    numbers = array.array(_code(min(values), max(values)) if whole else "d", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return {"type": f"{'int' if whole else 'float'}{8 * numbers.itemsize}"}, numbers.tobytes()


def _code(low: int, high: int) -> str:
    """The smallest type of `array` that holds these; empty where there is none."""
    return next((code for code, bits in _WHOLE if -(1 << bits) <= low and high < 1 << bits), "")


def _plain_answer(column: str, value: Any) -> Any:
    """An answer or a part of a key as a number, a text, a boolean or None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, str):
        return str.__str__(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{column} holds {_show(value)}; expected numbers, texts or booleans")


def _plain(value: Any) -> Any:
    """numpy's and torch's scalars and arrays, for json."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{_show(value)} is not a JSON value; give numbers, texts, lists or dicts")


def _number(value: Any, argument: str, kind: Callable[[Any], Any]) -> Any:
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"the `{argument}` argument is {_show(value)}; expected {kind.__name__}"
        ) from None


def _step(value: Any) -> int:
    step: int = _number(value, "step", int)
    if step < 0:
        raise ValueError(f"`step` must be non-negative, not {step}")
    if step.bit_length() > 63:
        raise ValueError(f"`step` must have at most 63 bits, not {step.bit_length()}")
    return step


def _sayable(choices: list[Any]) -> list[Any]:
    """JSON scalars as they are, other objects by a text that every worker writes alike."""
    said: list[Any] = []
    taken = {choice for choice in choices if isinstance(choice, str)}
    for choice in choices:
        word = _word(choice)
        if not isinstance(choice, str) and isinstance(word, str):
            word = f"{word} #{len(said)}" if word in taken else word
            taken.add(word)
        said.append(word)
    return said


def _word(choice: Any) -> Any:
    if hasattr(choice, "tolist"):  # numpy's scalars
        choice = choice.tolist()
    if choice is None:
        return None
    for kind in (bool, int, float):
        if isinstance(choice, kind):
            return kind(choice)
    if isinstance(choice, str):
        return str.__str__(choice)  # the plain text of an enum
    text = getattr(choice, "__qualname__", None) or repr(choice)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _show(value: Any) -> str:
    """A short text of any object, one line."""
    kind = type(value).__name__
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a __repr__ of the user's own that fails is no reason to lose the reason
        return f"an object of type {kind}"
    return f"{text if len(text) <= 80 else text[:79] + '…'} ({kind})"


class Project:
    """The user's code: where it lies, how it is loaded, which lines of a traceback are its own."""

    _loaded: ClassVar[dict[str, Any]] = {}
    """Files by path: a baseline may lie in the file of the function."""

    def __init__(self, folder: str, target: str) -> None:
        self.folder = os.path.abspath(folder)
        self.place, _, self.name = target.rpartition(":")
        self.is_file = self.place.endswith(".py") or os.sep in self.place
        self.path = os.path.join(self.folder, self.place) if self.is_file else None

    def load(self) -> Callable[[Trial], Any]:
        """Imports the module once and returns its function; raises Broken."""
        if not self.place:
            raise Broken("function", f"{self.name!r} names no function; write FILE.py:FUNCTION")
        if self.path and not os.path.isfile(self.path):
            raise Broken("import", f"{self.place} was not found in {self.folder}")
        sys.argv = [self.path or self.place]  # ours would confuse an argparse at import time
        own = os.path.dirname(os.path.abspath(__file__))
        paths = [self.folder] + ([os.path.dirname(self.path)] if self.path else [])
        gone = {own, *paths}
        sys.path[:] = [p for p in sys.path if os.path.abspath(p) not in gone]
        sys.path[:0] = list(dict.fromkeys(reversed(paths)))
        os.chdir(self.folder)
        try:
            module = self._import()
        except BaseException as error:
            text = f"{self.place} cannot be imported: {self.reason(error)}"
            raise Broken("import", text) from error
        return self._function(module)

    def _import(self) -> Any:
        if self.path is None:
            return importlib.import_module(self.place)
        if self.path in self._loaded:
            return self._loaded[self.path]
        name = os.path.splitext(os.path.basename(self.path))[0]
        if name in sys.modules:  # a train file named like a library must not replace it
            name = f"train_file_{name}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.place} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        self._loaded[self.path] = module
        return module

    def _function(self, module: Any) -> Callable[[Trial], Any]:
        names = [
            name
            for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == module.__name__
        ]
        if not hasattr(module, self.name):
            import difflib

            near = difflib.get_close_matches(self.name, names, 3, 0.5) or names[:5]
            hint = f"; it has {', '.join(near)}" if near else ", nor any other"
            raise Broken("function", f"{self.place} has no function {self.name!r}{hint}")
        function = getattr(module, self.name)
        if not callable(function):
            raise Broken("function", f"{self.place}:{self.name} is {_show(function)}, no function")
        self._check_signature(function)
        return function  # type: ignore[no-any-return]

    def _check_signature(self, function: Callable[..., Any]) -> None:
        import inspect

        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # written in C, says nothing of itself
            return
        try:
            signature.bind(None)
        except TypeError as error:
            text = f"{self.place}:{self.name} must take the trial as its one argument: {error}"
            raise Broken("function", text) from None

    def reason(self, error: BaseException) -> str:
        """One line: where in the user's code, and what."""
        text = traceback.format_exception_only(type(error), error)[-1].strip()
        if isinstance(error, MemoryError):
            text = f"out of memory ({text})"
        elif isinstance(error, SystemExit):
            text = f"called sys.exit({'' if error.code is None else repr(error.code)})"
        text = " ".join(text.split())
        text = text if len(text) <= 300 else text[:299] + "…"
        where = self._where(error)
        return f"{where}: {text}" if where else text

    def _where(self, error: BaseException) -> str | None:
        frames = [
            (f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)
        ]
        if isinstance(error, SyntaxError) and error.filename:
            frames.append((error.filename, error.lineno or 0))
        for name, line in reversed(frames):
            path = os.path.realpath(name)
            if not name.startswith("<") and self._owns(path):
                return f"{os.path.relpath(path, os.path.realpath(self.folder))} line {line}"
        return None

    def _owns(self, path: str) -> bool:
        def inside(folder: str) -> bool:
            return path.startswith(os.path.realpath(folder) + os.sep)

        folder = os.path.realpath(self.folder)
        if self.path and path == os.path.realpath(self.path):
            return True
        # A virtual environment often lies in the project's folder, and is not the user's own code.
        elsewhere = f"{os.sep}site-packages{os.sep}" in path or any(
            inside(prefix) and os.path.realpath(prefix).startswith(folder + os.sep)
            for prefix in (sys.prefix, sys.base_prefix)
        )
        return inside(folder) and not elsewhere


class Output:
    """stdout and stderr, Python's and C's: each trial's into its own log."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(  # type: ignore[union-attr]
                encoding="utf-8", errors="backslashreplace", line_buffering=True
            )
        faulthandler.enable(2)
        self._flush_c: Callable[[Any], Any] = lambda _: None
        with contextlib.suppress(ImportError, OSError, AttributeError):  # Python built without C
            import ctypes

            self._flush_c = ctypes.CDLL(None).fflush
        self._first = True

    def turn_to(self, log: str) -> None:
        self.flush()
        printed = self._printed_at_import() if self._first else b""
        os.makedirs(os.path.dirname(log), exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        if descriptor > 2:  # unless training code had closed one of the first three
            os.close(descriptor)
        self._open_again()
        self._first = False
        os.write(1, printed)

    def _open_again(self) -> None:
        """What training code closed fails no trial after it."""
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            if getattr(getattr(sys, name), "closed", False):
                stream = open(descriptor, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
                setattr(sys, name, stream)

    def flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # Training code may have closed it, filled the disk, or put something of its own there
            # that is no file; its result counts all the same.
            with contextlib.suppress(Exception):
                stream.flush()
        self._flush_c(None)

    def explain(self, error: BaseException) -> None:
        """The traceback into the log, from the user's first line on."""
        below = error.__traceback__.tb_next if error.__traceback__ else None
        # As in `flush`; the reason that the run keeps does not come from here.
        with contextlib.suppress(Exception):
            traceback.print_exception(type(error), error, below)

    def _printed_at_import(self) -> bytes:
        """The start of what loading the module printed; it goes into the first trial's log."""
        return os.pread(1, 1 << 16, 0) if stat.S_ISREG(os.fstat(1).st_mode) else b""


class Worker:
    """Runs the function and says how it went."""

    def __init__(
        self,
        channel: Channel,
        stop: Stop,
        output: Output,
        project: Project,
        function: Callable[[Trial], Any],
        baseline: Project | None,
    ) -> None:
        self._channel, self._stop, self._output = channel, stop, output
        self._project, self._function = project, function
        self._baseline = baseline

    def serve(self) -> None:
        self._stop.install()
        while True:
            task = self._channel.task()
            if task is None:
                return
            with _variables(task["environment"]):
                ended = self._measured(task)
            self._channel.trial = None
            self._channel.say({"say": "finished", **ended})

    def _measured(self, task: dict[str, Any]) -> dict[str, Any]:
        trial = Trial(self._channel, task["number"], task["params"], task["folder"])
        clock, cpu = time.perf_counter(), _cpu_seconds()
        _reset_peak()
        self._channel.trial = trial
        ended = self._attempt(trial, task)
        self._output.flush()
        ended["seconds"] = time.perf_counter() - clock
        ended["cpu_seconds"] = _cpu_seconds() - cpu
        ended["max_rss"] = _peak()
        return ended

    def _attempt(self, trial: Trial, task: dict[str, Any]) -> dict[str, Any]:
        ended: dict[str, Any] = {"state": "cancelled"}
        try:
            ended = self._call(trial, task)
        except Cancelled:  # it came between the function's end and the next line of ours
            pass
        finally:
            self._stop.armed = False
        if self._stop.fired:
            ended = {"state": "cancelled"}
        return ended

    def _call(self, trial: Trial, task: dict[str, Any]) -> dict[str, Any]:
        project, function = self._project, self._function
        try:
            self._output.turn_to(task["log"])
            os.chdir(project.folder)
            self._stop.arm()
            if task["baseline"] and self._baseline:
                project = self._baseline
                function = project.load()
            return _complete(function(trial))
        except Cancelled as error:
            self._output.explain(error)
            return {"state": "cancelled"}
        except Broken as error:
            self._output.explain(error.__cause__ or error)
            return {"state": "failed", "reason": f"the baseline: {error}"}
        except BaseException as error:
            if any(kind.__name__ == "TrialPruned" for kind in type(error).__mro__):
                return {"state": "pruned"}
            self._output.explain(error)
            return {"state": "failed", "reason": project.reason(error)}


@contextlib.contextmanager
def _variables(task: Mapping[str, str]) -> Iterator[None]:
    """A run's own environment variables; the next run has its own."""
    before = {name: os.environ.get(name) for name in task}
    os.environ.update(task)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _complete(returned: Any) -> dict[str, Any]:
    """What the function returned, as numbers; `failed` where it is none."""
    try:
        values = _values(returned)
    except (TypeError, ValueError, OverflowError):
        expected = "expected a number, a dict of metrics or a sequence of numbers"
        return {"state": "failed", "reason": f"returned {_show(returned)}; {expected}"}
    return {"state": "complete", "values": values}


def _values(returned: Any) -> Any:
    if isinstance(returned, dict) and returned:
        return {str(key): _float(value) for key, value in returned.items()}
    if isinstance(returned, (list, tuple)) and returned:
        return [_float(value) for value in returned]
    return _float(returned)


def _float(value: Any) -> float:
    if isinstance(value, (str, bytes, bytearray)):  # float() would read them
        raise TypeError
    return float(value)


def _cpu_seconds() -> float:
    own, children = (
        resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _reset_peak() -> None:
    # Where it is not allowed, or not Linux, the peak is that of the worker's life so far.
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak() -> int:
    """Peak resident size, bytes.

    On Linux getrusage counts what the process was before it became this program; the kernel's own
    status does not. Elsewhere getrusage tells KiB, on macOS bytes.
    """
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment() -> dict[str, Any]:
    """Of this interpreter `interpreter` (path), `python` (version), `platform` (text), `packages` (name to version)."""
    import importlib.metadata
    import platform

    packages: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a half-removed package has none; the first on the path is the one imported
            packages.setdefault(name, distribution.version)
    return {
        "interpreter": sys.executable,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
    }


def main() -> None:
    if sys.argv[1:] == ["--describe"]:
        sys.stdout.write(json.dumps(environment()))
        return
    descriptor, folder, target, describe, baseline = sys.argv[1:6]
    stop = Stop()
    channel = Channel(int(descriptor), stop)
    project = Project(folder, target)
    output = Output()
    try:
        function = project.load()
    except Broken as error:
        cause = error.__cause__
        lines = traceback.format_exception(type(cause), cause, cause.__traceback__) if cause else []
        said = {"kind": error.kind, "message": str(error), "detail": "".join(lines)}
        channel.say({"say": "broken", **said})
        sys.exit(1)
    channel.say({"say": "ready", "environment": environment() if describe == "1" else None})
    second = Project(folder, baseline) if baseline else None
    Worker(channel, stop, output, project, function, second).serve()


if __name__ == "__main__":
    main()
