"""`zhiyin evaluate`: how good is a recipe, on the shop's own past or on a published protocol.

The recipe is fitted anew on the part that may be known, never on what is asked. A bundle is measured by its own
recipe and seed; what was found is attached to it, and publishing asks for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from zhiyin.bundle import SHORT, Manifest, find_bundle, newest_in, read_manifest
from zhiyin.data.folders import load_dataset, read_people, split_of
from zhiyin.data.protocols import GlobalTime, Protocol, load_protocol
from zhiyin.data.splits import Split, window
from zhiyin.encoders.pair import cached
from zhiyin.errors import InvalidData
from zhiyin.evaluation.buckets import People
from zhiyin.evaluation.judging import Guests, nobody
from zhiyin.evaluation.measuring import Measured, Subject, measure
from zhiyin.evaluation.posing import Posed, Terms, carve_cold, pose
from zhiyin.evaluation.record import Evaluation, attach
from zhiyin.evaluation.standings import save_standings
from zhiyin.models.base import Run
from zhiyin.progress import Progress
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import FILE, Settings
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin, encoder_of
from zhiyin.workflows.report import page_of, report_in, write_page
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.stories import evaluated_story
from zhiyin.workflows.tracking import NOWHERE, Log

MOST_PEOPLE = 10_000  # of a shop that are judged; a published protocol judges everybody
OWN_METRICS = ("ndcg@10", "hr@10")


def evaluate_bundle(
    shop: Zhiyin, name: str | None = None, terms: Terms | None = None, log: Log = NOWHERE
) -> Evaluation:
    """Measure a bundle's recipe on the shop's own data.

    What was found is attached to the bundle where the data itself chose the question, the one that publishing goes
    by; another split or part is only answered. Without a name the newest bundle. Raises NotFound if there is
    none; InvalidData for a zero-shot bundle and where there is too little to measure by.
    """
    path = find_bundle(shop.bundles, name) if name else newest_in(shop.bundles)
    (measured,) = examine(shop, (path,), terms or Terms())
    log.write(evaluated_story(measured.evaluation))
    return measured.evaluation


def examine(shop: Zhiyin, paths: Sequence[Path], terms: Terms) -> list[Measured]:
    """What the bundles in these folders get on one question, the log being as it is now.

    Kept with each if publishing goes by it. Raises InvalidData as `evaluate_bundle`, before anything is fitted.
    """
    manifests = [_learned(path) for path in paths]
    recipes = (DefaultRecipe.model_validate(manifest.recipe) for manifest in manifests)
    exam = _Exam.of(shop, terms, lists=any(recipe.learns_from_lists for recipe in recipes))
    found = [exam.take(shop, path.name, manifest) for path, manifest in zip(paths, manifests, strict=True)]
    if terms.decides:
        for measured in found:
            _keep(shop.bundles, measured)
    return found


def shop_terms(shop: Zhiyin, terms: Terms) -> Terms:
    """With what a shop says where nothing is wished for."""
    if terms.filter_history is None:
        terms = replace(terms, filter_history=not shop.settings.ranking.repeats)
    return replace(terms, max_users=MOST_PEOPLE) if terms.max_users is None else terms


def _learned(path: Path) -> Manifest:
    manifest = read_manifest(path)
    if manifest.mode == "zero_shot":
        raise InvalidData(
            f"bundle {path.name[:SHORT]} learned from no event, so nothing can be measured: zhiyin train first"
        )
    return manifest


@dataclass(frozen=True, slots=True)
class _Exam:
    """A question to a shop's past, the same for as many bundles as are asked."""

    posed: Posed
    terms: Terms
    cold: Mapping[str, Split]
    people: People
    until: int  # the last event of the log that counts

    @classmethod
    def of(cls, shop: Zhiyin, terms: Terms, *, lists: bool = False) -> Self:
        """Of the log as it is now, with the `lists` that were shown where a bundle learns from them. Raises
        InvalidData where there is too little to measure by."""
        data, as_of = shop_data(shop, lists=lists)
        terms = shop_terms(shop, terms)
        people = {user.user_id: user.attributes for user in shop.store.users()}
        return cls(pose(data, terms), terms, carve_cold(data, terms.seed), people, as_of.event)

    def take(self, shop: Zhiyin, bundle: str, manifest: Manifest) -> Measured:
        """The answer of a bundle."""
        subject = Subject(
            DefaultRecipe.model_validate(manifest.recipe),
            Run(shop.encoder(bundle), manifest.seed, shop.progress),
            shop.settings.name,
            bundle,
            self.cold,
            self.people,
            (event for _, event in shop.store.events(until=self.until)),
        )
        return measure(self.posed, subject, self.terms, OWN_METRICS)


