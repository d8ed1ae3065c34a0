"""cockpit.toml is read whole or refused with every mistake in its line, and a slice is written into it with care."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.project.model import (
    ColumnRule,
    Contract,
    DataTable,
    EvaluationTable,
    Fresh,
    Kpi,
    ModelTable,
)
from cockpit.project.reading import (
    ProjectError,
    find_project,
    load_contract,
    load_project,
    save_slice,
)
from cockpit.sweep.given import document

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout

WHOLE = """
# what we judge by
[data.adult-eval]
path = "rows/*.parquet"
key = ["id", "day"]
target = "income"
positive = ">50K"
ignore = ["fnlwgt"]
evaluation = true

[data.adult-eval.contract]
check = "warn"
others = false
rules = { adult = "age >= 16" }
fresh = { column = "day", within = "7d" }

[data.adult-eval.contract.columns]
age = { type = "int", min = 16, max = 100, nulls = false, unit = "years" }
sex = { allowed = ["Female", "Male"], nulls = 0.1 }
day = { type = "date", min = 2020-01-01 }

[evaluation]
on = "adult-eval"
metrics = ["auc"]
margins = { auc = 0.001 }

[kpis]
profit = "sum(case when y_pred and y_true then 120 else 0 end)"
cost = { expression = "avg(y_score)", direction = "minimize", unit = "EUR" }

[slices]
"young women" = "age < 25 and sex = 'Female'"

