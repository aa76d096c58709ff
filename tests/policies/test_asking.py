"""What is asked first tells most, and what nobody knows is not asked."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.policies.asking import Questionnaire
from zhiyin.policies.gaussian import Gaussian

ROWS = np.arange(5, dtype=np.int32)


def test_the_axis_that_most_of_the_catalogue_lies_along_is_asked_about_first_by_hand() -> None:
    z = np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.1, 0.1]])
    form = Questionnaire.of(ROWS, z, np.ones(5))
    worth = form.worth(Gaussian.alike(2, 1.0), 1.0, np.ones(5, bool), 2)
    assert worth[0] > worth[3] > max(worth[1], worth[2]), "the other axis comes before the same once more"
    doubt = np.diag(form.spread)
    assert worth[0] == np.float64(0.5 * doubt[0] * 4 / 5 / doubt.sum() / 1.0), "known by half, it takes 4/5 away"


def test_of_twins_the_better_known_one_is_asked_about() -> None:
    form = Questionnaire.of(ROWS[:2], np.ones((2, 2)), np.array([1.0, 50.0]))
    worth = form.worth(Gaussian.alike(2, 1.0), 1.0, np.ones(2, bool), 1)
    assert worth[1] > worth[0]


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_worth_never_rises_and_a_first_question_is_the_best_of_all_by_brute_force(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    z, counts = rng.standard_normal((12, 3)), rng.integers(0, 9, 12).astype(float)
    root = rng.standard_normal((3, 3))
    person = Gaussian(rng.standard_normal(3), root @ root.T + 0.1 * np.eye(3))
    form, may = Questionnaire.of(np.arange(12, dtype=np.int32), z, counts), rng.random(12) < 0.8
    may[0] = True
    worth = form.worth(person, 0.7, may, n)
    assert (np.isinf(worth) == ~may).all()
    order = np.argsort(-worth, kind="stable")[: np.count_nonzero(may)]
    assert (np.diff(worth[order]) <= 1e-12).all()
    gains = []
    for row in range(12):
        after = person.updated(z[row], 0.0, 0.7).covariance
        gains.append(form.known[row] * np.sum(form.spread * (person.covariance - after)))
    best = np.where(may, gains, -np.inf)
    assert best[order[0]] >= best.max() - 1e-9


def test_where_nobody_took_anything_all_are_as_well_known() -> None:
    assert (Questionnaire.of(ROWS, np.ones((5, 2)), np.zeros(5)).known == 1.0).all()
