"""What can be wrong with making a run again."""

from __future__ import annotations

from storage.errors import UserError


class RerunError(UserError):
    """A run cannot be made again; the message says why, and what could be done."""
