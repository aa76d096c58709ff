"""A bundle or a folder is measured, and what was found lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_shop import small_shop

from zhiyin.data.dataset import build_dataset
from zhiyin.data.splits import Split, leave_one_out
from zhiyin.errors import BrokenBundle, InvalidData, NotFound
from zhiyin.evaluation.judging import CHANNEL, OURS, WITHOUT, Listed, Systems, batch_of, judge_all
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import FILE, Evaluation, attached
from zhiyin.models.base import Run
from zhiyin.models.baselines import fit_baselines
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import by_user, small_catalogue, small_dataset, small_events
from zhiyin.types import Event, User
from zhiyin.workflows.evaluate import evaluate_bundle, evaluate_protocol, measure_protocol
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

QUICK = Terms(resamples=100)


def test_parts_add_up_to_the_score_and_leaving_one_out_is_a_shut_gate() -> None:
    split = leave_one_out(build_dataset(small_catalogue(), small_events(80)))
    fitted = DefaultRecipe().fit(split.fit, Run(HashEncoder()))
    batch = batch_of(split.past)
    scores = dict(Systems(fitted, fit_baselines(split.fit, Run(HashEncoder()), repeats=False)).scores(batch))
    np.testing.assert_array_equal(scores[OURS], fitted.score(batch))
    for c, name in enumerate(fitted.fusion.channels):
        gates = fitted.fusion.gates.copy()
        gates[c] = 0.0
        shut = replace(fitted.fusion, gates=gates).score(fitted.models, batch)
        np.testing.assert_array_equal(scores[WITHOUT + name], shut)
        np.testing.assert_array_equal(scores[CHANNEL + name], fitted.models[name].score(batch))


def test_batches_of_any_size_judge_alike() -> None:
    split = leave_one_out(small_dataset())
    systems = Systems(DefaultRecipe().fit(split.fit, Run(HashEncoder())), {}, channels=False)
    whole = judge_all(split, systems, (5,), Run(HashEncoder()).progress)[OURS]
    for user, value in enumerate(whole.values()["ndcg@5"]):
        one = judge_all(split.take(np.array([user])), systems, (5,), Run(HashEncoder()).progress)[OURS]
        assert one.values()["ndcg@5"] == pytest.approx(value, abs=1e-6)


def test_an_impression_is_not_part_of_a_history_that_is_scored() -> None:
    shown = Event("ann", "music/harp", "impression", order=1)
    liked = [
        Event("ann", f"music/{noun}", "like", order=n) for n, noun in enumerate(("drum", "flute", "cello"), 2)
    ]
    split = leave_one_out(build_dataset(small_catalogue(), [shown, *liked]))
    batch = batch_of(split.past)
    assert [split.fit.items[row] for row in batch.rows] == ["music/drum", "music/flute"]
    assert batch.indptr.tolist() == [0, 2]


def test_an_evaluation_is_attached_to_its_bundle_and_read_back(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    name = train(shop, seed=4).bundle
    evaluation = evaluate_bundle(shop, terms=QUICK)
    assert (evaluation.bundle, evaluation.seed) == (name, 4)
    assert attached(shop.bundles, name) == evaluation
    assert shop.bundle(name).name == name, "an attachment does not touch the digest"
    assert evaluation.online is not None
    assert evaluation.online > 0.95, "only what no channel speaks of can be missed in a catalogue this small"
    assert {"popular", "popular_recent", "item_knn", "text_knn", "co_occurrence", "ease"} == set(
        evaluation.whole.peers
    )
    assert {
        f"{stem}@{k}" for stem in ("hr", "recall", "precision", "f1", "ndcg", "mrr", "map") for k in (10, 20)
    } < set(evaluation.whole.ours)
    assert {"coverage@10", "gini@10", "gauc"} < set(evaluation.whole.ours)
    for name in ("novelty@10", "diversity@10", "popularity_lift@10", "miscalibration@10"):
        low, high = evaluation.whole.interval[name]
        assert low <= evaluation.whole.ours[name] <= high
        assert name in evaluation.whole.gains["popular"]
    assert "warm items" in evaluation.buckets
    assert any(bucket.startswith("history") for bucket in evaluation.buckets)
    assert evaluation.verdict


def test_its_json_is_a_results_file_and_holds_no_single_person(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    train(shop)
    evaluation = evaluate_bundle(shop, terms=QUICK)
    raw = orjson.loads(evaluation.to_json())
    assert {"ours", "interval", "peers", "recipe", "seconds"} < set(raw)
    low, high = raw["interval"]["ndcg@10"]
    assert low <= raw["ours"]["ndcg@10"] <= high
    assert max(map(len, lists_in(raw))) < len(by_user(small_events(60)))
    assert Evaluation.of_json(evaluation.to_json()) == evaluation


def test_where_things_come_again_personal_frequency_is_a_baseline(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, repeats=True)
    train(shop)
    evaluation = evaluate_bundle(shop, terms=QUICK)
    assert not evaluation.question.history_filtered
    assert "personal_frequency" in evaluation.whole.peers


def test_an_evaluation_of_another_bundle_is_refused(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    first, second = train(shop, 1).bundle, train(shop, 2).bundle
    evaluate_bundle(shop, first, QUICK)
    (shop.bundles / second / FILE).write_bytes((shop.bundles / first / FILE).read_bytes())
    with pytest.raises(BrokenBundle, match=f"measured bundle {first[:12]}"):
        attached(shop.bundles, second)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"format": 1}', b"\xff\x00", b"null"])
def test_what_is_no_evaluation_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / FILE).write_bytes(text)
    with pytest.raises(BrokenBundle, match="zhiyin evaluate abc"):
        attached(tmp_path, "abc")


def test_a_zero_shot_bundle_has_nothing_to_measure(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, events=[])
    with pytest.raises(NotFound, match="zhiyin train"):
        evaluate_bundle(shop)
    train(shop)
    with pytest.raises(InvalidData, match="learned from no event"):
        evaluate_bundle(shop)


def test_a_data_folder_is_judged_by_its_protocol_and_fitted_on_its_part_only(tmp_path: Path) -> None:
    path = data_folder(tmp_path)
    evaluation = evaluate_protocol(path, Run(HashEncoder()), terms=QUICK)
    n_events = pq.read_table(tmp_path / "events.parquet").num_rows
    n_users = len(by_user(small_events(60)))
    assert evaluation.question.rule == "leave_one_out"
    assert evaluation.question.n_fit_events == n_events - 2 * n_users
    assert evaluation.main == "ndcg@3"
    assert evaluation.reported[:2] == ("hr@3", "ndcg@3")
    again = evaluate_protocol(path, Run(HashEncoder()), terms=QUICK)
    assert replace(again, seconds={}) == replace(evaluation, seconds={})


def test_who_answers_with_lists_stands_beside_the_baselines(tmp_path: Path) -> None:
    path = data_folder(tmp_path)
    most = 50

    def knows_it_all(split: Split) -> dict[str, Listed]:
        rows = np.full((len(split), most), -1, np.int32)
        rows[:, 0] = split.targets.rows
        return {"oracle": Listed(rows, np.ones(rows.shape, np.float32))}

    found = measure_protocol(path, Run(HashEncoder()), terms=QUICK, guests=knows_it_all).evaluation
    assert found.whole.peers["oracle"]["hr@3"] == 1.0
    assert found.whole.best_peer("ndcg@3") == "oracle"
    assert found.whole.gains["oracle"]["hr@3"].value == pytest.approx(found.whole.ours["hr@3"] - 1.0)
    assert "oracle wins on ndcg@3" in found.verdict[0]


def test_a_refit_and_another_part_are_other_questions(tmp_path: Path) -> None:
    path = data_folder(tmp_path)
    questions = [
        evaluate_protocol(path, Run(HashEncoder()), terms=replace(QUICK, refit=refit, part=part)).question
        for refit, part in ((False, "test"), (True, "test"), (False, "validation"))
    ]
    assert len({question.split for question in questions}) == 3
    assert [question.fit for question in questions] == ["strict", "refit", "strict"]


def test_another_split_of_a_data_folder_is_asked_for_by_name(tmp_path: Path) -> None:
    path = data_folder(tmp_path, 300)
    evaluation = evaluate_protocol(path, Run(HashEncoder()), terms=replace(QUICK, split="new-users", given=1))
    assert evaluation.question.rule == "new_users"
    assert evaluation.question.n_users <= 30
    assert "their first 1 positive events" in evaluation.question.words
    assert evaluation.main == "ndcg@3"
    assert {bucket for bucket in evaluation.buckets if bucket.startswith("history")} == {"history 1"}


def test_attributes_of_people_make_buckets_in_a_shop_and_in_a_folder(tmp_path: Path) -> None:
    people = [User(f"user {n}", {"side": "left" if n % 2 else "right"}) for n in range(120)]
    shop = small_shop(tmp_path, small_events(120))
    shop.store.put_users(people)
    train(shop)
    path = data_folder(tmp_path / "data", 120)
    table = pa.Table.from_pylist([{"user_id": user.user_id, **user.attributes} for user in people])
    pq.write_table(table, tmp_path / "data" / "users.parquet")
    for found in (evaluate_bundle(shop, terms=QUICK), evaluate_protocol(path, Run(HashEncoder()), terms=QUICK)):
        assert {"side left", "side right"} < set(found.buckets)
        assert found.gaps["side left"].value == pytest.approx(-found.gaps["side right"].value)


def test_only_the_question_that_publishing_goes_by_is_attached(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    name = train(shop).bundle
    asked = evaluate_bundle(shop, terms=replace(QUICK, split="last", part="validation"))
    assert asked.question.rule == "leave_one_out"
    assert attached(shop.bundles, name) is None


def data_folder(folder: Path, n_users: int = 60) -> Path:
    (folder / "splits").mkdir(parents=True)
    items = [{"item_id": item.item_id, "title": item.title} for item in small_catalogue()]
    events = [
        {"user_id": e.user_id, "item_id": e.item_id, "type": "like", "order": place}
        for events in by_user(small_events(n_users)).values()
        for place, e in enumerate(events)
    ]
    pq.write_table(pa.Table.from_pylist(items), folder / "items.parquet")
    pq.write_table(pa.Table.from_pylist(events), folder / "events.parquet")
    protocol = {"kind": "leave_one_out", "candidates": "all items", "metrics": ["HR@3", "NDCG@3"]}
    (folder / "splits" / "protocol.json").write_bytes(orjson.dumps(protocol))
    return folder / "splits" / "protocol.json"


def lists_in(value: object) -> Iterator[list[object]]:
    """Every list within a JSON value."""
    if isinstance(value, list):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from lists_in(inner)
