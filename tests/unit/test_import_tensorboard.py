"""TensorBoard's folders become runs: every point, the hyperparameters, what is damaged and what is left out."""

from __future__ import annotations

import math
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.interop import event_files
from cockpit.interop.errors import NothingToImport
from cockpit.interop.event_files import Records, masked_crc, records
from cockpit.interop.event_points import Gathered
from cockpit.interop.event_shapes import scalar
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.tensorboard import LEFT_OUT, count, newest, read
from cockpit.interop.unended import TORN, UNENDED, Broken
from cockpit.interop.wire import Message
from tests.unit.event_bytes import (
    event,
    event_file,
    message,
    of_tensor,
    old_scalar,
    record,
    single,
)

REAL = Path(__file__).parent / "interop_files"
NAME = "events.out.tfevents.1700000000.gpu-box.41.0"


def write(folder: Path, *events: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(event_file(events))
    os.utime(path, (1.7e9, 1.7e9))
    return path


def runs(logdir: Path) -> list[ForeignRun]:
    found = [one for one in read(logdir) if not isinstance(one, Skipped)]
    assert len(found) == count(logdir)
    assert all(isinstance(one, ForeignRun) for one in found)
    return [one for one in found if isinstance(one, ForeignRun)]


def only(logdir: Path) -> ForeignRun:
    (run,) = runs(logdir)
    return run


def points(curve: Curve) -> list[tuple[int, float]]:
    return list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


def test_what_tensorboards_own_writers_wrote_is_all_there(tmp_path: Path) -> None:
    for path in REAL.glob("events*"):
        shutil.copy2(path, tmp_path)
        os.utime(tmp_path / path.name, (1.7e9, 1.7e9))
    run = only(tmp_path)
    assert [curve.name for curve in run.curves] == [
        "größe/_",
        "loss",
    ]  # tensorboardX writes _ for 🎉
    special, loss = run.curves
    assert special.steps.tolist() == [0, 100, 200, 300, 400, 500]
    tiny = [math.nan, math.inf, -math.inf, -0.0, *np.array([0.1, 1e-45], np.float32).tolist()]
    assert np.array_equal(special.values, tiny, equal_nan=True)
    assert math.copysign(1, special.values[3]) == -1
    # Of both files, in the order of their names.
    assert loss.steps.tolist() == [-2, -1, 0, 1, 2, 3] * 2
    assert loss.values.tolist() == [float(np.float32(1 / (i + 1))) for i in range(6)] * 2
    assert 1.79e9 < loss.times[0] < loss.times[-1] < 1.8e9
    assert run.attrs == {
        "host": "gpu-box",
        "note/text_summary": "hello",
        LEFT_OUT: {"histogram": 1},
    }
    assert (run.name, run.state, run.damage) == (tmp_path.name, "complete", ())
    assert run.key == str(tmp_path / "events.out.tfevents.1795298000.gpu-box")
    assert run.started is not None
    assert run.ended is not None
    assert run.started < loss.times[0] < run.ended


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "ab", "größe 🎉", "x" * 200]),
            st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300),
            st.floats(width=32),
            st.sampled_from(["simple", "float", "double", "content"]),
        ),
        max_size=80,
    ),
    st.integers(1, 5),
)
def test_every_point_comes_back_in_its_order(
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[tuple[str, int, float, str]],
    times_over: int,
) -> None:
    folder = tmp_path_factory.mktemp("points")

    def value(tag: str, real: float, kind: str) -> bytes:
        if kind == "simple":
            return old_scalar(tag, real)
        if kind == "float":
            return of_tensor(tag, message((1, 1), (2, b"")) + single(5, real))
        if kind == "double":
            return of_tensor(tag, message((1, 2), (6, struct.pack("<d", real))), "scalars")
        return of_tensor(tag, message((1, 1), (4, struct.pack("<f", real))))

    wanted = wanted * times_over  # more than 16 alike are read together
    write(folder, *(event(step, value(tag, real, kind)) for tag, step, real, kind in wanted))
    curves = {curve.name: curve for curve in only(folder).curves}
    assert list(curves) == list(dict.fromkeys(tag for tag, _, _, _ in wanted))
    for name, curve in curves.items():
        mine = [(step, real) for tag, step, real, _ in wanted if tag == name]
        assert curve.steps.tolist() == [step for step, _ in mine]
        assert np.array_equal(curve.values, [real for _, real in mine], equal_nan=True)
        assert set(curve.times.tolist()) == {1.7e9}


