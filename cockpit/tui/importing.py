"""What an import found, or took in, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt

if TYPE_CHECKING:
    from cockpit.interop.moving import Moved, Seen

NAMES = {
    "mlflow": "MLflow",
    "optuna": "Optuna",
    "tensorboard": "TensorBoard",
    "wandb": "wandb",
    "csv": "a CSV file",
}
"""The peers as they write themselves."""


def progress(seen: Seen, of: int | None = None) -> str:
    """`12 of 42 runs, 3,000 points`."""
    runs = _many(seen.runs, "run") if of is None else f"{seen.runs:,} of {_many(of, 'run')}"
    return f"{runs}, {_many(seen.points, 'point')}"


def counted(found: Moved) -> str:
    """What would be imported: `MLflow: 42 runs, 2 of them known; 10,000 points to add`."""
    landed, name = found.landed, NAMES.get(found.peer, found.peer)
    if not landed.runs:
        return f"{name}: no runs"
    known = landed.runs - landed.new
    said = f"{name}: {_many(landed.runs, 'run')}"
    if known:
        are = "all known" if known == landed.runs else f"{known:,} of them known"
        said += f", {are}"
    new = [_many(landed.points, "point")] if landed.points else []
    new += [_many(landed.params, "param")] if landed.params else []
    said += f"; {fmt.listed(new)} to add" if new else "; nothing to add"
    return said + _damage(found)


def outcome(found: Moved) -> str:
    """What was imported: `42 runs imported from MLflow, 10,000 points`."""
    landed, name = found.landed, NAMES.get(found.peer, found.peer)
    parts = [f"{_many(landed.new, 'run')} imported from {name}"] if landed.new else []
    parts += [f"{_many(landed.changed, 'run')} gone on with"] if landed.changed else []
    said = ", ".join(parts) or f"nothing new in {_many(landed.runs, 'run')} of {name}"
    said += f", {_many(landed.points, 'point')}" if landed.points else ""
    early = "" if found.complete else "; ended early, I goes on with the rest"
    return said + early + _damage(found)


def _damage(found: Moved) -> str:
    damaged = found.landed.damaged
    if not damaged:
        return ""
    more = f", and {len(damaged) - 1:,} more" if len(damaged) > 1 else ""
    return f"; not readable: {fmt.plain(damaged[0])}{more}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
