"""`zhiyin doctor`: is this shop well? Green, amber, red; what is not green comes with the command that mends it.

Looks only: nothing is changed. A shop that cannot even be opened is a finding too.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Literal

from zhiyin.bundle import SHORT, Manifest, bundles_in, find_bundle, read_manifest, verify_bundle
from zhiyin.data.picture_files import is_address
from zhiyin.data.store.open import check_store
from zhiyin.encoders.album import NAME as PICTURE
from zhiyin.encoders.hosted import HostedEncoder
from zhiyin.encoders.pair import at_hand
from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.endpoint import Patience
from zhiyin.errors import InvalidQuery, ZhiyinError
from zhiyin.evaluation.record import attached
from zhiyin.ranking.rules import check_fields
from zhiyin.settings import Settings
from zhiyin.settings_file import half_restored, load_settings
from zhiyin.shop import HOSTED, Zhiyin, encoder_of, hosted_of
from zhiyin.types import Item
from zhiyin.workflows.quarantine import FOLDER, VALUES
from zhiyin.workflows.rewording import interpreter_of

Light = Literal["green", "amber", "red"]
LOOKED_AT = 10_000  # events at either end of the log that are looked at
STALE = 0.1  # share of new events from which a bundle is stale
FEW_FREE, NO_FREE = 2 << 30, 200 << 20  # bytes
SHOWN = 3  # examples told
MANY_LISTS = 100  # from which answers to them are expected
ASKED_FOR, NEARLY_ALL = 10.0, 0.9  # seconds that an endpoint has; share of a budget


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `cure`: the command that mends it; "" where it is green."""

    about: str
    light: Light
    told: str
    cure: str = ""


def doctor(folder: Path) -> list[Finding]:
    """All findings; what keeps a shop from being opened ends the list."""
    try:
        settings = load_settings(folder)
    except ZhiyinError as error:
        cure = "zhiyin restore FILE" if half_restored(folder) else "zhiyin init --items FILE --events FILE"
        return [Finding("settings", "red", str(error), cure)]
    path = Path(settings.store_url().removeprefix("sqlite:///"))
    reader = _encoder(settings)
    found = [Finding("settings", "green", f"{folder / 'zhiyin.toml'} can be read"), reader]
    if reader.light == "green" and settings.encoder.model == HOSTED:
        found += _endpoint(hosted_of(settings), settings.encoder.hosted.timeout)
    if settings.tower.back_translation.url:
        found += _translator(settings)
    if path.exists():
        try:
            check_store(str(path))
        except ZhiyinError as error:
            return [*found, Finding("store", "red", str(error), "zhiyin restore BACKUP --folder NEW")]
        found.append(Finding("store", "green", f"{path.name} is whole ({path.stat().st_size >> 20:,} MB)"))
    if reader.light == "red" and not bundles_in(settings.path(settings.bundles.folder)):
        return found
    with Zhiyin.open(folder) as shop:
        examined, live = examine(shop), shop.publication()
    red = any(one.about == "bundle" and one.light == "red" for one in examined)
    if reader.light == "red" and live is not None and not red:
        told = f"{reader.told}. What is live does not need it: lists go on, a training cannot begin"
        found[1] = replace(reader, light="amber", told=told)
    return [*found, *examined]


def examine(shop: Zhiyin) -> list[Finding]:
    """The findings about a shop that could be opened: its data, its bundle, its disk."""
    return [*_data(shop), *_bundle(shop), _disk(shop)]


def worst(findings: list[Finding]) -> Light:
    """The light of the whole."""
    lights = {finding.light for finding in findings}
    return "red" if "red" in lights else "amber" if "amber" in lights else "green"


def _data(shop: Zhiyin) -> Iterator[Finding]:
    counts = shop.store.counts()
    if not counts["items"]:
        yield Finding("items", "red", "the catalogue is empty: nothing can be recommended", "zhiyin import")
    else:
        yield from _items(shop, counts["items"])
    if not counts["events"]:
        told = "no event yet: answers come from the texts alone (zero-shot), which is fine to begin with"
        yield Finding("events", "amber", told, "zhiyin import, or POST /v1/events from your site")
    else:
        yield Finding("events", "green", f"{counts['events']:,} events")
        yield _unknown_items(shop, counts["events"])
        yield _times(shop)
    yield from _answers(counts)
    yield _quarantine(shop.settings.folder / FOLDER)


