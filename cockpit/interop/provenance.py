"""What a peer knew of a run's origin, in the shape that ours has: every part is there, most of them empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cockpit.interop.values import as_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
IMPORTED = "imported"
"""Names the peer; a run with it was never made here, and so cannot be made again here."""
_GIT: Mapping[str, Any] = {
    "commit": None,
    "branch": None,
    "dirty": None,
    "changed": [],
    "untracked": [],
    "names_left_out": 0,
    "diff": None,
}
_MACHINE: Mapping[str, Any] = {"host": "", "platform": "", "cores": None, "memory": None}
_WHOLE: Mapping[str, Any] = {
    "git": None,
    "seed": None,
    "spec": None,
    "spec_digest": None,
    "spec_path": None,
    "spec_folder": "",
    "overrides": {},
    "cell": None,
    "data": {},
    "environment": {},
    "machine": None,
    "command": [],
    "metrics_from": None,
    "cockpit": "",
    "optuna": None,
    "python": "",
}


def whole(known: Mapping[str, Any], peer: str) -> dict[str, Any]:
    """The fields of `cockpit.sweep.provenance.Provenance`, of which a peer knew only some.

    What is not of the kind that it should be is left out: others hand some of it to git, and to the screen.
    """
    told = as_stored(dict(known))
    kept = {name: value for name, value in told.items() if _fits(value, _WHOLE.get(name))}
    content = {**_WHOLE, **kept, IMPORTED: peer}
    content["git"], content["machine"] = _git(told.get("git")), _machine(told.get("machine"))
    content["data"] = {
        name: file
        for name, file in content["data"].items()
        if isinstance(file, dict) and {"digest", "bytes", "path"} <= file.keys()
    }
    content["command"] = [str(word) for word in content["command"]]
    return content


def _fits(value: Any, like: Any) -> bool:
    return like is None or type(value) is type(like)


def _git(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, dict) or not told:
        return None
    found = dict(_GIT)
    if isinstance(commit := told.get("commit"), str) and _COMMIT.fullmatch(commit):
        found["commit"] = commit
    for name in ("branch", "remote"):
        if isinstance(text := told.get(name), str):
            found[name] = text
    if isinstance(dirty := told.get("dirty"), bool):
        found["dirty"] = dirty
    return found


def _machine(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, dict) or not told:
        return None
    found = {**_MACHINE, **{name: told[name] for name in _MACHINE if told.get(name) is not None}}
    for name in ("host", "platform"):
        found[name] = str(found[name])
    return found
