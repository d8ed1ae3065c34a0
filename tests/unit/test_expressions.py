"""What a filter means, what it refuses, and how it says so."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from storage.events import RunChanged, RunCreated
from storage.expressions.run_filter import run_filter, run_names
from storage.expressions.terms import FilterError
from storage.layout import Layout
from storage.runs import RunQuery, page
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.many_runs import Row, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.session import Session

ROWS = [
    Row("income#0", "income", 0, "complete", None, False, ("keep",), 9,
        {"lr": 0.01, "opt": "adam", "amp": True, "learning rate": 0.1, "both": 1, "C": 1},
        {"auc": 0.95, "both": 10.0}),
    Row("income#1", "income", 1, "complete", "Worth a look", True, ("keep", "old"), 9,
        {"lr": 0.1, "opt": "sgd", "amp": False, "model.depth": 3, "both": 2, "c": 2},
        {"auc": 0.9, "both": 20.0}),
    Row("income#2", "income", 2, "pruned", None, False, (), None,
        {"lr": "auto", "opt": "adam", "name": "inner"}, {"auc": float("nan")}),
    Row("income#3", "income", 3, "failed", "50% done", False, ("o'k",), None,
        {"lr": float("nan"), "opt": None}, {}),
]  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    layout = Layout(tmp_path_factory.mktemp("filters") / ".cockpit")
    writer = SpoolWriter(layout)
    write_rows(writer, ROWS)
    writer.close()
    with Store(layout).session() as opened:
        yield opened


def found(session: Session, where: str) -> list[int | None]:
    runs = page(session, RunQuery(where=where, sort="number", descending=False)).runs
    return [run.number for run in runs]


@pytest.mark.parametrize(
    "where, numbers",
    [
        ("auc > 0.93 and lr < 0.05 or tag = 'old'", [0, 1]),
        ("auc>=0.9 AND NOT pinned", [0]),
        ("auc <> 0.9", [0]),
        ("(auc = 0.9 or auc = 0.95) and lr in (0.1, 3)", [1]),
        ("lr between 0.005 and 0.02", [0]),
        ("lr = 'auto'", [2]),
        ("lr in ('auto', 0.01)", [0, 2]),
        ("opt = 'adam' and state != 'pruned'", [0]),
        ("opt like 'ad%' and name ilike 'INCOME#2'", [2]),
        ("not name like '%1'", [0, 2, 3]),
        ("name not like '%1'", [0, 2, 3]),
        ("number not in (0, 1, 2)", [3]),
        ("number not between 1 and 3", [0]),
        ("amp = true", [0]),
        ("amp is false", [1]),
        ("amp and auc > 0", [0]),
        ("pinned = true", [1]),
        ("not pinned", [0, 2, 3]),
        ("seconds = 60 and step = 9", [0, 1]),
        ("started = '1970-01-01 00:01:40' and started < '1970-01-02'", [0, 1, 2, 3]),
        ("started > '1970-01-01T02:01:39+02:00'", [0, 1, 2, 3]),
        ("sweep = 'income' and number % 2 = 1", [1, 3]),
        ("abs(-auc) + 1 > 1.92 and round(auc, 1) = 0.9", []),
        ("abs(-auc) * 2 > 1.85", [0]),
        ("sqrt(auc) > 0.97 and log(lr) < -1.5", [0]),
        ("lower(note) = 'worth a look' or length(note) = 8", [1, 3]),
        ("contains(name, '#2') or starts_with(note, 'Worth')", [1, 2]),
        ("coalesce(auc, 0) = 0", [2, 3]),
        ("coalesce(lr, 0.5) = 0.5", [2, 3]),
        ("C = 1", [0]),
        ("c = 2", [1]),
        ("1 = 1", [0, 1, 2, 3]),
        ("true and number < 1", [0]),
    ],
)
def test_conditions(session: Session, where: str, numbers: list[int]) -> None:
    assert found(session, where) == numbers


@pytest.mark.parametrize(
    "where, numbers",
    [
        ("auc < 2", [0, 1]),
        ("auc > -1", [0, 1]),
        ("auc != 0.9", [0]),
        ("not auc < 2", [2, 3]),
        ("auc is null", [2, 3]),
        ("auc is not null", [0, 1]),
        ("lr < 1", [0, 1]),
        ("not lr < 1", [2, 3]),
        ("lr is null", [3]),
        ("opt is null", [3]),
        ("note is null", [0, 2]),
        ("tag is null", [2]),
        ("auc / 0 > 1", [0, 1]),
        ("0 * (auc / 0) = 0", []),
        ("sqrt(-auc) is null", [0, 1, 2, 3]),
        ("lr != 'auto'", [0, 1, 3]),
        ("amp != true", [1]),
    ],
)
def test_what_is_missing_makes_a_comparison_false(
    session: Session, where: str, numbers: list[int]
) -> None:
    assert found(session, where) == numbers


@pytest.mark.parametrize(
    "where, numbers",
    [
        ("tag = 'keep'", [0, 1]),
        ("'keep' = tag and not tag = 'old'", [0]),
        ("tag != 'keep'", [2, 3]),
        ("tag in ('old', 'o''k')", [1, 3]),
        ("tag like 'ke%'", [0, 1]),
        ("tag not ilike 'K%'", [2, 3]),
    ],
)
def test_a_tag_is_one_of_a_set(session: Session, where: str, numbers: list[int]) -> None:
    assert found(session, where) == numbers


@pytest.mark.parametrize(
    "where, numbers",
    [
        ("both > 5", [0, 1]),
        ("metrics.both = 20", [1]),
        ("params.both = 2", [1]),
        ("params.name = 'inner'", [2]),
        ("name = 'inner'", []),
        ('"learning rate" = 0.1', [0]),
        ('params."learning rate" < 1', [0]),
        ("model.depth = 3", [1]),
        ('"model.depth" = 3', [1]),
        ("params.model.depth = 3", [1]),
        ("params.both < metrics.both", [0, 1]),
        ("lr = opt", []),
        ("both = params.both", []),
    ],
)
def test_a_field_beats_a_metric_and_a_metric_a_param(
    session: Session, where: str, numbers: list[int]
) -> None:
    assert found(session, where) == numbers


@pytest.mark.parametrize(
    "words, numbers",
    [
        ("", [0, 1, 2, 3]),
        ("   ", [0, 1, 2, 3]),
        ("INCOME", [0, 1, 2, 3]),
        ("#1", [1]),
        ("income keep", [0, 1]),
        ("look", [1]),
        ("50%", [3]),
        ("o'k'", None),
        ("'o''k'", [3]),
        ("'worth a'", [1]),
        ("worth-a", []),
        ("auc", []),
    ],
)
def test_words_are_looked_for_in_name_tags_and_note(
    session: Session, words: str, numbers: list[int] | None
) -> None:
    if numbers is None:
        with pytest.raises(FilterError):
            found(session, words)
    else:
        assert found(session, words) == numbers


@pytest.mark.parametrize(
    "where, sentence",
    [
        ("acu > 1", "there is no 'acu'; did you mean auc? (column 1)"),
        ("auc > 0 and learning_rate > 1", 'did you mean "learning rate"? (column 13)'),
        ("params.auc > 1", "there is no 'params.auc'"),
        ('tag = "keep"', "a text stands in single quotes: 'keep' (column 7)"),
        ("opt = adam", "a text stands in single quotes: 'adam' (column 7)"),
        ("auc >", "something is missing beside '>' (column 5)"),
        ("auc > 1 and", "something is missing beside 'and' (column 9)"),
        ("(auc > 1", "a bracket is not closed"),
        ("auc > 1)", "')' cannot stand there (column 8)"),
        ("name = 'x", "a quote is not closed"),
        ("auc = 'x'", "a number cannot be compared with a text (column 1)"),
        ("started > 3", "a time cannot be compared with a number"),
        ("started > 'yesterday'", "a time cannot be compared with a text"),
        ("tag > 'x'", "a set of texts is compared with a text, by = or !="),
        ("amp > true", "true and false are compared with = or !="),
        ("(auc)", "a number alone is no condition"),
        ("auc = null", "write 'is null' or 'is not null'"),
        ("auc in ()", "'in' takes a list in brackets"),
        ("lower(auc) = 'x'", "a text must stand here, not a number (column 7)"),
        ("sin(auc) > 1", "'sin' cannot be called here; there are: abs"),
        ("auc > 1e999", "is no number, or too large a one"),
        ("auc > 1 " * 400, "longer than 2,000 characters"),
        ("(" * 30 + "auc" + ")" * 30 + " > 1", "nests too deep"),
    ],
)
def test_a_mistake_is_said_in_a_sentence_with_its_place(
    session: Session, where: str, sentence: str
) -> None:
    with pytest.raises(FilterError) as caught:
        found(session, where)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "where",
    [
        "read_csv('/etc/passwd')",
        "1 = (select 1)",
        "exists (select 1 from runs)",
        "auc in (select 1)",
        "auc > any (select 1)",
        "name = getenv('HOME')",
        "name = current_setting('temp_directory')",
        "duckdb_settings() is null",
        "attach 'x.db'",
        "copy runs to 'x.csv'",
        "pragma_version() = 'x'",
        "1 = 1; drop table runs",
        "1 = 1;",
        "auc > 1 -- and so on",
        "auc > /* here */ 1",
        "auc = $1",
        "auc = ?",
        "auc = :x",
        "auc = @x",
        "count(*) > 1",
        "sum(auc) over () > 1",
        "max(auc) > 1",
        "runs.* = 1",
        "columns('a') > 1",
        "cast(auc as varchar) = '1'",
        "auc::json = '1'",
        "try_cast(auc as date) > '2020-01-01'",
        "runs.key = 'x'",
        "sweeps.name = 'x'",
        "key = 'x'",
        "params = 'x'",
        "metrics['auc'] > 1",
        "list_contains(tag, 'x')",
        "case when auc > 1 then true else false end = true",
        "if(auc > 1, true, false)",
        "name ~ 'x'",
        "name similar to 'x'",
        "name like 'x' escape '!'",
        "name = 'x' collate nocase",
        "name = e'x'",
        "name = $$x$$",
        "name = 'a' 'b'",
        "name || 'x' = 'y'",
        "auc is distinct from 1",
        "auc between symmetric 1 and 2",
        "auc > interval 1 day",
        "(lambda x : x) = 1",
        "name = “x”",
        "name = ‘x’",
        "auc > ²",
        "auc\x00 > 1",
        "name = '\ud800'",
        "not " * 400 + "pinned",
        "(" * 10_000,
        "1+" * 900 + "1 > 0",
        "- " * 900 + "1 > 0",
        "abs(" * 300 + "1",
        "[" * 500 + "=",
    ],
)
def test_whatever_is_no_plain_condition_is_refused(session: Session, where: str) -> None:
    with pytest.raises(FilterError):
        found(session, where)


def test_nothing_of_the_users_text_gets_into_the_sql(session: Session) -> None:
    condition = run_filter(
        run_names(session), "name = 'INJECTED' or \"learning rate\" in (12345, 'INJECTED')"
    )
    assert "INJECTED" not in condition.sql
    assert "12345" not in condition.sql
    assert "learning" not in condition.sql
    assert {*condition.values.values()} == {"INJECTED", "/learning rate", 12345.0}


def test_a_long_list_is_no_deep_expression(session: Session) -> None:
    assert found(session, f"number in ({'9,' * 900}1)") == [1]
    assert found(session, " or ".join(["number = 2"] * 120)) == [2]


def test_a_long_sum_is_answered_as_fast_as_a_short_one(session: Session) -> None:
    assert found(session, "+".join(["number"] * 40) + " = 80") == [2]


def test_an_objective_can_be_named_before_anybody_has_reported_it(
    layout: Layout, writer: SpoolWriter
) -> None:
    write_rows(writer, [])
    with Store(layout).session() as session:
        assert page(session, RunQuery(where="auc > 0.9")).total == 0
        with pytest.raises(FilterError):
            page(session, RunQuery(where="loss > 0.9"))


def test_runs_in_the_trash_are_not_there(layout: Layout, writer: SpoolWriter) -> None:
    kept, thrown = writer.new_id(), writer.new_id()
    for run, name in ((kept, "kept"), (thrown, "thrown")):
        writer.append(RunCreated(run, None, None, name, "running", 5.0))
    writer.append(RunChanged(thrown, {"trashed": 9.0}))
    with Store(layout).session() as session:
        everything = page(session, RunQuery())
        assert [run.name for run in everything.runs] == ["kept"]
        assert (everything.total, everything.stored) == (1, 1)
        assert page(session, RunQuery(where="thrown")).total == 0


def test_words_do_without_the_parser() -> None:
    code = "import sys, storage.runs; print('sqlglot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
