"""A language model that is adapted: each method learns, what is served says what was learned, nothing is learned
of what is hidden."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from safetensors.numpy import load_file
from towers import QUICK, assignment, small_past

from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.errors import BrokenBundle, InvalidData, InvalidSettings
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.training.dense import below_dense
from zhiyin.training.past import draw_hidden
from zhiyin.training.tower import Tower, adapt
from zhiyin.training.tower_export import STORY, write_tower
from zhiyin.training.tower_net import load_net
from zhiyin.training.tower_recipe import PretrainingRecipe, TowerRecipe

pytestmark = pytest.mark.slow
RATES = {"ia3": 5e-2, "prefix": 5e-2}
TO_THE_END = QUICK.model_copy(update={"judgements": 0, "steps": 40, "average": "none"})
CASES = [
    *((method, "bert") for method in ("dense", "lora", "adalora", "ia3", "prefix", "bitfit", "full")),
    *((method, "roberta") for method in ("lora", "prefix", "full")),
    *((method, "distilbert") for method in ("lora", "ia3", "full")),
]


def recipe_of(method: str, base: TowerRecipe = TO_THE_END) -> TowerRecipe:
    return base.model_copy(update={"method": method, "learning_rate": RATES.get(method, 5e-3)})


def losses(tower: Tower) -> np.ndarray:
    return np.array([loss for _, loss, _ in tower.curve.steps])


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_each_method_learns_and_is_served_as_it_was_learned(tmp_path: Path, method: str, kind: str) -> None:
    asked = assignment(tmp_path, recipe_of(method), kind)
    tower = adapt(asked)
    assert losses(tower)[-10:].mean() < losses(tower)[:10].mean()
    folder = write_tower(tmp_path / "towers", asked, tower)
    told = orjson.loads((folder / STORY).read_bytes())
    assert told["difference_when_served"] <= 1e-4
    before = find_pretrained("base", tmp_path).weights()
    after = load_file(folder / "model.safetensors")
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert bool(changed) == (method not in ("dense", "prefix")), "these two change nothing within the model"


def test_upper_layers_learn_and_those_below_are_counted_once(tmp_path: Path) -> None:
    asked = assignment(tmp_path, recipe_of("full").model_copy(update={"layers": 1}))
    tower = adapt(asked)
    folder = write_tower(tmp_path / "towers", asked, tower)
    before, after = find_pretrained("base", tmp_path).weights(), load_file(folder / "model.safetensors")
    changed = {name.split(".")[2] for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"1"}


def test_states_below_are_those_of_the_whole_model(tmp_path: Path) -> None:
    from zhiyin.training.below import Below

    for kind in ("bert", "roberta", "distilbert"):
        tiny_model(tmp_path / kind, kind)
        net = load_net(find_pretrained(kind, tmp_path), 16, None).eval()
        texts = ["the tea of cup", "saw", "wood of the iron garden saw"]
        whole = net.encode(texts)
        net.below = Below(net.inner, 1)
        np.testing.assert_allclose(net.encode(texts), whole, atol=2e-3)
        np.testing.assert_allclose(net.encode(texts[::-1])[::-1], whole, atol=2e-3)


def test_nothing_is_learned_of_hidden_items_and_of_what_is_held_out() -> None:
    data, past = small_past(0.3)
    hidden = draw_hidden(data, 0.3, 0)
    assert hidden.any()
    assert not hidden[past.histories.rows].any()
    assert hidden[past.held_hidden.targets].all()
    for user, known, target in zip(past.held.users, past.held.known, past.held.targets, strict=True):
        begin, end = past.histories.indptr[user], past.histories.indptr[user + 1]
        assert target not in past.histories.rows[begin:end]
        assert past.whole.rows[past.whole.indptr[user] + known] == target


def test_no_text_of_a_hidden_item_is_in_a_batch(tmp_path: Path) -> None:
    from zhiyin.training.examples import AsTheyAre, Batches
    from zhiyin.training.tasks import Near
    from zhiyin.training.tower import drawings_of

    tasks = ("next", "together", "click", "wish", "typo", "attribute", "without")
    asked = assignment(tmp_path, QUICK.model_copy(update={"hidden": 0.3, "tasks": tasks}))
    drawings = drawings_of(asked, Near(np.zeros((0, 0), np.int32)))
    assert {one.task for one in drawings} == set(tasks)
    batches = Batches(
        tuple(drawings), AsTheyAre(asked.past.texts), np.zeros(len(asked.past.texts), np.float32), 24, 0
    )
    hidden = {asked.past.texts[row] for row in np.flatnonzero(asked.past.hidden)} - {""}
    assert hidden
    for step in range(20):
        assert not hidden & set(batches.at(step).texts)


def test_a_base_that_is_worth_more_stays(tmp_path: Path) -> None:
    hopeless = QUICK.model_copy(update={"learning_rate": 10.0, "method": "full", "dense": 0, "average": "none"})
    asked = assignment(tmp_path, hopeless)
    tower = adapt(asked)
    assert not tower.gained
    base = asked.model.weights()
    for name, value in base.items():
        np.testing.assert_array_equal(tower.weights[name], value)


def test_a_loss_that_is_no_number_stops_and_the_last_good_weights_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endless = recipe_of("full").model_copy(update={"learning_rate": 1e30, "steps": 30, "dense": 0})
    with caplog.at_level(logging.WARNING):
        tower = adapt(assignment(tmp_path, endless))
    assert "no number" in tower.told
    assert "last good weights are kept" in caplog.text
    assert len(tower.curve.steps) < 30
    assert all(np.isfinite(value).all() for value in tower.weights.values())


def test_more_minutes_than_there_are_is_told_before(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        tower = adapt(assignment(tmp_path, recipe_of("full").model_copy(update={"steps": 10**6, "minutes": 0.05})))
    assert "a GPU is wanted" in caplog.text
    assert len(tower.curve.steps) < 10**6


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, other = (adapt(assignment(tmp_path, recipe_of("lora"))) for _ in range(2))
    for name, value in one.weights.items():
        np.testing.assert_array_equal(value, other.weights[name])


def test_the_random_numbers_of_others_are_left_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    adapt(assignment(tmp_path, QUICK))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("objective", ["masked", "denoised"])
def test_reading_the_texts_first_makes_the_loss_of_reading_fall(tmp_path: Path, objective: str) -> None:
    from zhiyin.progress import Silent
    from zhiyin.training.pretraining import pretrained

    asked = assignment(tmp_path, QUICK.model_copy(update={
        "pretraining": PretrainingRecipe(objective=objective, steps=60, batch=12, learning_rate=5e-3)  # type: ignore[arg-type]
    }))  # fmt: skip
    net = load_net(asked.model, 16, 0.0)
    before = {name: one.detach().clone() for name, one in net.named_parameters()}
    if objective == "masked":
        with pytest.raises(InvalidSettings, match="no token for what is left out"):
            pretrained(net, asked.past, asked.recipe, Silent(), None)
        return
    seen = pretrained(net, asked.past, asked.recipe, Silent(), None)
    assert seen is not None
    told = np.array([loss for _, loss, _ in seen.steps])
    assert told[-10:].mean() < told[:10].mean()
    assert any(not torch.equal(before[name], one) for name, one in net.named_parameters())
    assert net.head is None


def test_a_folder_that_is_no_model_and_one_with_a_graph_alone_are_refused(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises((BrokenBundle, InvalidData)):
        load_net(find_pretrained("broken", tmp_path), 16, None)
    (folder / "model.safetensors").unlink()
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    with pytest.raises(InvalidData, match="a graph cannot be adapted"):
        load_net(find_pretrained("broken", tmp_path), 16, None)


def test_empty_and_endless_texts_are_read_as_they_are_served(tmp_path: Path) -> None:
    tiny_model(tmp_path / "base")
    model = find_pretrained("base", tmp_path)
    texts = ["", "   ", "tea " * 25_000, "茶 tea", "the cup"]
    served = LanguageEncoder(model, tmp_path / "cache", "float32").encode(texts)
    learned = load_net(model, 10_000, None).encode(texts)
    np.testing.assert_allclose(learned, served, atol=1e-4)
    assert not learned[:2].any()


def test_another_tower_of_the_name_is_never_overwritten(tmp_path: Path) -> None:
    asked = assignment(tmp_path, recipe_of("full"))
    tower = adapt(asked)
    first = write_tower(tmp_path / "towers", asked, tower)
    assert write_tower(tmp_path / "towers", asked, tower) == first, "the same weights are written once"
    other = assignment(tmp_path, recipe_of("bitfit"))
    second = write_tower(tmp_path / "towers", other, adapt(other))
    assert (first.name, second.name) == ("ours", "ours-2")
    assert sorted(path.name for path in (tmp_path / "towers").iterdir()) == ["ours", "ours-2"]


def test_texts_that_cannot_be_read_in_the_minutes_are_told_before(tmp_path: Path) -> None:
    hurried = recipe_of("dense").model_copy(update={"minutes": 1e-7})
    with pytest.raises(
        InvalidSettings, match=r"reading \d+ texts once on this cpu would take .* tower\.minutes leaves"
    ):
        adapt(assignment(tmp_path, hurried))


@pytest.mark.parametrize("changed", [False, True])
def test_what_is_kept_is_what_the_net_says_also_where_its_files_say_something_else(
    tmp_path: Path, *, changed: bool
) -> None:
    asked = assignment(tmp_path)
    texts = ["the tea of cup", "the saw of wood " * 9]
    net = load_net(asked.model, 16, None).eval()
    if changed:  # as by reading the texts first
        with torch.no_grad():
            net.words.mul_(1.5)
    with below_dense(net, asked.model, 16, texts) as kept:
        np.testing.assert_allclose(kept.of(texts), net.encode(texts), atol=1e-4)
        assert isinstance(getattr(kept.encode, "__self__", None), LanguageEncoder) is not changed
