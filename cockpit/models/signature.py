"""What a model takes and gives: its columns and their types, by which rows are checked before it sees them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cockpit.models.safety import BundleRefused
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from cockpit.models.safety import Contents

Kind = Literal["int", "float", "bool", "text", "category"]
FORMATS = ("onnx", "skops", "pickle", "files")
_KINDS = ("int", "float", "bool", "text", "category")
_TASKS = ("binary", "multiclass", "regression")


class BadRows(UserError):
    """Rows that a model cannot be asked about; one sentence: which column, what is wrong."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a model takes."""

    name: str
    type: Kind
    dtype: str
    """As the library of the training code calls it; empty where it does not matter."""
    nulls: bool
    """Whether the example has missing values there: elsewhere nobody has seen what the model makes of them."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What `model.toml` and `example.json` say."""

    formats: tuple[str, ...]
    """The first is the one that is used."""
    task: Literal["binary", "multiclass", "regression"]
    columns: tuple[Column, ...]
    classes: tuple[Any, ...]
    """The labels, in the order of the model's scores; empty for amounts."""
    positive: Any
    """Of two labels, the one whose score counts; else None."""
    target: str | None
    rows: str
    """What the model was given its rows as: `polars`, `pandas`, `numpy`, `columns`."""
    created: str
    """UTC, ISO."""
    python: str
    packages: Mapping[str, str]
    """Versions by name, where it was trained."""
    notes: tuple[str, ...]
    """Why a format is not there."""
    example: Mapping[str, Sequence[Any]]
    """Rows by column."""
    expected: Mapping[str, Any]
    """`y_pred` and `y_score` of the example, or None."""
    compared: tuple[str, ...] = ()
    """By which rows the ONNX model was found to answer as the one it was made from: `2,000 rows of eval`."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def dtypes(self) -> dict[str, str]:
        """Of each column, as the library of the training code calls it."""
        return {column.name: column.dtype for column in self.columns}

    def example_frame(self) -> pl.DataFrame:
        """The example in the types of the signature."""
        import polars as pl

        kinds = {column.name: _polars(column.type) for column in self.columns}
        return pl.DataFrame({name: self.example[name] for name in self.names}, kinds, strict=False)

    def fitted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The model's columns of a frame, in its order and types: Int64, Float64, Boolean, String.

        Columns that it does not take are left out. Raises `BadRows`.
        """
        self.check_names(frame.columns)
        return frame.select(_fitted(column, frame[column.name]) for column in self.columns)

    def check_names(self, there: Sequence[str]) -> None:
        """Raises `BadRows` where a column of the model is not `there`."""
        missing = [name for name in self.names if name not in there]
        if not missing:
            return
        import difflib

        near = difflib.get_close_matches(missing[0], there, 1)
        meant = f" (they have {near[0]!r})" if near else ""
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadRows(
            f"the rows lack the column {missing[0]!r}{more}, which the model takes{meant}"
        )


def read_signature(where: str, contents: Contents) -> Signature:
    """What the files of a bundle say of its model. Raises `BundleRefused`."""
    try:
        told = tomllib.loads(contents.files["model.toml"].decode())
        example = json.loads(contents.files["example.json"])
        found = Signature(
            formats=tuple(map(str, told["formats"])),
            task=told["task"],
            columns=tuple(Column(**column) for column in told["columns"]),
            classes=tuple(told["classes"]),
            positive=told.get("positive"),
            target=told.get("target"),
            rows=str(told["rows"]),
            created=str(told["created"]),
            python=str(told["python"]),
            packages=dict(told["packages"]),
            notes=tuple(map(str, told["notes"])),
            example=dict(example["columns"]),
            expected=dict(example["expected"]),
            compared=tuple(map(str, told.get("compared", ()))),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise BundleRefused(
            f"what {where} says of its model cannot be understood: {what}"
        ) from None
    known = (
        found.task in _TASKS
        and found.formats
        and set(found.formats) <= set(FORMATS)
        and all(column.type in _KINDS for column in found.columns)
        and set(found.names) == set(found.example)
    )
    if not known:
        raise BundleRefused(f"what {where} says of its model cannot be understood")
    return found


def _polars(kind: Kind) -> Any:
    import polars as pl

    kinds = {"int": pl.Int64(), "float": pl.Float64(), "bool": pl.Boolean()}
    return kinds.get(kind, pl.String())


def _fitted(column: Column, values: pl.Series) -> pl.Series:
    import polars as pl

    wanted, given = _polars(column.type), values.dtype
    if not _goes(column.type, values):
        like = next((value for value in values if value is not None), None)
        raise BadRows(
            f"the column {column.name!r} is {given} (as {like!r}); the model takes {_WORDS[column.type]}"
        )
    try:
        found = values.cast(wanted)
    except pl.exceptions.PolarsError:
        raise BadRows(
            f"the column {column.name!r} has values that are no {_WORDS[column.type]}"
        ) from None
    if found.dtype == pl.Float64():
        found = found.fill_nan(None)
    if found.null_count() and not column.nulls:
        first = int(found.is_null().arg_max() or 0)
        raise BadRows(
            f"the column {column.name!r} has {found.null_count():,} missing values (the first in row "
            f"{first + 1:,}), and the example of the model none: nobody has seen what it makes of them"
        )
    return found


_WORDS = {
    "int": "whole numbers",
    "float": "numbers",
    "bool": "true or false",
    "text": "texts",
    "category": "texts",
}


def _goes(kind: Kind, values: pl.Series) -> bool:
    """Whether values are of such a kind, or can be without loss."""
    import polars as pl

    given = values.dtype
    if given == pl.Null:
        return True
    if kind == "bool":
        return given == pl.Boolean
    if kind in ("text", "category"):
        return given == pl.String or isinstance(given, pl.Categorical | pl.Enum)
    if kind == "int" and given.is_float():
        whole = values.drop_nulls()
        return bool(((whole == whole.floor()) & whole.is_finite()).all())
    return given.is_numeric()
