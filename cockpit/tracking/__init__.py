"""`cockpit.track`: a script's own run, written from inside it. Imports nothing heavy.

    import cockpit

    with cockpit.track("baseline", {"lr": 0.1}) as run:
        for step in range(100):
            run.log(step, loss=...)

The end of the block settles the run: complete, failed with the exception's line, or stopped by Ctrl-C.
A script that dies is lost. Within `cockpit run` or a trial of a sweep the run is there already: what is
logged goes to that one.
"""

from __future__ import annotations

import contextlib
import json
import operator
import os
import resource
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, SupportsFloat, SupportsIndex

from cockpit.sweep.executors.metric_lines import INTEGER_BITS, NOTE
from cockpit.tracking.plain_run import WRITING, PlainRun, checked_name, cleaned, flat, plain
from storage.layout import find_store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from cockpit.sweep.executors.bundles import Saved
    from cockpit.sweep.provenance import Provenance
    from storage.layout import Layout

GIT_SECONDS = 12.0
"""How long the end of a run waits for git, which has had all the run's time already."""
_REASON = 500


def track(
    name: str | None = None,
    params: Mapping[str, Any] | object = None,
    *,
    tags: Iterable[str] = (),
    note: str | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Run:
    """Track what happens in a `with` block as a run.

    `name` is the script's with a number otherwise (`train-3`); `params` a mapping, or what argparse
    gave; `store` the store folder, otherwise `COCKPIT_STORE` or `.cockpit` looked for upwards. Within a
    run that cockpit started, metrics go there; so do params where it is `cockpit run`'s, and `name` and
    `store` mean nothing. Raises ValueError for a name or a tag that cannot be.
    """
    if os.environ.get("COCKPIT_RUN"):
        keeper: _Keeper = _Attached()
    else:
        keeper = _Own(None if name is None else checked_name(name), store)
    labels = [cleaned(tag, "a tag") for tag in tags]
    return Run(keeper, {"params": _params(params), "tags": labels, "note": note})


class Run:
    """A run that is being tracked. Safe for threads; after a fork both sides may log."""

    def __init__(self, keeper: _Keeper, first: Mapping[str, Any]) -> None:
        self._keeper, self._first = keeper, first
        self._step = 0
        self._runs = False

    @property
    def id(self) -> str:
        """Twelve characters; there from the block's beginning on."""
        self._check(over=True)
        return self._keeper.id

    @property
    def folder(self) -> Path:
        """What is put here is kept as the run's artifacts."""
        self._check(over=True)
        folder = self._keeper.folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, step: SupportsIndex | None = None, **metrics: SupportsFloat) -> None:
        """Log metrics at a step; where none is given, at the one after the last.

        Raises TypeError or ValueError for what is no number, and for a step beyond 63 bits.
        """
        self._check()
        numbers = {name: float(value) for name, value in metrics.items()}
        with WRITING:
            at = self._step if step is None else operator.index(step)
            if at.bit_length() > INTEGER_BITS:
                raise ValueError(f"step {at} has more than {INTEGER_BITS} bits")
            self._step = at + 1
        self._keeper.log(at, numbers)

    def set(self, **attrs: Any) -> None:
        """Remember more about the run: any names, any values."""
        self._check()
        self._keeper.tell({"attrs": attrs})

    def tag(self, *tags: str) -> None:
        """Give the run tags."""
        self._check()
        self._keeper.tell({"tags": [cleaned(tag, "a tag") for tag in tags]})

    def note(self, text: str) -> None:
        """Write the run's note."""
        self._check()
        self._keeper.tell({"note": text})

    def log_predictions(
        self,
        evaluation_set: str,
        y_pred: Any = None,
        y_score: Any = None,
        key: Any = None,
        *,
        classes: Any = None,
        features: Iterable[str] | None = None,
    ) -> None:
        """Keep the run's answers on an evaluation set of cockpit.toml, as `trial.log_predictions` does.

        Raises ValueError or TypeError, and keeps nothing then.
        """
        from cockpit.sweep.executors.worker import predictions

        self._check()
        self._keeper.predict(
            evaluation_set,
            lambda known: predictions(known, evaluation_set, y_pred, y_score, key, classes),
        )
        if features is not None:
            self.set(features=[str(name) for name in features])

    def save_model(
        self,
        model: Any,
        example: Any,
        *,
        target: str | None = None,
        positive: Any = None,
        columns: Iterable[str] | None = None,
        classes: Any = None,
        files: Mapping[str, Any] | None = None,
        unsafe_pickle: bool = False,
    ) -> Saved:
        """Keep the trained model with the run, as `trial.save_model` does.

        Raises ValueError or TypeError, and keeps nothing then.
        """
        from cockpit.sweep.executors.bundles import save
        from cockpit.sweep.executors.worker import environment

        self._check()
        return save(
            str(self._keeper.model),
            model,
            example,
            target=target,
            positive=positive,
            columns=None if columns is None else list(columns),
            classes=classes,
            files=files,
            unsafe_pickle=unsafe_pickle,
            environment=environment(),
            samples=self._keeper.samples(),
        )

    def __enter__(self) -> Self:
        self._keeper.begin()
        self._runs = True
        self._keeper.tell(self._first)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runs = False
        self._keeper.end(*_outcome(error))

    def _check(self, over: bool = False) -> None:
        """`over`: what is asked for is there after the block's end too."""
        if not self._runs and not (over and self._keeper.id):
            raise RuntimeError("a run is tracked within its block: with cockpit.track(…) as run:")


