"""splits/protocol.json: how a data set is to be judged, stated once by whoever made it.

A file may hold several protocols (`protocol_names`): the main one and named ones inside it. Only what is
about ranking is understood; anything else is refused by name rather than judged in some other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from zhiyin.data.splits import TimeCut
from zhiyin.errors import InvalidData, NotFound

Block = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CandidateRule:
    """Which items are ranked: all that meet every condition given."""

    has: str | None = None  # an attribute that must be there
    kind: str | None = None  # the value of the attribute `kind`
    of: tuple[str, ...] = ()  # pair files: the items that occur in any of them
    seen_only: bool = False  # with an event before the cut
    count: int | None = None  # how many there are, as stated: checked


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The last event of each user is the test, the one before the validation."""


@dataclass(frozen=True, slots=True)
class GlobalTime:
    """Everything from a moment on is the test."""

    cut: TimeCut
    by_session: bool = False  # targets are the items of the first session after the cut


@dataclass(frozen=True, slots=True)
class GivenPairs:
    """Sets of (user, item) pairs in files of splits/."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    masked: tuple[str, ...]  # of train and validation: what is not shown to its user
    in_every: bool = False  # only users who are in every test file
    n_users: int | None = None  # how many users there are to judge, as stated: checked


@dataclass(frozen=True, slots=True)
class GivenRows:
    """Files of splits/ with history and target in each row."""

    train: str
    validation: str | None
    test: str


Rule = LeaveOneOut | GlobalTime | GivenPairs | GivenRows


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to judge one data set."""

    folder: Path  # holds items.parquet, events.parquet and splits/
    name: str
    rule: Rule
    candidates: CandidateRule
    filter_history: tuple[bool, ...]  # what is to be reported, the main one first; pairs say it in `masked`
    metrics: tuple[str, ...]  # as in results: hr@10, ndcg@10, ndcg@10_full_ideal


def load_protocol(path: Path, name: str | None = None) -> Protocol:
    """The protocol of this name, or the main one.

    Raises NotFound without such a file or name, InvalidData for a kind that is not about ranking, for one of
    several equal protocols without a name, and for statements that are not understood.
    """
    document = _document(path)
    blocks = dict(_blocks(document))
    if name is None and len(blocks) > 1 and document.get("kind") == "warm_cold":
        raise InvalidData(f"{path} holds several protocols and no main one: choose one of {', '.join(blocks)}")
    chosen = next(iter(blocks)) if name is None else name
    if chosen not in blocks:
        raise NotFound(f"{path} has no protocol {chosen!r}: choose one of {', '.join(blocks)}")
    block = blocks[chosen]
    return Protocol(
        folder=path.parent.parent,
        name=chosen,
        rule=_rule(block),
        candidates=_candidates(_text(block, "items") or _text(block, "candidates") or "all items"),
        filter_history=_filter_history(block.get("filter_history", True)),
        metrics=_metrics(block),
    )


def protocol_names(path: Path) -> tuple[str, ...]:
    """The protocols that a file holds, the main one first. Raises as `load_protocol`."""
    return tuple(dict(_blocks(_document(path))))


