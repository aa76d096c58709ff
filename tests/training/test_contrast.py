"""The loss by hand, its gradient in parts, memory that is full, the rate, the mean that counts."""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from towers import QUICK, assignment

from zhiyin.encoders.bert import Shape
from zhiyin.errors import InvalidSettings
from zhiyin.training.contrastive import ClickHead, Objective
from zhiyin.training.craft import Average, Craft
from zhiyin.training.examples import AsTheyAre, Batch, Batches, Example
from zhiyin.training.finding import chosen
from zhiyin.training.gradients import Gradients
from zhiyin.training.methods import with_method
from zhiyin.training.tasks import Near
from zhiyin.training.tower import drawings_of
from zhiyin.training.tower_net import TowerNet, load_net

pytestmark = pytest.mark.slow
TEXTS = ("tea", "cup", "saw", "wood")
UNIT = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], np.float32)


def batch_of(*examples: Example, often: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)) -> Batch:
    return Batch.of(examples, AsTheyAre(TEXTS), np.array(often, np.float32), np.random.default_rng(0))


def vectors_of(batch: Batch) -> torch.Tensor:
    return torch.from_numpy(np.stack([UNIT[TEXTS.index(text)] for text in batch.texts]))


def softmax_of(scores: list[float], target: int) -> float:
    return math.log(sum(math.exp(score) for score in scores)) - scores[target]


def test_the_loss_is_counted_by_hand() -> None:
    batch = batch_of(Example("next", ((0, 1.0),), 1, against=(2, 3)), often=(0.0, 0.3, 0.5, 2.0))
    loss = float(Objective(0.5, ())(vectors_of(batch), batch))
    assert loss == pytest.approx(softmax_of([0.6 / 0.5 + 0.3, 0.0 + 0.5, -1 / 0.5 + 2.0], 0), rel=1e-6)


def test_a_history_asks_with_the_sum_of_its_entries() -> None:
    batch = batch_of(Example("next", ((0, 0.5), (2, 1.0)), 1, against=(3,)))
    asker = np.array([0.5, 1.0]) / math.hypot(0.5, 1.0)
    loss = float(Objective(1.0, ())(vectors_of(batch), batch))
    assert loss == pytest.approx(softmax_of([float(asker @ UNIT[1]), float(asker @ UNIT[3])], 0), rel=1e-6)


def test_what_would_be_right_is_no_rival() -> None:
    some = (Example("next", ((0, 1.0),), 1, (), np.array([2], np.int32)), Example("next", ((3, 1.0),), 2))
    batch = batch_of(*some)
    place = {text: n for n, text in enumerate(batch.texts)}
    first = {batch.texts[n] for n in np.flatnonzero(batch.rivals[0])}
    assert first == {"cup", "wood"}, "the target and others, not what was asked with, not what would be right, too"
    assert batch.targets.tolist() == [place["cup"], place["saw"]]
    named = batch_of(Example("next", ((0, 1.0),), 1, (2,), np.array([2], np.int32)))
    assert {named.texts[n] for n in np.flatnonzero(named.rivals[0])} == {"cup", "saw"}, "what is named is one"


def test_a_typed_text_is_no_rival_of_items() -> None:
    batch = batch_of(Example("search", (("something warm", 1.0),), 1), Example("search", (("iron", 1.0),), 2))
    rivals = {batch.texts[n] for n in np.flatnonzero(batch.rivals.any(axis=0))}
    assert rivals == {"cup", "saw"}


def test_lengths_are_losses_of_shorter_vectors() -> None:
    batch = batch_of(Example("next", ((0, 1.0),), 1, against=(2, 3)))
    vectors = vectors_of(batch)
    whole, short = (
        Objective(0.5, ())(vectors, batch),
        Objective(0.5, ())(torch.nn.functional.normalize(vectors[:, :1], dim=1), batch),
    )
    both = Objective(0.5, (1,))(vectors, batch)
    assert float(both) == pytest.approx((float(whole) + float(short)) / 2, rel=1e-6)


def test_a_click_is_told_from_what_was_shown_in_vain() -> None:
    head = ClickHead(2, 0)
    batch = batch_of(Example("click", ((0, 1.0),), 1, against=(2, 3)))
    objective, optimizer = Objective(1.0, (), head), torch.optim.Adam(head.parameters(), 0.05)
    vectors = vectors_of(batch)
    first = float(objective(vectors, batch).detach())
    with torch.no_grad():
        asker = torch.from_numpy(UNIT[[0, 0, 0]])
        logits = head(asker, torch.from_numpy(UNIT[[1, 2, 3]])).numpy()
    by_hand = np.mean(np.log1p(np.exp(np.array([-logits[0], logits[1], logits[2]]))))
    assert first == pytest.approx(float(by_hand), rel=1e-5)
    for _ in range(100):
        optimizer.zero_grad()
        loss = objective(vectors, batch)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1


def net_and_batch(folder: Path, method: str = "full", dropout: float = 0.1) -> tuple[TowerNet, Batches]:
    asked = assignment(folder, QUICK.model_copy(update={"tasks": ("next", "wish")}))
    net = load_net(asked.model, 16, dropout)
    torch.manual_seed(3)
    recipe = QUICK.model_copy(update={"method": method})
    net = with_method(net, recipe, Shape.of(asked.model.config)).train()
    drawings = drawings_of(asked, Near(np.zeros((0, 0), np.int32)))
    batches = Batches(tuple(drawings), AsTheyAre(asked.past.texts), np.zeros(25, np.float32), 20, 0)
    return net, batches


