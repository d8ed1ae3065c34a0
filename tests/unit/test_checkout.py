"""A run's commit is had in a folder of its own, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import tempfile
from typing import TYPE_CHECKING

import pytest

from cockpit.sweep.provenance import diff_path, git_state
from cockpit.sweep.rerun.checkout import CheckoutFailed, checked_out, submodules
from tests.unit.repositories import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository whose project lies in a folder of it, beside a folder of data."""
    top = tmp_path / "home" / "repository"
    (top / "project").mkdir(parents=True)
    (top / "project/train.py").write_text("one = 1\n")
    (top / "project/rows.csv").write_text("tracked\n")
    (tmp_path / "home/data").mkdir()
    (tmp_path / "home/data/rows.csv").write_text("beside\n")
    commit_all(top)
    return top


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def nothing_left(top: Path, scratch: Path) -> bool:
    return not any(scratch.iterdir()) and git(top, "worktree", "list").count("\n") == 0


def test_the_commit_is_there_whatever_became_of_the_folder(top: Path, scratch: Path) -> None:
    (top / "project/train.py").write_text("two = 2\n")
    with checked_out(top / "project", "HEAD", None) as mirror:
        assert (mirror.folder / "train.py").read_text() == "one = 1\n"
        assert mirror.folder.name == "project"
    assert (top / "project/train.py").read_text() == "two = 2\n"
    assert nothing_left(top, scratch)


def test_the_diff_goes_onto_it(top: Path, layout: Layout) -> None:
    (top / "project/train.py").write_text("two = 2\n")
    found = git_state(top / "project", layout)
    assert found is not None
    assert found.diff is not None
    git(top, "checkout", ".")
    with checked_out(top / "project", "HEAD", diff_path(layout, found.diff.digest)) as mirror:
        assert (mirror.folder / "train.py").read_text() == "two = 2\n"


def test_data_is_found_where_the_project_looks_for_it(top: Path, tmp_path: Path) -> None:
    (top / "project/ignored.csv").write_text("ignored\n")
    beside = top / "project/../../data/rows.csv"
    with checked_out(top / "project", "HEAD", None) as mirror:
        mirror.link(top / "project/ignored.csv")
        mirror.link(beside)
        assert (mirror.folder / "ignored.csv").read_text() == "ignored\n"
        assert (mirror.folder / "../../data/rows.csv").read_text() == "beside\n"
        mirror.link(tmp_path / "elsewhere")
    assert (top / "project/ignored.csv").read_text() == "ignored\n"
    assert beside.read_text() == "beside\n"


def test_a_link_to_the_data_in_the_repository_is_left_alone(top: Path, tmp_path: Path) -> None:
    (top / "project/data").symlink_to(tmp_path / "home/data")
    git(top, "add", ".")
    git(top, "commit", "-m", "a link")
    path = top / "project/data/rows.csv"
    with checked_out(top / "project", "HEAD", None) as mirror:
        mirror.link(path)
        assert (mirror.folder / "data/rows.csv").read_text() == "beside\n"
    assert path.read_text() == "beside\n"
    assert not path.is_symlink()


def test_the_users_hooks_do_not_run(top: Path, tmp_path: Path) -> None:
    hook = top / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    with checked_out(top / "project", "HEAD", None):
        pass
    assert not (tmp_path / "hooked").exists()


def test_a_repository_within_is_known_to_be_missing(top: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.py").write_text("depth = 3\n")
    commit_all(other)
    place = ("submodule", "add", str(other), "project/their lib")
    git(top, "-c", "protocol.file.allow=always", *place)
    git(top, "commit", "-m", "with a submodule")
    assert submodules(top / "project") == []
    with checked_out(top / "project", "HEAD", None) as mirror:
        assert submodules(mirror.folder) == ["their lib"]


def test_what_fails_leaves_nothing(top: Path, scratch: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.patch"
    bad.write_text("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
    with (
        pytest.raises(CheckoutFailed, match="does not go onto its commit"),
        checked_out(top / "project", "HEAD", bad),
    ):
        pass
    with (
        pytest.raises(CheckoutFailed, match=r"the commit 000000000000 is not in .* --here runs"),
        checked_out(top / "project", "0" * 40, None),
    ):
        pass
    with (
        pytest.raises(CheckoutFailed, match="no git repository"),
        checked_out(scratch, "HEAD", None),
    ):
        pass
    assert nothing_left(top, scratch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(top: Path, scratch: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), checked_out(top / "project", "HEAD", None):
        os.kill(os.getpid(), number)
    assert nothing_left(top, scratch)
    assert signal.getsignal(number) is before
