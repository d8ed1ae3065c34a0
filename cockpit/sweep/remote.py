"""Ask a running sweep for something, by its name or by that of one of its runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit.sweep.control import ControlError, ask
from storage.runs import find
from storage.store import Store
from storage.sweeps import all_sweeps, find_sweep

if TYPE_CHECKING:
    from cockpit.sweep.control import Request
    from storage.layout import Layout
    from storage.session import Session
    from storage.sweeps import Sweep

ALIVE = ("running", "paused")


def ask_sweep(layout: Layout, name: str | None, request: Request) -> str:
    """Ask the sweep of that name, or the only one that runs; returns what it says, its name first.

    Raises `ControlError` where it does not run, does not answer, or will not.
    """
    with Store(layout).session() as session:
        sweep = _only(session) if name is None else find_sweep(session, name)
    return _asked(layout, sweep, request)


def ask_of_run(layout: Layout, run: str, request: Request) -> str:
    """Ask the sweep of a run, with the run's id in the request; as `ask_sweep`."""
    with Store(layout).session() as session:
        found = find(session, run)
        if found.sweep is None:
            raise ControlError(f"{found.name} belongs to no sweep; end its own process instead")
        sweep = find_sweep(session, found.sweep)
    if found.state not in ("running", "waiting"):
        raise ControlError(f"{found.name} is not running: it is {found.state}")
    return _asked(layout, sweep, replace(request, run=found.id))


def _asked(layout: Layout, sweep: Sweep, request: Request) -> str:
    if sweep.state not in ALIVE:
        raise ControlError(
            f"{sweep.name} is not running: it is {sweep.state}; go on with it by: "
            f"cockpit sweep --resume {sweep.name}"
        )
    reply = ask(layout.control(sweep.id), request)
    if not reply.done:
        raise ControlError(f"{sweep.name}: {reply.said}")
    return f"{sweep.name}: {reply.said}"


def _only(session: Session) -> Sweep:
    alive = [sweep for sweep in all_sweeps(session) if sweep.state in ALIVE]
    if len(alive) == 1:
        return alive[0]
    names = ", ".join(sweep.name for sweep in alive)
    raise ControlError(
        f"{len(alive)} sweeps are running ({names}); name one" if alive else "no sweep is running"
    )
