"""The rows a model is shown with when it is saved, of whatever library they are.

One file on the standard library alone (Python 3.8 and later); bundles.py beside it loads it by its path.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 2_000
"""Rows of an evaluation set that a converted model is tried with."""
MIDDLES = 1_000
"""Of a column, values between those of the example that a converted model is tried with."""
_TYPES = {bool: "bool", int: "int", float: "float", str: "text"}
_CATEGORIES = ("Categorical", "Enum", "category")


class Example:
    """The rows a model is shown with: raw, as it is to get them later."""

    def __init__(self, rows: Any, target: str | None, names: Sequence[str] | None) -> None:
        self.kind, self.rows = kind_of(rows), rows
        if self.kind == "lists":
            import numpy

            self.kind, self.rows = "numpy", numpy.asarray(rows)
        if self.kind == "numpy":
            if self.rows.ndim != 2:
                raise ValueError(
                    f"example has {self.rows.ndim} dimensions; expected rows × columns"
                )
            told = list(names or [f"x{place}" for place in range(self.rows.shape[1])])
            if len(told) != self.rows.shape[1]:
                raise ValueError(
                    f"example has {self.rows.shape[1]} columns, and columns {len(told)}"
                )
        else:
            there = list(self.rows if self.kind == "columns" else self.rows.columns)
            told = list(names or [name for name in there if name != target])
            missing = [name for name in told if name not in there]
            if missing:
                raise ValueError(f"the rows lack the column {missing[0]!r}, which the model takes")
        if not told or not all(isinstance(name, str) for name in told):
            raise ValueError("example has no columns with names; give a frame, or columns=[…]")
        self.names = told
        self.columns = {name: self._column(place) for place, name in enumerate(told)}
        if len({len(values) for values in self.columns.values()}) > 1:
            raise ValueError("the columns of example are of different lengths")
        if not len(self):
            raise ValueError("example has no rows; a few of those the model is to answer will do")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def frame(self) -> Any:
        """As the model takes it."""
        if self.kind == "numpy":
            return self.rows
        return self.rows[self.names] if self.kind == "pandas" else self.rows.select(self.names)

    def like(self, rows: Any) -> Example:
        """Other rows, the same columns of them."""
        return Example(rows, None, self.names)

    def between(self) -> tuple[Any, dict[str, list[Any]]]:
        """Rows that lie between those of the example, as the model takes them, and by column.

        A tree splits halfway between the values it has seen: what lies there is where a converted model errs first.
        """
        rows: list[int] = []
        changes: list[tuple[str, Any]] = []
        for one in self.signature():
            for value in _halfway(one["type"], self.columns[one["name"]])[:MIDDLES]:
                rows.append(len(rows) % len(self))
                changes.append((one["name"], value))
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        for place, (name, value) in enumerate(changes):
            columns[name][place] = value
        if self.kind == "numpy":
            frame = self.rows[rows].copy()
            for place, name in enumerate(self.names):
                frame[:, place] = columns[name]
            return frame, columns
        frame = self.frame()
        if self.kind == "pandas":
            frame = frame.iloc[rows].reset_index(drop=True)
            changed = {name: frame[name].dtype for name, _ in changes}
            return frame.assign(**{name: columns[name] for name in changed}).astype(
                changed
            ), columns
        schema = {name: frame.schema[name] for name in self.names}
        return type(frame)({name: columns[name] for name in self.names}, schema=schema), columns

    def sample(self, path: str) -> tuple[Any, dict[str, list[Any]]]:
        """Rows of a file, spread over all of it, as the model takes them, and by column.

        Whatever reading them raises goes through.
        """
        columns = {
            name: [plain(name, value) for value in values]
            for name, values in _read(path, self.names).items()
        }
        return self._made(columns), columns

    def _made(self, columns: dict[str, list[Any]]) -> Any:
        """A frame or an array of other values, in the types of the example."""
        if self.kind == "numpy":
            import numpy

            each = [numpy.array(columns[name], dtype=self.rows.dtype) for name in self.names]
            return numpy.column_stack(each)
        frame = self.frame()
        if self.kind == "pandas":
            return type(frame)(columns).astype({name: frame[name].dtype for name in self.names})
        schema = {name: frame.schema[name] for name in self.names}
        return type(frame)(columns, schema=schema, strict=False)

    def signature(self) -> list[dict[str, Any]]:
        return [self._described(name) for name in self.names]

    def _column(self, place: int) -> list[Any]:
        name = self.names[place]
        if self.kind == "numpy":
            values = self.rows[:, place].tolist()
        elif self.kind == "polars":
            values = self.rows[name].to_list()
        else:
            column = self.rows[name]
            values = column.tolist() if hasattr(column, "tolist") else list(column)
        return [plain(name, value) for value in values]

    def _dtype(self, name: str) -> str:
        if self.kind == "columns":
            return ""
        if self.kind == "numpy":
            return str(self.rows.dtype)
        return str(self.rows[name].dtype)

    def _described(self, name: str) -> dict[str, Any]:
        values, dtype = self.columns[name], self._dtype(name)
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            kinds = {float}
        if len(kinds) > 1:
            told = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise TypeError(f"the column {name!r} of example mixes {told}")
        kind = _TYPES[kinds.pop()] if kinds else "float"
        if kind == "int" and dtype.lower().startswith("float"):
            kind = "float"
        if kind == "text" and dtype.startswith(_CATEGORIES):
            kind, dtype = "category", dtype.partition("(")[0]
        return {"name": name, "type": kind, "dtype": dtype, "nulls": None in values}


def _read(path: str, names: Sequence[str]) -> dict[str, list[Any]]:
    """Some rows of a file, spread over all of it, by polars, or by pandas where there is no polars."""
    suffix = os.path.splitext(path)[1].lower()
    if importlib.util.find_spec("polars") is not None:
        polars = importlib.import_module("polars")
        scans = {".parquet": polars.scan_parquet, ".csv": polars.scan_csv}
        scan: Any = scans.get(suffix) or polars.scan_ndjson
        rows = scan(path).select(names)
        count = rows.select(polars.len()).collect().item()
        found = rows.gather_every(max(1, count // SAMPLE)).head(SAMPLE).collect()
        return {name: found[name].to_list() for name in names}
    pandas = importlib.import_module("pandas")
    if suffix == ".parquet":
        table = pandas.read_parquet(path, columns=list(names))
    elif suffix == ".csv":
        table = pandas.read_csv(path, usecols=list(names))
    else:
        table = pandas.read_json(path, lines=True)
    table = table.iloc[:: max(1, len(table) // SAMPLE)].head(SAMPLE)
    return {name: table[name].tolist() for name in names}


def _halfway(kind: str, values: Sequence[Any]) -> list[Any]:
    """Values in the middle between neighbours."""
    there = sorted({value for value in values if value is not None})
    pairs = list(zip(there, there[1:]))  # noqa: B905, RUF007 - Python 3.8
    if kind == "float":
        return [(low + high) / 2 for low, high in pairs]
    return [(low + high) // 2 for low, high in pairs if high - low > 1] if kind == "int" else []


def kind_of(rows: Any) -> str:
    """`polars`, `pandas`, `numpy`, `lists`, or `columns` of a mapping; raises TypeError."""
    if hasattr(rows, "get_columns"):
        return "polars"
    if hasattr(rows, "iloc"):
        return "pandas"
    if hasattr(rows, "keys"):
        return "columns"
    if isinstance(rows, (list, tuple)):
        return "lists"
    if hasattr(rows, "ndim") and hasattr(rows, "dtype"):
        return "numpy"
    raise TypeError(
        f"example is of type {type(rows).__name__}; expected a frame of polars or pandas, or an array"
    )


def plain(name: str, value: Any) -> Any:
    """A value of a row or a label, as JSON has it; NaN and the like are None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            found: Any = kind(value)
            return None if kind is float and math.isnan(found) else found
    raise TypeError(
        f"{name!r} holds {type(value).__name__}; a bundle takes numbers, texts and booleans"
    )


def listed(values: Any) -> list[Any]:
    """The values of an array, or of what can be gone through."""
    return list(values.tolist() if hasattr(values, "tolist") else values)
