"""kill -9 at each step of a promotion, and of saving a model anew: before or after, never between.

A step is a call that changes files or asks the database (tests/e2e/dying.py). CI takes some of them, the first
and the last always; `PROMOTION_KILLS=all pytest tests/e2e/test_promotion_kills.py -s` takes each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.models.bundle import load_bundle
from cockpit.models.keeping import sweep_strays
from cockpit.models.resolving import resolve
from storage import models
from storage.care.check import check
from storage.layout import Layout
from storage.store import Store
from tests.e2e.conftest import clean
from tests.unit.promoted import Lab, lab
from tests.unit.saved_models import people

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
FEW = 5
KILLS = os.environ.get("PROMOTION_KILLS", "6")


class Executioner:
    """Has a job killed at a step."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.dying"],
            cwd=TOP,
            env=clean(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, job: str, folder: Path, step: int) -> int:
        """How many steps there were; 0 where it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{job}\t{folder}\t{step}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0


@pytest.fixture(scope="module")
def kill() -> Iterator[Executioner]:
    found = Executioner()
    yield found
    found.close()


def chosen(steps: int, share: int = 1) -> list[int]:
    """The steps at which to kill; where only some are, one part in `share` of those."""
    if KILLS == "all":
        return list(range(1, steps + 1))
    count = int(KILLS) // share
    return sorted({1 + (steps - 1) * part // (count - 1) for part in range(count)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two runs that saved models; nothing is promoted yet."""
    found = lab(tmp_path_factory.mktemp("killed"))
    (found.folder / "cockpit.toml").write_text("[models.income]\ngates = []\n")
    for name in ("weak", "good"):
        weights = found.folder / name
        weights.write_text(name)
        found.run(name, people(3), files={"weights": weights})
    return found.folder


@pytest.mark.parametrize("before", [0, 1])
def test_killed_at_any_step_a_promotion_has_happened_or_has_not(
    made: Path, tmp_path: Path, kill: Executioner, before: int
) -> None:
    first = tmp_path / "first"
    shutil.copytree(made, first)
    if before:
        Lab(first, Layout(first / ".cockpit")).promote("weak")
    whole = tmp_path / "whole"
    shutil.copytree(first, whole)
    steps = kill("promotion", whole, 0)
    assert steps > 30
    outcomes = []
    for step in chosen(steps, 1 if before else 2):
        folder = tmp_path / f"at-{step}"
        shutil.copytree(first, folder)
        # What threads are there for takes a step more or less: the last may not come.
        assert kill("promotion", folder, step) == 0 or step > steps - FEW, step
        outcomes.append(settled(Layout(folder / ".cockpit"), before))
        shutil.rmtree(folder)
    sys.stdout.write(f"{len(outcomes)} of {steps} steps: {outcomes}\n")
    assert (outcomes[0], outcomes[-1]) == (before, before + 1), "nothing at first, all at last"
    assert outcomes == sorted(outcomes), "once it has happened it stays so"


def settled(layout: Layout, before: int) -> int:
    """The version that is live; all that is told of it is whole, and the next promotion works as ever."""
    with Store(layout).session() as session:
        version = models.live(session, "income", "production")
        live = version.number if version else 0
        if version:
            moves, total = models.history(session, "income")
            assert [one.number for one in moves] == list(range(total, 0, -1))
            assert (moves[0].digest, total) == (version.digest, live)
            assert models.count(session, "income") == live
    if version:
        assert resolve(layout, "income@production").bundle.digest == version.bundle
    report = check(Store(layout))
    assert (report.differences, report.bad_lines) == ((), ())
    here = Lab(layout.project, layout)
    if live == before:
        here.promote("good")
    else:
        sweep_strays(layout.models)
    folders = sorted(one.name for one in layout.models.iterdir())
    assert len(folders) == before + 1, "what was half copied is gone"
    assert not any(name.startswith(".") for name in folders)
    return live


def test_a_folder_that_somebody_writes_is_no_stray(tmp_path: Path) -> None:
    from cockpit.models.keeping import _partial

    with _partial(tmp_path / "abc") as folder:
        (folder / "file").touch()
        assert sweep_strays(tmp_path) == 0
        assert (folder / "file").exists()
        left = tmp_path / ".abc-left"
        left.mkdir()
        (left / "file").touch()
        assert sweep_strays(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_compaction_takes_away_what_a_killed_promotion_left(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    with Store(layout).session():
        pass
    kept = layout.model("sha256:" + 64 * "a")
    for folder in (kept, kept.with_name(f".{kept.name}-left")):
        folder.mkdir(parents=True)
        (folder / "model.onnx").touch()
    done = CliRunner().invoke(cli, ["store", "compact", "--store", str(layout.root)])
    assert done.exit_code == 0, done.output
    assert list(layout.models.iterdir()) == [kept]


def test_killed_while_a_model_is_saved_anew_there_is_the_old_one_or_the_new_one(
    tmp_path: Path, kill: Executioner
) -> None:
    digests: list[bytes] = []
    for text in ("old", "new"):
        first = tmp_path / text
        first.mkdir()
        if digests:
            shutil.copytree(tmp_path / "old" / "model", first / "model")
        (first / "weights").write_text(text)
        steps = kill("saving", first, 0)
        digests.append(load_bundle(first / "model").contents.files["files/weights"])
    assert digests == [b"old", b"new"]
    seen = set()
    for step in chosen(steps):
        folder = tmp_path / f"at-{step}"
        folder.mkdir()
        shutil.copytree(tmp_path / "old" / "model", folder / "model")
        shutil.copyfile(tmp_path / "new" / "weights", folder / "weights")
        assert kill("saving", folder, step) == 0, step
        seen.add(load_bundle(folder / "model").contents.files["files/weights"])
        kill("saving", folder, 0)
        assert sorted(one.name for one in folder.iterdir()) == ["model", "weights"]
    assert seen == {b"old", b"new"}
