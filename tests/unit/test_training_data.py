"""Gates of drift and of contracts: of the data that a run recorded, and of the evaluation set in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from cockpit.data.versions import register
from cockpit.evaluate.evaluation import open_set
from cockpit.evaluate.sets import brought_up
from cockpit.models.gates.facts import Facts
from cockpit.models.gates.training_data import Trained, trained_on
from storage.datasets import versions
from storage.events import ProvenanceSeen, RunChanged
from storage.ids import from_text
from storage.runs import find
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.promoted import TOML, Lab, lab
from tests.unit.saved_models import people

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path) -> Lab:
    found = lab(tmp_path)
    found.run("good", people(2000, seed=6))
    return found


def test_drift_and_contract_are_of_the_data(here: Lab) -> None:
    path = here.folder / "cockpit.toml"
    path.write_text(TOML.replace("age = { min = 18 }", "age = { min = 30 }"))
    checked = here.check("good")
    contract = checked.results[2]
    assert contract.verdict == "fail"
    assert contract.whole is not None
    assert contract.whole.value == "broken"
    path.write_text(TOML.replace('"size_mb <= 5"', '"drift.psi_max < 0.2"'))
    drift = here.check("good").results[3]
    assert drift.verdict == "fail"
    assert "its run recorded no data: name them in [data] of the sweep" in drift.sentence


def told_to_be_trained_on(here: Lab, data: dict[str, str]) -> tuple[Facts, Trained]:
    brought_up(here.layout, here.project, "eval")
    with Store(here.layout).session() as session:
        there = versions(session)
        on = open_set(here.layout, here.project, there, "eval")
    found = trained_on(data, there, on.version, here.project)
    return Facts(here.layout, here.project, on, found, {False: "no model"}), found


def test_drift_is_the_greatest_over_the_features_of_what_it_was_trained_on(here: Lab) -> None:
    rows = people(1500, seed=9)
    people(1500, seed=10).write_parquet(here.folder / "same.parquet")
    later = rows.with_columns(pl.col("hours") + 20, rich=pl.lit("no"))
    later.write_parquet(here.folder / "later.parquet")
    for name, moved in (("same", False), ("later", True)):
        trained = register(here.layout, name, here.folder / f"{name}.parquet").version
        facts, _ = told_to_be_trained_on(here, {name: trained.digest})
        found = facts("drift.psi_max", False)
        assert isinstance(found.value, float)
        assert (found.value > 0.5) is moved
        assert not moved or found.note == "hours, later@v1 against eval@v1"
    assert facts("size_mb", False).note == "no model"

    # The file has changed since: the profile of its version is kept.
    rows.head(10).write_parquet(here.folder / "later.parquet")
    facts, _ = told_to_be_trained_on(here, {"later": trained.digest})
    again = facts("drift.psi_max", False)
    assert isinstance(again.value, float)
    assert again.value > 0.5
    assert again.note == "hours, later@v1 against eval@v1, by its kept profile"
    rows.head(10).write_parquet(here.folder / "same.parquet")
    with Store(here.layout).session() as session:
        same = next(one for one in versions(session) if one.name == "same")
    facts, _ = told_to_be_trained_on(here, {"same": same.digest})
    alike = facts("drift.js_max", False)
    assert isinstance(alike.value, float)
    assert alike.value < 0.1
    gone = facts("drift.ks_max", False)
    assert gone.value is None
    assert "the content of same@v1 is not kept" in gone.note


def test_what_it_was_trained_on_is_what_its_run_recorded_but_for_evaluation_sets(
    here: Lab,
) -> None:
    grown = register(here.layout, "eval", here.folder / "eval.parquet").version
    people(40).write_parquet(here.folder / "eval.parquet")
    _, found = told_to_be_trained_on(here, {"eval": grown.digest})
    assert (found.versions, found.why) == (
        (),
        "its run recorded no data but evaluation sets (eval)",
    )
    people(50).write_parquet(here.folder / "train.parquet")
    one = register(here.layout, "other", here.folder / "train.parquet").version
    two = register(here.layout, "train", here.folder / "train.parquet").version
    _, found = told_to_be_trained_on(here, {"eval": grown.digest, "train": two.digest})
    assert one.digest == two.digest
    assert [version.label for version in found.versions] == ["train@v1"]
    _, found = told_to_be_trained_on(here, {"train": "blake3:0123"})
    assert "the store knows nothing of train, blake3:0123" in found.why


def test_a_gate_of_drift_says_which_column_moved(here: Lab) -> None:
    path = here.folder / "cockpit.toml"
    path.write_text(TOML.replace('"size_mb <= 5"', '"drift.psi_max < 0.2"'))
    rows = people(1500, seed=9).with_columns(pl.col("hours") + 20)
    rows.write_parquet(here.folder / "train.parquet")
    trained = register(here.layout, "train", here.folder / "train.parquet").version
    writer = SpoolWriter(here.layout)
    content = {"data": {"train": {"digest": trained.digest}}}
    with Store(here.layout).session() as session:
        run = from_text(find(session, "good").id)
    writer.append(ProvenanceSeen("blake3:1", content), RunChanged(run, {"provenance": "blake3:1"}))
    writer.close()
    drift = here.check("good").results[3]
    assert drift.verdict == "fail"
    assert drift.sentence.endswith("must be < 0.2 (hours, train@v1 against eval@v1)")
    moved = here.promote("good", force=True, reason="the world moved")
    assert moved.evidence["data"] == {"train": trained.digest}
    assert moved.evidence["gates"][3]["note"] == "hours, train@v1 against eval@v1"


def test_a_contract_is_judged_on_the_version_in_use(here: Lab) -> None:
    assert here.check("good").results[2].verdict == "pass"
    people(1500, seed=9).with_columns(pl.col("age") - 10).write_parquet(
        here.folder / "eval.parquet"
    )
    checked = here.check("good")
    assert checked.on == "eval@v2"
    contract = checked.results[2]
    assert contract.verdict == "fail"
    assert "'broken', must be = 'passed' (" in contract.sentence
    assert "age" in contract.sentence
