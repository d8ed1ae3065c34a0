"""How names and texts are written in SQL: a name as it is or in double quotes, a text in single ones."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d]\w*")
_TAKEN = frozenset(
    re.findall(
        r"\w+",
        """
        all alter and any as asymmetric between call case connect_by_root create cross current_catalog
        current_date current_time current_timestamp current_user describe distinct drop else except execute
        explain false fetch for force from glob grant having if ilike inner insert install intersect
        interval into is join lambda lateral like localtime localtimestamp map not notnull null on only
        optimize or outer partitioned_by positional prepare qualify regexp rename reset returning revoke
        rlike rollback select session_user summarize symmetric tablesample then true uncache union using
        vacuum values when where with xor
        """,
    )
)
"""Words that the parser takes for something else than a name."""


def typed(name: str) -> str:
    """A name as it is to be typed; parts between dots are names of their own (`model.depth`)."""
    plain = all(_WORD.fullmatch(p) and p.lower() not in _TAKEN for p in name.split("."))
    return name if plain else '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text, where no parameter can stand."""
    return "'" + text.replace("'", "''") + "'"
