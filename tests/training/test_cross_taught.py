"""A cross-encoder is taught: it learns, is served as it was learned, and nothing is learned of what is hidden."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from crosses import SMALL, lesson

from zhiyin.encoders.cross import CrossEncoder
from zhiyin.errors import InvalidSettings
from zhiyin.training.cross import Cross, Lesson, judged, learn_cross, loss_of
from zhiyin.training.cross_export import CLOSE, gap_of, write_cross
from zhiyin.training.cross_groups import BETWEEN, Group, Groups, Shelf
from zhiyin.training.cross_recipe import CrossRecipe
from zhiyin.training.cures import OF_CROSS
from zhiyin.training.gradients import Gradients
from zhiyin.training.tasks import Near
from zhiyin.training.tower import drawings_of

pytestmark = pytest.mark.slow
CASES = [("full", "bert"), ("lora", "bert"), ("full", "roberta"), ("full", "distilbert")]


def losses(cross: Cross) -> np.ndarray:
    return np.array([loss for _, loss, _ in cross.curve.steps])


def groups_of(asked: Lesson, wrong: tuple[int, int] = (3, 2)) -> Groups:
    base = asked.asked
    n = len(base.past.texts)
    near = Near(np.tile(np.arange(n, dtype=np.int32), (n, 1)))
    shelf = Shelf.of(base.catalogue, base.past, near, asked.wrote)
    return Groups(drawings_of(base, near), shelf, 6, wrong, 0)


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_two_texts_learn_to_be_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, kind: str
) -> None:
    """The same few groups again and again are known by heart, and what is written says what was learned."""
    real = Groups.at
    monkeypatch.setattr(Groups, "at", lambda self, step: real(self, 0)[:2])
    recipe = SMALL.model_copy(update={"method": method, "judgements": 1, "dropout": 0.0})
    asked = lesson(tmp_path, recipe, kind)
    cross = learn_cross(asked)
    assert losses(cross)[-5:].mean() < 0.5 * losses(cross)[:3].mean()
    draft = tmp_path / "draft"
    draft.mkdir()
    model = write_cross(draft, asked, cross)
    assert gap_of(model, asked, cross) < CLOSE


def test_what_is_served_is_what_transformers_reads(tmp_path: Path) -> None:
    import transformers

    asked = lesson(tmp_path, SMALL.model_copy(update={"steps": 3}))
    cross = learn_cross(asked)
    (draft := tmp_path / "draft").mkdir()
    model = write_cross(draft, asked, cross)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(draft).eval()
    served = CrossEncoder(model, tmp_path / "cache", "float32")
    for one, other in (("tea cup", "the iron of garden"), ("saw", "wood wood warm pot of tea"), ("", "cup")):
        read = served._tokens.encode(one, other)
        given = {"input_ids": read.ids, "token_type_ids": read.type_ids, "attention_mask": [1] * len(read.ids)}
        with torch.no_grad():
            said = theirs(**{name: torch.tensor([row]) for name, row in given.items()}).logits
        assert set(read.type_ids) == {0, 1}
        assert served.score(one, [other])[0] == pytest.approx(float(said[0, 0]), abs=1e-5)


def test_the_losses_are_counted_by_hand() -> None:
    scores, sizes = torch.tensor([2.0, 0.0, 1.0, 0.0, 1.0]), [3, 2]
    first = -np.log(np.exp(2) / (np.exp(2) + 1 + np.exp(1)))
    second = -np.log(1 / (1 + np.exp(1)))
    assert float(loss_of(scores, sizes, CrossRecipe())) == pytest.approx((first + second) / 2)
    right = -np.log([1 / (1 + np.exp(-2)), 0.5]).mean()
    wrong = -np.log([1 - 0.5, 1 - 1 / (1 + np.exp(-1)), 1 - 1 / (1 + np.exp(-1))]).mean()
    pairs = CrossRecipe(loss="pairs")
    assert float(loss_of(scores, sizes, pairs)) == pytest.approx((right + wrong) / 2)


def test_held_out_groups_are_judged_by_the_rank_of_the_right_answer() -> None:
    held = [Group("a", (1, 2, 3)), Group("b", (1, 2), hidden=True)]
    found = judged(np.array([1.0, 2.0, 0.0, 5.0, 4.0], np.float32), held)
    assert (found.ndcg, found.ndcg_hidden) == pytest.approx((1 / np.log2(3), 1.0))


def test_wrong_answers_are_neither_taken_nor_hidden_nor_the_same_thing(tmp_path: Path) -> None:
    asked = lesson(tmp_path)
    past, groups = asked.asked.past, groups_of(asked)
    assert past.hidden.any()
    lists = {user: set(past.histories.rows[a:b].tolist()) for user, (a, b) in enumerate(
        zip(past.histories.indptr[:-1], past.histories.indptr[1:], strict=True))}  # fmt: skip
    seen = 0
    for step in range(20):
        for group in groups.at(step):
            assert not past.hidden[list(group.rows)].any()
            assert len(set(group.rows)) == len(group.rows)
            assert all(past.texts[row] != past.texts[group.rows[0]] for row in group.rows[1:])
            seen += 1
    assert seen == 120
    for example in groups.drawings[0].draw(np.random.default_rng(0)):
        wrong = groups.shelf.wrong("cup", example.target, example.no_rivals, (9, 9), np.random.default_rng(0))
        assert not set(wrong) & lists[example.user]


def test_a_step_follows_from_its_number(tmp_path: Path) -> None:
    groups = groups_of(lesson(tmp_path))
    assert groups.at(7) == groups.at(7)
    assert groups.at(7) != groups.at(8)


def test_a_past_is_read_as_it_is_when_lists_are_made(tmp_path: Path) -> None:
    asked = lesson(tmp_path)
    shelf = groups_of(asked).shelf
    titles = [item.title for item in asked.asked.catalogue]
    assert shelf.past_of([2, 3, 2, 0], 0) == f"{titles[0]}; {titles[2]}; {titles[3]}: warm"
    assert shelf.past_of([2, 3], 1) == f"{titles[3]}; {titles[2]}", "what somebody else wrote is theirs"


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Groups.at

    def poisoned(self: Groups, step: int) -> list[Group]:
        if step == 9:
            raise_to[0] = True
        return real(self, step)

    raise_to = [False]
    monkeypatch.setattr(Groups, "at", poisoned)
    monkeypatch.setattr(
        "zhiyin.training.cross.loss_of",
        lambda scores, sizes, recipe: scores.sum() * (float("nan") if raise_to[0] else 1e-3),
    )
    with caplog.at_level(logging.WARNING):
        cross = learn_cross(lesson(tmp_path))
    assert "cross.learning_rate" in cross.told
    assert all(np.isfinite(one).all() for one in cross.weights.values())
    assert "no number" in caplog.text


def test_a_full_memory_halves_what_is_read_at_once_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from zhiyin.training.cross_net import CrossNet

    real = CrossNet.of_texts

    def small(self: CrossNet, texts: tuple[str, ...]) -> torch.Tensor:
        if self.training and len(texts) > 8:
            raise MemoryError
        return real(self, texts)

    monkeypatch.setattr(CrossNet, "of_texts", small)
    recipe = SMALL.model_copy(update={"steps": 4, "dropout": 0.0})
    with caplog.at_level(logging.WARNING):
        cross = learn_cross(lesson(tmp_path, recipe))
    assert "the memory is full" in caplog.text
    monkeypatch.setattr(CrossNet, "of_texts", real)
    whole = learn_cross(lesson(tmp_path, recipe))
    np.testing.assert_allclose(losses(cross), losses(whole), rtol=1e-4)


def test_one_pair_too_many_names_the_setting_that_helps(tmp_path: Path) -> None:
    class Full:
        device = torch.device("cpu")

        def named_parameters(self) -> list[object]:
            return []

        def of_texts(self, texts: list[str]) -> torch.Tensor:
            raise MemoryError("nothing left")

    with pytest.raises(InvalidSettings, match=r"cross\.longest"):
        Gradients(Full(), 4, "float32", cures=OF_CROSS).add((f"a{BETWEEN}b",), torch.sum, 0)


def test_another_recipe_or_other_reviews_have_another_checkpoint(tmp_path: Path) -> None:
    one = lesson(tmp_path, keep=tmp_path / "keep")
    other = lesson(tmp_path, SMALL.model_copy(update={"loss": "pairs"}), keep=tmp_path / "keep")
    third = Lesson.of(replace(one.asked, keep=tmp_path / "keep"), SMALL, {})
    assert len({one.asked.path("x"), other.asked.path("x"), third.asked.path("x")}) == 3
