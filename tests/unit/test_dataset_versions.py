"""A dataset's version is its content: registered once, kept whole, opened as what it was or not at all."""

from __future__ import annotations

import gzip
import os
import stat
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from blake3 import blake3

import cockpit.data.keeping as keeping
import cockpit.data.versions as versioning
from cockpit.data.columns import from_facts
from cockpit.data.files import DataError, DataGone, content_of
from cockpit.data.reading import reading, scan, whole_types
from cockpit.data.versions import located, looked_at, newest, open_version, register
from cockpit.project.reading import load_project
from cockpit.sweep.evaluations import with_evaluations, with_versions
from cockpit.sweep.provenance import collect, datasets
from cockpit.sweep.provenance.data import Hashes
from cockpit.sweep.spec import SpecInvalid, load_spec
from storage.annotate import say
from storage.datasets import find, versions
from storage.events import DatasetGrown, DatasetSeen
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

ROWS = pl.DataFrame(
    {"id": [1, 2, 3], "age": [20, 30, None], "sex": ["a", "b", "a"], "income": ["hi", "lo", "lo"]}
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    ROWS.write_parquet(path)
    return path


def all_versions(layout: Layout, name: str | None = None) -> tuple[Version, ...]:
    with Store(layout).session() as session:
        return versions(session, name)


def test_a_content_is_registered_once_with_what_is_true_of_it(layout: Layout, rows: Path) -> None:
    done = register(layout, "train", rows, key=["id"], target="income", positive="hi")
    version = done.version
    assert done.new
    assert (version.label, version.rows, version.path) == ("train@v1", 3, str(rows))
    assert version.digest == f"blake3:{blake3(rows.read_bytes()).hexdigest()}"
    facts = dict(version.facts)
    columns = from_facts(facts)
    assert [(each.name, each.type, each.nulls) for each in columns] == [
        ("id", "int", 0), ("age", "int", 1), ("sex", "text", 0), ("income", "text", 0),
    ]  # fmt: skip
    facts.pop("columns")
    assert facts == {
        "rows": 3, "bytes": rows.stat().st_size, "format": "parquet", "files": ["rows.parquet"],
        "key": ["id"], "duplicates": 0, "target": "income", "positive": "hi",
    }  # fmt: skip
    again = register(layout, "train", rows)
    assert (again.new, again.version) == (False, version)
    assert not list(layout.root.glob("datasets/*"))


def test_a_change_makes_the_next_version_and_going_back_none(layout: Layout, rows: Path) -> None:
    before = rows.read_bytes()
    register(layout, "train", rows)
    ROWS.head(2).write_parquet(rows)
    assert register(layout, "train", rows).version.label == "train@v2"
    rows.write_bytes(before)
    done = register(layout, "train", rows)
    assert (done.new, done.version.label) == (False, "train@v1")


def test_what_is_known_of_a_content_is_not_looked_for_again(
    layout: Layout, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(layout, "train", rows, key=["id"])
    monkeypatch.setattr(versioning, "profile", None)
    assert register(layout, "other", rows).version.facts["key"] == ["id"]
    changed = register(layout, "train", rows, key=["sex"], target="income").version.facts
    assert (changed["key"], changed["duplicates"], changed["target"]) == (["sex"], 1, "income")
    assert all_versions(layout, "other")[0].facts == changed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": ["idd"]}, 'has no column "idd", which is to be its key; did you mean "id"?'),
        ({"target": "x"}, 'has no column "x", which is to be its target; known: id, age, sex'),
        ({"positive": "hi"}, 'positive = "hi" needs a target'),
        (
            {"target": "income", "positive": "HI"},
            'has income = "HI"; its labels are "lo", "hi"',
        ),
        ({"name": "a@v1"}, "cannot be the name of a dataset"),
        ({"name": "../x"}, "cannot be the name of a dataset"),
        ({"path": "nothing.csv"}, "nothing.csv was not found"),
        ({"path": "*.csv"}, "no file answers to"),
        ({"path": "."}, "is a folder; name its files"),
        ({"path": __file__}, "cannot be told from its name; known: .parquet"),
    ],
)
def test_what_cannot_be_registered_is_said_in_words(
    layout: Layout, rows: Path, options: dict[str, Any], said: str
) -> None:
    given: dict[str, Any] = {"name": "train", "path": rows} | options
    with pytest.raises(DataError) as caught:
        register(layout, **given)
    assert said in str(caught.value)
    if layout.exists():
        assert all_versions(layout) == ()


