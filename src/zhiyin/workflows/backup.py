"""`zhiyin backup` and `zhiyin restore`: the whole shop in one file.

    zhiyin.toml, store.db, bundles/<sha256>/…, labels/NAME/…, rerankers/NAME/… (the one that reads),
    policies/NAME (the part of scores that was learned), backup.json with the sha256 of every other member

A file that several bundles share, an encoder's, is in it once, and shared again by what is restored.

Consistent while the shop is being served: the store gives a copy as of one moment, and every bundle that the
copy speaks of was there before it. A restore checks every byte before anything appears, and overwrites nothing;
killed at any moment it leaves no shop or a whole one (`moving_in`).
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import orjson

from zhiyin.bundle import bundles_in, read_manifest, verify_bundle
from zhiyin.data.store.open import check_store
from zhiyin.encoders.carried import FOLDER as CARRIED
from zhiyin.encoders.cross import FOLDER as RERANKERS
from zhiyin.encoders.cross import Measured
from zhiyin.errors import BrokenBundle, BrokenStore, InvalidData, InvalidSettings, NotFound
from zhiyin.files import drafted, linked
from zhiyin.labels.shelf import CURRENT, find, names
from zhiyin.ranking.learned import FOLDER as POLICIES
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.workflows.moving_in import (
    Plan,
    decide,
    draft_in,
    finish,
    interrupted,
    moves_of,
    one_at_a_time,
    refuse_existing,
)

FORMAT = 2
READ = (1, FORMAT)  # 1: without encoders, and without files that are shared
STORE, INDEX, BUNDLES = "store.db", "backup.json", "bundles"
MEMORY = "memory:"
_PLACES = {
    ((BUNDLES,), 3),
    ((RERANKERS,), 3),
    ((POLICIES,), 2),
    *(((LABELS,), depth) for depth in range(3, 8)),
}  # of files: where, and how deep


@dataclass(frozen=True, slots=True)
class Saved:
    """What a backup holds."""

    path: Path
    bundles: tuple[str, ...]
    files: int
    size: int  # bytes of the archive


def backup(shop: Zhiyin, path: Path) -> Saved:
    """Write everything into a new .tar.gz that only its owner can read; it appears whole or not at all.

    Raises InvalidData if the file exists, InvalidSettings for a store that lives in memory.
    """
    refuse_existing(path)
    if shop.settings.store_url() == MEMORY:
        raise InvalidSettings("a store in memory ends with its process: set store.url to sqlite:///zhiyin.db")
    with drafted(path.parent, ".backup-") as draft:
        copy = draft / STORE
        shop.store.backup(str(copy))
        members = {FILE: shop.settings.path(FILE), STORE: copy, **_bundle_files(shop.bundles)}
        members |= _label_files(shop.settings.path(LABELS))
        members |= _reranker_files(shop) | _learned_file(shop)
        archive = draft / path.name
        archive.touch(mode=0o600)
        _write(archive, members)
        archive.replace(path)
    made = tuple(bundle.name for bundle in bundles_in(shop.bundles))
    return Saved(path, made, len(members), path.stat().st_size)


def restore(path: Path, folder: Path) -> Saved:
    """Check every byte of a backup, then put the shop into a folder that has none. One that was killed while it
    moved in is finished first.

    Raises NotFound without the file, InvalidData if it is no sound backup or something would be overwritten.
    """
    if not folder.is_dir():
        _need(path)
        folder.mkdir(parents=True)
    with one_at_a_time(folder):
        if (before := interrupted(folder)) is not None:
            return _finished(path, folder, before)
        _need(path)
        refuse_existing(folder / FILE)
        with draft_in(folder) as draft:
            files = _unpacked(path, draft)
            _check(draft)
            made = tuple(sorted({file.split("/")[1] for file in files if file.startswith(f"{BUNDLES}/")}))
            moves = moves_of(folder, draft, _places(draft, folder))
            plan = Plan(str(path.resolve()), _sha256(path), made, len(files), moves)
            decide(folder, plan)
        finish(folder, plan)
    return Saved(path, plan.bundles, plan.files, path.stat().st_size)


def _need(path: Path) -> None:
    if not path.is_file():
        raise NotFound(f"no backup at {path}: zhiyin backup FILE makes one")


def _finished(path: Path, folder: Path, plan: Plan) -> Saved:
    """What an earlier restore left to be done. Raises InvalidData, when it is done, if another backup was asked
    for."""
    finish(folder, plan)
    if path.is_file() and _sha256(path) == plan.digest:
        return Saved(path, plan.bundles, plan.files, path.stat().st_size)
    raise InvalidData(
        f"a restore of {plan.backup} into {folder} had been interrupted and is finished now: {folder / FILE} "
        f"exists, and nothing is overwritten; for {path} choose another place"
    )


def _bundle_files(folder: Path) -> dict[str, Path]:
    return {
        f"{BUNDLES}/{file.relative_to(folder)}": file
        for bundle in bundles_in(folder)
        for file in sorted(bundle.rglob("*"))
        if file.is_file()
    }


def _label_files(shelf: Path) -> dict[str, Path]:
    """The label models that are in use; the word that they are is last."""
    found: dict[str, Path] = {}
    for name in names(shelf):
        kept = find(shelf, name)
        found |= {
            f"{LABELS}/{name}/{kept.digest}/{file.name}": file
            for file in sorted(kept.folder.iterdir())
            if file.is_file()
        }
        for view in kept.about["encoders"]:
            tower = shelf.parent / view
            if view.startswith(f"{LABELS}/") and tower.is_dir():
                found |= {f"{view}/{file.relative_to(tower)}": file for file in tower.rglob("*") if file.is_file()}
        found[f"{LABELS}/{name}/{CURRENT}"] = shelf / name / CURRENT
    return found


def _reranker_files(shop: Zhiyin) -> dict[str, Path]:
    """The one that reads, if it lies where rerankers of a shop lie and is whole."""
    name = shop.settings.reranker.model
    folder = shop.settings.path(name)
    if not name or folder.parent != shop.settings.path(RERANKERS):
        return {}
    Measured.of(folder)
    return {f"{RERANKERS}/{folder.name}/{file.name}": file for file in sorted(folder.iterdir()) if file.is_file()}


def _learned_file(shop: Zhiyin) -> dict[str, Path]:
    """The part that a log taught and that is added, if it lies where a shop keeps them and is whole."""
    path = shop.settings.path(shop.settings.policy.learned)
    if shop.learned() is None or path.parent != shop.settings.path(POLICIES):
        return {}
    return {f"{POLICIES}/{path.name}": path}


def _write(archive: Path, members: Mapping[str, Path]) -> None:
    digests: dict[str, str] = {}
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, file in members.items():
            content = file.read_bytes() if file.suffix == ".json" or name == FILE else None
            if content is None:
                digests[name] = _sha256(file)
                tar.add(file, arcname=name, recursive=False)
            else:  # small files that may be replaced meanwhile: one reading for digest and content
                digests[name] = hashlib.sha256(content).hexdigest()
                _add(tar, name, content)
        _add(tar, INDEX, orjson.dumps({"format": FORMAT, "files": digests}, option=orjson.OPT_INDENT_2))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))


def _unpacked(path: Path, draft: Path) -> list[str]:
    """All members in the draft folder, each with the digest that the index says. Names of the members."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            names = list(_extract(tar, draft))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InvalidData(f"{path} is not a whole backup ({error}): take another copy of it") from error
    digests = _index(path, draft / INDEX)
    for name in {*names, *digests} - {INDEX}:
        found = _sha256(draft / name) if name in names else "nothing"
        if digests.get(name) != found:
            raise InvalidData(f"{name} in {path} is not what the backup wrote: take another copy of it")
    return sorted(digests)


