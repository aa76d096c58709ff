"""What an evaluation says, in plain words: also, and first, where a baseline wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zhiyin.evaluation.record import Gain, Leak, Permuted, Section
from zhiyin.models.baselines import TITLES

FEW = 30  # people; an interval over fewer says little about anybody


def verdict(metric: str, whole: Section, buckets: Mapping[str, Section]) -> Iterator[str]:
    """Sentences by `metric`: about all people, then about each bucket in which a baseline wins."""
    best = whole.best_peer(metric)
    gain = whole.gains[best][metric]
    if gain.high < 0:
        yield _wins(best, metric, whole)
    elif gain.low > 0:
        yield (
            f"better than every baseline on {metric}: {whole.ours[metric]:.4f}, the best of them is "
            f"{TITLES.get(best, best)} with {whole.peers[best][metric]:.4f}; the interval of the difference "
            f"{bounds(gain)} is above 0"
        )
    else:
        yield (
            f"not shown to be better than {TITLES.get(best, best)} on {metric}: {whole.ours[metric]:.4f} against "
            f"{whole.peers[best][metric]:.4f}; the interval of the difference {bounds(gain)} holds 0"
        )
    for name in whole.peers:
        if name != best and whole.gains[name][metric].high < 0:
            yield _wins(name, metric, whole)
    for name, part in buckets.items():
        if part.n_users < FEW:
            continue
        best = part.best_peer(metric)
        if part.gains[best][metric].high < 0:
            yield f"{name.replace('_', ' ')} ({part.n_users:,} people): {_wins(best, metric, part)}"


def permutation(found: Permuted) -> str:
    """What the permutation test says."""
    others = "; ".join(f"{name} {bounds(gain)}" for name, gain in found.others.items())
    about = (
        f"with the texts of other items, gains on {found.n_items:,} hidden items in {found.metric} over "
        f"{found.n_permutations} permutations: {others}"
    )
    if found.vanishes:
        return f"the permutation test is passed: {about}"
    return f"the permutation test fails, something but the text tells of new items: {about}"


def doubts(found: Permuted | None) -> tuple[Leak, ...]:
    """A warning where the permutation test fails: one sound test in twenty fails by chance."""
    return () if found is None or found.vanishes else (Leak("permutation_test", permutation(found)),)


def loses(metric: str, whole: Section) -> str | None:
    """The sentence about the best baseline, if it wins."""
    best = whole.best_peer(metric)
    return _wins(best, metric, whole) if whole.gains[best][metric].high < 0 else None


def _wins(peer: str, metric: str, part: Section) -> str:
    return (
        f"{TITLES.get(peer, peer)} wins on {metric}: {part.peers[peer][metric]:.4f} against our "
        f"{part.ours[metric]:.4f}; the interval of the difference {bounds(part.gains[peer][metric])} is below 0"
    )


def bounds(gain: Gain) -> str:
    """The interval, signed."""
    return f"[{gain.low:+.4f}, {gain.high:+.4f}]"
