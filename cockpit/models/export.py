"""Puts a model into a folder of its own, to be used without cockpit: by the loader beside it, or by MLflow."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.models import safety
from cockpit.models.plain_rules import RULES, rules_as_json
from cockpit.models.safety import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.models.bundle import Bundle

LOADER = "loader.py"
_MLFLOW_LOADER = '''"""Lets mlflow.pyfunc.load_model load the bundle beside it; needs numpy, pandas and onnxruntime."""

import os

import pandas

from cockpit_loader import load


class Model:
    def __init__(self, folder):
        self._answer = load(folder)

    def predict(self, frame, params=None):
        found = self._answer({name: frame[name].to_numpy() for name in frame.columns})
        answers = pandas.DataFrame({"y_pred": found["y_pred"]})
        if found["y_score"] is not None:
            for place, label in enumerate(CLASSES):
                answers["y_score." + label] = found["y_score"][:, place]
        return answers


def _load_pyfunc(path):
    return Model(path)


'''
_MLFLOW_TYPES = {
    "int": "long",
    "float": "double",
    "bool": "boolean",
    "text": "string",
    "category": "string",
}


def export(
    bundle: Bundle, folder: Path, *, mlflow: bool = False, rules: Sequence[str] = ()
) -> tuple[str, ...]:
    """Write a bundle into a new folder, whole or not at all; returns the names of the files.

    With a model in ONNX there is a loader that needs onnxruntime and numpy alone, `loader.py`, which carries out
    the `rules` of a version too (`cockpit_rules.py`, `rules.json`); with `mlflow` the folder is one that
    `mlflow.pyfunc.load_model` takes. Raises `BundleError`, also for a rule that the loader cannot carry out.
    """
    ruled = rules_as_json(rules, bundle) if rules else None
    onnx = "onnx" in bundle.signature.formats
    if mlflow and not onnx:
        raise BundleError(
            f"only a model in ONNX goes to MLflow, and this is {' and '.join(bundle.signature.formats)}"
            + "".join(f" ({note})" for note in bundle.signature.notes)
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(f"{folder} is there already; name a folder that is not, or an empty one")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            if mlflow:
                _write_mlflow(bundle, partial)
            else:
                _write_bundle(bundle, partial / "model")
                if onnx:
                    (partial / LOADER).write_bytes(_loader())
            if ruled is not None:
                (partial / RULES).write_text(ruled, encoding="utf-8")
                if onnx:
                    code = partial / "code" if mlflow else partial
                    (code / "cockpit_rules.py").write_bytes(_beside("ruling.py"))
            partial.chmod(0o755)
            partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise BundleError(f"{folder} cannot be written: {error.strerror or error}") from error
    return tuple(_names(folder))


def _write_bundle(bundle: Bundle, folder: Path) -> None:
    """The files as they were checked, not as they lie there by now."""
    manifest = (bundle.folder / safety.MANIFEST).read_bytes()
    for name, content in (*bundle.contents.files.items(), (safety.MANIFEST, manifest)):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    if safety.digest(folder) != bundle.digest:
        raise BundleError(f"{bundle.folder} was changed while it was exported; try again")


def _write_mlflow(bundle: Bundle, folder: Path) -> None:
    signature = bundle.signature
    _write_bundle(bundle, folder / "bundle")
    code = folder / "code"
    code.mkdir()
    (code / "cockpit_loader.py").write_bytes(_loader())
    labels = [str(label) for label in signature.classes]
    (code / "cockpit_model.py").write_text(
        f"{_MLFLOW_LOADER}CLASSES = {labels!r}\n", encoding="utf-8"
    )
    packages = [
        f"{name}=={signature.packages[name]}" if name in signature.packages else name
        for name in ("numpy", "onnxruntime", "pandas")
    ]
    (folder / "requirements.txt").write_text("\n".join(["mlflow", *packages]) + "\n", "utf-8")
    columns = [
        {"type": _MLFLOW_TYPES[column.type], "name": column.name, "required": not column.nulls}
        for column in signature.columns
    ]
    # JSON is YAML, and quotes what needs it.
    told = {
        "flavors": {
            "python_function": {
                "code": "code",
                "data": "bundle",
                "env": {"virtualenv": "python_env.yaml"},
                "loader_module": "cockpit_model",
                "python_version": signature.python,
            }
        },
        "signature": {"inputs": json.dumps(columns)},
        "utc_time_created": signature.created.replace("T", " ")[:26],
    }
    (folder / "MLmodel").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    environment = {"python": signature.python, "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(json.dumps(environment) + "\n", encoding="utf-8")


def _loader() -> bytes:
    return _beside(LOADER)


def _beside(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def _names(folder: Path) -> Sequence[str]:
    return sorted(
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
    )