def _document(path: Path) -> Block:
    if not path.is_file():
        raise NotFound(f"there is no file {path}: a protocol is named like DATA/splits/protocol.json")
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidData(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidData(f"{path} holds a {type(document).__name__}, not an object with a kind")
    if _kind(document) not in _RULES and document.get("kind") != "warm_cold":
        known = ", ".join(("warm_cold", *_RULES))
        raise InvalidData(f"{path} is of kind {document.get('kind')!r}, which ranks nothing: known are {known}")
    return document


def _blocks(document: Block, prefix: str = "") -> Iterator[tuple[str, Block]]:
    """(name, block) of every protocol in a document; what a nested block does not state is as outside."""
    outer = {key: document[key] for key in ("metrics", "recall_denominator", "ndcg_ideal") if key in document}
    nested = [key for key, value in document.items() if isinstance(value, dict)]
    if document.get("kind") == "warm_cold":
        for part in ("warm", "cold", "overall"):
            yield part, _warm_cold(document, part)
        nested = [key for key in nested if key not in ("warm", "cold", "overall")]
    elif (kind := _kind(document)) in _RULES:
        yield prefix or str(kind), document
        if kind == "global_time" and "the last one" in _text(document, "targets"):
            yield f"{prefix or str(kind)}.last", {**document, "last_only": True}
    for key in nested:
        yield from _blocks({**outer, **_mapping(document, key)}, f"{prefix}.{key}" if prefix else key)


def _warm_cold(document: Block, part: str) -> Block:
    """The block of one part of a warm/cold protocol, written like a block of pairs."""
    own = _mapping(document, part)
    block = {**document, **own, "kind": "pairs", "masked": _text(own, "masked")}
    if part != "overall":
        for key in ("validation", "test"):
            block[key] = [name for name in _names(document, key) if name.startswith(f"{part}_")]
    return block


def _kind(block: Block) -> str | None:
    """As stated, or by what the block describes."""
    if "kind" in block:
        return str(block["kind"])
    if "test_input" in block:
        return "leave_one_out"
    return "pairs" if "train" in block and "test" in block else None


def _rule(block: Block) -> Rule:
    return _RULES[str(_kind(block))](block)


def _leave_one_out(_block: Block) -> Rule:
    return LeaveOneOut()


def _global_time(block: Block) -> Rule:
    cut = TimeCut(
        validation_from=_number(block, "validation_from"),
        test_from=_number(block, "test_from"),
        last_only="last_only" in block,
        seen_only="seen before the cut" in _text(block, "candidates"),
    )
    if not cut.validation_from < cut.test_from:
        raise InvalidData(f"validation_from {cut.validation_from} must lie before test_from {cut.test_from}")
    return GlobalTime(cut, by_session="first session" in _text(block, "targets"))


def _pairs(block: Block) -> Rule:
    train, validation, test = (_names(block, key) for key in ("train", "validation", "test"))
    if not train or not test:
        raise InvalidData(f"a protocol of pairs names its train and test files, got {list(block)}")
    masked = set(re.findall(r"\w+", _text(block, "masked")))
    if "train masked" in _text(block, "candidates"):
        masked |= set(train)
    users = re.fullmatch(r"([\d,]+) users in (.+)", _text(block, "users"))
    return GivenPairs(
        train=train,
        validation=validation,
        test=test,
        masked=tuple(name for name in (*train, *validation) if name in masked),
        in_every=users is not None,
        n_users=None if users is None else _whole(users[1]),
    )


def _rows(block: Block) -> Rule:
    validation = _text(block, "validation") or None
    train, test = _text(block, "train"), _text(block, "test")
    if not train or not test:
        raise InvalidData(f"a protocol of rows names its train and test file, got {list(block)}")
    return GivenRows(train, validation, test)


_RULES = {"leave_one_out": _leave_one_out, "global_time": _global_time, "pairs": _pairs, "rows": _rows}

_CANDIDATES = re.compile(
    r"(?:all |the )?(?:(?P<count>[\d,]+) )?items"
    r"(?: of kind (?P<kind>\w+)| with an? (?P<has>\w+)| of (?P<of>\w+(?: and \w+)*))?"
    r"(?P<seen> seen before the cut)?(?:, train masked)?"
)
_METRIC = re.compile(r"(HR|Recall|Precision|F1|NDCG|MRR|MAP)@(\d+)( \(ideal over ALL test items\))?")


def _candidates(statement: str) -> CandidateRule:
    found = _CANDIDATES.fullmatch(statement)
    if found is None:
        raise InvalidData(
            f"candidates {statement!r} is not understood: write 'all items', 'items of kind WORD', "
            "'items with a COLUMN' or '1,234 items of FILE and FILE', then 'seen before the cut' if so"
        )
    return CandidateRule(
        has=found["has"],
        kind=found["kind"],
        of=tuple((found["of"] or "").split(" and ")) if found["of"] else (),
        seen_only=found["seen"] is not None,
        count=_whole(found["count"]) if found["count"] else None,
    )


def _filter_history(statement: object) -> tuple[bool, ...]:
    """true, false, "no (…)" or "…; report both"."""
    if isinstance(statement, bool):
        return (statement,)
    text = str(statement)
    if text.startswith("no"):
        return (False, True) if "report both" in text else (False,)
    if text.startswith("report both"):
        return (True, False)
    raise InvalidData(f"filter_history is true, false, 'no …' or 'report both …', got {text!r}")


def _metrics(block: Block) -> tuple[str, ...]:
    if not str(block.get("recall_denominator", "number of")).startswith("number of"):
        raise InvalidData(f"recall is divided by the number of targets, got {block['recall_denominator']!r}")
    if not str(block.get("ndcg_ideal", "min(k")).startswith("min(k"):
        raise InvalidData(f"ndcg_ideal is min(k, …) or said at the metric, got {block['ndcg_ideal']!r}")
    names = []
    for statement in _names(block, "metrics"):
        found = _METRIC.fullmatch(statement)
        if found is None:
            raise InvalidData(f"metric {statement!r} is not understood: write it like HR@10 or NDCG@10")
        names.append(f"{found[1].lower()}@{found[2]}{'_full_ideal' if found[3] else ''}")
    return tuple(names)


def _text(block: Block, key: str) -> str:
    value = block.get(key, "")
    return value if isinstance(value, str) else ""


def _names(block: Block, key: str) -> tuple[str, ...]:
    """A text or a list of texts."""
    value = block.get(key, ())
    return (
        (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, list | tuple) else ()
    )


def _number(block: Block, key: str) -> float:
    value = block.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidData(f"{key} is a moment in epoch seconds, got {value!r}")
    return float(value)


def _mapping(block: Block, key: str) -> Block:
    value = block.get(key)
    if not isinstance(value, dict):
        raise InvalidData(f"the protocol has no part {key!r}, only {list(block)}")
    return value


def _whole(text: str) -> int:
    return int(text.replace(",", ""))
