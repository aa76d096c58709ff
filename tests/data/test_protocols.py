"""Protocols as data sets state them, and those that are refused."""

import json
from pathlib import Path

import pytest

from zhiyin.data.protocols import (
    CandidateRule,
    GivenPairs,
    GivenRows,
    GlobalTime,
    LeaveOneOut,
    Protocol,
    load_protocol,
    protocol_names,
)
from zhiyin.data.splits import TimeCut
from zhiyin.errors import InvalidData, NotFound

ONE_OUT = {
    "kind": "leave_one_out",
    "test_input": "everything but the last event",
    "candidates": "all items",
    "filter_history": True,
    "metrics": ["HR@10", "NDCG@10"],
}
OVER_TIME = {
    "kind": "global_time",
    "validation_from": 100,
    "test_from": 200,
    "candidates": "items of kind product seen before the cut",
    "targets": "distinct products of the user's first session at or after the cut",
    "filter_history": "report both: repeat purchases are normal here",
    "metrics": ["Recall@20"],
}
COLD = {
    "kind": "warm_cold",
    "train": "warm_train",
    "validation": ["warm_val", "cold_val"],
    "test": ["warm_test", "cold_test"],
    "warm": {
        "candidates": "13,584 items of warm_train",
        "masked": "the user's warm_train and warm_val items",
    },
    "cold": {"candidates": "3 items of cold_val and cold_test", "masked": "the user's cold_val items"},
    "overall": {
        "candidates": "all 6 items",
        "users": "1,085 users in warm_test and cold_test",
        "masked": "the user's warm_train, warm_val and cold_val items",
    },
    "metrics": ["Recall@20", "NDCG@20"],
    "other": {"warm": {"train": "a_train", "test": "a_test", "candidates": "all 6 items, train masked"}},
}
PAIRS = {
    "train": "p_train",
    "test": "p_test",
    "candidates": "all 3,706 items, train masked",
    "metrics": ["Precision@10", "NDCG@10 (ideal over ALL test items)"],
}


def write(folder: Path, document: object) -> Path:
    path = folder / "splits" / "protocol.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_leave_one_out(tmp_path: Path) -> None:
    assert load_protocol(write(tmp_path, ONE_OUT)) == Protocol(
        folder=tmp_path,
        name="leave_one_out",
        rule=LeaveOneOut(),
        candidates=CandidateRule(),
        filter_history=(True,),
        metrics=("hr@10", "ndcg@10"),
    )


def test_items_may_be_those_with_a_column(tmp_path: Path) -> None:
    path = write(tmp_path, {**ONE_OUT, "items": "the 3,416 items with a sas_index"})
    assert load_protocol(path).candidates == CandidateRule(has="sas_index", count=3416)


def test_global_time_by_session(tmp_path: Path) -> None:
    got = load_protocol(write(tmp_path, OVER_TIME))
    assert got.rule == GlobalTime(TimeCut(100.0, 200.0, seen_only=True), by_session=True)
    assert got.candidates == CandidateRule(kind="product", seen_only=True)
    assert got.filter_history == (True, False)


def test_a_second_row_for_the_last_item_is_a_protocol_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path, {**OVER_TIME, "targets": "all items (and, second row, the last one)"})
    assert protocol_names(path) == ("global_time", "global_time.last")
    last = load_protocol(path, "global_time.last").rule
    assert isinstance(last, GlobalTime)
    assert last.cut.last_only
    assert not last.by_session


def test_warm_and_cold_are_pairs_with_their_own_candidates_and_masks(tmp_path: Path) -> None:
    path = write(tmp_path, COLD)
    assert protocol_names(path) == ("warm", "cold", "overall", "other.warm")
    cold = load_protocol(path, "cold")
    assert cold.rule == GivenPairs(("warm_train",), ("cold_val",), ("cold_test",), ("cold_val",))
    assert cold.candidates == CandidateRule(of=("cold_val", "cold_test"), count=3)
    warm = load_protocol(path, "warm")
    assert warm.rule == GivenPairs(("warm_train",), ("warm_val",), ("warm_test",), ("warm_train", "warm_val"))
    overall = load_protocol(path, "overall").rule
    assert overall == GivenPairs(
        train=("warm_train",),
        validation=("warm_val", "cold_val"),
        test=("warm_test", "cold_test"),
        masked=("warm_train", "warm_val", "cold_val"),
        in_every=True,
        n_users=1085,
    )


def test_nested_protocols_are_chosen_by_name(tmp_path: Path) -> None:
    nested = load_protocol(write(tmp_path, COLD), "other.warm")
    assert nested.rule == GivenPairs(("a_train",), (), ("a_test",), ("a_train",))
    assert nested.metrics == ("recall@20", "ndcg@20")
    path = write(tmp_path, {**ONE_OUT, "random": PAIRS, "again": {"test_input": "…"}})
    assert protocol_names(path) == ("leave_one_out", "random", "again")
    random = load_protocol(path, "random")
    assert random.metrics == ("precision@10", "ndcg@10_full_ideal")
    assert random.candidates == CandidateRule(count=3706)
    assert load_protocol(path, "again").rule == LeaveOneOut()


def test_rows(tmp_path: Path) -> None:
    path = write(tmp_path, {"kind": "rows", "train": "train", "validation": "valid", "test": "test"})
    assert load_protocol(path).rule == GivenRows("train", "valid", "test")


def test_a_history_that_the_published_code_keeps_is_reported_both_ways(tmp_path: Path) -> None:
    statement = "no (as the published code: full sort, history kept); report both"
    assert load_protocol(write(tmp_path, {**ONE_OUT, "filter_history": statement})).filter_history == (
        False,
        True,
    )


def test_one_of_several_equals_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="choose one of warm, cold, overall, other"):
        load_protocol(write(tmp_path, COLD))


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="choose one of leave_one_out"):
        load_protocol(write(tmp_path, ONE_OUT), "nothing")


@pytest.mark.parametrize(
    "kind", ["text_classification", "image_classification", "simulation", "off_policy_learning", 3]
)
def test_what_ranks_nothing_is_refused(tmp_path: Path, kind: object) -> None:
    with pytest.raises(InvalidData, match="ranks nothing"):
        load_protocol(write(tmp_path, {**ONE_OUT, "kind": kind}))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**ONE_OUT, "candidates": "some sampled items"}, "candidates 'some sampled items'"),
        ({**ONE_OUT, "candidates": "100 negatives a user"}, "is not understood"),
        ({**ONE_OUT, "metrics": ["HR@ten"]}, "metric 'HR@ten'"),
        ({**ONE_OUT, "filter_history": "perhaps"}, "filter_history is"),
        ({**ONE_OUT, "recall_denominator": "min(k, n)"}, "recall is divided"),
        ({**ONE_OUT, "ndcg_ideal": "all"}, "ndcg_ideal is"),
        ({**OVER_TIME, "test_from": 100}, "must lie before"),
        ({**OVER_TIME, "test_from": "soon"}, "epoch seconds, got 'soon'"),
        ({"kind": "pairs", "train": "a"}, "train and test files"),
        ({"kind": "rows", "train": "a"}, "train and test file"),
        ({"kind": "warm_cold", "train": "a", "test": ["b"]}, "no part 'warm'"),
        ([1, 2], "holds a list"),
        ({}, "ranks nothing"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(InvalidData, match=message.replace("(", r"\(")):
        load_protocol(write(tmp_path, document), None)


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        load_protocol(tmp_path / "splits" / "protocol.json")
    path = write(tmp_path, {})
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidData, match="is not JSON"):
        load_protocol(path)
