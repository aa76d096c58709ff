"""What is said of an evaluation claims no more than its intervals show."""

from __future__ import annotations

from zhiyin.evaluation.record import Gain, Section
from zhiyin.evaluation.verdict import LEAST, loses, verdict


def part(ours: float, low: float, high: float, n_users: int = 90) -> Section:
    return Section(
        n_users,
        {"ndcg@10": ours},
        {"ndcg@10": (ours, ours)},
        {"popular": {"ndcg@10": 0.3}, "ease": {"ndcg@10": 0.1}},
        {"popular": {"ndcg@10": Gain(ours - 0.3, low, high)}, "ease": {"ndcg@10": Gain(ours - 0.1, 0.0, 0.5)}},
    )


def test_the_verdict_says_plainly_when_popular_wins() -> None:
    (sentence,) = verdict("ndcg@10", part(0.2, -0.15, -0.05), {})
    assert sentence.startswith("Popular wins on ndcg@10: 0.3000 against our 0.2000")
    assert "[-0.1500, -0.0500] is below 0" in sentence


def test_the_verdict_claims_no_win_that_the_interval_does_not_show() -> None:
    assert next(verdict("ndcg@10", part(0.4, -0.01, 0.2), {})).startswith("not shown to be better than Popular")
    assert next(verdict("ndcg@10", part(0.4, 0.01, 0.2), {})).startswith("better than every baseline")


def test_the_verdict_names_the_bucket_in_which_a_baseline_wins() -> None:
    whole, bad = part(0.4, 0.01, 0.2), part(0.1, -0.3, -0.1, n_users=40)
    assert list(verdict("ndcg@10", whole, {"warm items": whole, "cold items": bad}))[1].startswith(
        "cold items (40 people): Popular wins"
    )


def test_of_one_person_nobody_can_say_who_wins() -> None:
    """The interval of one person has no width, and stopped a publication with 'is below 0'."""
    alone = part(0.25, -0.03, -0.03, n_users=1)
    (sentence,) = verdict("ndcg@10", alone, {})
    assert sentence.endswith("1 judged are too few to tell")
    assert loses("ndcg@10", alone) is None
    assert loses("ndcg@10", part(0.25, -0.03, -0.03, n_users=LEAST)) is not None
