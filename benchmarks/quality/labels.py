"""Q10: how well labels are told, few examples and many, and when to say unknown. Writes results/Q10.json.

    python benchmarks/quality/labels.py --data DIR [--cache DIR] [--out FOLDER] [--draws N] [--only PART,PART]

DIR holds banking77, financial_phrasebank and chinese_reviews. Everything is chosen on the examples by held-out
folds; no test text is seen before it is judged. English is read by both encoders that come along or are asked for
by name (use, minilm), Chinese by use alone; words and pieces of words stand beside. Peers, each with its strength
chosen on a tenth of the examples: TF-IDF (Chinese: one to three characters) + logistic regression, each frozen
encoder + logistic regression, nearest centroids. Gains are ours - the best peer, with paired intervals over texts.
--only measures some parts again and keeps the others as they stand in the results.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
import pyarrow.parquet as pq
from run import RESULTS, commit, machine, rounded
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.labels.examples import Example, prepare
from zhiyin.labels.fitting import Way, fit
from zhiyin.labels.model import GRAMS, LabelModel, grams_of, read_texts
from zhiyin.metrics.classes import auroc, macro_f1

SHOTS, STRANGE, FOLDS = 10, 10, 5
STRENGTHS = (1.0, 10.0, 100.0)  # C of the peers
RESAMPLES = 2_000
GOAL = {
    "banking77_full": 0.92,
    "banking77_10shot": 0.85,
    "unknown_auroc": 0.9,
    "phrasebank_gain": 0.0,
    "chinese_gain": 0.0,
}
SETS = {
    "banking77": "splits/train.parquet",
    "financial_phrasebank": "texts.parquet",
    "chinese_reviews": "texts.parquet",
}
NOTE = (
    "banking77: accuracy on all 3,080 test texts, of all 10,003 examples, and of 10 a label (mean of the draws); "
    "public "
    "sentence encoders may have seen this set. unknown_auroc: 10 intents left out of the examples, their test "
    "texts "
    "against those of the others, mean of the draws. Gains: macro F1, ours - the best peer, all folds together; "
    "of "
    "Chinese the smaller one of category and sentiment"
)

Words = np.ndarray  # (n,) of text
Peer = Callable[[Words, Words, Words], Words]  # examples, their labels, texts to be told -> labels


@dataclass(frozen=True, slots=True)
class Found:
    """One number of ours with its interval, and the same of each peer."""

    ours: float
    interval: tuple[float, float]
    peers: Mapping[str, float]
    seconds: float


def main() -> None:
    given = arguments()
    readers = encoders(given.cache)
    both, of_chinese = ({name: readers[name] for name in names} for names in (("use", "minilm"), ("use", "e5")))
    parts: Mapping[str, Callable[[], dict[str, Found]]] = {
        "phrasebank": lambda: {
            "phrasebank_gain": gain(*folded(given.data, "financial_phrasebank", "label"), both)
        },
        "10shot": lambda: {"banking77_10shot": few(given.data, both, given.draws)},
        "full": lambda: {"banking77_full": full(given.data, both)},
        "unknown": lambda: {"unknown_auroc": unknown(given.data, both, given.draws)},
        "chinese": lambda: chinese(given.data, of_chinese),
    }
    path = given.out / "Q10.json"
    kept = orjson.loads(path.read_bytes()) if given.only and path.exists() else None
    for name, measure in parts.items():
        if given.only and name not in given.only.split(","):
            continue
        kept = result_of(measure(), given, kept)
        path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
        print(name, orjson.dumps({"ours": kept["ours"], "peers": kept["peers"]}).decode(), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--draws", type=int, default=5, help="of everything random")
    parser.add_argument("--only", help="full, 10shot, unknown, phrasebank, chinese")
    return parser.parse_args()


def encoders(cache: Path) -> dict[str, Encoder]:
    cache.mkdir(parents=True, exist_ok=True)
    found: dict[str, Encoder] = {
        "use": SentenceEncoder(2),
        "minilm": LanguageEncoder(find_pretrained("minilm", Path()), cache, "float32"),
        "e5": LanguageEncoder(find_pretrained("e5", Path()), cache),
    }
    return {name: CachedEncoder(encoder, cache) for name, encoder in found.items()}


def learned(texts: Words, labels: Words, readers: Mapping[str, Encoder], seed: int) -> LabelModel:
    """As `zhiyin label train` does."""
    data = prepare((Example(text, (label,)) for text, label in zip(texts, labels, strict=True)), multi=False)
    grams = grams_of(data.texts, len(data.names))
    fitted = fit(data, read_texts(data.texts, readers, grams), Way(seed))
    for part in fitted.classifier.parts:
        print(f"  {part.view} {part.kind} {part.strength:g} weight {part.weight:.2f}", flush=True)
    return LabelModel(fitted.classifier, grams if GRAMS in fitted.classifier.views else None, readers, "")


def told(model: LabelModel, texts: Words) -> Words:
    """The likeliest label of each."""
    said = model.say(texts.tolist())
    return np.array(model.classifier.names)[said.probabilities.argmax(axis=1)]


def peers(readers: Mapping[str, Encoder], *, chinese: bool = False) -> dict[str, Peer]:
    """Those whom we want to beat."""
    found: dict[str, Peer] = {"tfidf_lr": lambda *given: tfidf(*given, chinese=chinese)}
    for name, reader in readers.items():
        found[f"{name}_lr"] = lambda texts, labels, asked, reader=reader: tuned(
            reader.encode(texts.tolist()), labels, reader.encode(asked.tolist())
        )
        found[f"{name}_centroid"] = lambda texts, labels, asked, reader=reader: (
            NearestCentroid().fit(reader.encode(texts.tolist()), labels).predict(reader.encode(asked.tolist()))
        )
    return found


def tfidf(texts: Words, labels: Words, asked: Words, *, chinese: bool) -> Words:
    kind = {"analyzer": "char", "ngram_range": (1, 3)} if chinese else {"ngram_range": (1, 2)}
    rows = TfidfVectorizer(sublinear_tf=True, min_df=2 if len(texts) > 2_000 else 1, **kind)
    return tuned(rows.fit_transform(texts), labels, rows.transform(asked))


def tuned(rows: object, labels: Words, asked: object) -> Words:
    """Logistic regression, C by accuracy on a tenth of the examples, then on all of them."""
    order = np.random.default_rng(0).permutation(len(labels))
    test, train = order[: len(order) // 10], order[len(order) // 10 :]
    scores = {c: logistic(rows[train], labels[train], c).score(rows[test], labels[test]) for c in STRENGTHS}
    best = max(STRENGTHS, key=lambda c: scores[c])
    return logistic(rows, labels, best).predict(asked)


def logistic(rows: object, labels: Words, c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=300, tol=1e-3).fit(rows, labels)


def banking(data: Path, part: str) -> tuple[Words, Words]:
    table = pq.read_table(data / "banking77" / "splits" / f"{part}.parquet").to_pydict()
    return np.array(table["text"], object), np.array(table["label"], object)


def full(data: Path, readers: Mapping[str, Encoder]) -> Found:
    """Accuracy of all examples."""
    (texts, labels), (asked, truth) = banking(data, "train"), banking(data, "test")
    began = perf_counter()
    right = told(learned(texts, labels, readers, 0), asked) == truth
    seconds = perf_counter() - began
    others = {name: float((peer(texts, labels, asked) == truth).mean()) for name, peer in peers(readers).items()}
    return Found(float(right.mean()), bounds(lambda rows: right[rows].mean(), len(truth)), others, seconds)


def few(data: Path, readers: Mapping[str, Encoder], draws: int) -> Found:
    """Mean accuracy of draws of SHOTS examples a label."""
    (texts, labels), (asked, truth) = banking(data, "train"), banking(data, "test")
    right: list[np.ndarray] = []
    others: dict[str, list[float]] = {}
    began = perf_counter()
    for seed in range(draws):
        rows = shots(labels, np.random.default_rng(seed))
        right.append(told(learned(texts[rows], labels[rows], readers, seed), asked) == truth)
        for name, peer in peers(readers).items():
            others.setdefault(name, []).append(float((peer(texts[rows], labels[rows], asked) == truth).mean()))
    each = np.mean(right, axis=0)
    means = {name: float(np.mean(values)) for name, values in others.items()}
    interval = bounds(lambda rows: each[rows].mean(), len(truth))
    return Found(float(each.mean()), interval, means, perf_counter() - began)


def shots(labels: Words, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:SHOTS] for label in np.unique(labels)])


def unknown(data: Path, readers: Mapping[str, Encoder], draws: int) -> Found:
    """AUROC of the gate's score, and of the largest probability of frozen encoder + logistic regression."""
    (texts, labels), (asked, truth) = banking(data, "train"), banking(data, "test")
    areas: list[float] = []
    others: list[float] = []
    began = perf_counter()
    for seed in range(draws):
        strange = np.random.default_rng(seed).choice(np.unique(labels), STRANGE, replace=False)
        train, new = ~np.isin(labels, strange), np.isin(truth, strange)
        known = learned(texts[train], labels[train], readers, seed).say(asked.tolist()).known
        areas.append(auroc(known[~new], known[new]))
        reader = readers["minilm"]
        head = logistic(reader.encode(texts[train].tolist()), labels[train], 10.0)
        sure = head.predict_proba(reader.encode(asked.tolist())).max(axis=1)
        others.append(auroc(sure[~new], sure[new]))
    spread = 1.96 * float(np.std(areas, ddof=1)) / draws**0.5 if draws > 1 else 0.0
    mean = float(np.mean(areas))
    return Found(
        mean, (mean - spread, mean + spread), {"minilm_lr": float(np.mean(others))}, perf_counter() - began
    )


