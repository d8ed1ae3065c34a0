"""What TensorBoard's and wandb's own writers wrote is all there, value by value, beside what their own readers say.

Runs where COCKPIT_PEERS names a Python that has wandb, tensorboard and tensorboardX, and COCKPIT_PEERS_RUNS may
say how many runs each of them writes (3).
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from cockpit.interop import tensorboard, wandb
from cockpit.interop.foreign import ForeignRun
from cockpit.interop.landing import Landing, Source
from storage.layout import Layout
from tests.unit.landed import told_of

if TYPE_CHECKING:
    from cockpit.interop.foreign import Curve
    from cockpit.interop.peers import Reader
    from tests.unit.landed import Told

PEERS = os.environ.get("COCKPIT_PEERS", "")
RUNS = int(os.environ.get("COCKPIT_PEERS_RUNS", "3"))
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PEERS, reason="COCKPIT_PEERS names no Python that has the peers"),
]


def says(script: str, folder: Path, size: int) -> dict[str, Any]:
    """What the peer's own reader finds in what its own writer wrote."""
    place = Path(__file__).parent / "peers" / script
    command = [PEERS, str(place), str(folder), str(RUNS), str(size)]
    done = subprocess.run(command, capture_output=True, timeout=540, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def bits(values: Any) -> list[str]:
    return [struct.pack("<d", value).hex() for value in values.tolist()]


def same(curve: Curve, told: dict[str, Any]) -> None:
    assert curve.steps.tolist() == told["steps"]
    assert bits(curve.times) == told["times"]
    # A NaN is a NaN whatever its other bits.
    theirs = np.frombuffer(bytes.fromhex("".join(told["values"])), "<f8")
    assert np.array_equal(curve.values, theirs, equal_nan=True)
    assert (np.signbit(curve.values) == np.signbit(theirs))[~np.isnan(theirs)].all()


def stored(folder: Path, peer: str, reader: Reader, points: int) -> dict[str, Told]:
    """What a store holds after the import; a second one adds nothing."""
    layout = Layout(folder / ".cockpit")
    for fresh in (RUNS, 0):
        with Landing(layout, Source(peer, str(folder))) as landing:
            landed = landing.take(reader.read(folder))
        assert (landed.runs, landed.new, landed.changed, landed.damaged) == (RUNS, fresh, 0, ())
        assert landed.points >= points if fresh else landed.points == 0
    return told_of(layout)


def as_stored(told: dict[str, Any]) -> list[tuple[int, int, str]]:
    """Times there are whole microseconds."""
    times, values = (
        np.frombuffer(bytes.fromhex("".join(told[of])), "<f8") for of in ("times", "values")
    )
    micros = np.rint(times * 1e6).astype(np.int64).tolist()
    return sorted(zip(told["steps"], micros, map(repr, values.tolist()), strict=True))


def test_every_scalar_of_tensorboard_is_there(tmp_path: Path) -> None:
    told = says("tensorboard_says.py", tmp_path, 1000)
    runs = {run.key: run for run in tensorboard.read(tmp_path) if isinstance(run, ForeignRun)}
    assert {run.name for run in runs.values()} == told.keys()
    told = {run.key: told[run.name] for run in runs.values()}
    assert len(runs) == RUNS == tensorboard.count(tmp_path)
    points = 0
    for key, run in runs.items():
        curves = {curve.name: curve for curve in run.curves}
        assert curves.keys() == told[key].keys()
        assert run.damage == ()
        for name, curve in curves.items():
            same(curve, told[key][name])
            points += len(curve.steps)
    assert points == RUNS * 1000
    for key, mine in stored(tmp_path, "tensorboard", cast("Reader", tensorboard), points).items():
        assert mine.curves == {name: as_stored(curve) for name, curve in told[key].items()}
    old = next(run for run in runs.values() if "note/text_summary" in run.attrs)
    assert old.attrs["note/text_summary"] == "second ✨"
    assert old.attrs[tensorboard.LEFT_OUT] == {"earlier text": 1, "histogram": 1}


def test_every_value_of_a_history_of_wandb_is_there(tmp_path: Path) -> None:
    told = says("wandb_says.py", tmp_path, 250)
    every = [run for run in wandb.read(tmp_path) if isinstance(run, ForeignRun)]
    runs = {run.key.rpartition("/")[2]: run for run in every}
    assert [run.key for run in every] == [f"{run.group}/{key}" for key, run in runs.items()]
    assert len(runs) == RUNS == wandb.count(tmp_path)
    assert {f"run-{key}.wandb" for key in runs} == told.keys()
    for number, (key, run) in enumerate(sorted(runs.items())):
        theirs = told[f"run-{key}.wandb"]
        curves = {c.name: c for c in run.curves if not c.name.startswith("system.")}
        assert curves.keys() == theirs["history"].keys()
        assert sum(len(curve.steps) for curve in curves.values()) == 1000
        for name, curve in curves.items():
            same(curve, theirs["history"][name])
        model = theirs["config"].pop("model")
        assert run.params == {**theirs["config"], **{f"model.{k}": v for k, v in model.items()}}
        assert run.summary == {"best": number}
        assert (run.name, run.note, run.tags) == (f"run {number} ✨", f"note {number}", ("α", "b"))
        assert run.group == f"project {number % 3}"
        assert run.state == ("failed" if theirs["exit"] else "complete")
        assert run.damage == ()
    for whole, mine in stored(tmp_path, "wandb", cast("Reader", wandb), RUNS * 1000).items():
        key = whole.rpartition("/")[2]
        theirs = told[f"run-{key}.wandb"]["history"]
        found = {name: c for name, c in mine.curves.items() if not name.startswith("system.")}
        assert found == {name: as_stored(curve) for name, curve in theirs.items()}
        assert {"α", "b", runs[key].group} <= set(mine.tags)
        assert mine.params["model.name"] == "größe 🎉"
