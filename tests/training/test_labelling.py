"""A language model that learns labels itself: it gets better, is served as it was taught, and goes on after a
kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.errors import InvalidData
from zhiyin.labels.examples import Example, Labelled, prepare
from zhiyin.progress import Silent
from zhiyin.settings import FILE, Settings
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.tiny_models import WIDE, WORDS, config_of, tiny_model
from zhiyin.training.labelling import Lesson, Lessons, teach_tower
from zhiyin.types import LabelExample
from zhiyin.workflows.labels.asking import classify
from zhiyin.workflows.labels.training import Asked, train_labels

pytestmark = pytest.mark.slow  # torch

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LESSON = Lesson(epochs=4, batch=8, learning_rate=5e-3, patience=4)
BEFORE, AFTER = ("tea", "cup", "warm"), ("saw", "wood", "garden")


def examples() -> list[Example]:
    """What it is is said by which of two words comes first, which no bag of words sees."""
    rng = np.random.default_rng(0)
    found = {}
    for _ in range(400):
        one, other, third = rng.choice(BEFORE), rng.choice(AFTER), rng.choice(["the", "of", "iron", "pot"])
        first = rng.random() < 0.5
        words = [one, third, other] if first else [other, third, one]
        tail = rng.choice(["the", "of", "iron", "pot", "the iron", "of pot", "the pot", "iron of"])
        found[f"{' '.join(map(str, words))} {tail}"] = "drink first" if first else "tool first"
    return [Example(text, (label,)) for text, label in found.items()]


@pytest.fixture
def data() -> Labelled:
    return prepare(examples())


@pytest.fixture
def model(tmp_path: Path) -> Pretrained:
    folder = tiny_model(tmp_path / "tiny")
    sizes = {"vocab_size": len(WORDS), "intermediate_size": WIDE, "type_vocab_size": 2}
    (folder / "config.json").write_bytes(orjson.dumps(config_of("bert") | sizes))
    return find_pretrained(str(folder), Path())


def held_of(data: Labelled) -> np.ndarray:
    return np.arange(0, len(data.texts), 5, dtype=np.int32)


def taught(model: Pretrained, data: Labelled, target: Path, lesson: Lesson = LESSON) -> Lessons:
    return teach_tower(model, data, held_of(data), target, lesson, Silent())


class Killed(Silent):
    """Stops everything at a step."""

    def __init__(self, at: int) -> None:
        self._at = at

    def advance(self, done: float, note: str = "") -> None:
        if done >= self._at:
            raise KeyboardInterrupt


def weights(folder: Path) -> dict[str, np.ndarray]:
    return find_pretrained(str(folder), Path()).weights()


def test_it_learns_and_is_served_without_torch(model: Pretrained, data: Labelled, tmp_path: Path) -> None:
    found = taught(model, data, tmp_path / "taught")
    assert found.after < 0.7 * found.before
    assert found.epoch > 0
    served = find_pretrained(str(tmp_path / "taught"), Path())
    rows = LanguageEncoder(served, tmp_path / "cache", "float32").encode(list(data.texts))
    truth = data.truth[:, 0] > 0
    gap = rows[truth].mean(axis=0) - rows[~truth].mean(axis=0)
    frozen = LanguageEncoder(model, tmp_path / "cache", "float32").encode(list(data.texts))
    assert np.linalg.norm(gap) > 2 * np.linalg.norm(frozen[truth].mean(axis=0) - frozen[~truth].mean(axis=0))


def test_the_same_lesson_gives_the_same_weights(model: Pretrained, data: Labelled, tmp_path: Path) -> None:
    short = replace(LESSON, epochs=1)
    for name in ("one", "other"):
        taught(model, data, tmp_path / name, short)
    one, other = weights(tmp_path / "one"), weights(tmp_path / "other")
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("epochs_done", [0.5, 1.5, 2.2])
def test_what_was_killed_goes_on_as_if_nothing_had_happened(
    model: Pretrained, data: Labelled, tmp_path: Path, epochs_done: float
) -> None:
    whole = taught(model, data, tmp_path / "whole")
    steps = -(-(len(data.texts) - len(held_of(data))) // LESSON.batch)
    with pytest.raises(KeyboardInterrupt):
        teach_tower(model, data, held_of(data), tmp_path / "again", LESSON, Killed(at=round(epochs_done * steps)))
    assert not (tmp_path / "again").exists()
    resumed = taught(model, data, tmp_path / "again")
    assert (resumed.before, resumed.after, resumed.epoch) == pytest.approx(
        (whole.before, whole.after, whole.epoch)
    )
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "again")
    assert all(np.allclose(one[name], other[name], atol=1e-6) for name in one)
    assert not (tmp_path / "again.unfinished").exists()


def test_a_loss_that_is_not_finite_ends_it_with_the_last_good_weights(
    model: Pretrained, data: Labelled, tmp_path: Path
) -> None:
    found = taught(model, data, tmp_path / "wild", replace(LESSON, learning_rate=1e9))
    assert found.stopped in ("not finite", "nothing gained", "all epochs")
    assert all(np.isfinite(array).all() for array in weights(tmp_path / "wild").values())
    assert found.after <= found.before


def test_time_that_is_over_ends_it(model: Pretrained, data: Labelled, tmp_path: Path) -> None:
    found = taught(model, data, tmp_path / "short", replace(LESSON, minutes=0.0))
    assert (found.stopped, found.epoch, found.after) == ("out of time", 0, found.before)


def labelled_shop(folder: Path) -> Zhiyin:
    shop = Zhiyin(Settings(folder=folder), MemoryStore(), HashEncoder())
    shop.store.labels.add([LabelExample("order", one.text, one.labels, "file", NOON) for one in examples()])
    return shop


def test_a_label_model_reads_with_the_tower_that_it_taught(tmp_path: Path, model: Pretrained) -> None:
    (tmp_path / FILE).write_text("")
    with labelled_shop(tmp_path) as shop:
        made = train_labels(shop, "order", Asked(tower="tiny", minutes=5.0), NOON)
        (tower,) = [view for view in made.kept.about["encoders"] if view.startswith(LABELS)]
        assert any("tiny taught on" in note for note in made.notes)
        assert made.report.n_texts < len(examples()) / 3, "only what it was not taught on judges"
        again = train_labels(shop, "order", Asked(tower="tiny", minutes=5.0), NOON)
        assert any("taught on these examples before" in note for note in again.notes)
        said = classify(shop, "order", ["tea the saw iron"])
        assert said.texts[0].near
        assert (shop.settings.path(tower) / "model.safetensors").is_file()


def test_what_cannot_be_taught_is_told(tmp_path: Path, model: Pretrained) -> None:
    with labelled_shop(tmp_path) as shop:
        with pytest.raises(InvalidData, match="use cannot be taught"):
            train_labels(shop, "order", Asked(tower="use"), NOON)
        shop.store.labels.add([LabelExample("few", f"text {n}", (f"{n % 2}",), "file", NOON) for n in range(9)])
        with pytest.raises(InvalidData, match="too few to teach a net"):
            train_labels(shop, "few", Asked(tower="tiny"), NOON)
