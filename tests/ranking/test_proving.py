"""A channel stays only where held-out events are worth more with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.models.base import Run
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.fusion import BUCKETS, KINDS
from zhiyin.ranking.learn import FusionRecipe, groups
from zhiyin.ranking.objective import Objective
from zhiyin.ranking.proving import Gates, idle
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset

N, K = 500, 40


def met(*channels: str) -> tuple[Contests, Floats]:
    """Contests that "knows" and "same" tell the winners of, "more" tells what they do not, "noise" nothing."""
    rng = np.random.default_rng(0)
    truth, rest = rng.normal(size=(2, N, K))
    truth[:, 0] += 1.5
    rest[:, 0] += 1.0
    seen = {"knows": truth, "same": truth, "more": rest, "noise": rng.normal(size=(N, K))}
    features = np.stack([seen[name] for name in channels], axis=2).astype(np.float32)
    found = Contests(
        features,
        np.zeros((N, K), np.int64),
        np.ones((N, K)),
        np.full(N, 2),
        np.zeros(N, bool),
        np.ones(N, np.float32),
    )
    return found, np.full(len(channels), 0.5, np.float32)


def gone_of(contests: Contests, start: Floats, groups: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """What is idle, learned as gates are."""
    learn = FusionRecipe().solve
    return idle(contests, start, learn(Objective.of(contests), start), learn, groups)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("channels", "gone"),
    [
        (("knows", "noise"), {"noise"}),
        (("knows", "more"), set()),
        (("knows", "more", "noise"), {"noise"}),
    ],
)
def test_noise_goes_and_what_tells_something_stays(channels: tuple[str, ...], gone: set[str]) -> None:
    contests, start = met(*channels)
    places = {name: [place] for place, name in enumerate(channels)}
    assert set(gone_of(contests, start, places)) == gone


def test_of_two_that_say_the_same_one_stays() -> None:
    contests, start = met("knows", "same", "more")
    found = gone_of(contests, start, {"knows": [0], "same": [1]})
    assert len(found) <= 1


def test_what_helps_those_alone_who_have_just_begun_stays() -> None:
    contests, start = met("knows", "noise")
    begun = np.arange(N) % 10 < 2
    rng = np.random.default_rng(1)
    features = contests.features.copy()
    features[begun] = rng.normal(size=features[begun].shape)  # beginners: nobody knows, and the second tells all
    features[begun, 0, 1] += 4.0
    helped = replace(contests, features=features, begun=begun, bucket=np.where(begun, 1, 5))
    ask = {"noise": [1]}
    assert not gone_of(helped, start, ask)
    assert gone_of(contests, start, ask) == ("noise",)


def test_a_loud_one_is_not_asked() -> None:
    contests, _ = met("knows", "noise", "more")

    def said(objective: Objective, start: Floats, begin: Gates | None) -> Gates:
        """Always the prior gates."""
        gates = np.broadcast_to(start[:, None, None], (len(start), len(BUCKETS), KINDS))
        return gates.astype(np.float32), np.zeros((len(BUCKETS), KINDS), np.float32)

    quiet, loud = np.array([1.0, 0.2, 0.9], np.float32), np.array([1.0, 0.3, 0.9], np.float32)
    every = Objective.of(contests)
    assert idle(contests, quiet, said(every, quiet, None), said, {"noise": [1]}) == ("noise",)
    assert not idle(contests, loud, said(every, loud, None), said, {"noise": [1]})


def test_what_belongs_together_goes_together() -> None:
    contests, start = met("knows", "noise", "noise")
    assert gone_of(contests, start, {"vectors": [1, 2]}) == ("vectors",)


def test_with_few_events_nothing_is_proven_and_all_stay() -> None:
    contests, start = met("knows", "noise")
    assert not gone_of(contests.some(np.arange(100)), start, {"noise": [1]})


def test_what_reads_and_what_is_popular_always_stay() -> None:
    channels = ("words", "meaning", "popular", "taste", "vector_image", "vector_sound")
    assert groups(channels) == {"taste": [3], "vectors": [4, 5]}


def test_an_idle_channel_is_off_in_what_was_fitted_and_not_in_what_was_asked() -> None:
    asked = DefaultRecipe()
    left = asked.without({"taste", "vector_image"})
    assert left.off == ("taste", "vectors")
    assert left.idle_beside(asked) == ("taste", "vectors")
    assert not left.idle_beside(left)
    fitted = asked.fit(small_dataset(), Run(HashEncoder()))
    assert tuple(fitted.models) == fitted.fusion.channels
    assert not set(fitted.recipe.off) & set(fitted.models)
