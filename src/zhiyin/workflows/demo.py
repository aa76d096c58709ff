"""`zhiyin demo`: the path of a newcomer from nothing to a live bundle, through the public verbs alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from zhiyin.bundle import SHORT
from zhiyin.data.demo import LICENCE_FILE, DemoName, write_demo
from zhiyin.errors import InvalidData, NotPublishable
from zhiyin.settings import FILE
from zhiyin.shop import Zhiyin
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project
from zhiyin.workflows.publish import publish
from zhiyin.workflows.train import train

_NO_REPEATS, _REPEATS = "repeats = false", "repeats = true"
_NO_CLOCK = "# time_zone ="  # of [recipe.context]: the one of [data] is never left out
_DATA = "# demo data: "


def begin(folder: Path, data: DemoName) -> Iterator[str]:
    """Files and zhiyin.toml, told as it goes. A demo of the same data that is there is gone on with.

    Raises InvalidData if the folder holds something else.
    """
    if (folder / FILE).exists():
        if not (folder / FILE).read_text(encoding="utf-8").endswith(f"{_DATA}{data}\n"):
            raise InvalidData(f"{folder} holds another shop: choose a folder of its own with --folder")
        yield f"Going on with the demo in {folder}."
        yield (folder / LICENCE_FILE).read_text(encoding="utf-8").strip()
        return
    written = write_demo(data, folder)
    yield written.licence
    yield from init_project(folder, Files(written.items, written.events), name=written.name).sentences()
    toml = (folder / FILE).read_text(encoding="utf-8")
    if written.repeats:
        toml = toml.replace(_NO_REPEATS, _REPEATS, 1)
        yield "people take the same again here, so ranking.repeats is true"
    if written.time_zone:
        toml = toml.replace(_NO_CLOCK, f'time_zone = "{written.time_zone}"', 1)
        yield f"people live by the clock of {written.time_zone}, so recipe.context.time_zone says so"
    (folder / FILE).write_text(f"{toml}\n{_DATA}{data}\n", encoding="utf-8")


def finish(shop: Zhiyin) -> Iterator[str]:
    """Import, train, evaluate, publish, told as it goes. Nothing to do if something trained is live."""
    live = shop.publication()
    if live is not None and shop.bundle(live.bundle).manifest.mode == "trained":
        yield f"bundle {live.bundle[:SHORT]} is live since {live.at:%Y-%m-%d %H:%M} UTC"
        return
    began = perf_counter()
    yield from ingest(shop.settings, shop.store, progress=shop.progress).sentences()
    made = train(shop)
    yield from made.sentences()
    verdict = evaluate_bundle(shop, made.bundle).verdict
    yield from verdict
    try:
        yield from (sentence for sentence in publish(shop, made.bundle).said if sentence not in verdict)
    except NotPublishable as error:  # it stays zero-shot, and says why
        yield str(error)
    yield f"From files to a live bundle in {perf_counter() - began:.0f} s."
