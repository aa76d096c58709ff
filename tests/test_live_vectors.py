"""Named vectors from the store to the answer: in bundles, in items that come and change, in reasons."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import small_worlds
from zhiyin.bundle import newest_in
from zhiyin.explain.reasons import reasons_for
from zhiyin.live import Live
from zhiyin.models.base import history_batch
from zhiyin.models.vectors import Vectors
from zhiyin.ranking.fusion import Heard
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.testing.small import small_events, small_pictures
from zhiyin.types import Item, Query, Reason
from zhiyin.workflows.doctor import examine
from zhiyin.workflows.train import train

LAW = settings(
    max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MUSIC = next(item.vectors["image"] for item in small_pictures() if item.item_id == "music/violin")
MUSIC_LIKED = Query(like=("music/violin", "music/drum"), n=25, scenario="similar")


@pytest.fixture(scope="session")
def fitted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictured")
    with small_worlds.empty(folder) as shop:
        shop.put_items(small_pictures())
        shop.add_events(small_events())
        train(shop)
    return folder


@pytest.fixture
def pictured(tmp_path: Path, fitted_folder: Path) -> Iterator[Zhiyin]:
    """The small world with images, trained, its bundle live."""
    with small_worlds.empty(tmp_path) as shop:
        shop.put_items(small_pictures())
        shop.add_events(small_events())
        copytree(fitted_folder, tmp_path, dirs_exist_ok=True)
        shop.publish(newest_in(shop.bundles).name)
        yield shop


def looks(snapshot: Snapshot) -> Vectors:
    found = snapshot.models["vector_image"]
    assert isinstance(found, Vectors)
    return found


def part_of(shop: Zhiyin, item_id: str) -> float:
    """What the images add to the score of an item for somebody who likes music."""
    places = shop.compute(MUSIC_LIKED).items
    return next(place.parts.get("vector_image", 0.0) for place in places if place.item_id == item_id)


def test_a_bundle_carries_the_channel_and_how_its_past_fades(pictured: Zhiyin) -> None:
    bundle = pictured.bundle(newest_in(pictured.bundles).name)
    assert "vector_image" in bundle.manifest.channels
    assert bundle.fitted.recipe.vectors.recency is not None
    assert looks(pictured.live().snapshot()).recency == bundle.fitted.recipe.vectors.recency


def test_an_item_that_arrives_with_an_image_alone_is_near_what_looks_like_it(pictured: Zhiyin) -> None:
    pictured.put_items([Item("poster", vectors={"image": MUSIC}), Item("blank")])
    places = pictured.compute(MUSIC_LIKED).items
    order = [place.item_id for place in places]
    assert order.index("poster") < order.index("blank")
    assert part_of(pictured, "poster") > 0
    assert "vector_image" in [reason.channel for reason in places[order.index("poster")].reasons]


def test_an_image_that_changes_counts_in_the_next_answer(pictured: Zhiyin) -> None:
    before = part_of(pictured, "garden/rake")
    rake = pictured.item("garden/rake")
    pictured.put_items([replace(rake, vectors={"image": MUSIC})])
    assert part_of(pictured, "garden/rake") > max(before, 0.0)
    pictured.put_items([replace(rake, vectors={"image": (1.0, 2.0)})])
    row = pictured.live().snapshot().vocabulary.row("garden/rake")
    assert not looks(pictured.live().snapshot()).told[row], "another length is none"


def test_a_zero_shot_shop_has_images_too_and_later_items_borrow_in_it(tmp_path: Path) -> None:
    with small_worlds.empty(tmp_path) as shop:
        shop.put_items(small_pictures())
        assert part_of(shop, "music/flute") > 0
        shop.put_items([Item("later", "a violin and a drum for the music")])
        assert part_of(shop, "later") > 0
        shop.put_items([Item("odd", vectors={"image": (1.0, 2.0)})])
        assert part_of(shop, "odd") == 0


def test_a_guess_is_a_part_but_never_a_reason_and_never_a_source(pictured: Zhiyin) -> None:
    world = pictured.live().snapshot()
    told, rows = looks(world).told, world.vocabulary.rows(["music/violin", "music/drum"])
    guessed = np.array([row for row in np.flatnonzero(~told) if part_of(pictured, world.vocabulary[int(row)])])
    assert len(guessed)

    def reasons(history: list[int], shown: int) -> tuple[Reason, ...]:
        heard = Heard.by(world.models, history_batch(history, [1.0] * len(history), [0.0] * len(history)))
        (found,) = reasons_for([{"vector_image": 1.0, "popular": 1.0}], np.array([shown], np.int32), world, heard)
        return found

    harp, guess = world.vocabulary.row("music/harp"), int(guessed[0])
    looked, popular = reasons([*rows.tolist(), guess], harp)
    assert (looked.channel, popular.channel) == ("vector_image", "popular")
    assert set(looked.items) <= {"music/violin", "music/drum"}
    assert looked.items
    assert [reason.items for reason in reasons([guess], harp) if reason.channel == "vector_image"] == [()]
    assert [reason.channel for reason in reasons(rows.tolist(), guess)] == ["popular"]


def test_the_doctor_counts_who_has_one_and_names_odd_lengths(pictured: Zhiyin) -> None:
    found = {finding.about: finding for finding in examine(pictured)}
    assert found["vectors image"].light == "green"
    assert found["vectors image"].told.startswith("18 of 25 items have a vector image of 6 numbers")
    pictured.put_items([Item("odd", "odd", vectors={"image": (1.0, 2.0)})])
    found = {finding.about: finding for finding in examine(pictured)}
    assert found["vectors image"].light == "amber"
    assert "1 have one of another length" in found["vectors image"].told


changes = st.lists(
    st.tuples(
        st.sampled_from(["look", "lose", "reword", "delete", "odd", "back"]),
        st.sampled_from(["new 1", "new 2", "music/piano", "garden/spade", "garden/pot", "silent"]),
        st.integers(0, 5),
    ),
    max_size=10,
)


def apply(shop: Zhiyin, change: str, item_id: str, n: int) -> None:
    if change == "delete":
        shop.store.delete_items([item_id])
        return
    item = shop.store.item(item_id) or Item(item_id, "violin for the music")
    first = {one.item_id: one for one in small_pictures()}
    image = tuple(float(k == n) for k in range(6))
    shop.put_items(
        [
            {
                "look": replace(item, vectors={"image": image}),
                "lose": replace(item, vectors={}),
                "reword": replace(item, text=f"spade number {n} of a garden"),
                "back": first.get(item_id, item),
                "odd": replace(item, vectors={"image": (1.0,) * (n + 1)}),
            }[change]
        ]
    )


@pytest.mark.slow
@LAW
@given(changes)
def test_what_images_say_does_not_depend_on_the_steps(pictured: Zhiyin, steps: list[tuple[str, str, int]]) -> None:
    live = pictured.live()
    for change, item_id, n in steps:
        apply(pictured, change, item_id, n)
        live.snapshot()
    now = looks(live.snapshot())
    bundle = pictured.bundle(newest_in(pictured.bundles).name)
    fresh = looks(Live(bundle, pictured.store, pictured.settings.data.signals).snapshot())
    for again in (looks(live.at(live.snapshot().as_of)), fresh):
        assert np.array_equal(again.vectors, now.vectors)
        assert np.array_equal(again.told, now.told)
