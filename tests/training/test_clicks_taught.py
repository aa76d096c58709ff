"""What the click model learns: what is taken, by histories and by texts, from the data handed in alone."""

import logging
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from cycles import cycle_dataset, meaning_of, run_of

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.shown import Shown
from zhiyin.data.written import Written
from zhiyin.models.base import Model, Run, history_batch
from zhiyin.models.clicks import Clicks, ClicksRecipe
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.testing.model_contract import ENCODER, Channel, ModelContract
from zhiyin.testing.nets import random_clicks
from zhiyin.training.checkpoint import load
from zhiyin.training.clicks import aligned, go_on, teach
from zhiyin.training.clicks_losses import Scored, cross_entropy, softmax, squared
from zhiyin.training.clicks_net import ClickNet
from zhiyin.training.clicks_past import ClickPast, Gallery, against, read_texts
from zhiyin.training.clicks_rewards import Logged
from zhiyin.training.clicks_teacher import hidden
from zhiyin.types import Event, Item

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
TINY = ClicksRecipe(rows="meaning", dim=8, inner=6, epochs=2, batch=32, negatives=12, minutes=1.0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
THEMES = ("tea", "yarn", "rope", "drum")


def fit(data: Dataset, run: Run) -> Model:
    found = teach(TINY, data, run, MeaningRecipe().fit(data, run))
    assert found is not None
    return found.model


class TestTaughtClicks(ModelContract):
    @pytest.fixture
    def channel(self) -> Channel:
        return Channel("clicks", fit, lambda arrays, _: Clicks.of_arrays(arrays, ENCODER), retrieves=False)

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, data: Dataset) -> Model:
        return fit(data, Run(ENCODER))


def wishing(n_users: int = 150, seed: int = 3) -> Dataset:
    """Everybody goes through themes at random, and types before each thing what theme it will be of."""
    rng = np.random.default_rng(seed)
    items = [Item(f"{theme} {n}", title=f"{theme} {'abcdef'[n]}") for theme in THEMES for n in range(6)]
    events = []
    for user in range(n_users):
        for step in range(8):
            theme, at = THEMES[int(rng.integers(4))], NOON + timedelta(hours=step, days=user % 5)
            item = f"{theme} {int(rng.integers(6))}"
            events.append(Event(f"u{user}", None, "search", text=theme, at=at, event_id=f"s{user}-{step}"))
            at += timedelta(minutes=1)
            events.append(Event(f"u{user}", item, "click", at=at, event_id=f"{user}-{step}"))
    return build_dataset(items, events)


@pytest.mark.parametrize("loss", ["softmax", "cross_entropy", "mse"])
def test_what_was_typed_tells_what_is_taken(loss: str) -> None:
    data = wishing()
    recipe = TINY.model_copy(update={"epochs": 12, "loss": loss, "learning_rate": 0.01})
    found = teach(recipe, data, run_of(), meaning_of(data))
    assert found is not None
    history = history_batch([data.items.row("rope 1")], [1.0], [0.0])
    right = 0
    for theme in THEMES:
        typed = Written(np.array([0, 1]), np.array([1]), (theme,), np.ones(1, np.float32))
        scores = found.model.score(replace(history, written=typed))[0]
        right += data.items[int(scores.argmax())].startswith(theme)
    assert right == 4
    deaf = teach(recipe.model_copy(update={"texts": 0}), data, run_of(), meaning_of(data))
    assert deaf is not None
    assert found.worth > deaf.worth + 0.05
    one, other = (
        deaf.model.score(replace(history, written=typed))[0]
        for typed in (
            Written.nothing(),
            Written(np.array([0, 1]), np.array([1]), ("tea",), np.ones(1, np.float32)),
        )
    )
    np.testing.assert_array_equal(one, other)


