"""A version's rules as its export carries them: the texts, and what ruling.py makes of them without cockpit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cockpit.models.safety import BundleError, BundleRefused
from storage.expressions.comparisons import NotPlain, comparisons
from storage.expressions.fallbacks import parse_fallback
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cockpit.models.bundle import Bundle
    from storage.expressions.fallbacks import Fallback
    from storage.models import Version

RULES = "rules.json"
_KINDS = {"int": "number", "float": "number", "bool": "number"}
_LONGEST = 1 << 20


def rules_of(version: Version) -> tuple[str, ...]:
    """The rules that belong to a version."""
    return tuple(map(str, version.content.get("rules") or ()))


def rules_as_json(rules: Sequence[str], bundle: Bundle) -> str:
    """What `rules.json` holds. Raises `BundleError` where a rule is more than ruling.py can carry out.

    Of a model that is not in ONNX there is no loader, and the texts alone.
    """
    told: dict[str, Any] = {"bundle": bundle.digest, "rules": list(rules)}
    if "onnx" in bundle.signature.formats:
        told |= _plain(rules, bundle)
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def read_rules(place: Path, bundle: Bundle) -> tuple[str, ...]:
    """The rules beside the folder of an exported bundle; none where there is no such file. Raises `BundleRefused`."""
    path = place.parent / RULES
    if not path.is_file():
        return ()
    try:
        if path.stat().st_size > _LONGEST:
            raise ValueError(f"{path.stat().st_size:,} bytes")
        told = json.loads(path.read_text("utf-8"))
        rules, digest = tuple(map(str, told["rules"])), told["bundle"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleRefused(f"{path} cannot be understood: {error}") from None
    if digest != bundle.digest:
        raise BundleRefused(f"the rules in {path} are those of another model")
    return rules


def _plain(rules: Sequence[str], bundle: Bundle) -> dict[str, Any]:
    signature = bundle.signature
    plain: list[Any] = []
    for text in rules:
        try:
            rule = parse_fallback(text)
            condition = comparisons(rule.condition)
        except NotPlain as error:
            raise BundleError(
                f"the rule {text!r} cannot be carried out without cockpit: {error.sentence}; --without-rules "
                "leaves the rules out, and whoever uses the folder has to answer for them"
            ) from None
        except FilterError as error:
            raise BundleError(f"the rule {text!r} cannot be understood: {error.sentence}") from None
        plain.append([condition, _place(rule, bundle)])
    kinds = {column.name: _KINDS.get(column.type, "text") for column in signature.columns}
    kinds["y_pred"] = {"binary": "code", "multiclass": "text"}.get(signature.task, "number")
    kinds["y_score"] = "number"
    named = set(_columns([condition for condition, _ in plain]))
    if strange := sorted(named - kinds.keys()):
        raise BundleError(
            f"a rule speaks of {strange[0]!r}, which the model does not take; --without-rules leaves the rules out"
        )
    return {
        "plain": plain,
        "kinds": {name: kinds[name] for name in sorted(named)},
        "columns": sorted(named - {"y_pred", "y_score"}),
        "classes": list(signature.classes),
        "positive": signature.positive,
    }


def _place(rule: Fallback, bundle: Bundle) -> float:
    """The amount that is answered, or the place of the label among the model's classes."""
    from cockpit.models.rules import answer_of

    signature = bundle.signature
    if signature.task == "regression":
        return answer_of(rule, signature.task, ())
    labels = list(signature.classes)
    if signature.task == "binary":
        labels.sort(key=lambda label: bool(label == signature.positive))
    return signature.classes.index(labels[int(answer_of(rule, signature.task, labels))])


def _columns(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        if len(part) == 2 and part[0] == "column" and isinstance(part[1], str):
            yield part[1]
        else:
            for one in part:
                yield from _columns(one)
