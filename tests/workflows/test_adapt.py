"""`zhiyin train text`: a shop whose people know more than the model, and the gate in front of what reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zhiyin.data.dataset import build_dataset
from zhiyin.errors import InvalidData, MissingExtra, NotPublishable
from zhiyin.evaluation.comparison import Comparison, Contender, People, Versus
from zhiyin.evaluation.posing import Terms, carve_cold, pose
from zhiyin.evaluation.record import Gain, Question
from zhiyin.evaluation.verdict import loses
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.types import Event, Item
from zhiyin.workflows.adapt import _adopt, _with_reader, adapt_text, better, may_be_known
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

SETTINGS = """
# what reads
[encoder]
model = "models/ours"  # ours
precision = "float32"

[tower]
method = "full"
dense = 0
steps = {steps}
batch = 16
learning_rate = {rate}
judged = 60
judgements = 2
average = "none"
"""


def shop_in(folder: Path, *, steps: int = 20, rate: float = 0.003) -> Zhiyin:
    tiny_model(folder / "models" / "ours")
    (folder / "zhiyin.toml").write_text(SETTINGS.format(steps=steps, rate=rate))
    shop = Zhiyin.open(folder)
    shop.put_items(small_catalogue())
    return shop


def versus(low: float, high: float, n: int = 100) -> Versus:
    middle = (low + high) / 2
    return Versus(n, 0.1, 0.1 + middle, Gain(middle, low, high))


def comparison(whole: Versus, *, refused: bool = False, **cold: Versus) -> Comparison:
    who = Contender("a" * 64, True, 0, {}, 1.0)
    question = Question.__new__(Question)
    return Comparison(
        1, "shop", who, replace(who, live=False), question, "ndcg@10", {"ndcg@10": whole}, {}, cold,
        People(1, 1, 1), (), "popular", 0.1, (), refused, (), {}, 100,
    )  # fmt: skip


def test_better_is_what_an_interval_shows() -> None:
    assert "better on ndcg@10" in better(comparison(versus(0.01, 0.03)))
    assert not better(comparison(versus(-0.01, 0.03)))
    assert not better(comparison(versus(-0.03, -0.01), cold_items=versus(0.1, 0.2)))
    assert "cold items" in better(comparison(versus(-0.01, 0.01), cold_items=versus(0.1, 0.2)))
    assert not better(comparison(versus(-0.01, 0.01), cold_items=versus(0.1, 0.2, n=5))), "too few to say"
    mixed = {"cold_items": versus(0.1, 0.2), "newcomers_1": versus(-0.2, -0.1)}
    assert not better(comparison(versus(-0.01, 0.01), **mixed))
    assert not better(comparison(versus(0.01, 0.03), refused=True))


def test_nothing_that_is_asked_may_be_known() -> None:
    rng = np.random.default_rng(0)
    items = [Item(f"i{n}", title=f"thing {n}") for n in range(600)]
    events = [
        Event(f"u{user}", f"i{row}", "click", order=place)
        for user in range(600)
        for place, row in enumerate(rng.permutation(600)[:6].tolist())
    ]
    data = build_dataset(items, events)
    known, hidden = may_be_known(data, Terms(), 0.1, 0)
    pairs = set(zip(known.user_rows.tolist(), known.item_rows.tolist(), strict=True))
    cold = carve_cold(data, 0)
    assert {"cold_items", "newcomers_1"} <= set(cold)
    test = pose(data, Terms()).split
    for owner, row in zip(test.targets.owners, test.targets.rows, strict=True):
        assert (int(test.users[owner]), int(row)) not in pairs
    assert hidden[cold["cold_items"].targets.rows].all()
    strangers = np.flatnonzero(np.diff(cold["newcomers_1"].fit.indptr) == 0)
    assert not np.isin(known.user_rows, strangers).any()
    assert len(known) > 0.5 * len(data)


def test_a_shop_without_events_has_nothing_to_adapt_to(tmp_path: Path) -> None:
    """Without torch that is missed first."""
    with shop_in(tmp_path) as shop, pytest.raises((InvalidData, MissingExtra), match=r"nobody did|torch"):
        adapt_text(shop)


def test_a_tower_that_is_not_better_leaves_all_as_it_was(tmp_path: Path) -> None:
    with shop_in(tmp_path, steps=2, rate=1e-9) as shop:
        shop.add_events(small_events(60))
        before = (tmp_path / "zhiyin.toml").read_text()
        with pytest.raises(NotPublishable, match=r"towers/ours"):
            adapt_text(shop)
        assert (tmp_path / "zhiyin.toml").read_text() == before
        assert shop.publication() is None


def test_setting_and_bundle_are_taken_together_or_not_at_all(tmp_path: Path) -> None:
    with shop_in(tmp_path) as shop:
        shop.add_events(small_events(60))
        tiny_model(tmp_path / "towers" / "ours", seed=1)
        other = _with_reader(shop, "towers/ours")
        before, challenger = (tmp_path / "zhiyin.toml").read_text(), train(other).bundle
        with pytest.raises(NotPublishable, match="not measured"):
            _adopt(shop, other, "towers/ours", challenger)
        assert (tmp_path / "zhiyin.toml").read_text() == before
        assert shop.publication() is None
        found = evaluate_bundle(other, challenger)
        refused = found.refused or loses(found.main, found.whole)
        assert not refused, "else this shop shows nothing"
        _adopt(shop, other, "towers/ours", challenger)
    text = (tmp_path / "zhiyin.toml").read_text()
    assert text == before.replace('model = "models/ours"  # ours', 'model = "towers/ours"')
    with Zhiyin.open(tmp_path) as again:
        assert again.recommend(user_id="user 1", n=3).items
