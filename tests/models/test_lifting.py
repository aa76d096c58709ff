"""Cold rows through their sources: found without looking at all of them, and changed one by one."""

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.models.base import best, history_batch
from zhiyin.models.lifting import MOST_LEANING, Lifting
from zhiyin.models.neighbours import Neighbours

WARM, COLD, K = 800, 2_400, 10


@pytest.fixture(scope="module")
def model() -> Neighbours:
    """Warm items link to warm ones nearby, cold ones lean on warm ones nearby, as on a shelf."""
    rng = np.random.default_rng(3)
    n = WARM + COLD
    near = (np.arange(WARM)[:, None] + rng.integers(-40, 40, (WARM, 30))) % WARM
    links = sp.csr_array((rng.random(near.size), (np.repeat(np.arange(WARM), 30), near.ravel())), shape=(n, n))
    sources = (rng.integers(0, WARM, COLD)[:, None] + rng.integers(0, 20, (COLD, K))) % WARM
    weights = rng.dirichlet(np.ones(K), COLD).ravel()
    mixtures = sp.csr_array((weights, (np.repeat(np.arange(COLD), K), sources.ravel())), shape=(COLD, n))
    cold = np.arange(WARM, n, dtype=np.int32)
    return Neighbours.of(links.astype(np.float32)).propagated(cold, mixtures.astype(np.float32))


def test_the_best_of_a_large_catalogue_are_found(model: Neighbours) -> None:
    shares = []
    for start in range(0, WARM, 40):
        asker = history_batch([start, start + 3, start + 9], [1.0, 1.0, 1.0], [0.0] * 3)
        wanted = best(model.score(asker)[0], 50)
        shares.append(np.isin(wanted, model.scorer(asker).retrieve(300)).mean())
    assert np.mean(shares) > 0.98


def test_not_all_cold_rows_are_looked_at(model: Neighbours) -> None:
    reached = model.lifting.reached(np.arange(20, dtype=np.int32))
    assert 0 < len(reached) <= 20 * MOST_LEANING < COLD


def test_later_rows_are_all_looked_at_and_can_change() -> None:
    lifting = Lifting.none(3).extended(sp.csr_array(np.array([[0, 0, 1], [0.5, 0.5, 0]], np.float32)))
    own = np.array([4.0, 2.0, 1.0], np.float32)
    assert lifting.some(own, np.array([4, 3, 0], np.int32)).tolist() == [3.0, 1.0, 4.0]
    assert lifting.reached(np.zeros(0, np.int32)).tolist() == [3, 4]
    other = lifting.again(np.array([3], np.int32), sp.csr_array(np.array([[1, 0, 0]], np.float32)))
    assert other.all(own[None, :])[0].tolist() == [4.0, 2.0, 1.0, 4.0, 3.0]
