"""From a folder with a protocol to a split, on files of a few rows."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhiyin.data.folders import load_dataset, read_events, read_items, read_relations, split_of
from zhiyin.data.protocols import Protocol, load_protocol
from zhiyin.data.splits import Split
from zhiyin.errors import InvalidData, NotFound
from zhiyin.types import Item, Relation

ITEMS: list[dict[str, object]] = [
    {
        "item_id": name,
        "title": f"The {name}\x00",
        "categories": "One|Two",
        "price": 2.5,
        "kind": kind,
        "number": number,
    }
    for name, kind, number in [
        ("a", "product", 1),
        ("b", "product", 2),
        ("c", "service", None),
        ("d", "product", 4),
    ]
]


def table(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def events(**histories: str) -> list[dict[str, object]]:
    """Each letter an event, ten seconds and one session apart."""
    return [
        {"user_id": user, "item_id": item, "type": "library", "value": 1.0, "timestamp": 10 * place,
         "order": place, "session_id": f"{user}{place}", "price": 3.0}
        for user, word in histories.items()
        for place, item in enumerate(word)
    ]  # fmt: skip


def pairs(text: str) -> list[dict[str, object]]:
    """'ua ub' to the pairs (u, a), (u, b)."""
    return [{"user_id": pair[0], "item_id": pair[1]} for pair in text.split()]


def protocol(folder: Path, document: dict[str, object], name: str | None = None) -> Protocol:
    (folder / "splits").mkdir(exist_ok=True)
    path = folder / "splits" / "protocol.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return load_protocol(path, name)


def said(split: Split) -> dict[str, tuple[str, str, str]]:
    """User → history, targets, masked, each sorted."""
    word = split.fit.items
    borders = split.past.indptr
    return {
        split.fit.users[row] if row >= 0 else "?": (
            "".join(sorted(word[row] for row in split.past.rows[borders[at] : borders[at + 1]])),
            "".join(sorted(word[row] for row in split.targets[at])),
            "".join(sorted(word[row] for row in split.masked[at])),
        )
        for at, row in enumerate(split.users)
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table(tmp_path / "items.parquet", ITEMS)
    table(tmp_path / "events.parquet", events(u="abcd", v="bda"))
    return tmp_path


def test_items_come_with_clean_text_and_their_plain_columns(folder: Path) -> None:
    items = read_items(folder)
    assert items[0] == Item(
        "a", "The a ", categories=("One", "Two"), price=2.5, attributes={"kind": "product", "number": 1}
    )
    assert dict(items[2].attributes) == {"kind": "service"}


def test_columns_that_hold_lists_or_nothing_are_left_out(tmp_path: Path) -> None:
    table(tmp_path / "items.parquet", [{"item_id": "a", "title": None, "theta": [1.0, 2.0], "brand": "B"}])
    assert read_items(tmp_path) == [Item("a", brand="B")]


def test_an_unknown_type_is_a_like_and_values_count_only_when_asked_for(folder: Path) -> None:
    event = next(read_events(folder, implicit=True))
    assert (event.type, event.value, event.order, event.session_id) == ("like", None, 0, "u0")
    assert event.at is not None
    assert event.at.timestamp() == 0
    assert next(read_events(folder, implicit=False)).value == 1.0


def test_events_without_time_and_order_are_a_set(tmp_path: Path) -> None:
    table(tmp_path / "items.parquet", ITEMS)
    table(tmp_path / "events.parquet", [{**row, "type": "rating"} for row in pairs("ua ub uc")])
    data = load_dataset(protocol(tmp_path, {"kind": "leave_one_out"}))
    assert not data.ordered
    assert not data.timed
    assert len(data) == 3


def test_vectors_come_by_the_index_of_their_item_or_in_the_order_of_the_items(folder: Path) -> None:
    np.save(folder / "vectors_image.npy", np.array([[1, 2], [0, 0], [5, 6], [7, 8]], np.float16))
    assert [dict(item.vectors) for item in read_items(folder)] == [
        {"image": (1.0, 2.0)}, {}, {"image": (5.0, 6.0)}, {"image": (7.0, 8.0)},
    ]  # fmt: skip
    table(folder / "items.parquet", [{**row, "item_index": 3 - n} for n, row in enumerate(ITEMS)])
    assert [item.vectors.get("image") for item in read_items(folder)] == [(7.0, 8.0), (5.0, 6.0), None, (1.0, 2.0)]
    np.save(folder / "vectors_image.npy", np.ones((3, 2)))
    with pytest.raises(InvalidData, match="the items need 4 rows"):
        read_items(folder)


def test_edges_and_knowledge_are_relations(folder: Path) -> None:
    table(folder / "item_edges.parquet", [{"item_id": "a", "other_id": "b"}])
    table(folder / "kg.parquet", [{"head": "m.1", "relation": "film.actor", "tail": "m.2"}])
    table(folder / "kg_link.parquet", [{"item_id": "a", "entity_id": "m.1"}])
    table(folder / "relations.parquet", [{"head": "a", "relation": "brand", "tail": "Acorn"}])
    assert set(read_relations(folder)) == {
        Relation("a", "brand", "Acorn"),
        Relation("a", "linked", "b"),
        Relation("a", "same_as", "m.1"),
        Relation("m.1", "film.actor", "m.2"),
    }


def test_leave_one_out_of_a_folder(folder: Path) -> None:
    stated = protocol(folder, {"kind": "leave_one_out", "items": "the 3 items with a number"})
    split = split_of(stated, load_dataset(stated))
    assert said(split) == {"u": ("abc", "d", "abc"), "v": ("bd", "a", "bd")}
    assert split.candidates.sum() == 3
    assert len(split.fit) == 3


def test_a_wrong_number_of_items_is_refused(folder: Path) -> None:
    stated = protocol(folder, {"kind": "leave_one_out", "items": "the 4 items with a number"})
    with pytest.raises(InvalidData, match="states 4 candidates, the files give 3"):
        split_of(stated, load_dataset(stated))


def test_global_time_of_a_folder_takes_the_first_session(folder: Path) -> None:
    stated = protocol(
        folder,
        {
            "kind": "global_time", "validation_from": 10, "test_from": 20, "filter_history": "report both",
            "candidates": "items of kind product seen before the cut", "targets": "the user's first session",
        },
    )  # fmt: skip
    data = load_dataset(stated)
    split = split_of(stated, data)
    assert said(split) == {"v": ("bd", "a", "bd")}  # u begins with a service, which is no target
    assert split.candidates.sum() == 3
    assert said(split_of(stated, data, filter_history=False)) == {"v": ("bd", "a", "")}
    assert said(split_of(stated, data, part="validation")) == {"u": ("a", "b", "a"), "v": ("b", "d", "b")}


COLD: dict[str, object] = {
    "kind": "warm_cold",
    "train": "warm_train",
    "validation": ["warm_val", "cold_val"],
    "test": ["warm_test", "cold_test"],
    "warm": {"candidates": "2 items of warm_train", "masked": "the user's warm_train and warm_val items"},
    "cold": {"candidates": "2 items of cold_val and cold_test", "masked": "the user's cold_val items"},
    "overall": {
        "candidates": "all 4 items",
        "users": "1 users in warm_test and cold_test",
        "masked": "warm_train",
    },
}


@pytest.fixture
def cold_folder(folder: Path) -> Path:
    (folder / "events.parquet").unlink()  # given pairs bring their own
    for name, text in {
        "warm_train": "ua vb wa wb",
        "warm_val": "va",
        "cold_val": "uc vd",
        "warm_test": "ub xa",
        "cold_test": "ud vc",
    }.items():
        table(folder / "splits" / f"{name}.parquet", pairs(text))
    return folder


def test_cold_items_are_ranked_among_themselves(cold_folder: Path) -> None:
    stated = protocol(cold_folder, COLD, "cold")
    data = load_dataset(stated)
    split = split_of(stated, data)
    assert said(split) == {"u": ("a", "d", "c"), "v": ("b", "c", "d")}
    assert {split.fit.items[row] for row in split.candidates.nonzero()[0]} == {"c", "d"}
    assert split.fit.support[split.candidates].sum() == 0
    assert said(split_of(stated, data, part="validation")) == {"u": ("a", "c", ""), "v": ("b", "d", "")}


def test_warm_items_are_ranked_without_what_the_user_had(cold_folder: Path) -> None:
    stated = protocol(cold_folder, COLD, "warm")
    data = load_dataset(stated)
    assert said(split_of(stated, data)) == {"u": ("a", "b", "a"), "?": ("", "a", "")}
    assert len(split_of(stated, data, refit=True).fit) == 5
    assert said(split_of(stated, data, part="validation", refit=True)) == {"v": ("b", "a", "b")}


def test_overall_keeps_the_users_of_every_part(cold_folder: Path) -> None:
    stated = protocol(cold_folder, COLD, "overall")
    assert said(split_of(stated, load_dataset(stated))) == {"u": ("a", "bd", "a")}
    many = protocol(cold_folder, {**COLD, "overall": {"users": "7 users in warm_test and cold_test"}}, "overall")
    with pytest.raises(InvalidData, match="states 7 users, its files give 1"):
        split_of(many, load_dataset(many))


def test_pairs_without_validation_have_none(cold_folder: Path) -> None:
    stated = protocol(cold_folder, {"kind": "pairs", "train": "warm_train", "test": "warm_test"})
    with pytest.raises(InvalidData, match="no validation part"):
        split_of(stated, load_dataset(stated), part="validation")


def test_the_order_of_a_pair_file_and_of_ids_tells_nothing(cold_folder: Path) -> None:
    stated = protocol(cold_folder, {"kind": "pairs", "train": "warm_train", "test": "warm_test"})
    before = split_of(stated, load_dataset(stated)).fit
    table(cold_folder / "splits" / "warm_train.parquet", pairs("wb wa vb ua ua"))
    after = split_of(stated, load_dataset(stated)).fit
    assert before.item_rows.tolist() == after.item_rows.tolist()
    for user in range(len(after.users)):
        history = after.item_rows[after.indptr[user] : after.indptr[user + 1]]
        assert history.tolist() == sorted(history)  # rows are in hash order
    assert not after.ordered


def test_rows_fit_on_the_longest_row_of_each_user(folder: Path) -> None:
    for name, rows in {
        "train": [("u", "a", "b"), ("u", "ab", "c"), ("v", "d", "a")],
        "valid": [("u", "abc", "d")],
        "test": [("v", "da", "b"), ("new", "c", "d")],
    }.items():
        table(
            folder / "splits" / f"{name}.parquet",
            [{"user_id": user, "history": list(past), "target": wanted} for user, past, wanted in rows],
        )
    stated = protocol(folder, {"kind": "rows", "train": "train", "validation": "valid", "test": "test"})
    data = load_dataset(stated)
    split = split_of(stated, data)
    assert len(split.fit) == 5
    assert split.fit.ordered
    assert said(split) == {"v": ("ad", "b", "ad"), "?": ("c", "d", "c")}
    assert len(split_of(stated, data, refit=True).fit) == 6
    assert said(split_of(stated, data, part="validation")) == {"u": ("abc", "d", "abc")}


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    stated = protocol(folder, {"kind": "pairs", "train": "nothing", "test": "nothing"})
    with pytest.raises(NotFound, match=r"nothing\.parquet"):
        split_of(stated, load_dataset(stated))
    with pytest.raises(NotFound, match=r"items\.parquet"):
        read_items(tmp_path / "elsewhere")
