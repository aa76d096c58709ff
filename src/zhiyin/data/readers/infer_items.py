"""Which column of a catalogue is what, from names and contents."""

from __future__ import annotations

from zhiyin.data.readers.cells import list_of
from zhiyin.data.readers.language import Language, language_of
from zhiyin.data.readers.mapping import ItemFile, TextColumns
from zhiyin.data.readers.roles import Inferred, Roles, counted, shared
from zhiyin.data.readers.sample import Column, Sample
from zhiyin.data.readers.synonyms import ITEM_NAMES, named_languages
from zhiyin.errors import InvalidData
from zhiyin.types import MAX_ATTRIBUTES

LONG = 60  # mean characters from which a column without a known name is read as text
_SEPARATORS = ("|", ";", " > ", ">", ",", "/", "、", "，")


def infer_items(sample: Sample, *, event_ids: frozenset[str] = frozenset()) -> Inferred[ItemFile]:
    """The mapping of an items file. `event_ids`: values of the events' item column, where known.

    Raises InvalidData if no column can be the id.
    """
    roles = Roles(sample, ITEM_NAMES)
    comma = comma_in(sample)
    item_id = _take_id(roles, event_ids)
    own, translations = _take_translations(roles)
    title = own.title or _take_title(roles)
    url = roles.find_and_take("url", Column.is_url)
    image = _take_image(roles)
    price = roles.find_and_take("price", lambda column: column.is_number(comma=comma))
    published = roles.find("published_at", lambda column: column.times is not None)
    published_at = take_time(roles, published, "the time of publication") if published else None
    available = roles.find_and_take("available", Column.is_truth, "whether an item is available")
    language = roles.find_and_take("language", lambda column: column.length <= 8 and len(column.distinct) <= 60)
    brand = roles.find_and_take("brand", lambda column: not column.is_number() and column.length < 80)
    categories = _take_categories(roles)
    texts = ((own.text,) if own.text else ()) + _take_texts(roles)
    if comma:
        roles.said.append("numbers are written with a decimal comma")
    mapping = ItemFile(
        path=sample.path,
        item_id=item_id,
        title=title,
        text=texts,
        categories=categories,
        list_separator=_separator(roles, categories),
        brand=brand,
        price=price,
        url=url,
        image=image,
        language=language,
        available=available,
        published_at=published_at,
        time_format=published.times.format if published and published.times else "iso",
        decimal_comma=comma,
        translations=translations,
        attributes=roles.rest("attributes")[:MAX_ATTRIBUTES],
    )
    return Inferred(mapping, tuple(roles.said))


def language_in(sample: Sample, file: ItemFile) -> Language:
    """The language of the titles and texts that the mapping names."""
    names = [name for name in (file.title, *file.text) if name]
    return language_of(text for name in names for text in sample.columns[name].texts[:2000])


def comma_in(sample: Sample) -> bool:
    """Whether numbers of a `;` file are written like 3,50: then some column is numbers only when read so."""
    if sample.delimiter != ";":
        return False
    columns = [column for column in sample.columns.values() if any("," in text for text in column.texts[:200])]
    return any(column.is_number(comma=True) and not column.is_number() for column in columns)


def take_time(roles: Roles, column: Column, said: str) -> str:
    """Take a column of times and say how they are written."""
    guess = column.times
    words = "; ".join(("", *guess.said)) if guess else ""
    return roles.take("time", column, f"{said}, written as {guess.format if guess else 'iso'}{words}")


def _take_id(roles: Roles, event_ids: frozenset[str]) -> str:
    named = [column for column in roles.named("item_id") if column.fill > 0.9]
    candidates = named or [column for column in roles.free() if column.fill == 1.0 and column.length <= 64]
    candidates = candidates if named else [column for column in candidates if column.uniqueness == 1.0]
    if event_ids:
        distinct = [column for column in roles.free() if column.uniqueness > 0.9]  # years are met in ids too
        met = max(distinct, key=lambda column: shared(column, event_ids), default=None)
        if met and shared(met, event_ids) > max([0.1, *(shared(column, event_ids) for column in candidates)]):
            candidates = [met]
        candidates = sorted(candidates, key=lambda column: -shared(column, event_ids))
    unique = [column for column in candidates if column.uniqueness == 1.0]
    best = (candidates if event_ids else unique or candidates)[:1]
    if not best:
        raise InvalidData(
            f"no column of {roles.sample.path} can be the item id; its columns: "
            f"{', '.join(roles.sample.columns)}. Name one of them item_id"
        )
    met_words = f", {shared(best[0], event_ids):.0%} of them met in the events" if event_ids else ""
    return roles.take("item_id", best[0], f"the item id: {counted(best[0], roles.sample)}{met_words}")