def test_several_values_of_one_event_are_all_read(tmp_path: Path) -> None:
    events = [event(s, *(old_scalar(f"m{n}", s + n) for n in range(4))) for s in range(40)]
    write(tmp_path, *events)
    run = only(tmp_path)
    assert [points(curve)[-1] for curve in run.curves] == [(39, 39.0 + n) for n in range(4)]
    assert all(len(curve.steps) == 40 for curve in run.curves)


def test_each_kind_of_tensor_gives_its_number() -> None:
    half = struct.pack("<e", 1.5)
    kinds = [
        (message((1, 19), (4, half)), 1.5),
        (message((1, 19), (13, int.from_bytes(half, "little"))), 1.5),
        (message((1, 14), (4, b"\xc0\x3f")), 1.5),
        (message((1, 14), (13, 0x3FC0)), 1.5),
        (message((1, 3), (7, -5)), -5.0),
        (message((1, 9), (10, -(2**40))), -(2.0**40)),
        (message((1, 10), (11, 1)), 1.0),
        (message((1, 23), (17, 2**63)), 2.0**63),
        (message((1, 1), (2, message((2, message((1, 1))))), (4, struct.pack("<f", 2))), 2.0),
        (message((1, 1)), 0.0),  # how TensorFlow shortens a zero
        (message((1, 1), (2, message((2, message((1, 3)))))), None),
        (message((1, 1), (4, b"12345")), None),
        (message((1, 7), (8, "text")), None),
        (message((1, 8), (9, b"")), None),
    ]
    for tensor, wanted in kinds:
        assert scalar(Message(tensor)) == wanted, tensor


def test_what_is_no_scalar_is_counted_and_said(tmp_path: Path) -> None:
    text = message((1, 7), (8, "# hi"))
    write(
        tmp_path,
        event(1, message((1, "img"), (4, b"png"))),
        event(1, message((1, "img"), (4, b"png"))),
        event(1, of_tensor("curve", message((1, 1)), "pr_curves")),
        event(2, of_tensor("curve", message((1, 1)))),
        event(1, of_tensor("words", text, "text"), of_tensor("words", text)),
        message((1, 1.7e9), (4, b"graph")),
        event(1, old_scalar("loss", 1.0)),
    )
    found = list(read(tmp_path))
    assert isinstance(found[0], ForeignRun)
    left = {"earlier text": 1, "graph": 1, "image": 2, "precision-recall curve": 2}
    assert found[0].attrs == {"host": "gpu-box", "words": "# hi", LEFT_OUT: left}
    assert found[1:] == [Skipped(what, number) for what, number in left.items()]
    assert [curve.name for curve in found[0].curves] == ["loss"]


def session(**params: bytes) -> bytes:
    pairs = ((1, message((1, name), (2, value))) for name, value in params.items())
    start = message(*pairs, (4, "sweep 7"), (5, 1.6e9))
    return _hparams("start", message((3, start)))


def ended(status: int) -> bytes:
    return _hparams("end", message((4, message((1, status), (2, 1.8e9)))))


def _hparams(what: str, content: bytes) -> bytes:
    return event(
        0, of_tensor(f"_hparams_/session_{what}_info", message((1, 1)), "hparams", content)
    )


