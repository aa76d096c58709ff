"""A static table from a teacher: each step is its formula, and a teacher that is a table is found again."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.ragged import Ragged
from zhiyin.encoders.base import unit
from zhiyin.training.distil import table
from zhiyin.training.distil.table import RARE, ZIPF, Lesson, distil_table, loudness, main_axes

V, DIM = 60, 12


def lesson_of(n: int, seed: int = 0) -> tuple[Lesson, Floats]:
    """Texts whose rows are truly sums of rows of tokens, which the teacher shows alone only with noise."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((V, DIM)).astype(np.float32)
    read = Ragged.of([rng.integers(0, V, rng.integers(2, 9)).tolist() for _ in range(n)])
    texts = np.zeros((n, DIM), np.float32)
    np.add.at(texts, read.owners, truth[read.rows])
    alone = unit(truth + 2 * rng.standard_normal(truth.shape).astype(np.float32))
    return Lesson(alone, read, unit(texts)), truth


def cosine(rows: Floats, axes: Floats, lesson: Lesson) -> float:
    said = np.zeros((len(lesson.texts), rows.shape[1]), np.float32)
    np.add.at(said, lesson.read.owners, rows[lesson.read.rows])
    return float((unit(said) @ axes.T * lesson.texts).sum(axis=1).mean())


def test_a_weight_is_small_for_what_is_frequent() -> None:
    counts = np.array([0.0, 30.0, 10.0])
    zipf = np.array([6, 3, 2]) / 11
    share = (counts / 40 + ZIPF * zipf) / (1 + ZIPF)
    np.testing.assert_allclose(loudness(counts), RARE / (RARE + share), rtol=1e-6)
    np.testing.assert_allclose(loudness(np.zeros(3)), RARE / (RARE + ZIPF * zipf / (1 + ZIPF)), rtol=1e-6)


def test_single_tokens_are_those_of_the_normal_equations() -> None:
    rng = np.random.default_rng(4)
    means = sp.random(80, 20, 0.2, random_state=rng, format="csr", dtype=np.float32)
    wanted = rng.standard_normal((80, 5)).astype(np.float32)
    dense = means.toarray().astype(np.float64)
    for strength in (1.0, 0.1):
        exact = np.linalg.solve(dense.T @ dense + strength * np.eye(20), dense.T @ wanted)
        np.testing.assert_allclose(table._ridge(means, wanted, strength), exact, atol=2e-4)


def test_axes_are_orthonormal_and_hold_the_most() -> None:
    lesson, _ = lesson_of(300)
    axes = main_axes(lesson, 5)
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-5)
    weights = np.concatenate([lesson.texts, lesson.tokens * np.sqrt(table.PRIOR / V)]).astype(np.float64)
    _, sizes, _ = np.linalg.svd(weights, full_matrices=False)
    assert ((weights @ axes) ** 2).sum() == pytest.approx((sizes[:5] ** 2).sum(), rel=1e-5)


def test_a_teacher_that_is_a_table_is_found_again_on_texts_that_were_not_seen() -> None:
    lesson, _ = lesson_of(3_000)
    seen, new = lesson.part(np.arange(2_000, dtype=np.int32)), lesson.part(np.arange(2_000, 3_000, dtype=np.int32))
    made = distil_table(seen, DIM, np.random.default_rng(0))
    nothing = Lesson(lesson.tokens, Ragged.empty(0), np.zeros((0, DIM), np.float32))
    plain = distil_table(nothing, DIM, np.random.default_rng(0))
    assert cosine(plain.rows, plain.axes, new) < 0.6
    assert cosine(made.rows, made.axes, new) > 0.95
    assert made.cosine == pytest.approx(cosine(made.rows, made.axes, new), abs=0.02)


def test_tokens_that_no_text_has_are_moved_by_the_map_of_all() -> None:
    rng = np.random.default_rng(5)
    tokens = unit(rng.standard_normal((V, DIM)).astype(np.float32))
    turn, shift = rng.standard_normal((DIM, DIM)).astype(np.float32), rng.standard_normal(DIM).astype(np.float32)
    truth = tokens @ turn + shift

    def told(first: int, n: int) -> Lesson:
        read = Ragged.of([rng.integers(first, first + 30, 4).tolist() for _ in range(n)])
        texts = np.zeros((n, DIM), np.float32)
        np.add.at(texts, read.owners, truth[read.rows])
        return Lesson(tokens, read, unit(texts))

    made = distil_table(told(0, 2_000), DIM, np.random.default_rng(0))
    assert cosine(made.rows, made.axes, told(30, 200)) > 0.95


def test_few_texts_move_tokens_little_and_none_not_at_all() -> None:
    nothing = Lesson(lesson_of(1)[0].tokens, Ragged.empty(0), np.zeros((0, DIM), np.float32))
    made = distil_table(nothing, 4, np.random.default_rng(0))
    wanted = nothing.tokens @ made.axes * loudness(np.zeros(V))[:, None]
    np.testing.assert_allclose(made.rows, wanted, atol=1e-6)
    few = distil_table(lesson_of(20)[0], 4, np.random.default_rng(0))
    assert few.strength == max(table.STRENGTHS)
    assert np.isnan(few.cosine)
    assert np.isfinite(few.rows).all()


def test_nothing_of_the_lesson_is_changed_and_the_same_seed_gives_the_same_table() -> None:
    lesson, _ = lesson_of(400)
    before = [lesson.tokens.copy(), lesson.read.rows.copy(), lesson.read.indptr.copy(), lesson.texts.copy()]
    made, again = (distil_table(lesson, 6, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(made.rows, again.rows)
    for old, new in zip(before, (lesson.tokens, lesson.read.rows, lesson.read.indptr, lesson.texts), strict=True):
        np.testing.assert_array_equal(old, new)
