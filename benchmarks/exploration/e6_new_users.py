"""E6: what the first ratings of somebody new tell of all their others: MovieLens 100K, k = 1 … 10.

    python benchmarks/exploration/e6_new_users.py --data DIR [--cache DIR]   # writes results/E6.json

Goal: at each k NDCG@10 not below item means nor a ridge of each person's own, and a smaller RMSE at k ≤ 3. People
are dealt into five parts; each is new once, with three others to learn from and one to choose settings on, which
rates nothing else. The first k ratings are given, those from the 11th on are asked, the same for every k.

Ours is the belief of zhiyin.policies: items start from what their texts foretell and know what was rated, people
start from N(m, S), learned of the others by EM, along 16 or 64 whitened axes of the language model and one of
generosity. Beside it the same without language, and with the texts of other films.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from _result import Goal, rounded, write

from zhiyin.data.dataset import Doubles
from zhiyin.data.folders import read_events, read_items
from zhiyin.encoders.base import encode_items
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.metrics.intervals import Interval, difference, relative_gain, resampled_means
from zhiyin.policies.belief import Items, person_of
from zhiyin.policies.fitting import Outcomes, fit_prior
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.whitening import Whitening

PARTS, KS, FEW, AT = 5, range(1, 11), 3, 10
SHARES = (0.3, 0.5, 1.0)  # of an outcome that a rating of somebody new counts
GENEROUS = 0.2  # variance of a person's own bias over that of a rating, for ridge
OURS, BASELINES = "ours", ("item mean", "ridge")
BESIDE = ("item mean and person", "no language", "texts of others")
Predict = Callable[[np.ndarray, Doubles, np.ndarray], Doubles]  # given rows, their ratings, asked rows


@dataclass(frozen=True, slots=True)
class People:
    """Ratings in the order in which they were given."""

    rows: list[np.ndarray]  # of items
    ratings: list[Doubles]
    n_items: int

    def all_of(self, people: np.ndarray) -> tuple[np.ndarray, np.ndarray, Doubles]:
        """(E,) who, what, how."""
        who = np.repeat(np.arange(len(people)), [len(self.rows[person]) for person in people]).astype(np.int32)
        rows = np.concatenate([self.rows[person] for person in people])
        return who, rows, np.concatenate([self.ratings[person] for person in people])


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each person and k: (U, KS)."""

    rmse: Doubles  # of each person, as `rmse` of zhiyin.metrics.stars
    squares: Doubles  # sums of squared errors
    asked: Doubles  # ratings
    ndcg: Doubles  # gain 2^rating − 1
    linear: Doubles  # gain rating

    @property
    def pooled(self) -> Doubles:
        """(KS,) RMSE over all ratings, in which those who rate most count most."""
        return np.sqrt(self.squares.sum(axis=0) / self.asked.sum(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    given, started = parser.parse_args(), perf_counter()
    people, vectors = loaded(given.data / "ml100k", given.cache)
    parts = np.random.default_rng(100).permutation(len(people.rows)) % PARTS
    judged: dict[str, list[Judged]] = {}
    for part in range(PARTS):
        choosing = (part + 1) % PARTS
        learned = np.flatnonzero((parts != part) & (parts != choosing))
        for name, settings in systems(people, learned, vectors).items():
            made = {told: make() for told, make in settings.items()}
            on = {told: judge(people, np.flatnonzero(parts == choosing), one) for told, one in made.items()}
            best = min(on, key=lambda told: float(on[told].rmse.mean()))
            found = judge(people, np.flatnonzero(parts == part), made[best])
            judged.setdefault(name, []).append(found)
            print(part, name, best, "rmse", found.rmse.mean(axis=0)[[0, 2, 9]].round(4), flush=True)
    whole = {name: joined(of) for name, of in judged.items()}
    tell(whole, given.data / "ml100k", perf_counter() - started)


def loaded(folder: Path, cache: Path) -> tuple[People, Doubles]:
    """The ratings of each person, and the vectors of the films."""
    items = read_items(folder)
    row_of = {item.item_id: row for row, item in enumerate(items)}
    found: dict[str, list[tuple[int, int, float]]] = {}
    for event in read_events(folder, implicit=False):
        found.setdefault(event.user_id, []).append((event.order or 0, row_of[event.item_id], event.value or 0.0))
    ordered = [sorted(found[name]) for name in sorted(found)]
    rows = [np.array([row for _, row, _ in one], np.int32) for one in ordered]
    ratings = [np.array([value for *_, value in one]) for one in ordered]
    vectors = encode_items(CachedEncoder(SentenceEncoder(threads=1), cache), items)
    return People(rows, ratings, len(items)), vectors


def systems(
    people: People, learned: np.ndarray, vectors: Doubles
) -> Mapping[str, Mapping[str, Callable[[], Predict]]]:
    """Every system by its settings; from whom it may learn."""
    who, rows, ratings = people.all_of(learned)
    usual, n = float(ratings.mean()), np.bincount(rows, minlength=people.n_items)
    sums = np.bincount(rows, ratings - usual, minlength=people.n_items)
    z = {dim: _with_bias(Whitening.of(vectors, dim)(vectors)) for dim in (16, 64)}
    bias = {shrunk: usual + sums / (n + shrunk) for shrunk in (1, 3, 10)}
    outcomes = Outcomes(who, rows, np.ones((len(rows), 1)), ratings)
    others = np.random.default_rng(0).permutation(people.n_items)
    return {
        OURS: {name: made for dim in z for name, made in believers(outcomes, z[dim]).items()},
        "item mean": {f"{shrunk}": lambda shrunk=shrunk: mean_of(bias[shrunk], None) for shrunk in bias},
        "item mean and person": {
            f"{shrunk}, {own}": lambda shrunk=shrunk, own=own: mean_of(bias[shrunk], own)
            for shrunk, own in product(bias, (3.0, 5.0, 10.0))
        },
        "ridge": {
            f"{dim} axes, {strength}": lambda dim=dim, strength=strength: ridge(bias[3], z[dim], strength)
            for dim, strength in product(z, (10.0, 30.0, 100.0, 300.0))
        },
        "no language": believers(outcomes, np.ones((people.n_items, 1))),
        "texts of others": {name: made for dim in z for name, made in believers(outcomes, z[dim][others]).items()},
    }


def believers(outcomes: Outcomes, z: Doubles) -> dict[str, Callable[[], Predict]]:
    """Our belief, prior and items from those who were there before, by how much each rating of somebody new
    counts: the first few are given in one sitting, and tell less of the rest than as many of them all."""
    kinds = np.zeros(len(z), np.int32)
    fitted = fit_prior(outcomes, z, kinds)
    base = float(fitted.base[0])
    rests, alike = outcomes.rewards - base, np.ones(len(outcomes.rewards))
    items = Items.unseen(fitted.prior, z, kinds).seen_all(outcomes.items, rests, alike)
    return {
        f"{z.shape[1]} numbers, {share}": lambda share=share: believing(items, base, share) for share in SHARES
    }


def believing(items: Items, base: float, share: float) -> Predict:
    """The person from their own ratings."""

    def predict(given: np.ndarray, ratings: Doubles, asked: np.ndarray) -> Doubles:
        person = person_of(items, given, ratings - base, np.full(len(given), share))
        believed = items.for_person(person, asked)
        return base + believed.item + believed.person

    return predict


def mean_of(usual: Doubles, own: float | None) -> Predict:
    """(I,) usual ratings; with what the person gives beyond them, shrunken as by `own` ratings of 0 more."""

    def predict(given: np.ndarray, ratings: Doubles, asked: np.ndarray) -> Doubles:
        beyond = 0.0 if own is None else float((ratings - usual[given]).sum()) / (len(given) + own)
        return usual[asked] + beyond

    return predict


def ridge(usual: Doubles, z: Doubles, strength: float) -> Predict:
    """Each person by themselves around (I,) usual ratings: all axes shrunken alike, but for the person's bias."""
    first = np.full(z.shape[1], 1.0 / strength)
    first[-1] = GENEROUS
    prior = Gaussian(np.zeros(len(first)), np.diag(first))

    def predict(given: np.ndarray, ratings: Doubles, asked: np.ndarray) -> Doubles:
        person = prior.updated_by_all(z[given], ratings - usual[given], np.ones(len(given)))
        return usual[asked] + person.expected(z[asked])

    return predict


def judge(people: People, who: np.ndarray, predict: Predict) -> Judged:
    """Everybody who was not learned from, with each number of ratings given."""
    out = np.zeros((5, len(who), len(KS)))
    for at, person in enumerate(who.tolist()):
        rows, ratings = people.rows[person], people.ratings[person]
        wanted = ratings[KS[-1] :]
        for column, k in enumerate(KS):
            said = predict(rows[:k], ratings[:k], rows[KS[-1] :])
            error = float(((np.clip(said, 1.0, 5.0) - wanted) ** 2).sum())
            gains = ndcg(said, 2.0**wanted - 1.0), ndcg(said, wanted)
            out[:, at, column] = np.sqrt(error / len(wanted)), error, len(wanted), *gains
    return Judged(*out)


def ndcg(said: Doubles, gains: Doubles) -> float:
    """NDCG@10 of a person's rated films; the ideal are their own best ten."""
    discount = 1.0 / np.log2(np.arange(2, AT + 2))
    shown = gains[np.argsort(-said, kind="stable")[:AT]]
    best = np.sort(gains)[::-1][:AT]
    return float((shown * discount[: len(shown)]).sum() / (best * discount[: len(best)]).sum())


def tell(whole: Mapping[str, Judged], folder: Path, seconds: float) -> None:
    found = gains(whole)
    hardest = {
        kind: min((key for key in found if key[0] == kind and key[1] <= last and key[2] in BASELINES),
                  key=lambda key: found[key].value if kind == "ndcg@10" else found[key].low)
        for kind, last in (("ndcg@10", KS[-1]), ("rmse", FEW), ("mean_rmse", FEW))
    }  # fmt: skip
    ours = {
        "min_gain_over_best_baseline": found[hardest["ndcg@10"]].value,
        "rmse_gain_few": found[hardest["rmse"]].low,
        "mean_rmse_gain_few": found[hardest["mean_rmse"]].low,
        **numbers(whole[OURS]),
    }
    names = dict(zip(ours, hardest.values(), strict=False))
    where = "; ".join(f"{name}: {key[2]}, k = {key[1]}" for name, key in names.items())
    told = {
        "data": sha256((folder / "events.parquet").read_bytes()).hexdigest()[:16],
        "interval": {name: bounds(found[key]) for name, key in names.items()},
        "gains": {f"{kind} k{k} {name}": bounds(one) for (kind, k, name), one in found.items()},
        "seconds": {"total": round(seconds, 1)},
        "runs": PARTS,
        "note": f"{len(whole[OURS].asked)} people, each new once; min_gain: the smallest relative gain in NDCG@10 "
        f"(2^rating − 1) over item mean and ridge at any k; gains in RMSE: the smallest lower end at k ≤ {FEW}, "
        f"over all ratings, and (mean_rmse) of the mean over people; smallest against {where}; linear: NDCG of "
        "the ratings",
    }
    goal = {"min_gain_over_best_baseline": Goal(0.0, "at least"), "rmse_gain_few": Goal(0.0, "at least")}
    write("E6", ours, goal, {name: _rounded(numbers(whole[name])) for name in (*BASELINES, *BESIDE)}, told)


def gains(whole: Mapping[str, Judged]) -> dict[tuple[str, int, str], Interval]:
    """Of each metric, k and system beside: relative in NDCG, by how much ours is smaller in RMSE."""
    rng, ours = np.random.default_rng(0), whole[OURS]
    found = {}
    for (at, k), name in product(enumerate(KS), (*BASELINES, *BESIDE)):
        theirs = whole[name]
        found["ndcg@10", k, name] = relative_gain(ours.ndcg[:, at], theirs.ndcg[:, at], rng)
        found["rmse", k, name] = rmse_gain(ours, theirs, at, rng)
        found["mean_rmse", k, name] = difference(theirs.rmse[:, at], ours.rmse[:, at], rng)
    return found


def rmse_gain(ours: Judged, theirs: Judged, at: int, rng: np.random.Generator) -> Interval:
    """How much smaller our RMSE over all ratings is, people drawn with replacement."""
    sums = np.stack([theirs.squares[:, at], ours.squares[:, at], ours.asked[:, at]], axis=1)
    draws = resampled_means(sums, rng)
    gain = np.sqrt(draws[:, 0] / draws[:, 2]) - np.sqrt(draws[:, 1] / draws[:, 2])
    low, high = np.quantile(gain, [0.025, 0.975])
    return Interval(float(theirs.pooled[at] - ours.pooled[at]), float(low), float(high))


def numbers(judged: Judged) -> dict[str, float]:
    means = {"ndcg@10": judged.ndcg, "linear": judged.linear, "mean_rmse": judged.rmse}
    kinds = {name: of.mean(axis=0) for name, of in means.items()} | {"rmse": judged.pooled}
    return {f"{kind}_k{k}": float(of[at]) for kind, of in kinds.items() for at, k in enumerate(KS)}


def joined(parts: list[Judged]) -> Judged:
    names = ("rmse", "squares", "asked", "ndcg", "linear")
    return Judged(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def bounds(one: Interval) -> list[float]:
    return [rounded(one.low), rounded(one.high)]


def _rounded(found: Mapping[str, float]) -> dict[str, float]:
    return {name: rounded(value) for name, value in found.items()}


def _with_bias(z: Doubles) -> Doubles:
    return np.c_[z, np.ones(len(z))]


if __name__ == "__main__":
    main()