def _keep(folder: Path, measured: Measured) -> None:
    """All that was measured of a bundle into its folder: for people, for publishing, and for comparing."""
    bundle = measured.evaluation.bundle
    save_standings(folder, bundle, measured.standings)
    attach(folder, measured.evaluation)
    write_page(report_in(folder, bundle), page_of(measured.evaluation))


def page_kept(shop: Zhiyin, found: Evaluation, terms: Terms) -> Path | None:
    """Where the page of an answer lies, if the answer was kept."""
    return report_in(shop.bundles, found.bundle) if terms.decides else None


def evaluate_protocol(
    path: Path,
    run: Run,
    recipe: DefaultRecipe | None = None,
    *,
    name: str | None = None,
    terms: Terms | None = None,
) -> Evaluation:
    """As `measure_protocol`, without what each person got."""
    return measure_protocol(path, run, recipe, name=name, terms=terms).evaluation


def measure_protocol(
    path: Path,
    run: Run,
    recipe: DefaultRecipe | None = None,
    *,
    name: str | None = None,
    terms: Terms | None = None,
    guests: Guests = nobody,
) -> Measured:
    """Measure a recipe on a data folder by its splits/protocol.json, or by a protocol inside it (`name`), beside
    the baselines and the `guests`.

    Raises NotFound and InvalidData where the file or the data is not as it says.
    """
    terms, recipe = terms or Terms(), recipe or DefaultRecipe()
    protocol = load_protocol(path, name)
    people = {user.user_id: user.attributes for user in read_people(protocol.folder)}
    subject = Subject(recipe, run, protocol.folder.name, people=people, guests=guests)
    return measure(_by(protocol, terms), subject, terms, protocol.metrics)


def settings_in(folder: Path, *, deep: bool = False) -> Settings:
    """Of the folder's zhiyin.toml if it has one; with the `deep` recipe also where that does not say so."""
    found = load_settings(folder) if (folder / FILE).is_file() else Settings(folder=folder)
    return found.model_copy(update={"recipe": found.recipe.deepened()}) if deep else found


def evaluate_alone(
    path: Path, settings: Settings, name: str | None, progress: Progress, terms: Terms, log: Log = NOWHERE
) -> Evaluation:
    """As `evaluate_protocol`, without a shop. Texts are encoded once for all fits, in a cache that is gone
    afterwards."""
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        encoder = cached(encoder_of(settings, threads=2), Path(cache), progress)
        run = Run(encoder, progress=progress)
        found = evaluate_protocol(path, run, settings.recipe, name=name, terms=terms)
    log.write(evaluated_story(found))
    return found


def _by(protocol: Protocol, terms: Terms) -> Posed:
    """The protocol's own question, or another one of its data."""
    data, name = load_dataset(protocol), protocol.folder.name
    if terms.split != "auto":
        if not len(data):
            raise InvalidData(
                f"the protocol {protocol.name} brings its own pairs, there is nothing to split: name one that "
                "divides the events, such as leave_one_out"
            )
        posed = pose(data, terms)
        return replace(posed, words=f"{name}: {posed.words}")
    split = split_of(protocol, data, part=terms.part, refit=terms.refit, filter_history=terms.filter_history)
    cut = window(protocol.rule.cut, terms.part)[0] if isinstance(protocol.rule, GlobalTime) else np.inf
    return Posed(protocol.name, split, f"{name}: {protocol.name}, the {terms.part} part", data, cut)
