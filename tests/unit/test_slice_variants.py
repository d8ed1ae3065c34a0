"""Weak slices that repeat a better one are told as its variants, and others are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.evaluate.lattice import Found
from cockpit.evaluate.search import find_slices
from cockpit.evaluate.variants import variants
from tests.unit.scored_runs import bought, people

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.evaluate.answers import Floats

BASE = 0.1


def losses(**told: float) -> Floats:
    """(100,): the loss of rows `_from_to`, else `BASE`."""
    found = np.full(100, BASE)
    for span, loss in told.items():
        _, start, end = span.split("_")
        found[int(start) : int(end)] = loss
    return found


def judged(first: range, second: range, of: Floats, k: int = 10) -> tuple[int | None, ...]:
    """Of two slices that are such rows."""
    columns = [np.isin(np.arange(100), rows).astype(np.uint8) for rows in (first, second)]
    found = [
        Found(1.0 - place, len(rows), float(of[list(rows)].sum()), ((place, 1),))
        for place, rows in enumerate((first, second))
    ]
    return variants(found, columns, of, k)


def test_half_of_the_rows_of_both_in_common_is_a_variant() -> None:
    worse = losses(_0_40=0.9)
    assert judged(range(30), range(10, 40), worse) == (None, 0)  # 20 of 40
    assert judged(range(30), range(11, 41), worse) == (None, None)  # 19 of 41


def test_a_slice_within_another_is_a_variant_unless_it_is_worse() -> None:
    assert judged(range(60), range(40, 60), losses(_0_60=0.9)) == (None, 0)
    assert judged(range(60), range(40, 60), losses(_0_40=0.5, _40_60=0.9)) == (None, None)
    assert judged(range(60), range(41, 71), losses(_0_60=0.9)) == (None, None)  # 19 of its 30


def test_a_slice_around_another_is_a_variant_unless_the_rest_of_it_is_worse_too() -> None:
    assert judged(range(20), range(60), losses(_0_20=0.9)) == (None, 0)
    assert judged(range(20), range(60), losses(_0_20=0.9, _20_60=0.6)) == (None, None)


def test_a_variant_has_no_variants_and_the_search_ends_at_enough() -> None:
    """A chain in which each has half of the rows of the one before, and less of the first."""
    spans = [range(start, start + 30) for start in (0, 10, 20, 30)]
    of = np.full(100, 0.5)
    columns = [np.isin(np.arange(100), rows).astype(np.uint8) for rows in spans]
    found = [Found(4.0 - at, 30, 15.0, ((at, 1),)) for at in range(4)]
    assert variants(found, columns, of, 10) == (None, 0, None, 2)
    assert variants(found, columns, of, 1) == (None, 0)
    assert variants([], [], of[:0], 3) == ()


def test_a_second_planted_slice_is_found_among_the_variants_of_the_first() -> None:
    rng, rows = np.random.default_rng(4), 6_000
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], rows),
            "work": rng.choice(["sales", "tech", "other", "none"], rows),
            "age": rng.integers(17, 90, rows),
            "home": rng.choice(["flat", "house", "boat"], rows),
        }
    )
    frame = frame.with_columns(title=pl.col("sex").replace({"f": "Ms", "m": "Mr"}))
    first = ((frame["sex"] == "f") & (frame["work"] == "sales")).to_numpy()
    second = ((frame["work"] == "tech") & (frame["home"] == "boat")).to_numpy()
    wrong = rng.random(rows) < np.where(first, 0.7, np.where(second, 0.5, 0.05))
    search = find_slices(frame, wrong.astype(np.float64), k=2, level=3)
    assert [one.expression for one in search.own] == [
        "sex = 'f' and work = 'sales'",
        "work = 'tech' and home = 'boat'",
    ]
    assert all(one.confirmed for one in search.own)
    others = [one for one in search.found if one.variant_of is not None]
    assert len(others) > 3
    assert {one.variant_of for one in others} <= {one.expression for one in search.own}
    assert [one.score for one in search.found] == sorted(
        (one.score for one in search.found), reverse=True
    )
    fewer = find_slices(frame, wrong.astype(np.float64), k=1, level=3)
    assert fewer.own[0].expression == search.own[0].expression
    assert len(fewer.own) == 1


def test_the_command_hides_variants_and_says_so(tmp_path: Path) -> None:
    made = bought(tmp_path)
    rng, rows = np.random.default_rng(1), people(2_000)
    rows = rows.with_columns(home=pl.Series(rng.choice(["flat", "house"], rows.height)))
    made.write("eval", rows)
    wrong = (rows["sex"] == "f").to_numpy() & (rng.random(rows.height) < 0.8)
    bad = np.where(wrong == (rows["bought"] == "yes").to_numpy(), "no", "yes")
    run = made.run("first", y_pred=bad)

    def said(*more: str) -> str:
        asked = ["slices", run, "--find", *more, "--store", str(made.layout.root)]
        done = CliRunner().invoke(cli, asked, catch_exceptions=False, env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    told = json.loads(said("--json"))["found"]
    own = [one["expression"] for one in told if one["variant_of"] is None]
    hidden = [one for one in told if one["variant_of"] is not None]
    assert own[0] == "sex = 'f'"
    assert len(hidden) >= 2
    assert all(one["variant_of"] in own and "value" in one["figure"] for one in hidden)
    few = said()
    assert f"{len(hidden)} variants hidden" in few
    assert not any(one["expression"] in few for one in hidden if " and " in one["expression"])
    everything = said("--all")
    assert all(f"~ {one['expression']}" in everything for one in hidden)
    refused = CliRunner().invoke(cli, ["slices", run, "--all", "--store", str(made.layout.root)])
    assert refused.exit_code == 2
