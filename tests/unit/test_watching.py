"""Studies of data say how far they are, and end where somebody wants them to."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from cockpit.cli import watching as lines
from cockpit.data import profile as profiling
from cockpit.data.contract import check
from cockpit.data.diff import diff
from cockpit.data.drift import drift
from cockpit.data.leaks import leaks_of
from cockpit.data.profile import profile
from cockpit.data.watching import UNWATCHED, Ended, Watch
from cockpit.project.model import Contract, DataTable

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = pl.DataFrame(
    {
        "id": range(200),
        "age": [n * 7 % 60 for n in range(200)],
        "city": ["Rome", "Paris"] * 100,
        "rich": [n * n % 3 for n in range(200)],
    }
)
TABLE = DataTable(
    path="",
    key=("id",),
    target="rich",
    contract=Contract.model_validate({"columns": {"age": {"max": 90, "unique": True}}}),
)
STUDIES: dict[str, Callable[[Watch], object]] = {
    "profile": lambda watch: profile(ROWS.lazy(), watch=watch),
    "streamed profile": lambda watch: profile(ROWS.lazy(), 1 << 40, watch=watch),
    "diff by key": lambda watch: diff(ROWS.lazy(), ROWS.lazy(), ["id"], watch),
    "diff by place": lambda watch: diff(ROWS.lazy(), ROWS.lazy(), (), watch),
    "drift": lambda watch: drift(ROWS.lazy(), ROWS.lazy(), watch=watch),
    "check": lambda watch: check(ROWS.lazy(), TABLE, watch=watch),
    "leaks": lambda watch: leaks_of(ROWS.lazy(), TABLE, watch),
}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_tells_its_steps_and_ends_at_any_of_them(
    study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "FEWEST_ROWS", 50)
    told: list[tuple[int, int, str]] = []
    whole = STUDIES[study](Watch(lambda *step: told.append(step)))
    assert whole == STUDIES[study](UNWATCHED), "who watches changes nothing"
    assert len(told) >= 3
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert all(0 <= done <= of and what for done, of, what in told)
    for most in range(len(told)):
        more = Patience(most)
        with pytest.raises(Ended):
            STUDIES[study](more.watch)
        assert more.told == most, "nothing is told after that"


class Patience:
    """Somebody who has enough after so many steps."""

    def __init__(self, most: int) -> None:
        self.told = 0
        self.watch = Watch(self._tell, lambda: self.told >= most)

    def _tell(self, done: int, of: int, what: str) -> None:
        self.told += 1


class Terminal(io.StringIO):
    """A stderr that is one."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_long_study_has_a_line_that_goes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LONG", 0.0)
    monkeypatch.setattr(lines, "BETWEEN", 0.0)
    monkeypatch.setattr(sys, "stderr", stderr := Terminal())
    with lines.watched("reading people@v1") as watch:
        watch.at(1, 4, "age\x1b[31m")
        watch.at(2, 4, "city")
    assert "reading people@v1  25%  age" in stderr.getvalue()
    assert "\x1b[31m" not in stderr.getvalue()
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_a_short_study_says_nothing_nor_one_whose_stderr_is_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr := Terminal())
    with lines.watched("reading people@v1") as watch:
        watch.at(1, 4, "age")
    assert stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with lines.watched("reading people@v1") as watch:
        assert watch is UNWATCHED