def _take_title(roles: Roles) -> str | None:
    title = roles.find("title", lambda column: not column.is_number() and not column.is_url())
    if title is None:
        short = [column for column in roles.free() if 3 <= column.length <= 200 and column.uniqueness > 0.5]
        title = next((c for c in short if not (c.is_number() or c.is_url() or c.times or c.is_truth())), None)
    if title is None:
        roles.said.append("I found no title: items will be shown by their id")
        return None
    return roles.take("title", title, f"the title: {title.length:.0f} characters on average")


def _take_texts(roles: Roles) -> tuple[str, ...]:
    """Columns known as texts, and any other with long cells."""
    named = [column for column in roles.named("text") if not (column.is_number() or column.is_url())]
    long = [column for column in roles.free() if column not in named and column.length >= LONG]
    found = named + [column for column in long if not column.is_url()]
    return tuple(
        roles.take("text", column, f"text: {column.length:.0f} characters on average") for column in found
    )


def _take_image(roles: Roles) -> str | None:
    image = roles.find("image", lambda column: column.is_url() or column.is_image())
    image = image or next((column for column in roles.free() if column.is_image()), None)
    return roles.take("image", image, "the picture") if image else None


def _take_categories(roles: Roles) -> tuple[str, ...]:
    """Known names whose values repeat, or are lists."""
    found = [column for column in roles.named("categories") if column.length < 300 and not column.times]
    found = [column for column in found if column.uniqueness < 0.9 or len(column.filled) < 50 or _listed(column)]
    return tuple(roles.take("categories", column, "categories") for column in found)


def _listed(column: Column) -> bool:
    return any(mark in text for text in column.texts[:200] for mark in ("[", *_SEPARATORS))


def _separator(roles: Roles, categories: tuple[str, ...]) -> str:
    """The mark within the cells that leaves the fewest distinct names for the parts it makes."""
    texts = [text for name in categories for text in roles.sample.columns[name].texts[:2000]]
    plain_texts = [text for text in texts if not text.startswith("[")]
    best, best_gain = "|", 1.0
    for mark in _SEPARATORS:
        marked = [text for text in plain_texts if mark in text]
        if not marked or len(marked) < 0.05 * len(plain_texts):
            continue
        parts = [part for text in plain_texts for part in list_of(text, mark)]
        gain = (len(parts) / max(1, len(set(parts)))) / (len(plain_texts) / len(set(plain_texts)))
        if gain > best_gain:
            best, best_gain = mark, gain
    if best_gain > 1.0:
        roles.said.append(f"categories within a cell are split by {best!r}")
    return best


def _take_translations(roles: Roles) -> tuple[TextColumns, dict[str, TextColumns]]:
    """Columns such as title_zh, by language; the first language is the item's own where no plain title is."""
    languages = named_languages()
    found: dict[str, dict[str, str]] = {}
    for column in roles.free():
        stem, _, ending = column.plain.rpartition("_")
        kind = next((kind for kind in ("title", "text") if stem in ITEM_NAMES[kind]), None)
        if kind and ending in languages and not column.is_number():
            found.setdefault(languages[ending], {}).setdefault(kind, column.name)
    names = {column.plain for column in roles.free()}
    own = next((code for code, of in found.items() if "title" in of), None)
    own = None if names & set(ITEM_NAMES["title"]) else own
    taken = {code: _translation(roles, code, of) for code, of in found.items()}
    return taken.pop(own) if own else TextColumns(), taken


def _translation(roles: Roles, code: str, of: dict[str, str]) -> TextColumns:
    for kind, name in of.items():
        roles.take("translation", roles.sample.columns[name], f"the {kind} in {code}")
    return TextColumns(title=of.get("title"), text=of.get("text"))
