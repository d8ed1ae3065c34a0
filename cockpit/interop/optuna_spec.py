"""A spec drafted from a study, for going on with it as a sweep. Pure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from cockpit.interop.optuna_studies import distribution_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optuna.distributions import BaseDistribution

    from cockpit.interop.optuna_landing import StudyLanded

MORE = 50
"""Trials that are added to those there are."""


def drafted(landed: StudyLanded) -> str:
    """TOML that `cockpit sweep FILE --resume` takes, once the code it is to run is named.

    Params are declared where all trials had them, and always of one kind; one that only some had (a search
    space with conditions) can be suggested by the code alone, and then none is declared.
    """
    return "\n".join((*_sweep(landed), "", *_run(), "", *_params(landed))) + "\n"


def _sweep(landed: StudyLanded) -> Iterator[str]:
    yield f"# Goes on with the study {_text(landed.study.name)} of Optuna: cockpit sweep THIS_FILE --resume"
    yield ""
    yield "[sweep]"
    yield f"name = {_text(landed.sweep)}"
    yield f"metric = {_one_or_list(landed.metrics)}"
    yield f"direction = {_one_or_list(landed.study.directions)}"
    there = max(landed.there, landed.trials)
    yield f"trials = {there + MORE}          # {there} are there"


def _run() -> Iterator[str]:
    yield "[run]"
    yield 'function = "train.py:objective" # your file, and the function that gets the trial'


def _params(landed: StudyLanded) -> Iterator[str]:
    by_name: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for (name, text), times in landed.drawn.items():
        by_name.setdefault(name, []).append(text)
        counts[name] = counts.get(name, 0) + times
    most = max(counts.values(), default=0)
    some = sorted(name for name, times in counts.items() if times < most)
    tables = {name: _table(distribution_of(texts[-1])) for name, texts in by_name.items()}
    odd = sorted(name for name, table in tables.items() if table is None)
    if some or odd or not tables:
        if some:
            yield f"# Not all trials had {', '.join(map(_text, some))}:"
        if odd:
            yield f"# No spec can declare {', '.join(map(_text, odd))}:"
        yield "# so nothing is declared here; the function is to ask trial.suggest_float and so on, as it did."
        return
    yield "[params]                    # or leave this out, and let the function suggest them"
    for name, table in tables.items():
        inner = ", ".join(f"{key} = {value}" for key, value in (table or {}).items())
        yield f"{_key(name)} = {{ {inner} }}"


def _table(distribution: BaseDistribution) -> Mapping[str, str] | None:
    """None where [params] has no such thing, as null among the choices."""
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        same = len({*choices}) < len(choices)  # 1, 1.0 and true are one
        if same or any(map(_is_no_toml, choices)):
            return None
        if choices == (False, True):
            return {"type": '"bool"'}
        return {"type": '"categorical"', "choices": f"[{', '.join(map(_value, choices))}]"}
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        return None
    kind = '"float"' if isinstance(distribution, FloatDistribution) else '"int"'
    table = {"type": kind, "low": _value(distribution.low), "high": _value(distribution.high)}
    if distribution.log:
        table["log"] = "true"
    if distribution.step is not None and not (kind == '"int"' and distribution.step == 1):
        table["step"] = _value(distribution.step)
    return table


def _is_no_toml(choice: Any) -> bool:
    return choice is None or (isinstance(choice, float) and not math.isfinite(choice))


def _one_or_list(texts: tuple[str, ...]) -> str:
    return _text(texts[0]) if len(texts) == 1 else f"[{', '.join(map(_text, texts))}]"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)