def test_what_is_learned_of_a_history_is_what_is_asked_of_it() -> None:
    """The sums of the examples are those that the served model makes of the same histories."""
    data = wishing(20)
    meaning, run = meaning_of(data), run_of()
    past = ClickPast.of(data, 4)
    gallery = Gallery.of(past, meaning, read_texts(past.texts, run.encoder), 4)
    net = ClickNet(TINY, meaning.vectors, 0)
    model = Clicks.of(
        net.served()[0], meaning, random_clicks(data, run, company=False).sight, run.encoder, most=4, ordered=True
    )
    model = replace(model, sight=replace(model.sight, projection=net.served()[1]))
    model = replace(model, vectors=meaning.vectors @ model.sight.projection)
    entries = np.array([3, 12, 40])
    sides = net.sides(torch.from_numpy(gallery.askers(past.before(entries)))).detach().numpy()
    for n, entry in enumerate(entries.tolist()):
        user = past.users[entry]
        known = np.arange(past.indptr[user], entry)
        batch = history_batch(past.rows[known].tolist(), past.weights[known].tolist(), [0.0] * len(known))
        batch = replace(batch, written=data.notes.at(known).of(np.array([0, len(known)])))
        texts = model.read(batch.written, alone=True)
        np.testing.assert_allclose(sides[n], model.askers(batch, texts)[0], atol=1e-4)


def test_the_net_in_numpy_says_what_the_net_in_torch_says() -> None:
    draw = torch.Generator().manual_seed(5)
    rows = np.random.default_rng(0).normal(size=(9, 20)).astype(np.float32)
    net = ClickNet(TINY, rows, 0).eval()
    with torch.no_grad():
        for one in net.parameters():
            one.add_(torch.randn(one.shape, generator=draw) * 0.3)
        raw = torch.randn((4, 2, 3, 20), generator=draw)
        raw[2:, 1] = 0
        sides = net.sides(raw)
        said = net(sides, torch.from_numpy(rows)).numpy()
        each = net(sides, torch.from_numpy(rows).expand(4, 9, 20)).numpy()
    np.testing.assert_allclose(each, said, atol=1e-4)
    head, projection = net.served()
    items = rows @ projection
    for n in range(4):
        liked, disliked = sides[n].numpy()
        wanted = head.folded(liked).score(items) - head.alone(items)
        if n < 2:
            wanted = wanted - (head.folded(disliked).score(items) - head.alone(items))
        np.testing.assert_allclose(said[n], wanted, atol=1e-3)


def scored() -> Scored:
    return Scored(
        met=torch.tensor([2.0, 0.5]),
        rivals=torch.tensor([[1.0, 0.0], [0.0, 3.0]]),
        added=torch.tensor([0.5, 0.0]),
        real=torch.tensor([[True, True], [True, False]]),
        vain=torch.tensor([[0.2], [9.0]]),
        shown=torch.tensor([[True], [False]]),
        marks=torch.tensor([1.0, 0.5]),
    )


def test_the_losses_are_counted_by_hand() -> None:
    first = np.log(np.exp(2.0) + np.exp(1.5) + np.exp(0.0) + np.exp(0.2)) - 2.0
    second = np.log(np.exp(0.5) + np.exp(0.5)) - 0.5
    assert float(softmax(scored())) == pytest.approx((first + second) / 2, rel=1e-5)
    log1p = np.log1p
    yes = (log1p(np.exp(-2.0)) + log1p(np.exp(-0.5))) / 2
    no = (log1p(np.exp(1.0)) + 2 * log1p(1.0)) / 3 + log1p(np.exp(0.2))
    assert float(cross_entropy(scored())) == pytest.approx(yes + no, rel=1e-5)
    wanted = ((2.0 - 1) ** 2 + 0.0) / 2 + 1.0 / 3 + 0.04
    assert float(squared(scored(), torch.zeros(()))) == pytest.approx(wanted, rel=1e-5)
    disliked = replace(scored(), marks=torch.tensor([1.0, -1.0]))
    assert float(softmax(disliked)) == pytest.approx(first, rel=1e-5)


