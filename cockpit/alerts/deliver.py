"""Hands an alert on: to a command, without a shell, or to a webhook. Nothing goes anywhere else."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cockpit.sweep.executors.command_line import BadPlaceholder, placeholders, render
from cockpit.sweep.signals import ctrl_c_held
from storage.errors import UserError
from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cockpit.alerts.watcher import Alert

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL for a command that takes too long."""
TRIES = 4
WAIT = 1.0
"""Seconds before the second try; twice as long before each further one."""
ANSWER = 10.0
"""Seconds that a webhook's server may take."""


class BadAction(UserError):
    """The command or the address cannot be used; the message is a sentence for the user."""


class NotDelivered(Exception):
    """An alert did not get there; the message says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, with placeholders."""

    argv: tuple[str, ...]
    timeout: float
    """Seconds; then it is ended, with all that it started."""

    def __call__(self, alert: Alert) -> None:
        """Run it to its end. Raises `NotDelivered`."""
        try:
            argv = render(self.argv, {}, values_of(alert))
        except BadPlaceholder as error:
            raise NotDelivered(f"--run {error}") from error
        told = {f"COCKPIT_WATCH_{k.upper()}": _text(v) for k, v in alert.fields().items()}
        process = None
        try:
            with ctrl_c_held():
                process = _start(argv, {**os.environ, **told})
            process.communicate(f"{to_json(alert.as_json())}\n".encode(), self.timeout)
        except subprocess.TimeoutExpired as error:
            raise NotDelivered(
                f"{argv[0]} took more than {self.timeout:g}s and was ended"
            ) from error
        finally:
            if process is not None:
                _end(process)
        if process.returncode:
            how = f"signal {-process.returncode}" if process.returncode < 0 else process.returncode
            raise NotDelivered(f"{argv[0]} ended with {how}")


def command_of(text: str, timeout: float) -> Command:
    """The command as a shell would split it; raises `BadAction`."""
    try:
        argv = tuple(shlex.split(text))
        placeholders(argv)
    except BadPlaceholder as error:
        raise BadAction(f"--run {error}") from error
    except ValueError as error:
        raise BadAction(f"--run {text!r} cannot be split into words: {error}") from error
    if not argv:
        raise BadAction("--run names no program")
    return Command(argv, timeout)


def values_of(alert: Alert) -> dict[str, Any]:
    """By placeholder; what is not known of this run or sweep is empty."""
    shown = alert.shown
    metrics, params = (shown.metrics, shown.params) if shown else ({}, {})
    scoped = {f"metrics.{k}": v for k, v in metrics.items()}
    scoped |= {f"params.{k}": v for k, v in params.items()}
    own = {k: "" if v is None else v for k, v in alert.fields().items()}
    return {**params, **metrics, **scoped, **own}


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that takes JSON."""

    url: str
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, alert: Alert) -> None:
        """POST it; what may pass is tried again, each time after twice as long. Raises `NotDelivered`."""
        request = urllib.request.Request(  # noqa: S310 - webhook_of lets only http and https through
            self.url,
            to_json(alert.as_json()).encode(),
            {"Content-Type": "application/json", "User-Agent": "cockpit"},
            method="POST",
        )
        # The address may hold a secret: only its host is ever told.
        host, why = urlsplit(self.url).hostname, ""
        for attempt in range(TRIES):
            if attempt:
                self.sleep(WAIT * 2 ** (attempt - 1))
            try:
                with _OPENER.open(request, timeout=ANSWER) as answer:
                    answer.read(1)
                return
            except urllib.error.HTTPError as error:
                error.close()
                why = f"it answered {error.code}"
                if error.code not in (408, 429) and error.code < 500:
                    raise NotDelivered(f"{host} did not take it: {why}") from None
            except (OSError, http.client.HTTPException) as error:
                why = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise NotDelivered(f"{host} did not take it in {TRIES} tries: {why}")


def webhook_of(url: str) -> Webhook:
    """Raises `BadAction` for what is no http or https address."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or any(character.isspace() or not character.isprintable() for character in url):
        raise BadAction("--webhook takes an http:// or https:// address")
    return Webhook(url)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere that was not named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own. Raises `NotDelivered`."""
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, env=environment, start_new_session=True
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise NotDelivered(f"{argv[0]} cannot be run: {why}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs, and its group with it."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it reads no more
        process.stdin.close()
    if process.poll() is not None:
        return
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left behind


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\0", "")
