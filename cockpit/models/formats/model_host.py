"""The process in which a model lives: loads it, answers rows, and can be stopped at any moment.

Run by its path by guarded.py; of ONNX with numpy and onnxruntime alone. What comes in is the parent's own, pickled;
what goes out is made by a model that may be anybody's: a line of JSON, then the bytes of arrays that it names.
"""

import importlib.util
import json
import os
import pickle
import resource
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROWS_AT_ONCE = 4096
"""What a model makes of rows on its way to an answer takes memory by the row: no more of them at a time."""
ORPHAN_SECONDS = 0.5
WARM = 10


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    _humble()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    loader, ask = _loader(), None
    while (asked := _next(sys.stdin.buffer)) is not None:
        try:
            if "model" in asked:
                ask = _load(asked, loader)
                found: dict[str, Any] = {}
            else:
                assert ask is not None
                found = _timed(ask, asked) if "times" in asked else _answered(ask, asked)
        except Exception as error:  # onnxruntime has a class for each code, and no root of them
            of = type(error).__name__
            _say(out, {"error": " ".join(str(error).split())[:300] or of, "of": of}, [])
            continue
        _tell(out, found)


def _humble() -> None:
    """Writes no files, and is the first to go where memory runs out."""
    for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(what, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _end_with(parent: int) -> None:
    """Nobody watches over what a parent that was killed has left."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _loader() -> Any:
    """The module by which a bundle is used everywhere, also where it was exported to."""
    spec = importlib.util.spec_from_file_location("loader", Path(__file__).parents[1] / "loader.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load(asked: Any, loader: Any) -> Any:
    if asked["estimator"]:
        return _estimator(asked)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        asked["model"], options, providers=["CPUExecutionProvider"]
    )
    return lambda rows: loader.answer(session, asked["columns"], asked["classes"], rows)


def _estimator(asked: Any) -> Any:
    """Of scikit-learn, by cockpit's own code: the list of what it may be made of is there."""
    sys.path.append(str(Path(__file__).parents[3]))
    from joblib import parallel_config  # type: ignore[import-untyped]

    from cockpit.models.formats.skops_model import ScikitModel, open_skops

    parallel_config(backend="threading")  # no processes but this one, which is watched
    told = asked["estimator"]
    model = open_skops(asked["model"])
    return ScikitModel(model, told["rows"], told["dtypes"], tuple(asked["classes"])).answers


def _part(rows: Any, start: int, count: int) -> Any:
    """Some of the rows: of a frame, or of columns by name."""
    if isinstance(rows, dict):
        return {name: values[start : start + count] for name, values in rows.items()}
    return rows[start : start + count]


def _answered(ask: Any, asked: Any) -> "dict[str, Any]":
    import numpy as np

    rows, count = asked["rows"], asked["count"]
    parts = []
    for start in range(0, max(count, 1), ROWS_AT_ONCE):
        found = ask(_part(rows, start, ROWS_AT_ONCE))
        wanted = min(ROWS_AT_ONCE, count - start)
        if any(found[name] is not None and len(found[name]) != wanted for name in found):
            raise ValueError(f"it answers {wanted} rows with {len(found['y_pred'])} values")
        parts.append(found)
    return {
        name: None if value is None else np.concatenate([part[name] for part in parts])
        for name, value in parts[0].items()
    }


def _timed(ask: Any, asked: Any) -> "dict[str, Any]":
    """Seconds that each of so many rows takes, asked for it alone."""
    import numpy as np

    rows, count = asked["rows"], asked["count"]
    ones = [_part(rows, place, 1) for place in range(count)]
    for one in ones[:WARM]:
        ask(one)
    taken = []
    for place in range(asked["times"]):
        started = time.perf_counter()
        ask(ones[place % count])
        taken.append(time.perf_counter() - started)
    return {"seconds": np.array(taken)}


def _tell(out: Any, found: "dict[str, Any]") -> None:
    told: dict[str, Any] = {}
    parts = []
    for name, values in found.items():
        if values is None:
            told[name] = None
        elif values.dtype.kind in "biuf":
            told[name] = {"dtype": values.dtype.str, "shape": values.shape}
            parts.append(values.tobytes())
        else:
            told[name] = {"texts": [str(value) for value in values.tolist()]}
    _say(out, told, parts)


def _say(out: Any, told: "dict[str, Any]", parts: "list[bytes]") -> None:
    head = json.dumps(told).encode()
    size = sum(map(len, parts))
    out.write(len(head).to_bytes(8, "little") + size.to_bytes(8, "little") + head)
    for part in parts:
        out.write(part)
    out.flush()


def _next(source: Any) -> Any:
    """What the parent says next; None at its end."""
    size = source.read(8)
    if len(size) < 8:
        return None
    return pickle.loads(source.read(int.from_bytes(size, "little")))  # noqa: S301 - the parent's


if __name__ == "__main__":
    main()
