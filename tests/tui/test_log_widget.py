"""The end of a log stays in sight, whatever grows, until somebody scrolls away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from cockpit.tui.theme import PALETTES
from cockpit.tui.widgets.log_tail import LogTail
from tests.tui.conftest import until

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.pilot import Pilot


class Logs(App[None]):
    CSS = "LogTail { height: 6; }"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return PALETTES[self.current_theme.dark]

    def compose(self) -> ComposeResult:
        yield LogTail()


def lines(count: int) -> tuple[str, ...]:
    return tuple(f"step {number}" for number in range(count))


def row(log: LogTail) -> int:
    return round(log.scroll_offset.y)


async def focused(pilot: Pilot[None], log: LogTail) -> None:
    log.focus()
    await until(pilot, lambda: log.has_focus and log.show_vertical_scrollbar)


async def to_the_start(pilot: Pilot[None], log: LogTail) -> None:
    await focused(pilot, log)
    await pilot.press("g")
    await until(pilot, lambda: log.scroll_y == 0)


async def test_the_last_line_is_seen_at_once_and_stays_so() -> None:
    app = Logs()
    async with app.run_test(size=(40, 10)):
        log = app.query_one(LogTail)
        for count in (3, 9, 40, 41, 7):
            log.show(lines(count))
            assert row(log) == max(0, count - 6), "before anything was painted in between"


async def test_a_smaller_window_still_shows_the_last_line() -> None:
    app = Logs()
    async with app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(LogTail)
        log.show(lines(5))
        log.styles.height = 2
        await until(pilot, lambda: log.size.height == 2)
        assert row(log) == 3
        log.styles.height = 4
        await until(pilot, lambda: log.size.height == 4)
        assert row(log) == 1


async def test_who_scrolls_up_is_left_alone_and_followed_again_from_the_end() -> None:
    app = Logs()
    async with app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(LogTail)
        log.show(lines(20))
        await focused(pilot, log)
        await pilot.press("k", "k")
        await until(pilot, lambda: row(log) == 12)
        log.show(lines(30))
        log.styles.height = 5
        await until(pilot, lambda: log.size.height == 5)
        assert row(log) == 12
        await pilot.press("G")
        await until(pilot, lambda: row(log) == 25)
        log.show(lines(31))
        assert row(log) == 26


async def test_the_log_of_another_run_is_looked_at_from_its_end() -> None:
    app = Logs()
    async with app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(LogTail)
        log.show(lines(20), "one")
        await to_the_start(pilot, log)
        log.show(lines(30), "one")
        assert row(log) == 0
        log.show(lines(30), "two")
        assert row(log) == 24


async def test_what_comes_on_the_way_to_the_end_is_followed_too() -> None:
    app = Logs()
    async with app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(LogTail)
        log.show(lines(90))
        await to_the_start(pilot, log)
        log.action_scroll_end()
        await until(pilot, lambda: log.scroll_target_y == 84)
        log.show(lines(91))
        assert row(log) == 85
        await pilot.wait_for_animation()
        log.show(lines(92))
        assert row(log) == 86
