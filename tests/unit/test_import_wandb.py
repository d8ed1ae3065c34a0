"""wandb's folders become runs: whole histories, the config, how it ended, what is damaged and what is left out."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.unended import UNENDED
from cockpit.interop.wandb import LEFT_OUT, count, newest, read
from cockpit.interop.wandb_files import records
from cockpit.interop.wandb_items import cut
from cockpit.interop.wire import Garbled, Message
from tests.unit.event_bytes import history, item, message, run_file

REAL = Path(__file__).parent / "interop_files"
STARTED = 1_700_000_000


def run_record(*config: bytes, project: str = "credit", **more: str) -> bytes:
    numbers = {"entity": 2, "group": 6, "name": 8, "notes": 9, "host": 13}
    texts = [(numbers[name], text) for name, text in more.items()]
    settings = message(*((1, one) for one in config))
    began = message((1, STARTED), (2, 500_000_000))
    return message((17, message((1, "id"), (3, project), (4, settings), *texts, (17, began))))


def ended(code: int, runtime: int = 60) -> bytes:
    return message((18, message((1, code), (2, runtime))))


def step(at: int, **values: Any) -> bytes:
    rest = {"_step": at, "_timestamp": STARTED + at, "_runtime": at}
    return history(
        at, *(item([name], json.dumps(value)) for name, value in {**values, **rest}.items())
    )


def write(
    folder: Path, *content: bytes, run_id: str = "abc", time: str = "20260101_000000"
) -> Path:
    path = folder / f"offline-run-{time}-{run_id}" / f"run-{run_id}.wandb"
    path.parent.mkdir(parents=True)
    path.write_bytes(run_file(content))
    os.utime(path, (STARTED, STARTED))
    return path


def runs(folder: Path) -> list[ForeignRun]:
    found = [one for one in read(folder) if not isinstance(one, Skipped)]
    assert len(found) == count(folder)
    assert all(isinstance(one, ForeignRun) for one in found)
    return [one for one in found if isinstance(one, ForeignRun)]


def only(folder: Path) -> ForeignRun:
    (run,) = runs(folder)
    return run


def points(curve: Curve) -> list[tuple[int, float]]:
    return list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


@pytest.mark.parametrize("name", ["new1", "old1"])
def test_what_wandb_itself_wrote_is_all_there(tmp_path: Path, name: str) -> None:
    """By 0.31, which writes nested keys, and by 0.18."""
    path = write(tmp_path, run_id=name)
    path.write_bytes((REAL / f"run-{name}.wandb").read_bytes())
    (path.parent / "files").mkdir()
    (path.parent / "files" / "output.log").write_text("hello\n")
    run = only(tmp_path)
    curves = {curve.name: curve for curve in run.curves}
    assert curves.keys() == {"loss", "special", "nested.a.b", "größe/🎉", "truth"}
    assert points(curves["loss"]) == [(n, 1 / (n + 1)) for n in range(6)]
    special = [math.nan, math.inf, -math.inf] * 2
    assert np.array_equal(curves["special"].values, special, equal_nan=True)
    assert curves["truth"].values.tolist() == [0, 0, 0, 1, 1, 1]
    assert curves["nested.a.b"].values.tolist() == curves["größe/🎉"].values.tolist() == [*range(6)]
    assert curves["loss"].times[0] > 1.79e9
    params = {"lr": 0.1, "model.depth": 3, "model.name": "x", "list": [1, "x"], "none": None}
    assert run.params == params
    assert run.summary == {"best": 5}
    assert (run.key, run.group, run.note) == (f"credit/{name}", "credit", "a note")
    assert run.name == "größe ✨"
    assert (run.state, run.reason, run.damage) == ("failed", "exit code 3", ())
    assert run.tags == ("a", "β")
    assert run.attrs[LEFT_OUT] == {"histogram": 1, "text": 6}
    assert run.attrs["summary.word"] == "hey"
    assert run.attrs["host"] == "gpu-box"
    assert run.attrs["wandb"] == {"new1": "0.31.0", "old1": "0.18.7"}[name]
    assert run.provenance["machine"] == {"host": "gpu-box"}
    assert run.provenance["environment"]["python"].startswith("3.11.")
    (log,) = run.artifacts
    assert (log.name, log.bytes) == ("output.log", 6)
    assert Path(log.source).read_text() == "hello\n"
    assert run.started is not None
    assert run.ended is not None
    assert 0 < run.ended - run.started < 60


VALUES = st.floats() | st.integers(-(2**53), 2**53) | st.booleans()
KEYS = st.lists(st.text(max_size=5) | st.just("\x82\x01\x7f"), min_size=1, max_size=3)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=60), st.integers(1, 3))
def test_every_value_comes_back_at_its_step(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[list[str], Any]], wide: int
) -> None:
    wanted = [
        (keys, value)
        for keys, value in wanted
        if not keys[0].startswith("_") and "_type" not in keys and keys != [""]
    ]
    folder = tmp_path_factory.mktemp("values")
    rows = [wanted[at : at + wide] for at in range(0, len(wanted), wide)]
    write(
        folder,
        run_record(),
        *(
            history(0, item(["_step"], str(at * 3)), *(item(k, json.dumps(v)) for k, v in row))
            for at, row in enumerate(rows)
        ),
    )
    said: dict[str, list[tuple[int, float]]] = {}
    for at, row in enumerate(rows):
        for keys, value in row:
            said.setdefault(".".join(keys), []).append((at * 3, float(value)))
    curves = only(folder).curves
    assert len({curve.name for curve in curves}) == len(curves)  # a.b and a, b are one
    assert {curve.name: sorted(map(repr, points(curve))) for curve in curves} == {
        name: sorted(map(repr, p)) for name, p in said.items()
    }


@given(KEYS, st.text(max_size=300))
def test_an_item_is_cut_where_its_value_begins(keys: list[str], text: str) -> None:
    value = json.dumps(text)
    data = message((1, item(keys, value)), (1, item(["b"], "1")), (2, b"xy"))
    heads, raws, rest = cut(data, 0, len(data), 1)
    assert [raw.decode() for raw in raws] == [value, "1"]
    assert rest == message((2, b"xy"))
    names = [Message(head).texts(2) or [Message(head).text(1)] for head in heads]
    assert names == [keys, ["b"]]


@given(st.binary(max_size=80))
def test_garbage_in_place_of_items_is_garbled_or_ends(data: bytes) -> None:
    try:
        heads, raws, rest = cut(data, 0, len(data), 1)
    except Garbled:
        return
    assert len(heads) == len(raws)
    assert len(rest) + sum(map(len, heads)) <= len(data)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_garbage_in_a_right_frame_is_said_not_raised(
    tmp_path_factory: pytest.TempPathFactory, blobs: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    kinds = [message((number, blob)) for blob in blobs for number in (2, 3, 5, 7, 13, 17, 18, 26)]
    write(folder, *kinds, *blobs, step(1, loss=2))
    run = only(folder)
    (loss,) = [curve for curve in run.curves if curve.name == "loss"]
    assert points(loss)[-1] == (1, 2.0)


def test_typed_values_of_a_history_are_read(tmp_path: Path) -> None:
    zero = bytes([5 << 3 | 1]) + (-7).to_bytes(8, "little", signed=True)
    items = [
        message((1, "real"), (6, 0.5)),
        message((1, "truth"), (4, 1)),
        message((1, "whole")) + zero,
        message((1, "json"), (8, "[1]")),
        message((1, "text"), (7, "hey")),
    ]
    write(tmp_path, history(4, *items))
    run = only(tmp_path)
    assert {curve.name: points(curve) for curve in run.curves} == {
        "real": [(4, 0.5)],
        "truth": [(4, 1.0)],
        "whole": [(4, -7.0)],
    }
    assert run.attrs == {LEFT_OUT: {"list": 1, "text": 1}}


def test_tables_within_tables_are_joined_by_dots_and_media_are_left_out(tmp_path: Path) -> None:
    image = {"_type": "image-file", "width": 4, "path": "media/x.png"}
    write(
        tmp_path,
        run_record(item(["model"], '{"depth": {"of": 3}, "empty": {}}'), item(["_wandb"], "{}")),
        step(0, a={"b": {"c": 1, "d": "NaN"}}, img=image, x=1),
        history(
            1,
            item(["a", "b", "c"], "2"),
            item(["img", "_type"], '"image-file"'),
            item(["img", "w"], "4"),
        ),
        step(2, a={"b": {"c": "-Infinity"}}, x=10**400, words="hey", none=None),
    )
    run = only(tmp_path)
    found = {curve.name: points(curve) for curve in run.curves}
    assert found.pop("a.b.d")[0][1] != 0
    assert found == {"a.b.c": [(0, 1.0), (1, 2.0), (2, -math.inf)], "x": [(0, 1.0), (2, math.inf)]}
    assert run.params == {"model.depth.of": 3, "model.empty": {}}
    assert run.attrs[LEFT_OUT] == {"image-file": 2, "text": 1}
    skipped = [one for one in read(tmp_path) if isinstance(one, Skipped)]
    assert skipped == [Skipped("image-file", 2), Skipped("text", 1)]


def test_a_table_as_deep_as_json_allows_stops_nothing(tmp_path: Path) -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    summary = message((3, message((1, item(["d"], deep)))))
    write(
        tmp_path,
        run_record(item(["d"], deep)),
        summary,
        history(0, item(["d"], deep), item(["x"], "1")),
    )
    run = only(tmp_path)
    assert [curve.name for curve in run.curves] == ["x"]
    assert len(run.params) == 1
    assert run.attrs == {LEFT_OUT: {"table": 1}}


def test_config_and_summary_may_be_changed_and_taken_back(tmp_path: Path) -> None:
    def record(number: int, **parts: bytes) -> bytes:
        return message(
            (number, message(*((1 if k == "update" else 2, v) for k, v in parts.items())))
        )

    write(
        tmp_path,
        run_record(item(["lr"], "0.1"), item(["old"], "1"), item(["m"], '{"a": 1}')),
        record(5, update=item(["m", "b"], "2"), remove=item(["old"], "")),
        record(5, update=item(["lr"], "0.2")),
        record(3, update=item(["best"], "5")),
        record(3, update=item(["best"], "6")),
        record(3, update=item(["gone", "x"], "6")),
        record(3, remove=item(["gone"], "")),
        record(3, update=item(["loss"], "1")),
        record(3, update=item(["loss", "min"], "0.5")),
        step(0, loss=1),
    )
    run = only(tmp_path)
    assert run.params == {"lr": 0.2, "m.a": 1, "m.b": 2}
    assert run.summary == {"best": 6.0, "loss.min": 0.5}


def test_what_the_machine_used_becomes_system_metrics(tmp_path: Path) -> None:
    def stats(at: int, percent: float) -> bytes:
        one = message((1, "gpu.0.temp"), (16, json.dumps(percent)))
        return message((7, message((2, message((1, STARTED + at))), (3, one), (3, one))))

    write(tmp_path, run_record(), *(stats(at, 40.0 + at) for at in range(3)))
    (curve,) = only(tmp_path).curves
    assert curve.name == "system.gpu.0.temp"
    assert curve.times.tolist() == [STARTED + at for at in (0, 0, 1, 1, 2, 2)]
    assert curve.values.tolist() == [40.0, 40.0, 41.0, 41.0, 42.0, 42.0]


def test_how_a_run_ended_is_known(tmp_path: Path) -> None:
    for name, end in {
        "a-good": [ended(0, 90)],
        "b-bad": [ended(1)],
        "c-open": [],
        "d-preempted": [message((23, b""))],
        "e-detached": [message((18, message((3, 1))))],
    }.items():
        write(tmp_path, run_record(name=name), step(1, x=1), *end, run_id=name)
    found = [(run.name, run.state, run.reason, run.ended) for run in runs(tmp_path)]
    assert found == [
        ("a-good", "complete", None, STARTED + 90.5),
        ("b-bad", "failed", "exit code 1", STARTED + 60.5),
        ("c-open", "stopped", UNENDED, STARTED + 1),
        ("d-preempted", "stopped", "it was preempted", STARTED + 1),
        ("e-detached", "stopped", UNENDED, STARTED + 1),
    ]
    write(tmp_path, run_record(), step(1, x=1), run_id="f-new").touch()
    assert (runs(tmp_path)[-1].state, runs(tmp_path)[-1].reason) == ("running", None)


def test_a_resumed_run_is_one_run(tmp_path: Path) -> None:
    write(tmp_path, run_record(item(["lr"], "1")), step(0, x=1), time="20260101_000000")
    write(tmp_path, run_record(item(["new"], "2")), step(1, x=2), ended(0), time="20260102_000000")
    write(tmp_path, run_record(project="other"), step(7, x=3), time="20260103_000000")
    first, other = runs(tmp_path)
    assert points(first.curves[0]) == [(0, 1.0), (1, 2.0)]
    assert (first.key, first.state, first.params) == ("credit/abc", "complete", {"lr": 1, "new": 2})
    assert (other.key, other.group) == ("other/abc", "other")
    assert points(other.curves[0]) == [(7, 3.0)]


def test_the_origin_is_read_from_records_and_from_the_files_beside(tmp_path: Path) -> None:
    folder = write(tmp_path, run_record(host="gpu-box")).parent / "files"
    folder.mkdir()
    metadata = {
        "os": "Linux-6.1",
        "python": "CPython 3.12.1",
        "program": "train.py",
        "args": ["--lr", "0.1"],
        "git": {"remote": "git@host:x.git", "commit": "c0ffee"},
        "cpu_count_logical": 8,
        "memory": {"total": "1024"},
        "username": "ada",
        "host": "older-name",
    }
    (folder / "wandb-metadata.json").write_text(json.dumps(metadata))
    (folder / "requirements.txt").write_text("numpy==2.4.6\n-e git+x\ntorch == 2.13\n")
    run = only(tmp_path)
    assert run.provenance == {
        "git": {"commit": "c0ffee", "remote": "git@host:x.git"},
        "command": ["train.py", "--lr", "0.1"],
        "environment": {
            "python": "3.12.1",
            "platform": "Linux-6.1",
            "packages": {"numpy": "2.4.6", "torch": "2.13"},
        },
        "machine": {"host": "gpu-box", "platform": "Linux-6.1", "cores": 8, "memory": 1024},
    }
    assert run.attrs == {"host": "gpu-box", "user": "ada"}
    environment = message((2, "3.13.0"), (6, "/x/new.py"), (9, message((2, "beef"))))
    said = message((26, environment)), message((26, message((13, "bob"))))
    write(tmp_path, run_record(), *said, run_id="later")
    later = runs(tmp_path)[-1]
    assert later.provenance["command"] == ["/x/new.py"]
    assert later.provenance["git"]["commit"] == "beef"
    assert later.attrs["user"] == "bob"


def test_what_precedes_the_damage_is_read_and_the_place_is_said(tmp_path: Path) -> None:
    content = [run_record(), *(step(at, loss=at) for at in range(3000))]
    path = write(tmp_path, *content)
    whole = bytearray(path.read_bytes())
    assert len(whole) > 3 * 32768
    whole[len(run_file(content[:2001])) + 9] ^= 4
    path.write_bytes(whole)
    run = only(tmp_path)
    assert points(run.curves[0]) == [(at, float(at)) for at in range(2000)]
    assert len(run.damage) == 1
    assert run.damage[0].startswith(f"{path}: byte ")
    assert run.damage[0].endswith("the check of a chunk does not hold")


def test_a_growing_file_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    content = [run_record(), *(step(at, loss=at) for at in range(3))]
    path = write(tmp_path, *content)
    whole = path.read_bytes()
    stamps = set()
    sizes = range(len(run_file(content[:1])), len(whole))
    for size in sizes:
        path.write_bytes(whole[:size])
        stamps.add(newest(tmp_path))
        run = only(tmp_path)
        ready = sum(size >= len(run_file(content[: n + 2])) for n in range(3))
        assert [len(curve.steps) for curve in run.curves] == [ready] * (ready > 0)
        assert (run.state, run.damage) == ("running", ())
        os.utime(path, (STARTED, STARTED))
        run = only(tmp_path)
        exact = any(size == len(run_file(content[:n])) for n in range(1, 4))
        assert (run.state, bool(run.damage)) == ("stopped", not exact)
    assert len(stamps) == len(sizes)


def test_one_file_may_be_named_and_runs_may_lie_anywhere_below(tmp_path: Path) -> None:
    path = write(tmp_path / "logs" / "tmp" / "wandb", run_record(), step(1, x=1))
    write(tmp_path / "other", run_record(), step(2, x=1), run_id="xyz")
    assert [run.key for run in runs(path)] == ["credit/abc"]
    assert sorted(run.key for run in runs(tmp_path)) == ["credit/abc", "credit/xyz"]


def test_what_is_no_run_file_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"{}")
    assert list(read(tmp_path)) == [
        Damaged("run abc", f"{path}: byte 0: it does not begin as a run file of wandb")
    ]
    path.write_bytes(b"")
    assert list(read(tmp_path)) == [Skipped("run of which nothing is written yet")]
    with pytest.raises(NothingToImport, match="not there"):
        read(tmp_path / "nowhere")


def test_what_is_added_while_it_is_read_is_no_damage(tmp_path: Path) -> None:
    content = [run_record(), *(step(at, loss=at) for at in range(9))]
    path, whole = tmp_path / "run-a.wandb", run_file(content)
    path.write_bytes(whole[: len(run_file(content[:5]))])
    first = next(found := records(path))
    path.write_bytes(whole)
    assert [first, *found] == content[:5]
