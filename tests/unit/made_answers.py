"""Answers of made-up models, for the tests of metrics."""

from __future__ import annotations

import numpy as np

from cockpit.evaluate.answers import Answers


def binary(seed: int, n: int, share: float = 0.4, digits: int | None = None) -> Answers:
    """Scores that say something of the labels; rounded to `digits` many are alike."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(np.int64)
    truth[:2] = 0, 1
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + 1.5 * truth - 1)))
    score = score if digits is None else score.round(digits)
    return Answers("binary", truth, (score > 0.5).astype(np.int64), score)


def multiclass(seed: int, n: int, classes: int = 4, digits: int | None = None) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.choice(
        classes, n, p=np.array([8.0, 4, 2, 1, 1, 1])[:classes] / sum([8, 4, 2, 1, 1, 1][:classes])
    )
    truth[:classes] = np.arange(classes)
    raw = rng.normal(size=(n, classes))
    raw[np.arange(n), truth] += 1
    raw = raw if digits is None else raw.round(digits)
    score = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    return Answers("multiclass", truth, score.argmax(1), score, tuple("abcdef"[:classes]))


def regression(seed: int, n: int) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, n)
    return Answers("regression", truth, truth + rng.normal(0.5, 2, n))
