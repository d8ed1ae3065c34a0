"""A version becomes what an alias means by its gates or against them, and what it rests on is kept."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from cockpit.cli.model_tables import change_lines
from cockpit.evaluate.answers import Answers
from cockpit.evaluate.attach import attach
from cockpit.evaluate.evaluation import look, open_set
from cockpit.evaluate.sets import brought_up
from cockpit.models.bundle import BundleError, load_bundle
from cockpit.models.candidates import AlreadyThere, NotPromotable
from cockpit.models.formats import guarded
from cockpit.models.gates.evidence import check_markdown
from cockpit.models.predicting import predict
from cockpit.models.promotion import promote, rollback
from cockpit.models.resolving import resolve
from cockpit.models.rules import BadRule, apply_rules
from cockpit.tracking.plain_run import PlainRun
from storage import models
from storage.events import RunDeleted
from storage.ids import from_text
from storage.models import AliasTaken, NothingBefore
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.promoted import TOML, Lab, lab, unfair_rows, weak_rows
from tests.unit.saved_models import fitted, people, save, seal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, dict[str, str]]:
    """A weak model, an unfair one that is better over all, and a good one."""
    found = lab(tmp_path_factory.mktemp("lab"))
    rows = {"weak": weak_rows(), "unfair": unfair_rows(), "good": people(2000, seed=6)}
    return found, {name: found.run(name, each) for name, each in rows.items()}


@pytest.fixture
def here(made: tuple[Lab, dict[str, str]], tmp_path: Path) -> Lab:
    shutil.copytree(made[0].folder, tmp_path, dirs_exist_ok=True)
    from storage.layout import Layout

    return Lab(tmp_path, Layout(tmp_path / ".cockpit"))


def live(here: Lab, alias: str = "production") -> str | None:
    with Store(here.layout).session() as session:
        found = models.live(session, "income", alias)
        return found.label if found else None


def test_the_whole_way_there_and_back(here: Lab) -> None:
    first = here.check("weak")
    assert first.passed
    assert [one.verdict for one in first.results] == ["first", "first", "pass", "pass"]
    assert live(here) is None, "a check changes nothing"
    promote(here.layout, first, None)
    assert live(here) == "income@v1"

    checked = here.check("unfair")
    auc, slices, *_ = checked.results
    assert (auc.verdict, slices.verdict, checked.passed) == ("pass", "fail", False)
    assert [(one.slice, one.verdict) for one in slices.slices] == [
        ("smiths", "fail"),
        ("others", "pass"),
    ]
    assert "'smiths'" in slices.sentence
    assert re.search(r"n \d+", slices.sentence)
    with pytest.raises(NotPromotable, match="did not pass"):
        promote(here.layout, checked, "why not")
    with pytest.raises(NotPromotable, match="--reason"):
        promote(here.layout, checked, " ", force=True)
    forced = promote(here.layout, checked, "the board wants it", force=True)
    assert (forced.how, forced.reason, live(here)) == ("forced", "the board wants it", "income@v2")

    back = rollback(here.layout, "income", "production", "smiths complain")
    assert (back.how, back.origin, back.target, live(here)) == ("rollback", 2, 1, "income@v1")
    with pytest.raises(NothingBefore):
        rollback(here.layout, "income", "production", None)
    with Store(here.layout).session() as session:
        moves, _ = models.history(session, "income")
        assert [one.how for one in moves] == ["rollback", "forced", "promote"]
        for move, label in zip(reversed(moves), (1, 2, 1), strict=True):
            (then,) = models.aliases(session, "income", move.time)
            assert then.target == label


def test_what_a_promotion_rests_on_is_kept_with_it(here: Lab) -> None:
    here.promote("weak")
    move = here.promote("good", reason="better\n")
    told = move.evidence
    assert told["passed"]
    assert move.reason == "better"
    assert "@" in move.who
    gate = told["gates"][0]
    assert gate["gate"] == "auc >= incumbent.auc - 0.002"
    assert gate["figure"]["low"] < gate["figure"]["value"] < gate["figure"]["high"]
    assert gate["difference"]["value"] == pytest.approx(
        gate["figure"]["value"] - gate["incumbent"]["value"]
    )
    assert {one["slice"] for one in told["gates"][1]["slices"]} == {"smiths", "others"}
    assert told["on"]["rows"] == 1500
    assert told["policy"].startswith("sha256:")
    with Store(here.layout).session() as session:
        version = models.find(session, "income@production")
        before = models.find(session, "income@v1")
    assert told["model"]["bundle"] == version.bundle
    assert told["incumbent"]["digest"] == before.digest
    text = (here.folder / "cockpit.toml").read_text()
    (here.folder / "cockpit.toml").write_text(text.replace("0.002", "0.003"))
    assert here.check("weak").policy != told["policy"]


def test_the_version_is_the_bundle_that_was_judged_whatever_becomes_of_the_run(here: Lab) -> None:
    here.promote("weak")
    meant = resolve(here.layout, "income@production")
    with Store(here.layout).session() as session:
        version = models.find(session, "income@production")
    shutil.rmtree(here.layout.run_folder(version.run))
    writer = SpoolWriter(here.layout)
    writer.append(RunDeleted(from_text(version.run), None, None))
    writer.close()
    rows = people(5)
    again = resolve(here.layout, "income@production")
    assert again.bundle.predict(rows).equals(meant.bundle.predict(rows))
    checked = here.check("good")
    assert checked.results[0].verdict == "pass", "the incumbent is asked anew, by its own bundle"


def test_who_was_faster_wins_and_the_other_is_told(here: Lab) -> None:
    here.promote("weak")
    slow = here.check("good")
    here.promote("unfair", force=True, reason="at once")
    with pytest.raises(AliasTaken, match="look again"):
        promote(here.layout, slow, None)
    assert live(here) == "income@v2"


def test_a_candidate_becomes_production_as_the_same_version(here: Lab) -> None:
    here.promote("weak", "candidate")
    here.promote("income@candidate", "production")
    assert (live(here), live(here, "candidate")) == ("income@v1", "income@v1")
    with pytest.raises(AlreadyThere, match="income@v1 is production already"):
        here.check("weak")


def test_what_cannot_be_promoted_says_what_to_do(here: Lab) -> None:
    run = here.run("half", people(), state="failed")
    with pytest.raises(NotPromotable, match="half is failed: only a complete run"):
        here.check(run)
    shutil.rmtree(here.layout.bundle(here_run(here, "good")))
    with pytest.raises(NotPromotable, match=r"trial.save_model\(model, example=ROWS\)"):
        here.check("good")
    with pytest.raises(NotPromotable, match="cannot be an alias"):
        here.check("weak", "v2")
    with pytest.raises(NotPromotable, match="cannot be an alias"):
        here.check("weak", "a b")
    path = here.folder / "cockpit.toml"
    path.write_text(TOML.replace("[models.income]", "[models.incomes]"))
    with pytest.raises(NotPromotable, match="did you mean 'incomes'"):
        here.check("weak")
    path.write_text(TOML.partition("[models.income]")[0])
    with pytest.raises(NotPromotable, match=r"write \[models.income\]"):
        here.check("weak")

    path.write_text(TOML)
    here.promote("weak", "candidate")
    with pytest.raises(models.ModelNotFound, match="which version of 'income'"):
        here.check("income")
    with pytest.raises(models.ModelNotFound, match="which version of 'income'"):
        resolve(here.layout, "income")


def here_run(here: Lab, name: str) -> str:
    from storage.runs import find

    with Store(here.layout).session() as session:
        return find(session, name).id


def test_a_bundle_that_was_changed_is_neither_promoted_nor_gone_back_to(here: Lab) -> None:
    here.promote("weak")
    here.promote("good")
    with Store(here.layout).session() as session:
        first = models.find(session, "income@v1")
    (here.layout.model(first.bundle) / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleError):
        rollback(here.layout, "income", "production", None)
    assert live(here) == "income@v2"
    bundle = here.layout.bundle(here_run(here, "unfair"))
    checked = here.check("unfair")
    (bundle / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleError):
        promote(here.layout, checked, "because", force=True)
    assert live(here) == "income@v2"


def test_rules_are_judged_with_the_version_and_predict_with_it(here: Lab) -> None:
    path = here.folder / "cockpit.toml"
    plain = here.promote("good")
    path.write_text(
        TOML.replace(
            '"size_mb <= 5",\n]', "\"size_mb <= 5\",\n]\nrules = [\"when job = 'smith' then 'no'\"]"
        )
    )
    checked = here.check("good")
    slices = checked.results[1]
    assert slices.verdict == "fail"
    smiths = slices.slices[0]
    rich = pl.read_parquet(here.folder / "eval.parquet").filter(pl.col("job") == "smith")["rich"]
    assert smiths.slice == "smiths"
    assert smiths.value == pytest.approx((rich == "no").mean())
    ruled = promote(here.layout, checked, "law", force=True)
    assert (plain.target, ruled.target) == (1, 2), "another rule makes another version"
    meant = resolve(here.layout, "income@production")
    assert meant.rules == ("when job = 'smith' then 'no'",)
    rows = people(300, seed=2)
    found = predict(meant.bundle, rows, meant.rules).with_columns(rows["job"])
    of_smiths = found.filter(pl.col("job") == "smith")
    assert set(of_smiths["y_pred"]) == {"no"}
    assert set(of_smiths["y_score"]) == {0.0}
    alone = load_bundle(here.layout.bundle(here_run(here, "good"))).predict(rows)
    others = found.filter(pl.col("job") != "smith")
    assert others.drop("job").equals(alone.filter(rows["job"] != "smith"))
    assert resolve(here.layout, "income@v1").rules == ()


def test_the_first_rule_that_holds_answers() -> None:
    frame = pl.DataFrame({"age": [10, 40, None, 70]})
    given = pl.DataFrame({"y_pred": [1, 1, 1, 0], "y_score": [0.9, 0.8, 0.7, 0.2]})
    rules = [
        "when age < 18 then 0",
        "when age is null then 0",
        "when age < 50 and y_score > 0.7 then 1",
    ]
    found = apply_rules(rules, frame, given, "binary", (0, 1))
    assert found["y_pred"].to_list() == [0, 1, 0, 0]
    assert found["y_score"].to_list() == [0.0, 1.0, 0.0, 0.2]
    labels = pl.DataFrame({"y_pred": ["a", "b", "c", "a"]}).with_columns(
        pl.lit(0.5).alias("y_score.a"),
        pl.lit(0.3).alias("y_score.b"),
        pl.lit(0.2).alias("y_score.c"),
    )
    found = apply_rules(
        ["when y_pred = 'b' then 'c'"], frame, labels, "multiclass", ("a", "b", "c")
    )
    assert found["y_pred"].to_list() == ["a", "c", "c", "a"]
    assert found.row(1) == ("c", 0.0, 0.0, 1.0)
    amounts = pl.DataFrame({"y_pred": [1.5, -2.0, 3.0, 4.0]})
    found = apply_rules(["when y_pred < 0 then 0"], frame, amounts, "regression")
    assert found["y_pred"].to_list() == [1.5, 0.0, 3.0, 4.0]
    truths = pl.DataFrame({"y_pred": [True, False, True, True]})
    found = apply_rules(["when age < 18 then false"], frame, truths, "binary", (False, True))
    assert found["y_pred"].to_list() == [False, False, True, True]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("when agee < 18 then 'no'", "there is no 'agee'; did you mean age?"),
        ("when member then 'yes'", "there is no 'member'"),
        ("when rich = 'yes' then 'yes'", "there is no 'rich'"),
        ("when age < 18 then 'maybe'", "answers 'maybe'; the classes are 'no', 'yes'"),
    ],
)
def test_a_rule_that_fits_nothing_is_said(here: Lab, rule: str, said: str) -> None:
    """Nor may it look at the right answer, or at what the model does not take: nobody gives it that later."""
    rows = pl.read_parquet(here.folder / "eval.parquet")
    rows.with_columns(member=True).write_parquet(here.folder / "eval.parquet")
    path = here.folder / "cockpit.toml"
    path.write_text(TOML.replace('"size_mb <= 5",\n]', f'"size_mb <= 5",\n]\nrules = ["{rule}"]'))
    with pytest.raises(BadRule) as caught:
        here.check("good")
    assert said in str(caught.value)


def test_a_model_that_takes_too_much_is_not_judged_by_what_its_run_said(
    here: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "memory_limit", lambda: 1)
    text = TOML.replace('"auc >= incumbent.auc - 0.002"', '"auc >= 0.5"')
    (here.folder / "cockpit.toml").write_text(text)
    gate = here.check("good").results[0]
    assert gate.verdict == "fail"
    assert "good cannot be measured on eval@v1: the model took 0." in gate.sentence
    assert "GiB of memory while it was loaded" in gate.sentence


def test_a_run_speaks_for_a_model_that_is_not_asked_and_for_none_that_was_refused(
    here: Lab,
) -> None:
    """Or what nobody can load would go to production by what was logged of it."""
    text = TOML.replace('"auc >= incumbent.auc - 0.002"', '"auc >= 0.5"')
    (here.folder / "cockpit.toml").write_text(text)
    run = here_run(here, "good")
    bundle, eval_rows = here.layout.bundle(run), pl.read_parquet(here.folder / "eval.parquet")
    load_bundle(bundle).predict(eval_rows).write_parquet(here.folder / "answers.parquet")
    brought_up(here.layout, here.project, None)
    with Store(here.layout).session() as session:
        versions = look(session, [run]).versions
    on = open_set(here.layout, here.project, versions, None)
    attach(here.layout, run, on, here.folder / "answers.parquet")

    weights = here.folder / "weights"
    weights.write_bytes(b"of another framework")
    save(bundle, None, eval_rows.drop("rich"), files={"weights": weights})
    checked = here.check("good")
    assert checked.results[0].verdict == "pass"
    assert "judged by what its run answered" in checked.notes[0]

    save(bundle, fitted(people(300)), people(300), target="rich", positive="yes")
    (bundle / "model.onnx").write_bytes(b"crafted")
    seal(bundle)
    gate = here.check("good").results[0]
    assert gate.verdict == "fail"
    assert "model.onnx is no ONNX model" in gate.sentence


def test_a_model_that_was_changed_after_its_run_is_not_promoted(here: Lab) -> None:
    run = PlainRun(here.layout)
    run.claim()
    run.begin("late", "late")
    bundle, rows = here.layout.bundle(run.id), people(300)
    save(bundle, fitted(rows), rows, target="rich", positive="yes")
    run.settle("complete", None)
    assert here.check("late").candidate.run == run.id
    save(bundle, fitted(people(200)), people(200), target="rich", positive="yes")
    with pytest.raises(NotPromotable, match=r"changed after the run had ended.*cockpit rerun"):
        here.check("late")


def test_a_folder_that_is_called_as_a_version_is_not_that_version(
    here: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.promote("good")
    monkeypatch.chdir(here.folder)
    shutil.copytree(here.layout.bundle(here_run(here, "weak")), "income@production")
    good, weak = (load_bundle(here.layout.bundle(here_run(here, n))) for n in ("good", "weak"))
    assert resolve(here.layout, "income@production").bundle.digest == good.digest
    assert resolve(here.layout, "./income@production").bundle.digest == weak.digest
    shutil.rmtree(here.layout.model(good.digest))
    with pytest.raises(BundleError, match="has lost the model of income@v1"):
        resolve(here.layout, "income@production")


def test_answers_are_those_of_the_model_and_not_what_somebody_logged(here: Lab) -> None:
    checked = here.check("good")
    assert checked.notes == ()
    bundle = load_bundle(here.layout.bundle(here_run(here, "good")))
    rows = pl.read_parquet(here.folder / "eval.parquet")
    right = bundle.predict(rows)["y_score"].to_numpy()
    from cockpit.evaluate.metrics import measure

    truth = (rows["rich"] == "yes").cast(pl.Int64).to_numpy()
    auc = measure("auc", Answers("binary", truth, None, np.asarray(right))).value
    found = here.promote("good").evidence["gates"]
    assert found[0]["verdict"] == "first"
    again = here.check("weak").results[0]
    assert again.whole is not None
    assert again.whole.incumbent is not None
    assert again.whole.incumbent.value == pytest.approx(auc)


def without_slices(here: Lab, gate: str) -> None:
    """No gate is about every slice; the first one is `gate`."""
    text = TOML.replace(
        "every slice: accuracy >= incumbent.accuracy - 0.03 where n >= 50", "n >= 9"
    )
    text = text.replace("auc >= incumbent.auc - 0.002", gate)
    here.folder.joinpath("cockpit.toml").write_text(text)


def test_what_changes_for_whom_is_told_where_no_gate_asks_it_of_every_slice(here: Lab) -> None:
    here.promote("weak")
    assert here.check("unfair").evidence["changes"] is None, "a gate about every slice says it"
    without_slices(here, "accuracy >= incumbent.accuracy - 0.5")
    checked = here.check("unfair")
    assert checked.passed, "it is told, and stops nobody"
    told = checked.evidence["changes"]
    assert (told["name"], told["slices_left_out"]) == ("accuracy", 0), "the first metric of a gate"
    smiths, others = told["slices"]
    assert [smiths["slice"], others["slice"]] == ["smiths", "others"], "the worst first"
    assert (smiths["verdict"], others["verdict"]) == ("worse", "better")
    fell = smiths["figure"]["value"] - smiths["incumbent"]["value"]
    assert smiths["difference"]["value"] == pytest.approx(fell)
    assert smiths["difference"]["high"] < 0
    assert "| smiths | " in check_markdown(checked, "passes")
    lines = "\n".join(line.plain for line in change_lines(told))
    assert re.search(r"▼ smiths  -0\.\d+ \[-0\.\d+, -0\.\d+\]  n \d+", lines)
    assert "changes" in promote(here.layout, checked, None).evidence


def test_the_largest_fall_comes_first_where_less_is_better(here: Lab) -> None:
    here.promote("weak")
    without_slices(here, "log_loss <= 9")
    told = here.check("unfair").evidence["changes"]
    assert told["name"] == "log_loss"
    first, last = (one["difference"]["value"] for one in told["slices"])
    assert first > last
