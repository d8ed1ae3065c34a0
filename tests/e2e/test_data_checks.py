"""Contracts, differences and drift on the command line; sweeps that start, warn or do not start by their data."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.cli.main import run

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

TRAIN = """
def train(trial):
    return {"auc": trial.suggest_float("x", 0, 1)}
"""
CONTRACT = """
[data.people]
path = "people.csv"
key = ["id"]
target = "rich"
positive = 1

[data.people.contract]
check = "{check}"
[data.people.contract.columns]
age = {{ type = "int", min = 17, max = 90 }}
sex = {{ allowed = ["F", "M"], nulls = false }}
[data.people.contract.rules]
"no child is rich" = "age >= 18 or rich = 0"
"""


def people(**changed: Any) -> pl.DataFrame:
    rows = 200
    frame = pl.DataFrame({"id": range(rows)}).with_columns(
        age=18 + pl.col("id") % 70,
        sex=pl.when(pl.col("id") % 3 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        rich=(pl.col("id") % 4 == 0).cast(pl.Int64),
    )
    return frame.with_columns(**changed)


OLD_MAN = pl.when(pl.col("id") == 7).then(900).otherwise("age")


@pytest.fixture
def data(project: Project) -> Project:
    project.write("cockpit.toml", CONTRACT.format(check="stop"))
    people().write_csv(project.folder / "people.csv")
    return project


def said(project: Project, *arguments: str, code: int = 0) -> str:
    """What a command prints, asked within this process."""
    text = io.StringIO()
    with (
        contextlib.chdir(project.folder),
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
    ):
        done = run(arguments)
    assert done == code, text.getvalue()
    return text.getvalue()


def test_a_contract_that_holds_and_one_that_is_broken(data: Project) -> None:
    done = data.run("data", "check", "people").stdout
    assert "people keeps its contract (200 rows)" in done

    people(age=OLD_MAN, leak=pl.col("rich") * 3).write_csv(data.folder / "people.csv")
    done = said(data, "data", "check", "people", code=1)
    assert "people breaks 1 of" in done
    assert "row 8 (id 7, age 900)" in done
    assert "leak alone tells rich" in done

    found = json.loads(said(data, "data", "check", "people.csv", "--json", code=1))
    (broken,) = [rule for rule in found["rules"] if not rule["passed"]]
    assert (broken["column"], broken["kind"], broken["failed"]) == ("age", "max", 1)
    assert broken["examples"] == [{"row": 8, "id": 7, "age": 900}]
    assert [leak["feature"] for leak in found["leaks"]] == ["leak"]


def test_a_contract_in_a_file_of_its_own_or_beside_the_data(data: Project) -> None:
    people().write_parquet(data.folder / "others.parquet")
    done = said(data, "data", "check", "others.parquet", code=2)
    assert "others.parquet has no contract" in done

    data.write("others.contract.toml", "columns.age = { max = 80 }\n")
    assert "at most 80" in said(data, "data", "check", "others.parquet", code=1)
    data.write("strict.toml", "[columns.age]\nmax = 20\n")
    done = said(data, "data", "check", "others.parquet", "--contract", "strict.toml", code=1)
    assert "at most 20" in done


def test_mistakes_are_sentences(data: Project) -> None:
    assert "'nobody'" in said(data, "data", "check", "nobody", code=2)
    data.write("bad.toml", '[rules]\nr = "agee > 3"\n')
    done = said(data, "data", "check", "people", "--contract", "bad.toml", code=2)
    assert "rule 'r'" in done
    assert "agee" in done
    people().with_columns(age=pl.lit("a\nb")).write_csv(data.folder / "people.csv")
    assert "of text" in said(data, "data", "check", "people", code=1)


def test_versions_differ_by_key_and_drift(data: Project) -> None:
    said(data, "data", "register", "people", "--keep")
    changed = people(age=pl.col("age") * 100).filter(pl.col("id") != 3)
    changed.write_csv(data.folder / "people.csv")
    said(data, "data", "register", "people", "--keep")

    done = said(data, "data", "diff", "people@v1", "people@v2", "--exit-code", code=1)
    assert "people@v1 (200 rows) → people@v2 (199 rows), by id" in done
    assert "removed: id 3" in done
    found = data.json("data", "diff", "people@v1", "people@v2")
    assert (found["added"], found["removed"], found["changed"]) == (0, 1, 199)
    assert found["columns"][0]["examples"][0] == {"key": {"id": 0}, "old": 18, "new": 1800}
    assert data.json("data", "diff", "people@v2", "people")["differs"] is False

    done = said(data, "data", "drift", "people@v1", "people@v2", "--exit-code", code=1)
    assert "1 of 3 columns drifted" in done
    assert "× 100" in done
    found = data.json("data", "drift", "people@v1", "people@v2", "--columns", "age,sex")
    assert found["drifted"] == ["age"]
    assert [column["verdict"] for column in found["columns"]] == ["large", "none"]

    assert "keeps" in said(data, "data", "check", "people@v1")
    assert "at most 90" in said(data, "data", "check", "people@v2", code=1)


def test_values_that_the_first_rows_do_not_let_expect(data: Project) -> None:
    ages = ["40"] * 10_500 + ["forty"]
    data.write("late.csv", "age\n" + "\n".join(ages) + "\n")
    data.write("late.contract.toml", 'columns.age = { type = "int" }\n')
    done = said(data, "data", "check", "late.csv", code=1)
    assert "row 10,501 (age forty)" in done
    done = said(data, "data", "diff", "late.csv", "late.csv")
    assert "no difference" in done


@pytest.fixture
def sweep(data: Project) -> Project:
    """A sweep on data that break their contract."""
    data.write("train.py", TRAIN)
    data.spec(trials=2)
    text = (data.folder / "sweep.toml").read_text(encoding="utf-8")
    data.write("sweep.toml", f'{text}\n[data]\npeople = "people.csv"\n')
    people(age=OLD_MAN).write_csv(data.folder / "people.csv")
    return data


@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_nothing_starts_on_data_that_break_their_contract(
    sweep: Project, how: tuple[str, ...]
) -> None:
    done = sweep.run("sweep", "sweep.toml", *how, code=2)
    assert "people breaks its contract: 1 of" in done.stderr
    assert "age: at most 90: 1 of 200 rows break it, as row 8 (id 7, age 900)" in done.stderr
    assert "nothing was started" in done.stderr
    assert not (sweep.folder / ".cockpit").exists()


@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_a_warning_lets_it_start(sweep: Project, how: tuple[str, ...]) -> None:
    sweep.write("cockpit.toml", CONTRACT.format(check="warn"))
    done = sweep.run("sweep", "sweep.toml", *how)
    assert "cockpit: people breaks its contract" in done.stderr
    assert "started" not in done.stderr


def test_a_contract_that_is_off_and_one_that_is_kept_say_nothing(sweep: Project) -> None:
    sweep.write("cockpit.toml", CONTRACT.format(check="off"))
    assert "contract" not in sweep.run("sweep", "sweep.toml").stderr
    sweep.write("cockpit.toml", CONTRACT.format(check="stop"))
    people().write_csv(sweep.folder / "people.csv")
    assert "contract" not in sweep.run("sweep", "sweep.toml").stderr
