"""Runs beside each other on an evaluation set: paired, judged, and never on different rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from cockpit.compare import ABSENT, Comparison, Row, compare, shown
from cockpit.evaluate.compare import Comparer, Scores
from cockpit.evaluate.evaluation import answers_of
from cockpit.evaluate.growth import Asked, grow
from cockpit.evaluate.metrics import measure
from cockpit.evaluate.significance import compare as judge
from cockpit.project.reading import ProjectError
from cockpit.scored_rows import legend, scored_rows
from cockpit.seeds import seed_lines, seeded
from cockpit.tracking.plain_run import PlainRun
from cockpit.tui.comparing import Comparing
from cockpit.tui.source import StoreSource
from storage.datasets import DatasetNotFound
from storage.runs import details
from storage.store import Store
from tests.unit.scored_runs import Bought, bought, copied
from tests.unit.test_compare import detail, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MARGIN = "[evaluation]\non"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bought:
    return bought(tmp_path_factory.mktemp("bought"))


@pytest.fixture
def shop(made: Bought, tmp_path: Path) -> Bought:
    return copied(made, tmp_path)


def scores_of(shop: Bought, runs: Sequence[str], base: str | None = None, **how: Any) -> Scores:
    return Comparer().scores(shop.project, shop.known(runs), runs, base, **how)


def comparison(shop: Bought, runs: Sequence[str], base: str) -> Comparison:
    with Store(shop.layout).session() as session:
        found = details(session, runs)
    return compare(found, (), scored_rows(scores_of(shop, runs, base), runs))


def row(found: Comparison, group: str, name: str) -> Row:
    return next(one for one in found.rows if (one.group, one.name) == (group, name))


def test_metrics_kpis_and_slices_are_those_of_the_engine(shop: Bought) -> None:
    runs = [
        shop.run("good", y_score=shop.scores(noise=0.2)),
        shop.run("bad", y_score=shop.scores()),
    ]
    found = comparison(shop, runs, runs[0])
    on = shop.open()
    known = shop.known(runs)
    good, bad = (answers_of(known, on, run).answers for run in runs)
    auc = row(found, "evaluation", "auc")
    assert auc.values == tuple(measure("auc", one).value for one in (good, bad))
    assert auc.judged == (None, judge("auc", bad, good))
    assert found.verdict(auc, 1, 0) == "worse"
    assert found.difference(auc, 1, 0).endswith(" ▼")
    assert found.interval(auc, 1, 0).startswith("[-")
    assert auc.title == "on eval@v1, 200 rows"
    young = row(found, "slices", "young")
    mask = (on.frame["age"] < 30).to_numpy()
    assert young.values[1] == measure("auc", bad.where(mask)).value
    assert young.label == f"young  {mask.sum()}"
    nobody = row(found, "slices", "nobody")
    assert [shown(nobody, place) for place in (0, 1)] == ["no rows", "no rows"]
    assert row(found, "kpis", "profit").direction == "maximize"
    assert found.best(auc, 0) == frozenset(), "which is best is judged, not read off"


def test_another_base_has_no_verdict_until_it_is_measured_against(shop: Bought) -> None:
    runs = [shop.run("a", y_score=shop.scores(noise=0.2)), shop.run("b", y_score=shop.scores())]
    found = comparison(shop, runs, runs[0])
    auc = row(found, "evaluation", "auc")
    assert found.verdict(auc, 0, 1) == ""
    assert found.interval(auc, 0, 1) == ""
    assert found.difference(auc, 0, 1).startswith("+")


def test_runs_without_answers_have_empty_cells_and_a_base_without_is_told(shop: Bought) -> None:
    runs = [shop.run("a"), shop.run("b", y_score=shop.scores(seed=3)), shop.run("c", "pool")]
    found = comparison(shop, runs, runs[0])
    assert row(found, "evaluation", "auc").values[2] is ABSENT
    scores = scores_of(shop, runs, runs[2])
    assert scores.base is None
    assert scores.problems == (
        "c has no predictions on eval: nothing there is measured against it",
    )
    assert not any(score.differences for score in scores.scores)
    alone = scores_of(shop, [shop.run("d", "pool")], None)
    assert alone == Scores()


def test_runs_on_versions_that_do_not_go_together_are_refused_with_an_offer(shop: Bought) -> None:
    old = [shop.run("a"), shop.run("b", y_score=shop.scores(seed=3))]
    pool = pl.read_csv(shop.folder / "pool.csv")
    assert pool.height == 300
    grow(shop.layout, shop.project, "eval", Asked("pool", "age < 40", reason="they left"))
    rng = np.random.default_rng(5)
    new = shop.run("new", y_score=rng.random(shop.open().frame.height))
    found = scores_of(shop, [*old, new], old[0])
    assert (found.on, found.newest) == ("eval@v1", False)
    assert set(found.scores[0].figures) == {*old, new}, "its rows are among those it has answered"
    there = scores_of(shop, [*old, new], new)
    assert there.on == "eval@v1", "most runs are on it, and the base is too"
    forced = scores_of(shop, [*old, new], new, on="eval@v2")
    assert set(forced.scores[0].figures) == {new}
    assert len(forced.problems) == 2
    assert forced.problems[0].startswith("a is scored on eval@v1, not on eval@v2")
    assert f"cockpit evaluate {old[0]} --on eval@v1, or score it anew" in forced.problems[0]
    with pytest.raises(DatasetNotFound):
        scores_of(shop, old, on="nothing")


def test_a_slice_that_cannot_be_leaves_the_metrics(shop: Bought) -> None:
    path = shop.folder / "cockpit.toml"
    path.write_text(path.read_text().replace('young = "age < 30"', 'young = "agee < 30"'))
    found = scores_of(shop, [shop.run("a")])
    assert {score.group for score in found.scores} == {"evaluation", "kpis"}
    assert "agee" in found.problems[0]


def test_predictions_that_were_tampered_with_concern_their_run_alone(shop: Bought) -> None:
    runs = [shop.run("a"), shop.run("b", y_score=shop.scores(seed=3))]
    for file in shop.layout.predictions(runs[1]).iterdir():
        file.write_bytes(b"nonsense")
    found = scores_of(shop, runs, runs[0])
    assert set(found.scores[0].figures) == {runs[0]}
    assert found.problems[0].startswith("b: ")


def test_a_kpi_within_its_margin_is_marked_and_the_legend_says_what_is_there(shop: Bought) -> None:
    path = shop.folder / "cockpit.toml"
    text = path.read_text().replace(
        MARGIN, "[evaluation]\nmargins = { profit = 1e6, auc = 0.9 }\non"
    )
    path.write_text(text)
    runs = [shop.run("a"), shop.run("b", y_score=shop.scores(seed=3))]
    found = comparison(shop, runs, runs[0])
    assert found.difference(row(found, "kpis", "profit"), 1, 0).endswith(" ≈")
    assert found.difference(row(found, "evaluation", "auc"), 1, 0).endswith(" ≈")
    said = legend(scores_of(shop, runs, runs[0]), "a")
    assert "≈ within the margin (auc ±0.9, profit ±1.00M)" in said
    assert legend(scores_of(shop, runs[:1]), "a") == ""


def test_the_screen_scores_once_the_store_is_left_and_only_what_is_new(
    shop: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [shop.run("a"), shop.run("b", y_score=shop.scores(seed=3))]
    work, known = Comparing(), shop.known(runs)
    assert work.scores(known, runs[0], ()) == (None, True)
    news = work.stamp()
    scores, coming = work.scores(known, runs[0], ())
    assert scores is not None
    assert (scores.base, coming) == (runs[0], False)
    assert work.stamp() == news

    monkeypatch.setattr("cockpit.evaluate.compare.answers_of", lambda *_: pytest.fail("known"))
    assert work.scores(known, runs[1], ()) == (scores, True), "what is known stays meanwhile"
    work.stamp()
    again, _ = work.scores(known, runs[1], ())
    assert again is not None
    assert again.base == runs[1]
    (shop.folder / "cockpit.toml").write_text("[slices]\nx = 1\n")
    work.scores(known, runs[1], (1,))
    work.stamp()
    broken, _ = work.scores(known, runs[1], (1,))
    assert broken is not None
    with pytest.raises(ProjectError):
        assert shop.project
    assert "cockpit.toml" in broken.problems[0]


def test_seeds_of_one_config_are_told_as_a_mean_and_an_interval() -> None:
    values = {1: 0.90, 2: 0.92, 3: 0.94}
    runs = [
        detail(seed, {"seed": seed}, metrics={"auc": auc}, params={"lr": 0.1})
        for seed, auc in values.items()
    ]
    other = detail(4, {"seed": 4}, metrics={"auc": 0.5}, params={"lr": 0.2})
    found = compare([*runs, other], [sweep()])
    (one,) = seeded(found, [*runs, other])
    assert (one.runs, one.seeds) == ((0, 1, 2), (1, 2, 3))
    (mean,) = one.means
    assert mean.mean == pytest.approx(0.92)
    assert mean.high - mean.mean == pytest.approx(4.302653 * 0.02 / 3**0.5, rel=1e-6)
    (line,) = seed_lines([one], [each.name for each in found.runs])
    assert line == (
        "income#1, income#2 and income#3 differ in their seed alone:"
        " auc 0.9200 ± 0.05 (mean of 3 seeds, 95 %)"
    )


def test_a_seed_among_the_params_counts_and_the_same_seed_twice_does_not() -> None:
    def seed(number: int, seed: int) -> Any:
        return detail(number, {"seed": 7}, params={"lr": 0.1, "seed": seed})

    runs = [seed(1, 1), seed(2, 2), seed(3, 2)]
    (one,) = seeded(compare(runs, [sweep()]), runs)
    assert one.seeds == (1, 2)
    assert not seeded(compare(runs[1:], [sweep()]), runs[1:])
    with_code = [runs[0], replace(runs[1], provenance={"git": {"commit": "b"}})]
    assert not seeded(compare(with_code, [sweep()]), with_code)


def test_the_screens_source_tells_of_answers_and_scores_them(shop: Bought) -> None:
    runs = (shop.run("a"), shop.run("b", y_score=shop.scores(seed=3)))
    silent = PlainRun(shop.layout)
    silent.claim()
    silent.begin("silent", "silent")
    silent.settle("complete", None)
    source = StoreSource(shop.layout)
    with source.reading():
        assert source.answered((silent.id,)) is None
        known = source.answered(runs)
        (detail,) = source.details(runs[:1])
        assert source.traces(detail).predictions == {"eval@v1": "200 rows: y_score"}
    assert known is not None
    source.scores(known, runs[0])
    source.scores_stamp()
    scores, coming = source.scores(known, runs[0])
    assert scores is not None
    assert (scores.on, scores.base, coming) == ("eval@v1", runs[0], False)
