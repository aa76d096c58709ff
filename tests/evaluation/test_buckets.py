"""Buckets by item, history and person, the gaps between them, what lists are like, and predicted ratings."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import build_dataset
from zhiyin.evaluation.buckets import Asked, bucket_sections
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.judging import OURS, Systems, judge_all
from zhiyin.evaluation.posing import Posed, Terms, pose
from zhiyin.evaluation.shelves import Shelf, category_shares, shelf_names
from zhiyin.evaluation.stars import star_section
from zhiyin.metrics.judge import PerUser
from zhiyin.models.base import Run
from zhiyin.models.baselines import fit_baselines
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event, Item, Scalar

pytestmark = pytest.mark.slow

QUICK = Bootstrap(200, 0)
N_USERS = 240


@cache
def trial() -> tuple[Posed, Fitted, dict[str, PerUser]]:
    """The small world with many people, judged once."""
    posed = pose(build_dataset(small_catalogue(), small_events(N_USERS)), Terms("last"))
    run = Run(HashEncoder())
    fitted = DefaultRecipe().fit(posed.split.fit, run)
    peers = {"popular": fit_baselines(posed.split.fit, run, repeats=False)["popular"]}
    return posed, fitted, judge_all(posed.split, Systems(fitted, peers, channels=False), (5, 10), run.progress)


def asked() -> Asked:
    posed, _, judged = trial()
    return Asked(posed.split, judged, ("ndcg@5", "hr@5"), "ndcg@5", QUICK)


def people() -> dict[str, dict[str, Scalar]]:
    """Half of them young, one tells nothing, each has a number of their own."""
    return {
        f"user {n}": {"group": "young" if n % 2 else "old", "age": 20 + n % 30, "number": n}
        for n in range(1, N_USERS)
    }


def test_every_target_is_in_one_bucket_of_support_and_everybody_in_one_of_history() -> None:
    sections, _ = bucket_sections(asked(), {})
    for names in (("support",), ("history",), ("warm items", "cold items")):
        people = [part.n_users for name, part in sections.items() if name.startswith(names)]
        assert sum(people) == len(trial()[0].split), names


def test_attributes_make_buckets_with_gaps_between_people() -> None:
    told = people()
    sections, gaps = bucket_sections(asked(), told)
    mine = [name for name in sections if name.startswith(("group", "age", "number"))]
    assert len(mine) == 2 + 3, "two groups, thirds of the ages, and no bucket for a number of each person"
    found = gaps["group young"]
    assert not found.paired
    assert found.low <= found.value <= found.high
    split, values = trial()[0].split, trial()[2][OURS].values()["ndcg@5"]
    young = np.array([told.get(split.fit.users[row], {}).get("group") == "young" for row in split.users])
    assert sections["group young"].ours["ndcg@5"] == pytest.approx(values[young].mean())
    assert found.value == pytest.approx(values[young].mean() - values[~young].mean())


def test_where_people_wanted_both_kinds_of_items_the_gap_is_within_them() -> None:
    posed = pose(build_dataset(small_catalogue(), small_events(600)), Terms("new-users", given=1))
    fitted = DefaultRecipe().fit(posed.split.fit, Run(HashEncoder()))
    judged = judge_all(posed.split, Systems(fitted, {}, channels=False), (5,), Run(HashEncoder()).progress)
    support = posed.split.fit.support[posed.split.targets.rows]
    _, gaps = bucket_sections(Asked(posed.split, judged, ("ndcg@5",), "ndcg@5", QUICK), {})
    assert {name for name in gaps if name.startswith("support")}
    for name, found in gaps.items():
        if name.startswith("support"):
            low = int(name.split()[1].rstrip("+").split("-")[0])
            inside = (
                (support >= 100)
                if low == 100
                else (support >= low) & (support < {0: 1, 1: 5, 5: 20, 20: 100}[low])
            )
            owners = posed.split.targets.owners
            both = set(owners[inside]) & set(owners[~inside])
            assert found.paired == (len(both) >= 30)


def test_a_shelf_measures_every_person_and_all_together() -> None:
    posed, fitted, judged = trial()
    shelf = Shelf.of(posed.split, fitted)
    found = shelf.by_person(judged[OURS])
    assert tuple(found) == shelf_names((5, 10))
    assert all(len(values) == len(posed.split) for values in found.values())
    popular = shelf.by_person(judged["popular"])
    assert np.nanmean(found["miscalibration@10"]) < np.nanmean(popular["miscalibration@10"])
    assert np.nanmean(found["popularity_lift@10"]) < np.nanmean(popular["popularity_lift@10"])
    assert shelf.of_all(judged[OURS])["coverage@10"] > shelf.of_all(judged["popular"])["coverage@10"]


def test_an_item_belongs_to_its_categories_in_equal_shares() -> None:
    items = [Item("a", categories=("x", "y", "x")), Item("b"), Item("c", categories=("y",))]
    data = build_dataset(items, [])
    shares = category_shares(data)
    assert isinstance(shares, sp.csr_array)
    rows = {id_: shares.toarray()[row].tolist() for row, id_ in enumerate(data.items)}
    assert rows == {"a": [0.5, 0.5], "b": [0, 0], "c": [0, 1]}
    assert category_shares(build_dataset([Item("a")], [])).shape == (1, 0)


def rated(noise: float) -> Posed:
    """Ratings that are the item's number of stars, and a little else."""
    rng = np.random.default_rng(3)
    events = [
        Event(f"u{user}", f"i{item}", "rating", value=float(1 + item % 5 + noise * rng.normal()), order=place)
        for user in range(200)
        for place, item in enumerate(rng.choice(30, 6, replace=False))
    ]
    return pose(build_dataset([Item(f"i{n}", f"thing {n}") for n in range(30)], events), Terms("last"))


def test_ratings_are_predicted_where_they_can_be() -> None:
    posed = rated(0.1)
    fitted = DefaultRecipe().fit(posed.split.fit, Run(HashEncoder()))
    judged = judge_all(posed.split, Systems(fitted, {}, channels=False), (5,), Run(HashEncoder()).progress)
    found = star_section(posed, judged, QUICK)
    assert found is not None
    assert found.n_users == len(posed.split)
    assert found.ours["mae"] <= found.ours["rmse"] < 0.4
    assert found.peers["bias"]["rmse"] < 0.4
    assert set(found.gains) == {"bias"}


def test_without_enough_ratings_none_are_predicted() -> None:
    posed, _, judged = trial()
    few = replace(posed, data=posed.data.keep(posed.data.user_rows < 40))
    assert star_section(few, judged, QUICK) is None
