"""The belief against the whole posterior, written out; the laws of forgetting, of order, of the running update."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.vocabulary import key_of
from zhiyin.errors import InvalidData
from zhiyin.policies.base import Noise
from zhiyin.policies.belief import Ground, Items, Prior, person_of, samples
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.thompson import Sampled, best_of
from zhiyin.policies.whitening import Whitening

N, D = 6, 3
KINDS = np.array([0, 1, 1, 0, 1, 1], np.int32)
seeds = st.integers(0, 10_000)


def drawn_gaussian(rng: np.random.Generator, dim: int = D) -> Gaussian:
    root = rng.standard_normal((dim, dim)) / 2.0
    return Gaussian(rng.standard_normal(dim), root @ root.T + 0.1 * np.eye(dim))


def drawn_items(rng: np.random.Generator) -> Items:
    prior = Prior(drawn_gaussian(rng), drawn_gaussian(rng), 0.3, 0.4, np.array([0.0, 3.0]))
    return Items.unseen(prior, rng.standard_normal((N, D)), KINDS)


def near(one: Items, other: Items) -> None:
    np.testing.assert_allclose(one.counts, other.counts, atol=1e-9)
    np.testing.assert_allclose(one.totals, other.totals, atol=1e-9)
    np.testing.assert_allclose(one.text.mean, other.text.mean, atol=1e-9)
    np.testing.assert_allclose(one.text.covariance, other.text.covariance, atol=1e-9)
    rows = np.arange(N, dtype=np.int32)
    np.testing.assert_allclose(one.believed(rows), other.believed(rows), atol=1e-9)


@given(seeds, st.integers(0, 12))
def test_one_event_at_a_time_all_at_once_and_the_dual_form_are_the_same(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    prior, x, y = drawn_gaussian(rng, 5), rng.standard_normal((n, 5)), rng.standard_normal(n)
    noise = rng.random(n) + 0.1
    one = prior
    for event in rng.permutation(n):
        one = one.updated(x[event], y[event], noise[event])
    for other in (prior._dual(x, y, noise), prior._primal(x, y, noise), prior.updated_by_all(x, y, noise)):
        np.testing.assert_allclose(other.mean, one.mean, atol=1e-9)
        np.testing.assert_allclose(other.covariance, one.covariance, atol=1e-9)
    for event in range(n):
        one = one.without(x[event], y[event], noise[event])
    np.testing.assert_allclose(one.mean, prior.mean, atol=1e-9)
    np.testing.assert_allclose(one.covariance, prior.covariance, atol=1e-9)


def test_two_events_of_one_weight_by_hand() -> None:
    after = Gaussian.alike(1, 4.0).updated(np.ones(1), 3.0, 2.0).updated(np.ones(1), 1.0, 2.0)
    assert after.covariance[0, 0] == pytest.approx(1 / (1 / 4 + 2 / 2))
    assert after.mean[0] == pytest.approx((3 + 1) / 2 * after.covariance[0, 0])


def test_what_was_never_taken_in_cannot_be_forgotten() -> None:
    with pytest.raises(InvalidData, match="not taken in"):
        Gaussian.alike(1, 1.0).without(np.array([2.0]), 1.0, 0.5)


@given(seeds)
def test_items_are_the_whole_posterior_of_texts_and_items(seed: int) -> None:
    """Conditioning the joint normal of w, all b_i and the outcomes of people who gave one each, written out."""
    rng = np.random.default_rng(seed)
    items = drawn_items(rng)
    prior = items.ground.prior
    rows, rests = rng.integers(0, N, 9).astype(np.int32), rng.standard_normal(9)
    x = items.ground.z * prior.heeded(KINDS)[:, None]
    b_mean = x @ prior.text.mean
    b_cov = x @ prior.text.covariance @ x.T + np.diag(prior.doubt(KINDS))
    of = np.eye(N)[rows]
    noise = prior.noise + prior.people.variance(items.ground.z[rows])
    seen = of @ b_cov @ of.T + np.diag(noise)
    gain = b_cov @ of.T @ np.linalg.inv(seen)
    mean = b_mean + gain @ (rests - items.ground.z[rows] @ prior.people.mean - of @ b_mean)
    variance = np.diag(b_cov - gain @ of @ b_cov)
    for row, rest in zip(rows.tolist(), rests.tolist(), strict=True):
        items = items.seen(row, rest)
    found_mean, found_variance = items.believed(np.arange(N, dtype=np.int32))
    np.testing.assert_allclose(found_mean, mean, atol=1e-9)
    np.testing.assert_allclose(found_variance, variance, atol=1e-9)


@given(seeds)
def test_the_order_of_feedback_does_not_matter_one_by_one_or_in_batches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = drawn_items(rng)
    rows, rests, shares = rng.integers(0, N, 12).astype(np.int32), rng.standard_normal(12), rng.random(12) + 0.1
    forwards, backwards = before, before
    for event in range(12):
        forwards = forwards.seen(int(rows[event]), rests[event], shares[event])
    for event in rng.permutation(12):
        backwards = backwards.seen(int(rows[event]), rests[event], shares[event])
    near(forwards, backwards)
    near(forwards, before.seen_all(rows, rests, shares))


@given(seeds)
def test_a_person_who_was_forgotten_was_never_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = drawn_items(rng).seen_all(*_events(rng, 20))
    rows, rests, shares = _events(rng, 8)
    with_them = before.seen_all(rows, rests, shares)
    one_by_one = with_them
    for row, rest, share in zip(rows.tolist(), rests, shares, strict=True):
        one_by_one = one_by_one.forgot(row, rest, share)
    near(one_by_one, before)
    near(with_them.seen_all(rows, rests, -shares), before)


def _events(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.integers(0, N, n).astype(np.int32), rng.standard_normal(n), rng.random(n) + 0.1


@given(seeds)
def test_a_person_is_the_posterior_of_their_events_and_nobody_is_the_prior(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = drawn_items(rng).seen_all(*_events(rng, 10))
    people = items.ground.prior.people
    nothing = np.zeros(0, np.int32)
    assert person_of(items, nothing, np.zeros(0), np.zeros(0)) is people
    for n in (2, 7):
        rows, rests, shares = _events(rng, n)
        mean, variance = items.believed(rows)
        x = items.ground.z[rows].astype(np.float64)
        weight = np.diag(shares / (items.ground.prior.noise + variance))
        covariance = np.linalg.inv(np.linalg.inv(people.covariance) + x.T @ weight @ x)
        expected = covariance @ (np.linalg.solve(people.covariance, people.mean) + x.T @ weight @ (rests - mean))
        found = person_of(items, rows, rests, shares)
        np.testing.assert_allclose(found.mean, expected, atol=1e-9)
        np.testing.assert_allclose(found.covariance, covariance, atol=1e-9)


@given(seeds)
def test_for_one_person_in_single_precision_is_the_same_belief(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = drawn_items(rng).seen_all(*_events(rng, 10))
    person, rows = person_of(items, *_events(rng, 4)), rng.permutation(N).astype(np.int32)
    found = items.for_person(person, rows)
    mean, variance = items.believed(rows)
    z = items.ground.z[rows].astype(np.float64)
    np.testing.assert_allclose(found.item, mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.person, person.expected(z), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.sd, np.sqrt(variance + person.variance(z)), rtol=1e-3, atol=1e-4)


def test_items_that_come_later_or_are_told_otherwise_stand_as_if_they_always_had() -> None:
    rng = np.random.default_rng(3)
    whole = drawn_items(rng).ground
    early = Ground.of(whole.prior, whole.z[:4], KINDS[:4])
    other = early.reworded(np.array([1, 3], np.int32), whole.z[:2], KINDS[:2])
    back = other.reworded(np.array([1, 3], np.int32), whole.z[[1, 3]], KINDS[[1, 3]])
    for found in (early.joined(whole.z[4:], KINDS[4:]), back.joined(whole.z[4:], KINDS[4:])):
        for name in ("z", "heeded", "doubt", "precision"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    assert not np.array_equal(other.precision, early.precision)


@pytest.mark.slow
def test_an_item_starts_where_its_text_predicts_and_ends_where_its_outcomes_are() -> None:
    prior = Prior(
        Gaussian(np.array([2.0]), np.zeros((1, 1))), Gaussian.alike(1, 0.0), 1.0, 1.0, np.array([3.0, 0.0])
    )
    items = Items.unseen(prior, np.array([[0.5], [0.5]]), np.array([0, 1], np.int32))
    mean, variance = items.believed(np.array([0, 1], np.int32))
    assert mean == pytest.approx([0.75 * 2 * 0.5, 0.0])  # three observations of 1 beside a prior of one at 0
    assert variance == pytest.approx([1 / 4, 1.0])
    for _ in range(10_000):
        items = items.seen(0, 0.2)
    assert items.believed(np.array([0], np.int32))[0] == pytest.approx(0.2, abs=1e-3)


@given(st.floats(0.01, 0.9), st.lists(st.floats(-3, 3), min_size=1, max_size=20))
def test_the_classic_running_update_is_a_belief_that_fades_at_its_steady_state(
    alpha: float, rewards: list[float]
) -> None:
    """Q ← α r + (1 − α) Q' (Sutton & Barto 2018, 2.5): nothing read, nobody known, any value as likely as any
    other, and what was seen counting 1 − α at each new outcome."""
    nothing = Gaussian.alike(1, 0.0)
    prior = Prior(nothing, nothing, 1.0, 1e13, np.zeros(1))
    start = Items.unseen(prior, np.zeros((1, 1)), np.zeros(1, np.int32))
    q = 0.7
    items = start.of_sums(np.array([1.0 / alpha]), np.array([q / alpha]))  # as if it had always been so
    for reward in rewards:
        q = alpha * reward + (1 - alpha) * q
        items = items.aged(1 - alpha).seen(0, reward)
        assert items.believed(np.zeros(1, np.int32))[0][0] == pytest.approx(q, abs=1e-9)


def test_doubt_falls_with_evidence_and_returns_with_time() -> None:
    items = drawn_items(np.random.default_rng(1))
    rows = np.arange(N, dtype=np.int32)
    known = items.seen_all(rows, np.zeros(N), np.full(N, 50.0))
    assert (known.believed(rows)[1] < items.believed(rows)[1]).all()
    faded = known.aged(0.01)
    assert (faded.believed(rows)[1] > known.believed(rows)[1]).all()
    assert (faded.believed(rows)[1] < items.believed(rows)[1]).all()


def test_what_one_item_shows_is_believed_of_what_reads_like_it() -> None:
    prior = Prior(Gaussian.alike(2, 1.0), Gaussian.alike(2, 0.0), 0.1, 1.0, np.array([5.0]))
    z = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    items = Items.unseen(prior, z, np.zeros(3, np.int32)).seen(0, 1.0)
    mean, _ = items.believed(np.arange(3, dtype=np.int32))
    assert mean[0] > mean[1] > 0.3
    assert mean[2] == 0.0


def test_samples_have_the_mean_and_the_deviation_of_the_belief_and_belong_to_their_items() -> None:
    rng = np.random.default_rng(5)
    items = drawn_items(rng).seen_all(*_events(rng, 10))
    rows = np.arange(N, dtype=np.int32)
    person = person_of(items, *_events(rng, 4))
    keys = np.array([key_of(f"item {row}") for row in rows], np.uint64)
    drawn = samples(items, person, rows, Noise(key_of("list"), keys), 20_000)
    sd = items.for_person(person, rows).sd
    assert drawn.mean(axis=0) / sd == pytest.approx(0.0, abs=4.5 / np.sqrt(20_000))
    assert drawn.std(axis=0) == pytest.approx(sd, rel=4.5 / np.sqrt(40_000))
    moved = rng.permutation(N)
    again = samples(items, person, rows[moved], Noise(key_of("list"), keys[moved]), 20_000)
    np.testing.assert_array_equal(again, drawn[:, moved])
    assert not np.array_equal(samples(items, person, rows, Noise(key_of("other"), keys), 20_000), drawn)


def test_where_only_items_are_in_doubt_samples_and_integral_agree() -> None:
    prior = Prior(Gaussian.alike(D, 0.0), Gaussian.alike(D, 0.0), 0.3, 0.4, np.zeros(1))
    rng = np.random.default_rng(2)
    items = Items.unseen(prior, rng.standard_normal((N, D)), np.zeros(N, np.int32))
    items = items.seen_all(*_events(rng, 15))
    rows = np.arange(N, dtype=np.int32)
    believed = items.for_person(prior.people, rows)
    keys = np.array([key_of(f"item {row}") for row in rows], np.uint64)
    drawn = samples(items, prior.people, rows, Noise(1, keys), 20_000)
    share = Sampled(drawn, 0.0).chances(believed.item)
    assert best_of(believed.item, believed.sd) == pytest.approx(share, abs=0.02)


def test_whitened_vectors_have_variance_one_along_axes_that_do_not_hang_together() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.standard_normal((500, 12)) @ rng.standard_normal((12, 12))).astype(np.float32)
    z = Whitening.of(vectors, 5)(vectors)
    np.testing.assert_allclose(z.T @ z / 500, np.eye(5), atol=1e-4)
    flat = np.zeros((4, 12), np.float32)
    flat[:, 0] = [0, 1, 2, 3]
    z = Whitening.of(flat, 5)(flat)
    assert z.shape == (4, 5)
    np.testing.assert_allclose(z.std(axis=0), [1, 0, 0, 0, 0], atol=1e-6)
