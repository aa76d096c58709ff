"""Made-up people and items: what they want is a known number."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.simulation.world import Crowd, Hints, Nature, World, sigmoid, standardised


def some_world(nature: Nature | None = None, n: int = 400, dim: int = 8, seed: int = 0) -> World:
    rng = np.random.default_rng(seed)
    return World.drawn(nature or Nature(), [f"item {row}" for row in range(n)], rng.normal(size=(n, dim)), rng)


def test_what_is_wanted_is_what_its_formula_says() -> None:
    world = World.of(Nature(usual=-1.0), ["a", "b"], np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.5, 0.0]))
    wants = world.wants(np.array([[1.0, 1.0]]))
    assert wants == pytest.approx(1.0 / (1.0 + np.exp(-np.array([[0.5, 1.0]]))))
    assert (world.rows["a"], world.rows["b"]) == (0, 1)


def test_a_taste_adds_as_much_as_its_strength_over_a_whitened_catalogue() -> None:
    world = some_world(Nature(strength=1.5), n=4_000)
    crowd = Crowd.drawn(world, 50, np.random.default_rng(1))
    assert np.linalg.norm(crowd.tastes, axis=1) == pytest.approx(1.5)
    assert (crowd.tastes @ world.z.T).std() == pytest.approx(1.5, rel=0.05)


def test_tastes_lie_where_items_lie() -> None:
    world = some_world()
    z = np.concatenate([world.z[:, :4], np.zeros((len(world.z), 4))], axis=1)  # half of the axes say nothing
    crowd = Crowd.drawn(World.of(world.nature, world.ids, z, world.quality), 20, np.random.default_rng(1))
    assert np.abs(crowd.tastes[:, 4:]).max() < 1e-6


def test_a_taste_drifts_slowly_and_stays_as_strong() -> None:
    world = some_world(Nature(drift=0.02))
    before = Crowd.drawn(world, 3_000, np.random.default_rng(1))
    day = before.drifted(world, 1.0, np.random.default_rng(2))
    month = before.drifted(world, 30.0, np.random.default_rng(3))
    kept = [float((before.tastes * after.tastes).sum(axis=1).mean()) / 1.5**2 for after in (day, month)]
    assert kept == pytest.approx([0.98, 0.98**30], abs=0.03)
    assert (month.tastes**2).sum(axis=1).mean() == pytest.approx(1.5**2, rel=0.05)
    assert (before.drifted(world, 0.0, np.random.default_rng(2)).tastes == before.tastes).all()


def test_a_text_foretells_the_quality_or_misleads_about_it() -> None:
    n = 20_000
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 4))
    misleads = np.arange(n) % 2 == 1
    taken = rng.gamma(1.0, 3.0, n)
    towards = np.random.default_rng(5).normal(size=4)  # what the world draws first
    world = World.drawn(
        Nature(told=0.6, known=0.5, spread=2.0), [str(row) for row in range(n)], z, np.random.default_rng(5),
        Hints(taken, misleads),
    )  # fmt: skip
    foretold = z @ towards
    assert np.corrcoef(foretold[~misleads], world.quality[~misleads])[0, 1] == pytest.approx(0.6, abs=0.03)
    assert np.corrcoef(foretold[misleads], world.quality[misleads])[0, 1] == pytest.approx(-0.6, abs=0.03)
    assert np.corrcoef(taken, world.quality)[0, 1] == pytest.approx(0.5, abs=0.03)
    assert world.quality.std() == pytest.approx(2.0, rel=0.03)


def test_an_item_of_a_given_quality_can_be_added() -> None:
    world = some_world(n=5)
    more = world.with_items(["good", "bad"], world.z[:2], [3.0, -3.0])
    assert more.quality[more.rows["good"]] == 3.0
    assert more.quality[more.rows["bad"]] == -3.0
    assert (more.wants(np.ones((1, 8)))[:, :5] == world.wants(np.ones((1, 8)))).all()


def test_the_same_seed_makes_the_same_world_and_people() -> None:
    one, two = some_world(seed=3), some_world(seed=3)
    assert (one.quality == two.quality).all()
    crowds = [Crowd.drawn(one, 9, np.random.default_rng(4)).tastes for _ in range(2)]
    assert (crowds[0] == crowds[1]).all()
    assert (some_world(seed=4).quality != one.quality).any()


def test_what_does_not_differ_says_nothing_and_what_is_refused_is_never_wanted() -> None:
    assert (standardised(np.full(3, 7.0)) == 0).all()
    assert sigmoid(np.array([-np.inf]))[0] == 0.0
