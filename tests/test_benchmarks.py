"""What the benchmarks do to data and tell to others: nobody is told the answer, and only what is said is taken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.splits import leave_one_out
from zhiyin.types import Event, Item

QUALITY = Path(__file__).parent.parent / "benchmarks" / "quality"
MODULES = (
    "clicks",
    "compression",
    "tables",
    "blanked",
    "guests",
    "pictures",
    "problem",
    "run",
    "rows",
    "pictured",
)
N_PEOPLE, N_ITEMS, LENGTH = 60, 25, 7


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Their folders are where a script of theirs would look."""
    monkeypatch.syspath_prepend(str(QUALITY))
    monkeypatch.syspath_prepend(str(QUALITY / "peers"))
    monkeypatch.syspath_prepend(str(QUALITY.parent))
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def small_world() -> Dataset:
    """Histories of seven different items, one of which was disliked."""
    rng = np.random.default_rng(2)
    items = [Item(f"i{number}") for number in range(N_ITEMS)]
    events = [
        Event(f"u{person}", f"i{item}", "dislike" if place == 2 else "click", order=place)
        for person in range(N_PEOPLE)
        for place, item in enumerate(rng.permutation(N_ITEMS)[:LENGTH])
    ]
    return build_dataset(items, events)


def test_a_library_is_told_what_may_be_known_and_never_what_is_wanted(tmp_path: Path) -> None:
    from guests import problem_of
    from problem import Problem

    split = leave_one_out(small_world())
    np.savez(tmp_path / "problem.npz", **problem_of(split))
    told = Problem.read(tmp_path / "problem.npz")
    assert (told.n_users, told.n_items, told.ordered) == (N_PEOPLE, N_ITEMS, True)
    assert len(told.fit_items) == N_PEOPLE * (LENGTH - 3)  # neither the last two nor the disliked one
    for person, history in enumerate(told.histories()):
        fitted = told.fit_items[told.fit_users == told.asked[person]]
        assert history.tolist()[:-1] == fitted.tolist()
        assert not np.isin(split.targets[person], [*history, *fitted]).any()


def test_a_rehearsal_hides_the_last_event_of_those_who_are_asked(tmp_path: Path) -> None:
    from guests import problem_of
    from problem import Problem, rehearsal

    np.savez(tmp_path / "problem.npz", **problem_of(leave_one_out(small_world())))
    told = Problem.read(tmp_path / "problem.npz")
    posed = rehearsal(told, 20, seed=0)
    assert len(posed.targets) == 20
    assert len(posed.problem.fit_items) == len(told.fit_items) - 20
    histories = zip(posed.problem.asked, posed.problem.histories(), posed.targets, strict=True)
    for person, history, target in histories:
        whole = told.fit_items[told.fit_users == person]
        assert [*history, target] == whole.tolist()
        assert (posed.problem.fit_items[posed.problem.fit_users == person] == history).all()


def test_three_of_ten_items_lose_every_text_and_nothing_else(tmp_path: Path) -> None:
    from blanked import blanked_folder, lost_items

    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    ids = [f"i{number}" for number in range(50)]
    table = {"item_id": ids, "title": ["a title"] * 50, "brand": ["a brand"] * 50, "year": list(range(50))}
    pq.write_table(pa.table(table), source / "items.parquet")
    (source / "events.parquet").write_bytes(b"as it was")
    found = pq.read_table(blanked_folder(source, target) / "items.parquet")
    lost = lost_items(ids)
    assert len(lost) == 15
    assert lost == lost_items(ids[::-1])
    for row in found.to_pylist():
        assert (row["title"] is None) == (row["brand"] is None) == (row["item_id"] in lost)
    assert found["year"].to_pylist() == list(range(50))
    assert (target / "events.parquet").read_bytes() == b"as it was"


def test_pictures_are_judged_by_their_neighbours_and_by_the_middle_of_their_kind() -> None:
    from pictures import NEAREST, SHOTS, accuracy, precision

    kinds = np.array(["a"] * SHOTS + ["b"] * SHOTS)
    rows = np.repeat(np.eye(2, dtype=np.float32), SHOTS, axis=0)
    wanted = np.array([[1.0, 0.1], [0.1, 1.0], [1.0, 0.1]], np.float32)
    truth = np.array(["a", "b", "b"])
    assert NEAREST < SHOTS
    assert precision(rows, kinds, wanted, truth).tolist() == [1.0, 1.0, 0.0]
    assert accuracy(rows, kinds, wanted, truth, seed=0).tolist() == [1.0, 1.0, 0.0]


def test_intents_are_told_by_the_middle_of_their_examples_and_each_step_is_a_row(tmp_path: Path) -> None:
    from argparse import Namespace

    from compression import SHOTS, Tasks, result_of
    from tables import chain

    from zhiyin.testing.encoders import HashEncoder
    from zhiyin.training.distil.chain import Made, Panel

    folder = tmp_path / "banking77" / "splits"
    folder.mkdir(parents=True)
    known = {"text": ["lost card"] * SHOTS + ["new card"] * SHOTS, "label": ["lost"] * SHOTS + ["new"] * SHOTS}
    pq.write_table(pa.table(known), folder / "train.parquet")
    asked = {"text": ["lost card", "new card", "lost card"], "label": ["lost", "new", "new"]}
    pq.write_table(pa.table(asked), folder / "test.parquet")
    tasks = Tasks(lambda _: 0.25, tmp_path, 0, 3)
    panel = Panel.of(["a cup", "a pot", "a saw"], HashEncoder(), tasks)
    steps = [panel.measure(Made(name, name, HashEncoder(), 1)) for name in ("teacher", "static")]
    assert tasks.accuracies == [2 / 3, 2 / 3]
    result = result_of(steps, tasks, Namespace(seed=0, fast=True))
    assert result["ours"] == {"static_share_of_ndcg@10": 1.0, "static_share_of_banking77": 1.0}
    head, _, *rows = chain(result["steps"])[1:]
    assert "| ndcg@10 | banking77 |" in head
    assert [row.split(" | ")[0] for row in rows] == ["| teacher", "| static"]
    assert rows[0].endswith("| 0.25 | 0.6667 |")