def _answers(counts: Mapping[str, int]) -> Iterator[Finding]:
    """Whether anything can be learned of what comes of lists."""
    lists, seen = counts["recommendations"], counts.get("events.impression", 0)
    if lists < MANY_LISTS:
        return
    if seen:
        yield Finding("answers", "green", f"{seen:,} impressions say what of {lists:,} lists came into view")
    else:
        told = f"{lists:,} lists were made and no impression came: nothing is learned of what nobody wanted"
        yield Finding(
            "answers",
            "amber",
            told,
            "send impressions, as the snippet of docs/tutorial/your-site.md does: POST /v1/events",
        )


def _items(shop: Zhiyin, n_items: int) -> Iterator[Finding]:
    """One pass over the catalogue."""
    bare, titles = 0, Counter[str]()
    vectors, pictures = Counter[tuple[str, int]](), Counter[str]()
    for item in shop.store.items():
        bare += not _readable(item)
        vectors.update((name, len(vector)) for name, vector in item.vectors.items())
        if item.image:
            seen = "seen" if PICTURE in item.vectors else "on the web" if is_address(item.image) else "a file"
            pictures[seen] += 1
        if item.title:
            titles[item.title.strip().casefold()] += 1
    yield Finding("items", "green", f"{n_items:,} items")
    if bare:
        light: Light = "red" if bare == n_items else "amber"
        told = f"{bare:,} of {n_items:,} items have no title or text: only behaviour can recommend them"
        yield Finding(
            "texts", light, told, "name the columns under [data.items] in zhiyin.toml, then zhiyin import"
        )
    else:
        yield Finding("texts", "green", "every item has a title or text")
    yield _titles(titles)
    yield from _rules(shop)
    if pictures:
        yield _pictures(pictures)
    for name in sorted({name for name, _ in vectors}):
        yield _vectors(name, {dim: count for (other, dim), count in vectors.items() if other == name}, n_items)


def _rules(shop: Zhiyin) -> Iterator[Finding]:
    """Whether every field that a rule of the house compares is one that items have: else it is never set off."""
    if not (rules := shop.settings.ranking.house_rules):
        return
    items = list(shop.store.items())
    for rule in rules:
        try:
            for expression in (rule.when, rule.avoid):
                check_fields(expression, items, declared=shop.declared())
        except InvalidQuery as error:
            yield Finding(
                f"rule {rule.name}", "amber", str(error), f"mend ranking.rules.{rule.name} in zhiyin.toml"
            )


def _readable(item: Item) -> bool:
    return bool(item.title.strip() or item.text.strip() or item.translations)


def _vectors(name: str, counts: Mapping[int, int], n_items: int) -> Finding:
    """How many items bring a vector of this name, by its length: only those of the most common length count."""
    count, dim = max((count, dim) for dim, count in counts.items())
    told = (
        f"{count:,} of {n_items:,} items have a vector {name} of {dim:,} numbers; the others borrow by their text"
    )
    if len(counts) == 1:
        return Finding(f"vectors {name}", "green", told)
    others = f"{sum(counts.values()) - count:,} have one of another length, which says nothing"
    return Finding(f"vectors {name}", "amber", f"{told}; {others}", "make all of them with one encoder")


def _pictures(counts: Counter[str]) -> Finding:
    """Whether what items look like can be told: `seen`, or else where the pictures are."""
    unseen, total = counts.total() - counts["seen"], counts.total()
    if not unseen:
        return Finding("pictures", "green", f"all {total:,} items with a picture have a vector of it")
    cure = "zhiyin images --fetch" if counts["on the web"] else "zhiyin images"
    told = f"{unseen:,} of {total:,} items with a picture have no vector of it: nobody knows what they look like"
    return Finding("pictures", "amber", told, f"{cure}, then zhiyin train")