def test_of_who_did_and_wrote_something_one_is_hidden_now_and_then() -> None:
    raw = np.ones((400, 2, 3, 2), np.float32)
    raw[200:, :, 2] = 0  # they wrote nothing
    found = hidden(raw.copy(), 0.5, [0, 1])
    past, texts = found[:200, 0, 0, 0] > 0, found[:200, 0, 2, 0] > 0
    assert (past | texts).all()
    assert 60 < (~past | ~texts).sum() < 140
    assert 20 < (~past).sum() < 80
    assert found[200:, :, :2].all()
    np.testing.assert_array_equal(hidden(raw.copy(), 0.0, [0, 1]), raw)


def test_going_on_keeps_what_was_learned_also_where_the_axes_of_company_turned() -> None:
    data = cycle_dataset()
    first = random_clicks(data, run_of())
    seen = reader_of(data)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(seen.company.shape[1],) * 2))[0].astype(np.float32)
    vectors = seen.vectors.copy()
    vectors[:, seen.axes.shape[1] :] = vectors[:, seen.axes.shape[1] :] @ turn
    turned = replace(seen, company=seen.company @ turn, vectors=vectors)
    again = aligned(turned, seen)
    np.testing.assert_allclose(again.vectors, seen.vectors, atol=1e-4)
    assert first.n_items == len(seen.vectors)


def test_people_with_a_single_item_teach_nothing_and_break_nothing() -> None:
    data = cycle_dataset()
    first = data.keep(np.isin(np.arange(len(data)), data.indptr[:-1]))
    assert teach(TINY, first, run_of(), meaning_of(data)) is None


def test_learning_goes_on_from_all_of_the_data() -> None:
    data = wishing(60)
    part = data.keep(data.item_rows != 5)
    meaning = meaning_of(data)
    first = teach(TINY, part, run_of(), meaning)
    assert first is not None
    later = go_on(TINY, data, run_of(), meaning, first)
    assert (later.epochs, later.worth, later.beta) == (first.epochs, first.worth, 0.0)
    assert np.abs(later.model.head.out - first.model.head.out).max() > 0


