from __future__ import annotations

import json
from pathlib import Path

import pytest

from zhiyin.data.readers.inference import (
    Sample,
    infer_events,
    infer_items,
    infer_relations,
    infer_users,
    language_in,
    rating_threshold,
    take_sample,
)
from zhiyin.data.readers.language import language_of
from zhiyin.data.readers.mapping import TextColumns
from zhiyin.data.readers.synonyms import event_type_of, plain
from zhiyin.data.readers.table import open_table
from zhiyin.errors import InvalidData


def sample(tmp_path: Path, text: str, name: str = "events.csv") -> Sample:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return take_sample(open_table(tmp_path / name), name)


def many(*columns: list[str], header: str, count: int = 60) -> str:
    """A CSV whose columns go through their values again and again; {n} is the number of the row."""
    rows = (",".join(column[n % len(column)].format(n=n) for column in columns) for n in range(count))
    return "\n".join([header, *rows]) + "\n"


def test_a_shop_in_english_is_understood(tmp_path: Path) -> None:
    text = many(
        ["B{n:03}"], ["The chair of {n} days"], ["A long description of a chair " * 4], ["Chairs", "Tables"],
        ["Ikea", "Hay"], ["$1{n}.50"], ["https://x.org/{n}"], ["https://x.org/{n}.jpg"], ["yes", "no"],
        ["red", ""], ["2026-01-02"],
        header="sku,Product Name,description,category,Brand,list_price,url,imageUrl,in_stock,colour,created_at",
    )  # fmt: skip
    inferred = infer_items(sample(tmp_path, text, "items.csv"))
    items = inferred.mapping
    assert (items.item_id, items.title, items.text) == ("sku", "Product Name", ("description",))
    assert (items.categories, items.brand, items.price) == (("category",), "Brand", "list_price")
    assert (items.url, items.image, items.available) == ("url", "imageUrl", "in_stock")
    assert (items.published_at, items.time_format, items.attributes) == ("created_at", "iso", ("colour",))
    assert "I took `sku` as the item id: 60 distinct values in 60 rows" in inferred.said


def test_a_shop_in_chinese_is_understood(tmp_path: Path) -> None:
    text = many(
        ["{n}"], ["知音{n}号茶壶"], ["紫砂壶，手工制作"], ["茶具|礼品", "茶具"], ["宜兴"], ["¥{n}"],
        header="商品编号,标题,描述,分类,品牌,价格",
    )  # fmt: skip
    seen = sample(tmp_path, text, "items.csv")
    items = infer_items(seen).mapping
    assert (items.item_id, items.title, items.text) == ("商品编号", "标题", ("描述",))
    assert (items.categories, items.list_separator, items.brand, items.price) == (
        ("分类",),
        "|",
        "品牌",
        "价格",
    )
    assert language_in(seen, items).code == "zh"
    events = infer_events(
        sample(tmp_path, many(["u{n}"], ["{n}"], ["5", "3"], header="用户编号,商品编号,评分"))
    ).mapping
    assert (events.user_id, events.item_id, events.value, events.only_type) == (
        "用户编号", "商品编号", "评分", "rating",
    )  # fmt: skip


def test_a_second_language_becomes_a_translation(tmp_path: Path) -> None:
    both = many(["{n}"], ["Tea {n}"], ["茶{n}"], ["好茶"], header="item_id,title,title_zh,text_zh")
    items = infer_items(sample(tmp_path, both)).mapping
    assert items.title == "title"
    assert items.translations == {"zh": TextColumns(title="title_zh", text="text_zh")}
    apart = many(["{n}"], ["Tea {n}"], ["茶{n}"], ["green"], header="item_id,title_en,title_zh,text_en")
    items = infer_items(sample(tmp_path, apart)).mapping
    assert (items.title, items.text) == ("title_en", ("text_en",))
    assert items.translations == {"zh": TextColumns(title="title_zh")}