def _titles(titles: Counter[str]) -> Finding:
    twice = [(title, count) for title, count in titles.most_common(SHOWN) if count > 1]
    if not twice:
        return Finding("titles", "green", "no two items have the same title")
    many = sum(count for count in titles.values() if count > 1)
    examples = ", ".join(f"{title[:40]!r} × {count}" for title, count in twice)
    told = f"{many:,} items share a title with another ({examples}): are they variants of one thing?"
    return Finding("titles", "amber", told, "keep one item a thing in the items file, then zhiyin import")


def _unknown_items(shop: Zhiyin, n_events: int) -> Finding:
    unknown, examples = shop.store.unknown_items(limit=SHOWN)
    if not unknown:
        return Finding("known items", "green", "every event is about an item of the catalogue")
    share = unknown / n_events
    told = f"{unknown:,} events ({share:.1%}) are about items not in the catalogue, such as {', '.join(examples)}"
    light: Light = "red" if share > 0.5 else "amber"
    return Finding("known items", light, told, "add them to the items file, then zhiyin import")


def _times(shop: Zhiyin) -> Finding:
    last = shop.store.last_event()
    looked = [*islice(shop.store.events(), LOOKED_AT)]
    looked += islice(shop.store.events(after=max(last - LOOKED_AT, looked[-1][0])), LOOKED_AT)
    lacking = sum(event.at is None for _, event in looked)
    if not lacking:
        return Finding("times", "green", f"all of {len(looked):,} events looked at have a time")
    told = f"{lacking / len(looked):.0%} of {len(looked):,} events looked at have no time: trends cannot be seen"
    return Finding(
        "times", "amber", told, "name the column under [data.events] at = in zhiyin.toml, then zhiyin import"
    )


def _quarantine(folder: Path) -> Finding:
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        return Finding("quarantine", "green", "every row of the last import could be read")
    values = sum(_lines(file) for file in files if file.stem.endswith(VALUES))
    rows = sum(map(_lines, files)) - values
    fates = ((rows, "rows could not be used"), (values, "values of items could not be read and were left out"))
    said = " and ".join(f"{count:,} {fate}" for count, fate in fates if count)
    told = f"of the last import {said}; row and reason are in {files[0]}"
    return Finding("quarantine", "amber", told, f"less {files[0]}; mend the source, then zhiyin import")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _bundle(shop: Zhiyin) -> Iterator[Finding]:
    live = shop.publication()
    if live is None:
        told = "nothing is published yet: the first question publishes a zero-shot bundle"
        yield Finding("bundle", "amber", told, "zhiyin train && zhiyin evaluate && zhiyin publish")
        return
    try:
        path = find_bundle(shop.bundles, live.bundle)
        manifest = read_manifest(path)
        verify_bundle(path, manifest)
    except ZhiyinError as error:
        yield Finding("bundle", "red", str(error), "zhiyin rollback, or zhiyin train && zhiyin publish")
        return
    name = live.bundle[:SHORT]
    reading = _reading(shop, manifest, name)
    if reading is not None:
        yield reading
        if reading.light == "red":
            return
    since = shop.store.last_event() - manifest.data.last_event
    if manifest.mode == "zero_shot" and shop.store.last_event():
        told = f"{name} is zero-shot, and there are events to learn from"
        yield Finding("bundle", "amber", told, "zhiyin train && zhiyin evaluate && zhiyin publish")
    elif since > STALE * max(manifest.data.n_events, 1):
        told = f"{name} has not seen the last {since:,} events ({manifest.data.n_events:,} were fitted)"
        yield Finding("bundle", "amber", told, "zhiyin train && zhiyin evaluate && zhiyin publish")
    else:
        yield Finding("bundle", "green", f"{name} is live ({manifest.mode}); {since:,} events since it was fitted")
    if manifest.mode == "trained":
        yield _evaluation(shop, live.bundle)


def _reading(shop: Zhiyin, manifest: Manifest, name: str) -> Finding | None:
    """Whether what is live reads by another encoder than the one that the settings name, and whether it can."""
    cure = "zhiyin train && zhiyin evaluate && zhiyin publish"
    try:
        here, open_ = shop.encoder().fingerprint, at_hand(shop.encoder()).fingerprint
    except ZhiyinError:  # told already
        here = open_ = "one that is not there"
    if manifest.encoder == here:
        return None
    if manifest.encoder == open_:
        told = f"{name} was read by {manifest.encoder} alone: the endpoint is not asked"
        return Finding("reading", "amber", told, cure)
    try:
        shop.encoder(name)
    except ZhiyinError:
        told = f"{name} was made with encoder {manifest.encoder}, here is {here}: no list can be made"
        return Finding("bundle", "red", told, f"{cure}, or take that encoder again")
    brings = "it carries" if manifest.carried else "comes with this package"
    told = f"{name} reads by {manifest.encoder}, which {brings}; encoder.model names {here}, for the next training"
    return Finding("reading", "amber", told, f"{cure}, or encoder.model as it was")


