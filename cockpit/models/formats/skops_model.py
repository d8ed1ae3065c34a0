"""Models of scikit-learn in skops' format: looked through by our own list of types before any is made.

The list is this file's. What the archive says about itself counts for nothing. Even so it lives in a process of its
own (guarded.py): numbers that were made up can crash the code of a tree, and an archive can fill the memory.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from cockpit.models.formats.guarded import Guarded
from cockpit.models.safety import BundleError, BundleRefused, NotAsked, first_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.models.signature import Signature

LOADERS = frozenset(
    (
        *(
            "DTypeNode",
            "DictNode",
            "FunctionNode",
            "JsonNode",
            "ListNode",
            "LossNode",
            "NdArrayNode",
        ),
        *(
            "ObjectNode",
            "PartialNode",
            "RandomGeneratorNode",
            "RandomStateNode",
            "SetNode",
            "SliceNode",
        ),
        *("SparseMatrixNode", "TreeNode", "TupleNode", "TypeNode"),
    )
)
"""Ways of skops to make an object that may be used; not among them are bound methods and `__reduce__`."""
FUNCTIONS = frozenset(
    (
        *(
            f"numpy.{name}"
            for name in [
                "log",
                "log1p",
                "log2",
                "log10",
                "sqrt",
                "exp",
                "expm1",
                "abs",
                "absolute",
                "square",
                "cbrt",
            ]
        ),
        *(
            f"sklearn.feature_selection._univariate_selection.{name}"
            for name in ["f_classif", "f_regression", "chi2", "r_regression"]
        ),
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.utils.validation.check_array",
        "scipy.special._ufuncs.expit",
    )
)
"""Functions that a model may hold."""
TRUSTED = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    *sorted(FUNCTIONS),
)
"""What skops itself does not trust, and a model may have all the same: parts of estimators, without code."""
_BUILTINS = ("bool", "dict", "float", "int", "list", "set", "slice", "str", "tuple")
_OTHERS = frozenset(
    (
        *(f"builtins.{name}" for name in _BUILTINS),
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.random.mtrand.RandomState",
    )
)
_NUMBERS = re.compile(r"numpy\.(?:bool_?|str_|object_?|(?:u?int|float)\d+)")
_ESTIMATORS = re.compile(
    r"sklearn\.(?:_loss|base|calibration|cluster|compose|covariance|cross_decomposition|decomposition"
    r"|discriminant_analysis|dummy|ensemble|feature_extraction|feature_selection|gaussian_process|impute|isotonic"
    r"|kernel_approximation|kernel_ridge|linear_model|manifold|mixture|model_selection|multiclass|multioutput"
    r"|naive_bayes|neighbors|neural_network|pipeline|preprocessing|random_projection|svm|tree)"
    r"(?:\.[a-z_]+)*\.[A-Z]\w*"
)
_SPARSE = re.compile(r"scipy\.sparse\._[a-z]+\.[a-z]{3}_(?:matrix|array)")
_RATIO = 20
"""Bytes that may come out of a byte of the archive: skops packs nothing, so as a rule it is one."""
_FREE = 1 << 20
_MOST_MEMBERS = 100_000
WARM = 10
"""Rows asked before the clock runs."""


class SkopsModel:
    """A model of scikit-learn in a process of its own."""

    def __init__(self, content: bytes, signature: Signature) -> None:
        """Raises `NotAsked` where skops is not installed, `BundleRefused` for what may not be loaded."""
        check(content)
        if importlib.util.find_spec("skops") is None:
            raise NotAsked(
                "skops is not installed here, which this model needs, and the scikit-learn it was trained with: "
                "pip install 'experiment-cockpit[models]'"
            )
        estimator = {"rows": signature.rows, "dtypes": signature.dtypes}
        self._model = Guarded(content, signature.names, signature.classes, estimator)

    def answers(self, rows: Any) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of rows that fit the signature."""
        return self._model.answers(rows, rows.height)

    def seconds(self, rows: Any, times: int) -> Any:
        """(times,): how long each row takes, asked for it alone."""
        return self._model.seconds(rows, rows.height, times)


class ScikitModel:
    """A fitted estimator in this process; it answers as it does in the training code."""

    def __init__(
        self, model: Any, rows: str, dtypes: dict[str, str], classes: tuple[Any, ...]
    ) -> None:
        self._model, self._rows, self._dtypes, self._classes = model, rows, dtypes, classes

    def answers(self, rows: Any) -> dict[str, Any]:
        """`y_pred` (rows,) and `y_score` (rows, classes) or None, of rows that fit the signature."""
        import warnings

        given = as_given(rows, self._rows, self._dtypes)
        scored = self._classes and hasattr(self._model, "predict_proba")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                y_score = self._model.predict_proba(given) if scored else None
                return {"y_pred": self._model.predict(given), "y_score": y_score}
        except Exception as error:  # an estimator raises what it likes
            raise BundleError(
                f"the model does not answer these rows: {first_words(error)}"
            ) from None

    def seconds(self, rows: Any, times: int) -> Any:
        """(times,): how long each row takes, asked for it alone."""
        import time

        import numpy as np

        ones = [rows[place] for place in range(rows.height)]
        for one in ones[:WARM]:
            self.answers(one)
        taken = []
        for place in range(times):
            started = time.perf_counter()
            self.answers(ones[place % len(ones)])
            taken.append(time.perf_counter() - started)
        return np.array(taken)