def test_a_version_is_opened_where_it_lies_unless_it_is_another_content_by_now(
    layout: Layout, rows: Path
) -> None:
    version = register(layout, "train", rows).version
    assert open_version(layout, version).collect().equals(ROWS)
    ROWS.head(1).write_parquet(rows)
    with pytest.raises(DataGone, match=r"train@v1 is not kept, and .* holds another content now"):
        open_version(layout, version)
    rows.unlink()
    with pytest.raises(DataGone, match=r"nothing lies at .*rows\.parquet any more"):
        open_version(layout, version)


def test_a_kept_version_stays_whatever_becomes_of_the_file(layout: Layout, rows: Path) -> None:
    version = register(layout, "train", rows, keep=True).version
    (kept,) = layout.root.glob("datasets/*")
    assert kept.read_bytes() == rows.read_bytes()
    assert not stat.S_IMODE(kept.stat().st_mode) & 0o222
    rows.unlink()
    assert open_version(layout, version).collect().equals(ROWS)
    assert located(layout, version) == str(kept)


def test_a_copy_that_was_tampered_with_is_not_taken_for_the_version(
    layout: Layout, rows: Path
) -> None:
    version = register(layout, "train", rows, keep=True).version
    (kept,) = layout.root.glob("datasets/*")
    kept.chmod(0o644)
    ROWS.head(1).write_parquet(kept)
    assert located(layout, version) == str(rows)
    rows.unlink()
    with pytest.raises(DataGone):
        open_version(layout, version)


