"""Made-up people in copies of a small shop: the whole loop, and that nothing of it reaches the shop itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from small_shop import HOSTILE, shop_in, small_shop

from zhiyin.errors import InvalidData
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import policy_of
from zhiyin.simulation.browsing import Browsing
from zhiyin.simulation.world import Nature
from zhiyin.testing.small import small_catalogue
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.off_policy import off_policy, question_of
from zhiyin.workflows.replay import replay
from zhiyin.workflows.report import page_of
from zhiyin.workflows.report.regret import headline
from zhiyin.workflows.scratch import scratch_copy
from zhiyin.workflows.simulate import begun, simulate
from zhiyin.workflows.worlds import Newcomer

pytestmark = pytest.mark.slow

GREEDY, SOFT = PolicySettings(name="greedy"), PolicySettings(temperature=0.3, floor=0.1)
SMALL = Scene(rounds=2, people=3, n=3, arriving=0.1)


def test_nothing_of_it_reaches_the_shop(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        shop.live()
        before = shop.store.counts(), shop.store.position(), shop.publication(), sorted(tmp_path.rglob("*"))
        with begun(shop, [SOFT], SMALL) as simulation:
            simulation.turn()
            simulation.settle()
            copy = simulation.lives[0].shop
            assert copy.store.counts()["recommendations"] == SMALL.people
            folder = copy.settings.folder
            assert folder.is_dir()
        after = shop.store.counts(), shop.store.position(), shop.publication(), sorted(tmp_path.rglob("*"))
    assert after == before
    assert not folder.exists()


def test_a_copy_answers_as_the_shop_does_and_learns_apart(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop, scratch_copy(shop, GREEDY) as copy:
        mine = copy.recommend(user_id="user 1", n=5)
        assert mine.bundle == shop.live().folded.bundle.name
        assert mine.policy == "greedy"
        assert shop.settings.policy != GREEDY
        assert replay(copy, mine.recommendation_id).same
        copy.store.delete_items([mine.items[0].item_id])
        assert shop.store.item(mine.items[0].item_id) is not None


def test_the_same_seed_gives_the_same_bits_and_the_same_policy_meets_the_same_people(tmp_path: Path) -> None:
    eager = replace(SMALL, nature=Nature(usual=0.0))
    with small_shop(tmp_path) as shop:
        one, two = (simulate(shop, [SOFT, SOFT], eager) for _ in range(2))
        other = simulate(shop, [SOFT], replace(eager, seed=1))
    assert one.courses[0].total("clicks") > 3
    assert one == two
    assert one.courses[0] == one.courses[1]
    assert one.courses[0].turns != other.courses[0].turns
    assert (one.gain(1).low, one.gain(1).high) == (0.0, 0.0)


def test_the_log_of_a_copy_holds_what_happened_at_its_time_and_place(tmp_path: Path) -> None:
    scene = Scene(rounds=4, people=6, n=4, arriving=0.0, browsing=Browsing(late=0.5), nature=Nature(usual=0.0))
    with small_shop(tmp_path) as shop, begun(shop, [SOFT], scene) as simulation:
        turns = [simulation.turn()[0] for _ in range(scene.rounds)]
        life = simulation.lives[0]
        lists = {one.recommendation_id: one for one in life.shop.store.recommendations()}
        heard = life.shop.store.last_event()
        told = [event.at for _, event in life.shop.store.events() if event.recommendation_id and event.at]
        assert max(told) <= simulation.at, "the log knows no future"
        simulation.settle()
        events = [event for _, event in life.shop.store.events() if event.recommendation_id]
    assert life.shop.settings.folder != tmp_path
    assert len(events) > heard - shop.store.last_event(), "some clicks came after the last round"
    kinds = Counter(event.type for event in events)
    assert kinds["impression"] > kinds["click"] > kinds["purchase"] > 0
    assert kinds["click"] == sum(turn.clicks for turn in turns)
    for event in events:
        shown = lists[event.recommendation_id or ""]
        assert event.position is not None
        assert shown.items[event.position].item_id == event.item_id
        assert shown.query.user_id == event.user_id
        assert event.at is not None
        assert event.at >= shown.at
    moments = [one.at for one in lists.values()]
    assert moments == sorted(moments)


def test_what_is_earned_lies_between_nothing_and_the_best(tmp_path: Path) -> None:
    scene = Scene(rounds=3, people=5, n=4, arriving=0.2)
    with small_shop(tmp_path) as shop:
        found = simulate(shop, [GREEDY, SOFT], scene)
    assert found.n_arriving == 5
    for course in found.courses:
        assert sum(course.by_person) == pytest.approx(course.total("worth"))
        for turn in course.turns:
            assert 0 < turn.worth <= turn.best + 1e-9
            assert 0 < turn.chance < turn.best
            assert turn.lists == scene.people
    assert found.courses[0].total("explored") == 0 < found.courses[1].total("explored")
    assert found.courses[1].total("new_shown") > 0
    assert found.courses[0].turns[0].best == pytest.approx(found.courses[1].turns[0].best), "the same people"


def test_what_somebody_took_already_earns_nothing_before_the_shop_hears_of_it(tmp_path: Path) -> None:
    never = Browsing(stay=1.0, look=1.0, late=1.0, later=1e6)
    scene = Scene(rounds=2, people=3, n=4, arriving=0.0, browsing=never, nature=Nature(usual=9.0))
    with small_shop(tmp_path) as shop, begun(shop, [GREEDY], scene) as simulation:
        first, second = simulation.turn()[0], simulation.turn()[0]
        lists = [
            tuple(place.item_id for place in one.items) for one in simulation.lives[0].shop.store.recommendations()
        ]
    assert first.clicks == scene.people * scene.n
    assert sorted(lists[: scene.people]) == sorted(lists[scene.people :]), "nothing was heard: the same again"
    assert (second.clicks, second.worth) == (0, 0.0)
    assert second.best > 0


def test_everything_is_told_as_json_and_as_a_page(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        shop.settings = shop.settings.model_copy(update={"name": HOSTILE})
        found = simulate(shop, [GREEDY, SOFT], SMALL)
    told = orjson.loads(found.to_json())
    assert [course["policy"]["name"] for course in told["courses"]] == ["greedy", "softmax"]
    assert len(told["courses"][1]["turns"]) == SMALL.rounds
    page = page_of(found)
    assert page.count("<polyline") == 4
    assert "softmax (temperature 0.3, floor 0.1)" in page
    assert HOSTILE not in page
    assert any("beyond greedy, of the same people" in line for line in found.sentences)


def test_the_headline_says_who_earned_more_or_that_it_cannot_be_told(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        found = simulate(shop, [GREEDY, SOFT], SMALL)
    assert headline(replace(found, courses=found.courses[:1])) == "What greedy earns"
    best = replace(found.courses[1], by_person=tuple(9.0 + one for one in found.courses[0].by_person))
    assert headline(replace(found, courses=(found.courses[0], best))) == (
        "Softmax (temperature 0.3, floor 0.1) earns more"
    )
    assert headline(replace(found, courses=(best, found.courses[0]))) == (
        "Softmax (temperature 0.3, floor 0.1) earns more"
    )
    assert headline(replace(found, courses=found.courses[:1] * 2)) == "No difference can be told"


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="1 or more, got 0, 4 and 3"):
        Scene(rounds=0, people=4, n=3)
    with pytest.raises(InvalidData, match=r"from 0 to 0\.5, got 0\.9"):
        Scene(arriving=0.9)
    with shop_in(tmp_path) as shop, pytest.raises(InvalidData, match="no item"):
        simulate(shop, [GREEDY], SMALL)


def test_a_newcomer_is_as_good_as_it_is_said_to_be_whatever_its_text_says(tmp_path: Path) -> None:
    spade = next(item for item in small_catalogue() if item.item_id == "garden/spade")
    newcomers = [
        Newcomer(2, replace(spade, item_id=id_), quality) for id_, quality in (("good", 2.0), ("bad", -2.0))
    ]
    scene = Scene(rounds=3, people=6, n=5, arriving=0.0)
    with small_shop(tmp_path) as shop, begun(shop, [SOFT], scene, newcomers) as simulation:
        world, life = simulation.world, simulation.lives[0]
        good, bad = world.rows["good"], world.rows["bad"]
        for one in (good, bad):
            assert world.z[one] == pytest.approx(world.z[world.rows["garden/spade"]], abs=1e-4), "as they read"
        utility = world.utility(simulation.crowd.tastes)
        assert utility[:, good] - utility[:, bad] == pytest.approx(4.0)
        shown = []
        for _ in range(scene.rounds):
            simulation.turn()
            newest = life.shop.store.recent(limit=scene.people)
            shown.append({place[0] for one in newest for place in one.candidates} & {"good", "bad"})
        assert shown == [set(), {"good", "bad"}, {"good", "bad"}]


def test_the_copies_learn_measure_and_promote(tmp_path: Path) -> None:
    scene = Scene(rounds=4, people=8, n=4, arriving=0.0, learn_every=2, nature=Nature(usual=-1.0))
    with small_shop(tmp_path) as shop, begun(shop, [SOFT], scene) as simulation:
        notes = [simulation.turn()[0].note for _ in range(scene.rounds)]
        copy = simulation.lives[0].shop
        made = copy.publication()
    assert [bool(note) for note in notes] == [False, True, False, False]
    promoted = "was trained, measured and published" in notes[1]
    assert promoted or "stays unpublished" in notes[1]
    assert made is not None
    assert promoted == (made.bundle != shop.live().folded.bundle.name)


def test_off_policy_estimates_cover_the_truth_of_the_simulation(tmp_path: Path) -> None:
    scene = Scene(rounds=15, people=40, n=3, arriving=0.0, nature=Nature(usual=-1.0), browsing=Browsing(late=0.0))
    served = PolicySettings(temperature=1.0, floor=0.3)
    with small_shop(tmp_path) as shop, begun(shop, [served], scene) as simulation:
        for _ in range(scene.rounds):
            simulation.turn()
        simulation.settle()
        life = simulation.lives[0]
        for said in ({"name": "softmax", "temperature": 0.5}, {"name": "softmax", "floor": 0.9}):
            question = question_of(life.shop, said, "click")
            truth = life.truth(question.policy)
            told = {one.way: one.value for one in off_policy(life.shop, question).told}["places"]
            assert told is not None
            assert told.low <= truth.value <= told.high
        usual = life.truth(policy_of(served), draws=40)
        earned = life.by_person.sum() / (scene.rounds * scene.people)
    assert usual.low - 0.02 <= float(earned) <= usual.high + 0.02
