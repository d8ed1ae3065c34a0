"""Which figures a gate may speak of, checked when cockpit.toml is read: metrics, KPIs, slices and facts."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from storage.expressions.gates import Gate, Name, Text, parse_gate
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

KPI, DRIFT = "kpi", "drift"
ROWS, CONTRACT = "n", "contract"
MEASURED = ("latency_p50_ms", "latency_p99_ms", "size_mb")
"""Of the bundle: the first two in milliseconds a row, the last in millions of bytes."""
DRIFTS = ("psi_max", "js_max", "ks_max")
"""The greatest effect over the features, by its name in cockpit.data.effects: of what the candidate was trained on
against the evaluation set (see cockpit.models.gates.training_data)."""
VERDICTS = ("passed", "broken", "none")
"""What a contract may be; `none` where no data has one."""
FACTS = (*MEASURED, CONTRACT, ROWS, *(f"{DRIFT}.{name}" for name in DRIFTS))


def checked_gate(text: str, kpis: Container[str], slices: Iterable[str]) -> Gate:
    """A gate that speaks of nothing unknown. Raises `FilterError`."""
    gate = parse_gate(text)
    known = list(slices)
    if gate.every and not known:
        raise FilterError("every slice: there is none yet; [slices] of cockpit.toml names them")
    for name in gate.holds.names():
        _check(name, kpis, known)
    if gate.every and not any(_of_slice(name) for name in gate.holds.names()):
        raise FilterError(
            "every slice: … needs a figure of each, as in recall >= 0.6; here is none"
        )
    _check_texts(gate)
    return gate


def metric_of(name: Name) -> str | None:
    """The metric or KPI that is meant, as a table of slices calls it; None for a fact."""
    if name.path[0] == KPI and len(name.path) > 1:
        return ".".join(name.path[1:])
    whole = ".".join(name.path)
    return None if whole in FACTS else whole


def is_kpi(name: Name) -> bool:
    return name.path[0] == KPI and len(name.path) > 1


def _of_slice(name: Name) -> bool:
    """Whether `every slice` has it once for each."""
    return name.slice is None and (metric_of(name) is not None or name.path == (ROWS,))


def _check(name: Name, kpis: Container[str], slices: list[str]) -> None:
    whole = ".".join(name.path)
    if name.slice is not None and name.slice not in slices:
        raise FilterError(f"there is no slice {name.slice!r}{_near(name.slice, slices)}")
    if is_kpi(name):
        wanted = metric_of(name)
        if wanted not in kpis:
            raise FilterError(f"there is no KPI {wanted!r}; [kpis] of cockpit.toml names them")
    elif whole in FACTS:
        if name.slice is not None and whole != ROWS:
            raise FilterError(f"{whole} is of the whole model, not of a slice")
        if name.incumbent and (whole == CONTRACT or name.path[0] == DRIFT):
            raise FilterError(f"{whole} is of the data; there is no incumbent.{whole}")
    else:
        _check_metric(whole, kpis)


def _check_metric(whole: str, kpis: Container[str]) -> None:
    from cockpit.evaluate.metrics import METRICS, UnknownMetric, find_metric

    try:
        find_metric(whole)
    except UnknownMetric:
        if whole in kpis:
            raise FilterError(f"{whole} is a KPI: write kpi.{whole}") from None
        hint = _near(whole, [*METRICS, *FACTS]) or f"; there are: {', '.join((*METRICS, *FACTS))}"
        raise FilterError(f"there is no figure {whole!r}{hint}") from None


def _check_texts(gate: Gate) -> None:
    sides = (gate.holds.left, gate.holds.right)
    texts = [side.value for side in sides if isinstance(side, Text)]
    contracts = [name for name in gate.holds.names() if name.path == (CONTRACT,)]
    if not texts and not contracts:
        return
    whole = contracts and any(side == contracts[0] for side in sides)
    if not (whole and len(texts) == 1):
        raise FilterError(f"{CONTRACT} alone is compared with a text: {CONTRACT} = 'passed'")
    if texts[0] not in VERDICTS:
        raise FilterError(f"a contract is {' or '.join(map(repr, VERDICTS))}, never {texts[0]!r}")


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def policy(model: str, on: str | None, gates: Mapping[str, str], more: Mapping[str, object]) -> str:
    """`sha256:…` of what a promotion is judged by: the gates, and the slices and KPIs they may speak of."""
    import hashlib
    import json

    told = {"model": model, "on": on, "gates": dict(gates), **more}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
