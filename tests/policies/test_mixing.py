"""The coefficient falls with evidence, rises with what is new and what surprises, and only some heed it."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.policies.budget import Budgeted
from zhiyin.policies.chance import EpsilonGreedy
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.mixing import LEAST, mixing, warmed
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.tempering import Tempering

NEW = np.full(4, 0.25)


def test_the_coefficient_falls_with_evidence_and_rises_with_what_is_new() -> None:
    assert mixing(NEW, NEW, 1.0) == 1.0
    assert mixing(NEW / 4.0, NEW, 1.0) == pytest.approx(0.5)
    one_new = np.append(NEW[:3] / 4.0, 0.25)
    assert mixing(one_new, NEW, 1.0) == pytest.approx(np.sqrt((3 / 4 + 1) / 4))


def test_surprise_raises_it_again_and_never_above_what_is_set() -> None:
    assert mixing(NEW / 4.0, NEW, 2.0) == pytest.approx(np.sqrt(0.5))
    assert mixing(NEW / 4.0, NEW, 0.3) == pytest.approx(0.5), "no surprise is no reason to be surer"
    assert mixing(NEW / 4.0, NEW, 9.0) == 1.0
    assert mixing(NEW * 0.0, NEW, 1.0) == LEAST
    assert mixing(NEW[:0], NEW[:0], 5.0) == 1.0


def test_only_an_adaptive_policy_heeds_it_also_within_a_holdout() -> None:
    adaptive = Softmax(0.2, 0.1, adaptive=True)
    assert warmed(adaptive, 0.5) == Softmax(0.1, 0.1)
    assert warmed(adaptive, None) == Softmax(0.2, 0.1), "where nothing is believed everything is in doubt"
    assert warmed(Holdout(adaptive, 0.3), 0.5) == Holdout(Softmax(0.1, 0.1), 0.3)
    assert warmed(Budgeted(0.04, 0.01, adaptive=True), 0.5) == Budgeted(0.02, 0.01)
    for fixed in (Softmax(0.2, 0.1), Greedy(), EpsilonGreedy(0.1), Budgeted(0.04, 0.01)):
        assert warmed(fixed, 0.5) == fixed


def test_a_temperature_that_was_learned_stands_until_the_settings_say_another() -> None:
    learned = Tempering(0.1, 0.05, 0.05, 0.02, 0.004, 900)
    assert learned.standing(0.1) == 0.05
    assert learned.standing(0.3) == 0.3
    assert Tempering.of_arrays(learned.arrays()) == learned
