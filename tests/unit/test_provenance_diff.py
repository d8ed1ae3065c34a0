"""A changed work tree can be had again: its commit, and the diff that the store keeps."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

import cockpit.sweep.provenance.git as repository
from cockpit.sweep.provenance import DiffNotKept, diff_path, git_state
from tests.unit.repositories import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.provenance import Diff
    from storage.layout import Layout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "train.py").write_text("one = 1\ntwo = 2\n")
    (folder / "src/model.py").write_text("depth = 3\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "old.py").write_text("gone = True\n")
    commit_all(folder)
    return folder


def kept(folder: Path, layout: Layout) -> Diff:
    found = git_state(folder, layout)
    assert found is not None
    assert found.diff is not None
    return found.diff


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mode & stat.S_IXUSR) for p in files
    }


def change_all_sorts(folder: Path) -> None:
    (folder / "train.py").write_text("two = 2\nthree = 3\n")
    (folder / "src/model.py").write_text("depth = 3")
    (folder / "weights.bin").write_bytes(bytes(reversed(range(256))))
    (folder / "old.py").unlink()
    (folder / "train.py").chmod(0o755)
    (folder / "staged näme.py").write_text("staged = 1\r\n")
    git(folder, "add", "staged näme.py")
    (folder / "meant.py").write_text("meant = 1\n")
    git(folder, "add", "--intent-to-add", "meant.py")


def again(folder: Path, patch: Path, clean: Path) -> Path:
    git(folder, "worktree", "add", "--detach", str(clean), "HEAD")
    git(clean, "apply", str(patch))
    return clean


def test_the_diff_on_a_clean_checkout_gives_the_tree_back(
    folder: Path, layout: Layout, tmp_path: Path
) -> None:
    change_all_sorts(folder)
    diff = kept(folder, layout)
    patch = diff_path(layout, diff.digest)
    assert (patch.stat().st_size, diff.truncated) == (diff.bytes, False)
    assert contents(again(folder, patch, tmp_path / "clean")) == contents(folder)


@pytest.mark.parametrize(
    "setting",
    ["diff.noprefix=true", "diff.mnemonicPrefix=true", "color.ui=always", "diff.relative=true",
     "diff.external=false", "diff.submodule=log", "diff.renames=copies", "status.relativePaths=true",
     "core.quotePath=false", "status.showUntrackedFiles=no", "diff.ignoreSubmodules=all",
     "diff.context=0"],
)  # fmt: skip
def test_no_setting_of_the_users_spoils_it(
    folder: Path, layout: Layout, tmp_path: Path, setting: str
) -> None:
    change_all_sorts(folder)
    git(folder, "config", *setting.split("="))
    (folder / "new.py").touch()
    found = git_state(folder / "src", layout)
    assert found is not None
    assert found.diff is not None
    assert found.untracked == ("new.py",)
    (folder / "new.py").unlink()
    clean = again(folder, diff_path(layout, found.diff.digest), tmp_path / "clean")
    assert contents(clean) == contents(folder)


def test_no_variable_of_the_users_spoils_it(
    folder: Path, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_all_sorts(folder)
    with monkeypatch.context() as patched:
        patched.setenv("GIT_DIFF_OPTS", "-u0")
        patched.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "nowhere"))
        diff = kept(folder, layout)
    clean = again(folder, diff_path(layout, diff.digest), tmp_path / "clean")
    assert contents(clean) == contents(folder)


def test_it_is_kept_once_for_each_content(folder: Path, layout: Layout) -> None:
    (folder / "train.py").write_text("one = 2\n")
    first = kept(folder, layout)
    assert kept(folder, layout) == first
    (folder / "train.py").write_text("one = 3\n")
    assert kept(folder, layout) != first
    assert len(list(layout.diffs.iterdir())) == 2


def test_a_clean_tree_and_new_files_alone_have_no_diff(folder: Path, layout: Layout) -> None:
    (folder / "new.py").write_text("")
    found = git_state(folder, layout)
    assert found is not None
    assert (found.dirty, found.untracked, found.diff) == (True, ("new.py",), None)
    assert not layout.diffs.exists()


def test_before_the_first_commit_there_is_nothing_to_differ_from(
    tmp_path: Path, layout: Layout
) -> None:
    git(tmp_path, "init")
    (tmp_path / "train.py").touch()
    git(tmp_path, "add", "train.py")
    found = git_state(tmp_path, layout)
    assert found is not None
    assert (found.changed, found.diff) == (("train.py",), None)


def test_a_large_diff_is_cut_between_two_files_and_says_so(
    folder: Path, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "DIFF_BYTES", 2000)
    (folder / "src/model.py").write_text("depth = 4\n")
    (folder / "train.py").write_text("".join(f"line{n} = {n}\n" for n in range(1000)))
    diff = kept(folder, layout)
    assert (diff.truncated, diff.cap) == (True, 2000)
    assert 0 < diff.bytes <= 2000
    clean = again(folder, diff_path(layout, diff.digest), tmp_path / "clean")
    assert (clean / "src/model.py").read_text() == "depth = 4\n"
    assert (clean / "train.py").read_text() == "one = 1\ntwo = 2\n"


def test_one_file_too_large_to_keep_leaves_no_patch(
    folder: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "DIFF_BYTES", 100)
    (folder / "weights.bin").write_bytes(os.urandom(100_000))
    diff = kept(folder, layout)
    assert (diff.bytes, diff.truncated) == (0, True)
    assert not layout.diffs.exists()


def test_a_git_that_takes_too_long_leaves_no_diff_and_no_half_of_one(
    folder: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "train.py").write_text("one = 2\n")
    (folder / ".gitattributes").write_text("train.py filter=slow\n")
    git(folder, "config", "filter.slow.clean", "sleep 60")
    monkeypatch.setattr(repository, "GIT_SECONDS", 0.2)
    assert repository._diff(folder) is None
    assert not layout.diffs.exists()


def test_a_store_without_room_is_said_in_a_sentence(folder: Path, layout: Layout) -> None:
    (folder / "train.py").write_text("one = 2\n")
    layout.diffs.parent.mkdir()
    layout.diffs.write_text("a file in its place")
    with pytest.raises(DiffNotKept, match=r"changes since the last commit cannot be kept in .*: "):
        git_state(folder, layout)
