"""One shop: the store, the encoder and whatever bundle is live. The object that CLI, service and tests share.

from zhiyin import Zhiyin
z = Zhiyin.open("shop")
for place in z.recommend(user_id="ann", n=5).items: ...
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self
from uuid import uuid4
from weakref import WeakValueDictionary

from zhiyin.bundle import (
    Bundle,
    Manifest,
    bundles_in,
    encoder_of_bundle,
    find_bundle,
    load_bundle,
    read_manifest,
    save_bundle,
)
from zhiyin.data.dataset import build_dataset
from zhiyin.data.store.open import open_store
from zhiyin.data.store.protocols import Appended, Publication, Store
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cross import CrossEncoder, Measured
from zhiyin.encoders.hosted import HostedEncoder, HostedModel
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pair import Ear, Listen, TwoReaders, at_hand, cached, nobody_listens
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.sentence import FINGERPRINT, SentenceEncoder
from zhiyin.encoders.static import StaticEncoder
from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.named import EMBEDDINGS
from zhiyin.errors import BrokenBundle, InvalidSettings, NotFound, ZhiyinError
from zhiyin.labels.model import LabelModel
from zhiyin.labels.shelf import find, load, names
from zhiyin.live import Live
from zhiyin.models.base import Run
from zhiyin.policies.base import Policy
from zhiyin.policies.budget import Budgeted
from zhiyin.policies.chance import EpsilonGreedy
from zhiyin.policies.greedy import Greedy
from zhiyin.policies.holdout import Holdout
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.tempering import Tempering
from zhiyin.progress import Progress, Silent
from zhiyin.ranking.learned import Learned
from zhiyin.ranking.reranking import Reranker, RerankerSettings
from zhiyin.recommender import Recommender, Shape
from zhiyin.settings import FILE, Settings
from zhiyin.settings_file import load_settings
from zhiyin.settings_lists import PolicySettings
from zhiyin.types import Event, Item, Query, Recommendation

OUR_OWN, HOSTED, LABELS = "use", "hosted", "labels"
LOOK_AGAIN = 1.0  # seconds between two looks for a new publication


class Zhiyin:
    """Open it once and keep it; safe to share between threads."""

    def __init__(
        self, settings: Settings, store: Store, encoder: Encoder | None = None, progress: Progress | None = None
    ) -> None:
        """`encoder`: what the settings name; without it, it is opened when it is needed."""
        self.settings, self.store, self.progress = settings, store, progress or Silent()
        self._named, self._brought = encoder, WeakValueDictionary[str, Encoder]()
        self._ear: tuple[Encoder, Listen] | None = None
        self._serving: tuple[Publication, Live] | None = None
        self._looked = 0.0
        self._lock, self._labelling, self._reading = Lock(), Lock(), Lock()
        self._readers: dict[str, Encoder] = {}
        self._labels: dict[str, LabelModel] = {}
        self._rereading: tuple[RerankerSettings, Reranker] | None = None
        self._taught: tuple[str, Learned] | None = None

    @classmethod
    def open(cls, folder: str | Path = ".", progress: Progress | None = None) -> Self:
        """The shop in a folder that holds a zhiyin.toml."""
        settings = load_settings(Path(folder))
        served = bundles_in(settings.path(settings.bundles.folder))  # they say themselves what reads
        encoder = None if served else encoder_of(settings)  # first: where it lacks, no store is made
        return cls(settings, open_store(settings.store_url()), encoder, progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    @property
    def bundles(self) -> Path:
        """The folder of the bundles."""
        return self.settings.path(self.settings.bundles.folder)

    def encoder(self, bundle: str | None = None) -> Encoder:
        """The encoder that the settings name, or that a bundle was made with, with a memory of the catalogue on
        disk: for reading many items. Raises what `encoder_of` does, and BrokenBundle."""
        found = self.reader(self.settings.encoder.model) if bundle is None else self._encoder_of(bundle)
        return cached(found, self.settings.path("cache"), self.progress)

    def reader(self, name: str) -> Encoder:
        """An encoder by its name in the settings, loaded once. Raises what `encoder_of` does."""
        with self._reading:
            if name == self.settings.encoder.model:
                self._named = self._named or encoder_of(self.settings)
                return self._named
            if name not in self._readers:
                chosen = self.settings.encoder.model_copy(update={"model": name})
                self._readers[name] = encoder_of(self.settings.model_copy(update={"encoder": chosen}))
            return self._readers[name]

    def labels(self, name: str) -> LabelModel:
        """The label model of this name that is in use; a newer one is taken up by itself. Raises NotFound."""
        kept = find(self.settings.path(LABELS), name)
        with self._labelling:
            known = self._labels.get(name)
            if known is None or known.digest != kept.digest:
                told = kept.about["encoders"]  # one that what is live brought is not opened twice
                known = self._labels[name] = load(
                    kept, lambda view: self._brought.get(told[view]) or self.reader(view)
                )
            return known

    def recommend(self, *, user_id: str | None = None, text: str | None = None, n: int = 10) -> Recommendation:
        """A list for a person, a wish in words, or both; logged like every list that is shown."""
        return self.answer(Query(user_id=user_id, text=text, n=n))

    def similar(self, item_id: str, n: int = 10) -> Recommendation:
        """Items like this one."""
        self.item(item_id)
        return self.answer(Query(like=(item_id,), n=n, scenario="similar"))

    def answer(self, query: Query) -> Recommendation:
        """The list for a query; it is in the log before it is returned."""
        recommendation = self.compute(query)
        self.store.log([recommendation])
        return recommendation

    def compute(self, query: Query) -> Recommendation:
        """The list for a query, not logged: for whoever logs by themselves, in groups."""
        return self.recommender().recommend(query, new_id(), datetime.now(UTC))

    def add_events(self, events: Sequence[Event]) -> Appended:
        """Append to the log; they count in the next answer. One with neither a time nor an order happens now."""
        now = datetime.now(UTC)
        return self.store.append([event.dated(now) for event in events])

    def put_items(self, items: Sequence[Item]) -> int:
        """Insert or replace; they can be recommended in the next answer."""
        return self.store.put_items(items)

    def item(self, item_id: str) -> Item:
        """An item of the catalogue. Raises NotFound."""
        found = self.store.item(item_id)
        if found is None:
            raise NotFound(f"no item {item_id!r} in the catalogue: zhiyin import or POST /v1/items adds it")
        return found

    def recommender(self, live: Live | None = None, policy: PolicySettings | None = None) -> Recommender:
        """The recommender of the bundle that is live now; before anything was published, of a zero-shot one.
        `live`: of these folds instead. `policy`: as if the settings said this one."""
        live = live or self.live()  # first: what it finds may change the settings
        settings = self.settings if policy is None else self.settings.model_copy(update={"policy": policy})
        ranking = settings.ranking
        shape = Shape(
            ranking.candidates,
            ranking.retrieve,
            ranking.diversity,
            ranking.repeats,
            settings.digest(),
            ranking.house_rules,
            settings.harm_rules,
            settings.profile.weights,
            self.reranker(settings),
            settings.belief.optimism if settings.belief.on else None,
            self.learned(),
            self.declared(),
        )
        return Recommender(live, policy_of(settings.policy, live.folded.bundle.fitted.tempering), shape)

    def declared(self) -> frozenset[str]:
        """Attributes that filters may name whether or not an item has them."""
        return self.settings.declared.union(names(self.settings.path(LABELS)))

    def learned(self) -> Learned | None:
        """The part of scores that the log taught, where the settings name one; read once. Raises BrokenBundle."""
        named = self.settings.policy.learned
        if not named:
            return None
        with self._reading:
            if self._taught is None or self._taught[0] != named:
                self._taught = named, Learned.load(self.settings.path(named))
            return self._taught[1]

    def reranker(self, settings: Settings) -> Reranker | None:
        """Who reads the first candidates again, where these settings name somebody; loaded once.

        Raises BrokenBundle and InvalidSettings for what was not measured as it is to be served."""
        if not settings.reranker.model:
            return None
        with self._reading:
            if self._rereading is None or self._rereading[0] != settings.reranker:
                self._rereading = settings.reranker, reranker_of(settings)
            return self._rereading[1]

    def live(self) -> Live:
        """The folds over the live bundle. Looks for a new publication once a second."""
        with self._lock:
            now = time.monotonic()
            if self._serving is None or now - self._looked > LOOK_AGAIN:
                self._looked = now
                self._serving = self._newest(self._serving)
            return self._serving[1]

    def warm_up(self) -> None:
        """Load what the first typed wish would otherwise wait for: weights of all that read."""
        self.reranker(self.settings)
        at_hand(self.live().folded.bundle.encoder).encode(["知音"])

    def publication(self) -> Publication | None:
        """What is live."""
        return next(iter(self.store.publications()), None)

    def bundle(self, name: str) -> Bundle:
        """A bundle of this shop, verified."""
        path = find_bundle(self.bundles, name)
        found = load_bundle(self.bundles, path.name, self._at_hand(read_manifest(path)))
        if found.manifest.carried:
            self._brought[found.manifest.encoder] = found.encoder
        return found

    def publish(self, name: str, reason: str = "published") -> Publication:
        """Load the bundle, and only if it is sound, make it live."""
        bundle = self.bundle(name)
        publication = self.store.publish(bundle.name, at=datetime.now(UTC), reason=reason)
        with self._lock:
            self._serving = (publication, self._live_of(bundle))
        return publication

    def fold_again(self) -> None:
        """Forget the folds; the next answer makes them again from the logs. After an erasure."""
        with self._lock:
            self._serving = None

    def _newest(self, serving: tuple[Publication, Live] | None) -> tuple[Publication, Live]:
        publication = self.publication() or self._publish_zero_shot()
        if serving is not None and serving[0].seq == publication.seq:
            return serving
        if serving is not None:
            self._take_reader()
        return publication, self._live_of(self.bundle(publication.bundle))

    def _take_reader(self) -> None:
        """Something else went live while this shop was open: zhiyin.toml may name another encoder, or another
        reranker, by now."""
        if not (self.settings.folder / FILE).is_file():
            return
        said = load_settings(self.settings.folder)
        if said.reranker != self.settings.reranker:
            self.settings = self.settings.model_copy(update={"reranker": said.reranker})
        if said.encoder != self.settings.encoder:
            with self._reading:
                self.settings = self.settings.model_copy(update={"encoder": said.encoder})
                self._named = None
                self._readers.clear()

    def _at_hand(self, manifest: Manifest) -> Encoder | None:
        """What a bundle may have been made with: what is open already, or else what it only names; None where it
        carries its own. Raises BrokenBundle where that cannot be opened."""
        for known in (self._named, self._brought.get(manifest.encoder)):
            if known is not None and manifest.encoder in (known.fingerprint, at_hand(known).fingerprint):
                return known
        if manifest.carried:
            return None
        model = self.settings.encoder.model
        if manifest.encoder == FINGERPRINT:
            model = OUR_OWN
        elif manifest.encoder.endswith(f"+{FINGERPRINT}") and self.settings.encoder.hosted.url:
            model = HOSTED
        try:
            return self.reader(model)
        except ZhiyinError as error:
            raise BrokenBundle(
                f"a bundle was made with {manifest.encoder} and carries no encoder: {error}"
            ) from error

    def _encoder_of(self, bundle: str) -> Encoder:
        path = find_bundle(self.bundles, bundle)
        manifest = read_manifest(path)
        return encoder_of_bundle(path, manifest, self._at_hand(manifest))

    def _live_of(self, bundle: Bundle) -> Live:
        if self._ear is None or self._ear[0] is not bundle.encoder:
            self._ear = bundle.encoder, ear_of(self.settings, bundle.encoder)
        return Live(bundle, self.store, self.settings.data.signals, self._ear[1])

    def _publish_zero_shot(self) -> Publication:
        """Nothing was trained yet: a bundle that only reads the catalogue, with what is at hand: somebody waits,
        and nothing is sent or spent unasked."""
        recipe, run = self.settings.recipe, Run(at_hand(self.encoder()), progress=self.progress)
        as_of = self.store.position()
        data = build_dataset(self.store.items(), (), relations=self.store.relations())
        fitted = recipe.fit(data, run)
        name = save_bundle(self.bundles, fitted, recipe, data, run, as_of)
        return self.store.publish(name, at=datetime.now(UTC), reason="published")


def new_id() -> str:
    """A fresh recommendation id."""
    return uuid4().hex


def policy_of(said: PolicySettings, learned: Tempering | None = None) -> Policy:
    """How places are chosen, as the settings say, and what a bundle learned for them."""
    policy: Policy
    match said.name:
        case "greedy":
            policy = Greedy()
        case "epsilon_greedy":
            policy = EpsilonGreedy(said.floor)
        case "softmax":
            taught = learned if said.tempered else None
            temperature = said.temperature if taught is None else taught.standing(said.temperature)
            policy = Softmax(temperature, said.floor, said.adaptive)
        case "budgeted":
            policy = Budgeted(said.budget, said.floor, adaptive=said.adaptive)
    return Holdout(policy, said.holdout) if said.holdout else policy


def encoder_of(settings: Settings, threads: int = 1) -> Encoder:
    """What the settings say that texts are read by; `threads` of the one that comes along, others take all cores.

    Raises MissingExtra, InvalidSettings, InvalidData and BrokenBundle, each with its cure.
    """
    if settings.encoder.model == OUR_OWN:
        return SentenceEncoder(threads)
    if settings.encoder.model == HOSTED:
        return TwoReaders(SentenceEncoder(threads), hosted_of(settings))
    model = find_pretrained(settings.encoder.model, settings.folder)
    if model.static:
        return StaticEncoder(model)
    return LanguageEncoder(model, settings.path("cache"), settings.encoder.precision, settings.encoder.depth)


def reranker_of(settings: Settings) -> Reranker:
    """What `[reranker]` names, if it is what was measured. Raises BrokenBundle where the folder is another one,
    InvalidSettings where more is to be read than was measured, or in other numbers."""
    said, folder = settings.reranker, settings.path(settings.reranker.model)
    found = Measured.of(folder)
    if found.sha256 != said.sha256:
        raise BrokenBundle(
            f"{folder} has sha256 {found.sha256}, reranker.sha256 is {said.sha256!r}: write the first into "
            'zhiyin.toml if this is what shall read, or reranker.model = ""'
        )
    if said.n > found.n or said.precision != found.precision:
        raise InvalidSettings(
            f"reranker.n = {said.n}, reranker.precision = {said.precision}: measured were {found.n} candidates in "
            f"{found.precision}; set these, or zhiyin train reranker measures yours"
        )
    model = find_pretrained(said.model, settings.folder)
    reader = CrossEncoder(model, settings.path("cache"), said.precision, said.threads)
    return Reranker(reader, said.n, {kind: gate * said.weight for kind, gate in found.gates.items()})


def hosted_of(settings: Settings) -> HostedEncoder:
    """What the settings say of an endpoint. Raises InvalidSettings where that is not enough."""
    said = settings.encoder.hosted
    lacking = [name for name in ("url", "model", "dim") if not getattr(said, name)]
    if lacking:
        names = ", ".join(f"encoder.hosted.{name}" for name in lacking)
        raise InvalidSettings(f'encoder.model = "hosted" needs {names}: write them into zhiyin.toml')
    key = "" if said.key is None else said.key.get_secret_value()
    endpoint = Endpoint(EMBEDDINGS.address(said.url), key, EMBEDDINGS)
    model = HostedModel(said.model, said.dim, said.dimensions, said.batch, said.batch_characters, said.price)
    budget = Budget(settings.path("cache") / "hosted-budget.json", EMBEDDINGS, said.budget_day, said.budget_run)
    return HostedEncoder(endpoint, model, budget, Patience(said.timeout, said.attempts))


def ear_of(settings: Settings, encoder: Encoder) -> Listen:
    """Who reads what is typed beside the encoder at hand: the endpoint, where it may."""
    if not (isinstance(encoder, TwoReaders) and isinstance(encoder.hosted, HostedEncoder)):
        return nobody_listens
    said = settings.encoder.hosted
    return Ear(encoder.hosted, Patience(said.query_timeout)) if said.queries else nobody_listens