def test_the_id_is_the_column_that_the_events_speak_of(tmp_path: Path) -> None:
    items = many(["{n}"], ["A{n}"], ["Tea {n}"], header="id,code2,title")
    met = infer_items(sample(tmp_path, items), event_ids=frozenset(f"A{n}" for n in range(30)))
    assert met.mapping.item_id == "code2"
    assert "50% of them met in the events" in met.said[0]
    events = many(["u{n}"], ["x{n}"], ["A{n}"], header="user,product,thing")
    found = infer_events(sample(tmp_path, events), item_ids=frozenset(f"A{n}" for n in range(60)))
    assert found.mapping.item_id == "thing"


def test_json_lists_are_categories(tmp_path: Path) -> None:
    lines = (json.dumps({"asin": f"B{n}", "title": f"The {n}", "genres": ["a", "b"]}) for n in range(60))
    assert infer_items(sample(tmp_path, "\n".join(lines), "a.jsonl")).mapping.categories == ("genres",)


def test_decimal_commas_are_seen_in_a_file_split_by_semicolons(tmp_path: Path) -> None:
    text = many(["{n}"], ["Tee {n}"], ["1,5", "22,95"], header="sku,name,price").replace(",", ";")
    text = text.replace("1;5", "1,5").replace("22;95", "22,95")
    items = infer_items(sample(tmp_path, text)).mapping
    assert (items.price, items.decimal_comma) == ("price", True)


def test_foreign_event_types_are_mapped_and_unknown_ones_told(tmp_path: Path) -> None:
    text = many(
        ["u{n}"], ["i{n}"], ["buy", "addtocart", "点击", "play", "view", "zap"], ["176986{n:02}00"],
        header="visitorid,itemid,event,timestamp",
    )  # fmt: skip
    inferred = infer_events(sample(tmp_path, text))
    events = inferred.mapping
    assert (events.type, events.at, events.time_format) == ("event", "timestamp", "epoch_s")
    assert events.types == {"buy": "purchase", "addtocart": "cart", "点击": "click", "play": "view"}
    assert any("'zap' (10 rows)" in said and "[data.events.types]" in said for said in inferred.said)


@pytest.mark.parametrize(
    ("name", "header", "type_"),
    [
        ("purchases.csv", "user,item", "purchase"),
        ("my_clicks.2026.csv", "user,item", "click"),
        ("log.csv", "user,item,dwell_time", "view"),
        ("log.csv", "user,item,quantity", "purchase"),
        ("log.csv", "user,item,stars", "rating"),
        ("log.csv", "user,item", "click"),
    ],
)
def test_without_a_type_column_the_file_tells_the_type(tmp_path: Path, name: str, header: str, type_: str) -> None:
    text = many(["u{n}"], ["i{n}"], ["3", "4"], header=header if header.count(",") == 2 else header + ",x")
    inferred = infer_events(sample(tmp_path, text, name))
    assert inferred.mapping.only_type == type_
    assert any(f"all events as {type_}" in said for said in inferred.said)


def test_reviews_with_stars_and_text_are_reviews(tmp_path: Path) -> None:
    text = many(
        ["A{n}"], ["B{n}"], ["5.0", "1.0"], ["I like it"], ["1769860800"],
        header="reviewerID,asin,overall,reviewText,unixReviewTime",
    )  # fmt: skip
    events = infer_events(sample(tmp_path, text)).mapping
    assert (events.user_id, events.item_id, events.value) == ("reviewerID", "asin", "overall")
    assert (events.only_type, events.text, events.at) == ("review", "reviewText", "unixReviewTime")
    assert events.time_format == "epoch_s"


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        (["1", "2", "3", "4", "5"], 4.0),
        (["0.5", "3.5", "5.0"], 3.5),
        (["1", "10"], 7.0),
        (["0", "1"], 0.5),
        (["-10", "10"], 0.0),
        (["20", "100"], 70.0),
        (["5"], None),
        ([""], None),
    ],
)
def test_the_threshold_of_liking_follows_the_scale(
    tmp_path: Path, values: list[str], threshold: float | None
) -> None:
    seen = sample(tmp_path, many(["u{n}"], ["i{n}"], values, header="user,item,rating"))
    found, said = rating_threshold(seen, infer_events(seen).mapping)
    assert found == threshold
    assert ("liking" in said) == (threshold is not None) or "threshold" in said


