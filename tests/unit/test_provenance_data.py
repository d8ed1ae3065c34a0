"""Data files are told by their content, and a file that stayed as it is is not read twice."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import cockpit.sweep.provenance.data as data
from cockpit.sweep.provenance.data import ChangedMeanwhile, Hashes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "store" / "hashes.json"


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file, long after it was written."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x\n1\n")
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    return path


def hashed(path: Path, cache: Path | None) -> str:
    hashes = Hashes(cache)
    found = hashes.data_file(path)
    hashes.save()
    return found.digest


def of(content: bytes) -> str:
    return f"blake3:{blake3(content).hexdigest()}"


def forge(cache: Path) -> None:
    """Have the cache remember something else, so that what comes from it can be told."""
    known = json.loads(cache.read_text())
    cache.write_text(json.dumps({path: [*entry[:-1], "forged"] for path, entry in known.items()}))


def test_a_file_that_stayed_as_it_is_is_not_read_again(rows: Path, cache: Path) -> None:
    assert hashed(rows, cache) == of(b"x\n1\n")
    forge(cache)
    assert hashed(rows, cache) == "forged"


def test_a_change_of_content_is_seen_though_size_and_mtime_were_put_back(
    rows: Path, cache: Path
) -> None:
    hashed(rows, cache)
    forge(cache)
    before = rows.stat()
    while rows.stat().st_ctime_ns == before.st_ctime_ns:  # many systems' clock stands still for ms
        rows.write_bytes(b"x\n2\n")
        os.utime(rows, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hashed(rows, cache) == of(b"x\n2\n")


def test_another_file_under_the_name_is_seen(rows: Path, cache: Path) -> None:
    hashed(rows, cache)
    forge(cache)
    other = rows.with_name("other.csv")
    other.write_bytes(b"y\n1\n")
    os.utime(other, ns=(rows.stat().st_atime_ns, rows.stat().st_mtime_ns))
    other.replace(rows)
    assert hashed(rows, cache) == of(b"y\n1\n")


def test_a_file_just_written_is_not_remembered(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "fresh.csv"
    path.write_bytes(b"x")
    hashed(path, cache)
    assert not cache.exists()


def test_a_file_from_the_future_is_not_remembered(rows: Path, cache: Path) -> None:
    os.utime(rows, (time.time() + 9e6, time.time() + 9e6))
    hashed(rows, cache)
    assert not cache.exists()


def test_a_file_that_is_written_to_while_it_is_read_has_no_digest(
    rows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = data._digest

    def digest_beside_a_writer(file: object, size: int) -> str:
        with rows.open("ab") as writer:
            writer.write(b"3\n")
        return whole(file, size)

    monkeypatch.setattr(data, "_digest", digest_beside_a_writer)
    with pytest.raises(ChangedMeanwhile, match="is being written to"):
        hashed(rows, cache)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff", b'{"x": [1, 2]}'])
def test_a_damaged_cache_is_no_cache(rows: Path, cache: Path, content: bytes) -> None:
    cache.parent.mkdir()
    cache.write_bytes(content)
    assert hashed(rows, cache) == of(b"x\n1\n")
    forge(cache)
    assert hashed(rows, cache) == "forged"


def test_a_cache_that_cannot_be_written_is_done_without(rows: Path, cache: Path) -> None:
    cache.parent.write_text("a file where the store's folder should be")
    assert hashed(rows, cache) == of(b"x\n1\n")


def test_more_files_than_are_kept_of_others_are_remembered_together(
    rows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "REMEMBERED", 2)
    files = [rows.with_name(f"{number}.csv") for number in range(5)]
    for file in files:
        file.write_bytes(b"x")
    for _ in range(2):
        hashes = Hashes(cache)
        found = [hashes.data_file(file).digest for file in files]
        hashes.save()
        forge(cache)
    assert found == ["forged"] * 5
    hashed(rows, cache)
    assert list(json.loads(cache.read_text())) == [str(path) for path in (*files[3:], rows)]


def test_two_writers_at_once_leave_a_whole_file(rows: Path, cache: Path) -> None:
    files = [rows.with_name(f"{n}.csv") for n in range(20)]
    for file in files:
        file.write_text(file.name)
    both = [
        threading.Thread(target=lambda half=half: [hashed(f, cache) for f in half])
        for half in (files[::2], files[1::2])
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    known = json.loads(cache.read_text())
    assert str(files[-1]) in known or str(files[-2]) in known
    assert all(entry[-1] == of(os.path.basename(path).encode()) for path, entry in known.items())
    assert [each.name for each in cache.parent.iterdir()] == [cache.name]


def test_a_large_file_has_the_same_digest_in_pieces(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "CHUNK", 1000)
    monkeypatch.setattr(data, "MANY_THREADS_FROM", 2000)
    content = bytes(range(256)) * 41
    (tmp_path / "large").write_bytes(content)
    assert hashed(tmp_path / "large", None) == of(content)


def test_an_empty_file_is_data_too(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert hashed(tmp_path / "empty", None) == of(b"")
