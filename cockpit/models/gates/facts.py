"""What a gate may ask of a whole model that no metric says: its size, how fast it is, its data's drift and contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.models.gates.judging import Fact
from cockpit.models.gates.syntax import CONTRACT, DRIFT
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.models.bundle import Bundle
    from cockpit.models.gates.training_data import Trained
    from cockpit.project.model import Project
    from storage.layout import Layout


class Facts:
    """Finds each fact once, when a gate asks for it."""

    def __init__(
        self,
        layout: Layout,
        project: Project,
        on: EvaluationSet,
        trained: Trained,
        bundles: Mapping[bool, Bundle | str],
    ) -> None:
        """`trained` are the candidate's data; `bundles` the candidate's and, under True, the incumbent's.

        In place of a bundle stands why there is none.
        """
        self._layout, self._project, self._on = layout, project, on
        self._trained, self._bundles = trained, bundles
        self._known: dict[tuple[str, bool], Fact] = {}

    def __call__(self, name: str, incumbent: bool) -> Fact:
        key = (name, incumbent)
        if key not in self._known:
            try:
                found = self._found(name, incumbent)
            except UserError as error:
                found = {name: Fact(None, str(error))}
            self._known |= {(each, incumbent): fact for each, fact in found.items()}
        return self._known[key]

    def _found(self, name: str, incumbent: bool) -> dict[str, Fact]:
        if name == CONTRACT:
            return {name: self._contract()}
        if name.startswith(f"{DRIFT}."):
            return {name: self._drift(name.removeprefix(f"{DRIFT}.").removesuffix("_max"))}
        bundle = self._bundles.get(incumbent, "there is no model")
        if isinstance(bundle, str):
            return {name: Fact(None, bundle)}
        if name == "size_mb":
            return {name: Fact(bundle.size_bytes / 1e6)}
        return _latency(bundle)

    def _contract(self) -> Fact:
        from cockpit.data.contract import check
        from cockpit.data.contracts import Data, on_rows, sentences
        from cockpit.data.versions import located

        kept: list[str] = []
        for version in (self._on.version, *self._trained.versions):
            table = self._project.data.get(version.name)
            if table is None or table.contract is None:
                continue
            kept.append(version.label)
            data = Data(version.label, located(self._layout, version), table, version.name)
            told = sentences(data, on_rows(lambda frame, of=table: check(frame, of), data))
            if told:
                return Fact("broken", " ".join(line.strip() for line in told))
        if not kept:
            return Fact("none", f"cockpit.toml has no contract for {self._on.version.name}")
        return Fact("passed", f"of {' and '.join(kept)}")

    def _drift(self, effect: str) -> Fact:
        """The greatest over the features of all data it was trained on, against the evaluation set."""
        from cockpit.models.gates.training_data import moved

        if not self._trained.versions:
            return Fact(None, self._trained.why)
        found = list(moved(self._layout, self._project, self._on, self._trained, effect))
        if not found:
            named = ", ".join(version.label for version in self._trained.versions)
            return Fact(None, f"{named} and {self._on.version.label} share no features")
        worst = max(found, key=lambda one: one.value)
        return Fact(worst.value, worst.note)


def _latency(bundle: Bundle) -> dict[str, Fact]:
    from cockpit.models.predicting import latency

    found = latency(bundle)
    note = f"{found.rows} rows, one by one"
    return {
        "latency_p50_ms": Fact(found.p50_ms, note),
        "latency_p99_ms": Fact(found.p99_ms, note),
    }
