"""From a file of relations to the half-sentence on a card: reasons that are paths through a graph."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Caller, calling, serving

from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import GraphPath, Place
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project
from zhiyin.workflows.train import train

FILES = {
    "items.csv": "id,title\nheat,Heat\ncollateral,Collateral\nronin,Ronin\nessay,On city nights\n"
    "reply,Against\nx,Other\n",
    "relations.csv": "head,relation,tail\nheat,director,m.1\ncollateral,director,m.1\nm.1,name,Michael Mann\n"
    "essay,cites,heat\nreply,cites,heat\n",
    "events.csv": "user,item,type\nann,heat,like\nann,ronin,like\nbob,essay,like\n",
}


def imported(folder: Path) -> Zhiyin:
    """As `zhiyin init --items … --relations … --events …` and `zhiyin import` leave it."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    init_project(
        folder,
        Files(*(folder / f"{kind}.csv" for kind in ("items", "events")), relations=folder / "relations.csv"),
    )
    settings, store = load_settings(folder), MemoryStore()
    ingest(settings, store)
    return Zhiyin(settings, store, HashEncoder())


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(imported(tmp_path_factory.mktemp("linked"))) as caller:
        yield caller


def paths(caller: Caller, body: dict[str, object]) -> dict[str, tuple[list[str], object]]:
    """Where the reason by the graph begins, and its path, by item of the answer."""
    said = caller.post("/v1/recommend", {"n": 10} | body).json()
    return {
        place["item_id"]: (reason["items"], reason["path"])
        for place in said["items"]
        for reason in place["reasons"]
        if reason["channel"] == "graph"
    }


def path(relation: str, **more: object) -> dict[str, object]:
    return {"relation": relation, "entity": None, "item": None, "outward": None} | more


@pytest.mark.slow
def test_an_answer_says_what_links_an_item_to_the_past(linked: Caller) -> None:
    assert paths(linked, {"session": ["collateral"]}) == {
        "heat": (["collateral"], path("director", entity="Michael Mann"))
    }
    assert paths(linked, {"user_id": "ann"}) == {
        "collateral": (["heat"], path("director", entity="Michael Mann")),
        "essay": (["heat"], path("cites", outward=False)),
        "reply": (["heat"], path("cites", outward=False)),
    }


def test_an_item_on_the_way_is_named_with_its_title(linked: Caller) -> None:
    said = linked.post("/v1/recommend", {"user_id": "bob"}).json()
    graph = {place["item_id"]: reason for place in said["items"] for reason in place["reasons"] if reason["path"]}
    assert graph["heat"]["path"] == path("cites", outward=True)
    assert graph["reply"]["path"] == path("cites", item="heat")
    assert said["titles"]["heat"] == "Heat"


def test_the_path_is_in_the_log_and_in_the_explanation(linked: Caller) -> None:
    said = linked.post("/v1/similar", {"item_id": "collateral"}).json()
    logged = linked.shop.store.recommendation(said["recommendation_id"])
    assert logged is not None
    place = next(place for place in logged.items if place.item_id == "heat")
    assert _path_of(place) == GraphPath("director", entity="Michael Mann")
    why = linked.get(f"/v1/recommendations/{said['recommendation_id']}/why/heat").json()
    assert why["reproduced"]
    assert [reason["path"] for reason in why["reasons"] if reason["channel"] == "graph"] == [
        path("director", entity="Michael Mann")
    ]
    assert [one["item_id"] for one in why["contributions"]["graph"]] == ["collateral"]
    assert why["rest"]["graph"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.slow
def test_a_trained_bundle_has_paths_too_and_a_new_item_has_none(tmp_path: Path) -> None:
    shop = imported(tmp_path)
    with shop, calling(shop) as caller:
        shop.publish(train(shop).bundle)
        assert paths(caller, {"session": ["collateral"]})["heat"][1] == path("director", entity="Michael Mann")
        caller.post("/v1/items", {"item_id": "late", "title": "Heat again"})
        assert all(told is not None for told in paths(caller, {"session": ["collateral"]}).values())


def _path_of(place: Place) -> GraphPath | None:
    return next(reason.path for reason in place.reasons if reason.channel == "graph")