def _evaluation(shop: Zhiyin, name: str) -> Finding:
    measure = f"zhiyin evaluate {name[:SHORT]}"
    try:
        found = attached(shop.bundles, name)
    except ZhiyinError as error:
        return Finding("evaluation", "amber", str(error), measure)
    if found is None:
        return Finding("evaluation", "amber", f"{name[:SHORT]} is live and was never measured", measure)
    best = found.whole.best_peer(found.main)
    ours, theirs = found.whole.ours[found.main], found.whole.peers[best][found.main]
    told = f"{found.main} {ours:.4f}, the best baseline ({best}) {theirs:.4f}, over {found.whole.n_users:,} people"
    if ours >= theirs:
        return Finding("evaluation", "green", told)
    return Finding(
        "evaluation", "amber", f"{best} is better: {told}", "zhiyin rollback, or more data, then zhiyin train"
    )


def _encoder(settings: Settings) -> Finding:
    """The weights are there, are the right ones, and can be used."""
    try:
        encoder = encoder_of(settings)
    except ZhiyinError as error:
        return Finding("encoder", "red", str(error), 'do what this says, or take encoder.model = "use"')
    return Finding("encoder", "green", f"{encoder.fingerprint} is what it should be")


def _endpoint(encoder: HostedEncoder, seconds: float) -> Iterator[Finding]:
    """One word is sent, once: does it answer, and as it should? And what it may still be sent today."""
    began = monotonic()
    try:
        encoder.encode_with(["知音"], Patience(min(seconds, ASKED_FOR)))
    except ZhiyinError as error:
        told = f"{error}; until it answers, everything is read by the encoder at hand"
        yield Finding("endpoint", "amber", told, "mend [encoder.hosted] in zhiyin.toml, or wait")
    else:
        told = f"{encoder.licence} answers in {monotonic() - began:.2f} s with {encoder.dim:,} numbers"
        yield Finding("endpoint", "green", told)
    yield _spent("budget", encoder.budget, "encoder.hosted.budget_day")


def _translator(settings: Settings) -> Iterator[Finding]:
    """The same of who translates for `zhiyin train text`."""
    said, began = settings.tower.back_translation, monotonic()
    try:
        interpreter = interpreter_of(settings)
        interpreter.try_out(min(said.timeout, ASKED_FOR))
    except ZhiyinError as error:
        told = f"{error}; until it answers, zhiyin train text goes on without other wordings"
        yield Finding("translations", "amber", told, "mend [tower.back_translation] in zhiyin.toml, or wait")
        return
    yield Finding("translations", "green", f"{said.model} at {said.url} translates in {monotonic() - began:.2f} s")
    yield _spent("budget of translations", interpreter.budget, "tower.back_translation.budget_day")


def _spent(about: str, budget: Budget, setting: str) -> Finding:
    try:
        spent, per_day = budget.spent(), budget.per_day
    except ZhiyinError as error:
        return Finding(about, "amber", str(error), "do what this says")
    told = f"{spent.characters:,} of {per_day:,} characters were sent today (UTC), in {spent.requests:,} requests"
    if spent.characters < NEARLY_ALL * per_day:
        return Finding(about, "green", told)
    return Finding(about, "amber", told, f"raise {setting}, or wait for tomorrow")


def _disk(shop: Zhiyin) -> Finding:
    free = shutil.disk_usage(shop.settings.folder).free
    told = f"{free / (1 << 30):.1f} GB free"
    if free >= FEW_FREE:
        return Finding("disk", "green", told)
    cure = f"delete old folders in {shop.bundles}, or move the shop: zhiyin backup FILE"
    return Finding("disk", "red" if free < NO_FREE else "amber", told, cure)
