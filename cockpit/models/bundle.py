"""A model as a run saved it: a folder of files that was checked, and answers rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from cockpit.models.safety import BundleError, BundleRefused, NotAsked, digest, read_checked
from cockpit.models.signature import BadRows, Signature, read_signature

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from cockpit.models.safety import Contents

__all__ = [
    "BadRows",
    "Bundle",
    "BundleError",
    "BundleRefused",
    "NotAsked",
    "digest",
    "has_bundle",
    "load_bundle",
]

TOLERANCE = 1e-6
"""What answers may differ by and still be the same: of a score absolutely, of an amount relatively."""


class Model(Protocol):
    """A model in one of the formats."""

    def answers(self, rows: pl.DataFrame) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of rows that fit the signature."""
        ...

    def seconds(self, rows: pl.DataFrame, times: int) -> Any:
        """(times,): how long each of so many questions takes, a row each; `rows` again and again."""
        ...


class Bundle:
    """A bundle whose files are what its manifest says. The model itself is loaded when it is first asked."""

    def __init__(self, folder: Path, contents: Contents, unsafe_pickle: bool) -> None:
        self.folder = folder
        self.contents = contents
        self.signature: Signature = read_signature(str(folder), contents)
        self._unsafe_pickle = unsafe_pickle

    @property
    def digest(self) -> str:
        """`sha256:…` of the manifest, which has those of the files."""
        return self.contents.digest

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return self.contents.size

    @cached_property
    def model(self) -> Model:
        """The model, in the first of its formats. Raises `BundleError`."""
        wanted = self.signature.formats[0]
        if wanted == "onnx":
            from cockpit.models.formats.onnx_model import OnnxModel

            return OnnxModel(self._file("model.onnx"), self.signature)
        if wanted == "files":
            raise NotAsked(
                f"{self.folder} holds the files of another framework, which answers by them itself: "
                "cockpit evaluate RUN --predictions FILE takes its answers"
            )
        if wanted == "skops":
            from cockpit.models.formats.skops_model import SkopsModel

            return SkopsModel(self._file("model.skops"), self.signature)
        if not self._unsafe_pickle:
            raise BundleRefused(
                f"{self.folder} holds a pickle, which runs any code when it is loaded: "
                "--unsafe-pickle loads it, if you trust whoever made it"
            )
        import pickle

        from cockpit.models.formats.skops_model import ScikitModel

        # In this process: what it is made of is found as the program that asks for it finds it.
        model = pickle.loads(self._file("model.pkl"))  # noqa: S301 - asked for
        signature = self.signature
        return ScikitModel(model, signature.rows, signature.dtypes, signature.classes)

    def answers(self, frame: pl.DataFrame) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of raw rows.

        Raises `BadRows` for rows that the model cannot be asked about, and `BundleError`.
        """
        return self.model.answers(self.signature.fitted(frame))

    def predict(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`y_pred`, and the scores: of two labels `y_score`, the positive one's; of more `y_score.LABEL` each.

        A row a row of the frame, of which the model's columns are taken. Raises as `answers` does.
        """
        import polars as pl

        found = self.answers(frame)
        schema = self.schema()
        columns = [pl.Series("y_pred", found["y_pred"], strict=False).cast(schema["y_pred"])]
        scores = found["y_score"]
        if scores is not None:
            columns += [
                pl.Series(name, scores[:, place], dtype=None).cast(pl.Float64)
                for name, place in self._scores().items()
            ]
        return pl.DataFrame(columns)

    def by_class(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As `predict`, with a score of each label, also where there are two."""
        import polars as pl

        found = self.answers(frame)
        columns = [pl.Series("y_pred", found["y_pred"], strict=False)]
        if (scores := found["y_score"]) is not None:
            columns += [
                pl.Series(name, scores[:, place]).cast(pl.Float64)
                for place, name in enumerate(map(self._score_of, self.signature.classes))
            ]
        return pl.DataFrame(columns)

    def schema(self) -> dict[str, Any]:
        """The types of the columns of `predict`; that there are scores is told from the example."""
        import polars as pl

        kinds = set(map(type, self.signature.classes)) or {float}
        kind = kinds.pop() if len(kinds) == 1 else str
        of = {bool: pl.Boolean(), int: pl.Int64(), float: pl.Float64()}
        found: dict[str, Any] = {"y_pred": of.get(kind, pl.String())}
        if self.signature.expected.get("y_score") is not None:
            found |= dict.fromkeys(self._scores(), pl.Float64())
        return found

    def check_example(self) -> None:
        """See that the model answers its example as it did where it was saved. Raises `BundleError`."""
        expected = self.signature.expected
        if expected.get("y_pred") is None:
            return
        found = self.answers(self.signature.example_frame())
        try:
            differ = _differ(expected, found)
        except (ValueError, TypeError):  # of shapes that do not go together
            differ = "other answers"
        if differ:
            raise BundleError(
                f"{self.folder} answers its own example differently here ({differ}): "
                f"it was saved with {self._versions()}"
            )

    def _versions(self) -> str:
        names = ("scikit-learn", "onnxruntime", "numpy", "skops")
        told = self.signature.packages
        return (
            ", ".join(f"{name} {told[name]}" for name in names if name in told) or "other packages"
        )

    def _scores(self) -> dict[str, int]:
        """The columns of scores, and their places among the model's."""
        classes = self.signature.classes
        if len(classes) == 2:
            positive = self.signature.positive
            return {"y_score": classes.index(positive) if positive in classes else 1}
        return {self._score_of(label): place for place, label in enumerate(classes)}

    @staticmethod
    def _score_of(label: object) -> str:
        return f"y_score.{label}"

    def _file(self, name: str) -> bytes:
        if name not in self.contents.files:
            raise BundleRefused(f"{self.folder} says it has {name}, and has not")
        return self.contents.files[name]


def load_bundle(folder: Path, *, digest: str | None = None, unsafe_pickle: bool = False) -> Bundle:
    """Check a bundle and read what it says of itself; `digest` is what it is to be.

    Raises `BundleError`, and `BundleRefused` for one that was changed or is not honest.
    """
    contents = read_checked(folder)
    if digest is not None and contents.digest != digest:
        raise BundleRefused(f"{folder} is not the bundle that was meant: it was changed since")
    return Bundle(folder, contents, unsafe_pickle)


def has_bundle(folder: Path) -> bool:
    """Whether a run's folder of the model holds one."""
    return (folder / "manifest.json").is_file()


def _differ(expected: Any, found: dict[str, Any]) -> str | None:
    """How answers differ from what was expected, in words."""
    import numpy as np

    score, y_pred = expected.get("y_score"), np.asarray(expected["y_pred"])
    if score is not None:
        if found["y_score"] is None or np.shape(score) != found["y_score"].shape:
            return "no such scores"
        gap = float(np.abs(np.asarray(score) - found["y_score"]).max())
        return f"by {gap:.2g}" if not gap <= TOLERANCE else None
    if y_pred.dtype.kind == "f":
        gaps = np.abs(y_pred - found["y_pred"]) / np.maximum(1.0, np.abs(y_pred))
        return f"by {gaps.max():.2g}" if not gaps.max() <= TOLERANCE else None
    same = [str(each) for each in y_pred.tolist()] == [
        str(each) for each in found["y_pred"].tolist()
    ]
    return None if same else "other labels"
