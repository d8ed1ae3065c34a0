"""Whether a logout would end a detached sweep is known before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.sweep.linger import advice, ends_at_logout

if TYPE_CHECKING:
    from pathlib import Path

ETC, RUN, USR = "etc/systemd", "run/systemd", "usr/lib/systemd"
YES, NO = "[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine that systemd started, where we sit in a session."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    write(tmp_path, "proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n")
    return tmp_path


def write(root: Path, name: str, text: str = "") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.parametrize(
    "files, ends",
    [
        pytest.param({}, False, id="no file at all"),
        pytest.param({f"{ETC}/logind.conf": YES}, True, id="yes"),
        pytest.param({f"{ETC}/logind.conf": NO}, False, id="no"),
        pytest.param({f"{ETC}/logind.conf": YES.replace("yes", "1")}, True, id="1"),
        pytest.param({f"{ETC}/logind.conf": " KillUserProcesses = True \n"}, True, id="spaces"),
        pytest.param(
            {f"{ETC}/logind.conf": "#KillUserProcesses=yes\n"}, True, id="as it was built, in a comment"
        ),
        pytest.param(
            {f"{ETC}/logind.conf": f"{NO}#KillUserProcesses=yes\n"}, False, id="set against what was built"
        ),
        pytest.param({f"{USR}/logind.conf": YES, f"{ETC}/logind.conf": NO}, False, id="etc first"),
        pytest.param(
            {f"{ETC}/logind.conf": NO, f"{ETC}/logind.conf.d/kill.conf": YES}, True, id="drop-in"
        ),
        pytest.param(
            {f"{RUN}/logind.conf.d/a.conf": YES, f"{ETC}/logind.conf.d/b.conf": NO}, False, id="last name wins"
        ),
        pytest.param(
            {f"{RUN}/logind.conf.d/b.conf": YES, f"{ETC}/logind.conf.d/a.conf": NO}, True, id="by name, not by place"
        ),
        pytest.param(
            {f"{USR}/logind.conf.d/a.conf": YES, f"{ETC}/logind.conf.d/a.conf": NO}, False, id="one name, two places"
        ),
        pytest.param(
            {f"{ETC}/logind.conf": YES + "KillExcludeUsers=root ada\n"}, False, id="spared"
        ),
        pytest.param({f"{ETC}/logind.conf": YES + "KillOnlyUsers=bob\n"}, False, id="others only"),
        pytest.param({f"{ETC}/logind.conf": YES + "KillOnlyUsers=bob ada\n"}, True, id="us only"),
        pytest.param({f"{ETC}/logind.conf": YES, "var/lib/systemd/linger/ada": ""}, False, id="lingers"),
        pytest.param({f"{ETC}/logind.conf": YES, "var/lib/systemd/linger/bob": ""}, True, id="another lingers"),
        pytest.param(
            {f"{ETC}/logind.conf": YES, "proc/self/cgroup": "0::/system.slice/cron.service\n"},
            False, id="no session",
        ),
    ],
)  # fmt: skip
def test_what_a_logout_does(root: Path, files: dict[str, str], ends: bool) -> None:
    for name, text in files.items():
        write(root, name, text)
    assert ends_at_logout("ada", root) is ends


def test_root_is_spared_as_logind_does(root: Path) -> None:
    write(root, f"{ETC}/logind.conf", YES)
    assert not ends_at_logout("root", root)


def test_without_systemd_nothing_is_killed(tmp_path: Path) -> None:
    write(tmp_path, f"{ETC}/logind.conf", YES)
    assert not ends_at_logout("ada", tmp_path)


def test_the_sentence_says_what_to_do(root: Path) -> None:
    assert advice("ada", root) is None
    write(root, f"{ETC}/logind.conf", YES)
    said = advice("ada", root)
    assert said is not None
    assert "ada" in said
    assert said.endswith("loginctl enable-linger")


def test_this_very_machine_can_be_asked() -> None:
    assert advice() is None or "enable-linger" in str(advice())