[models.income]
on = "adult-eval"
gates = ["auc >= incumbent.auc - 0.002", "slice('young women').recall >= 0.6"]
rules = ["when age < 18 then 0"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "cockpit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """The lines of the complaint, without the file before them."""
    path = write(folder, text)
    with pytest.raises(ProjectError) as caught:
        load_project(folder)
    return [line.removeprefix(f"{path} ") for line in str(caught.value).splitlines()]


def test_where_there_is_no_file_nothing_is_said(tmp_path: Path) -> None:
    found = load_project(tmp_path)
    assert (found.path, found.data, found.kpis, found.slices) == (None, {}, {}, {})
    assert found.evaluation == EvaluationTable()


def test_everything_that_it_may_say_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    found = load_project(tmp_path)
    assert (found.folder, found.path, found.text) == (tmp_path, path, WHOLE)
    assert found.data == {
        "adult-eval": DataTable(
            path="rows/*.parquet",
            key=("id", "day"),
            target="income",
            positive=">50K",
            ignore=("fnlwgt",),
            evaluation=True,
            contract=Contract(
                check="warn",
                others=False,
                rules={"adult": "age >= 16"},
                fresh=Fresh(column="day", within="7d"),
                columns={
                    "age": ColumnRule(type="int", min=16.0, max=100.0, nulls=False, unit="years"),
                    "sex": ColumnRule(allowed=("Female", "Male"), nulls=0.1),
                    "day": ColumnRule(type="date", min="2020-01-01"),
                },
            ),
        )
    }
    assert found.evaluation.metrics == ("auc",)
    assert found.evaluation.margins == {"auc": 0.001}
    profit = "sum(case when y_pred and y_true then 120 else 0 end)"
    assert found.kpis == {
        "profit": Kpi(expression=profit),
        "cost": Kpi(expression="avg(y_score)", direction="minimize", unit="EUR"),
    }
    assert found.slices == {"young women": "age < 25 and sex = 'Female'"}
    assert found.models == {
        "income": ModelTable(
            on="adult-eval",
            gates=("auc >= incumbent.auc - 0.002", "slice('young women').recall >= 0.6"),
            rules=("when age < 18 then 0",),
        )
    }


def test_a_spec_goes_by_the_file_beside_it_first(tmp_path: Path, layout: Layout) -> None:
    write(tmp_path, '[slices]\nhere = "a > 1"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    assert find_project(layout, inner).slices == {"here": "a > 1"}
    write(inner, '[slices]\nthere = "a > 2"\n')
    assert find_project(layout, inner).slices == {"there": "a > 2"}
    assert find_project(layout).slices == {"here": "a > 1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[modles]", 'line 1: [modles] is not a known table; did you mean "models"?'),
        ("[gates]", 'line 1: [gates] belongs to a model: [models.NAME] with gates = ["…"]'),
        ("[models.income]", "line 1: [models.income] needs gates"),
        (
            '[models."a@b"]\ngates = []',
            'line 1: [models] "a@b": the name should be without @ / \\ # and not begin with a dot or a dash',
        ),
        (
            '[models.income]\ngates = ["auc >= 0.5", "acc >= 0.5"]',
            "line 2: [models.income] gates = \"acc >= 0.5\": there is no figure 'acc'; did you mean 'auc'?",
        ),
        (
            '[models.income.gates]\nsmall = "size_mb <= 50"\nfair = "every slice: recall > 0.5"',
            'line 3: [models.income.gates] fair = "every slice: recall > 0.5": every slice: there is none yet;'
            " [slices] of cockpit.toml names them",
        ),
        (
            '[models.income]\ngates = []\nrules = ["when age < 18"]',
            "line 3: [models.income] rules = \"when age < 18\": 'then' is missing;"
            " a rule is: when CONDITION then VALUE",
        ),
        (
            '[models.income]\non = "evl"\ngates = []',
            'line 2: [models.income] on = "evl" is no evaluation set; add [data.evl] with evaluation = true',
        ),
        (
            "[models.income]\ngates = 4",
            "line 2: [models.income] gates = 4 should be a list of comparisons in quotes, or a table of"
            " them by name",
        ),
        (
            "x = 1",
            "line 1: x stands above every table; put it below the one it belongs to: [data],"
            " [evaluation], [kpis], [slices], [models]",
        ),
        (
            "slices = 3",
            "line 1: [slices] should be a table of keys below the line [slices], not 3",
        ),
        ("[data.a]", "line 1: [data.a] needs path"),
        (
            '[data.a]\npth = "x.csv"',
            'line 2: [data.a] pth is not a known key; did you mean "path"?',
        ),
        (
            '[data]\na = "x.csv"',
            'line 2: [data] a = "x.csv" should be a table: [data.a]',
        ),
        (
            '[data.a]\npath = "x.csv"\nkey = "id"',
            'line 3: [data.a] key = "id" should be a list, as in ["a", "b"]',
        ),
        (
            '[data.a]\npath = "x.csv"\nkey = ["id", 4]',
            "line 3: [data.a] key = 4 should be text, in quotes",
        ),
        (
            '[data.a]\npath = "x.csv"\npositive = 1',
            "line 3: [data.a] positive needs target, the column it is a label of",
        ),
        (
            '[data.a]\npath = "x.csv"\nkey = ["id"]\ntarget = "id"',
            'line 4: [data.a] target = "id" is a column of the key too',
        ),
        (
            '[data."a@v1"]\npath = "x.csv"',
            'line 1: [data] "a@v1": the name should be without @ / \\ # and not begin with a dot'
            " or a dash",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns]\nage = { tpye = "int" }',
            'line 4: [data.a.contract.columns.age] tpye is not a known key; did you mean "type"?',
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns]\nage = { type = "integer" }',
            'line 4: [data.a.contract.columns.age] type = "integer" should be one of "int",'
            ' "float", "bool", "text", "date" or "time"',
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nnulls = 3',
            "line 4: [data.a.contract.columns.age] nulls = 3 should be true, false, or a share"
            " from 0 to 1",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nmin = 3\nmax = 1',
            "line 5: [data.a.contract.columns.age] max = 1.0 is below min = 3.0",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nmin = 3\nmax = "x"',
            'line 5: [data.a.contract.columns.age] has max = "x", which is neither a number nor an ISO date or time'
            ' such as "2024-01-31"',
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\ntype = "text"\nmin = 3',
            "line 5: [data.a.contract.columns.age] contradicts itself: min means a number, the rest of it a text",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nmin = "0001-01-01T00:00:00+05:00"',
            'line 4: [data.a.contract.columns.age] has min = "0001-01-01T00:00:00+05:00", which is neither a number nor'
            ' an ISO date or time such as "2024-01-31"',
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\ntype = "text"\npattern = "("',
            "line 5: [data.a.contract.columns.age] has a pattern that is no regular expression: unclosed group",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nallowed = [1, "x"]',
            "line 4: [data.a.contract.columns.age] contradicts itself: allowed ('x') means a text,"
            " the rest of it a number",
        ),
        (
            '[data.a]\npath = "x.csv"\n[data.a.contract.columns.age]\nallowed = []',
            "line 4: [data.a.contract.columns.age] allowed is empty; leave it out, or name what"
            " may be there",
        ),
        (
            '[data.a]\npath = "x.csv"\ncontract = { rules = { fair = "a >" } }',
            "line 3: [data.a.contract.rules] fair = \"a >\": something is missing beside '>'"
            " (column 3)",
        ),
        (
            '[data.a]\npath = "x"\ncontract = { fresh = { column = "t", within = "7x" } }',
            'line 3: [data.a.contract.fresh] within = "7x" should be a time such as "10m", "90s"'
            ' or "1h30m", or a number of seconds',
        ),
        (
            '[evaluation]\non = "a"',
            'line 2: [evaluation] on = "a" is no evaluation set; add [data.a] with'
            " evaluation = true",
        ),
        (
            '[evaluation]\non = "a"\n[data.a]\npath = "x.csv"',
            'line 2: [evaluation] on = "a" needs evaluation = true in [data.a]',
        ),
        (
            '[evaluation]\non = "evl"\n[data.eval]\npath = "x.csv"\nevaluation = true',
            'line 2: [evaluation] on = "evl" is no evaluation set; did you mean "eval"?',
        ),
        (
            "[evaluation]\nconfidence = 1",
            "line 2: [evaluation] confidence = 1 should be below 1.0",
        ),
        (
            '[evaluation]\nmetrics = ["auc", "pinball@0.9", "acuracy", "k"]\n[kpis]\nk = "sum(x)"',
            "line 2: [evaluation] metrics: there is no built-in metric 'acuracy'; did you mean"
            " accuracy?",
        ),
        (
            "[evaluation.margins]\nprofit = 1",
            "line 2: [evaluation] margins: there is no built-in metric 'profit'; there are: ",
        ),
        (
            "[evaluation.margins]\nauc = 0",
            "line 2: [evaluation.margins] auc = 0 should be above 0.0",
        ),
        (
            '[kpis]\np = "sum("',
            "line 2: [kpis] p = \"sum(\": something is missing beside '(' (column 4)",
        ),
        ("[kpis]\np = 3", "line 2: [kpis] p = 3 should be a table: [kpis.p]"),
        (
            '[kpis]\np = { expression = "sum(x)", direction = "up" }',
            'line 2: [kpis.p] direction = "up" should be one of "maximize" or "minimize"',
        ),
        (
            "[slices]\nyoung = 25",
            'line 2: [slices] "young" = 25 should be a condition, as in "age < 25 and'
            " sex = 'Female'\"",
        ),
        (
            '[slices]\n" " = "a > 1"',
            'line 2: [slices] " ": the name should be visible characters, without spaces at its ends',
        ),
    ],
)
def test_a_mistake_is_said_in_its_line(tmp_path: Path, text: str, said: str) -> None:
    (line,) = problems(tmp_path, text)
    assert line == said or (said.endswith(": ") and line.startswith(said))


def test_all_mistakes_are_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[slices]\na = "x <"\n[data.b]\nkey = 3\npath = 4\n[kpis]\nc = "sum(x"\n'
    assert [line.partition(":")[0] for line in problems(tmp_path, text)] == [
        "line 2",
        "line 4",
        "line 5",
        "line 7",
    ]


@pytest.mark.parametrize("content", [b"[slices\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cockpit.toml").write_bytes(content)
    with pytest.raises(ProjectError, match=r"cockpit\.toml line \d: (not|a is set twice)"):
        load_project(tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
).filter(lambda value: value is not None)
KEYS = st.sampled_from(
    ["data", "kpis", "slices", "evaluation", "a", "path", "key", "contract", "columns", "rules"]
)
TABLES = st.dictionaries(
    KEYS,
    st.dictionaries(KEYS | st.text(max_size=5), VALUES | st.dictionaries(KEYS, VALUES)),
    max_size=4,
)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value if v is not None]
    return value


@given(TABLES)
@settings(max_examples=60)
def test_whatever_is_written_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    lines = [line for _, line in document(_without_none(tables))]
    (folder / "cockpit.toml").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    said = []
    try:
        load_project(folder)
    except ProjectError as error:
        said = [str(problem) for problem in error.problems] or [""]
    assert all(line.startswith(str(folder)) and line.isprintable() for line in said)


def test_a_contract_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('others = false\n[columns]\nage = { type = "int" }\n')
    assert load_contract(path).columns == {"age": ColumnRule(type="int")}
    path.write_text('othrs = false\n[rules]\na = "x <"\n')
    with pytest.raises(ProjectError) as caught:
        load_contract(path)
    assert 'line 1: othrs is not a known key; did you mean "others"?' in str(caught.value)


def test_saving_a_slice_leaves_the_rest_of_the_file_as_it_is(tmp_path: Path) -> None:
    text = "# ours\n[slices]   # named\nb = 'x > 1'  # first\na = \"y > 2\"\n\n[kpis] # money\nk = 'sum(x)'\n"
    path = write(tmp_path, text)
    path.chmod(0o640)
    assert save_slice(tmp_path, "young women", "age < 25 and sex = 'Female'") == path
    saved = path.read_text()
    added = '"young women" = "age < 25 and sex = \'Female\'"\n'
    assert saved.replace(added, "") == text
    assert saved.index(added) < saved.index("[kpis]")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    save_slice(tmp_path, "b", "x > 3")
    assert load_project(tmp_path).slices["b"] == "x > 3"
    assert "# first" in path.read_text()
    assert os.listdir(tmp_path) == ["cockpit.toml"]


def test_the_first_slice_makes_the_file(tmp_path: Path) -> None:
    save_slice(tmp_path, "old", "age > 60")
    assert load_project(tmp_path).slices == {"old": "age > 60"}


@pytest.mark.parametrize(
    ("name", "expression", "said"),
    [
        ("x", "age <", "something is missing"),
        ("x", "a > 1; drop table b", "there can be one expression"),
        ("\x1b[31m", "age > 1", "visible characters"),
        ("n" * 101, "age > 1", "longer than 100"),
    ],
)
def test_a_slice_that_cannot_be_is_not_saved(
    tmp_path: Path, name: str, expression: str, said: str
) -> None:
    path = write(tmp_path, WHOLE)
    with pytest.raises(ProjectError, match=said):
        save_slice(tmp_path, name, expression)
    assert path.read_text() == WHOLE


def test_a_broken_file_is_not_written_to(tmp_path: Path) -> None:
    path = write(tmp_path, "[slices\n")
    with pytest.raises(ProjectError, match="line 1"):
        save_slice(tmp_path, "x", "a > 1")
    assert path.read_text() == "[slices\n"


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text(WHOLE)
    (tmp_path / "cockpit.toml").symlink_to(real)
    save_slice(tmp_path, "old", "age > 60")
    assert (tmp_path / "cockpit.toml").is_symlink()
    assert '"age > 60"' in real.read_text()
