"""Carries out the rules of a model where there is no cockpit: rules.json, beside the folder of the model.

Needs numpy alone. A rule is a condition and what is answered where it holds, the first that does; conditions are
lists as storage/expressions/comparisons.py of cockpit describes them. A missing value compares with nothing.
"""

import operator
from functools import reduce
from typing import Any

import numpy as np

SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ruled(answer: Any, told: Any) -> Any:
    """The model `answer`, with the rules of rules.json before it."""

    def ask(rows: Any) -> "dict[str, Any]":
        found = answer(rows)
        y_pred, y_score = found["y_pred"], found["y_score"]
        classes, kinds = told["classes"], told["kinds"]
        columns = {name: column(rows[name], kinds[name]) for name in told["columns"]}
        if "y_pred" in kinds:
            own = y_pred == told["positive"] if kinds["y_pred"] == "code" else y_pred
            columns["y_pred"] = column(own, kinds["y_pred"])
        if "y_score" in kinds:
            columns["y_score"] = column(y_score[:, classes.index(told["positive"])], "number")
        open_rows = np.ones(len(y_pred), dtype=bool)
        y_pred = y_pred.astype(object if classes else "float64")
        y_score = None if y_score is None else y_score.copy()
        for condition, value in told["plain"]:
            now = open_rows & np.broadcast_to(holds(condition, columns), open_rows.shape)
            y_pred[now] = classes[value] if classes else value
            if y_score is not None and classes:
                y_score[now] = np.arange(len(classes)) == value
            open_rows &= ~now
        return {"y_pred": np.array(y_pred.tolist()) if len(y_pred) else y_pred, "y_score": y_score}

    return ask


def column(values: Any, kind: str) -> Any:
    """The values, and where they are missing."""
    if kind == "text":
        missing = np.array([value is None or value != value for value in values], dtype=bool)
        return np.array([str(value) for value in values], dtype=object), missing
    numbers = np.asarray(values, dtype="float64")
    return numbers, np.isnan(numbers)


def holds(condition: Any, columns: Any) -> Any:
    """(rows,): where a condition holds."""
    sign, *parts = condition
    if sign in ("and", "or"):
        join = np.logical_and if sign == "and" else np.logical_or
        return reduce(join, (holds(part, columns) for part in parts))
    if sign == "not":
        return ~np.asarray(holds(parts[0], columns), dtype=bool)
    if sign == "in":
        each = (holds(["=", parts[0], one], columns) for one in parts[1])
        return reduce(np.logical_or, each)
    left, gone = value(parts[0], columns)
    if sign == "null":
        return gone
    if sign == "true":
        return (left != 0) & ~gone
    right, lost = value(parts[1], columns)
    found = np.asarray(SIGNS[sign](left, right), dtype=bool)
    return found & ~(gone | lost)


def value(part: Any, columns: Any) -> Any:
    kind, told = part
    if kind == "column":
        return columns[told]
    return told if isinstance(told, str) else float(told), np.bool_(False)
