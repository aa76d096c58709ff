"""`zhiyin evaluate`: how good is a recipe, on the shop's own past or on a published protocol.

The recipe is fitted anew on the part that may be known, never on what is asked. A bundle is measured by its own
recipe and seed; what was found is attached to it, and publishing asks for it.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from zhiyin.bundle import SHORT, bundles_in, find_bundle, read_manifest
from zhiyin.data.folders import load_dataset, read_people, split_of
from zhiyin.data.protocols import GlobalTime, Protocol, load_protocol
from zhiyin.data.splits import window
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.errors import InvalidData, NotFound
from zhiyin.models.base import Run
from zhiyin.progress import Progress
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.workflows.evaluation import Evaluation, attach
from zhiyin.workflows.measuring import Subject, measure
from zhiyin.workflows.posing import Posed, Terms, carve_cold, pose
from zhiyin.workflows.train import shop_data

MOST_PEOPLE = 10_000  # of a shop that are judged; a published protocol judges everybody
OWN_METRICS = ("ndcg@10", "hr@10")


def evaluate_bundle(shop: Zhiyin, name: str | None = None, terms: Terms | None = None) -> Evaluation:
    """Measure a bundle's recipe on the shop's own data.

    What was found is attached to the bundle where the data itself chose the question, the one that publishing goes
    by; another split or part is only answered. Without a name the newest bundle. Raises NotFound if there is
    none; InvalidData for a zero-shot bundle and where there is too little to measure by.
    """
    path = find_bundle(shop.bundles, name) if name else _newest(shop)
    manifest = read_manifest(path)
    if manifest.mode == "zero_shot":
        raise InvalidData(
            f"bundle {path.name[:SHORT]} learned from no event, so nothing can be measured: zhiyin train first"
        )
    data, as_of = shop_data(shop)
    terms = terms or Terms()
    subject = Subject(
        DefaultRecipe.model_validate(manifest.recipe),
        Run(shop.encoder(), manifest.seed, shop.progress),
        path.name,
        carve_cold(data, manifest.seed),
        {user.user_id: user.attributes for user in shop.store.users()},
        (event for _, event in shop.store.events(until=as_of.event)),
    )
    if terms.filter_history is None:
        terms = replace(terms, filter_history=not shop.settings.ranking.repeats)
    if terms.max_users is None:
        terms = replace(terms, max_users=MOST_PEOPLE)
    posed = pose(data, manifest.seed, terms)
    evaluation = measure(posed, subject, terms, OWN_METRICS)
    if terms.split == "auto" and terms.part == "test":
        attach(shop.bundles, evaluation)
    return evaluation


def evaluate_protocol(
    path: Path,
    run: Run,
    recipe: DefaultRecipe | None = None,
    *,
    name: str | None = None,
    terms: Terms | None = None,
) -> Evaluation:
    """Measure a recipe on a data folder by its splits/protocol.json, or by a protocol inside it (`name`).

    Raises NotFound and InvalidData where the file or the data is not as it says.
    """
    terms, recipe = terms or Terms(), recipe or DefaultRecipe()
    protocol = load_protocol(path, name)
    people = {user.user_id: user.attributes for user in read_people(protocol.folder)}
    return measure(_by(protocol, run.seed, terms), Subject(recipe, run, people=people), terms, protocol.metrics)


def evaluate_alone(path: Path, folder: Path, name: str | None, progress: Progress, terms: Terms) -> Evaluation:
    """As `evaluate_protocol`, without a shop: with the recipe of the folder's zhiyin.toml if it has one.

    Texts are encoded once for all fits, in a cache that is gone afterwards.
    """
    recipe = load_settings(folder).recipe if (folder / FILE).is_file() else None
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        encoder = CachedEncoder(SentenceEncoder(threads=2), Path(cache), progress)
        return evaluate_protocol(path, Run(encoder, progress=progress), recipe, name=name, terms=terms)


def _by(protocol: Protocol, seed: int, terms: Terms) -> Posed:
    """The protocol's own question, or another one of its data."""
    data, name = load_dataset(protocol), protocol.folder.name
    if terms.split != "auto":
        if not len(data):
            raise InvalidData(
                f"the protocol {protocol.name} brings its own pairs, there is nothing to split: name one that "
                "divides the events, such as leave_one_out"
            )
        posed = pose(data, seed, terms)
        return replace(posed, words=f"{name}: {posed.words}")
    split = split_of(protocol, data, part=terms.part, refit=terms.refit, filter_history=terms.filter_history)
    cut = window(protocol.rule.cut, terms.part)[0] if isinstance(protocol.rule, GlobalTime) else np.inf
    return Posed(protocol.name, split, f"{name}: {protocol.name}, the {terms.part} part", data, cut)


def _newest(shop: Zhiyin) -> Path:
    found = bundles_in(shop.bundles)
    if not found:
        raise NotFound(f"there is no bundle in {shop.bundles} to evaluate: zhiyin train makes one")
    return found[0]
