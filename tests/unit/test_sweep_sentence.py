"""The last line of a sweep: what it found, and what that is worth beside the baseline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.sweeping import sentence
from cockpit.sweep.listener import Summary
from cockpit.sweep.spec import load_spec
from cockpit.sweep.trials import Settled

if TYPE_CHECKING:
    from pathlib import Path


def ended(folder: Path, auc: float, beside: float, ms: float = 1.0) -> str:
    (folder / "train.py").write_text("def train(trial): ...\n")
    (folder / "sweep.toml").write_text(
        '[sweep]\nmetric = "auc"\ndirection = "maximize"\nconstraints = ["ms <= 20"]\n'
        '[run]\nfunction = "train.py:train"\n'
    )

    def settled(number: int, value: float, ms: float) -> Settled:
        metrics = {"auc": value, "ms": ms}
        return Settled("r", number, "complete", {}, metrics, (value,), None, 1.0)

    best, baseline = settled(4, auc, 1.0), settled(0, beside, ms)
    counts = {"complete": 5}
    summary = Summary("k", "s", "complete", None, counts, True, best, baseline, 2.0)
    return sentence(summary, load_spec(folder / "sweep.toml"))


@pytest.mark.parametrize(
    "auc, beside, ms, said",
    [
        (0.9, 0.8, 1.0, "Best auc 0.9 (#4), +0.1 over the baseline (0.8)."),
        (0.7, 0.8, 90.0, "0.1 worse than the baseline (0.8), which breaks a constraint."),
        (math.inf, 0.8, 1.0, "Best auc ∞ (#4), +∞ over the baseline (0.8)."),
        (math.inf, math.inf, 1.0, "Best auc ∞ (#4), as the baseline is (∞)."),
        (0.7, 0.8, math.nan, "the baseline (0.8), which breaks a constraint."),
    ],
)
def test_the_gain_is_said_as_it_is(
    tmp_path: Path, auc: float, beside: float, ms: float, said: str
) -> None:
    assert ended(tmp_path, auc, beside, ms).endswith(said)


def test_of_several_objectives_it_says_where_the_front_is(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def train(trial): ...\n")
    (tmp_path / "sweep.toml").write_text(
        '[sweep]\nmetric = ["auc", "ms"]\ndirection = ["maximize", "minimize"]\n'
        '[run]\nfunction = "train.py:train"\n'
    )
    summary = Summary("k", "two ways", "complete", None, {"complete": 5}, True, None, None, 2.0)
    said = sentence(summary, load_spec(tmp_path / "sweep.toml"))
    assert said.endswith("5 complete. cockpit best 'two ways' has the Pareto front.")
