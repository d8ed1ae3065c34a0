"""A report of each subject, on real stores: what it says, that it is whole, and the same each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.cli.main import run as cockpit
from cockpit.data.versions import register
from cockpit.project.reading import load_project
from cockpit.report.promotion import NoSuchMove
from cockpit.report.render import render
from cockpit.report.subjects import SUBJECTS, NoSuchSubject, context, gather
from cockpit.report.write import save
from storage.events import (
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepChanged,
    SweepCreated,
)
from storage.layout import Layout
from storage.models import ModelNotFound
from storage.runs import RunNotFound
from storage.spool import SpoolWriter
from storage.sweeps import SweepNotFound
from tests.unit.gfm import HOSTILE, Shown, drawn, shown
from tests.unit.promoted import Lab, lab, unfair_rows, weak_rows
from tests.unit.saved_models import people
from tests.unit.scored_runs import Bought, bought

if TYPE_CHECKING:
    from pathlib import Path

NAME = "in|come <b>`x`</b> @boss\n[a](b)"


def tell_sweep(layout: Layout, name: str, trials: int = 12, points: int = 5) -> None:
    """A sweep whose names mean harm: complete, pruned and failed trials, a baseline that is not one of them."""
    writer = SpoolWriter(layout)
    sweep = writer.new_id()
    writer.append(
        SweepCreated(sweep, name, ["maximize"], 1_700_000_000.0),
        SweepChanged(sweep, {"metrics": [HOSTILE[0] + "auc_www.x"], "trials": trials}),
    )
    for number in range(trials):
        state = ("complete", "complete", "pruned", "failed")[number % 4]
        run = writer.new_id()
        value = 0.9 + (number * 7 % trials) / (20.0 * trials)
        metric = HOSTILE[0] + "auc_www.x"
        writer.append(
            RunCreated(run, sweep, number, f"{name}#{number}", "running", 1_700_000_000.0 + number),
            ParamSet(run, "l|r`", number / 7, ""),
            ParamSet(run, "<same>", "a|b", ""),
            *[
                MetricLogged(run, metric, step, 1_700_000_000.0 + step, value - 1 / (step + 9))
                for step in range(points)
            ],
            RunChanged(
                run,
                {
                    "state": state,
                    **({"values": [value]} if state == "complete" else {}),
                    **({"reason": "".join(HOSTILE)} if state == "failed" else {}),
                    "metrics": {metric: value},
                    "ended": 1_700_000_060.0 + number,
                    "note": "".join(HOSTILE) if number == 1 else None,
                    "tag": "t|ag",
                },
            ),
        )
    writer.append(SweepChanged(sweep, {"state": "complete", "ended": 1_700_000_900.0}))
    writer.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("hostile") / ".cockpit")
    layout.create()
    tell_sweep(layout, NAME)
    return layout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Bought:
    made = bought(tmp_path_factory.mktemp("shop"))
    made.run("good|run", y_score=made.scores(noise=0.2))
    made.run("poor <run>", y_score=made.scores(noise=0.9, seed=3))
    return made


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = lab(tmp_path_factory.mktemp("works"))
    made.promote(made.run("weak", weak_rows()), reason="the first | <one>")
    made.promote(made.run("unfair", unfair_rows()), force=True, reason="@boss wants `it`")
    return made


def whole(layout: Layout, subject: str, *ids: str) -> tuple[Any, Shown, str]:
    """The report, rendered twice and looked over: tables, links and pictures."""
    report = gather(layout, subject, ids)
    done = render(subject, report, "svg", "r_files")
    again = render(subject, gather(layout, subject, ids), "svg", "r_files")
    assert (done.text, done.files) == (again.text, again.files)
    found = shown(done.text)
    assert not found.foreign
    assert {link.removeprefix("r_files/") for link in found.links} == set(done.files)
    for picture in done.files.values():
        assert drawn(picture).find("{http://www.w3.org/2000/svg}title") is not None
    for table in found.tables:
        assert {len(row) for row in table} == {len(table[0])}
        assert all(any(row) for row in table)
    rows = sum(line.startswith("| ") for line in done.text.splitlines())
    assert rows == sum(len(table) + 1 for table in found.tables)
    written = render(subject, report, "text").text
    assert not shown(written).links
    assert "<picture" not in written.replace("</picture>", "")
    assert render(subject, report, "none").text.count("```") == 2 * bool(
        report.commands
    ) + 2 * bool(getattr(report, "log", ()))
    return report, found, done.text


def table_with(found: Shown, title: str) -> list[list[str]]:
    return next(table for table in found.tables if title in table[0])


def test_a_sweep_says_its_best_its_curve_and_its_failures(hostile: Layout) -> None:
    report, found, _ = whole(hostile, "sweep", NAME)
    assert "complete: 12 trials" in found.paragraphs[0]
    best = table_with(found, "trial")
    values = [float(row[1].rstrip(" ▲")) for row in best[1:]]
    assert values == sorted(values, reverse=True)
    assert best[1][1].endswith("▲")
    assert len(best) == 1 + 6
    assert any("The same in all of them: <same> a|b." in text for text in found.paragraphs)
    assert (
        report.convergence.series[-1].ys[-1] == report.sweep.best.metrics[report.sweep.metrics[0]]
    )
    failures = table_with(found, "reason")
    assert [row[1] for row in failures[1:]] == ["3"]
    assert "<script>alert(1)</script>" in failures[1][2]
    assert {row[0]: row[1] for row in table_with(found, "share")[1:]} == {
        "✓ complete": "6",
        "✂ pruned": "3",
        "✗ failed": "3",
    }


def test_of_two_objectives_the_front_is_drawn(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    writer = SpoolWriter(layout)
    sweep = writer.new_id()
    writer.append(
        SweepCreated(sweep, "two", ["maximize", "minimize"], 1_700_000_000.0),
        SweepChanged(sweep, {"metrics": ["auc", "m|s"], "trials": 4, "state": "complete"}),
    )
    for number, (auc, cost) in enumerate([(0.9, 9.0), (0.8, 1.0), (0.7, 5.0), (0.85, 4.0)]):
        run = writer.new_id()
        metrics = {"auc": auc, "m|s": cost}
        done = {"state": "complete", "values": [auc, cost], "metrics": metrics}
        writer.append(
            RunCreated(run, sweep, number, f"two#{number}", "running", 1_700_000_000.0),
            RunChanged(run, {**done, "ended": 1_700_000_060.0}),
        )
    writer.close()
    report, found, _ = whole(layout, "sweep", "two")
    assert report.front.series[-1].xs == (0.8, 0.85, 0.9)
    assert report.front.series[-1].ys == (1.0, 4.0, 9.0)
    assert report.convergence is None
    assert "3 of 4 complete trials are on the Pareto front" in found.paragraphs[0]
    best = table_with(found, "trial")
    assert [row[0] for row in best[1:]] == ["0", "3", "1"]
    assert best[1][1].endswith("▲")
    assert best[3][2].endswith("▲")


def test_a_run_says_how_it_ended_and_draws_its_curve(hostile: Layout) -> None:
    report, found, text = whole(hostile, "run", f"{NAME}#1")
    assert "complete after" in found.paragraphs[0]
    assert "Note: " in found.paragraphs[0]
    assert len(report.charts) == 1
    assert report.charts[0].series[0].name == "this run"
    assert "<picture>" in text
    assert [row[0] for row in table_with(found, "param")[1:]] == ["l|r`", "<same>"]


def test_a_failed_run_says_why(hostile: Layout) -> None:
    _, found, _ = whole(hostile, "run", f"{NAME}#3")
    assert "failed after" in found.paragraphs[0]
    assert "<script>alert(1)</script>" in found.paragraphs[0]


def test_a_comparison_lists_only_what_differs(hostile: Layout) -> None:
    report, found, _ = whole(hostile, "compare", f"{NAME}#0", f"{NAME}#1")
    rows = {row[0] for table in found.tables for row in table[1:]}
    assert "l|r`" in rows
    assert "<same>" not in rows
    assert [len(chart.series) for chart in report.charts] == [2]


def test_scores_have_their_rows_and_intervals(shop: Bought) -> None:
    _, found, _ = whole(shop.layout, "run", "good|run")
    scores = table_with(found, "95 % interval")
    assert scores[0] == ["metric", "better", "n", "value", "95 % interval"]
    auc = next(row for row in scores if row[0] == "auc")
    low, high = map(float, auc[4].split(" to "))
    assert low <= float(auc[3]) <= high
    assert auc[2] == "200"
    slices = table_with(found, "slice")
    assert slices[1][0] == "all rows"
    assert {row[0] for row in slices[2:]} == {"young", "old women", "nobody"}
    assert slices[-1][0] == "nobody"  # of which there are no rows
    assert {row[0] for row in table_with(found, "KPI")[1:]} == {"profit", "mean_score"}


def test_a_comparison_of_scores_says_whether_it_may_be_chance(shop: Bought) -> None:
    _, found, text = whole(shop.layout, "compare", "good|run", "poor <run>")
    assert "worse" in found.paragraphs[1] if len(found.paragraphs) > 1 else False
    auc = next(row for table in found.tables for row in table if row[0] == "auc")
    assert "▼" in auc[2]
    assert " to -" in auc[2]
    assert "row by row, 95 %" in text


def test_a_model_card_says_what_it_takes_and_where_it_is_weak(works: Lab) -> None:
    report, found, text = whole(works.layout, "model", "income")
    assert report.name == "income@v2"
    assert "production since" in found.paragraphs[0]
    assert "against its gates, by" in found.paragraphs[0]
    assert [row[0] for row in table_with(found, "missing values")[1:]] == ["age", "hours", "job"]
    assert "from 18" in table_with(found, "missing values")[1]
    scores = {row[0]: float(row[3]) for row in table_with(found, "95 % interval")[1:]}
    assert scores["auc"] == pytest.approx(_auc(works, "income@v2"), abs=5e-5)
    weak = [row[0] for table in found.tables if "elsewhere" in table[0] for row in table[1:]]
    assert any("smith" in expression for expression in weak)
    assert [row[0] for row in table_with(found, "move")[1:]] == ["2", "1"]
    assert "Gates of its last promotion" in text
    _, first, _ = whole(works.layout, "model", "income@v1")
    assert "is no alias now" in first.paragraphs[0]


def _auc(works: Lab, model: str) -> float:
    """As scikit-learn sees it, of what the model itself answers."""
    from sklearn.metrics import roc_auc_score

    from cockpit.models.predicting import predict
    from cockpit.models.resolving import resolve

    rows = pl.read_parquet(works.folder / "eval.parquet")
    found = predict(resolve(works.layout, model).bundle, rows.drop("rich"))
    return float(roc_auc_score(rows["rich"] == "yes", found["y_score"]))


def test_a_promotion_is_told_from_what_was_kept(works: Lab) -> None:
    report, found, _ = whole(works.layout, "promotion", "income")
    kept = report.move.evidence["gates"]
    gates = table_with(found, "verdict")
    assert [row[0] for row in gates[1:]] == [gate["gate"] for gate in kept]
    assert ["FAIL" in row[1] for row in gates[1:]] == [gate["verdict"] == "fail" for gate in kept]
    assert "@boss wants `it`" in found.paragraphs[0]
    slices = table_with(found, "interval")
    assert [row[2] for row in slices[1:]] == [f"{one['n']:,}" for one in kept[1]["slices"]]
    (works.folder / "cockpit.toml").rename(works.folder / "away.toml")
    try:
        assert (
            whole(works.layout, "promotion", "income")[2]
            == whole(works.layout, "promotion", "income", "2")[2]
        )
    finally:
        (works.folder / "away.toml").rename(works.folder / "cockpit.toml")
    _, first, _ = whole(works.layout, "promotion", "income", "1")
    assert "the first | <one>" in first.paragraphs[0]
    with pytest.raises(NoSuchMove, match="from 1 to 2"):
        gather(works.layout, "promotion", ["income", "9"])


def test_data_say_whether_they_keep_their_contract_and_how_they_drifted(tmp_path: Path) -> None:
    (tmp_path / "cockpit.toml").write_text(
        '[data.rows]\npath = "rows.csv"\n[data.rows.contract.columns]\nage = { min = 18 }\n'
        '"j|ob" = { nulls = false }\n'
    )
    layout, project = Layout(tmp_path / ".cockpit"), load_project(tmp_path)
    frame = people(300).rename({"job": "j|ob"})
    frame.write_csv(tmp_path / "rows.csv")
    register(layout, "rows", tmp_path / "rows.csv", project=project, keep=True)
    frame.with_columns(age=pl.col("age") - 30, hours=pl.col("hours") * 3).write_csv(
        tmp_path / "rows.csv"
    )
    register(layout, "rows", tmp_path / "rows.csv", project=project, keep=True)
    report, found, _ = whole(layout, "data", "rows")
    assert "breaks 1 of" in found.paragraphs[0]
    assert table_with(found, "rows that break it")[1][:3] == ["✗ FAIL", "age", "at least 18"]
    assert ["✓ pass", "j|ob"] in [row[:2] for row in table_with(found, "rules that hold")]
    assert {row[0] for row in table_with(found, "drift")[1:]} == {"age", "hours"}
    assert report.drift_chart is not None
    assert [row[0] for row in table_with(found, "version")[1:]] == ["rows@v2", "rows@v1"]
    assert [row[0] for row in table_with(found, "distinct")[1:]] == ["age", "hours", "j|ob", "rich"]
    first, _, text = whole(layout, "data", "rows@v1")
    assert not first.drift
    assert "first version" in text


def test_what_is_not_there_is_said(works: Lab, hostile: Layout) -> None:
    with pytest.raises(RunNotFound):
        gather(hostile, "run", ["nobody"])
    with pytest.raises(SweepNotFound):
        gather(hostile, "sweep", ["nothing"])
    with pytest.raises(ModelNotFound):
        gather(works.layout, "model", ["outcome"])
    with pytest.raises(NoSuchSubject, match="there are: run, sweep"):
        gather(works.layout, "weather", ["today"])


def test_a_report_is_saved_with_its_pictures_beside_it(hostile: Layout) -> None:
    saved = save(hostile, "sweep", [NAME])
    path = saved.path
    assert path.parent == hostile.project / "reports"
    found = shown(path.read_text())
    assert found.links
    assert all((path.parent / link).is_file() for link in found.links)
    assert not shown(saved.text).links, "what is pasted elsewhere has no pictures beside it"
    before = path.read_bytes()
    assert save(hostile, "sweep", [NAME]) == saved
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, f"{path.stem}_files"]


def test_names_that_look_alike_as_files_do_not_share_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    names = ("a b", "a/b", "a-b", "a--b", "a%2Db", "a" * 90 + "x", "a" * 90 + "y")
    for name in names:
        tell_sweep(layout, name, 2, 2)
    (layout.project / "reports").mkdir()
    (layout.project / "reports" / "sweep-a-b.md").write_text("mine\n")
    saved = {name: save(layout, "sweep", [name]).path for name in names}
    assert len(set(saved.values())) == len(names)
    assert (layout.project / "reports" / "sweep-a-b.md").read_text() == "mine\n"
    assert {name: save(layout, "sweep", [name]).path for name in reversed(names)} == saved


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_a_template_is_given_is_documented(subject: str) -> None:
    said = "\n".join(context(subject))
    assert "summary " in said
    assert f'extends "{subject}.md.j2"' in said


def test_a_large_sweep_is_told_in_few_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    tell_sweep(layout, "large", 400, 3)
    assert cockpit(["report", "sweep", "large", "--store", str(layout.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sweep"]["counts"] == {"complete": 200, "pruned": 100, "failed": 100}
    assert cockpit(["report", "sweep", "large", "--store", str(layout.root)]) == 0
    assert len(capsys.readouterr().out.splitlines()) < 120
