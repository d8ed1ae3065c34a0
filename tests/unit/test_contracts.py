"""Which data a contract belongs to, and which of a sweep's data are checked before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from cockpit.data.contracts import (
    ContractBroken,
    NoContract,
    check_before,
    find_data,
    with_contract,
)
from cockpit.data.files import DataError
from cockpit.data.versions import register
from cockpit.project.reading import load_project
from cockpit.sweep.spec import load_specs
from storage.datasets import DatasetNotFound, versions
from storage.layout import Layout
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec

SPEC = """
[sweep]
metric = "auc"
direction = "maximize"
trials = 1
[run]
function = "train.py:train"
[params.x]
type = "float"
low = 0
high = 1
"""
CONTRACT = """
[data.{name}]
path = "{path}"
evaluation = {evaluation}
[data.{name}.contract]
check = "{check}"
columns.x = {{ max = 5 }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tables that break what they are to keep."""
    (tmp_path / "train.py").write_text("def train(trial):\n    return {}\n", encoding="utf-8")
    for name in ("a", "b"):
        pl.DataFrame({"x": [1, 9]}).write_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def contracts(folder: Path, **checks: str) -> None:
    texts = [
        CONTRACT.format(name=name, path=f"{name[-1]}.parquet", evaluation="false", check=check)
        for name, check in checks.items()
    ]
    (folder / "cockpit.toml").write_text("".join(texts), encoding="utf-8")


def sweep(folder: Path, **data: str) -> list[Spec]:
    named = "".join(f'{name} = "{path}"\n' for name, path in data.items())
    path = folder / "sweep.toml"
    path.write_text(f"{SPEC}\n[data]\n{named}", encoding="utf-8")
    return list(load_specs(path))


def test_data_are_known_by_name_and_by_path(folder: Path, layout: Layout) -> None:
    contracts(folder, a="warn", b="warn")
    warnings = check_before(sweep(folder, a="b.parquet", other="b.parquet"), layout)
    assert [line for line in warnings if "breaks" in line] == [
        "a breaks its contract: 1 of 2 rules, over 2 rows",
        "other breaks its contract: 1 of 2 rules, over 2 rows",
    ]
    assert warnings[1] == "  x: at most 5: 1 of 2 rows break it, as row 2 (x 9)"


def test_the_worst_word_counts_and_all_of_it_is_said(folder: Path, layout: Layout) -> None:
    contracts(folder, a="warn", b="stop")
    with pytest.raises(ContractBroken) as caught:
        check_before(sweep(folder, a="a.parquet", b="b.parquet"), layout)
    assert "a breaks" in str(caught.value)
    assert "b breaks" in str(caught.value)
    assert str(caught.value).endswith("nothing was started")
    contracts(folder, a="off", b="off")
    assert check_before(sweep(folder, a="a.parquet", b="b.parquet"), layout) == ()


def test_several_sweeps_on_the_same_data_say_it_once(folder: Path, layout: Layout) -> None:
    contracts(folder, a="warn")
    specs = sweep(folder, a="a.parquet")
    assert len(check_before([*specs, *specs], layout)) == 2


def test_data_without_a_contract_are_nobodys_business(folder: Path, layout: Layout) -> None:
    contracts(folder, a="stop")
    assert check_before(sweep(folder, b="b.parquet"), layout) == ()


def test_evaluation_sets_are_part_of_every_sweep(folder: Path, layout: Layout) -> None:
    text = CONTRACT.format(name="test", path="a.parquet", evaluation="true", check="stop")
    (folder / "cockpit.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ContractBroken, match="test breaks"):
        check_before(sweep(folder, b="b.parquet"), layout)


def test_an_evaluation_set_is_checked_in_the_version_that_runs_are_scored_on(folder: Path) -> None:
    layout = Layout(folder / ".cockpit")
    text = CONTRACT.format(name="test", path="a.parquet", evaluation="true", check="stop")
    (folder / "cockpit.toml").write_text(text, encoding="utf-8")
    pl.DataFrame({"x": [1]}).write_parquet(folder / "a.parquet")
    register(layout, "test", folder / "a.parquet", keep=True)
    specs = sweep(folder, b="b.parquet")
    assert check_before(specs, layout) == ()
    pl.DataFrame({"x": [1, 2, 7]}).write_parquet(folder / "grown.parquet")
    register(layout, "test", folder / "grown.parquet", keep=True)
    with pytest.raises(ContractBroken, match="test@v2 breaks its contract: 1 of 2 rules, over 3"):
        check_before(specs, layout)
    pl.DataFrame({"x": [5]}).write_parquet(folder / "a.parquet")
    assert check_before(specs, layout) == (), "a new file at its path is what a start would take"
    with Store(layout).session() as session:
        assert len(versions(session, "test")) == 2, "and nobody has registered it by looking"
    (folder / "a.parquet").unlink()
    with pytest.raises(ContractBroken, match="test@v2 breaks"):
        check_before(specs, layout)
    assert check_before(sweep(folder, mine="test@v1"), layout) == (), "the spec names another"


def test_a_pattern_of_the_spec_is_checked_over_all_of_its_files(
    folder: Path, layout: Layout
) -> None:
    (folder / "parts").mkdir()
    for part, values in enumerate(([1, 2], [3, 8], [9])):
        pl.DataFrame({"x": values}).write_parquet(folder / "parts" / f"part-{part}.parquet")
    contracts(folder, a="warn")
    warnings = check_before(sweep(folder, a="parts/part-*.parquet"), layout)
    assert warnings[:2] == (
        "a breaks its contract: 1 of 2 rules, over 5 rows",
        "  x: at most 5: 2 of 5 rows break it, as row 4 (x 8)",
    )


def test_a_registered_version_is_checked_by_its_datasets_contract(folder: Path) -> None:
    layout = Layout(folder / ".cockpit")
    contracts(folder, a="stop")
    register(layout, "a", folder / "a.parquet", keep=True)
    pl.DataFrame({"x": [1]}).write_parquet(folder / "a.parquet")
    register(layout, "a", folder / "a.parquet", keep=True)
    assert check_before(sweep(folder, train="a@v2"), layout) == ()
    with pytest.raises(ContractBroken, match="a@v1 breaks"):
        check_before(sweep(folder, train="a@v1"), layout)


def test_what_a_text_means(folder: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    contracts(folder, a="stop")
    project = load_project(folder)
    by_name, by_path = (find_data(layout, project, text) for text in ("a", "./a.parquet"))
    assert by_name.table == by_path.table == project.data["a"]
    assert by_path.name == "a"
    other = find_data(layout, project, "*.parquet")
    assert other.name is None
    with pytest.raises(NoContract, match="has no contract"):
        with_contract(other, None)
    with pytest.raises(DataError, match="no file answers"):
        find_data(layout, project, "*.csv")
    with pytest.raises(DataError, match="no store that knows"):
        find_data(layout, project, "c")
    register(layout, "c", folder / "b.parquet")
    assert find_data(layout, project, "c").label == "c@v1"
    with pytest.raises(DatasetNotFound):
        find_data(layout, project, "d")
