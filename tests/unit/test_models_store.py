"""Versions, aliases and their history: what stands in the store, at every moment, whoever reads it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import models
from storage.care.check import check
from storage.events import RunCreated, RunDeleted
from storage.ids import IdMaker, from_text, to_text
from storage.layout import Layout
from storage.models import AliasTaken, Model, ModelNotFound, Move, NewVersion, NothingBefore
from storage.sandbox import ask
from storage.spool import SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from storage.session import Session


def a_run(layout: Layout) -> str:
    run = IdMaker(1)()
    writer = SpoolWriter(layout)
    writer.append(RunCreated(run, None, None, "train", "complete", 1.0))
    writer.close()
    return to_text(run)


def version(run: str, name: str) -> NewVersion:
    content = {"run": run, "name": "train", "rules": []}
    return NewVersion(f"sha256:{name * 8}", run, f"sha256:{name}b", content)


def move(session: Session, to: NewVersion, alias: str = "production", how: str = "promote") -> Move:
    here = models.live(session, "income", alias)
    return models.move(
        session,
        "income",
        alias,
        to,
        here.digest if here else None,
        how=how,
        who="ada@lab",
        reason=None,
        evidence={"to": to.digest},
    )


@pytest.fixture
def run(layout: Layout) -> str:
    return a_run(layout)


def test_versions_are_counted_as_they_come_and_each_once(layout: Layout, run: str) -> None:
    with Store(layout).session() as session:
        first = move(session, version(run, "aaaa"))
        move(session, version(run, "bbbb"))
        again = move(session, version(run, "aaaa"))
        found = models.versions(session, "income")
    assert [(one.label, one.digest) for one in found] == [
        ("income@v2", f"sha256:{'bbbb' * 8}"),
        ("income@v1", f"sha256:{'aaaa' * 8}"),
    ]
    assert (first.origin, first.target, again.origin, again.target) == (None, 1, 2, 1)
    assert found[0].run == run
    assert found[0].time is not None
    assert abs(found[0].time - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_version_is_found_by_alias_number_and_digest(layout: Layout, run: str) -> None:
    with Store(layout).session() as session:
        move(session, version(run, "aaaa"), "candidate")
        move(session, version(run, "bbbb"))
        for text in ("income@production", "income@v2", "income@bbbb", "income@sha256:bbbbbb"):
            assert models.find(session, text).number == 2, text
        assert models.find(session, "income@candidate").number == 1
        (found,) = models.models(session)
    assert isinstance(found, Model)
    assert (found.name, found.versions, found.moves) == ("income", 2, 2)
    assert {one.alias: one.target for one in found.aliases} == {"candidate": 1, "production": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("income@shadow", "income has no 'shadow'; it has production, v1"),
        ("income@v9", "income has no 'v9'; it has production, v1"),
        ("incme@v1", "there is no model 'incme'; did you mean income?"),
        ("income", "which version of 'income'? write income@production"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    layout: Layout, run: str, text: str, said: str
) -> None:
    with Store(layout).session() as session:
        move(session, version(run, "aaaa"))
        with pytest.raises(ModelNotFound) as caught:
            models.find(session, text)
    assert said in str(caught.value)


def test_an_alias_that_was_moved_meanwhile_is_not_moved_again(layout: Layout, run: str) -> None:
    with Store(layout).session() as session:
        move(session, version(run, "aaaa"))
        with pytest.raises(AliasTaken, match=r"ada@lab moved production of income to income@v1"):
            models.move(
                *(session, "income", "production", version(run, "bbbb"), None),
                how="promote",
                who="bob",
                reason=None,
                evidence={},
            )
        assert models.count(session, "income") == 1
        assert models.history(session, "income")[1] == 1


def test_of_two_at_the_same_moment_one_wins_and_the_other_is_told(layout: Layout, run: str) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def promote(name: str) -> None:
        start.wait()
        try:
            with Store(layout).session(timeout=30) as session:
                models.move(
                    *(session, "income", "production", version(run, name), None),
                    how="promote",
                    who=name,
                    reason=None,
                    evidence={},
                )
            outcomes.append(name)
        except AliasTaken:
            outcomes.append("told")

    threads = [
        threading.Thread(target=promote, args=(name,)) for name in ("aaaa", "bbbb", "cccc", "dddd")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("told") == 3
    with Store(layout).session() as session:
        winner = models.live(session, "income", "production")
        assert winner is not None
        assert winner.digest == f"sha256:{next(n for n in outcomes if n != 'told') * 8}"
        assert models.count(session, "income") == 1


@settings(max_examples=12)
@given(steps=st.lists(st.sampled_from(["a", "b", "c", "back"]), min_size=1, max_size=8))
def test_rolling_back_goes_through_what_was_there_before(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    layout = Layout(tmp_path_factory.mktemp("store") / ".cockpit")
    layout.create()
    run = a_run(layout)
    pile: list[str] = []
    with Store(layout).session() as session:
        for step in steps:
            if step != "back":
                if not pile or pile[-1] != step:
                    move(session, version(run, step * 4))
                    pile.append(step)
            elif len(pile) > 1:
                digest = models.before(session, "income", "production")
                assert digest == f"sha256:{pile[-2] * 32}"[: len(digest)]
                target = models.by_digest(session, "income", digest)
                assert target is not None
                here = models.live(session, "income", "production")
                assert here is not None
                models.move(
                    *(session, "income", "production", target, here.digest),
                    how="rollback",
                    who="ada",
                    reason=None,
                    evidence={},
                )
                pile.pop()
            else:
                with pytest.raises(NothingBefore):
                    models.before(session, "income", "production")
        here = models.live(session, "income", "production")
    assert (here.digest if here else None) == (f"sha256:{pile[-1] * 32}" if pile else None)


def test_what_an_alias_meant_is_known_for_every_moment(layout: Layout, run: str) -> None:
    with Store(layout).session() as session:
        moves = [move(session, version(run, name)) for name in ("aaaa", "bbbb", "cccc", "aaaa")]
        before = moves[0].time - timedelta(microseconds=1)
        assert models.aliases(session, "income", before) == ()
        for one in moves:
            (found,) = models.aliases(session, "income", one.time)
            assert (found.target, found.evidence) == (one.target, one.evidence)
            (found,) = models.aliases(session, "income", one.time + timedelta(microseconds=1))
            assert found.number >= one.number
        listed, total = models.history(session, "income", limit=2)
    assert total == 4
    assert [one.number for one in listed] == [4, 3]


def test_the_trail_outlives_the_run_and_comes_out_the_same_from_the_spools(
    layout: Layout, run: str
) -> None:
    with Store(layout).session() as session:
        move(session, version(run, "aaaa"))
        move(session, version(run, "bbbb"), how="forced")
    writer = SpoolWriter(layout)
    writer.append(RunDeleted(from_text(run), None, None))
    writer.close()
    with Store(layout).session() as session:
        assert models.find(session, "income@production").run == run
        assert [one.how for one in models.history(session, "income")[0]] == ["forced", "promote"]
    assert ask(layout, "select version, run from models order by 1").frame.rows() == [
        (1, run),
        (2, run),
    ]
    assert check(Store(layout)).differences == ()


def test_the_views_tell_every_move(layout: Layout, run: str) -> None:
    with Store(layout).session() as session:
        move(session, version(run, "aaaa"))
        move(session, version(run, "bbbb"))
    found = ask(
        layout, "select alias, from_version, to_version, how, who from promotions order by number"
    )
    assert found.frame.rows() == [
        ("production", None, 1, "promote", "ada@lab"),
        ("production", 1, 2, "promote", "ada@lab"),
    ]
