"""Learning with torch: the same net as in numpy, the same bits after a kill, the budget, the checkpoint."""

import logging
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cycles import N_ITEMS, SMALL, cycle_dataset, meaning_of, run_of

from zhiyin.errors import BrokenBundle
from zhiyin.models.sequence import SequenceRecipe
from zhiyin.training.beginning import first_vectors
from zhiyin.training.checkpoint import Checkpoint, Standing, load, save
from zhiyin.training.learning import Learning, Lesson
from zhiyin.training.net import LENGTH, Net
from zhiyin.training.rivals import Rivals
from zhiyin.training.softmax import softmax_loss
from zhiyin.training.windows import Histories, Windows

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


def net_of(recipe: SequenceRecipe = SMALL) -> Net:
    data = cycle_dataset()
    histories = Histories.of(data)
    own = first_vectors(histories, N_ITEMS, recipe.dim, 0) * np.float32(LENGTH)
    return Net(recipe, meaning_of(data).vectors, histories.taken(N_ITEMS), own, 0)


def lesson_of(recipe: SequenceRecipe = SMALL, steps: int = 12, keep: Path | None = None) -> Lesson:
    windows = Windows.of(Histories.of(cycle_dataset()), recipe, 0)
    support = np.bincount(windows.histories.rows)
    rivals = Rivals.of(support, recipe.negatives, recipe.by_popularity, 0)
    run = run_of()
    return Lesson(windows, rivals, None, recipe, steps, recipe.minutes, 0, run.progress, keep)


def learned(lesson: Lesson) -> dict[str, np.ndarray]:
    net = net_of(lesson.recipe)
    Learning(net, lesson).run()
    return {name: one.detach().numpy() for name, one in net.named_parameters()}


def shaken(net: Net) -> Net:
    """No number is what it begins as."""
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for one in net.parameters():
            one.add_(torch.randn(one.shape, generator=draw) * 0.3)
    return net


def test_the_net_in_numpy_says_what_the_net_in_torch_says() -> None:
    net = shaken(net_of()).eval()
    rows = np.random.default_rng(0).integers(0, N_ITEMS, (5, 8))
    with torch.no_grad():
        said = net.states(net.vectors()[torch.from_numpy(rows)]).numpy()
    served, vectors = net.served()
    np.testing.assert_allclose(served.states(vectors[rows]), said, atol=1e-4)


def test_the_loss_is_a_softmax_over_all_items_where_all_are_rivals() -> None:
    net = shaken(net_of()).eval()
    rows = np.arange(N_ITEMS, dtype=np.int32)
    read, wanted = np.array([[3, 9, 4], [1, 2, 0]]), np.array([[9, 4, 6], [2, 5, -1]])
    loss = softmax_loss(net, read, wanted, torch.ones(N_ITEMS, 1), (rows, np.zeros(N_ITEMS)))
    served, vectors = net.served()
    scores = (served.states(vectors[read]) @ vectors.T).astype(np.float64)
    total = 0.0
    for n, t in np.argwhere(wanted >= 0):
        total += np.log(np.exp(scores[n, t]).sum()) - scores[n, t, wanted[n, t]]
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)


def test_an_item_told_by_its_text_alone_has_no_own_part() -> None:
    net = net_of()
    told = torch.ones(N_ITEMS, 1)
    told[3] = 0
    with torch.no_grad():
        told_alone = net.vectors(told)[3] - net.text[3] @ net.projection
        assert not told_alone.abs().max() > 1e-6
        assert (net.vectors(told)[4] - net.text[4] @ net.projection).abs().max() > 0.01


def test_own_part_and_text_are_equally_loud_at_first() -> None:
    net = net_of()
    with torch.no_grad():
        text, own = (net.text @ net.projection).norm(dim=1), net.own.norm(dim=1)
    assert float(text.mean() / own.mean()) == pytest.approx(1.0, abs=0.4)


def test_a_step_in_parts_is_the_same_step() -> None:
    """Without dropout, whose random numbers fall otherwise."""
    whole = SMALL.model_copy(update={"dropout": 0.0})
    parts = whole.model_copy(update={"accumulate": 2})
    one, other = learned(lesson_of(whole, 4)), learned(lesson_of(parts, 4))
    for name, found in one.items():
        np.testing.assert_allclose(other[name], found, atol=2e-3, err_msg=name)


