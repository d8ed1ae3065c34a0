"""ONNX models: looked through before onnxruntime sees them, then asked by the loader that exports carry too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.models.safety import BundleError, BundleRefused
from cockpit.models.signature import BadRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from cockpit.models.signature import Signature

DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml", "com.microsoft"))
"""Whose operators may stand in a model: those that onnxruntime itself brings."""


class OnnxModel:
    """An ONNX model in onnxruntime, on the CPU."""

    def __init__(self, content: bytes, signature: Signature) -> None:
        """Raises `BundleError` where something is not installed, `BundleRefused` for what may not be loaded."""
        check(content)
        try:
            import onnxruntime
        except ImportError:
            raise _missing("onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a class for each code, and no root of them
            raise BundleError(f"onnxruntime does not load the model: {_first(error)}") from None
        self._signature = signature

    def answers(self, rows: pl.DataFrame) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of rows that fit the signature."""
        import polars as pl

        from cockpit.models import loader

        for one in self._session.get_inputs():
            whole = one.type in ("tensor(int64)", "tensor(bool)") and one.name in rows.columns
            if whole and rows[one.name].null_count():
                raise BadRows(f"the model takes no missing values in {one.name!r}: {one.type}")
        columns = {
            name: values.to_list() if values.dtype.is_(pl.String) else _array(values)
            for name, values in zip(rows.columns, rows.get_columns(), strict=True)
        }
        signature = self._signature
        try:
            found: dict[str, Any] = loader.answer(
                self._session, list(signature.names), list(signature.classes), columns
            )
        except Exception as error:  # as above
            raise BundleError(f"the model does not answer these rows: {_first(error)}") from None
        return found


def check(content: bytes) -> None:
    """Raises `BundleRefused` for a model that reads other files or has operators of strangers."""
    try:
        import onnx
    except ImportError:
        raise _missing("onnx") from None
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError has moved from module to module
        raise BundleRefused(f"model.onnx is no ONNX model: {_first(error)}") from None
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


def _missing(package: str) -> BundleError:
    return BundleError(
        f"{package} is not installed here, which an ONNX model needs: "
        "pip install 'experiment-cockpit[models]'"
    )


def _first(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
