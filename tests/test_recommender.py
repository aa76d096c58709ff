"""The whole online path on a small shop: what is shown, to whom, and that it can be said again."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import numpy as np
import pytest

from zhiyin.errors import InvalidQuery
from zhiyin.live import Live
from zhiyin.policies.base import Policy
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.softmax import Softmax
from zhiyin.recommender import Recommender, Shape
from zhiyin.settings_lists import PolicySettings, RankingSettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import SILENT, START, THEMES, small_catalogue, small_events
from zhiyin.types import AsOf, Event, EventType, Item, Query, Recommendation

NOW = START + timedelta(days=20)
SHAPE = Shape(candidates=200, retrieve=500, diversity=0.2, repeats=False, digest="d")
IDS = {item.item_id for item in small_catalogue()}


def act(shop: Zhiyin, user_id: str, item_id: str, type_: EventType = "like", minute: int = 0) -> None:
    shop.add_events([Event(user_id, item_id, type_, at=NOW + timedelta(minutes=minute))])


def ask(
    shop: Zhiyin, query: Query, id_: str = "r", policy: Policy | None = None, shape: Shape = SHAPE
) -> Recommendation:
    return Recommender(shop.live(), policy or Greedy(), shape).recommend(query, id_, NOW)


def shown(recommendation: Recommendation) -> list[str]:
    return [place.item_id for place in recommendation.items]


def theme_of(item_id: str) -> str:
    return item_id.split("/", maxsplit=1)[0]


def test_a_person_gets_their_theme_first(shop: Zhiyin) -> None:
    themes = list(THEMES)
    hits = 0
    for user in range(30):
        first = shown(ask(shop, Query(f"user {user}", n=3)))[0]
        hits += theme_of(first) == themes[user % 3]
    assert hits >= 24


def test_the_same_question_gives_the_same_list_bit_for_bit(shop: Zhiyin) -> None:
    query = Query("user 3", text="a violin", n=10)
    policy = Softmax(0.2, 0.1)
    assert ask(shop, query, policy=policy) == ask(shop, query, policy=policy)
    others = {tuple(shown(ask(shop, query, f"r{n}", policy))) for n in range(8)}
    assert len(others) > 1


def test_a_list_shows_its_arithmetic(shop: Zhiyin) -> None:
    answer = ask(shop, Query("user 1", text="garden", n=8), policy=Softmax(0.5, 0.05))
    candidates = dict(answer.candidates)
    for place in answer.items:
        assert place.score == pytest.approx(sum(place.parts.values()))
        channels = {name: part for name, part in place.parts.items() if name != "diversity"}
        assert candidates[place.item_id] == pytest.approx(sum(channels.values()))
        assert place.log_propensity <= 0
        assert place.reasons
    scores = [score for _, score in answer.candidates]
    assert scores == sorted(scores, reverse=True)


def test_what_a_person_had_is_not_shown_again(shop: Zhiyin) -> None:
    for user in range(10):
        had = {event.item_id for event in small_events() if event.user_id == f"user {user}"}
        assert not had & set(shown(ask(shop, Query(f"user {user}", n=25))))


def test_repeats_show_it_again_but_never_what_was_disliked_or_hidden(shop: Zhiyin) -> None:
    act(shop, "u", "garden/spade")
    act(shop, "u", "garden/rake", "dislike", 1)
    act(shop, "u", "garden/seed", "hide", 2)
    act(shop, "u", "garden/pot", "hide", 3)
    act(shop, "u", "garden/pot", "click", 4)
    once, again = ask(shop, Query("u", n=50)), ask(shop, Query("u", n=50), shape=replace(SHAPE, repeats=True))
    assert "garden/spade" in shown(again)
    for unwanted in ("garden/rake", "garden/seed", "garden/pot"):
        assert unwanted not in shown(again)
        assert unwanted not in shown(once)


def test_a_dislike_long_ago_is_not_forgotten(shop: Zhiyin) -> None:
    act(shop, "u", "garden/spade", "hide", 0)
    act(shop, "u", "garden/rake", "purchase", 1)
    for minute in range(400):
        act(shop, "u", "garden/pot", "click", minute + 2)
    assert not {"garden/spade", "garden/rake"} & set(shown(ask(shop, Query("u", n=50))))


def test_being_shown_something_is_not_having_it(shop: Zhiyin) -> None:
    act(shop, "u", "garden/spade")
    before = shown(ask(shop, Query("u", n=5)))
    for minute, item_id in enumerate(before * 60):
        act(shop, "u", item_id, "impression", minute + 1)
    assert shown(ask(shop, Query("u", n=5))) == before


def test_a_new_event_counts_in_the_next_answer(shop: Zhiyin) -> None:
    before = ask(shop, Query("newcomer", n=5))
    assert before.mode == "popular"
    for minute, noun in enumerate(("piano", "violin", "drum")):
        act(shop, "newcomer", f"music/{noun}", minute=minute)
    after = ask(shop, Query("newcomer", n=5))
    assert after.mode == "trained"
    assert [theme_of(item_id) for item_id in shown(after)[:3]] == ["music"] * 3
    assert shown(after) != shown(before)
    assert after.as_of.event == before.as_of.event + 3


def test_a_session_and_examples_count_without_being_logged(shop: Zhiyin) -> None:
    answer = ask(shop, Query(session=("music/piano",), like=("music/violin",), unlike=("garden/rake",), n=4))
    assert {theme_of(item_id) for item_id in shown(answer)[:3]} == {"music"}
    assert not {"music/piano", "music/violin", "garden/rake"} & set(shown(answer))
    assert answer.missing_ids == ()
    assert ask(shop, Query(session=("gone",), like=("gone", "music/piano"))).missing_ids == ("gone",)


def test_an_unknown_user_gets_a_full_list(shop: Zhiyin) -> None:
    answer = ask(shop, Query("nobody ever", n=10))
    assert len(answer.items) == 10
    assert answer.mode == "popular"
    assert shown(ask(shop, Query(n=10))) == shown(answer)


def test_merged_users_are_one_person(shop: Zhiyin) -> None:
    act(shop, "anonymous", "music/piano")
    act(shop, "anonymous", "music/violin", minute=1)
    as_anonymous = shown(ask(shop, Query("anonymous", n=5)))
    shop.store.merge("anonymous", "ann")
    assert shown(ask(shop, Query("ann", n=5))) == as_anonymous
    assert shown(ask(shop, Query("anonymous", n=5))) == as_anonymous


def test_erased_events_no_longer_matter(shop: Zhiyin) -> None:
    newcomer = shown(ask(shop, Query("u", n=5)))
    act(shop, "u", "music/piano")
    assert shown(ask(shop, Query("u", n=5))) != newcomer
    shop.store.erase("u")
    shop.fold_again()
    assert shown(ask(shop, Query("u", n=5))) == newcomer


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ('category = "music"', lambda item: "music" in item.categories),
        ('noun = "drum"', lambda item: item.attributes.get("noun") == "drum"),
        ("price > 79", lambda item: (item.price or 0) > 79),
        ('title = "there is none"', lambda item: False),
    ],
)
def test_a_filter_leaves_exactly_what_passes_it(shop: Zhiyin, expression: str, passes: object) -> None:
    wanted = {item.item_id for item in small_catalogue() if passes(item)}  # type: ignore[operator]
    for query in (Query(filter=expression, n=50), Query(filter=expression, n=50, text="garden")):
        assert set(shown(ask(shop, query))) == wanted
    with pytest.raises(InvalidQuery):
        ask(shop, Query(filter="price <"))


def test_a_filter_passes_few_of_many_items_that_no_channel_proposed(shop: Zhiyin) -> None:
    shape = replace(SHAPE, retrieve=2)
    answer = ask(shop, Query("user 0", filter='noun = "song"'), shape=shape)
    assert shown(answer) == ["music/song"]


def test_excluded_items_are_not_shown(shop: Zhiyin) -> None:
    everything = shown(ask(shop, Query(n=50)))
    without = shown(ask(shop, Query(n=50, exclude=(*everything[:7], "not in the catalogue"))))
    assert set(without) == set(everything[7:])


def test_a_list_is_as_long_as_it_can_be(shop: Zhiyin) -> None:
    for n in (1, 3, 25, 1_000):
        answer = ask(shop, Query(n=n))
        assert len(answer.items) == min(n, len(IDS))
        assert len(set(shown(answer))) == len(answer.items)
    assert set(shown(ask(shop, Query(n=1_000), shape=replace(SHAPE, retrieve=3)))) <= IDS


def test_more_places_than_candidates_are_filled(shop: Zhiyin) -> None:
    answer = ask(shop, Query(n=20), shape=replace(SHAPE, candidates=5, retrieve=5))
    assert len(answer.items) == 20


@pytest.mark.parametrize("user_id", [None, "user 0"])
def test_unavailable_items_take_no_place_from_others(shop: Zhiyin, user_id: str | None) -> None:
    favourites = shown(ask(shop, Query(user_id, n=10)))
    gone = [item for item in small_catalogue() if item.item_id in favourites]
    shop.put_items([replace(item, available=False) for item in gone])
    answer = ask(shop, Query(user_id, n=4), shape=replace(SHAPE, retrieve=4))
    assert len(answer.items) == 4
    assert not set(favourites) & set(shown(answer))


def test_a_deleted_item_vanishes_and_comes_back(shop: Zhiyin) -> None:
    victim = shown(ask(shop, Query(n=1)))[0]
    item = shop.item(victim)
    shop.store.delete_items([victim])
    assert victim not in shown(ask(shop, Query(n=50)))
    shop.put_items([item])
    assert shown(ask(shop, Query(n=1))) == [victim]


def test_a_new_item_can_be_recommended_at_once(shop: Zhiyin) -> None:
    new = Item("music/oboe", "oboe for the music", "An oboe that everybody who loves the music wants to have.")
    shop.put_items([new])
    assert "music/oboe" in shown(ask(shop, Query(n=50)))
    assert shown(ask(shop, Query(text="an oboe")))[0] == "music/oboe"
    liked = shown(ask(shop, Query(like=("music/piano", "music/violin"), n=8)))
    assert "music/oboe" in liked
    act(shop, "u", "music/oboe")
    answer = ask(shop, Query("u", n=3))
    assert {theme_of(item_id) for item_id in shown(answer)[:2]} == {"music"}
    assert "music/oboe" in {
        source for place in answer.items for reason in place.reasons for source in reason.items
    }


def test_a_changed_text_is_read_again(shop: Zhiyin) -> None:
    shop.put_items([replace(shop.item("garden/spade"), title="theremin", text="theremin", translations={})])
    assert shown(ask(shop, Query(text="theremin")))[0] == "garden/spade"


def test_trending_is_what_was_taken_last_whoever_asks(shop: Zhiyin) -> None:
    for user in range(64 - shop.store.last_event() % 64 + 64):
        act(shop, f"stranger {user}", "kitchen/spoon", "purchase", user)
    answer = ask(shop, Query(scenario="trending", n=5))
    assert shown(answer)[0] == "kitchen/spoon"
    assert shown(ask(shop, Query("user 0", scenario="trending", n=5)))[0] == "kitchen/spoon"
    assert {name for place in answer.items for name in place.parts} <= {"popular", "diversity"}


def test_latest_is_the_newest_publication_first(shop: Zhiyin) -> None:
    shop.put_items([Item("brand new", "lamp", published_at=NOW)])
    answer = ask(shop, Query(scenario="latest", n=50), shape=replace(SHAPE, diversity=0.0))
    dates = [shop.item(item_id).published_at for item_id in shown(answer)]
    assert shown(answer)[0] == "brand new"
    assert None not in dates
    assert dates == sorted(dates, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize("policy", [Greedy(), Softmax(0.1, 0.05)])
def test_latest_with_a_filter_leaves_out_what_has_no_date(shop: Zhiyin, policy: Policy) -> None:
    answer = ask(shop, Query(scenario="latest", filter='category = "music"', n=50), policy=policy)
    dated = {item.item_id for item in small_catalogue() if item.published_at and "music" in item.categories}
    assert set(shown(answer)) == dated
    assert all(np.isfinite(place.score) for place in answer.items)


def test_before_any_event_text_alone_answers(untrained_shop: Zhiyin) -> None:
    answer = ask(untrained_shop, Query(text="a violin for the music", n=5))
    assert answer.mode == "zero_shot"
    assert shown(answer)[0] == "music/violin"
    assert {theme_of(item_id) for item_id in shown(answer)[:3]} == {"music"}
    assert set(shown(ask(untrained_shop, Query(n=50)))) == IDS
    similar = ask(untrained_shop, Query(like=("garden/spade",), scenario="similar", n=3))
    assert {theme_of(item_id) for item_id in shown(similar)[:2]} == {"garden"}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["for_you", "trending", "latest", "similar", "my own row"])
def test_an_empty_shop_answers_with_an_empty_list(empty_shop: Zhiyin, scenario: str) -> None:
    for query in (Query(scenario=scenario), Query("u", text="lamp", scenario=scenario, filter="price < 2")):
        answer = ask(empty_shop, query)
        assert answer.items == ()
        assert answer.mode == "zero_shot"


@pytest.mark.slow
def test_the_first_items_of_an_empty_shop_are_served_at_once(empty_shop: Zhiyin) -> None:
    ask(empty_shop, Query())
    empty_shop.put_items(small_catalogue())
    assert shown(ask(empty_shop, Query(text="violin")))[0] == "music/violin"
    act(empty_shop, "u", "garden/spade")
    assert theme_of(shown(ask(empty_shop, Query("u")))[0]) == "garden"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "   ", "!?", "zzz qqq", "😀", "x" * 2_000, "\x00", "知音"])
def test_any_wish_is_answered(shop: Zhiyin, text: str) -> None:
    answer = ask(shop, Query(text=text, n=5))
    assert len(answer.items) == 5
    assert all(np.isfinite(place.score) for place in answer.items)


def test_a_greedy_list_explores_nothing_and_a_drawn_one_says_where_it_does(shop: Zhiyin) -> None:
    query = Query("user 2", n=5)
    greedy = ask(shop, query)
    assert not any(place.explored for place in greedy.items)
    drawn = ask(shop, query, policy=Softmax(3.0, 0.3))
    for place in drawn.items:
        assert place.explored == (place.item_id not in shown(greedy))


def test_given_items_are_ordered_by_the_same_sums(shop: Zhiyin) -> None:
    given = ("garden/spade", "music/violin", "kitchen/pan", "unknown", SILENT)
    recommender = Recommender(shop.live(), Softmax(3.0, 0.3), SHAPE)
    answer = recommender.order(Query(like=("music/piano",)), given, "r", NOW)
    assert shown(answer)[0] == "music/violin"
    assert set(shown(answer)) == set(given) - {"unknown"}
    assert answer.missing_ids == ("unknown",)
    scores = [place.score for place in answer.items]
    assert scores == sorted(scores, reverse=True)


class TestReplay:
    """A list is the same when it is asked for again as of its position, whatever came after it."""

    queries = (
        Query("user 1", n=10),
        Query("user 4", text="a violin", n=10),
        Query(like=("music/piano",), n=10),
        Query("late", n=10),
        Query(scenario="trending", n=10),
        Query(scenario="latest", n=10),
        Query(filter='category = "garden"', n=10),
    )

    @pytest.fixture
    def lists(self, shop: Zhiyin) -> list[Recommendation]:
        """Asked while the shop changes: each after events, arrivals, new words, deletions."""
        asked = []
        for step, query in enumerate(self.queries * 3):
            rng = np.random.default_rng(step)
            for minute in range(23):
                item_id = str(rng.choice(sorted(IDS | {"later 3", "later 6", "never there"})))
                act(shop, f"user {rng.integers(9)}" if minute else "late", item_id, "click", 100 * step + minute)
            if step % 3 == 0:
                shop.put_items([Item(f"later {step}", f"violin number {step} for the music", published_at=NOW)])
            if step % 5 == 4:
                shop.put_items([replace(shop.item("music/drum"), text=f"other words {step} of a garden")])
            if step == 8:
                shop.store.delete_items(["later 3", "garden/rake"])
            if step == 11:
                shop.put_items([Item("later 3", "back again", "with other words")])
            asked.append(self.again(shop.live(), query, f"list {step}"))
        return asked

    def again(self, live: Live, query: Query, id_: str, as_of: AsOf | None = None) -> Recommendation:
        return Recommender(live, Softmax(0.3, 0.05), SHAPE).recommend(query, id_, NOW, as_of)

    def test_by_the_same_server(self, shop: Zhiyin, lists: list[Recommendation]) -> None:
        for logged in lists:
            assert self.again(shop.live(), logged.query, logged.recommendation_id, logged.as_of) == logged

    @pytest.mark.slow
    def test_by_a_server_that_starts_later(self, shop: Zhiyin, lists: list[Recommendation]) -> None:
        later = Live(shop.bundle(lists[0].bundle), shop.store, shop.settings.data.signals)
        for logged in lists:
            assert self.again(later, logged.query, logged.recommendation_id, logged.as_of) == logged

    def test_by_a_server_that_was_up_to_date_all_the_time(self, shop: Zhiyin, lists: list[Recommendation]) -> None:
        later = Live(shop.bundle(lists[0].bundle), shop.store, shop.settings.data.signals)
        last = lists[-1]
        assert self.again(later, last.query, last.recommendation_id) == last


@pytest.mark.slow
@pytest.mark.parametrize("holdout", [0.0, 0.25])
@pytest.mark.parametrize("name", ["greedy", "epsilon_greedy", "softmax"])
def test_the_settings_choose_the_policy_and_shape_the_list(
    shop: Zhiyin, name: Literal["greedy", "epsilon_greedy", "softmax"], holdout: float
) -> None:
    policy = PolicySettings(name=name, temperature=2.0, floor=0.3, holdout=holdout)
    settings = shop.settings.model_copy(update={"policy": policy, "ranking": RankingSettings(candidates=7)})
    other = Zhiyin(settings, shop.store, HashEncoder())
    answer = other.recommend(user_id="user 1", n=5)
    assert answer.policy == (f"{name}, holdout" if holdout else name)
    assert len(answer.candidates) == 7
    assert answer.settings == settings.digest() != shop.settings.digest()