def test_the_same_seed_gives_the_same_bits() -> None:
    one, other = learned(lesson_of()), learned(lesson_of())
    assert all(np.array_equal(found, other[name]) for name, found in one.items())


def test_a_training_that_was_killed_ends_with_the_same_bits(tmp_path: Path) -> None:
    script = [sys.executable, str(HERE / "learn_until_killed.py")]
    with subprocess.Popen([*script, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 9:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    assert process.returncode == -signal.SIGKILL
    (kept,) = (tmp_path / "killed").glob("*.safetensors")
    at = load(kept)
    assert at is not None
    assert not at.standing.over
    assert 8 <= at.standing.step < 40
    again, whole = (
        subprocess.run([*script, str(tmp_path / name), "whole"], stdout=subprocess.PIPE, text=True, check=True)
        for name in ("killed", "never killed")
    )
    assert again.stdout.splitlines()[0] == str(at.standing.step + 1), "it goes on from where it was"
    assert whole.stdout.splitlines()[0] == "1"
    assert again.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]


def test_what_is_finished_is_not_learned_again(tmp_path: Path) -> None:
    lesson = lesson_of(keep=tmp_path)
    first = learned(lesson)
    counted = Counted()
    again = learned(replace(lesson, progress=counted))
    assert counted.steps == []
    assert all(np.array_equal(found, again[name]) for name, found in first.items())


def test_another_lesson_has_another_checkpoint(tmp_path: Path) -> None:
    lesson = lesson_of(keep=tmp_path)
    others = [
        replace(lesson, seed=1),
        replace(lesson, steps=13),
        replace(lesson, recipe=SMALL.model_copy(update={"dropout": 0.3})),
        replace(lesson, windows=Windows.of(Histories.of(cycle_dataset(seed=2)), SMALL, 0)),
    ]
    assert len({one.path for one in [lesson, *others]}) == 5


class Clock:
    """Stands still, but for what a call or a step takes."""

    def __init__(self, a_call: float = 0.0) -> None:
        self.now, self._a_call = 0.0, a_call

    def __call__(self) -> float:
        self.now += self._a_call
        return self.now


def test_it_stops_when_its_minutes_are_over_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """What was planned as if it took no time takes ten seconds a step."""
    clock = Clock()
    lesson = replace(lesson_of(steps=50), minutes=1.0, progress=Slow(clock))
    with caplog.at_level(logging.WARNING):
        standing = Learning(net_of(), lesson, clock).run()
    assert (standing.step, standing.planned) == (8, 50)
    assert standing.late
    assert "after 8 of 50 steps: its 1.0 minutes were over" in caplog.text


def test_the_plan_holds_as_many_steps_as_the_minutes_do() -> None:
    """A step takes a second, so nine tenths of half a minute hold 27; what it costs is said before it begins."""
    counted = Counted()
    learning = Learning(net_of(), replace(lesson_of(steps=100_000), minutes=0.5, progress=counted), Clock(1.0))
    assert learning.run().planned == 27
    assert "epochs, about 0.4 min" in counted.title or "epochs, about 0.5 min" in counted.title


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    assert load(path) is None
    kept = Checkpoint(Standing(step=3, best=0.25), {"a": torch.arange(4.0)})
    save(path, kept)
    found = load(path)
    assert found is not None
    assert found.standing == kept.standing
    assert torch.equal(found.tensors["a"], kept.tensors["a"])
    assert [file.name for file in tmp_path.iterdir()] == ["one.safetensors"]


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    path.write_bytes(b"no such thing")
    with pytest.raises(BrokenBundle, match=r"one\.safetensors.*remove it"):
        load(path)


class Counted:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.title = ""

    def start(self, title: str, total: float) -> None:
        self.title = title

    def advance(self, done: float, note: str = "") -> None:
        self.steps.append(done)

    def done(self) -> None:
        pass


class Slow(Counted):
    """One by which a step takes ten seconds."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def advance(self, done: float, note: str = "") -> None:
        super().advance(done, note)
        self._clock.now += 10.0