def _extract(tar: tarfile.TarFile, draft: Path) -> Iterator[str]:
    """Plain files only, and further names of such, at places inside of the draft only."""
    before = set[str]()
    for member in tar:
        parts = PurePosixPath(member.name).parts
        known = member.name in (FILE, STORE, INDEX) or (parts[:1], len(parts)) in _PLACES
        known = known or (parts[0] == BUNDLES and parts[2:-1] == (CARRIED,))
        plain = member.isreg() or (member.islnk() and member.linkname in before and parts[0] == BUNDLES)
        if not (plain and known and ".." not in parts):
            raise InvalidData(f"the backup holds {member.name!r}, which no backup has: do not use it")
        if member.islnk():
            (draft / member.name).parent.mkdir(parents=True, exist_ok=True)
            linked(draft / member.linkname, draft / member.name)
        else:
            tar.extract(member, draft, filter="data")
        before.add(member.name)
        yield member.name


def _index(path: Path, file: Path) -> Mapping[str, str]:
    try:
        index = orjson.loads(file.read_bytes())
        kind, digests = index["format"], index["files"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidData(
            f"{path} is no backup of zhiyin, or was cut short or changed: it has no {INDEX}; take another copy"
        ) from error
    if kind not in READ:
        known = " and ".join(map(str, READ))
        raise InvalidData(f"{path} has format {kind}, this version reads {known}: use the version that wrote it")
    return dict(digests)


def _check(draft: Path) -> None:
    """The settings can be read, the store is sound, the bundles are what their names say."""
    load_settings(draft)
    try:
        check_store(str(draft / STORE))
        for bundle in bundles_in(draft / BUNDLES):
            verify_bundle(bundle, read_manifest(bundle))
        for name in names(draft / LABELS):
            find(draft / LABELS, name)
    except (BrokenStore, BrokenBundle, NotFound) as error:
        raise InvalidData(f"the backup holds something unsound: {error}") from error


def _places(draft: Path, folder: Path) -> dict[str, Path]:
    """Where the settings of the backup want what is in the draft."""
    settings = load_settings(draft).model_copy(update={"folder": folder})
    kept = {name: settings.path(name) for name in (LABELS, RERANKERS, POLICIES)}
    store = Path(settings.store_url().removeprefix("sqlite:///"))
    return {STORE: store, BUNDLES: settings.path(settings.bundles.folder), **kept}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
