"""Versions of datasets are counted, found by what people type, and know what they grew from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.datasets import DatasetNotFound, by_digest, find, versions
from storage.events import (
    DatasetFacts,
    DatasetGrown,
    DatasetSeen,
    Event,
    PredictionsSeen,
    RunCreated,
    encode,
)
from storage.ids import to_text
from storage.predictions import predictions
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout
    from storage.session import Session

STORY: list[Event] = [
    DatasetSeen("blake3:aaaa1", "eval", "old.parquet", 10, 1.0),
    DatasetSeen("blake3:bbbb2", "eval", "new.parquet", 20, 2.0),
    DatasetSeen("blake3:aaaa1", "eval", "back.parquet", 10, 3.0),
    DatasetSeen("blake3:aaaa1", "other", "old.parquet", 10, 4.0),
    DatasetFacts("blake3:bbbb2", {"rows": 7}),
    DatasetGrown("eval", "blake3:bbbb2", "blake3:aaaa1", "failed there", 11, 2, "x@v1", 2.0),
    RunCreated(11, None, None, "one", "complete", 1.0),
    PredictionsSeen(11, "eval", "blake3:aaaa1", "predictions/eval.json", "p1", 7, ["y_pred"], 5.0),
]


@pytest.fixture
def session(layout: Layout) -> Iterator[Session]:
    layout.create()
    (layout.spool / "00001-000000.ndjson").write_bytes(b"".join(map(encode, STORY)))
    with Store(layout).session() as session:
        yield session


def test_where_a_content_was_last_seen_counts_and_not_the_order_of_hearing_of_it(
    layout: Layout,
) -> None:
    """A file that went from A to B and back to A lies at A."""
    seen = [DatasetSeen("blake3:aaaa1", "x", path, 1, time) for path, time in
            (("A", 1.0), ("A", 5.0), ("B", 3.0), ("A", 2.0), ("A", 5.0), ("C", 4.0))]  # fmt: skip
    layout.create()
    (layout.spool / "00001-000000.ndjson").write_bytes(b"".join(map(encode, seen)))
    with Store(layout).session() as session:
        (found,) = versions(session)
        kept = session.rows("select path, epoch(time) from datasets order by path, time")
    assert (found.path, found.time.timestamp()) == ("A", 1.0)
    assert kept == [("A", 1.0), ("A", 5.0), ("B", 3.0), ("C", 4.0)]


def test_versions_are_counted_by_when_their_content_was_first_seen(session: Session) -> None:
    assert [(one.label, one.path, one.rows) for one in versions(session)] == [
        ("eval@v1", "back.parquet", None),
        ("eval@v2", "new.parquet", 7),
        ("other@v1", "old.parquet", None),
    ]
    growth = versions(session, "eval")[1].growth
    assert growth is not None
    assert (growth.parent, growth.run, growth.added) == ("blake3:aaaa1", to_text(11), 2)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("eval", "eval@v2"),
        ("eval@v1", "eval@v1"),
        ("eval@aaaa", "eval@v1"),
        ("eval@blake3:aaaa1", "eval@v1"),
        ("bbbb2", "eval@v2"),
    ],
)
def test_a_version_is_found_by_what_people_type(session: Session, text: str, label: str) -> None:
    assert find(session, text).label == label


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eval@v3", "there is eval@v1 to eval@v2"),
        ("nothing", "no dataset answers"),
        ("eval@aa", "there is no"),
    ],
)
def test_a_version_that_is_not_there_is_said_so(session: Session, text: str, said: str) -> None:
    with pytest.raises(DatasetNotFound, match=said):
        find(session, text)


def test_predictions_are_found_by_run_and_set(session: Session) -> None:
    (found,) = predictions(session, [to_text(11)], "eval")
    assert (found.evaluation, found.dataset, found.rows) == ("eval", "blake3:aaaa1", 7)
    assert found.path.name == "eval.json"
    assert predictions(session, [to_text(11)], "other") == ()
    assert predictions(session, [to_text(12)]) == ()
    assert set(by_digest(session, ["blake3:bbbb2", "blake3:none"])) == {"blake3:bbbb2"}