_Columns = Callable[[Mapping[str, Any] | None], dict[str, list[Any]]]
"""Predictions, checked by what is known of the evaluation sets; None: nobody knows."""


class _Keeper(Protocol):
    """Where what is tracked goes."""

    @property
    def id(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def model(self) -> Path:
        """The folder of the model that the run saves."""
        ...

    def samples(self) -> dict[str, str]:
        """The files of evaluation sets, by name."""
        ...

    def begin(self) -> None: ...
    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...
    def tell(self, content: Mapping[str, Any]) -> None:
        """As in `metric_lines.Note`."""
        ...

    def predict(self, name: str, columns: _Columns) -> None: ...
    def end(self, state: str, reason: str | None) -> None: ...


class _Own:
    """A run of its own in the store."""

    def __init__(self, name: str | None, store: str | os.PathLike[str] | None) -> None:
        self._name = name
        self._run = PlainRun(find_store(None if store is None else os.fspath(store)))
        self._pid = os.getpid()

    @property
    def id(self) -> str:
        return self._run.id

    @property
    def folder(self) -> Path:
        return self._run.layout.artifacts(self._run.id)

    @property
    def model(self) -> Path:
        return self._run.layout.bundle(self._run.id)

    def samples(self) -> dict[str, str]:
        return _samples(self._run.layout)

    def begin(self) -> None:
        self._run.claim()
        self._run.begin(self._name, _stem())
        self._pid = os.getpid()
        self._before, self._told = _usage(), False
        self._origin = _Origin(self._run.layout)
        self._origin.start()

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log((step, metrics))
        if self._run.sync() and not self._told and not self._origin.is_alive():
            self._told = True  # a script that is killed is to have its commit too
            self._tell_origin({})

    def tell(self, content: Mapping[str, Any]) -> None:
        self._run.take(content)

    def predict(self, name: str, columns: _Columns) -> None:
        from cockpit.evaluate.sets import current
        from cockpit.sweep.executors.seam import Predicted
        from cockpit.sweep.executors.worker import keep_predictions
        from cockpit.sweep.predicted import Answered

        layout, run = self._run.layout, self._run.id
        answered = Answered(layout, current(layout))
        checked = columns(answered.known())
        said = keep_predictions(str(layout.predictions(run)), name, checked)
        self._run.predicted(answered.told(run, Predicted(run, 0, name, **said)))

    def end(self, state: str, reason: str | None) -> None:
        if os.getpid() != self._pid:  # a fork's child leaves the block too; the run is its parent's
            self._run.close()
            return
        from cockpit.sweep.executors.worker import environment

        self._origin.join(GIT_SECONDS)
        self._tell_origin(environment())
        self._run.settle(state, reason, resources=_used(self._before))

    def _tell_origin(self, environment: Mapping[str, Any]) -> None:
        found = self._origin.found
        if found is not None:
            from cockpit.sweep.provenance import digest

            whole = replace(found, environment=environment)
            self._run.origin(digest(whole), whole.to_json())


class _Attached:
    """The run that this process is: of `cockpit run`, or a trial whose program this is."""

    def __init__(self) -> None:
        self.id = os.environ["COCKPIT_RUN"]
        self.folder = Path(os.environ.get("COCKPIT_RUN_DIR", "."))
        self.model = Path(os.environ.get("COCKPIT_MODEL", self.folder / "model"))
        self._file: int | None = None
        self._refused = False

    def samples(self) -> dict[str, str]:
        if "COCKPIT_EVALUATIONS" not in os.environ:  # of `cockpit run`
            return _samples(find_store())
        known = json.loads(os.environ["COCKPIT_EVALUATIONS"])
        return {name: each["path"] for name, each in known.items() if "path" in each}

    def begin(self) -> None:
        path = os.environ.get("COCKPIT_METRICS")
        if path is None:
            self._warn("within a trial's function, cockpit.track logs nothing: use trial.report")
        else:
            self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._write({**metrics, "step": step})

    def tell(self, content: Mapping[str, Any]) -> None:
        # A line each: one that is too long to be read takes no other with it.
        for kind, told in content.items():
            if isinstance(told, Mapping):
                for name, value in told.items():
                    self._write({NOTE: {kind: {name: plain(value)}}})
            elif told:
                self._write({NOTE: {kind: told}})

    def predict(self, name: str, columns: _Columns) -> None:
        from cockpit.sweep.executors.worker import keep_predictions
        from cockpit.sweep.predicted import FOLDER

        if "COCKPIT_METRICS" not in os.environ:
            self._warn("within a trial's function, use trial.log_predictions: nothing is kept")
            return
        known = os.environ.get("COCKPIT_EVALUATIONS")
        checked = columns(None if known is None else json.loads(known))
        keep_predictions(str(self.folder / FOLDER), name, checked)

    def end(self, state: str, reason: str | None) -> None:
        """How it ended is for the process's exit code to say."""
        if self._file is not None:
            os.close(self._file)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, json.dumps(line).encode() + b"\n")
        except OSError as error:
            self._warn(f"cockpit could not write the run's metrics: {error.strerror}")

    def _warn(self, text: str) -> None:
        if not self._refused:
            self._refused = True
            warnings.warn(text, RuntimeWarning, stacklevel=2)


