"""What the end of an attempt means for its run."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cockpit.sweep.executors.seam import Outcome
from cockpit.sweep.outcome import judge


@pytest.mark.parametrize(
    "state, told",
    [
        ("timeout", "timeout"),
        ("oom", "oom"),
        ("failed", "failed"),
        ("lost", "lost"),
        ("pruned", "pruned"),
        ("cancelled", "stopped"),
    ],
)
def test_each_way_to_end_is_a_state_of_its_own(state: Any, told: str) -> None:
    verdict = judge(Outcome(state, reason="why"), ["auc"])
    assert (verdict.state, verdict.values, verdict.reason) == (told, None, "why")


def test_a_pruned_command_keeps_what_it_measured() -> None:
    verdict = judge(Outcome("pruned", {"auc": 0.5}), ["auc"])
    assert (verdict.state, verdict.values, verdict.metrics) == ("pruned", None, {"auc": 0.5})


@pytest.mark.parametrize(
    "values, reason",
    [
        ({"loss": 1.0}, "printed no 'auc', which the sweep asks for, but loss"),
        ({}, "printed no 'auc', which the sweep asks for, but nothing"),
        ({"auc": math.nan}, "printed NaN for 'auc'"),
        ((1.0, 2.0), "printed 2 values, and the sweep has 1: auc"),
        (None, "printed 0 values, and the sweep has 1: auc"),
    ],
)
def test_what_is_missing_is_said(values: Any, reason: str) -> None:
    verdict = judge(Outcome("complete", values), ["auc"], "printed")
    assert (verdict.state, verdict.values, verdict.reason) == ("failed", None, reason)


def test_values_come_in_the_objectives_order() -> None:
    verdict = judge(Outcome("complete", {"ms": 3.0, "auc": 0.5, "more": 1.0}), ["auc", "ms"])
    assert (verdict.state, verdict.values) == ("complete", (0.5, 3.0))
    assert verdict.metrics["more"] == 1.0