def gradient(net: TowerNet, batch: Batch, at_once: int, adversarial: float = 0.0) -> dict[str, torch.Tensor]:
    for one in net.parameters():
        one.grad = None
    objective = Objective(0.1, (8,))
    Gradients(net, at_once, "auto", adversarial).add(batch.texts, lambda vectors: objective(vectors, batch), 7)
    return {name: one.grad.clone() for name, one in net.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_the_gradient_in_parts_is_that_of_the_whole_batch(tmp_path: Path, at_once: int) -> None:
    net, batches = net_and_batch(tmp_path, dropout=0.0)
    batch = batches.at(0)
    whole, parts = gradient(net, batch, 10**6), gradient(net, batch, at_once)
    assert whole.keys() == parts.keys()
    for name, one in whole.items():
        torch.testing.assert_close(parts[name], one, rtol=1e-3, atol=1e-5)


def test_what_is_dropped_is_the_same_in_both_readings_of_a_part(tmp_path: Path) -> None:
    net, batches = net_and_batch(tmp_path, dropout=0.3)
    batch, size = batches.at(0), 4
    parts = gradient(net, batch, size)
    for one in net.parameters():
        one.grad = None
    order = sorted(range(len(batch.texts)), key=lambda n: len(batch.texts[n]))
    rows = []
    for n, start in enumerate(range(0, len(order), size)):
        torch.manual_seed((7 << 16) + n)
        rows.append(net.of_texts([batch.texts[k] for k in order[start : start + size]]))
    Objective(0.1, (8,))(torch.cat(rows)[np.argsort(order)], batch).backward()
    for name, one in net.named_parameters():
        if one.grad is not None:
            torch.testing.assert_close(parts[name], one.grad, rtol=1e-3, atol=1e-5)


def test_a_step_uphill_leaves_the_words_as_they_were(tmp_path: Path) -> None:
    net, batches = net_and_batch(tmp_path, dropout=0.0)
    before, batch = net.words.detach().clone(), batches.at(0)
    plain, more = gradient(net, batch, 10**6), gradient(net, batch, 10**6, adversarial=0.5)
    assert torch.equal(net.words, before)
    name = "inner.encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(plain[name], more[name])
    tiny = gradient(net, batch, 10**6, adversarial=1e-6)
    torch.testing.assert_close(tiny[name], 2 * plain[name], rtol=1e-2, atol=1e-5)


def test_memory_that_is_full_halves_what_is_read_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A real limit of a real process: the first reading of all texts at once asks for more than it allows."""
    with caplog.at_level(logging.WARNING):
        told = subprocess.run(
            [sys.executable, Path(__file__).parent / "adapt_in_little_memory.py", tmp_path],
            capture_output=True, text=True, check=False,
            env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},  # freed is given back
        )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    assert "the memory is full" in told.stderr
    assert "texts at once from now on" in told.stderr
    assert "learned" in told.stdout


def test_a_text_that_memory_does_not_suffice_for_is_told(tmp_path: Path) -> None:
    net, batches = net_and_batch(tmp_path)
    batch = batches.at(0)

    def too_much(vectors: torch.Tensor) -> torch.Tensor:
        return torch.empty(2**52).sum() + vectors.sum()  # asks the real allocator

    with pytest.raises(InvalidSettings, match="does not suffice for one text"):
        Gradients(net, 4, "auto").add(batch.texts, too_much, 0)


def test_other_errors_are_not_taken_for_full_memory(tmp_path: Path) -> None:
    net, batches = net_and_batch(tmp_path)
    with pytest.raises(RuntimeError, match="size of tensor"):
        Gradients(net, 4, "auto").add(batches.at(0).texts, lambda vectors: (vectors + torch.zeros(7, 3)).sum(), 0)


def test_a_rate_below_the_steepest_fall_is_chosen() -> None:
    rates = np.geomspace(1e-5, 1e-1, 9)
    losses = np.array([5.0, 5.0, 4.9, 4.0, 3.6, 3.5, 3.6, 4.5, 9.0])
    assert chosen(rates, losses) == pytest.approx(0.5 * rates[3], rel=1e-6)
    assert chosen(rates, np.arange(9.0) + 1) == rates[0], "it only rises: the smallest"
    assert chosen(rates[:1], losses[:1]) == rates[0]


def test_the_mean_of_the_second_half_is_the_mean() -> None:
    one = torch.nn.Parameter(torch.zeros(2))
    average = Average("swa", {"one": one})
    for step in range(10):
        with torch.no_grad():
            one.fill_(float(step))
        average.add({"one": one}, step, 10)
    assert average.weights["one"].tolist() == pytest.approx([np.mean(range(5, 10))] * 2)


def test_the_rate_rises_then_falls() -> None:
    for schedule in ("cosine", "linear"):
        craft = Craft(100, 1.0, 1.0, schedule=schedule)  # type: ignore[arg-type]
        rates = [craft.rate(step, 100) for step in range(100)]
        assert rates[:11] == sorted(rates[:11])
        assert rates[11:] == sorted(rates[11:], reverse=True)
        assert rates[-1] < 0.05
    assert Craft(100, 1.0, 1.0, schedule="constant").rate(99, 100) == 1.0
