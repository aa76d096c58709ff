"""Learning the gates: the gradient, planted truths, and that nothing held out is fitted."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from zhiyin.data.dataset import Dataset, Floats, build_dataset
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Model
from zhiyin.ranking.fusion import BUCKETS, KINDS, Fusion
from zhiyin.ranking.learn import Examples, FusionRecipe, Lists, carve
from zhiyin.testing.small import small_catalogue, small_dataset
from zhiyin.types import Event

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
    return {"taste": Table(taste), "meaning": Table(meaning), "popular": Table(noise)}, Examples(batch, targets)


def learned(seed: int = 0, reg: float = 0.02) -> Fusion:
    rng = np.random.default_rng(seed)
    cold = np.arange(N_ITEMS) < 40
    models, examples = planted(rng, cold)
    return FusionRecipe(reg=reg).learn(models, examples, cold, seed)


def test_the_gradient_agrees_with_finite_differences() -> None:
    rng = np.random.default_rng(4)
    n, k, c, h = 7, 5, 3, len(BUCKETS)
    drawn = np.where(rng.random((n, k)) < 0.8, rng.random((n, k)), -np.inf)
    drawn[:, 0] = 0.0
    lists = Lists(
        rng.normal(size=(n, k, c)).astype(np.float64), rng.integers(0, KINDS, (n, k)), drawn, rng.integers(0, h, n)
    )
    theta = rng.random(h * c * KINDS + h * KINDS)

    def loss(theta: np.ndarray) -> float:
        return lists.loss(*shaped(theta))[0]

    def shaped(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = h * c * KINDS
        return theta[:n].reshape(h, c, KINDS), theta[n:].reshape(h, KINDS)

    _, d_gates, d_constants = lists.loss(*shaped(theta))
    gradient = np.concatenate([d_gates.ravel(), d_constants.ravel()])
    np.testing.assert_allclose(gradient, approx_fprime(theta, loss, 1e-7), atol=2e-6)


def test_a_list_of_one_has_no_loss_and_no_slope() -> None:
    lists = Lists(
        np.ones((1, 2, 1)), np.zeros((1, 2), np.int64), np.array([[0.0, -np.inf]]), np.zeros(1, np.int64)
    )
    value, d_gates, d_constants = lists.loss(np.ones((len(BUCKETS), 1, KINDS)), np.zeros((len(BUCKETS), KINDS)))
    assert value == 0.0
    assert not d_gates.any()
    assert not d_constants.any()


def test_the_informative_channel_gets_the_gate_and_noise_gets_none() -> None:
    fusion = learned()
    warm, cold = fusion.gates[:, 1:5, 0], fusion.gates[:, 1:5, 1]  # buckets with examples
    taste, meaning, noise = range(3)
    assert fusion.learned
    assert (fusion.gates >= 0).all()
    assert (warm[taste] > 5 * warm[[meaning, noise]].max(axis=0)).all()
    assert (cold[meaning] > 5 * cold[[taste, noise]].max(axis=0)).all()
    assert warm[noise].max() < 0.3
    assert cold[noise].max() < 0.3


def test_learning_beats_the_prior_gates_on_new_people_of_the_same_kind() -> None:
    cold = np.arange(N_ITEMS) < 40
    models, examples = planted(np.random.default_rng(1), cold)
    fusion = learned(seed=0)
    untaught = FusionRecipe(min_examples=10_000).learn(models, examples, cold, 0)
    assert not untaught.learned

    def hits(fusion: Fusion) -> float:
        scores = fusion.score(models, examples.batch)
        above = (scores >= np.take_along_axis(scores, examples.targets[:, None], axis=1)).sum(axis=1)
        return float((above <= 10).mean())

    assert hits(fusion) > hits(untaught) + 0.1


def test_a_bucket_without_examples_has_the_gates_of_all() -> None:
    fusion = learned(reg=1.0)
    few = fusion.gates[:, 0]  # nobody had an empty history
    assert few == pytest.approx(fusion.gates[:, 1:5].mean(axis=1), rel=0.5, abs=0.25)


def test_a_strong_pull_makes_all_buckets_alike() -> None:
    loose, tight = learned(reg=1e-4), learned(reg=100.0)
    assert np.ptp(tight.gates, axis=1).max() < 0.02
    assert np.ptp(loose.gates, axis=1).max() > np.ptp(tight.gates, axis=1).max()


def test_learning_twice_gives_the_same_gates() -> None:
    assert np.array_equal(learned().gates, learned().gates)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_held_out_is_fitted_and_histories_lie_before_their_targets(timed: bool, seed: int) -> None:
    data = numbered(timed)
    part, examples = carve(data, FusionRecipe(hidden_share=0.2), seed)
    fitted = set(part.values.tolist())
    assert len(part) == len(fitted) < len(data)
    hidden = set(data.item_rows[~np.isin(data.values, part.values)]) - set(part.item_rows.tolist())
    assert hidden  # items whose every event was held out, as if they had just arrived
    assert len(examples.targets)
    starts = examples.batch.indptr
    for b, target in enumerate(examples.targets):
        history = examples.batch.rows[starts[b] : starts[b + 1]]
        ages = examples.batch.ages[starts[b] : starts[b + 1]]
        assert (ages >= 0).all()
        assert not hidden & set(history.tolist())
        assert owners_of(data, part, history, int(target))


def test_targets_of_sets_are_drawn_from_all_items() -> None:
    catalogue = small_catalogue()
    events = [Event(f"u{user}", item.item_id, "like") for user in range(200) for item in catalogue]
    _, examples = carve(build_dataset(catalogue, events), FusionRecipe(hidden_share=0.0), 0)
    counts = np.bincount(examples.targets, minlength=len(catalogue))
    expected = 200 / len(catalogue)
    assert abs(counts - expected).max() < 5 * np.sqrt(expected), "not those with the highest rows"


def test_a_target_is_the_newest_item_that_was_new_to_its_user() -> None:
    events = [
        Event("ann", item_id, "click", order=order)
        for order, item_id in enumerate(["garden/spade", "garden/hose", "garden/spade", "garden/spade"])
    ]
    once = [Event(f"user {n}", "garden/rake", "click", order=n) for n in range(9)]  # nobody else comes back
    data = build_dataset(small_catalogue(), events + once)
    part, examples = carve(data, FusionRecipe(hidden_share=0.0), 0)
    assert [data.items[row] for row in examples.targets] == ["garden/hose"]
    assert [data.items[row] for row in examples.batch.rows] == ["garden/spade"]
    fitted = [data.items[row] for row in part.item_rows]
    assert (fitted.count("garden/spade"), fitted.count("garden/hose")) == (3, 0)


def test_where_people_come_back_a_target_is_late_and_nothing_after_it_is_fitted() -> None:
    weekly = ["garden/spade", "garden/hose"] * 20
    events = [Event(f"u{u}", id_, "purchase", order=n) for u in range(30) for n, id_ in enumerate(weekly)]
    data = build_dataset(small_catalogue(), events)
    part, examples = carve(data, FusionRecipe(hidden_share=0.0), 0)
    assert data.repeat_share > 0.9
    assert len(examples.targets) == 30 * 2  # both items are among everybody's last four events
    assert (np.diff(part.indptr) == 36).all()
    assert examples.batch.lengths.max() == 36


def test_no_event_of_a_user_with_their_target_is_fitted() -> None:
    data = small_dataset()
    part, examples = carve(data, FusionRecipe(hidden_share=0.0), 0)
    fitted = set(zip(part.user_rows.tolist(), part.item_rows.tolist(), strict=True))
    everything = set(zip(data.user_rows.tolist(), data.item_rows.tolist(), strict=True))
    held = everything - fitted
    assert len(held) == len(examples.targets)
    assert sorted(item for _, item in held) == sorted(examples.targets.tolist())


def test_a_dataset_without_a_positive_event_gives_no_examples() -> None:
    data = build_dataset(small_catalogue(), [Event("u", "garden/spade", "hide", order=1)])
    part, examples = carve(data, FusionRecipe(), 0)
    assert len(part) == 1
    assert not len(examples.targets)


def numbered(timed: bool) -> Dataset:
    """`values` number the events, so that they can be told apart."""
    data = small_dataset(timed=timed)
    object.__setattr__(data, "values", np.arange(len(data), dtype=np.float32))
    return data


def owners_of(data: Dataset, part: Dataset, history: np.ndarray, target: int) -> bool:
    """Whether some user has this target held out, and this history fitted: before it, where there is an order."""
    for user in range(len(data.users)):
        mine = np.arange(data.indptr[user], data.indptr[user + 1])
        for place in mine[data.item_rows[mine] == target]:
            earlier = mine < place if data.ordered else mine != place
            before = mine[earlier & np.isin(data.values[mine], part.values)]
            out = data.values[place] not in part.values
            if out and data.item_rows[before][len(before) - len(history) :].tolist() == history.tolist():
                return True
    return False