def open_skops(content: bytes) -> Any:
    """The object in an archive that `check` let through. Raises `BundleRefused` and `BundleError`."""
    import skops.io

    try:
        wanted = skops.io.get_untrusted_types(data=content)
        if strange := sorted(set(wanted) - set(TRUSTED)):
            raise BundleRefused(f"model.skops wants to load {strange[0]}, which no model may")
        return skops.io.loads(content, trusted=list(wanted))
    except BundleError:
        raise
    except Exception as error:  # of another version of scikit-learn, or not what its schema says
        raise BundleError(f"skops does not load the model: {first_words(error)}") from None


def check(content: bytes) -> None:
    """Look through an archive without making anything of it. Raises `BundleRefused`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, len(content))
            schema = json.loads(archive.read("schema.json"))
            _check_arrays(archive)
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError) as error:
        raise BundleRefused(f"model.skops is no archive of skops: {first_words(error)}") from None
    for node in _nodes(schema):
        _check_node(node)


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise BundleRefused(f"model.skops holds {len(members):,} files")
    names = set()
    for member in members:
        name = member.filename
        if "/" in name or "\\" in name or name in ("", ".", "..") or name in names:
            raise BundleRefused(
                f"model.skops holds {name!r}, which is no name of a file of its own"
            )
        if member.flag_bits & 1:
            raise BundleRefused(f"model.skops holds {name!r} under a password")
        names.add(name)
    unpacked = sum(member.file_size for member in members)
    if unpacked > _RATIO * size + _FREE or sum(m.compress_size for m in members) > size:
        raise BundleRefused(
            f"model.skops has {size:,} bytes and would become {unpacked:,}: it is no honest archive"
        )


def _check_arrays(archive: zipfile.ZipFile) -> None:
    """Arrays of numbers and texts alone, none larger than its file."""
    import numpy as np

    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise ValueError(f"{member.filename} is an array of version {version}")
            shape, _, dtype = read(file)
            size = dtype.itemsize
            for length in shape:
                size *= length
        if dtype.hasobject:
            raise BundleRefused(f"model.skops holds a pickle in {member.filename}")
        if min(shape, default=0) < 0 or size > member.file_size:
            raise BundleRefused(
                f"model.skops has an array of {size:,} bytes in {member.file_size:,}: it is no honest archive"
            )


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "__loader__" in part or "__class__" in part:
                yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _check_node(node: dict[str, Any]) -> None:
    loader, name = node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}"
    if loader not in LOADERS:
        raise BundleRefused(f"model.skops wants to make {name} by {loader}, which no model may")
    if loader == "FunctionNode":
        allowed = name in FUNCTIONS
    else:
        allowed = (
            name in TRUSTED
            or name in _OTHERS
            or any(each.fullmatch(name) for each in (_ESTIMATORS, _NUMBERS, _SPARSE))
            or (
                loader == "LossNode"
                and name.startswith(("sklearn._loss.", "sklearn.linear_model."))
            )
        )
    if not allowed:
        raise BundleRefused(f"model.skops wants to load {name}, which no model may")


def as_given(rows: Any, kind: str, dtypes: dict[str, str]) -> Any:
    """A frame of polars as the training code's library has it: `polars`, `pandas` or `numpy`."""
    import polars as pl

    if kind == "numpy":
        import numpy as np

        columns = [rows[name].to_numpy() for name in rows.columns]
        return np.column_stack(columns).astype(next(iter(dtypes.values())))
    if kind == "pandas":
        try:
            import pandas as pd
        except ImportError:
            raise BundleError(
                "pandas is not installed here, whose frames the model was fit on: pip install pandas"
            ) from None
        lists = {name: rows[name].to_list() for name in rows.columns}
        return pd.DataFrame(lists).astype(dtypes)
    return rows.with_columns(
        pl.col(name).cast(getattr(pl, "Categorical" if dtype == "Enum" else dtype))
        for name, dtype in dtypes.items()
        if hasattr(pl, dtype) and dtype in _DTYPES
    )


_DTYPES = frozenset(
    (
        *("Categorical", "Enum", "Boolean", "String", "Float32", "Float64"),
        *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
    )
)