def _samples(layout: Layout) -> dict[str, str]:
    """The files of the evaluation sets by name, as cockpit.toml says."""
    from cockpit.project.reading import ProjectError, find_project

    try:
        project = find_project(layout)
    except ProjectError as error:  # a model that took hours to train is not lost for that
        warnings.warn(str(error), RuntimeWarning, stacklevel=4)
        return {}
    tables = {name: table for name, table in project.data.items() if table.evaluation}
    return {name: str(project.folder / table.path) for name, table in tables.items()}


class _Origin(threading.Thread):
    """Asks git where the run comes from while the run goes on; a large work tree takes its time."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(daemon=True)
        self._layout = layout
        self.found: Provenance | None = None

    def run(self) -> None:
        from cockpit.sweep.provenance import collect_plain

        # Without a working directory, or with a full disk, a run has no origin.
        with contextlib.suppress(OSError):
            self.found = collect_plain(Path.cwd(), sys.orig_argv, {}, self._layout)


def _params(params: Mapping[str, Any] | object) -> dict[str, Any]:
    if params is None:
        return {}
    return flat(params if isinstance(params, Mapping) else vars(params))


def _stem() -> str:
    """The script's name."""
    script = Path(sys.argv[0])
    stem = script.parent.name if script.stem == "__main__" else script.stem
    return {"ipykernel_launcher": "notebook", "-c": "", "-m": ""}.get(stem, stem)


def _outcome(error: BaseException | None) -> tuple[str, str | None]:
    """A run's state, and why."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "complete", None
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "interrupted"
    if isinstance(error, SystemExit):
        code = error.code
        return "failed", f"exited with code {code}" if isinstance(code, int) else _line(str(code))
    frames = traceback.extract_tb(error.__traceback__)
    where = [frame for frame in frames if not _is_library(frame.filename)] or frames
    at = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in where[-1:])
    return "failed", _line(f"{type(error).__name__}: {error}") + at


def _is_library(file: str) -> bool:
    """Whether a line of it says little to whoever wrote the script: Python's, an installed one, ours."""
    libraries = (os.path.dirname(os.__file__), str(Path(__file__).parent.parent), "<frozen ")
    return file.startswith(libraries) or f"{os.sep}site-packages{os.sep}" in file


def _line(text: str) -> str:
    return " ".join(text.split())[:_REASON]


def _usage() -> float:
    """CPU seconds of this process and of its children that ended."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def _used(before: float) -> dict[str, Any]:
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"cpu_seconds": _usage() - before, "max_rss": peak}
