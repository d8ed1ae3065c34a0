"""A run's answers are found, checked against the version they are for, and never taken for those on another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import cockpit
from cockpit.evaluate.attach import attach
from cockpit.evaluate.evaluation import NotScored, answers_of, scored
from cockpit.evaluate.growth import Asked, CannotGrow, NothingNew, grow
from cockpit.evaluate.prediction_files import BadPredictions
from cockpit.evaluate.worst import worst_rows
from storage.datasets import DatasetNotFound
from storage.events import RunRestarted
from storage.ids import from_text
from storage.predictions import predictions
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.scored_runs import Bought, bought, copied, people

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Bought:
    return bought(tmp_path_factory.mktemp("bought"))


@pytest.fixture
def shop(template: Bought, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bought:
    monkeypatch.chdir(tmp_path)
    for name in ("COCKPIT_RUN", "COCKPIT_METRICS", "COCKPIT_RUN_DIR", "COCKPIT_STORE"):
        monkeypatch.delenv(name, raising=False)
    return copied(template, tmp_path)


def test_answers_come_in_the_order_of_the_set(shop: Bought) -> None:
    order = np.random.default_rng(1).permutation(200)
    scores = shop.scores()
    run = shop.run("one", y_score=scores[order], key=order)
    found = answers_of(shop.known([run]), shop.open(), run).answers
    assert found.y_score is not None
    assert found.y_score.tolist() == scores.tolist()
    assert found.y_true.sum() == (people(200)["bought"] == "yes").sum()


def test_what_was_handed_in_is_kept_as_parquet_and_read_from_there(shop: Bought) -> None:
    run = shop.run("one", y_pred=["yes"] * 200, y_score=shop.scores())
    folder = shop.layout.predictions(run)
    assert [path.name for path in folder.iterdir()] == ["eval.answers"]
    first = answers_of(shop.known([run]), shop.open(), run).answers
    assert [path.name for path in folder.iterdir()] == ["eval.parquet"]
    again = answers_of(shop.known([run]), shop.open(), run).answers
    assert first.y_score is not None
    assert again.y_score is not None
    assert np.array_equal(first.y_score, again.y_score)


def test_a_file_that_was_changed_since_is_not_taken(shop: Bought) -> None:
    run = shop.run("one")
    (shop.layout.predictions(run) / "eval.answers").write_bytes(b"junk")
    with pytest.raises(BadPredictions, match="changed since"):
        answers_of(shop.known([run]), shop.open(), run)


def test_the_last_answers_count_and_a_new_attempt_voids_them(shop: Bought) -> None:
    run = shop.run("one", y_score=np.zeros(200))
    shop.answer(run, y_score=np.ones(200))
    found = answers_of(shop.known([run]), shop.open(), run).answers
    assert found.y_score is not None
    assert found.y_score.tolist() == [1.0] * 200
    writer = SpoolWriter(shop.layout)
    writer.append(RunRestarted(from_text(run), 1, 1.0))
    writer.close()
    with pytest.raises(NotScored, match="one has no predictions on eval"):
        answers_of(shop.known([run]), shop.open(), run)


def test_a_tracked_script_hears_its_mistakes_at_its_own_line(shop: Bought) -> None:
    with cockpit.track("one", store=shop.layout.root) as run:
        with pytest.raises(ValueError, match="did you mean 'eval'"):
            run.log_predictions("evil", y_score=[0.5])
        with pytest.raises(ValueError, match="3 predictions for the 200 rows of eval"):
            run.log_predictions("eval", y_score=[0.5] * 3)
        run.log_predictions("eval", y_score=shop.scores(), features=["age"])
    known = shop.known([run.id])
    assert known.features == {run.id: ("age",)}
    assert len(answers_of(known, shop.open(), run.id).answers) == 200


def test_answers_on_an_older_version_are_not_those_on_the_new_one(shop: Bought) -> None:
    run = shop.run("one")
    shop.write("eval", people(200, seed=9))
    with pytest.raises(NotScored) as caught:
        answers_of(shop.known([run]), shop.open(), run)
    assert f"one is scored on eval@v1, not on eval@v2: cockpit evaluate {run} --on eval@v1" in str(
        caught.value
    )
    assert len(answers_of(shop.known([run]), shop.open("eval@v1"), run).answers) == 200


def test_runs_on_different_versions_are_not_put_side_by_side(shop: Bought) -> None:
    first, second = shop.run("one"), shop.run("two")
    shop.write("eval", people(150, seed=9))
    third = shop.run("three")
    known = shop.known([first, second, third])
    with pytest.raises(NotScored, match=r"one is scored on eval@v1[\s\S]*two is scored on eval@v1"):
        scored(known, shop.open(), [first, second, third])
    with pytest.raises(NotScored, match="all of them are scored on eval@v1: --on eval@v1"):
        scored(known, shop.open(), [first, second])


def test_a_feature_that_the_set_lacks_is_an_error(shop: Bought) -> None:
    run = shop.run("one", y_score=shop.scores(), features=["age", "sexx"])
    with pytest.raises(NotScored, match=r"one needs the column 'sexx'.*it has 'sex'"):
        answers_of(shop.known([run]), shop.open(), run)


def test_which_set_is_meant(shop: Bought) -> None:
    assert shop.open().version.label == "eval@v1"
    assert shop.open("pool").version.label == "pool@v1"
    with pytest.raises(DatasetNotFound, match="pool"):
        shop.open("pool@v7")
    toml = (shop.folder / "cockpit.toml").read_text()
    (shop.folder / "cockpit.toml").write_text(toml.replace('on = "eval"', ""))
    with pytest.raises(DatasetNotFound, match="which evaluation set"):
        shop.open()


def test_a_file_can_be_attached_to_a_run_that_has_ended(shop: Bought, tmp_path: Path) -> None:
    run = shop.run("late", "pool")
    shuffled = people(200).select("id", y_pred="bought").sample(fraction=1.0, shuffle=True, seed=3)
    shuffled.write_ndjson(tmp_path / "mine.ndjson")
    assert attach(shop.layout, run, shop.open(), tmp_path / "mine.ndjson") == 200
    found = answers_of(shop.known([run]), shop.open(), run).answers
    assert found.y_pred is not None
    assert found.y_pred.tolist() == found.y_true.tolist()
    (tmp_path / "short.csv").write_text("y_score\n0.5\n")
    with pytest.raises(BadPredictions, match="1 predictions for the 200 rows"):
        attach(shop.layout, run, shop.open(), tmp_path / "short.csv")
    with Store(shop.layout).session() as session:
        assert [told.rows for told in predictions(session, [run], "eval")] == [200]


# Growing


def asked(**options: object) -> Asked:
    parts = {"source": "pool", "where": "age < 25", "reason": "young ones fail"} | options
    return Asked(**parts)  # type: ignore[arg-type]


def test_a_grown_set_has_the_old_rows_and_the_new_ones_and_says_why(shop: Bought) -> None:
    before = shop.open()
    young = people(300, 1000).filter(pl.col("age") < 25)
    grown = grow(shop.layout, shop.project, "eval", asked())
    after = shop.open()
    assert (grown.version.label, grown.added, grown.there) == ("eval@v2", young.height, 0)
    assert after.version.digest == grown.version.digest
    assert after.frame.equals(pl.concat([before.frame, young.cast(before.frame.schema)]))
    growth = after.version.growth
    assert growth is not None
    assert (growth.parent, growth.reason) == (before.version.digest, "young ones fail")
    assert growth.source == "pool@v1 where age < 25"
    with pytest.raises(NothingNew, match=r"eval@v2 has the .* rows chosen already"):
        grow(shop.layout, shop.project, "eval", asked())
    with pytest.raises(NothingNew, match="none of the 300 rows"):
        grow(shop.layout, shop.project, "eval", asked(where="age > 200"))


def test_a_run_that_answered_the_new_rows_elsewhere_stays_comparable(shop: Bought) -> None:
    run = shop.run("both")
    shop.answer(run, "pool", y_score=shop.scores("pool"))
    alone = shop.run("alone")
    grown = grow(shop.layout, shop.project, "eval", asked())
    assert (grown.comparable, grown.others) == (("both",), 1)
    on, known = shop.open(), shop.known([run, alone])
    loaded = answers_of(known, on, run)
    assert "eval@v1, pool@v1, row by row" in loaded.notes[-1]
    pool = dict(zip(people(300, 1000)["id"], shop.scores("pool"), strict=True))
    assert loaded.answers.y_score is not None
    assert loaded.answers.y_score[200:].tolist() == [pool[key] for key in on.frame["id"][200:]]
    with pytest.raises(NotScored, match=rf"of which {grown.added} rows are new to it"):
        answers_of(known, on, alone)


def test_answers_on_a_grown_set_hold_those_on_the_one_it_grew_from(shop: Bought) -> None:
    before = shop.open()
    grow(shop.layout, shop.project, "eval", asked())
    after = shop.open()
    scores = np.linspace(0, 1, after.frame.height)
    run = shop.run("late", y_score=scores)
    loaded = answers_of(shop.known([run]), before, run)
    assert loaded.answers.y_score is not None
    assert loaded.answers.y_score.tolist() == scores[:200].tolist()


def test_rows_by_what_a_run_answered_and_by_key(shop: Bought) -> None:
    run = shop.run("one", "pool", y_pred=["no"] * 300)
    shop.open()
    missed = people(300, 1000).filter(bought="yes", sex="f")
    grown = grow(
        shop.layout, shop.project, "eval", asked(source=run, where="y_pred != y_true and sex = 'f'")
    )
    assert grown.added == missed.height
    assert grown.version.growth is not None
    assert grown.version.growth.run == run
    named = {1000, 1001, missed["id"][0]}
    rows = tuple(map(str, named))
    more = grow(shop.layout, shop.project, "eval", asked(where=None, rows=rows))
    new = named - set(missed["id"])
    assert (more.added, more.there) == (len(new), len(named) - len(new))
    with pytest.raises(CannotGrow, match="no row id = 7"):
        grow(shop.layout, shop.project, "eval", asked(where=None, rows=("7",)))
    with pytest.raises(CannotGrow, match="no run answers to 'nothing'"):
        grow(shop.layout, shop.project, "eval", asked(source="nothing"))


def test_rows_that_lack_a_column_cannot_become_part_of_a_set(shop: Bought) -> None:
    shop.open()
    shop.write("pool", people(30, 1000).drop("sex"))
    shop.open("pool")
    with pytest.raises(CannotGrow, match="pool@v2 has no column 'sex', which eval@v1 has"):
        grow(shop.layout, shop.project, "eval", asked())


def test_the_worst_rows_come_first(shop: Bought) -> None:
    scores = np.full(200, 0.5)
    wrong = int(np.flatnonzero((people(200)["bought"] == "no").to_numpy())[0])
    scores[wrong] = 0.999
    run = shop.run("one", y_score=scores)
    on = shop.open()
    answers = answers_of(shop.known([run]), on, run).answers
    found = worst_rows(on, answers, None, 5)
    assert (found.of, found.loss, found.frame.height) == (200, "log loss", 5)
    assert found.frame["id"][0] == wrong
    assert found.frame.columns[:5] == ["id", "y_true", "y_pred", "y_score", "loss"]
    assert json.loads(found.frame.write_json())[0]["y_true"] == 0
    assert worst_rows(on, answers, "age > 1000").frame.height == 0
