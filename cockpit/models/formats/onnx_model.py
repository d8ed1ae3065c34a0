"""ONNX models: looked through before onnxruntime sees them, then asked in a process of their own (guarded.py)."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from cockpit.models.formats.guarded import Guarded
from cockpit.models.safety import BundleRefused, NotAsked, first_words
from cockpit.models.signature import BadRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from cockpit.models.signature import Signature

DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml", "com.microsoft"))
"""Whose operators may stand in a model: those that onnxruntime itself brings."""
_WHOLE = ("tensor(int64)", "tensor(bool)")


class OnnxModel:
    """An ONNX model in onnxruntime, on the CPU, in a process of its own."""

    def __init__(self, content: bytes, signature: Signature) -> None:
        """Raises `NotAsked` where something is not installed, `BundleRefused` for what may not be loaded."""
        check(content)
        if importlib.util.find_spec("onnxruntime") is None:
            raise _missing("onnxruntime")
        self._types = _inputs(content)
        self._model = Guarded(content, signature.names, signature.classes)

    def answers(self, rows: pl.DataFrame) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of rows that fit the signature."""
        return self._model.answers(self._columns(rows), rows.height)

    def seconds(self, rows: pl.DataFrame, times: int) -> Any:
        """(times,): how long each row takes, asked for it alone."""
        return self._model.seconds(self._columns(rows), rows.height, times)

    def _columns(self, rows: pl.DataFrame) -> dict[str, Any]:
        import polars as pl

        for name, kind in self._types.items():
            if kind in _WHOLE and name in rows.columns and rows[name].null_count():
                raise BadRows(f"the model takes no missing values in {name!r}: {kind}")
        return {
            name: values.to_list() if values.dtype.is_(pl.String) else _array(values)
            for name, values in zip(rows.columns, rows.get_columns(), strict=True)
        }


def check(content: bytes) -> None:
    """Raises `BundleRefused` for a model that reads other files or has operators of strangers."""
    try:
        import onnx
    except ImportError:
        raise _missing("onnx") from None
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError has moved from module to module
        raise BundleRefused(f"model.onnx is no ONNX model: {first_words(error)}") from None
    for imported in model.opset_import:
        if imported.domain not in DOMAINS:
            raise BundleRefused(
                f"model.onnx asks for operators of {imported.domain!r}; allowed: those of ONNX and onnxruntime"
            )
    for part in _parts(model):
        if part.DESCRIPTOR.name == "TensorProto" and (
            part.external_data or part.data_location == onnx.TensorProto.EXTERNAL
        ):
            raise BundleRefused("model.onnx wants to read its weights from another file")
        if part.DESCRIPTOR.name == "NodeProto" and part.domain not in DOMAINS:
            raise BundleRefused(f"model.onnx has the operator {part.domain}:{part.op_type}")


def _inputs(content: bytes) -> dict[str, str]:
    """The types of the columns that the model takes by name, as onnxruntime calls them."""
    import onnx

    names = {onnx.TensorProto.INT64: "tensor(int64)", onnx.TensorProto.BOOL: "tensor(bool)"}
    model = onnx.load_model_from_string(content)
    return {one.name: names.get(one.type.tensor_type.elem_type, "") for one in model.graph.input}


def _parts(message: Any) -> Iterator[Any]:
    """Every message in a message, itself too."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        for field, value in part.ListFields():
            if field.message_type is not None:
                waiting.extend(value if _is_list(value) else [value])


def _is_list(value: Any) -> bool:
    return not hasattr(value, "ListFields")


def _array(values: pl.Series) -> Any:
    import numpy as np
    import polars as pl

    if values.null_count():
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.asarray(values.to_numpy())


def _missing(package: str) -> NotAsked:
    return NotAsked(
        f"{package} is not installed here, which an ONNX model needs: "
        "pip install 'experiment-cockpit[models]'"
    )
