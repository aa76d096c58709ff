"""Learning the gates: the gradient, and planted truths."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from zhiyin.data.dataset import Floats
from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Model
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.examples import Examples
from zhiyin.ranking.fusion import BLANK_KIND, BUCKETS, COLD_KIND, KINDS, WARM_KIND, Fusion, buckets, prior_gates
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.ranking.objective import LIKELIHOOD, Objective

pytestmark = pytest.mark.slow

N_ITEMS, N = 120, 600


@dataclass(frozen=True, slots=True)
class Table:
    """A channel that looks its scores up: the asker is known by the first item of their history."""

    name: ClassVar[str] = "table"
    scores: Floats  # (N, I)

    @property
    def n_items(self) -> int:
        return self.scores.shape[1]

    def score(self, batch: Batch) -> Floats:
        return self.scores[batch.ages[batch.indptr[:-1]].astype(int)]

    def score_rows(self, batch: Batch, rows: Rows) -> Floats:
        return self.score(batch)[0, rows]

    def retrieve(self, batch: Batch, k: int) -> Rows:
        return np.zeros(0, np.int32)

    def why(self, batch: Batch, row: int) -> Floats:
        return np.zeros(len(batch.rows), np.float32)

    def extended(self, arrivals: Arrivals) -> Self:
        return self

    def arrays(self) -> Arrays:
        return {"scores": self.scores}


def planted(rng: np.random.Generator, cold: np.ndarray) -> tuple[dict[str, Model], Examples]:
    """`taste` knows what people take among warm items, `meaning` among cold ones, `popular` knows nothing."""
    taste, meaning, noise = (rng.normal(size=(N, N_ITEMS)).astype(np.float32) for _ in range(3))
    utility = 2.0 * np.where(cold, meaning, taste) + rng.gumbel(size=(N, N_ITEMS))
    targets = utility.argmax(axis=1).astype(np.int32)
    lengths = rng.integers(1, 12, N)  # all but the first bucket
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    nobody_wants = np.full(indptr[-1], N_ITEMS, np.int32)  # no item of the catalogue: nothing is masked
    asker = np.repeat(np.arange(N), lengths).astype(np.float32)
    batch = Batch(indptr, nobody_wants, np.ones(indptr[-1], np.float32), asker)
    return {"taste": Table(taste), "meaning": Table(meaning), "popular": Table(noise)}, Examples(
        batch,
        targets,
        np.zeros(len(targets), bool),
        np.ones(len(targets), np.float32),
        Ragged.of(targets[:, None]),
    )


def learned(seed: int = 0, reg: float = 0.02, n: int = N) -> Fusion:
    """`reg` as it would be with one example."""
    rng = np.random.default_rng(seed)
    cold = np.arange(N_ITEMS) < 40
    models, examples = planted(rng, cold)
    return FusionRecipe(reg=reg * N).learn(models, examples.some(np.arange(n)), cold.astype(np.int8), seed)


@pytest.fixture(scope="module")
def loose() -> Fusion:
    return learned()


@pytest.fixture(scope="module")
def tight() -> Fusion:
    """Every bucket is pulled to the mean of all."""
    return learned(reg=3.0)


def test_where_more_of_new_items_is_to_come_they_rise_and_warm_ones_keep_their_order(loose: Fusion) -> None:
    cold = np.arange(N_ITEMS) < 40
    models, examples = planted(np.random.default_rng(0), cold)
    counts = np.where(cold[examples.targets], 10.0, 1.0).astype(np.float32)
    told = FusionRecipe(reg=0.02 * N).learn(models, replace(examples, counts=counts), cold.astype(np.int8), 0)
    assert told.channels == loose.channels
    np.testing.assert_allclose(told.gates[:, :, WARM_KIND], loose.gates[:, :, WARM_KIND], rtol=1e-6)
    met = np.unique(buckets(examples.batch))
    assert (told.constants[met, COLD_KIND] > loose.constants[met, COLD_KIND]).all()
    assert told.constants[met, COLD_KIND].mean() > loose.constants[met, COLD_KIND].mean() + 0.3


def test_the_gradient_agrees_with_finite_differences() -> None:
    rng = np.random.default_rng(4)
    n, k, c, h = 7, 5, 3, len(BUCKETS)
    stands_for = np.where(rng.random((n, k)) < 0.8, 10 * rng.random((n, k)), 0.0)
    stands_for[:, 0] = 1.0
    features = rng.normal(size=(n, k, c)).astype(np.float32)
    objective = Objective.of(drawn_contests(features, stands_for, rng))
    told = {one.name: getattr(objective, one.name) for one in fields(Objective)}
    precise = {name: value if name == "kinds" else value.astype(np.float64) for name, value in told.items()}
    objective = Objective(**precise)
    theta = rng.random(h * c * KINDS + h * KINDS)

    def loss(theta: np.ndarray) -> float:
        return objective.loss(*shaped(theta))[0]

    def shaped(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = h * c * KINDS
        return theta[:n].reshape(h, c, KINDS), theta[n:].reshape(h, KINDS)

    _, d_gates, d_constants = objective.loss(*shaped(theta))
    gradient = np.concatenate([d_gates.ravel(), d_constants.ravel()])
    np.testing.assert_allclose(gradient, approx_fprime(theta, loss, 1e-7), atol=2e-6)


def drawn_contests(features: np.ndarray, stands_for: np.ndarray, rng: np.random.Generator) -> Contests:
    n, k, _ = features.shape
    kind, bucket = rng.integers(0, KINDS, (n, k)), rng.integers(0, len(BUCKETS), n)
    counts = rng.integers(1, 5, n).astype(np.float32)
    return Contests(features, kind, stands_for, bucket, np.zeros(n, bool), counts)


def test_an_objective_in_parts_is_the_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    n = 11  # parts of two and of three
    whole = Objective.of(drawn_contests(rng.normal(size=(n, 5, 3)).astype(np.float32), np.ones((n, 5)), rng))
    gates, constants = rng.random((len(BUCKETS), 3, KINDS)), rng.random((len(BUCKETS), KINDS))
    with whole.shared() as alone:
        assert alone is whole, "few need no help"
    monkeypatch.setattr("zhiyin.ranking.objective.MANY", n)
    with whole.shared() as parts:
        assert parts is not whole
        found = parts.loss(gates, constants)
    for one, other in zip(found, whole.loss(gates, constants), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_contest_that_stands_for_more_is_that_contest_as_often() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(6, 4, 2)).astype(np.float32)
    met = drawn_contests(features, np.ones((6, 4)), rng)
    often = replace(
        met.some(np.repeat(np.arange(6), met.counts.astype(np.int64))),
        counts=np.ones(int(met.counts.sum()), np.float32),
    )
    gates, constants = rng.random((len(BUCKETS), 2, KINDS)), rng.random((len(BUCKETS), KINDS))
    for one, other in zip(
        Objective.of(met).loss(gates, constants), Objective.of(often).loss(gates, constants), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_contest_without_rivals_is_won_and_has_no_slope() -> None:
    alone = Contests(
        np.ones((1, 2, 1), np.float32),
        np.zeros((1, 2), np.int64),
        np.array([[1.0, 0.0]]),
        np.zeros(1, np.int64),
        np.zeros(1, bool),
        np.ones(1, np.float32),
    )
    value, d_gates, d_constants = Objective.of(alone).loss(
        np.ones((len(BUCKETS), 1, KINDS)), np.zeros((len(BUCKETS), KINDS))
    )
    assert value == -1.0
    assert not d_gates.any()
    assert not d_constants.any()


def test_the_gain_is_that_of_the_rank_when_scores_are_far_apart() -> None:
    """Of two rivals that stand for 4 items each one is far above, one far below: the target is fifth."""
    features = np.array([0.0, 40.0, -40.0], np.float32).reshape(1, 3, 1)
    met = Contests(
        features,
        np.zeros((1, 3), np.int64),
        np.array([[1.0, 4.0, 4.0]]),
        np.zeros(1, np.int64),
        np.zeros(1, bool),
        np.ones(1, np.float32),
    )
    value, _, _ = Objective.of(met).loss(np.ones((len(BUCKETS), 1, KINDS)), np.zeros((len(BUCKETS), KINDS)))
    unlikely = -(40.0 + np.log(4.0))
    assert value == pytest.approx(-(1 / np.log2(6)) - LIKELIHOOD * unlikely)


def test_the_informative_channel_gets_the_gate_and_noise_gets_none(loose: Fusion) -> None:
    warm, cold = loose.gates[:, 1:5, 0], loose.gates[:, 1:5, 1]  # buckets with examples
    taste, meaning, noise = range(3)
    assert loose.learned
    assert (loose.gates >= 0).all()
    assert (warm[taste] > 5 * warm[[meaning, noise]].max(axis=0)).all()
    assert (cold[meaning] > 5 * cold[[taste, noise]].max(axis=0)).all()


def test_what_has_no_text_is_told_by_other_channels_than_what_is_cold() -> None:
    kind = np.repeat([COLD_KIND, BLANK_KIND, WARM_KIND], N_ITEMS // 3).astype(np.int8)
    models, examples = planted(np.random.default_rng(0), kind == COLD_KIND)
    gates = FusionRecipe(reg=0.02 * N).learn(models, examples, kind, 0).gates[:, 1:5]
    taste, meaning = gates[0], gates[1]
    assert (meaning[:, COLD_KIND] > 5 * taste[:, COLD_KIND]).all()
    assert (taste[:, BLANK_KIND] > 5 * meaning[:, BLANK_KIND]).all()


def test_learning_beats_the_prior_gates_on_new_people_of_the_same_kind(loose: Fusion) -> None:
    cold = np.arange(N_ITEMS) < 40
    models, examples = planted(np.random.default_rng(1), cold)
    untaught = FusionRecipe(min_examples=10_000).learn(models, examples, cold.astype(np.int8), 0)
    assert not untaught.learned

    def hits(fusion: Fusion) -> float:
        scores = fusion.score(models, examples.batch)
        above = (scores >= np.take_along_axis(scores, examples.targets[:, None], axis=1)).sum(axis=1)
        return float((above <= 10).mean())

    assert hits(loose) > hits(untaught) + 0.1


def test_a_bucket_without_examples_has_the_gates_of_all(tight: Fusion) -> None:
    few = tight.gates[:, 0]  # nobody had an empty history
    assert few == pytest.approx(tight.gates[:, 1:5].mean(axis=1), rel=0.5, abs=0.25)


def test_a_strong_pull_makes_all_buckets_alike(loose: Fusion, tight: Fusion) -> None:
    assert np.ptp(tight.gates, axis=1).max() < 0.02
    assert np.ptp(loose.gates, axis=1).max() > np.ptp(tight.gates, axis=1).max()


def test_few_examples_leave_the_gates_nearer_to_the_prior_ones() -> None:
    """The pull is counted in examples, so a small shop is not led astray by the few that it has."""
    many, few = learned(reg=2.0 / N), learned(reg=2.0 / N, n=60)
    prior = prior_gates(many.channels)
    assert np.abs(few.gates - prior).max() < 0.5 * np.abs(many.gates - prior).max()


def test_learning_twice_gives_the_same_gates(loose: Fusion) -> None:
    assert np.array_equal(learned().gates, loose.gates)
