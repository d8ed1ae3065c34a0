"""Use this model: load(FOLDER)({"column": [values…], …}) gives {"y_pred": …, "y_score": …}.

Needs numpy and onnxruntime alone. FOLDER holds the bundle; y_score has a column a class, or is None.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np


def load(folder: str) -> Any:
    from onnxruntime import InferenceSession

    session = InferenceSession(Path(folder, "model.onnx"), providers=["CPUExecutionProvider"])
    told = json.loads(Path(folder, "example.json").read_text("utf-8"))
    rules = Path(folder).resolve().parent / "rules.json"
    model = lambda rows: answer(session, list(told["columns"]), told["classes"], rows)  # noqa: E731
    if not rules.exists():
        return model
    from cockpit_rules import ruled  # type: ignore[import-not-found] # beside this file

    return ruled(model, json.loads(rules.read_text("utf-8")))


def answer(session: Any, columns: "list[str]", classes: "list[Any]", rows: Any) -> "dict[str, Any]":
    inputs = {one.name: one.type[len("tensor(") : -1] for one in session.get_inputs()}
    feed = {n: array(rows[n], kind)[:, None] for n, kind in inputs.items() if n in columns}
    for name in inputs.keys() - feed.keys():  # a model that takes all columns as one matrix
        feed[name] = np.column_stack([array(rows[column], inputs[name]) for column in columns])
    first, *others = session.run(None, feed)
    if not classes:
        return {"y_pred": first.reshape(-1), "y_score": None}
    score = others[-1] if others else first if first.ndim > 1 else None
    label = np.array(classes)[score.argmax(axis=1)] if score is first else first
    return {"y_pred": label.reshape(-1), "y_score": score}


def array(values: Any, kind: str) -> Any:
    if kind == "string":
        return np.array(["" if value is None else str(value) for value in values], dtype=object)
    dtype = {"float": "float32", "double": "float64"}.get(kind, kind)
    return np.asarray(values, None if dtype == "int64" else "float64").astype(dtype)