def test_hyperparameters_and_the_outcome_are_read(tmp_path: Path) -> None:
    params = {
        "lr": message((2, 0.1)),
        "depth": message((2, 3.0)),
        "opt": message((3, "adäm")),
        "amp": message((4, 1)),
        "none": message((1, 0)),
    }
    write(tmp_path / "ok", session(**params), ended(1))
    write(tmp_path / "bad", session(), ended(2))
    write(tmp_path / "open", session())
    found = {run.name: run for run in runs(tmp_path)}
    wanted = {"lr": 0.1, "depth": 3, "opt": "adäm", "amp": True, "none": None}
    assert found["ok"].params == wanted
    assert {name: type(v) for name, v in found["ok"].params.items()} == {
        name: type(v) for name, v in wanted.items()
    }
    assert (found["ok"].started, found["ok"].ended) == (1.6e9, 1.8e9)
    assert found["ok"].attrs["session group"] == "sweep 7"
    assert [found[name].state for name in ("ok", "bad", "open")] == [
        "complete",
        "failed",
        "stopped",
    ]
    assert found["ok"].reason is None
    assert found["open"].reason == UNENDED
    (tmp_path / "open" / NAME).touch()
    assert [(r.state, r.reason) for r in runs(tmp_path) if r.name == "open"] == [("running", None)]


def test_a_hyperparameter_that_is_no_value_stops_nothing(tmp_path: Path) -> None:
    deep = b""
    for _ in range(2000):
        deep = message((6, message((1, deep))))
    write(tmp_path, session(deep=deep), event(1, old_scalar("loss", 1.0)))
    run = only(tmp_path)
    assert [curve.name for curve in run.curves] == ["loss"]
    assert "left out hparams" in run.attrs


def test_folders_of_add_scalars_and_add_hparams_are_of_the_run_above(tmp_path: Path) -> None:
    exp = tmp_path / "exp"
    write(exp, event(0, old_scalar("q", 1.0)))
    write(exp / "loss_all_train", event(0, old_scalar("loss/all", 1.0)))
    write(exp / "loss" / "all" / "val", event(0, old_scalar("loss/all", 2.0)))
    write(
        exp / "1700000000.25",
        session(lr=message((2, 0.5))),
        ended(1),
        event(0, old_scalar("acc", 3.0)),
    )
    write(exp / "other", event(0, old_scalar("q", 9.0)))
    write(exp / "q_two", event(0, old_scalar("q", 9.0)), event(0, old_scalar("r", 9.0)))
    write(exp / "1700000001", event(0, old_scalar("z", 9.0)))
    found = {run.name: run for run in runs(tmp_path)}
    assert list(found) == ["exp", "exp/1700000001", "exp/other", "exp/q_two"]
    values = {curve.name: points(curve) for curve in found["exp"].curves}
    assert values == {
        "q": [(0, 1.0)],
        "loss/all/val": [(0, 2.0)],
        "loss/all/train": [(0, 1.0)],
        "acc": [(0, 3.0)],
    }
    assert found["exp"].params == {"lr": 0.5}
    assert found["exp/other"].group == "exp"


def test_what_precedes_the_damage_is_read_and_the_place_is_said(tmp_path: Path) -> None:
    events = [event(step, old_scalar("loss", step)) for step in range(50)]
    path = write(tmp_path / "a", *events)
    whole = bytearray(path.read_bytes())
    at = len(event_file(events[:30]))
    whole[at + 20] ^= 1
    path.write_bytes(whole)
    write(tmp_path / "a", event(99, old_scalar("loss", 9)), name=f"{NAME}.later")
    write(tmp_path / "b", *events)
    hurt, sound = runs(tmp_path)
    assert points(hurt.curves[0]) == [(step, float(step)) for step in range(30)] + [(99, 9.0)]
    assert hurt.damage == (f"{path}: byte {at:,}: the check of a record's content does not hold",)
    assert len(sound.curves[0].steps) == 50
    assert sound.damage == ()


def test_a_folder_of_which_nothing_can_be_read_is_damaged(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"this is no event file at all")
    (found,) = read(tmp_path)
    assert isinstance(found, Damaged)
    assert "byte 0: the check of a record's length does not hold" in found.why
    (tmp_path / NAME).write_bytes(b"")
    assert list(read(tmp_path)) == [Skipped("folder whose event files are empty")]


