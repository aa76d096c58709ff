"""`zhiyin train`: the log and the catalogue as they are now, fitted by the shop's recipe into a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

from zhiyin.bundle import save_bundle
from zhiyin.data.dataset import Dataset
from zhiyin.files import shared_folder
from zhiyin.models.base import Run
from zhiyin.models.graph import Graph
from zhiyin.models.meaning import Meaning
from zhiyin.ranking.examples import REPEATS
from zhiyin.ranking.learn import group_of
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.shop import Zhiyin
from zhiyin.types import AsOf
from zhiyin.workflows.believing import Learned, learn_belief
from zhiyin.workflows.settling import settled_exposures
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.stories import flat, trained_story
from zhiyin.workflows.tempering import learn_tempering
from zhiyin.workflows.tracking import NOWHERE, Log, Value

UNFINISHED = ".unfinished"  # among the bundles: what a fit that is killed goes on from


@dataclass(frozen=True, slots=True)
class Trained:
    """A bundle that was made, and of what."""

    bundle: str  # its name
    mode: str  # trained | zero_shot
    n_items: int
    n_users: int
    n_events: int
    n_unknown: int  # events of items that are not in the catalogue: left out
    channels: tuple[str, ...]
    fusion_learned: bool  # false: too few events, the prior gates stay
    chosen: Mapping[str, Value]  # settings that were left out, by their dotted names
    relations: Mapping[str, float]  # what each weighs in the graph channel, the largest 1
    idle: tuple[str, ...]  # channels that held-out events are as well off without
    withheld: float  # share of events in which people came back to an item, where no list may show it again
    beliefs: str  # what came of learning from answers to lists, in words; empty where there are none
    temperature: str  # what came of asking the log for one, in words; empty where it was not asked
    as_of: AsOf
    seconds: Mapping[str, float]  # by stage: reading, fitting, saving

    def sentences(self) -> list[str]:
        """The same in words."""
        what = "zero-shot, from the catalogue alone" if self.mode == "zero_shot" else "trained"
        said = [
            f"bundle {self.bundle[:12]} ({what}): {self.n_items:,} items, {self.n_users:,} people, "
            f"{self.n_events:,} events; channels {', '.join(self.channels)}"
        ]
        if self.n_unknown:
            said.append(f"{self.n_unknown:,} events speak of items that are not in the catalogue: left out")
        if self.mode == "trained" and not self.fusion_learned:
            said.append("too few events to learn how the channels are weighed: the built-in weights stay")
        elif self.chosen:
            chosen = ", ".join(f"{name} {value}" for name, value in self.chosen.items())
            said.append(f"chosen on held-out events: {chosen}")
        if len(self.relations) > 1:
            ordered = sorted(self.relations.items(), key=lambda one: -one[1])
            weighed = ", ".join(f"{relation} {weight:.2f}" for relation, weight in ordered)
            said.append(f"learned weights of relations: {weighed}")
        if self.idle:
            said.append(f"left out, for held-out events are as well off without: {', '.join(self.idle)}")
        said += [one for one in (self.beliefs, self.temperature) if one]
        if self.withheld >= REPEATS:
            said.append(
                f"{self.withheld:.0%} of what people do, they do again with the same item, yet lists never show "
                "what somebody had: if they should, write ranking.repeats = true in zhiyin.toml"
            )
        return said


def train(shop: Zhiyin, seed: int = 0, log: Log = NOWHERE, *, deep: bool = False) -> Trained:
    """Fit the recipe of the shop's settings on everything in its store, `deep` also where they do not say so.
    Nothing goes live by this. A net that was killed while it learned goes on where it was.

    Without any event the bundle is zero-shot. Raises InvalidData if there are no items.
    """
    began = perf_counter()
    recipe, unfinished = shop.settings.recipe, shop.bundles / UNFINISHED
    recipe = recipe.deepened() if deep else recipe
    run = Run(shop.encoder(), seed, shop.progress, unfinished)
    data, as_of = shop_data(shop, lists=recipe.learns_from_lists, encoder=run.encoder)
    read = perf_counter()
    with shared_folder(unfinished):  # another training may be in the middle of it
        fitted = recipe.fit(data, run)
        learned = _believed(shop, data, fitted, as_of)
        fitted = replace(fitted, belief=learned.model, tempering=learn_tempering(shop))
        fit = perf_counter()
        name = save_bundle(shop.bundles, fitted, recipe, data, run, as_of)
    made = Trained(
        bundle=name,
        mode="trained" if len(data) else "zero_shot",
        n_items=len(data.items),
        n_users=len(data.users),
        n_events=len(data),
        n_unknown=data.n_unknown,
        channels=tuple(fitted.models),
        fusion_learned=fitted.fusion.learned,
        chosen=dict(set_by_fit(recipe, fitted)),
        relations=graph.weights if isinstance(graph := fitted.models.get("graph"), Graph) else {},
        idle=fitted.recipe.idle_beside(recipe),
        withheld=0.0 if shop.settings.ranking.repeats else data.repeat_share,
        beliefs=learned.sentence,
        temperature="" if fitted.tempering is None else fitted.tempering.sentence,
        as_of=as_of,
        seconds={"reading": read - began, "fitting": fit - read, "saving": perf_counter() - fit},
    )
    sizes = {"items": float(made.n_items), "users": float(made.n_users), "events": float(made.n_events)}
    took = {f"seconds/{stage}": seconds for stage, seconds in made.seconds.items()}
    log.write(trained_story(shop.settings.name, name, recipe, fitted.fusion, sizes | took))
    return made


def _believed(shop: Zhiyin, data: Dataset, fitted: Fitted, as_of: AsOf) -> Learned:
    """What answers to lists teach of the items that were fitted."""
    said, meaning = shop.settings.belief, fitted.models["meaning"]
    exposures = settled_exposures(shop.store.answers, shop.settings.data.signals, said.window, as_of.event)
    if not exposures or not isinstance(meaning, Meaning):
        return Learned(None, 0)
    return learn_belief(exposures, data.catalogue, meaning.vectors, said)


def set_by_fit(asked: DefaultRecipe, fitted: Fitted) -> Iterator[tuple[str, Value]]:
    """What a fit chose of the settings that were left out, for the channels that it has."""
    before, used = dict(flat(asked.model_dump(mode="json"))), {group_of(channel) for channel in fitted.models}
    for name, value in flat(fitted.recipe.model_dump(mode="json")):
        if name.partition(".")[0] in used and before[name] != value:
            yield name, value
