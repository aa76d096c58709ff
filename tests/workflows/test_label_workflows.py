"""Labels from files and from the catalogue, given to items, decided by people, watched over time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_shop import shop_in

from zhiyin.data.store.open import open_store
from zhiyin.errors import BrokenBundle, InvalidData, NotFound
from zhiyin.settings import FILE, LabelSettings, Settings
from zhiyin.settings_file import load_settings
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import THEMES, small_catalogue
from zhiyin.types import PERSON, Event, Item, LabelExample, Query
from zhiyin.workflows.backup import backup, restore
from zhiyin.workflows.labels.applying import apply_labels
from zhiyin.workflows.labels.asking import classify, label_health
from zhiyin.workflows.labels.next import next_texts
from zhiyin.workflows.labels.reading import Columns, item_text, newest, read_file
from zhiyin.workflows.labels.reviewing import add_example, decide, review_queue
from zhiyin.workflows.labels.showing import show_one
from zhiyin.workflows.labels.training import Asked, train_labels
from zhiyin.workflows.labels.watching import watch, wilson

pytestmark = pytest.mark.slow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = {theme: nouns.split() for theme, (nouns, _) in THEMES.items()}


def texts() -> list[tuple[str, str]]:
    """Twelve of each theme, in words of its own."""
    return [
        (f"a {words[n % 8]} and a {words[(n * 3 + 1) % 8]} number {n}", theme)
        for theme, words in WORDS.items()
        for n in range(12)
    ]


def csv_of(folder: Path, head: str = "text,label,answer") -> Path:
    path = folder / "topics.csv"
    rows = [f"{text},{theme},See the {theme}." for text, theme in texts()]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.fixture
def topical(tmp_path: Path) -> Iterator[Zhiyin]:
    """The small catalogue and a label model of its themes."""
    with shop_in(tmp_path) as shop:
        shop.put_items(small_catalogue())
        train_labels(shop, "topic", Asked(csv_of(tmp_path)), NOON)
        yield shop


def test_a_file_is_learned_from_and_says_what_it_is_worth(tmp_path: Path) -> None:
    with shop_in(tmp_path) as shop:
        made = train_labels(shop, "topic", Asked(csv_of(tmp_path)), NOON)
        assert made.report.accuracy > 0.9
        assert "36 examples read from topics.csv, 36 of them new" in made.sentences()[0]
        again = train_labels(shop, "topic", Asked(csv_of(tmp_path)), NOON)
        assert again.n_new == 0
        (health,) = label_health(shop)
    assert (health.name, health.n_examples, health.labels) == ("topic", 36, ("garden", "kitchen", "music"))


def test_texts_without_labels_are_learned_from_where_that_helps_and_it_is_said(tmp_path: Path) -> None:
    rows = [f"{text},{theme}" for text, theme in texts() if int(text.split()[-1]) < 5]
    (tmp_path / "few.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (tmp_path / "more.csv").write_text("\n".join(["text", *(text for text, _ in texts())]) + "\n")
    with shop_in(tmp_path) as shop:
        shop.put_items(small_catalogue())
        asked = Asked(tmp_path / "few.csv", unlabelled=tmp_path / "more.csv", items=True)
        made = train_labels(shop, "topic", asked, NOON)
        gained = made.kept.about["unlabelled"]
        assert gained["n_texts"] == 21 + 24, "texts that are examples are left out, and so is what has no words"
        assert gained["after"] <= gained["before"]
        assert any("texts without labels" in line for line in made.sentences())
        assert any("texts without labels" in line for line in show_one(shop, "topic").sentences())
        assert shop.store.labels.counts() == {"topic": 15}, "they are no examples"
        with pytest.raises(InvalidData, match="an example already"):
            train_labels(shop, "topic", Asked(unlabelled=tmp_path / "few.csv"), NOON)
        with pytest.raises(InvalidData, match="exclude each other"):
            train_labels(shop, "kinds", Asked(attribute="categories", items=True), NOON)


def test_a_text_gets_its_label_the_owners_answer_and_what_is_near(topical: Zhiyin) -> None:
    found, strange = classify(topical, "topic", ["a spade and a rake", "zzz qqq xxx"]).texts
    assert (found.labels, found.answer) == (("garden",), "See the garden.")
    assert found.near[0] == ("garden", found.probability)
    assert strange.unknown
    assert strange.answer is None


def test_items_are_labelled_beside_what_the_owner_and_people_say(topical: Zhiyin) -> None:
    topical.put_items([Item("own", "A spade and a rake", attributes={"topic": "mine"})])
    decide(topical, "topic", "garden/spade", "tools", NOON)
    done = apply_labels(topical, "topic", NOON)
    assert (done.owners, done.decided, done.textless) == (1, 1, 1)
    assert done.labelled + done.unknown + 3 == 26
    label = topical.item("music/piano").labels["topic"]
    assert (label.labels, label.at, label.by) == (("music",), NOON, topical.labels("topic").digest)
    assert 0 < label.probability <= 1
    assert topical.item("garden/spade").labels["topic"].by == PERSON
    assert "topic" not in topical.item("own").labels
    assert apply_labels(topical, "topic", NOON + timedelta(days=1)).changed == 0


def test_labels_are_filtered_by_in_lists(topical: Zhiyin) -> None:
    apply_labels(topical, "topic", NOON)
    shown = topical.compute(Query(text="something", n=20, filter='topic = "music"')).items
    assert shown
    assert all(place.item_id.startswith("music/") for place in shown)


def test_labels_of_the_catalogue_itself_are_learned_without_reading_them(tmp_path: Path) -> None:
    with shop_in(tmp_path) as shop:
        shop.put_items(small_catalogue())
        made = train_labels(shop, "kind", Asked(attribute="category"), NOON)
        assert made.kept.about["attribute"] == "category"
        assert set(made.kept.about["classifier"]["names"]) == {"garden", "kitchen", "music"}
        several = train_labels(shop, "kinds", Asked(attribute="categories"), NOON)
        assert set(several.kept.about["classifier"]["names"]) == {"garden", "kitchen", "music", "sale"}
        with pytest.raises(InvalidData, match="no item has an attribute 'colour'"):
            train_labels(shop, "kind", Asked(attribute="colour"), NOON)
    assert "Kitchenware" not in item_text(Item("a", "Pan", categories=("Kitchenware",)))


def test_without_examples_or_a_model_the_cure_is_told(tmp_path: Path) -> None:
    with shop_in(tmp_path) as shop:
        with pytest.raises(InvalidData, match="--texts FILE"):
            train_labels(shop, "topic", Asked(), NOON)
        with pytest.raises(InvalidData, match="small letters"):
            train_labels(shop, "../../etc", Asked(), NOON)
        with pytest.raises(NotFound, match="zhiyin label train topic"):
            shop.labels("topic")


def test_the_nearest_column_is_told(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "sentence,intent,answer")
    assert read_file(path, "topic", Columns(), NOON).answers["music"] == "See the music."
    with pytest.raises(InvalidData, match="did you mean 'sentence'"):
        read_file(path, "topic", Columns(text="sentense"), NOON)
    path = csv_of(tmp_path, "foo,bar,answer")
    with pytest.raises(InvalidData, match="--text-column"):
        read_file(path, "topic", Columns(), NOON)


def test_a_file_in_gb18030_is_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "评论.csv"
    path.write_bytes("文本,标签\n手机很好用,好评\n质量太差了,差评\n".encode("gb18030"))
    found = read_file(path, "mood", Columns(), NOON)
    assert [one.labels for one in found.examples] == [("好评",), ("差评",)]
    assert any("GB18030" in note for note in found.notes)


def test_several_labels_of_a_text_are_split(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_text("text,tags\none,a|b\ntwo,\nthree,b\n")
    found = read_file(path, "tags", Columns(several="|"), NOON)
    assert [one.labels for one in found.examples] == [("a", "b"), (), ("b",)]


def test_the_newest_word_of_a_person_counts_alone() -> None:
    def said(label: str, source: str) -> LabelExample:
        return LabelExample("topic", "a text", (label,), source, NOON)

    assert [one.labels[0] for one in newest([said("a", "f"), said("b", "g")])] == ["a", "b"]
    found = newest([said("a", "f"), said("b", PERSON), said("c", PERSON), said("d", "g")])
    assert [one.labels[0] for one in found] == ["c"]


def test_the_doubtful_are_asked_for_first_and_decisions_are_learned(tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path, labels={"topic": LabelSettings(harmful=("garden",), review=(0.01, 0.99))})
    with Zhiyin(settings, open_store("memory:"), HashEncoder()) as shop:
        shop.put_items([*small_catalogue(), Item("mixed", "a spade and a drum"), Item("odd", "a rake and a harp")])
        train_labels(shop, "topic", Asked(csv_of(tmp_path)), NOON)
        apply_labels(shop, "topic", NOON)
        queue = review_queue(shop, "topic")
        assert queue
        doubts = [abs(one.harm - 0.5) for one in queue]
        assert doubts == sorted(doubts)
        decide(shop, "topic", queue[0].item_id, "music", NOON)
        assert queue[0].item_id not in {one.item_id for one in review_queue(shop, "topic")}
        examples = list(shop.store.labels.examples("topic"))
        assert (examples[-1].source, examples[-1].item_id) == (PERSON, queue[0].item_id)
        assert apply_labels(shop, "topic", NOON).decided == 1


def test_an_example_needs_words_and_a_label(topical: Zhiyin) -> None:
    assert add_example(topical, "topic", "a new text", "garden", NOON) == 37
    for text, label in ((" ", "garden"), ("text", "")):
        with pytest.raises(InvalidData, match="got none"):
            add_example(topical, "topic", text, label, NOON)


def test_what_is_asked_next_is_unlabelled_doubtful_and_spread(topical: Zhiyin) -> None:
    found = next_texts(topical, "topic", 5)
    assert len({one.text for one in found}) == 5
    assert all(one.said in WORDS and one.item_id for one in found)
    add_example(topical, "topic", found[0].text, "music", NOON)
    assert found[0].text not in {one.text for one in next_texts(topical, "topic", 20)}


def test_before_there_is_a_model_a_spread_of_texts_is_asked_for(tmp_path: Path) -> None:
    with shop_in(tmp_path) as shop:
        shop.put_items(small_catalogue())
        found = next_texts(shop, "topic", 6)
        assert len({one.text for one in found}) == 6
        assert found == next_texts(shop, "topic", 6)


def test_a_share_that_leaves_its_interval_is_an_alert(topical: Zhiyin) -> None:
    def reviews(week: int, theme: str, n: int) -> list[Event]:
        words = WORDS[theme]
        return [
            Event(
                f"u{n}",
                "music/drum",
                "review",
                at=NOON + timedelta(weeks=week, hours=n),
                text=f"a {words[n % 8]} and a {words[(n + 3) % 8]}",
                event_id=f"{week} {theme} {n}",
            )
            for n in range(n)
        ]

    for week in range(4):
        topical.add_events([*reviews(week, "garden", 14), *reviews(week, "music", 2)])
    topical.add_events(reviews(4, "music", 14))
    topical.store.append([Event("u", "music/drum", "review", text="a drum and a flute")])  # nobody knows when
    found = watch(topical, "topic", labels=["music"])
    assert [one.alert for one in found.shares] == [False] * 4 + [True]
    assert found.undated == 1
    assert all(one.low <= one.value <= one.high for one in found.shares)
    with pytest.raises(InvalidData, match="no label 'jazz'"):
        watch(topical, "topic", labels=["jazz"])
    undated = shop_in(topical.settings.folder)
    undated.put_items([Item("a", "A drum")])
    with pytest.raises(InvalidData, match="published_at"):
        watch(undated, "topic", source="items")


def test_wilsons_interval_by_hand() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_a_backup_holds_label_models_and_their_examples(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / FILE).write_text('name = "first"\n')
    settings = load_settings(folder)
    with Zhiyin(settings, open_store(settings.store_url()), HashEncoder()) as shop:
        shop.put_items(small_catalogue())
        train_labels(shop, "topic", Asked(csv_of(tmp_path)), NOON)
        before = classify(shop, "topic", ["a spade and a rake"])
        saved = backup(shop, tmp_path / "saved.tar.gz")
    restore(saved.path, tmp_path / "again")
    settings = load_settings(tmp_path / "again")
    with Zhiyin(settings, open_store(settings.store_url()), HashEncoder()) as shop:
        assert classify(shop, "topic", ["a spade and a rake"]) == before
        assert shop.store.labels.counts() == {"topic": 36}


def test_a_model_that_was_changed_or_has_lost_its_encoder_is_refused(topical: Zhiyin) -> None:
    home = topical.settings.path(LABELS) / "topic"
    digest = (home / "current").read_text()
    head = home / digest / "head.safetensors"
    content = head.read_bytes()
    head.write_bytes(content[:-1])
    with pytest.raises(BrokenBundle, match="zhiyin label train topic"):
        topical.labels("topic")
    head.write_bytes(content)
    other = HashEncoder()
    other.fingerprint = "another"
    with pytest.raises(BrokenBundle, match="another"):
        Zhiyin(topical.settings, topical.store, other).labels("topic")
    about = home / digest / "about.json"
    about.write_bytes(about.read_bytes() + b" ")
    with pytest.raises(BrokenBundle, match="not what its name says"):
        topical.labels("topic")
