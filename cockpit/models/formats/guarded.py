"""Holds a model in a process of its own, which may take so much memory and time and no more.

What a graph takes cannot be told by looking at it: a few hundred bytes can say "repeat this a billion times",
and how often may hang on the row; and numbers that were made up can crash the code that reads them. So its process
(model_host.py) is watched while it loads and answers, by its
resident size and the clock, and is killed where it goes beyond; whoever asked is told.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import select
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.models.safety import BundleError, BundleRefused, ModelStopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl

LOAD_SECONDS = 60.0
ANSWER_SECONDS = 60.0
ROW_SECONDS = 0.01
"""More for each row that is asked about."""
LOOK_SECONDS = 0.02
LEAST_MEMORY = 2 << 30
SHARE = 4
"""A model may have so much of the machine's memory: one part in four, `LEAST_MEMORY` at least."""
COPIES = 4
"""And so many times its own bytes, for it is read, unpacked and held."""
_LONGEST = 64 << 20
_CELL = 256
"""Bytes that an answer to a row may have for each class, and more for a long label."""
_DTYPES = frozenset("biuf")


def memory_limit() -> int:
    """Bytes that a model's process may hold."""
    import psutil

    return max(LEAST_MEMORY, int(psutil.virtual_memory().total) // SHARE)


class Guarded:
    """A model in its process; for one question at a time, from whatever thread."""

    def __init__(
        self,
        content: bytes,
        columns: Sequence[str],
        classes: Sequence[Any],
        estimator: Mapping[str, Any] | None = None,
    ) -> None:
        """An ONNX model; with `estimator` (what its `rows` are, and their `dtypes`) one in skops' format.

        Raises `BundleError` where it does not load, `ModelStopped` where it takes too much for that.
        """
        import psutil

        self._lock = threading.Lock()
        longest = max((len(str(label)) for label in classes), default=0)
        self._row = _CELL * (len(classes) + 1) + 8 * longest
        self._limit = memory_limit() + COPIES * len(content)
        self._why: BundleError | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("model_host.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _end, self._process)
        self._watched = psutil.Process(self._process.pid)
        told = {"model": content, "columns": list(columns), "classes": list(classes)}
        try:
            self._ask({**told, "estimator": estimator}, LOAD_SECONDS, 0, "while it was loaded")
        except _Failed as error:
            library = "scikit-learn" if estimator else "onnxruntime"
            raise BundleError(f"{library} does not load the model: {error}") from None

    def answers(self, rows: Mapping[str, Any] | pl.DataFrame, count: int) -> dict[str, Any]:
        """`y_pred` (count,) and `y_score` (count, classes) or None, of columns of `count` values.

        A model of scikit-learn takes a frame.

        Raises `BundleError`, and `ModelStopped` where it takes too much.
        """
        seconds = ANSWER_SECONDS + ROW_SECONDS * count
        doing = f"while it answered {count:,} row{'s' * (count != 1)}"
        try:
            return self._ask({"rows": rows, "count": count}, seconds, count, doing)
        except _Failed as error:
            raise BundleError(f"the model does not answer these rows: {error}") from None

    def seconds(
        self, rows: Mapping[str, Any] | pl.DataFrame, count: int, times: int
    ) -> np.ndarray[Any, Any]:
        """(times,): how long each of so many rows takes, one by one, in its own process. Raises as `answers`."""
        asked = {"rows": rows, "count": count, "times": times}
        try:
            found = self._ask(
                asked, ANSWER_SECONDS + ROW_SECONDS * times, times, "while it was timed"
            )
        except _Failed as error:
            raise BundleError(f"the model does not answer its example: {error}") from None
        taken: np.ndarray[Any, Any] = found["seconds"]
        return taken

    def _ask(self, asked: dict[str, Any], seconds: float, rows: int, doing: str) -> dict[str, Any]:
        with self._lock:
            if self._why is not None:
                raise self._why
            assert self._process.stdin is not None
            content = pickle.dumps(asked, protocol=5)
            deadline = time.monotonic() + seconds
            try:
                self._process.stdin.write(len(content).to_bytes(8, "little") + content)
                self._process.stdin.flush()
                sizes = self._read(16, deadline, seconds, doing)
                head, body = (int.from_bytes(part, "little") for part in (sizes[:8], sizes[8:]))
                if head + body > _LONGEST + self._row * rows:
                    raise _TooMuch(f"gave an answer of {head + body:,} bytes {doing}")
                told = json.loads(self._read(head, deadline, seconds, doing))
                content = self._read(body, deadline, seconds, doing)
            except BrokenPipeError:
                self._stop(BundleError(f"the process of the model ended {doing}"))
            except _TooMuch as much:
                self._stop(ModelStopped(f"the model {much}: it was stopped"))
            except (
                BaseException
            ):  # interrupted: what it still says would be taken for the next answer
                self._why = BundleError(f"the process of the model was left {doing}")
                self._end()
                raise
            if "error" in told:
                raise _OURS.get(told.get("of"), _Failed)(told["error"])
            return _arrays(told, content)

    def _read(self, size: int, deadline: float, seconds: float, doing: str) -> bytes:
        """So many bytes of what the process says, its memory and the clock looked at meanwhile."""
        assert self._process.stdout is not None
        file, found = self._process.stdout.fileno(), bytearray()
        while len(found) < size:
            ready, _, _ = select.select([file], [], [], LOOK_SECONDS)
            if ready:
                part = os.read(file, min(size - len(found), 1 << 20))
                if not part:
                    raise BrokenPipeError
                found += part
                continue
            held = self._resident()
            if held > self._limit:
                raise _TooMuch(
                    f"took {held / 2**30:.1f} GiB of memory {doing}, of the {self._limit / 2**30:.1f} it may have"
                )
            if time.monotonic() > deadline:
                raise _TooMuch(f"took more than {seconds:,.0f} s {doing}")
        return bytes(found)

    def _resident(self) -> int:
        import psutil

        try:
            return int(self._watched.memory_info().rss)
        except psutil.Error:  # it is gone, which reading from it says
            return 0

    def _stop(self, why: BundleError) -> None:
        self._why = why
        self._end()
        raise why from None


class _Failed(Exception):
    """What the library says went wrong; the model lives on."""


class _TooMuch(Exception):
    """What the model did that it may not."""


_OURS: Mapping[str, type[Exception]] = {"BundleError": BundleError, "BundleRefused": BundleRefused}
"""What cockpit's own code in the process raises, in sentences of its own."""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what was not written is for nobody any more
                pipe.close()
    process.wait()


def _arrays(told: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    """The arrays that a message holds; raises `BundleRefused` where it does not hold what it says."""
    import numpy as np

    found: dict[str, Any] = {}
    start = 0
    try:
        for name, said in told.items():
            if said is None:
                found[name] = None
                continue
            if "texts" in said:
                found[name] = np.array(list(map(str, said["texts"])), dtype=object)
                continue
            dtype, shape = np.dtype(said["dtype"]), tuple(map(int, said["shape"]))
            if dtype.kind not in _DTYPES or min(shape, default=0) < 0:
                raise ValueError(f"an array of {dtype}")
            size = dtype.itemsize * math.prod(shape)
            found[name] = np.frombuffer(content[start : start + size], dtype).reshape(shape)
            start += size
    except (ValueError, TypeError, KeyError) as error:
        raise BundleRefused(f"the process of the model says what cannot be: {error}") from None
    return found
