"""A smaller model learns to say what its teachers say, and ends with the same bits wherever it was interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from teach_until_killed import TEACHING, bench_of, lesson_of, small  # noqa: E402

from zhiyin.data.dataset import Floats  # noqa: E402
from zhiyin.encoders.base import unit  # noqa: E402
from zhiyin.encoders.bert import PREFIX_KEY  # noqa: E402
from zhiyin.encoders.language import LanguageEncoder  # noqa: E402
from zhiyin.errors import InvalidData  # noqa: E402
from zhiyin.testing.encoders import HashEncoder  # noqa: E402
from zhiyin.training.distil.losses import Distance, ranking, regression  # noqa: E402
from zhiyin.training.distil.student import taught  # noqa: E402
from zhiyin.training.distil.targets import Ensemble, Targets  # noqa: E402
from zhiyin.training.pruning.sparsity import sparsified, zeros  # noqa: E402

pytestmark = pytest.mark.slow


def rows(n: int, dim: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32))


def test_the_ranking_loss_is_the_divergence_of_the_softmaxes_counted_by_hand() -> None:
    said, whole, temperature = rows(5, 4, 0), rows(5, 7, 1), 0.3
    total = 0.0
    for n in range(5):
        others = [m for m in range(5) if m != n]
        told = np.exp(whole[n] @ whole[others].T / temperature)
        learned = np.exp(said[n] @ said[others].T / temperature)
        told, learned = told / told.sum(), learned / learned.sum()
        total += float((told * np.log(told / learned)).sum())
    found = ranking(torch.from_numpy(said), torch.from_numpy(whole), temperature)
    assert float(found) == pytest.approx(total / 5, rel=1e-4)
    same = torch.from_numpy(whole)
    assert float(ranking(same, same, temperature)) == pytest.approx(0, abs=1e-6)


def test_the_regression_is_half_the_squared_distance() -> None:
    said, wanted = (torch.from_numpy(rows(6, 4, seed)) for seed in (0, 1))
    assert float(regression(said, wanted)) == pytest.approx(
        float(((said - wanted) ** 2).sum(dim=1).mean()) / 2, rel=1e-5
    )
    both = Distance(2.0, 0.3)(said, wanted, wanted)
    assert float(both) == pytest.approx(float(regression(said, wanted) + 2 * ranking(said, wanted, 0.3)), rel=1e-5)


def test_one_text_alone_has_nobody_to_be_ranked() -> None:
    assert float(ranking(torch.from_numpy(rows(1, 4, 0)), torch.from_numpy(rows(1, 4, 1)), 0.1)) == 0


def test_several_teachers_are_one_whose_cosine_is_the_mean_of_theirs() -> None:
    teachers = [rows(40, 6, 0), rows(40, 9, 1)]
    targets = Targets.of(teachers, 8, lambda n: rows(n, 8, 2))
    mean = np.mean([one @ one.T for one in teachers], axis=0)
    np.testing.assert_allclose(targets.whole @ targets.whole.T, mean, atol=1e-5)
    wide = Targets.of(teachers, 15, lambda n: rows(n, 15, 2))
    np.testing.assert_allclose(wide.rows @ wide.rows.T, mean, atol=1e-4)
    near = Targets.of(teachers, 15, lambda n: wide.rows[:n] @ np.eye(15, dtype=np.float32)[::-1])
    np.testing.assert_allclose(near.rows, wide.rows[:, ::-1], atol=1e-3)
    one = Targets.of(teachers[:1], 6, lambda n: rows(n, 6, 3))
    np.testing.assert_allclose(one.rows, teachers[0], atol=1e-6)


def test_an_ensemble_says_the_mean_of_what_its_teachers_say() -> None:
    class Other(HashEncoder):
        def encode(self, texts: Sequence[str]) -> Floats:
            return super().encode([text[::-1] for text in texts])

    texts = lesson_of(30)
    one, other = HashEncoder().encode(texts), Other().encode(texts)
    both = Ensemble([HashEncoder(), Other()])
    rows = both.encode(texts)
    assert rows.shape == (30, both.dim)
    np.testing.assert_allclose(rows @ rows.T, (one @ one.T + other @ other.T) / 2, atol=1e-5)


def test_a_student_with_a_layer_less_comes_nearer_and_is_served_as_it_was_taught(tmp_path: Path) -> None:
    teacher, student = small(tmp_path)
    texts = lesson_of(300)
    wanted = LanguageEncoder(teacher, tmp_path / "graphs", "float32").encode(texts)
    found = taught(student, texts, [wanted], TEACHING, bench_of(tmp_path))
    assert found.after > found.before + 0.02
    served = LanguageEncoder(found.model.saved(tmp_path / "served"), tmp_path / "graphs", "float32")
    before = LanguageEncoder(student.saved(tmp_path / "before"), tmp_path / "graphs", "float32")
    new = lesson_of(60, seed=8)
    truth = LanguageEncoder(teacher, tmp_path / "graphs", "float32").encode(new)
    assert (served.encode(new) * truth).sum(axis=1).mean() > (before.encode(new) * truth).sum(axis=1).mean()


def test_zeros_stay_zeros_while_it_learns(tmp_path: Path) -> None:
    teacher, student = small(tmp_path)
    texts = lesson_of(100)
    wanted = LanguageEncoder(teacher, tmp_path / "graphs", "float32").encode(texts)
    sparse = sparsified(student, 0.5)
    found = taught(sparse, texts, [wanted], TEACHING, bench_of(tmp_path))
    assert zeros(found.model) >= zeros(sparse)
    gone = {name: one == 0 for name, one in sparse.weights.items()}
    assert all((found.model.weights[name][where] == 0).all() for name, where in gone.items() if where.mean() > 0.4)
    assert found.after > found.before


def test_one_that_was_killed_ends_with_the_same_bits(tmp_path: Path) -> None:
    script = [sys.executable, str(Path(__file__).with_name("teach_until_killed.py"))]
    whole = subprocess.run([*script, str(tmp_path / "a"), "whole"], capture_output=True, text=True, check=True)
    with subprocess.Popen([*script, str(tmp_path / "b")], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if line.strip() == "6":
                break
        killed.send_signal(signal.SIGKILL)
    again = subprocess.run([*script, str(tmp_path / "b"), "whole"], capture_output=True, text=True, check=True)
    steps = again.stdout.split()
    assert int(steps[0]) > 2, "it went on, and did not begin anew"
    assert steps[-1] == whole.stdout.split()[-1]


def test_too_few_texts_and_a_loss_that_is_no_number_are_told(tmp_path: Path) -> None:
    teacher, student = small(tmp_path)
    with pytest.raises(InvalidData, match="too few to teach by"):
        taught(student, ["tea"], [rows(1, 16, 0)], TEACHING, bench_of(tmp_path))
    texts = lesson_of(100)
    first = {f"encoder.layer.0.{PREFIX_KEY}": np.zeros((1, 4, 2, 4), np.float32)}
    prefixed = replace(student, weights=student.weights | first)
    with pytest.raises(InvalidData, match="prefix in front"):
        taught(prefixed, texts, [rows(100, 16, 0)], TEACHING, bench_of(tmp_path))
    wanted = LanguageEncoder(teacher, tmp_path / "graphs", "float32").encode(texts)
    wild = replace(TEACHING, learning_rate=1e30)
    found = taught(student, texts, [wanted], wild, bench_of(tmp_path))
    assert "no number" in found.told
    assert all(np.isfinite(one).all() for one in found.model.weights.values())
    assert found.after >= found.before, "the last good state"
