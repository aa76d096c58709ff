"""What takes long to fit and many tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_shop import HOSTILE, small_shop

from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Evaluation, attached
from zhiyin.shop import Zhiyin
from zhiyin.types import User
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.train import train


@pytest.fixture(scope="session")
def measured_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhiyin]:
    """A live bundle and a newer one, both measured; people have an attribute. To be looked at, not changed."""
    with small_shop(tmp_path_factory.mktemp("measured")) as shop:
        shop.store.put_users([User(f"user {n}", {HOSTILE: "left" if n < 45 else "right"}) for n in range(60)])
        live = train(shop, 1).bundle
        shop.publish(live)
        for name in (live, train(shop, 2).bundle):
            evaluate_bundle(shop, name, Terms(resamples=200))
        yield shop


@pytest.fixture(scope="session")
def evaluation(measured_shop: Zhiyin) -> Evaluation:
    """Of the bundle that is live."""
    live = measured_shop.publication()
    assert live is not None
    found = attached(measured_shop.bundles, live.bundle)
    assert found is not None
    return found
