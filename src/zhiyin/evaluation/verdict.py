"""What an evaluation says, in plain words: also, and first, where a baseline wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zhiyin.evaluation.record import Gain, Leak, Permuted, Section
from zhiyin.models.baselines import TITLES

FEW = 30  # people; an interval over fewer says little about anybody
LEAST = 6  # people; all of five agree by chance once in 16 times, and an interval shows nothing of it


def verdict(metric: str, whole: Section, buckets: Mapping[str, Section]) -> Iterator[str]:
    """Sentences by `metric`: about all people, then about each bucket in which a baseline wins."""
    best = whole.best_peer(metric)
    yield _about_all(metric, whole, best)
    for name in whole.peers:
        if name != best and _wins(name, metric, whole):
            yield _lost(name, metric, whole)
    for name, part in buckets.items():
        best = part.best_peer(metric)
        if part.n_users >= FEW and _wins(best, metric, part):
            yield f"{name.replace('_', ' ')} ({part.n_users:,} people): {_lost(best, metric, part)}"


def _about_all(metric: str, whole: Section, best: str) -> str:
    gain = whole.gains[best][metric]
    ours, theirs = f"{whole.ours[metric]:.4f}", f"{whole.peers[best][metric]:.4f}"
    title = TITLES.get(best, best)
    if whole.n_users < LEAST:
        why = f"{whole.n_users} judged are too few to tell"
    elif gain.high < 0:
        return _lost(best, metric, whole)
    elif gain.low > 0:
        return (
            f"better than every baseline on {metric}: {ours}, the best of them is {title} with {theirs}; the "
            f"interval of the difference {bounds(gain)} is above 0"
        )
    else:
        why = f"the interval of the difference {bounds(gain)} holds 0"
    return f"not shown to be better than {title} on {metric}: {ours} against {theirs}; {why}"


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
    return _lost(best, metric, whole) if _wins(best, metric, whole) else None


def _wins(peer: str, metric: str, part: Section) -> bool:
    return part.n_users >= LEAST and part.gains[peer][metric].high < 0


def _lost(peer: str, metric: str, part: Section) -> str:
    return (
        f"{TITLES.get(peer, peer)} wins on {metric}: {part.peers[peer][metric]:.4f} against our "
        f"{part.ours[metric]:.4f}; the interval of the difference {bounds(part.gains[peer][metric])} is below 0"
    )


def bounds(gain: Gain) -> str:
    """The interval, signed."""
    return f"[{gain.low:+.4f}, {gain.high:+.4f}]"
