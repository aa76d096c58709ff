"""What a cross-encoder is worth: counted by hand, chosen on one half, told by the other."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.data.dataset import Doubles, build_dataset
from zhiyin.data.splits import leave_one_out
from zhiyin.encoders.cross import Asked
from zhiyin.evaluation.rereading import FEW, METRIC, Shortlist, chosen_gate, ndcg_of, of_pasts, told_of
from zhiyin.testing.small import small_catalogue, small_events

WISH = Asked("typed", "tea")


def shortlist(scores: list[float], targets: list[int], rows: list[int] | None = None) -> Shortlist:
    found = np.array(rows or range(len(scores)), np.int32)
    return Shortlist(WISH, ("",) * 3, found, np.array(scores, np.float64), np.array(targets, np.int32))


def test_lists_are_judged_by_hand_with_and_without_the_part() -> None:
    one = shortlist([4.0, 3.0, 2.0, 1.0], [2])
    lift = np.array([0.0, 1.0, 3.0])
    assert ndcg_of([one], [lift], 0.0) == pytest.approx([1 / np.log2(4)])
    second_or_third = (1 / np.log2(3) + 1 / np.log2(4)) / 2  # 4, 3.5, 3.5
    assert ndcg_of([one], [lift], 0.5) == pytest.approx([second_or_third])
    assert ndcg_of([one], [lift], 1.0) == pytest.approx([1.0])
    nowhere = shortlist([4.0, 3.0], [9])
    assert ndcg_of([nowhere], [lift[:2]], 1.0).tolist() == [0.0]
    both = shortlist([4.0, 3.0, 2.0], [0, 2])
    ideal = 1 + 1 / np.log2(3)
    assert ndcg_of([both], [lift], 0.0) == pytest.approx([(1 + 1 / 2) / ideal])


def drawn(n: int, *, knows: bool, seed: int = 0) -> tuple[list[Shortlist], list[Doubles]]:
    """Lists of ten, of which the first five are read: by somebody who knows what is right, or by a fool."""
    rng = np.random.default_rng(seed)
    lists, said = [], []
    for _ in range(n):
        target = int(rng.integers(5))
        lists.append(shortlist(np.sort(rng.normal(size=10))[::-1].tolist(), [target]))
        noise = rng.normal(size=5)
        noise[target] += 2.0 if knows else 0.0
        said.append(noise - noise.min())
    return lists, said


def test_who_knows_is_heard_and_a_fool_is_not() -> None:
    wise, fool = (
        told_of("typed", *drawn(200, knows=True), seed=0),
        told_of("typed", *drawn(200, knows=False), seed=0),
    )
    assert wise.better
    assert wise.gain.low > 0.05
    assert wise.within == 1.0
    assert wise.n_lists == 100
    assert not fool.better
    assert "no gain is shown" in fool.sentence()
    assert f"{METRIC} {wise.after:.4f} against {wise.before:.4f}" in wise.sentence()


def test_a_gate_is_in_deviations_of_what_is_said() -> None:
    lists, said = drawn(100, knows=True)
    assert chosen_gate(lists, [7.0 * one for one in said]) == pytest.approx(chosen_gate(lists, said) / 7.0)
    assert chosen_gate(lists, [0.0 * one for one in said]) == 0.0


def test_what_is_served_now_must_be_beaten() -> None:
    lists, said = drawn(200, knows=True)
    place = {id(one): lift for one, lift in zip(lists, said, strict=True)}
    gate = told_of("typed", lists, said, seed=0).gate
    same = told_of("typed", lists, said, 0, lambda some: ndcg_of(some, [place[id(one)] for one in some], gate))
    assert same.gain.value == 0.0
    assert not same.better


def test_too_few_lists_show_nothing() -> None:
    told = told_of("past", *drawn(FEW - 1, knows=True), seed=0)
    assert (told.n_lists, told.gate, told.better) == (0, 0.0, False)
    assert "too few" in told.sentence()


def test_a_past_is_asked_with_what_is_known_and_not_with_what_is_wanted() -> None:
    data = build_dataset(small_catalogue(), small_events())
    split = leave_one_out(data)
    titles = {item.title for item in data.catalogue}
    for n, one in enumerate(
        of_pasts(split, data.catalogue, {(int(split.users[0]), int(split.past.rows[0])): "so"})
    ):
        said = [part.removesuffix(": so") for part in one.asked.text.split("; ")]
        assert set(said) <= titles
        assert not {data.catalogue[row].title for row in one.targets.tolist()} & set(said)
        known = split.past.rows[split.past.indptr[n] : split.past.indptr[n + 1]]
        assert {data.catalogue[row].title for row in known.tolist()} >= set(said)