def folded(data: Path, name: str, column: str) -> tuple[Words, Words, np.ndarray]:
    table = pq.read_table(data / name / "texts.parquet").to_pydict()
    labels = [str(label) for label in table[column]]
    return np.array(table["text"], object), np.array(labels, object), np.array(table["fold"])


def chinese(data: Path, readers: Mapping[str, Encoder]) -> dict[str, Found]:
    """Both questions; the smaller gain is the one that counts."""
    found = {
        column: gain(*folded(data, "chinese_reviews", column), readers, chinese=True)
        for column in ("category", "label")
    }
    smaller = min(found.values(), key=lambda one: one.ours)
    return {
        "chinese_gain": smaller,
        "chinese_category_gain": found["category"],
        "chinese_sentiment_gain": found["label"],
    }


def gain(
    texts: Words, labels: Words, folds: np.ndarray, readers: Mapping[str, Encoder], *, chinese: bool = False
) -> Found:
    """Macro F1 of all folds together, ours - the best peer's."""
    ours, asked = np.empty(len(texts), object), peers(readers, chinese=chinese)
    theirs = {name: np.empty(len(texts), object) for name in asked}
    began = perf_counter()
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        ours[test] = told(learned(texts[train], labels[train], readers, fold), texts[test])
        for name, peer in asked.items():
            theirs[name][test] = peer(texts[train], labels[train], texts[test])
    names = np.unique(labels)
    scored = {name: scored_f1(said, labels, names) for name, said in theirs.items()}
    best = max(scored, key=lambda name: scored[name])

    def difference(rows: np.ndarray) -> float:
        truth = labels[rows]
        return scored_f1(ours[rows], truth, names) - scored_f1(theirs[best][rows], truth, names)

    everyone = np.arange(len(labels))
    beside = {**scored, "ours": scored_f1(ours, labels, names)}
    return Found(difference(everyone), bounds(difference, len(labels)), beside, perf_counter() - began)


