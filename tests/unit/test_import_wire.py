"""Protocol buffers and wandb's blocks: what is written comes back; garbage neither crashes the reader nor keeps it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.interop.unended import Broken
from cockpit.interop.wandb_files import records
from cockpit.interop.wire import Garbled, Message, signed, spans, varint
from tests.unit.event_bytes import message, number, run_file, single

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(NUMBERS)
def test_a_number_comes_back(value: int) -> None:
    data = b"x" + number(value) + b"y"
    found, end = varint(data, 1, len(data))
    assert (signed(found), data[end:]) == (value, b"y")


@given(NUMBERS, st.text(), st.floats(allow_nan=False), st.lists(st.binary(), max_size=3))
def test_a_message_comes_back(whole: int, text: str, real: float, blobs: list[bytes]) -> None:
    data = message((1, whole), (2000, text), (3, real), *((4, blob) for blob in blobs))
    found = Message(data + single(7, 0.5))
    assert found.integer(1) == whole
    assert found.text(2000) == text
    assert found.double(3) == real
    assert found.blobs(4) == blobs
    assert found.single(7) == 0.5
    assert 5 not in found
    assert (found.integer(5), found.text(5), found.double(5)) == (0, "", 0.0)


@given(st.binary(max_size=60))
def test_garbage_is_called_garbage_or_read_to_its_end(data: bytes) -> None:
    try:
        found = list(spans(data, 0, len(data)))
    except Garbled:
        with pytest.raises(Garbled):
            Message(data)
        return
    assert all(0 < start <= stop <= len(data) for _, _, start, stop in found)
    held = Message(data)
    for field, _, _, _ in found:
        # Whatever kind it is asked for, there is an answer.
        assert isinstance(held.text(field), str)
        assert isinstance(held.double(field), float)
        assert isinstance(held.integer(field), int)


def test_what_ends_after_its_message_is_refused() -> None:
    for data in (
        b"\x0a\x05abc",
        b"\x09abc",
        b"\x0d12",
        b"\x08",
        b"\x08" + b"\xff" * 11,
        b"\x0b",
        b"\x02\x00",
    ):
        with pytest.raises(Garbled):
            Message(data)


def test_repeated_numbers_may_be_packed() -> None:
    assert Message(message((7, 300), (7, number(1) + number(2)))).naturals(7) == [300, 1, 2]
    with pytest.raises(Garbled):
        Message(message((7, b"\xff"))).naturals(7)


def test_the_last_of_a_field_counts() -> None:
    assert Message(message((1, "a"), (1, "b"))).text(1) == "b"
    assert Message(struct.pack("<B", 8) + number(3) + b"\x08" + number(4)).natural(1) == 4


@given(st.lists(st.integers(0, 70_000), max_size=12), st.data())
def test_records_of_any_length_are_cut_out_of_their_blocks(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "run-x.wandb"
    content = [bytes([at]) * size for at, size in enumerate(sizes)]
    whole = run_file(content)
    path.write_bytes(whole)
    assert list(records(path)) == content
    size = data.draw(st.integers(7, len(whole)))
    path.write_bytes(whole[:size])
    found = list(records(path))
    kept = [one for one in found if isinstance(one, bytes)]
    assert kept == content[: len(kept)]
    assert len(kept) == sum(len(run_file(content[: n + 1])) <= size for n in range(len(content)))
    assert all(isinstance(one, Broken) for one in found[len(kept) :])
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    broken = [one for one in records(path) if isinstance(one, bytes)]
    assert broken == content[: len(broken)]
