"""What a version rests on, and that force is never forgotten, however its alias moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import models
from storage.layout import Layout
from storage.models import NewVersion
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.session import Session

ONE, TWO = (
    NewVersion(f"sha256:{sign * 64}", sign * 12, f"sha256:{sign * 64}", {}) for sign in "12"
)


def moved(
    session: Session,
    to: NewVersion,
    expected: NewVersion | None,
    how: str,
    alias: str = "production",
) -> None:
    models.move(
        session,
        "income",
        alias,
        to,
        expected.digest if expected else None,
        how=how,
        who="ada",
        reason=how,
        evidence={"how": how},
    )


def test_a_version_rests_on_what_judged_it_last_not_on_a_rollback(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    with Store(layout).session() as session:
        moved(session, ONE, None, "promote")
        moved(session, TWO, ONE, "forced")
        moved(session, ONE, TWO, "rollback")
        rests = models.grounds(session, "income", ONE.digest)
        forced = models.grounds(session, "income", TWO.digest)
        assert rests is not None
        assert (rests.number, rests.how, rests.evidence) == (1, "promote", {"how": "promote"})
        assert forced is not None
        assert (forced.origin, forced.target, forced.how) == (1, 2, "forced")
        assert models.grounds(session, "income", "sha256:nothing") is None
        assert models.forced(session, "income") == {TWO.digest}
        (back,) = models.history(session, "income", limit=1)[0]
        moved(session, ONE, None, "promote", "shadow")
        later = models.grounds(session, "income", ONE.digest)
        assert later is not None
        assert later.alias == "shadow"
        assert models.grounds(session, "income", ONE.digest, back) == rests, "not what came after"
        moved(session, TWO, ONE, "promote")
        assert models.forced(session, "income") == {TWO.digest}, "it was once, and stays so"
        assert models.forced(session, "other") == frozenset()
