"""How somebody who waits for a study of data is told how far it is, and ends it.

Between two steps a study says `watch.at(done, of, what)`; what is under way within a step goes on to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable


class Ended(UserError):
    """Somebody ended a study before it was done."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody who waits."""

    tell: Callable[[int, int, str], None] | None = None
    """Told the steps that are done, all steps, and what the next one is about."""
    cancelled: Callable[[], bool] | None = None
    """Whether it is to end."""

    def at(self, done: int, of: int, what: str) -> None:
        """The study is here. Raises `Ended` where it is to go no further."""
        if self.cancelled is not None and self.cancelled():
            raise Ended("ended before it was done")
        if self.tell is not None:
            self.tell(done, of, what)


UNWATCHED = Watch()
