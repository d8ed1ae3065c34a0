"""What a running sweep may be asked from any other process, and how: by files in a folder of its own.

Whoever asks puts a request there, whole or not at all, and waits for the reply beside it; the driver looks
several times a second, does it, and says what it did. A request that nobody took in time is withdrawn, so
that nothing is done behind the back of someone who was told that it was not.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOOK_SECONDS = 0.1
"""Between two looks of a driver into the folder."""
PATIENCE = 5.0
"""Seconds that a request is waited for."""
_ASK_AGAIN = 0.01
_LAST_REPLIES = PATIENCE
"""Seconds that a driver which goes waits for its last replies to be read: a moment, unless who asked has gone."""
_KINDS = {"do": str, "count": int, "now": bool, "params": dict}
"""What the fields of a request are, that come from whoever can write into the folder."""
GONE = "asked of a driver that has gone since; nothing was done, ask again"
ENDED = "the sweep has come to its end; nothing was done"


class ControlError(UserError):
    """A running sweep was asked for something that cannot be, or did not answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants of a running sweep."""

    do: str
    """`stop`, `pause`, `continue`, `add`, `workers`, `kill`, `prune` or `enqueue`."""
    run: str | None = None
    """The run's id, for `kill` and `prune`."""
    count: int = 0
    """Trials for `add`, workers for `workers`."""
    now: bool = False
    """`stop`: end the running trials too."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The point for `enqueue`; params that are left out are the sampler's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request."""

    done: bool
    said: str
    """One sentence."""


def ask(folder: Path, request: Request, patience: float = PATIENCE) -> Reply:
    """Ask the sweep whose control folder this is.

    Raises `ControlError` where it does not answer within `patience` seconds, or, with the request in
    hand, within as many more.
    """
    stem = f"{time.time_ns()}-{secrets.token_hex(4)}"
    asked, reply = folder / f"{stem}.request", folder / f"{stem}.reply"
    try:
        _put(asked, asdict(request))
    except FileNotFoundError:  # the driver takes its folder away when it goes
        raise ControlError(ENDED) from None
    except OSError as error:
        raise ControlError(f"the sweep cannot be asked: {error.strerror}") from error
    end = time.monotonic() + patience
    in_hand = False
    while not reply.exists():
        if time.monotonic() > end:
            if _take(asked) is not None:
                raise ControlError(
                    f"the sweep did not answer within {patience:g} s; nothing was done"
                )
            if in_hand:
                raise ControlError(
                    f"the sweep took it in hand, but did not say within {patience:g} s what became of it"
                )
            in_hand, end = True, time.monotonic() + patience
        time.sleep(_ASK_AGAIN)
    said = Reply(**json.loads(reply.read_bytes()))
    reply.unlink()
    return said


class Inbox:
    """The driver's end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._looked = 0.0
        for left in folder.iterdir():
            if left.suffix != ".request":
                left.unlink(missing_ok=True)
        # What an earlier driver did not get to is of its own time; whoever still waits for it hears that.
        self.obey(lambda _: Reply(False, GONE))

    def obey(self, do: Callable[[Request], Reply]) -> bool:
        """Do what was asked since the last look, oldest first; True where there was something."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return False
        self._looked = time.monotonic()
        found = False
        for path in sorted(self._folder.glob("*.request")):
            if (body := _take(path)) is not None:
                reply = asdict(_done(body, do))
                with contextlib.suppress(OSError):  # no room: whoever asked hears nothing
                    _put(path.with_suffix(".reply"), reply)
                found = True
        return found

    def close(self) -> None:
        """Nobody is here to answer any more: who asks too late is told so."""
        end = time.monotonic() + _LAST_REPLIES
        while time.monotonic() < end:
            self._looked = 0.0
            self.obey(lambda _: Reply(False, ENDED))
            try:
                self._folder.rmdir()
                return
            except OSError:  # somebody has still to read the last reply
                time.sleep(_ASK_AGAIN)
        shutil.rmtree(self._folder, ignore_errors=True)  # whoever asked has gone


def _done(body: bytes, do: Callable[[Request], Reply]) -> Reply:
    try:
        request = Request(**json.loads(body))
        for name, kind in _KINDS.items():
            if type(value := getattr(request, name)) is not kind:
                raise TypeError(f"{name} cannot be {value!r}")
    except (ValueError, TypeError) as error:
        return Reply(False, f"this is no request: {error}")
    return do(request)


def _take(path: Path) -> bytes | None:
    """Read a file and remove it; None where somebody else was first."""
    mine = path.with_suffix(".taken")
    try:
        path.rename(mine)
    except FileNotFoundError:
        return None
    body = mine.read_bytes()
    mine.unlink()
    return body


def _put(path: Path, body: dict[str, Any]) -> None:
    """Write a file that is there whole or not at all."""
    making = path.with_name(f"{path.name}.part")
    making.write_text(json.dumps(body), encoding="utf-8")
    os.replace(making, path)
