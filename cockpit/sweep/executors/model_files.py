"""Makes the files of a model, ONNX and skops, under the interpreter of the user's code.

One file on the standard library alone (Python 3.8 and later); bundles.py beside it loads it by its path. What it
takes to convert is imported where it is needed, from the user's environment.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOLERANCE = 1e-6
"""What the answers of a converted model may differ by, of a probability absolutely, of an amount relatively."""
LOADER = os.path.join("models", "loader.py")


def estimator(
    folder: str,
    model: Any,
    shown: Any,
    classes: list[Any],
    unsafe_pickle: bool,
    samples: Mapping[str, str],
) -> dict[str, Any]:
    """Writes an estimator of scikit-learn in all the formats that are safe to load, a pickle where it is asked for.

    `shown` is an Example of bundles.py, `samples` the files of evaluation sets by name, of which some rows are
    tried too. Returns `formats`, `notes`, `compared`, `classes`, `expected` and `answer`.
    """
    answer = _answers_of(model, classes)
    expected = answer(shown.frame())
    formats: list[str] = []
    notes: list[str] = []
    compared: list[str] = []
    used = _of_its_columns(answer, shown)
    try:
        asked = _asked(answer, shown, samples, notes)
        session = _convert(folder, model, shown, classes, asked)
    except _Unable as error:
        notes.append(f"no ONNX: {error}")
    else:
        formats.append("onnx")
        compared += (f"{_count(right)} {what}" for what, _, right in asked)
        used = _by_session(session, shown, classes)
    try:
        _skops(os.path.join(folder, "model.skops"), model)
        formats.append("skops")
    except _Unable as error:
        notes.append(f"no skops: {error}")
    if unsafe_pickle:
        import pickle

        with open(os.path.join(folder, "model.pkl"), "wb") as file:
            pickle.dump(model, file)
        formats.append("pickle")
    if not formats:
        raise ValueError(
            "the model can be kept in no format that is safe to load: "
            + "; ".join(notes)
            + " (unsafe_pickle=True keeps a pickle, which runs any code when it is loaded)"
        )
    return {
        "formats": formats,
        "notes": notes,
        "compared": compared,
        "classes": classes,
        "expected": expected,
        "answer": used,
    }


class _Unable(Exception):
    """A format is not for this model, or not here; why."""


def _answers_of(model: Any, classes: list[Any]) -> Callable[[Any], dict[str, Any]]:
    def answer(rows: Any) -> dict[str, Any]:
        scores = model.predict_proba(rows) if classes and hasattr(model, "predict_proba") else None
        return {"y_pred": model.predict(rows), "y_score": scores, "classes": classes or None}

    return answer


def _of_its_columns(
    answer: Callable[[Any], dict[str, Any]], shown: Any
) -> Callable[[Any], dict[str, Any]]:
    return lambda rows: answer(shown.like(rows).frame())


def _asked(
    answer: Callable[[Any], dict[str, Any]],
    shown: Any,
    samples: Mapping[str, str],
    notes: list[str],
) -> list[tuple[str, dict[str, list[Any]], dict[str, Any]]]:
    """What a converted model is tried with: what rows those are, the rows by column, and the right answers."""
    asked = [("rows of the example", shown.columns, answer(shown.frame()))]
    between, columns = shown.between()
    if len(between):
        asked.append(("rows between those of the example", columns, answer(between)))
    for name, path in samples.items():
        try:
            rows, columns = shown.sample(path)
            asked.append((f"rows of {name}", columns, answer(rows)))
        except (
            Exception
        ) as error:  # of a library that reads it, or of the model: it may be for other rows
            notes.append(f"not compared on {name}: {_line(error)}")
    return asked


def _count(right: Mapping[str, Any]) -> str:
    return f"{len(right['y_pred']):,}"


def _convert(
    folder: str,
    model: Any,
    shown: Any,
    classes: list[Any],
    asked: list[tuple[str, dict[str, list[Any]], dict[str, Any]]],
) -> Any:
    """Writes model.onnx where all of the model converts and answers the same; returns its session."""
    needed = ("skl2onnx", "onnxruntime")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise _Unable(
            f"{' and '.join(missing)} not installed here (pip install {' '.join(missing)})"
        )
    loader, why = _loader(), ""
    for inputs in _inputs(shown):
        try:
            content = _converted(model, inputs, asked[0][2]["y_score"] is not None)
            session = _session(content)
            found = [loader.answer(session, shown.names, classes, rows) for _, rows, _ in asked]
        except Exception as error:  # what a converter raises is anything
            why = why or f"it does not convert: {_line(error)}"
            continue
        gaps = [_gap(one[2], other) for one, other in zip(asked, found)]  # noqa: B905 - Python 3.8
        if not any(gaps):
            write(folder, "model.onnx", content)
            return session
        place = next(place for place, gap in enumerate(gaps) if gap)
        why = f"converted, it {gaps[place]} ({asked[place][0]})"
    raise _Unable(why)


def _inputs(shown: Any) -> Iterator[list[tuple[str, Any]]]:
    """The inputs of an ONNX model to try: one matrix of numbers, or one a column; double, then single."""
    from skl2onnx.common import data_types as kinds

    texts = {one["name"] for one in shown.signature() if one["type"] in ("text", "category")}
    for number in (kinds.DoubleTensorType, kinds.FloatTensorType):
        if not texts:
            matrix = "rows" if "rows" not in shown.names else "rows of the model"
            yield [(matrix, number([None, len(shown.names)]))]
        if shown.kind != "numpy":
            yield [
                (name, (kinds.StringTensorType if name in texts else number)([None, 1]))
                for name in shown.names
            ]


def _converted(model: Any, inputs: list[tuple[str, Any]], scores: bool) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common import _container as container

    make_node = container.make_node

    def plain_node(*arguments: Any, **attributes: Any) -> Any:
        # onnx takes no booleans for whole numbers, which skl2onnx gives it for boosted trees.
        for name, value in attributes.items():
            if isinstance(value, list) and any(
                type(each).__name__ in ("bool", "bool_") for each in value
            ):
                attributes[name] = [int(each) for each in value]
        return make_node(*arguments, **attributes)

    options = {id(model): {"zipmap": False}} if scores else None
    container.make_node = plain_node
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = to_onnx(model, initial_types=inputs, options=options)
    finally:
        container.make_node = make_node
    content: bytes = made.SerializeToString()
    return content


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def own_onnx(folder: str, model: Any, shown: Any, classes: list[Any]) -> dict[str, Any]:
    """Writes an ONNX model, or that of a path; returns what `estimator` does."""
    if hasattr(model, "SerializeToString"):
        content = model.SerializeToString()
    else:
        with open(model, "rb") as file:
            content = file.read()
    if importlib.util.find_spec("onnxruntime") is None:
        raise ValueError(
            "onnxruntime is not installed here, so nobody sees what the ONNX model answers to the example: "
            "pip install onnxruntime"
        )
    answer = _by_session(_session(content), shown, classes)
    expected = answer(shown.rows)
    score = expected["y_score"]
    if classes and (score is None or score.shape != (len(shown), len(classes))):
        told = "none" if score is None else f"scores of the shape {score.shape}"
        raise ValueError(
            f"the ONNX model gives {told}; of {len(classes)} classes it is to give a column each"
        )
    write(folder, "model.onnx", content)
    return {
        "formats": ["onnx"],
        "notes": [],
        "compared": [],
        "classes": classes,
        "expected": expected,
        "answer": answer,
    }


def _by_session(session: Any, shown: Any, classes: list[Any]) -> Callable[[Any], dict[str, Any]]:
    loader = _loader()

    def answer(rows: Any) -> dict[str, Any]:
        found = loader.answer(session, shown.names, classes, shown.like(rows).columns)
        return {**found, "classes": classes or None}

    return answer


def _skops(path: str, model: Any) -> None:
    if importlib.util.find_spec("skops") is None:
        raise _Unable("skops is not installed here (pip install skops)")
    if not type(model).__module__.startswith("sklearn."):
        raise _Unable(f"{type(model).__module__}.{type(model).__name__} is not of scikit-learn")
    import skops.io

    try:
        skops.io.dump(model, path)
    except Exception as error:  # of a part of the model that skops does not know
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise _Unable(_line(error)) from None


def _gap(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """How a converted model's answers differ, in words; None where they do not."""
    import numpy

    score, other = expected["y_score"], found["y_score"]
    if (score is None) != (other is None):
        return "gives no scores"
    if score is not None:
        if score.shape != other.shape or not numpy.isfinite(other).all():
            return "gives other scores"
        gaps = numpy.abs(score - other).max(axis=1)
        if gaps.max() > TOLERANCE:
            count = int((gaps > TOLERANCE).sum())
            return (
                f"answers {count:,} of {len(gaps):,} rows differently (by {gaps.max():.2g} at most)"
            )
    right, answered = numpy.asarray(expected["y_pred"]), numpy.asarray(found["y_pred"])
    if score is None and right.dtype.kind == "f":
        allowed = TOLERANCE * numpy.maximum(1.0, numpy.abs(right))
        differ = ~(numpy.abs(right - answered) <= allowed)
    else:
        # A tie within the tolerance may fall to either side.
        differ = right != answered.astype(right.dtype)
        if score is not None and score.shape[1] > 1:
            best = numpy.sort(score, axis=1)
            differ &= best[:, -1] - best[:, -2] > 2 * TOLERANCE
    count = int(differ.sum())
    return f"answers {count:,} of {len(right):,} rows differently" if count else None


def write(folder: str, name: str, content: bytes) -> None:
    """Writes a file of the folder through to the disk."""
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _loader() -> Any:
    """The module that use of a bundle goes through everywhere, also where it was exported to."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    spec = importlib.util.spec_from_file_location("cockpit_loader", os.path.join(root, LOADER))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _line(error: BaseException) -> str:
    """The first words of what a library raised."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"