def scored_f1(said: Words, truth: Words, names: Words) -> float:
    return macro_f1(said[:, None] == names, truth[:, None] == names)


def bounds(value: Callable[[np.ndarray], float], n: int) -> tuple[float, float]:
    """The 95 % bootstrap interval over texts."""
    rng = np.random.default_rng(0)
    draws = [value(rng.integers(n, size=n)) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def result_of(found: Mapping[str, Found], given: argparse.Namespace, kept: dict | None) -> dict[str, object]:
    """What was measured now in place of what was measured before."""
    before = kept or {"ours": {}, "interval": {}, "peers": {}, "seconds": {}}
    ours = {**before["ours"], **rounded({name: one.ours for name, one in found.items()})}
    interval = {
        **before["interval"],
        **{name: [round(bound, 5) for bound in one.interval] for name, one in found.items()},
    }
    beside = {name: dict(numbers) for name, numbers in before["peers"].items()}
    for name, one in found.items():
        for peer, value in one.peers.items():
            beside.setdefault(peer if not name.endswith("gain") else f"{peer}_macro_f1", {})[name] = round(
                value, 5
            )
    order = [key for key in (*GOAL, *ours) if key in ours]
    digest = sha256(b"".join((given.data / name / path).read_bytes() for name, path in SETS.items()))
    return {
        "id": "Q10",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": digest.hexdigest()[:16],
        "recipe": "labels: use + minilm (Chinese: use + e5) + words and pieces of words",
        "ours": {key: ours[key] for key in dict.fromkeys(order)},
        "interval": interval,
        "peers": beside,
        "goal": GOAL,
        "met": all(key in ours and _reached(key, ours, interval) for key in GOAL),
        "seconds": {**before["seconds"], **{name: round(one.seconds, 1) for name, one in found.items()}},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": given.draws,
        "note": NOTE,
    }


def _reached(key: str, ours: Mapping[str, float], interval: Mapping[str, Sequence[float]]) -> bool:
    """A gain must exclude zero."""
    return interval[key][0] > 0 if key.endswith("gain") else ours[key] >= GOAL[key]


if __name__ == "__main__":
    main()
