"""What a model costs to save, to check, and to ask; on the demo's data."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import cockpit.demo
from cockpit.models.bundle import load_bundle
from cockpit.models.predicting import latency, predict_file
from tests.bench.measure import Figure, median, seconds
from tests.unit.saved_models import save

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(cockpit.demo.__file__).parent / "project"


def bundle() -> Iterator[Figure]:
    """200 boosted trees on 13 raw columns: saved in ONNX and skops, checked, and asked about 16,281 rows"""
    train, test = (pl.read_parquet(DATA / f"adult_{name}.parquet") for name in ("train", "test"))
    rows, asked = (frame.drop("income", "fnlwgt") for frame in (train, test))
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, texts), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=200, early_stopping=False, random_state=0),
    ).fit(rows, train["income"].to_numpy())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        keep = partial(save, folder, model, asked, target="income")
        yield Figure("save, compared on all rows", median(keep, 3), "s")
        yield Figure("size", load_bundle(folder).size_bytes / 2**20, "MB")
        yield Figure("read and check the files", median(partial(load_bundle, folder), 9), "s", 0.05)
        opened = load_bundle(folder)
        yield Figure("load it, and its example", seconds(opened.check_example), "s")
        there = model.predict_proba(asked)[:, 1]
        gap = float(abs(opened.predict(asked)["y_score"].to_numpy() - there).max())
        yield Figure("scores differ at most by", gap, "", 1e-6)
        yield Figure("16,281 rows", median(partial(opened.predict, asked), 9), "s")
        yield Figure(
            "16,281 rows, by scikit-learn", median(partial(model.predict_proba, asked), 9), "s"
        )
        found = latency(opened)
        yield Figure("one row, p50", found.p50_ms / 1e3, "s")
        yield Figure("one row, p99", found.p99_ms / 1e3, "s", 0.02)
        pl.concat([asked] * 60).write_parquet(Path(place) / "rows.parquet")
        out = Path(place) / "out.parquet"
        many = seconds(partial(predict_file, opened, Path(place) / "rows.parquet", out))
        yield Figure("976,860 rows, file to file", many, "s")
