"""Over a real sshd: launch, lose the line, log in again, watch, stop, compare, quit."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import COCKPIT, SLOW, Project, eventually
from tests.e2e.test_bytes import Line
from tests.e2e.test_bytes_modes import stray_modes

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SEPARATION = Path("/run/sshd")
"""Root's sshd wants this folder; where it is missing, sshd was never meant to run."""


@dataclass
class Host:
    """An sshd on the loopback, and how to get in."""

    port: int
    key: Path

    def command(self) -> tuple[str, ...]:
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "IdentitiesOnly": "yes",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        to = f"{getpass.getuser()}@127.0.0.1"
        return ("ssh", "-F", "none", "-tt", "-p", str(self.port), "-i", str(self.key), *given, to)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    if SSHD is None or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
        pytest.skip("there is no sshd here (openssh-server)")
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            SEPARATION.mkdir(mode=0o755, exist_ok=True)
        if not SEPARATION.is_dir():
            pytest.skip(f"root's sshd needs {SEPARATION}")
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "sshd_config").write_text(
        f"""
ListenAddress 127.0.0.1:{port}
HostKey {tmp_path / "host"}
AuthorizedKeysFile {tmp_path / "user.pub"}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""
    )
    log = tmp_path / "sshd.log"
    with log.open("w") as out:
        daemon = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(tmp_path / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=out,
        )
    try:
        eventually(lambda: "listening" in log.read_text() or daemon.poll() is not None, 10)
        if daemon.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text().strip()[-200:]}")
        yield Host(port, tmp_path / "user")
    finally:
        daemon.terminate()
        daemon.wait()


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    opened: list[Line] = []
    yield opened
    for line in opened:
        line.child.close(force=True)


def log_in(host: Host, project: Project, lines: list[Line]) -> Line:
    """A shell over there, in the project's folder."""
    line = Line(project, (100, 30), program=host.command())
    lines.append(line)
    type_in(
        line, f"cd {shlex.quote(str(project.folder))}; PS1='over there> '; export LC_ALL=C.UTF-8"
    )
    eventually(lambda: line.take(0.1) and b"over there> " in line.sent.rpartition(b"UTF-8")[2])
    return line


def type_in(line: Line, command: str) -> None:
    line.child.send(f"{command}\r")


def cockpit(*arguments: str) -> str:
    return shlex.join([*COCKPIT, *arguments])


def test_launched_on_one_line_watched_stopped_and_compared_on_another(
    host: Host, project: Project, lines: list[Line]
) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=10_000)
    one = log_in(host, project, lines)
    type_in(one, cockpit())
    one.until(r"No runs")
    one.child.send("L")
    one.until(r"start detached")
    one.until(r"ready to start: s")
    one.child.send("\r")
    one.until(r"(?s)Sweep s .*● running.*✓ [1-9]")
    one.child.kill(signal.SIGKILL)  # the line drops: no farewell
    assert project.json("sweeps")[0]["state"] == "running"

    two = log_in(host, project, lines)
    before = len(two.sent)
    type_in(two, "stty -g > modes-before; " + cockpit())
    two.until(r"Sweep s .*● running")  # where it was left
    two.child.send("S")
    two.until(r"end them now")
    two.child.send("e")
    two.until(r"■ stopped")
    two.child.send("1")
    two.until(r"Runs .*\n.*newest first")
    two.child.send("G k")
    two.until(r"1 marked")
    two.child.send(" ")
    two.until(r"2 marked")
    two.child.send("c")
    two.until(r"(?s)Compare .*that differ.*s#\d+ .*s#\d+ .*\n *x  +0\.\d+ .* 0\.\d+")
    two.child.send("q")
    eventually(lambda: two.take(0.1) and re.search(rb"1049l(?s:.*)over there> ", two.sent))
    assert [mode for mode in stray_modes(two.sent[before:]) if mode != "?2004h"] == []
    after = two.sent.rpartition(b"1049l")[2].decode("utf-8", "replace")
    assert re.sub(r"\x1b\[[?>=<0-9;]*[a-zA-Z]", "", after).strip() == "over there>"
    type_in(two, "stty -g > modes-after; echo left with $?")
    eventually(lambda: two.take(0.1) and b"left with 0" in two.sent)
    modes = [(project.folder / f"modes-{when}").read_text() for when in ("before", "after")]
    assert modes[0] == modes[1]
    assert project.json("sweeps")[0]["state"] == "stopped"
