"""What was measured: the noun that `zhiyin evaluate` writes and `zhiyin publish` reads.

As JSON it is a results file (ours, interval, peers, seconds, …) with more beside. Attached to a bundle it lies
in the bundle's folder as evaluation.json: no part of the bundle's digest, but it names the bundle it measured.
No number in it is that of a single person; those are `standings`, in a file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import orjson
from pydantic import TypeAdapter, ValidationError

from zhiyin.bundle import SHORT
from zhiyin.errors import BrokenBundle, InvalidData
from zhiyin.files import appearing
from zhiyin.ranking.fusion import AGAIN, BLANK_KIND, BUCKETS, KIND_NAMES, KINDS, OWN_KIND, Fusion

FORMAT = 3
FILE = "evaluation.json"

Numbers = Mapping[str, float]  # by metric
Bounds = tuple[float, float]  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Gain:
    """ours - theirs over the same people, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Our mean in a bucket - our mean outside of it, with its 95 % interval."""

    value: float
    low: float
    high: float
    paired: bool  # within the same people, else between people


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which the answers are known."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Permuted:
    """What texts say of items hidden from fitting: with their own texts, and with those of other items.

    Gains are over a list at random among the hidden items. With the texts of others nothing can be known, so what
    is left is a leak; its interval is over the permutations.
    """

    metric: str
    n_permutations: int
    n_items: int  # hidden
    n_users: int
    own: Mapping[str, Gain]  # ours, and each channel that reads
    others: Mapping[str, Gain]
    warm: Gain  # of reading the texts of others, on items fitted on, where a text serves as a name: no leak
    vanishes: bool  # no interval of `others` lies above 0


@dataclass(frozen=True, slots=True)
class Section:
    """Some of the people, or some of their targets: how we and the others did there."""

    n_users: int
    ours: Numbers
    interval: Mapping[str, Bounds]
    peers: Mapping[str, Numbers]
    gains: Mapping[str, Mapping[str, Gain]]  # by peer, by metric

    def best_peer(self, metric: str) -> str:
        """The baseline with the highest value; the first of equals."""
        return max(self.peers, key=lambda name: self.peers[name][metric])


@dataclass(frozen=True, slots=True)
class Gates:
    """What each channel's standardised score was multiplied with, in the fit that was measured."""

    learned: bool
    histories: tuple[int, ...]  # H, the shortest history of each bucket
    kinds: tuple[str, ...]  # K kinds of items
    channels: Mapping[str, tuple[tuple[float, ...], ...]]  # (H, K) by channel

    @classmethod
    def of(cls, fusion: Fusion) -> Self:
        """Without the kinds that nothing is: where people take nothing again, where everything has a text."""
        absent = {OWN_KIND: AGAIN not in fusion.channels, BLANK_KIND: BLANK_KIND not in fusion.kind}
        kinds = [kind for kind in range(KINDS) if not absent.get(kind, False)]
        gates = fusion.gates[:, :, kinds].astype(float).round(4).tolist()
        by_channel = {
            name: tuple(tuple(row) for row in rows) for name, rows in zip(fusion.channels, gates, strict=True)
        }
        return cls(fusion.learned, BUCKETS, tuple(KIND_NAMES[kind] for kind in kinds), by_channel)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: enough to see whether two evaluations speak of the same."""

    rule: str
    words: str
    split: str  # digest of what was fitted on, of who was asked and of what they wanted
    fit: str  # strict | refit
    history_filtered: bool
    n_users: int
    n_targets: int
    n_candidates: int
    n_fit_events: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured of one recipe on one question."""

    format: int
    shop: str  # its name, or that of the data folder
    bundle: str  # the bundle this was measured for; "" for a recipe on a data folder
    recipe: Mapping[str, object]
    seed: int
    question: Question
    main: str  # the metric that decides
    reported: tuple[str, ...]  # the metrics of a short table
    whole: Section
    buckets: Mapping[str, Section]
    gaps: Mapping[str, Gap]  # by bucket, of `main`
    cold: Mapping[str, Section]  # carved apart: cold items, new people with 1, 3, 5 events
    channels: Mapping[str, Numbers]  # each alone
    without: Mapping[str, Numbers]  # the sum without it
    worth: Mapping[str, Gain]  # by channel, of `main`: all of them - the sum without it, over the same people
    gates: Gates
    online: float | None  # share of the exact first 10 that the two-stage path finds
    stars: Section | None  # errors of predicted ratings, where what was wanted carries one
    refused: tuple[Leak, ...]  # with any of these the numbers are worth nothing
    warnings: tuple[Leak, ...]
    permuted: Permuted | None  # where it was asked for
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]  # of what was measured with, and the encoder's fingerprint
    resamples: int
    alone: Mapping[str, Gain] = field(default_factory=dict)  # by channel, of `main`: all of them - it alone

    def to_json(self) -> bytes:
        """The layout of a results file."""
        whole, rest = asdict(self.whole), asdict(self)
        del rest["whole"]
        return orjson.dumps(whole | rest, option=orjson.OPT_INDENT_2)

    @classmethod
    def of_json(cls, text: bytes) -> Evaluation:
        """Raises InvalidData if it is none."""
        try:
            raw = orjson.loads(text)
            if not isinstance(raw, dict):
                raise InvalidData(f"an evaluation is an object, got {type(raw).__name__}")
            whole = {name: raw.pop(name, None) for name in Section.__dataclass_fields__}
            return _ADAPTER.validate_python({**raw, "whole": whole})
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise InvalidData(f"this is no evaluation: {error}") from error


_ADAPTER = TypeAdapter(Evaluation)


def split_name(name: str) -> tuple[str, str]:
    """A measure and its places: ndcg@10_full_ideal is (ndcg_full_ideal, 10), auc is (auc, "")."""
    head, _, tail = name.partition("@")
    k, _, rest = tail.partition("_")
    return (f"{head}_{rest}" if rest else head), k


def attach(folder: Path, evaluation: Evaluation) -> Path:
    """Into the folder of the bundle it measured; it appears whole or not at all."""
    target = folder / evaluation.bundle / FILE
    with appearing(target) as draft:
        draft.write_bytes(evaluation.to_json())
    return target


def attached(folder: Path, bundle: str) -> Evaluation | None:
    """The evaluation of a bundle (its full name), None if it has none.

    Raises BrokenBundle if what lies there is no evaluation, or that of another bundle.
    """
    path = folder / bundle / FILE
    if not path.is_file():
        return None
    cure = f"zhiyin evaluate {bundle[:SHORT]} measures again"
    try:
        found = Evaluation.of_json(path.read_bytes())
    except InvalidData as error:
        raise BrokenBundle(f"{FILE} of bundle {bundle[:SHORT]} cannot be read: {cure}") from error
    if found.format != FORMAT or found.bundle != bundle:
        raise BrokenBundle(
            f"{FILE} in bundle {bundle[:SHORT]} measured bundle {found.bundle[:SHORT] or '(none)'}, format "
            f"{found.format}: {cure}"
        )
    return found
