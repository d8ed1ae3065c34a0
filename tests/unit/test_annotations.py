"""Tags, notes, pins and names are events: found at once, and there again when the tables are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from storage.annotate import AnnotationError, note, pin, rename, tag
from storage.care import restore
from storage.care.check import check
from storage.runs import Run, RunNotFound, find
from storage.store import Store
from tests.unit.stories import tell

if TYPE_CHECKING:
    from storage.layout import Layout


def cockpit(layout: Layout, *arguments: str) -> Any:
    return CliRunner().invoke(cli, [*arguments, "--store", str(layout.root)], standalone_mode=False)


def look(layout: Layout, text: str) -> Run:
    with Store(layout).session() as session:
        return find(session, text)


def test_what_was_added_is_there_and_outlives_the_tables(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        tag(session, ["income#1", "income#2"], "keep")
        tag(session, ["income#1"], "best so far")
        tag(session, ["income#2"], "keep", remove=True)
        note(session, "income#1", "two\nlines\x07")
        pin(session, ["income#1"])
        rename(session, "income#1", "the one")
        tag(session, ["the one"], "late")
    before = look(layout, "the one")
    assert (before.tags, before.note, before.pinned) == (
        ("best so far", "keep", "late"),
        "two\nlines",
        True,
    )
    assert look(layout, "income#2").tags == ()
    assert check(Store(layout)).passed
    restore(Store(layout), None)
    assert look(layout, "the one") == before


def test_a_later_change_stays_the_later_one(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        for text in ("first", "second", "third"):
            note(session, "income#1", text)
        pin(session, ["income#1"])
        pin(session, ["income#1"], False)
        note(session, "income#2", "gone")
        note(session, "income#2", "")
    restore(Store(layout), None)
    assert (look(layout, "income#1").note, look(layout, "income#1").pinned) == ("third", False)
    assert look(layout, "income#2").note is None


@pytest.mark.parametrize(
    "name", ["", " \t\n", "x" * 101, "income#7", "@latest", "income#2", "income", "\x1b\x07"]
)
def test_a_name_that_cannot_be_is_refused(layout: Layout, name: str) -> None:
    tell(layout)
    with Store(layout).session() as session, pytest.raises(AnnotationError):
        rename(session, "income#1", name)
    assert look(layout, "income#1").name == "income#1"


def test_a_name_belongs_to_one_run_only_and_its_own_may_be_given_again(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session:
        rename(session, "income#1", "the  one\n")
        rename(session, "the one", "the one")
        with pytest.raises(AnnotationError, match="is the name of run"):
            rename(session, "income#2", "the one")


def test_where_one_of_the_runs_is_unknown_none_is_changed(layout: Layout) -> None:
    tell(layout)
    with Store(layout).session() as session, pytest.raises(RunNotFound):
        tag(session, ["income#1", "nobody"], "keep")
    assert look(layout, "income#1").tags == ()


def test_the_commands_say_what_they_did(layout: Layout) -> None:
    tell(layout)
    assert cockpit(layout, "tag", "income#1", "income#2", "keep").output == (
        "income#1  +keep\nincome#2  +keep\n"
    )
    assert cockpit(layout, "tag", "income#2", "keep", "--remove").output == "income#2  -keep\n"
    assert "noted" in cockpit(layout, "note", "income#1", "hello").output
    assert "pinned" in cockpit(layout, "pin", "income#1").output
    assert "unpinned" in cockpit(layout, "unpin", "income#2").output
    assert "is now  the one" in cockpit(layout, "rename", "income#1", "the one").output
    found = look(layout, "the one")
    assert (found.tags, found.note, found.pinned) == (("keep",), "hello", True)


def test_a_note_comes_from_the_editor_and_is_kept_where_nothing_is_saved(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(layout)
    monkeypatch.setattr("cockpit.cli.note.has_terminal", lambda: True)
    monkeypatch.setattr("click.edit", lambda before, extension: f"{before}written\n")
    assert "noted" in cockpit(layout, "note", "income#1").output
    monkeypatch.setattr("click.edit", lambda before, extension: None)
    assert "nothing was written" in cockpit(layout, "note", "income#1").output
    assert look(layout, "income#1").note == "written"
