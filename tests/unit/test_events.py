"""Events and ids survive the way to a line of text and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from storage import events, ids
from storage.events import (
    BadLine,
    DatasetFacts,
    DatasetGrown,
    DatasetSeen,
    MetricLogged,
    ParamSet,
    PredictionsSeen,
    RunAttr,
    RunChanged,
    RunCreated,
    RunRestarted,
    decode,
    encode,
)
from storage.layout import Layout
from storage.store import Store

whole = st.integers(0, 2**60 - 1)
moment = st.floats(0, 4e9)
text = st.text(max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
event = st.one_of(
    st.builds(
        RunCreated, whole, st.none() | whole, st.none() | st.integers(0, 10**6), text, text, moment
    ),
    st.builds(ParamSet, whole, text, plain, text),
    st.builds(RunAttr, whole, st.sampled_from(["user", "system"]), text, plain),
    st.builds(MetricLogged, whole, text, st.integers(0, 2**62), moment, st.floats(allow_nan=False)),
    st.builds(RunRestarted, whole, st.integers(0, 99), moment),
    st.builds(DatasetSeen, text, text, text, whole, moment),
    st.builds(DatasetFacts, text, st.dictionaries(text, plain, max_size=3)),
    st.builds(
        DatasetGrown, text, text, text, st.none() | text, st.none() | whole, whole, text, moment
    ),
    st.builds(PredictionsSeen, whole, text, text, text, text, whole, st.lists(text), moment),
    st.builds(
        RunChanged,
        whole,
        st.fixed_dictionaries(
            {
                "state": text,
                "metrics": st.dictionaries(text, st.floats(allow_nan=False), max_size=3),
            }
        ),
    ),
)


@given(event)
def test_an_event_comes_back_as_it_was_written(written: events.Event) -> None:
    line = encode(written)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == written


@given(st.sampled_from([math.nan, math.inf, -math.inf]))
def test_numbers_that_json_lacks_survive_in_strict_json(value: float) -> None:
    line = encode(MetricLogged(1, "loss", 3, 1.0, value))
    json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    read = decode(line)
    assert isinstance(read, MetricLogged)
    assert repr(read.value) == repr(value)


@given(st.binary(max_size=60) | event.map(lambda e: encode(e)[:-3]))
def test_a_torn_or_garbage_line_is_told_apart_and_nothing_else_happens(line: bytes) -> None:
    try:
        decode(line)
    except BadLine as error:
        assert str(error)  # noqa: PT017 - any bytes may come; those that decode are fine too


@pytest.mark.parametrize(
    "body",
    [
        {"e": "run_changed", "run": 1, "changes": {"colour": "red"}},
        {"e": "run_changed", "run": 1, "changes": {"state": 7}},
        {"e": "run_changed", "run": 1, "changes": {"ended": 1e300}},
        {"e": "run_changed", "run": 1, "changes": {"values": ["much"]}},
        {"e": "run_changed", "run": 1, "changes": []},
        {"e": "metric", "run": 2**70, "name": "a", "step": 1, "time": 1.0, "value": 1.0},
        {"e": "metric", "run": 1, "name": "a", "step": 1.5, "time": 1.0, "value": 1.0},
        {"e": "metric", "run": 1, "name": "a", "step": 1, "time": 1.0},
        {"e": "surprise"},
        [],
    ],
)
def test_a_line_with_a_field_of_the_wrong_kind_is_refused(body: Any) -> None:
    with pytest.raises(BadLine):
        decode(json.dumps(body).encode())


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**33), 2**33)
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=6)
    | st.sampled_from(["NaN", "running", "user", "system", "study:metric_names", 10**400, "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@st.composite
def strange(draw: st.DrawFn) -> bytes:
    """A line with the fields of an event and hardly more sense; now and then a value of the right kind."""
    kind = draw(st.sampled_from(sorted(events._TYPES)))
    right = {
        "run": whole,
        "sweep": whole,
        "time": moment,
        "changes": st.dictionaries(
            st.sampled_from(sorted(set().union(*events.CHANGES.values()))), anything, max_size=3
        ),
    }
    body = {
        name: draw(anything | right.get(name, st.text(max_size=5))) for name in events._FIELDS[kind]
    }
    return json.dumps({"e": kind, **body}).encode() + b"\n"


OURS = 2**59 + 12_345


@settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a store takes minutes
)
@given(st.lists(strange(), min_size=20, max_size=60))
def test_no_line_whatever_it_says_keeps_readers_out(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    layout = Layout(tmp_path_factory.mktemp("strange") / ".cockpit")
    layout.create()
    lines += [b"[" * 100_000 + b"\n", encode(MetricLogged(OURS, "loss", 1, 1.0, 0.5))]
    (layout.spool / "00001-000000.ndjson").write_bytes(b"".join(lines))
    with Store(layout).session() as session:
        assert session.rows(f"select value from metrics where run = {OURS}") == [(0.5,)]
        assert session.rows("select count(*) > 0 from quarantine") == [(True,)]


def test_half_a_character_of_a_file_name_is_spelled_out() -> None:
    written = RunChanged(1, {"reason": "no such file: caf\udce9"})
    assert decode(encode(written)) == RunChanged(1, {"reason": "no such file: caf\\udce9"})


@given(whole)
def test_an_id_is_twelve_characters_and_back(identity: int) -> None:
    shown = ids.to_text(identity)
    assert len(shown) == 12
    assert ids.from_text(shown) == identity


@pytest.mark.parametrize("shown", ["", "abc", "ILOU00000000", "0123456789abc"])
def test_what_is_no_id_is_refused(shown: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        ids.from_text(shown)


def test_ids_of_one_writer_rise_and_their_first_characters_tell_them_apart() -> None:
    make = ids.IdMaker(7)
    made = [make() for _ in range(500)]
    assert made == sorted(set(made))
    assert len({ids.to_text(identity)[:5] for identity in made}) > 490
