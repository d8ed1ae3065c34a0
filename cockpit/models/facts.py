"""What a gate may ask of a whole model that no metric says: its size, how fast it is, its data's drift and contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.models.gate_syntax import CONTRACT, DRIFT
from cockpit.models.gates import Fact
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.models.bundle import Bundle
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout


class Facts:
    """Finds each fact once, when a gate asks for it."""

    def __init__(
        self,
        layout: Layout,
        project: Project,
        on: EvaluationSet,
        trained_on: tuple[Version, ...],
        bundles: Mapping[bool, Bundle | str],
    ) -> None:
        """`trained_on` are the candidate's data; `bundles` the candidate's and, under True, the incumbent's.

        In place of a bundle stands why there is none.
        """
        self._layout, self._project, self._on = layout, project, on
        self._trained_on, self._bundles = trained_on, bundles
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

        some = False
        for version in (self._on.version, *self._trained_on):
            table = self._project.data.get(version.name)
            if table is None or table.contract is None:
                continue
            some = True
            data = Data(version.label, located(self._layout, version), table, version.name)
            told = sentences(data, on_rows(lambda frame, of=table: check(frame, of), data))
            if told:
                return Fact("broken", " ".join(line.strip() for line in told))
        return Fact("passed") if some else Fact("none", "no data of it have a contract")

    def _drift(self, effect: str) -> Fact:
        """The greatest over the features of all data it was trained on, against the evaluation set."""
        found = list(self._drifts(effect))
        if not found:
            return Fact(None, "nothing says which data it was trained on")
        value, column, label = max(found)
        return Fact(value, f"{column}, {label} against {self._on.version.label}")

    def _drifts(self, effect: str) -> Iterator[tuple[float, str, str]]:
        from cockpit.data.contract import features_of
        from cockpit.data.drift import drift
        from cockpit.data.versions import open_version

        table = self._project.data.get(self._on.version.name)
        there = self._on.frame.columns
        features = set(features_of(table, there) if table else there)
        features -= {self._on.target, *self._on.key}
        for version in self._trained_on:
            old = open_version(self._layout, version)
            shared = [name for name in old.collect_schema().names() if name in features]
            if not shared:
                continue
            for column in drift(old, self._on.frame.lazy(), columns=shared).columns:
                if (measured := column.effect(effect)) is not None:
                    yield measured.value, column.name, version.label


def _latency(bundle: Bundle) -> dict[str, Fact]:
    from cockpit.models.predicting import latency

    found = latency(bundle)
    note = f"{found.rows} rows, one by one"
    return {
        "latency_p50_ms": Fact(found.p50_ms, note),
        "latency_p99_ms": Fact(found.p99_ms, note),
    }
