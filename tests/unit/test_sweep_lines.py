"""The few lines that a sweep is shown in below the prompt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit.cli.sweep_lines import FAREWELL, Line, picture, seated, sentence
from cockpit.format import plain
from storage.runs import Run
from storage.sweeps import Sweep

THEN = datetime(2026, 1, 2, tzinfo=UTC)


def a_run(number: int, state: str = "running", **more: object) -> Run:
    run = Run(
        id=f"run{number:09}",
        name=f"s#{number}",
        sweep="s",
        number=number,
        state=state,
        reason=None,
        params={"lr": 0.08214, "depth": 6},
        metrics={"auc": 0.5},
        step=80,
        started=THEN,
        seconds=10.0,
    )
    return replace(run, **more)  # type: ignore[arg-type]  # fields by name


def a_sweep(**more: object) -> Sweep:
    sweep = Sweep(
        id="sweep0000000",
        name="s",
        state="running",
        reason=None,
        metrics=("auc",),
        directions=("maximize",),
        trials=30,
        counts={"complete": 11, "pruned": 6, "failed": 1, "running": 2},
        best=a_run(17, "complete", metrics={"auc": 0.9312}),
        baseline=a_run(0, "complete", metrics={"auc": 0.9191}, baseline=True),
        workers=2,
        sampler="tpe",
        pruner=None,
        seed=7,
        started=THEN,
        seconds=36.0,
        driver={},
    )
    return replace(sweep, **more)  # type: ignore[arg-type]


def text(line: Line) -> str:
    return "".join(part.text for part in line)


def test_it_tells_how_far_it_is_the_best_so_far_and_what_runs() -> None:
    shown = picture(a_sweep(), (a_run(22), a_run(23)), 200)
    assert [text(line) for line in shown] == [
        "● s running  18/30  ━━━━━━━━━━━━━━──────────  ✓ 11  ✂ 6  ✗ 1  ETA 24s",
        "  best auc 0.9312 ▲ (#17)  +0.0121 over the baseline  lr 0.08214  depth 6",
        "  ● #22  step 80  auc 0.5000  lr 0.08214  depth 6",
        "  ● #23  step 80  auc 0.5000  lr 0.08214  depth 6",
        f"  {FAREWELL}",
    ]


def test_what_has_ended_has_neither_trials_nor_keys_but_its_reason() -> None:
    ended = a_sweep(state="stopped", reason="asked to", counts={"complete": 2})
    shown = [text(line) for line in picture(ended, (None, None), 200)]
    assert len(shown) == 3
    assert shown[0].endswith("took 36s")
    assert shown[2] == "  asked to"


def test_a_store_that_cannot_be_read_says_so_where_the_keys_stand() -> None:
    *_, last = picture(a_sweep(), (), 200, trouble="The store is held.")
    assert text(last) == "  The store is held."


def test_the_plain_line_stays_the_same_until_a_trial_has_ended() -> None:
    before = sentence(a_sweep(seconds=36.0))
    assert before == "s running  18/30  ✓ 11  ✂ 6  ✗ 1  best auc 0.9312 (#17)"
    assert sentence(a_sweep(seconds=99.0)) == before
    assert sentence(a_sweep(counts={"complete": 12})) != before


def test_a_trial_keeps_its_line_while_it_runs() -> None:
    seats = seated((), [a_run(5), a_run(4)], 2)
    assert [run and run.number for run in seats] == [4, 5]
    seats = seated(seats, [a_run(6), a_run(5)], 2)
    assert [run and run.number for run in seats] == [6, 5]
    seats = seated(seats, [a_run(5)], 3)
    assert [run and run.number for run in seats] == [None, 5, None]


def test_a_seat_is_not_for_two() -> None:
    assert [run and run.number for run in seated((), [a_run(n) for n in range(9)], 3)] == [0, 1, 2]


@given(st.text(), st.text(), st.integers(8, 120))
def test_no_name_widens_a_line_or_reaches_the_terminal(name: str, param: str, width: int) -> None:
    run = replace(a_run(3), name=name, number=None, params={param: param}, metrics={name: 0.5})
    sweep = a_sweep(name=name, metrics=(name,), best=run, reason=param)
    for state in ("running", "failed"):
        for line in picture(replace(sweep, state=state), (run, None), width, trouble=param):
            assert cell_len(text(line)) <= width
            assert plain(text(line)) == text(line)
    assert plain(sentence(sweep)) == sentence(sweep)