def test_a_training_that_was_killed_ends_with_the_same_bits(tmp_path: Path) -> None:
    script = [sys.executable, str(HERE / "click_until_killed.py")]
    with subprocess.Popen([*script, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 9:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    (kept,) = (tmp_path / "killed").glob("*.safetensors")
    at = load(kept)
    assert at is not None
    assert not at.standing.over
    again, whole = (
        subprocess.run([*script, str(tmp_path / name), "whole"], stdout=subprocess.PIPE, text=True, check=True)
        for name in ("killed", "never killed")
    )
    assert again.stdout.splitlines()[0] == str(at.standing.step + 1), "it goes on from where it was"
    assert whole.stdout.splitlines()[0] == "1"
    assert again.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]


def with_lists(data: Dataset, n: int, chance: bool, seed: int = 0) -> Dataset:
    """Lists of one place drawn evenly out of eight; what is of a theme that its number says earns something."""
    rng = np.random.default_rng(seed)
    users = rng.integers(len(data.users), size=n).astype(np.int32)
    pool = np.stack([rng.permutation(len(data.items))[:8] for _ in range(n)]).astype(np.int32)
    rows = pool[:, 0]
    earns = np.array([data.items[row].startswith("tea") for row in range(len(data.items))])
    logged = np.full(n, -np.log(8.0) if chance else 0.0)
    at = np.nanmax(data.at) - 60.0 - rng.random(n)
    rewards = (earns[rows] * 0.5).astype(np.float32)
    shown = Shown(users, at, np.arange(n + 1), rows, logged, rewards, np.arange(n + 1) * 8, pool.ravel())
    return replace(data, shown=shown)


def test_what_lists_earned_is_learned_where_the_log_supports_it(caplog: pytest.LogCaptureFixture) -> None:
    data = with_lists(wishing(), 1_500, chance=True)
    recipe = TINY.model_copy(update={"epochs": 6})
    found = teach(recipe, data, run_of(), meaning_of(data))
    plain = teach(recipe.model_copy(update={"beta": 0.0}), data, run_of(), meaning_of(data))
    assert found is not None
    assert plain is not None
    assert found.beta > 0
    assert plain.beta == 0
    past = ClickPast.of(data, 8)
    gallery = Gallery.of(past, meaning_of(data), read_texts(past.texts, run_of().encoder), 8)
    logged = Logged.of(data.shown, gallery, 0)
    assert logged.value(found.net).value > logged.value(plain.net).value + 0.02
    with caplog.at_level(logging.INFO):
        certain = teach(recipe, with_lists(data, 1_500, chance=False), run_of(), meaning_of(data))
    assert certain is not None
    assert certain.beta == 0
    assert "0 places" in caplog.text


def test_a_place_is_chosen_among_what_does_not_stand_above_it() -> None:
    """The probabilities of all orders of three candidates sum to one."""
    data = wishing(20)
    meaning = meaning_of(data)
    past = ClickPast.of(data, 0)
    gallery = Gallery.of(past, meaning, read_texts((), run_of().encoder), 0)
    net = ClickNet(TINY, meaning.vectors, 0).eval()
    orders = [(0, 7, 20), (0, 20, 7), (7, 0, 20), (7, 20, 0), (20, 0, 7), (20, 7, 0)]
    n = len(orders)
    shown = Shown(
        np.zeros(n, np.int32), np.full(n, np.nanmax(data.at)), np.arange(n + 1) * 3,
        np.array(orders, np.int32).ravel(), np.full(3 * n, -1.0), np.zeros(3 * n, np.float32),
        np.arange(n + 1) * 3,
        np.tile(np.array([0, 7, 20], np.int32), n),
    )  # fmt: skip
    with torch.no_grad():
        found = Logged(shown, gallery, 0)._chosen(net, shown).numpy().reshape(n, 3)
    assert np.exp(found.sum(axis=1)).sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(found[:, 2], 0.0, atol=1e-6)


def test_what_a_list_showed_in_vain_stands_beside_what_was_taken_of_it() -> None:
    data = wishing(5)
    past = ClickPast.of(data, 0)
    row, user = int(past.rows[0]), 0
    others = [n for n in range(12) if n != row][:6]
    shown = Shown(
        np.array([user], np.int32), np.array([np.nanmax(data.at)]), np.array([0, 7]),
        np.array([others[0], row, *others[1:]], np.int32), np.full(7, -1.0),
        np.array([0, 1, 0, 0, 0, 0, 0], np.float32), np.array([0, 7]), np.array([row, *others], np.int32),
    )  # fmt: skip
    found = against(replace(data, shown=shown), past)
    assert found[0].tolist() == others[:4]
    assert (found[1:] == -1).all()


def reader_of(data: Dataset):  # type: ignore[no-untyped-def]
    from zhiyin.models.propagation import near_by_text
    from zhiyin.models.reader import ReaderRecipe
    from zhiyin.models.words import WordsRecipe

    meaning, words = meaning_of(data), WordsRecipe().fit(data, run_of())
    everything = np.arange(len(data.items), dtype=np.int32)
    return ReaderRecipe(dim=6).fit(
        data, run_of(), meaning, near_by_text(words, meaning, everything, everything, 0)
    )


def test_what_people_wrote_is_in_no_file(tmp_path: Path) -> None:
    """The memory on disk is for the catalogue: what is erased from the log must be gone."""
    from zhiyin.encoders.cache import CachedEncoder

    data = wishing(10)
    run = Run(CachedEncoder(run_of().encoder, tmp_path), 0)
    meaning = MeaningRecipe().fit(data, run)
    (keys,) = tmp_path.glob("*.keys")
    before = keys.stat().st_size
    assert before > 0
    assert teach(TINY, data, run, meaning) is not None
    assert keys.stat().st_size == before
