"""What is kept of every single one says the same as the means."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.evaluation.record import Evaluation
from zhiyin.evaluation.standings import WHOLE, load_standings
from zhiyin.shop import Zhiyin


def test_what_each_got_says_the_same_as_the_evaluation(measured_shop: Zhiyin, evaluation: Evaluation) -> None:
    whole = load_standings(measured_shop.bundles, evaluation.bundle)[WHOLE]
    assert whole.split == evaluation.question.split
    for name in (*evaluation.reported, "auc", "novelty@10", "miscalibration@20"):
        assert np.nanmean(whole.of(name)) == pytest.approx(evaluation.whole.ours[name], rel=1e-6), name
    for name, part in evaluation.buckets.items():
        assert np.nanmean(whole.of(evaluation.main, name)) == pytest.approx(part.ours[evaluation.main]), name
        assert np.isfinite(whole.of(evaluation.main, name)).sum() == part.n_users
    for channel, gain in evaluation.worth.items():
        lost = evaluation.whole.ours[evaluation.main] - evaluation.without[channel][evaluation.main]
        assert gain.value == pytest.approx(lost), channel
