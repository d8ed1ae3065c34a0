"""What readers hand over lands in the store once, whole, and safely, however often and however rudely it is done."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cockpit.code_diff import code_diff
from cockpit.interop.foreign import Artifact, Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.landing import Landed, Landing, Source
from cockpit.origin import again_lines, origin
from storage.annotate import note, rename, tag
from storage.care.check import check
from storage.care.trash import outside, throw
from storage.layout import Layout
from storage.runs import detail, find
from storage.spool import SpoolWriter, segments
from storage.store import Store
from tests.unit.landed import told_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HERE = Source("mlflow", "/there/mlflow.db", unique=True)
BEGAN = 1.7e9


def curve(name: str, values: Iterable[float], first: int = 0) -> Curve:
    found = np.array(list(values), dtype=np.float64)
    steps = np.arange(first, first + len(found), dtype=np.int64)
    return Curve(name, steps, BEGAN + steps / 8, found)


def run(key: str = "k1", **fields: Any) -> ForeignRun:
    whole: dict[str, Any] = {
        "name": "lauf",
        "state": "complete",
        "group": "income",
        "started": BEGAN,
        "ended": BEGAN + 60,
        "params": {"lr": 0.1, "opt": "adam", "layers": [1, 2], "nested": {"a": None}},
        "curves": (curve("loss", [1.0, math.nan, 0.5, -math.inf]),),
        "summary": {"auc": 0.9},
        "tags": ("one", "two"),
        "attrs": {"user": "me"},
        "note": "a\nnote",
        "provenance": {"git": {"commit": "c" * 40}, "machine": {"host": "far"}},
    }
    return ForeignRun(key, **(whole | fields))


def land(layout: Layout, *found: ForeignRun | Damaged | Skipped, **how: Any) -> Landed:
    with Landing(layout, how.pop("source", HERE), **how) as landing:
        return landing.take(found)


def test_a_run_is_all_there_and_findable(layout: Layout) -> None:
    landed = land(layout, run())
    assert (landed.new, landed.params, landed.points, landed.damaged) == (1, 4, 4, ())
    (mine,) = told_of(layout).values()
    assert (mine.name, mine.state, mine.started, mine.ended) == (
        "lauf",
        "complete",
        BEGAN,
        BEGAN + 60,
    )
    assert mine.params == {"lr": 0.1, "opt": "adam", "layers": [1, 2], "nested": {"a": None}}
    assert (mine.tags, mine.note, mine.attrs) == (
        ("income", "one", "two"),
        "a\nnote",
        {"user": "me"},
    )
    assert mine.curves["loss"] == [
        (step, int((BEGAN + step / 8) * 1e6), text)
        for step, text in enumerate(["1.0", "nan", "0.5", "-inf"])
    ]
    assert mine.metrics == {"loss": -math.inf, "auc": 0.9}
    with Store(layout).session() as session:
        known = detail(session, "lauf")
    assert known.provenance["git"]["commit"] == "c" * 40
    assert known.imported is not None
    assert (known.imported["peer"], known.imported["key"]) == ("mlflow", "k1")
    assert check(Store(layout)).passed


def test_a_second_import_adds_nothing(layout: Layout) -> None:
    runs = [run(f"k{number}") for number in range(5)]
    land(layout, *runs)
    before, size = told_of(layout), layout.size()
    again = land(layout, *runs)
    assert (again.same, again.new, again.changed, again.points, again.known_points) == (
        5,
        0,
        0,
        0,
        20,
    )
    assert told_of(layout) == before
    assert layout.size() == size
    assert segments(layout) == []


def test_a_second_import_adds_what_is_new(layout: Layout) -> None:
    land(layout, run(state="running", ended=None, summary={}))
    (early,) = told_of(layout).values()
    assert (early.state, early.reason) == ("stopped", "was running in mlflow when it was imported")
    assert early.ended == BEGAN + 3 / 8
    grown = run(
        curves=(curve("loss", [1.0, math.nan, 0.5, -math.inf, 0.25]), curve("late", [3.0])),
        tags=("two", "three"),
        params=dict(run().params) | {"extra": 1},
        note="other",
    )
    landed = land(layout, grown)
    assert (landed.new, landed.changed, landed.points, landed.params) == (0, 1, 2, 1)
    (mine,) = told_of(layout).values()
    assert (mine.state, mine.reason, mine.ended) == ("complete", None, BEGAN + 60)
    assert (mine.tags, mine.note) == (("income", "three", "two"), "other")
    assert [text for *_, text in mine.curves["loss"]] == ["1.0", "nan", "0.5", "-inf", "0.25"]
    assert mine.metrics == {"loss": 0.25, "late": 3.0, "auc": 0.9}
    assert check(Store(layout)).passed


def test_points_that_come_in_between_are_added_and_none_twice(layout: Layout) -> None:
    land(layout, run(curves=(curve("loss", [1, 2], 4),)))
    both = curve("loss", [8, 8, 9, 9, 1, 2])
    landed = land(layout, run(curves=(both,)))
    assert landed.points == 4
    (mine,) = told_of(layout).values()
    assert [step for step, *_ in mine.curves["loss"]] == [0, 1, 2, 3, 4, 5]
    assert land(layout, run(curves=(both,))).changed == 0


def test_the_last_value_is_the_peers_where_it_says_so(layout: Layout) -> None:
    told = run(curves=(curve("loss", [1, 2, 3]),), summary={"loss": 2.0})
    land(layout, told)
    assert next(iter(told_of(layout).values())).metrics == {"loss": 2.0}
    assert land(layout, told).changed == 0
    land(layout, replace(told, curves=(curve("loss", [1, 2, 3, 4]),)))
    assert next(iter(told_of(layout).values())).metrics == {"loss": 2.0}


def test_what_people_did_to_an_imported_run_stays(layout: Layout) -> None:
    land(layout, run())
    with Store(layout).session() as session:
        rename(session, "lauf", "mine")
        tag(session, ["mine"], "one", remove=True)
        note(session, "mine", "my own")
    assert land(layout, run()).changed == 0
    assert land(layout, run(params={"lr": 0.2})).changed == 1
    (mine,) = told_of(layout).values()
    assert (mine.name, mine.tags, mine.note) == ("mine", ("income", "two"), "my own")


def test_a_run_in_the_trash_is_not_brought_in_again(layout: Layout) -> None:
    land(layout, run())
    with Store(layout).session() as session:
        throw(session, outside(session, ["lauf"]))
    assert land(layout, run()).same == 1


def test_names_that_are_taken_get_a_number(layout: Layout) -> None:
    land(layout, *[run(str(number), name="x" * 99 + "#") for number in range(3)])
    names = sorted(told.name for told in told_of(layout).values())
    assert names == ["x" * 98 + "-2", "x" * 98 + "-3", "x" * 99 + "-"]
    with Store(layout).session() as session:
        assert find(session, names[0]).name == names[0]


def test_the_same_key_elsewhere_is_another_run(layout: Layout) -> None:
    first, second = Source("tensorboard", "/a"), Source("tensorboard", "/b")
    assert land(layout, run(), source=first).new == 1
    assert land(layout, run(), source=second).new == 1
    assert land(layout, run(), source=first).same == 1
    assert land(layout, run(), source=HERE).new == 1
    assert land(layout, run(), source=replace(HERE, place="/moved")).same == 1


def test_a_dry_run_counts_and_writes_nothing(layout: Layout) -> None:
    found: list[ForeignRun | Damaged | Skipped] = [run("a"), run("b")]
    found += [Damaged("file", "gone"), Skipped("deleted run", 3)]
    landed = land(layout, *found, dry=True)
    assert (landed.new, landed.points, landed.damaged) == (2, 8, ("file: gone",))
    assert landed.skipped == {"deleted run": 3}
    assert not layout.root.exists()
    land(layout, run("a"))
    size = layout.size()
    landed = land(layout, *found, dry=True)
    assert (landed.new, landed.same, landed.known_points) == (1, 1, 4)
    assert layout.size() == size


def test_what_runs_elsewhere_runs_here_while_it_is_followed(layout: Layout) -> None:
    with Landing(layout, HERE, live=True) as landing:
        landing.take([run(state="running", ended=None), run("k2")])
        states = {key: told.state for key, told in told_of(layout).items()}
        assert states == {"k1": "running", "k2": "complete"}
        landing.take(
            [run(state="running", ended=None, curves=(curve("loss", range(9)),)), run("k2")]
        )
    mine = told_of(layout)["k1"]
    assert (mine.state, mine.reason) == ("stopped", "was running in mlflow when last seen")
    assert mine.ended is not None
    assert check(Store(layout)).passed


def test_a_run_of_which_no_end_is_ever_written_runs_only_while_it_is_followed(
    layout: Layout,
) -> None:
    told = run(state="running", endless=True, ended=None)
    with Landing(layout, HERE, live=True) as landing:
        landing.take([told])
        assert told_of(layout)["k1"].state == "running"
    assert told_of(layout)["k1"].state == "stopped"
    land(layout, told)
    assert (told_of(layout)["k1"].state, told_of(layout)["k1"].reason) == ("complete", None)


def test_a_name_that_was_given_meanwhile_is_not_given_again(layout: Layout) -> None:
    with Landing(layout, HERE, live=True) as following:
        following.take([run("a", name="a")])
        land(layout, run("b", name="b"))
        following.take([run("c", name="b")])
    assert sorted(told.name for told in told_of(layout).values()) == ["a", "b", "b-2"]


HOSTILE = [
    "\x1b[31mred",
    "a\nb\r\n",
    "🚀" * 20,
    "x" * 10_000,
    "\ud800half",
    '"},{"e":',
    "  ",
    "system.x",
    "\u202e",
]


def test_hostile_names_and_values_land_safely(layout: Layout) -> None:
    odd = run(
        name="\x1b]0;x\x07\n@latest",
        params=dict.fromkeys(HOSTILE, "\x1b[31m\n" + "y" * 10_000),
        curves=tuple(curve(name, [1, 2]) for name in HOSTILE),
        summary={"n\nm": math.nan},
        tags=tuple(HOSTILE),
        attrs={name: {"a": [math.inf, name]} for name in HOSTILE},
        note="\ud83d\x00",
        reason="two\nlines",
        state="failed",
        started=-5.0,
        ended=math.inf,
    )
    landed = land(layout, odd)
    assert landed.points == 2 * len(HOSTILE)
    assert land(layout, odd).changed == 0
    (mine,) = told_of(layout).values()
    assert len(mine.curves) == len(mine.params) == len(HOSTILE)
    assert mine.name.isprintable()
    assert all(tag.isprintable() and len(tag) <= 100 for tag in mine.tags)
    assert (mine.reason, mine.started) == ("two lines", None)
    report = check(Store(layout))
    assert (report.passed, report.quarantined) == (True, 0)


ODD_ORIGINS: list[dict[str, Any]] = [
    {"git": {"commit": "--output=/tmp/x", "diff": {}, "changed": 3}, "command": "rm -rf"},
    {"git": "main", "machine": ["x"], "data": {"a": 1}, "environment": [], "command": [1, None]},
    {
        "machine": {"host": 7, "cores": "many"},
        "data": [],
        "overrides": 3,
        "seed": "s",
        "spec_folder": 1,
    },
]


@pytest.mark.parametrize("odd", ODD_ORIGINS)
def test_an_origin_that_is_none_harms_nobody(layout: Layout, odd: dict[str, Any]) -> None:
    land(layout, run("a", name="a", provenance=odd), run("b", name="b"))
    with Store(layout).session() as session:
        mine, other = detail(session, "a"), detail(session, "b")
    assert (mine.provenance["git"] or {}).get("commit") is None
    assert origin(mine.provenance, layout) is not None
    assert "rm" not in "".join(code_diff(layout, mine, other))
    assert again_lines(mine.run, mine.provenance)


def test_times_that_no_clock_shows_do_not_keep_the_points_out(layout: Layout) -> None:
    times = np.array([math.nan, -1.0, math.inf, 1e300, BEGAN])
    odd = Curve("loss", np.arange(5), times, np.arange(5.0))
    land(layout, run(curves=(odd,)))
    assert len(told_of(layout)["k1"].curves["loss"]) == 5
    assert land(layout, run(curves=(odd,))).changed == 0


def test_files_are_copied_once_and_never_from_or_to_elsewhere(
    layout: Layout, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "model.bin").write_bytes(b"12345")
    (there / "link").symlink_to("/etc/passwd")
    files = (
        Artifact("deep/model.bin", str(there / "model.bin"), 5),
        Artifact("link", str(there / "link"), None),
        Artifact("../../out", str(there / "model.bin"), 5),
        Artifact("/abs", str(there / "model.bin"), 5),
        Artifact("", "s3://bucket/x", None),
        Artifact("folder", str(there), None),
    )
    landed = land(layout, run(artifacts=files), copies=True)
    assert (landed.artifacts, landed.copied, len(landed.damaged)) == (6, 1, 5)
    with Store(layout).session() as session:
        known = detail(session, "lauf")
    folder = layout.artifacts(known.run.id)
    assert [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    ] == ["deep/model.bin"]
    assert known.imported is not None
    assert known.imported["artifacts"][0] == ["deep/model.bin", str(there / "model.bin"), 5]
    assert land(layout, run(artifacts=files), copies=True).copied == 0


def cut(layout: Layout, monkeypatch: pytest.MonkeyPatch, after: int, runs: list[ForeignRun]) -> int:
    """An import whose process is gone after so many bytes; the bytes it had to write."""
    written = 0
    append = SpoolWriter.append_lines

    class Gone(BaseException):
        pass

    def some(self: SpoolWriter, data: bytes) -> None:
        nonlocal written
        room = max(0, after - written)
        written += len(data)
        if len(data) <= room:
            append(self, data)
            return
        if room:
            append(self, data[:room])
        raise Gone

    with monkeypatch.context() as patched:
        patched.setattr(SpoolWriter, "append_lines", some)
        landing = Landing(layout, HERE)
        with contextlib.suppress(Gone):
            landing.take(runs)
    landing.__exit__(None, None, None)
    return written


def test_an_import_cut_anywhere_and_done_again_is_as_if_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run(f"k{number}", curves=(curve("loss", range(20)),)) for number in range(3)]
    once = Layout(tmp_path / "once")
    size = cut(once, monkeypatch, 1 << 40, runs)
    wanted = {key: replace(told, id="") for key, told in told_of(once).items()}
    for share in (0.01, 0.3, 0.6, 0.97, 0.999):
        twice = Layout(tmp_path / str(share))
        cut(twice, monkeypatch, int(size * share), runs)
        with Store(twice).session():
            pass
        land(twice, *runs)
        assert {key: replace(told, id="") for key, told in told_of(twice).items()} == wanted
        assert land(twice, *runs).changed == 0
    assert check(Store(twice)).passed