def test_a_copy_is_whole_or_not_there(
    layout: Layout, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot be kept in .*: No space left on device"):
            register(layout, "train", rows, keep=True)
    content = content_of(rows, Hashes(None))
    ROWS.head(1).write_parquet(rows)
    with pytest.raises(DataError, match="was changed while it was copied"):
        keeping.keep_copy(layout, content)
    assert not list(layout.root.glob("datasets/*"))
    assert not list(layout.root.glob("datasets/.*"))


def test_half_a_copy_of_one_who_was_killed_goes_once_nobody_writes_to_it(
    layout: Layout, rows: Path
) -> None:
    folder = layout.dataset("blake3:ab", "").parent
    folder.mkdir(parents=True)
    old, fresh = folder / ".cd.parquet-1234abcd", folder / ".ef.parquet-1234abcd"
    for half in (old, fresh):
        half.write_bytes(b"half")
    os.utime(old, (1.0, 1.0))
    register(layout, "train", rows, keep=True)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_file_that_changes_while_it_is_read_is_no_version(
    layout: Layout, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = versioning.profile

    def changing(*args: Any) -> Any:
        found = read(*args)
        ROWS.head(1).write_parquet(rows)
        return found

    monkeypatch.setattr(versioning, "profile", changing)
    with pytest.raises(DataError, match="was changed while it was read; try again"):
        register(layout, "train", rows)
    assert not all_versions(layout)


def test_several_files_are_one_dataset_wherever_their_folder_lies(
    layout: Layout, tmp_path: Path
) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder / "a").mkdir(parents=True)
        ROWS.head(1).write_parquet(tmp_path / folder / "a" / "1.parquet")
        ROWS.tail(2).write_parquet(tmp_path / folder / "a" / "2.parquet")
    version = register(layout, "parts", tmp_path / "here/*/*.parquet", keep=True).version
    assert version.facts["files"] == ["a/1.parquet", "a/2.parquet"]
    assert version.rows == 3
    same = register(layout, "parts", str(tmp_path / "there/*/*.parquet"))
    assert (same.new, same.version.digest) == (False, version.digest)
    for folder in ("here", "there"):
        for file in (tmp_path / folder / "a").iterdir():
            file.unlink()
    assert open_version(layout, version).collect().equals(ROWS)
    assert located(layout, version).startswith(str(layout.root))
    (tmp_path / "here/a/3.parquet").write_bytes(b"")
    assert open_version(layout, version).collect().equals(ROWS)


def test_a_file_renamed_among_several_is_another_content(layout: Layout, tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "1.parquet")
    first = register(layout, "parts", tmp_path / "*.parquet").version
    (tmp_path / "1.parquet").rename(tmp_path / "2.parquet")
    assert register(layout, "parts", tmp_path / "*.parquet").version.digest != first.digest


@pytest.mark.parametrize(
    "name", ["r.csv", "r.tsv", "r.csv.gz", "r.ndjson", "r.jsonl", "r[1].csv", "r*.ndjson"]
)
def test_text_files_are_tables_too(layout: Layout, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    plain = tmp_path / "plain"
    if name.endswith(("json", "jsonl")):
        ROWS.write_ndjson(plain)
    else:
        ROWS.write_csv(plain, separator="\t" if "tsv" in name else ",")
    content = plain.read_bytes()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    version = register(layout, "text", path, keep=True).version
    path.unlink()
    assert open_version(layout, version).collect().equals(ROWS)


def test_types_are_those_of_all_values_not_of_the_first(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    lines = ["a,b,c,d,e", *["1,true,2026-01-01,x,2026-01-01 10:00:00"] * 12_000]
    path.write_text("\n".join([*lines, "1.5,no,2026-01-02T03:00:00,y,", ""]))
    with pytest.raises(DataError, match=r"in column \w is not of type"), reading(path):
        scan(path).collect()
    assert list(whole_types(path).values())[:2] == ["Float64", "String"]
    version = register(layout, "late", path).version
    last = open_version(layout, version).collect().row(-1)
    assert (last[0], last[1], str(last[2]), last[4]) == (1.5, "no", "2026-01-02 03:00:00", None)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "ä\nö\n".encode("latin-1"), "is not UTF-8 text"),
        ("x.csv", b"", "empty CSV"),
        ("x.csv", "a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
        ("x.csv", b"caf\xe9,b\n1,2\n", "is not UTF-8 text"),
        ("x.csv", b"a,b\n1,2\n1,2,3\n", "a row has more values than there are columns"),
        ("x.parquet", b"nonsense", "cannot be read"),
        ("x.ndjson", b'{"a": 1}\n{"a"', "cannot be read"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    layout: Layout, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        register(layout, "broken", tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_files_of_different_columns_or_kinds_are_no_dataset(layout: Layout, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"b": [1]}).write_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataError, match="do not have the same columns"):
        register(layout, "x", tmp_path / "*.parquet")
    pl.DataFrame({"a": [1]}).write_csv(tmp_path / "3.csv")
    with pytest.raises(DataError, match="files of csv and parquet"):
        register(layout, "x", tmp_path / "[13].*")


def test_what_a_sweep_merely_used_is_looked_at_when_somebody_asks(
    layout: Layout, rows: Path
) -> None:
    layout.create()
    content = content_of(rows, Hashes(None))
    with Store(layout).session() as session:
        say(session, [DatasetSeen(content.digest, "train", str(rows), content.bytes, 1.0)])
        version = find(session, "train")
    assert version.facts == {}
    assert looked_at(layout, version).rows == 3
    assert all_versions(layout)[0].rows == 3


@pytest.fixture
def project(tmp_path: Path, rows: Path) -> Project:
    (tmp_path / "cockpit.toml").write_text(
        '[data.eval]\npath = "rows.parquet"\nkey = ["id"]\nevaluation = true\n'
    )
    return load_project(tmp_path)


def grow(layout: Layout, parent: Version) -> Version:
    """As `cockpit eval grow` does: a file in the store, and what it grew from."""
    layout.temporary.mkdir(exist_ok=True)
    path = layout.temporary / "grown.parquet"
    pl.concat([ROWS, ROWS.with_columns(pl.col("id") + 10)]).write_parquet(path)
    grown = register(layout, parent.name, path, keep=True).version
    with Store(layout).session() as session:
        say(session, [DatasetGrown("eval", grown.digest, parent.digest, "w", None, 3, None, 2.0)])
    path.unlink()
    return grown


def test_the_newest_version_of_an_evaluation_set_counts(
    layout: Layout, project: Project, rows: Path
) -> None:
    layout.create()
    first = newest(layout, project, "eval")
    assert (first.label, first.facts["key"]) == ("eval@v1", ["id"])
    assert located(layout, first).startswith(str(layout.root))
    assert newest(layout, project, "eval") == first
    grown = grow(layout, first)
    assert newest(layout, project, "eval").label == grown.label == "eval@v2"
    ROWS.head(2).write_parquet(rows)
    assert newest(layout, project, "eval").label == "eval@v3"
    rows.unlink()
    assert newest(layout, project, "eval").label == "eval@v3"


def test_an_evaluation_set_that_was_only_seen_is_kept_now(
    layout: Layout, project: Project, rows: Path
) -> None:
    seen = register(layout, "eval", rows).version
    assert located(layout, seen) == str(rows)
    found = newest(layout, project, "eval")
    assert found.digest == seen.digest
    assert located(layout, found).startswith(str(layout.root))
    assert found.facts["key"] == ["id"]


def test_an_evaluation_set_that_is_nowhere_is_an_error(
    layout: Layout, project: Project, rows: Path
) -> None:
    layout.create()
    rows.unlink()
    with pytest.raises(DataError, match="was not found"):
        newest(layout, project, "eval")


def spec_of(folder: Path, data: str = "", run: str = 'function = "train.py:train"') -> Path:
    (folder / "train.py").write_text("def train(trial): ...\n")
    path = folder / "sweep.toml"
    path.write_text(f'[sweep]\nname = "s"\n[run]\n{run}\n[data]\n{data}\n')
    return path


def test_the_evaluation_sets_of_a_project_are_data_of_its_sweeps(
    layout: Layout, project: Project, rows: Path
) -> None:
    layout.create()
    spec, (version,) = with_evaluations(load_spec(spec_of(project.folder)), layout)
    assert (version.label, version.rows) == ("eval@v1", 3)
    assert str(spec.data["eval"]) == located(layout, version)
    provenance = collect(spec, {}, layout=layout)
    assert provenance.data["eval"].digest == version.digest
    assert datasets(provenance, spec.kept) == []
    grow(layout, version)
    spec, (version,) = with_evaluations(load_spec(spec_of(project.folder)), layout)
    assert version.label == "eval@v2"
    assert pl.read_parquet(spec.data["eval"]).height == 6


@pytest.mark.parametrize("data", ['eval = "eval@v1"', 'old = "eval@v1"', 'eval = "rows.parquet"'])
def test_a_spec_may_say_which_version_of_an_evaluation_set_it_means(
    layout: Layout, project: Project, data: str
) -> None:
    layout.create()
    grow(layout, newest(layout, project, "eval"))
    spec = load_spec(spec_of(project.folder, data))
    spec, (version,) = with_evaluations(with_versions(spec, layout), layout)
    assert version.label == "eval@v1"
    assert {pl.read_parquet(path).height for path in spec.data.values()} == {3}
    assert "eval" in spec.data


def test_a_registered_version_is_data_of_a_command(layout: Layout, rows: Path) -> None:
    version = register(layout, "train", rows, keep=True).version
    run = 'command = ["python", "train.py", "--rows={data:rows}", "{{x}}"]'
    spec = load_spec(spec_of(rows.parent, 'rows = "train@v1"', run))
    assert (spec.data, spec.versions) == ({}, {"rows": "train@v1"})
    ready = with_versions(spec, layout)
    assert ready.run.command is not None
    assert ready.run.command[2:] == (f"--rows={located(layout, version)}", "{{x}}")
    provenance = collect(ready, {}, layout=layout)
    assert provenance.data["rows"].digest == version.digest
    assert datasets(provenance, ready.kept) == []


def test_a_file_of_that_name_goes_before_a_version(layout: Layout, rows: Path) -> None:
    rows.rename(rows.with_name("train@v1"))
    spec = load_spec(spec_of(rows.parent, 'rows = "train@v1"'))
    assert spec.data == {"rows": rows.with_name("train@v1")}


def test_a_version_that_is_not_there_is_said_with_its_line(layout: Layout, rows: Path) -> None:
    register(layout, "train", rows)
    with pytest.raises(SpecInvalid, match=r"line 6: \[data\] rows: there is no 'train@v2'"):
        with_versions(load_spec(spec_of(rows.parent, 'rows = "train@v2"')), layout)
    rows.unlink()
    with pytest.raises(SpecInvalid, match=r"line 6: \[data\] rows: the content of train@v1 is not"):
        with_versions(load_spec(spec_of(rows.parent, 'rows = "train@v1"')), layout)


def test_a_project_without_evaluation_sets_costs_a_sweep_nothing(
    layout: Layout, rows: Path
) -> None:
    spec = load_spec(spec_of(rows.parent, 'rows = "rows.parquet"'))
    assert with_evaluations(with_versions(spec, layout), layout) == (spec, ())
    assert not layout.exists()
