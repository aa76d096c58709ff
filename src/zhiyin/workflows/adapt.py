"""`zhiyin train text`: a language model adapted to a shop, and what reads now is replaced only by what is better.

The model learns only of what an evaluation may know: nothing of the events, the items and the people that an
evaluation hides. So what is then measured is not what was learned by heart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shutil import rmtree
from typing import TYPE_CHECKING

import numpy as np
import orjson

from zhiyin._extras import need
from zhiyin.bundle import SHORT
from zhiyin.data.dataset import Dataset, Mask
from zhiyin.encoders.pretrained import TOWERS, Pretrained, find_pretrained
from zhiyin.errors import InvalidData, NotPublishable
from zhiyin.evaluation.comparison import Comparison
from zhiyin.evaluation.posing import Terms, carve_cold, pose
from zhiyin.evaluation.record import attached
from zhiyin.evaluation.verdict import FEW, bounds
from zhiyin.recipe import TORCH
from zhiyin.shop import OUR_OWN, Zhiyin, encoder_of
from zhiyin.workflows.amending import amending
from zhiyin.workflows.compare import compare
from zhiyin.workflows.evaluate import evaluate_bundle, shop_terms
from zhiyin.workflows.publish import publish
from zhiyin.workflows.rewording import forget_wordings, with_other_wordings
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.stories import adapted_story
from zhiyin.workflows.tracking import NOWHERE, Log, TensorBoard
from zhiyin.workflows.train import UNFINISHED, train

if TYPE_CHECKING:
    from zhiyin.training.tower import Assignment, Tower

STORY = "tower.json"
USUAL = "minilm"


@dataclass(frozen=True, slots=True)
class Adapted:
    """What was learned, what it is worth, and what reads from now on."""

    model: str  # as encoder.model names it
    told: str  # how learning ended
    figures: str  # of held-out people, before and after
    reworded: str  # what came of other wordings; "" where none were asked for
    challenger: str  # the bundle that was trained with it; "" where nothing was gained
    comparison: Comparison | None
    adopted: bool
    why: str

    def sentences(self) -> Iterator[str]:
        yield f"{self.model}: {self.told}"
        if self.reworded:
            yield self.reworded
        yield self.figures
        if self.comparison is not None:
            yield from self.comparison.verdict
        yield self.why


def adapt_text(shop: Zhiyin, seed: int = 0, log: Log = NOWHERE, *, adopt: bool = True) -> Adapted:
    """Adapt the model of `[tower]`, train a bundle with it, and make it live where it is shown to be better than
    what is live, or than what the shop's recipe gives with the encoder of now where nothing trained is live.
    `adopt` false only tells.

    Raises MissingExtra before anything is done, InvalidData where there is too little to learn from or to measure
    by, NotPublishable where it is not shown to be better: then all is as it was, but for the folder and a bundle.
    """
    check_extras()
    model = _base(shop)
    asked = with_other_wordings(shop.settings, _assignment(shop, model, seed))
    tower, name = _learned(shop, asked)
    log.write(adapted_story(shop.settings.name, name, asked.recipe, tower.curve, _results(asked, tower)))
    _board(shop, name, asked, tower)
    if not tower.gained:
        raise NotPublishable(
            f"{TOWERS}/{name}: {tower.told}; held-out people are not better off with it than with {model.name} "
            "as it was, so all stays as it is: more events, another tower.method or more tower.minutes may help"
        )
    reader = f"{TOWERS}/{name}"
    other = _with_reader(shop, reader)
    champion, challenger, found = _contest(shop, other, seed)
    rmtree(shop.settings.path(TOWERS) / UNFINISHED, ignore_errors=True)
    why = better(found)
    if not why:
        raise NotPublishable(
            f"{reader} stays unused, and {_live(shop, champion)}: {'; '.join(found.verdict)}. It learned: "
            f"{_figures(tower)}. The folder "
            f"and bundle {challenger[:SHORT]} are kept"
        )
    if adopt:
        _adopt(shop, other, reader, challenger)
    said = (
        f"{reader} reads from now on, bundle {challenger[:SHORT]} is live"
        if adopt
        else _by_hand(reader, challenger)
    )
    reworded = "" if asked.reworded is None else asked.reworded.told()
    return Adapted(reader, tower.told, _figures(tower), reworded, challenger, found, adopt, f"{why}: {said}")


def better(found: Comparison) -> str:
    """Where the challenger is shown to be better: for everybody by the interval; or no worse for everybody, and
    better for what is new. "" if nowhere, or if it is shown to be worse there."""
    whole = found.metrics[found.main]
    if found.refused or whole.gain.high < 0:
        return ""
    if whole.gain.low > 0:
        return f"better on {found.main}, the interval of the difference is {bounds(whole.gain)}"
    parts = {name: part for name, part in found.cold.items() if part.n_users >= FEW}
    if any(part.gain.high < 0 for part in parts.values()):
        return ""
    gains = [f"{name.replace('_', ' ')} {bounds(part.gain)}" for name, part in parts.items() if part.gain.low > 0]
    return f"no worse on {found.main}, and better for what is new: {', '.join(gains)}" if gains else ""


def check_extras() -> None:
    need("torch", extra="train", also=TORCH)
    for module, extra in (("transformers", "train"), ("peft", "train"), ("onnxruntime", "text"), ("onnx", "text")):
        need(module, extra=extra)


def _base(shop: Zhiyin) -> Pretrained:
    """What is adapted. Of a tower it is what that was adapted from: twice adapted is what nobody measured."""
    name = shop.settings.tower.base or shop.settings.encoder.model
    story = shop.settings.path(name) / STORY
    if shop.settings.tower.base is None and story.is_file():
        name = str(orjson.loads(story.read_bytes())["base"])
    return find_pretrained(USUAL if name == OUR_OWN else name, shop.settings.folder)


def _assignment(shop: Zhiyin, model: Pretrained, seed: int) -> Assignment:
    """What may be known of the shop."""
    from zhiyin.training.past import Past, typed_in  # noqa: PLC0415  # torch is imported by no one else
    from zhiyin.training.tower import Assignment  # noqa: PLC0415

    recipe, signals = shop.settings.tower, shop.settings.data.signals
    data, as_of = shop_data(shop)
    if not len(data):
        raise InvalidData(
            "nobody did anything here yet, so there is nothing to adapt a model to: zhiyin import brings events"
        )
    known, hidden = may_be_known(data, shop_terms(shop, Terms()), recipe.hidden, seed)
    events = (event for _, event in shop.store.events(until=as_of.event))
    past = Past.of(known, typed_in(events, known, signals), hidden, recipe.judged, seed)
    return Assignment(
        model, recipe, past, data.catalogue, shop.settings.language, seed, shop.progress,
        shop.settings.path(TOWERS) / UNFINISHED,
    )  # fmt: skip


def may_be_known(data: Dataset, terms: Terms, share: float, seed: int) -> tuple[Dataset, Mask]:
    """The events that the evaluation of these terms is fitted on, without the people whom it takes for new ones;
    and (I,) the items that it takes for new ones, or a share of all where it has too few to ask."""
    from zhiyin.training.past import draw_hidden  # noqa: PLC0415

    fit = pose(data, terms).split.fit
    cold = carve_cold(data, terms.seed)
    if not cold:
        return fit, draw_hidden(data, share, seed)
    carved = next(iter(cold.values())).fit
    hidden = (data.support > 0) & (carved.support == 0)
    strangers = (np.diff(data.indptr) > 0) & (np.diff(carved.indptr) == 0)
    return fit.keep(~strangers[fit.user_rows]), hidden


def _learned(shop: Zhiyin, asked: Assignment) -> tuple[Tower, str]:
    from zhiyin.training.tower import adapt  # noqa: PLC0415
    from zhiyin.training.tower_export import write_tower  # noqa: PLC0415

    tower = adapt(asked)
    forget_wordings(asked)
    return tower, write_tower(shop.settings.path(TOWERS), asked, tower).name


def _with_reader(shop: Zhiyin, reader: str) -> Zhiyin:
    """The same shop, read by another model."""
    encoder = shop.settings.encoder.model_copy(update={"model": reader})
    settings = shop.settings.model_copy(update={"encoder": encoder})
    return Zhiyin(settings, shop.store, encoder_of(settings), shop.progress)


def _contest(shop: Zhiyin, other: Zhiyin, seed: int) -> tuple[str, str, Comparison]:
    """Champion and challenger, both measured on the log as it is now."""
    champion = _champion(shop, seed)
    challenger = train(other, seed).bundle
    asked = evaluate_bundle(other, challenger).question
    kept = attached(shop.bundles, champion)
    if kept is None or kept.question != asked:
        evaluate_bundle(shop, champion)
    return champion, challenger, compare(other, champion, challenger)


def _champion(shop: Zhiyin, seed: int) -> str:
    """The bundle that is live; where that learned from nothing, one that did."""
    live = shop.publication()
    if live is not None and shop.bundle(live.bundle).manifest.mode == "trained":
        return live.bundle
    return train(shop, seed).bundle


def _adopt(shop: Zhiyin, other: Zhiyin, reader: str, challenger: str) -> None:
    """Both or neither: the setting, and the bundle that was made with it."""
    with amending(shop.settings.folder, {"encoder.model": reader}):
        publish(other, challenger)


def _by_hand(reader: str, challenger: str) -> str:
    return f'nothing was changed; encoder.model = "{reader}" and zhiyin publish {challenger[:SHORT]} take it'


def _live(shop: Zhiyin, champion: str) -> str:
    live = shop.publication()
    if live is not None and live.bundle == champion:
        return f"bundle {champion[:SHORT]} stays live"
    return f"nothing trained is live; zhiyin publish {champion[:SHORT]} takes the one it was compared with"


def _figures(tower: Tower) -> str:
    before, after = tower.before, tower.after
    if before is None or after is None:
        return "nobody could be asked how good its texts alone are"
    said = f"by texts alone, NDCG@10 of what held-out people took next: {before.ndcg:.4f}, now {after.ndcg:.4f}"
    if np.isfinite(after.ndcg_hidden):
        said += f"; of items it learned nothing of: {before.ndcg_hidden:.4f}, now {after.ndcg_hidden:.4f}"
    return said


def _results(asked: Assignment, tower: Tower) -> dict[str, float]:
    found = {"seconds": tower.seconds, "parameters": float(tower.n_learned), "learning rate": tower.learning_rate}
    if asked.reworded is not None:
        found["items in other words"] = float(len(asked.wordings))
    for when, judged in (("before", tower.before), ("after", tower.after)):
        if judged is not None and np.isfinite(judged.worth):
            found |= {f"ndcg@10 {when}": judged.ndcg, f"worth {when}": judged.worth}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _board(shop: Zhiyin, name: str, asked: Assignment, tower: Tower) -> None:
    """The curves, for TensorBoard, beside the towers; where its writer is not installed tower.json has them."""
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec("tensorboardX") is not None:
        story = adapted_story(shop.settings.name, name, asked.recipe, tower.curve, _results(asked, tower))
        TensorBoard(shop.settings.path(TOWERS) / "tensorboard").write(story)
