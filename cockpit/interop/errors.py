"""What a user can set right about an import."""

from __future__ import annotations

from storage.errors import UserError


class NothingToImport(UserError):
    """What was named is no store of the peer's, or is not there."""
