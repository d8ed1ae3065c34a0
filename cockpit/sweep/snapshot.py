"""A sampler's state on disk, so that a sweep goes on with the very suggestions it would have made.

The same seed and the same told trials do not lead to the same next suggestion: the sampler's generator has
moved on. Some pruners, too, settle on what they saw first. Optuna has no word for such a state but pickle; so
what is read back is held to a list of classes, and a store somebody else made can at most spoil a suggestion.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import optuna

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    from cockpit.sweep.spec import Spec
    from cockpit.sweep.spec.search import Setting

_PARTS = (
    *("optuna.samplers", "optuna.pruners", "optuna.distributions", "optuna.search_space"),
    "optuna._gp",
)
_ALLOWED = frozenset(
    {
        ("builtins", "complex"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("builtins", "slice"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("cockpit.sweep.space", "BruteForce"),
        ("cockpit.sweep.space", "GridSearch"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.random._mt19937", "MT19937"),
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        # A generator without a seed of ours brings along what it was seeded by.
        ("numpy.random.bit_generator", "SeedSequence"),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
        ("optuna._gp.prior", "default_log_prior"),
        ("optuna.samplers._tpe.sampler", "default_gamma"),
        ("optuna.samplers._tpe.sampler", "default_gamma_multiobjective"),
        ("optuna.samplers._tpe.sampler", "default_weights"),
        ("torch._utils", "_rebuild_tensor_v2"),
    }
)


class Unusable(Exception):
    """The state cannot be gone on with; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What a sampler's state belongs to; it is of use only where all of it is the same."""

    optuna: str
    python: str
    sampler: str
    pruner: str
    seed: int | None
    params: str
    """The declared distributions, as Optuna writes them."""


def stand(spec: Spec, declared: dict[str, BaseDistribution]) -> Stand:
    """What the state of this spec's sampler belongs to."""
    to_json = optuna.distributions.distribution_to_json
    return Stand(
        optuna=optuna.__version__,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        sampler=_written(spec.sweep.sampler),
        pruner=_written(spec.sweep.pruner) if spec.sweep.pruner else spec.sweep.pruner_name,
        seed=spec.sweep.seed,
        params=json.dumps({name: to_json(each) for name, each in declared.items()}),
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a sweep had come; its trials in the store tell the same."""

    asked: int
    drawn: int
    """Params of all trials."""


Relative = tuple[dict[str, Any], "dict[str, BaseDistribution]"]
"""What a sampler drew for a trial whose code has not asked for all of it yet, and from what."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a sampler and a pruner stood."""

    sampler: BaseSampler
    pruner: BasePruner
    relative: dict[int, Relative]
    """By the number of the trial."""


class Keeper:
    """Keeps a state, the newest and the one before.

    It is kept a moment before its trial gets into the store: a kill between the two leaves a state that
    the store knows nothing of, and the one before it is the one to go on with.

    Two files in turn, written over in place: a rename for every trial would cost more than the trial.
    One that was cut short by a crash is told by its checksum, and the other one stands in.
    """

    def __init__(self, files: Sequence[Path], where: Stand, going_on: Path | None) -> None:
        """`going_on` is the file whose state was taken up: it is written over last."""
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("wb" if going_on is None else "ab").close()
        ordered = sorted(files, key=lambda file: file == going_on)
        self._files = [file.open("r+b", buffering=0) for file in ordered]
        self._where = where
        self._serial = time.time_ns()

    def keep(self, state: State, moment: Moment) -> None:
        """Write down the state of this moment; raises OSError."""
        body = pickle.dumps((state.sampler, state.pruner, state.relative))
        self._serial += 1
        header = {
            "stand": asdict(self._where),
            **asdict(moment),
            "serial": self._serial,
            "checksum": zlib.crc32(body),
        }
        file = self._files[0]
        self._files.reverse()
        file.seek(0)
        file.write(json.dumps(header).encode() + b"\n" + body)
        file.truncate()

    def close(self) -> None:
        for file in self._files:
            file.close()


def load(files: Sequence[Path], where: Stand, moment: Moment) -> tuple[State, Path]:
    """Read back the state of this moment, and which file has it; raises `Unusable`."""
    found = [(*kept, file) for file in files if (kept := _read(file)) is not None]
    if not found:
        raise Unusable("the sampler's state was not kept")
    found.sort(key=lambda kept: kept[0].get("serial", 0))
    if changes := _changes(found[-1][0], where):
        raise Unusable(f"{' and '.join(changes)} changed since")
    then = [kept for kept in found if Moment(kept[0]["asked"], kept[0].get("drawn", 0)) == moment]
    if not then:
        raise Unusable(
            "the sampler's state that was kept does not belong to the trials that are there"
        )
    _, body, file = then[-1]
    try:
        sampler, pruner, relative = _Careful(io.BytesIO(body)).load()
    except Exception as error:  # whatever a damaged pickle makes of itself
        raise Unusable(f"the sampler's state cannot be read ({error})") from error
    if not isinstance(sampler, optuna.samplers.BaseSampler):
        raise Unusable("the sampler's state holds something else")
    return State(sampler, pruner, relative), file


def _changes(header: dict[str, Any], where: Stand) -> list[str]:
    try:
        then = Stand(**header["stand"])
    except TypeError as error:
        raise Unusable("the sampler's state was kept by another version of cockpit") from error
    return [_CHANGED[name] for name in _CHANGED if getattr(then, name) != getattr(where, name)]


def _read(file: Path) -> tuple[dict[str, Any], bytes] | None:
    """A state that is there whole; else None."""
    try:
        line, _, body = file.read_bytes().partition(b"\n")
        header = json.loads(line)
        whole = header["checksum"] == zlib.crc32(body)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return (header, body) if whole else None


_CHANGED = {
    "optuna": "Optuna's version",
    "python": "Python's version",
    "sampler": "the sampler",
    "pruner": "the pruner",
    "seed": "the seed",
    "params": "the search space",
}


class _Careful(pickle.Unpickler):
    """Knows the classes that samplers are made of, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _tensor_of
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        if module.startswith(_PARTS) and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a sampler")


def _tensor_of(data: bytes) -> Any:
    """In place of torch's own, which would unpickle whatever it is given."""
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)


def _written(setting: object) -> str:
    return json.dumps(cast("Setting", setting).model_dump(mode="json"), sort_keys=True)