def test_records_that_are_no_events_are_said(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(event_file([event(1, old_scalar("a", 1)), b"\xff\xff", b"\x0a\x7f"]))
    run = only(tmp_path)
    assert points(run.curves[0]) == [(1, 1.0)]
    assert run.damage == (f"{path}: records that are no events: 2",)


def test_a_growing_file_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    events = [event(step, old_scalar("loss", step)) for step in range(4)]
    whole = event_file(events)
    stamps = set()
    path = tmp_path / NAME
    for size in range(40, len(whole)):
        path.write_bytes(whole[:size])
        stamps.add(newest(tmp_path))
        run = only(tmp_path)
        ready = sum(size >= len(event_file(events[: n + 1])) for n in range(4))
        assert [len(curve.steps) for curve in run.curves] == [ready] * (ready > 0)
        assert (run.state, run.endless, run.damage) == ("running", True, ())
        os.utime(path, (1.7e9, 1.7e9))
        run = only(tmp_path)
        exact = any(size == len(event_file(events[:n])) for n in range(5))
        assert (run.state, bool(run.damage)) == ("complete", not exact)
    assert len(stamps) == len(whole) - 40


def test_a_record_longer_than_a_block_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    contents = [b"a" * size for size in (0, 1, 500, 3, 70, 2000, 5)]
    path.write_bytes(b"".join(map(record, contents)))
    for block in (1, 7, 64, 1 << 20):
        found: list[bytes] = []
        for part in records(path, block):
            assert isinstance(part, Records)
            found += [part.data[s:e] for s, e in zip(part.starts, part.ends, strict=True)]
        assert found == contents


def test_the_length_of_a_record_may_lie(tmp_path: Path) -> None:
    path = tmp_path / "f"
    length = struct.pack("<Q", 1 << 60)
    path.write_bytes(record(b"ok") + length + struct.pack("<I", masked_crc(length)) + bytes(100))
    found = list(records(path))
    assert isinstance(found[0], Records)
    assert found[1] == Broken(18, TORN)


@given(st.lists(st.binary(max_size=60), max_size=40), st.integers(1, 4))
def test_garbage_in_a_right_frame_never_stops_the_reading(blobs: list[bytes], times: int) -> None:
    framed = b"".join(map(record, blobs * times * 8))
    found, end, wrong = event_files._cut(framed, {})
    assert (len(found.starts), end, wrong) == (len(blobs) * times * 8, len(framed), None)
    gathered = Gathered()
    gathered.add(found)
    gathered.curves()


@given(st.data())
def test_one_wrong_byte_changes_nothing_before_it(data: st.DataObject) -> None:
    events = [event(step, old_scalar("loss", step)) for step in range(20)]
    framed = bytearray(b"".join(map(record, events)))
    at = data.draw(st.integers(0, len(framed) - 1))
    framed[at] ^= data.draw(st.integers(1, 255))
    found, end, wrong = event_files._cut(bytes(framed), {})
    whole = [bytes(found.data[s:e]) for s, e in zip(found.starts, found.ends, strict=True)]
    assert whole == events[: len(whole)]
    assert len(whole) == sum(len(b"".join(map(record, events[: n + 1]))) <= at for n in range(20))
    assert wrong is not None
    assert end <= at


def test_one_file_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a", event(1, old_scalar("loss", 1.0)))
    write(
        tmp_path / "a", event(2, old_scalar("loss", 2.0)), name="events.out.tfevents.1800000000.h"
    )
    (run,) = runs(path)
    assert (run.name, points(run.curves[0])) == ("a", [(1, 1.0)])


def test_where_there_is_nothing_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingToImport, match="not there"):
        read(tmp_path / "nowhere")
    assert count(tmp_path) == 0


def test_what_is_written_into_an_emptied_folder_is_another_run(tmp_path: Path) -> None:
    path = write(tmp_path, event(1, old_scalar("loss", 1.0)))
    before = only(tmp_path).key
    path.unlink()
    write(tmp_path, event(1, old_scalar("loss", 2.0)), name="events.out.tfevents.1700000009.h.1.0")
    assert only(tmp_path).key != before


def test_the_stamp_moves_when_a_run_falls_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, event(1, old_scalar("loss", 1.0)))
    monkeypatch.setattr("cockpit.interop.unended.time.time", lambda: 1.7e9 + 60)
    before = newest(tmp_path)
    assert newest(tmp_path) == before
    assert only(tmp_path).state == "running"
    monkeypatch.setattr("cockpit.interop.unended.time.time", lambda: 1.7e9 + 600)
    assert newest(tmp_path) != before
    assert only(tmp_path).state == "complete"