def test_only_ratings_count_for_the_threshold(tmp_path: Path) -> None:
    text = many(["u{n}"], ["i{n}"], ["view", "rating"], ["90", "5"], header="user,item,event,value")
    seen = sample(tmp_path, text)
    assert rating_threshold(seen, infer_events(seen).mapping)[0] is None


def test_a_time_that_no_calendar_knows_is_an_order(tmp_path: Path) -> None:
    inferred = infer_events(sample(tmp_path, many(["u{n}"], ["i{n}"], ["{n}"], header="user,item,timestamp")))
    assert (inferred.mapping.at, inferred.mapping.order) == (None, "timestamp")
    assert any("nothing is known of ages" in said for said in inferred.said)


def test_sessions_stand_in_for_people(tmp_path: Path) -> None:
    inferred = infer_events(sample(tmp_path, many(["s{n}"], ["i{n}"], header="session_id,item_id")))
    assert inferred.mapping.user_id == "session_id"
    assert any("no people" in said for said in inferred.said)


def test_a_file_without_ids_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="its columns: colour, size"):
        infer_items(sample(tmp_path, "colour,size\nred,1\nred,1\n"))
    with pytest.raises(InvalidData, match="user_id"):
        infer_events(sample(tmp_path, "item_id,size\nred,1\nred,1\n"))


def test_people_and_relations_are_understood(tmp_path: Path) -> None:
    users = infer_users(sample(tmp_path, many(["u{n}"], ["F", "M"], header="UserID,gender"))).mapping
    assert (users.user_id, users.attributes) == ("UserID", ("gender",))
    named = infer_relations(sample(tmp_path, many(["a"], ["b"], ["c"], header="tail,rel,head"))).mapping
    assert (named.head, named.relation, named.tail) == ("head", "rel", "tail")
    placed = infer_relations(sample(tmp_path, many(["a"], ["b"], header="x,y"))).mapping
    assert (placed.head, placed.relation, placed.tail) == ("x", None, "y")


def test_empty_columns_are_told_and_left_out(tmp_path: Path) -> None:
    inferred = infer_items(sample(tmp_path, many(["{n}"], ["T {n}"], [""], header="id,title,memo")))
    assert "memo" not in inferred.mapping.attributes
    assert "I left out `memo`: nothing is in there" in inferred.said


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["The lord of the rings", "A day in the sun"], "en"),
        (["Heat", "Alien", "Casablanca"], "en"),
        (["红楼梦", "三国演义 Vol 1"], "zh"),
        (["となりのトトロ", "千と千尋の神隠し"], "other"),
        (["Der Himmel über Berlin", "Das Leben der Anderen"], "other"),
        (["Солярис"], "other"),
        (["123"], "other"),
    ],
)
def test_the_language_is_english_chinese_or_other(texts: list[str], code: str) -> None:
    assert language_of(texts).code == code


@pytest.mark.parametrize("name", ["movieId", "Movie ID", "MOVIE-ID", "movie_id", " movieID "])
def test_spellings_of_a_name_are_one(name: str) -> None:
    assert plain(name) == "movie_id"


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("Buy", "purchase"),
        ("add-to-cart", "cart"),
        ("AddToCart", "cart"),
        ("购买", "purchase"),
        ("star", "like"),
    ],
)
def test_event_types_have_many_names(name: str, type_: str) -> None:
    assert event_type_of(name) == type_
