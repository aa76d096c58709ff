"""How a restored shop comes to its places: by a plan, then by renames, zhiyin.toml last.

The plan appears whole or not at all. A kill before it leaves a draft and nothing else, which the next restore
throws away. A kill after it leaves a folder without zhiyin.toml, which no command takes for a shop, and renames
that are still to be done: the next restore into the folder does them, whatever it was asked for. Nothing is
overwritten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from zhiyin.errors import InvalidData
from zhiyin.files import alone, appearing, flush
from zhiyin.settings import FILE
from zhiyin.settings_file import PLAN, RESTORING

STAGE = ".restored-"  # before the name of what is copied to another disk, beside its place
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite would read with a store of that name


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be moved where, once all of it was checked. Paths are relative to the folder."""

    backup: str  # path of the archive
    digest: str  # of the archive, sha256
    bundles: tuple[str, ...]
    files: int
    moves: tuple[tuple[str, str], ...]  # from, to; zhiyin.toml last


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Nobody else restores into the folder meanwhile. Raises InvalidData where somebody does."""
    with ExitStack() as held:
        try:
            held.enter_context(alone(folder, wait=False))
        except BlockingIOError:
            raise InvalidData(f"something is being restored into {folder}: wait until it is done") from None
        yield


def interrupted(folder: Path) -> Plan | None:
    """What an earlier restore had decided on and did not finish."""
    try:
        told = orjson.loads((folder / RESTORING / PLAN).read_bytes())
    except FileNotFoundError:
        return None
    moves = tuple((source, target) for source, target in told["moves"])
    return Plan(told["backup"], told["digest"], tuple(told["bundles"]), told["files"], moves)


@contextmanager
def draft_in(folder: Path) -> Iterator[Path]:
    """An empty folder that only its owner can read, gone again where the block raises."""
    draft = folder / RESTORING
    shutil.rmtree(draft, ignore_errors=True)  # of one that was killed before it had a plan
    draft.mkdir(mode=0o700)
    try:
        yield draft
    except BaseException:
        shutil.rmtree(draft)
        raise


def moves_of(folder: Path, draft: Path, places: Mapping[str, Path]) -> tuple[tuple[str, str], ...]:
    """By the name in the draft, where it is to be; what lies on another disk is copied there first, so that only
    renames are left. Raises InvalidData if anything would be overwritten."""
    for target in places.values():
        for one in (target, *(target.with_name(target.name + end) for end in _BESIDE)):
            refuse_existing(one)
    moves = []
    for name, target in places.items():
        if (draft / name).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            moves.append((_near(draft / name, target), target))
    for source in (*(source for source, _ in moves), draft / FILE):
        _on_disk(source)
    moves.append((draft / FILE, folder / FILE))
    return tuple((os.path.relpath(source, folder), os.path.relpath(target, folder)) for source, target in moves)


def decide(folder: Path, plan: Plan) -> None:
    """From now on the restore is finished, by whoever comes."""
    with appearing(folder / RESTORING / PLAN) as page:
        page.write_bytes(orjson.dumps(asdict(plan)))
    flush(folder / RESTORING)


def finish(folder: Path, plan: Plan) -> None:
    """Do what is still to be done. Raises InvalidData where something came into a place meanwhile."""
    for source, target in plan.moves:
        if (folder / source).exists():  # else it was moved before
            refuse_existing(folder / target)
            (folder / source).rename(folder / target)
            flush((folder / target).parent)
    (folder / RESTORING / PLAN).unlink()
    shutil.rmtree(folder / RESTORING)


def refuse_existing(path: Path) -> None:
    if path.exists():
        raise InvalidData(f"{path} exists, and nothing is overwritten: choose another place, or move it away")


def _near(source: Path, target: Path) -> Path:
    """The source, or a copy of it on the disk of the target."""
    if source.stat().st_dev == target.parent.stat().st_dev:
        return source
    stage = target.with_name(STAGE + target.name)
    if source.is_dir():
        shutil.rmtree(stage, ignore_errors=True)
        shutil.copytree(source, stage)
    else:
        shutil.copyfile(source, stage)
        stage.chmod(0o600)
    return stage


def _on_disk(path: Path) -> None:
    for one in (path, *path.rglob("*")):
        flush(one)
