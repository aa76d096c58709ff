"""`zhiyin evaluate`: how good is a recipe, on the shop's own past or on a published protocol.

The recipe is fitted anew on the part that may be known, never on what is asked. A bundle is measured by its own
recipe and seed; what was found is attached to it, and publishing asks for it.
"""

from __future__ import annotations

from pathlib import Path

from zhiyin.bundle import SHORT, bundles_in, find_bundle, read_manifest
from zhiyin.data.folders import load_dataset, split_of
from zhiyin.data.protocols import load_protocol
from zhiyin.errors import InvalidData, NotFound
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.shop import Zhiyin
from zhiyin.workflows.evaluation import Evaluation, attach
from zhiyin.workflows.measuring import Subject, Terms, measure
from zhiyin.workflows.posing import Posed, carve_cold, pose
from zhiyin.workflows.train import shop_data

MOST_PEOPLE = 10_000  # of a shop that are judged; a published protocol judges everybody
OWN_METRICS = ("ndcg@10", "hr@10")


def evaluate_bundle(shop: Zhiyin, name: str | None = None, terms: Terms | None = None) -> Evaluation:
    """Measure a bundle's recipe on the shop's own data, and attach what was found to the bundle.

    Without a name the newest bundle. Raises NotFound if there is none; InvalidData for a zero-shot bundle and
    where there is too little to measure by.
    """
    path = find_bundle(shop.bundles, name) if name else _newest(shop)
    manifest = read_manifest(path)
    if manifest.mode == "zero_shot":
        raise InvalidData(
            f"bundle {path.name[:SHORT]} learned from no event, so nothing can be measured: zhiyin train first"
        )
    data, _ = shop_data(shop)
    subject = Subject(
        DefaultRecipe.model_validate(manifest.recipe),
        Run(shop.encoder(), manifest.seed, shop.progress),
        path.name,
        carve_cold(data, manifest.seed),
    )
    posed = pose(data, manifest.seed, filter_history=not shop.settings.ranking.repeats)
    evaluation = measure(posed, subject, terms or Terms(max_users=MOST_PEOPLE), OWN_METRICS)
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
    terms = terms or Terms()
    protocol = load_protocol(path, name)
    split = split_of(
        protocol,
        load_dataset(protocol),
        part=terms.part,
        refit=terms.refit,
        filter_history=terms.filter_history,
    )
    posed = Posed(protocol.name, split, f"{protocol.folder.name}: {protocol.name}, the {terms.part} part")
    return measure(posed, Subject(recipe or DefaultRecipe(), run), terms, protocol.metrics)


def _newest(shop: Zhiyin) -> Path:
    found = bundles_in(shop.bundles)
    if not found:
        raise NotFound(f"there is no bundle in {shop.bundles} to evaluate: zhiyin train makes one")
    return found[0]
